use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::WorkflowTask;
use super::lenient::{self, Words};
use crate::words::Map;

/// A workflow: what to do, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowDef {
    /// The name that people, schedules and other workflows use.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub description: Option<String>,
    /// The version, from 1.
    #[serde(default = "lenient::one", deserialize_with = "lenient::integer_or_one")]
    pub version: i32,
    /// The tasks, in order.
    #[serde(deserialize_with = "lenient::or_default")]
    pub tasks: Vec<WorkflowTask>,
    /// The names of the inputs; documentation, and the fields of forms.
    #[serde(deserialize_with = "lenient::texts")]
    pub input_parameters: Vec<String>,
    /// What the execution gives, with expressions.
    #[serde(deserialize_with = "lenient::or_default")]
    pub output_parameters: Map,
    /// The workflow that starts when this one fails.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub failure_workflow: Option<String>,
    /// The version of [`WorkflowDef::failure_workflow`].
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_i32")]
    pub failure_workflow_version: Option<i32>,
    /// Always 2.
    #[serde(default = "lenient::two", deserialize_with = "lenient::integer_or_two")]
    pub schema_version: i32,
    /// Whether an ended execution may be restarted.
    #[serde(default = "lenient::yes", deserialize_with = "lenient::flag")]
    pub restartable: bool,
    /// Kept for Conductor.
    #[serde(deserialize_with = "lenient::flag")]
    pub workflow_status_listener_enabled: bool,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub workflow_status_listener_sink: Option<String>,
    /// Whom to ask.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub owner_email: Option<String>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub owner_app: Option<String>,
    /// What happens when [`WorkflowDef::timeout_seconds`] have passed.
    #[serde(deserialize_with = "lenient::word")]
    pub timeout_policy: WorkflowTimeoutPolicy,
    /// How long an execution may take, in seconds; 0: as long as it likes.
    #[serde(deserialize_with = "lenient::integer")]
    pub timeout_seconds: i64,
    /// The variables an execution starts with, verbatim.
    #[serde(deserialize_with = "lenient::or_default")]
    pub variables: Map,
    /// Inputs for keys that a start request leaves out.
    #[serde(deserialize_with = "lenient::or_default")]
    pub input_template: Map,
    /// How many executions may run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit_config: Option<Value>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Kept for Conductor.
    #[serde(default = "lenient::yes", deserialize_with = "lenient::flag")]
    pub enforce_schema: bool,
    /// Kept for Conductor.
    #[serde(deserialize_with = "lenient::or_default")]
    pub metadata: Map,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_config: Option<Value>,
    /// Fields of inputs and outputs that every view shows as `***`.
    #[serde(deserialize_with = "lenient::texts")]
    pub masked_fields: Vec<String>,
    /// Schedules beside the workflow (ours).
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<Map>,
    /// When it was made, ms.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_integer")]
    pub create_time: Option<i64>,
    /// When it was changed, ms.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_integer")]
    pub update_time: Option<i64>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub created_by: Option<String>,
    /// Who changed it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub updated_by: Option<String>,
}

impl WorkflowDef {
    /// Returns how many seconds an execution may take, and whether it goes on after them.
    pub fn own_timeout(&self) -> (Option<u64>, bool) {
        let seconds = u64::try_from(self.timeout_seconds).ok().filter(|seconds| *seconds > 0);
        (seconds, seconds.is_some() && self.timeout_policy == WorkflowTimeoutPolicy::AlertOnly)
    }

    /// Returns the key of the limit, as it is written, and how many executions with one value of it may run at once.
    pub fn concurrent_limit(&self) -> Option<(String, usize)> {
        let config = self.rate_limit_config.as_ref()?;
        let limit = lenient::integer(config.get("concurrentExecLimit")?).ok()?;
        let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0)?;
        Some((config.get("rateLimitKey").and_then(lenient::as_text).unwrap_or_default(), limit))
    }
}

/// What happens when a workflow's time has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WorkflowTimeoutPolicy {
    /// It ends as TIMED_OUT.
    TimeOutWf,
    /// It is only reported.
    #[default]
    AlertOnly,
}

impl Words for WorkflowTimeoutPolicy {
    const WORDS: &'static [&'static str] = &["TIME_OUT_WF", "ALERT_ONLY"];
}
