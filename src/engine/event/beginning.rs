use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::family::{Chain, Parent};
use crate::words::{Begun, Payload, Timestamp, journaled};

/// How an execution began.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Beginning {
    /// What it takes, in stored form.
    #[serde(with = "journaled")]
    pub input: Payload,
    /// The variables it starts with.
    #[serde(with = "journaled")]
    pub variables: Payload,
    /// The caller's name for what belongs together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// 0 to 99.
    pub priority: i32,
    /// Who started it.
    pub started_by: String,
    /// The schedule and the due time of the slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<(String, Timestamp)>,
    /// The workers' domains by task name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub task_to_domain: BTreeMap<String, String>,
    /// The timeout in force, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// When it has taken too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// Whether passing the deadline only makes it overdue.
    #[serde(default)]
    pub alert_only: bool,
    /// The run that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// The workflows that started each other up to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Chain>,
    /// The event that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The key under which it was started once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The trace that its caller began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Begun>,
}
