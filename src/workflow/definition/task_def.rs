use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::lenient::{self, Words};
use crate::words::Map;

/// How tasks of a name behave: retries, timeouts, limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskDef {
    /// The name of the tasks it is about.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// What they are for.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub description: Option<String>,
    /// How often a failed attempt is followed by another.
    #[serde(deserialize_with = "lenient::integer_32")]
    pub retry_count: i32,
    /// How long an attempt may take once started, in seconds; 0: as long as it likes.
    #[serde(deserialize_with = "lenient::integer")]
    pub timeout_seconds: i64,
    /// Documentation.
    #[serde(deserialize_with = "lenient::texts")]
    pub input_keys: Vec<String>,
    /// Documentation.
    #[serde(deserialize_with = "lenient::texts")]
    pub output_keys: Vec<String>,
    /// Names of secrets that a worker gets with the task and that are never kept.
    #[serde(deserialize_with = "lenient::texts", skip_serializing_if = "Vec::is_empty")]
    pub runtime_metadata: Vec<String>,
    /// What happens when the time has passed.
    #[serde(deserialize_with = "lenient::word")]
    pub timeout_policy: TaskTimeoutPolicy,
    /// How the delay before a retry grows.
    #[serde(deserialize_with = "lenient::word")]
    pub retry_logic: RetryLogic,
    /// The delay before a retry, in seconds.
    #[serde(deserialize_with = "lenient::integer")]
    pub retry_delay_seconds: i64,
    /// How long a worker may be silent, in seconds; 0: as long as it likes.
    #[serde(deserialize_with = "lenient::integer_or_hour")]
    pub response_timeout_seconds: i64,
    /// How many may run at once; absent or 0: any number.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_i32")]
    pub concurrent_exec_limit: Option<i32>,
    /// Inputs for keys that the task leaves out.
    #[serde(deserialize_with = "lenient::or_default")]
    pub input_template: Map,
    /// How many may start in [`TaskDef::rate_limit_frequency_in_seconds`]; 0: any number.
    #[serde(deserialize_with = "lenient::integer")]
    pub rate_limit_per_frequency: i64,
    /// The length of the rate limit's window, in seconds.
    #[serde(deserialize_with = "lenient::integer_or_one_long")]
    pub rate_limit_frequency_in_seconds: i64,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub isolation_group_id: Option<String>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub execution_name_space: Option<String>,
    /// Whom to ask.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub owner_email: Option<String>,
    /// How long it may wait for a worker, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_integer")]
    pub poll_timeout_seconds: Option<i64>,
    /// What LINEAR_BACKOFF multiplies with.
    #[serde(deserialize_with = "lenient::integer_or_one_long")]
    pub backoff_scale_factor: i64,
    /// The longest delay before a retry, in seconds; 0: no cap.
    #[serde(deserialize_with = "lenient::integer")]
    pub max_retry_delay_seconds: i64,
    /// A random part of the delay, in milliseconds.
    #[serde(deserialize_with = "lenient::integer")]
    pub backoff_jitter_ms: i64,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub base_type: Option<String>,
    /// How long all attempts together may take, in seconds; 0: as long as they like.
    #[serde(deserialize_with = "lenient::integer")]
    pub total_timeout_seconds: i64,
    /// Kept for Conductor.
    #[serde(default = "lenient::yes", deserialize_with = "lenient::flag")]
    pub task_status_listener_enabled: bool,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Kept for Conductor.
    #[serde(deserialize_with = "lenient::flag")]
    pub enforce_schema: bool,
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

impl Default for TaskDef {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: None,
            retry_count: 3,
            timeout_seconds: 0,
            input_keys: Vec::new(),
            output_keys: Vec::new(),
            runtime_metadata: Vec::new(),
            timeout_policy: TaskTimeoutPolicy::default(),
            retry_logic: RetryLogic::default(),
            retry_delay_seconds: 60,
            response_timeout_seconds: 3600,
            concurrent_exec_limit: None,
            input_template: Map::new(),
            rate_limit_per_frequency: 0,
            rate_limit_frequency_in_seconds: 1,
            isolation_group_id: None,
            execution_name_space: None,
            owner_email: None,
            poll_timeout_seconds: None,
            backoff_scale_factor: 1,
            max_retry_delay_seconds: 0,
            backoff_jitter_ms: 0,
            base_type: None,
            total_timeout_seconds: 0,
            task_status_listener_enabled: true,
            input_schema: None,
            output_schema: None,
            enforce_schema: false,
            create_time: None,
            update_time: None,
            created_by: None,
            updated_by: None,
        }
    }
}

/// Reads the definition that a task has of its own. As on Conductor, a text is the name of one in which nothing else is said.
pub(super) fn own<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TaskDef>, D::Error> {
    deserializer.deserialize_any(Own)
}

struct Own;

impl<'de> Visitor<'de> for Own {
    type Value = Option<TaskDef>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a task definition")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Some(TaskDef { name: name.to_owned(), ..TaskDef::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        TaskDef::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

/// What happens when a task's time has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskTimeoutPolicy {
    /// The attempt ends as TIMED_OUT and may be retried.
    Retry,
    /// The workflow ends as TIMED_OUT.
    #[default]
    TimeOutWf,
    /// It is only reported.
    AlertOnly,
}

impl Words for TaskTimeoutPolicy {
    const WORDS: &'static [&'static str] = &["RETRY", "TIME_OUT_WF", "ALERT_ONLY"];
}

/// How the delay before a retry grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RetryLogic {
    /// Always the same.
    #[default]
    Fixed,
    /// Doubled with each attempt.
    ExponentialBackoff,
    /// Multiplied with the attempt's number.
    LinearBackoff,
}

impl Words for RetryLogic {
    const WORDS: &'static [&'static str] = &["FIXED", "EXPONENTIAL_BACKOFF", "LINEAR_BACKOFF"];
}
