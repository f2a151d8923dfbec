use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{WorkflowDef, lenient};
use crate::words::{Begun, Map};

/// A request to start a workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StartWorkflowRequest {
    /// The workflow.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// Its version; the latest where absent. The Orkes UI sends `""`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_i32")]
    pub version: Option<i32>,
    /// A name of the caller's for what belongs together.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub correlation_id: Option<String>,
    /// What the workflow takes.
    #[serde(deserialize_with = "lenient::or_default")]
    pub input: Map,
    /// Which workers get which task.
    #[serde(deserialize_with = "lenient::without_nulls", skip_serializing_if = "BTreeMap::is_empty")]
    pub task_to_domain: BTreeMap<String, String>,
    /// A definition of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_def: Option<Box<WorkflowDef>>,
    /// 0 to 99.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_i32")]
    pub priority: Option<i32>,
    /// Who starts it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub created_by: Option<String>,
    /// One start per key.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub idempotency_key: Option<String>,
    /// What a second start with the key does.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub idempotency_strategy: Option<String>,
    /// The trace that the caller began; it comes beside the request, and no document has it.
    #[serde(skip)]
    pub begun: Option<Begun>,
}
