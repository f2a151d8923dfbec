//! The definitions of Conductor's dialect as typed values, and back to Conductor's JSON with its defaults filled in.
//!
//! Field names and defaults are those of Conductor 3.32.3; what Conductor ignores and we use is marked as ours.

mod lenient;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::words::Map;

/// A workflow: what to do, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowDef {
    /// The name that people, schedules and other workflows use.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The version, from 1.
    #[serde(default = "lenient::one", deserialize_with = "lenient::integer_or_one")]
    pub version: i32,
    /// The tasks, in order.
    #[serde(deserialize_with = "lenient::or_default")]
    pub tasks: Vec<WorkflowTask>,
    /// The names of the inputs; documentation, and the fields of forms.
    #[serde(deserialize_with = "lenient::or_default")]
    pub input_parameters: Vec<String>,
    /// What the execution gives, with expressions.
    #[serde(deserialize_with = "lenient::or_default")]
    pub output_parameters: Map,
    /// The workflow that starts when this one fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_workflow: Option<String>,
    /// The version of [`WorkflowDef::failure_workflow`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_workflow_version: Option<i32>,
    /// Always 2.
    #[serde(default = "lenient::two", deserialize_with = "lenient::integer_or_two")]
    pub schema_version: i32,
    /// Whether an ended execution may be restarted.
    #[serde(default = "lenient::yes", deserialize_with = "lenient::boolean_or_true")]
    pub restartable: bool,
    /// Kept for Conductor.
    #[serde(deserialize_with = "lenient::or_default")]
    pub workflow_status_listener_enabled: bool,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_status_listener_sink: Option<String>,
    /// Whom to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_email: Option<String>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_app: Option<String>,
    /// What happens when [`WorkflowDef::timeout_seconds`] have passed.
    #[serde(deserialize_with = "lenient::or_default")]
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
    #[serde(default = "lenient::yes", deserialize_with = "lenient::boolean_or_true")]
    pub enforce_schema: bool,
    /// Kept for Conductor.
    #[serde(deserialize_with = "lenient::or_default")]
    pub metadata: Map,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_config: Option<Value>,
    /// Fields of inputs and outputs that every view shows as `***`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub masked_fields: Vec<String>,
    /// Schedules beside the workflow (ours).
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<Map>,
    /// When it was made, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_time: Option<i64>,
    /// When it was changed, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_time: Option<i64>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Who changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
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

/// One task of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowTask {
    /// The name: for a worker's task, what workers poll for.
    pub name: String,
    /// The name that expressions use; unique in the workflow.
    pub task_reference_name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it takes, with expressions.
    #[serde(deserialize_with = "lenient::or_default")]
    pub input_parameters: Map,
    /// What kind of task it is.
    #[serde(rename = "type", deserialize_with = "lenient::or_default")]
    pub task_type: TaskType,
    /// DYNAMIC: the input that names the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_task_name_param: Option<String>,
    /// DECISION: the input that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_value_param: Option<String>,
    /// DECISION: the script that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_expression: Option<String>,
    /// LAMBDA: the script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_expression: Option<String>,
    /// SWITCH, DECISION: the tasks of each case.
    #[serde(deserialize_with = "lenient::or_default")]
    pub decision_cases: IndexMap<String, Vec<WorkflowTask>>,
    /// FORK_JOIN_DYNAMIC: an old name of the list of tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_fork_join_tasks_param: Option<String>,
    /// FORK_JOIN_DYNAMIC: the input that holds the list of tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_fork_tasks_param: Option<String>,
    /// FORK_JOIN_DYNAMIC: the input that holds their inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_fork_tasks_input_param_name: Option<String>,
    /// SWITCH, DECISION: the tasks where no case matches.
    #[serde(deserialize_with = "lenient::or_default")]
    pub default_case: Vec<WorkflowTask>,
    /// FORK_JOIN: the branches.
    #[serde(deserialize_with = "lenient::or_default")]
    pub fork_tasks: Vec<Vec<WorkflowTask>>,
    /// How long to wait before it starts, in seconds.
    #[serde(deserialize_with = "lenient::integer")]
    pub start_delay: i64,
    /// SUB_WORKFLOW: which, and with what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_workflow_param: Option<Value>,
    /// JOIN, EXCLUSIVE_JOIN: the references it waits for.
    #[serde(deserialize_with = "lenient::or_default")]
    pub join_on: Vec<String>,
    /// EVENT: where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// Whether the workflow goes on when it fails.
    #[serde(deserialize_with = "lenient::or_default")]
    pub optional: bool,
    /// A task definition of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<TaskDef>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limited: Option<bool>,
    /// EXCLUSIVE_JOIN: the references it falls back to.
    #[serde(deserialize_with = "lenient::or_default")]
    pub default_exclusive_join_task: Vec<String>,
    /// Whether it stays in progress until somebody completes it.
    #[serde(deserialize_with = "lenient::or_default")]
    pub async_complete: bool,
    /// DO_WHILE: the condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loop_condition: Option<String>,
    /// DO_WHILE: the tasks of an iteration.
    #[serde(deserialize_with = "lenient::or_default")]
    pub loop_over: Vec<WorkflowTask>,
    /// DO_WHILE: the list to go through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Value>,
    /// How often it may be retried; the task definition's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_count: Option<i32>,
    /// SWITCH, INLINE: how the expression is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluator_type: Option<String>,
    /// SWITCH, INLINE: the expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// Kept for Conductor.
    #[serde(deserialize_with = "lenient::or_default")]
    pub on_state_change: Map,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_status: Option<String>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_config: Option<Value>,
    /// Whether the flow goes on when it fails, and the workflow fails at its end.
    #[serde(deserialize_with = "lenient::or_default")]
    pub permissive: bool,
    /// JOIN: SYNC or ASYNC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_mode: Option<String>,
    /// Kept for Conductor.
    #[serde(deserialize_with = "lenient::or_default")]
    pub metadata: Map,
}

/// How tasks of a name behave: retries, timeouts, limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskDef {
    /// The name of the tasks it is about.
    pub name: String,
    /// What they are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How often a failed attempt is followed by another.
    #[serde(deserialize_with = "lenient::integer_or_three")]
    pub retry_count: i32,
    /// How long an attempt may take once started, in seconds; 0: as long as it likes.
    #[serde(deserialize_with = "lenient::integer")]
    pub timeout_seconds: i64,
    /// Documentation.
    #[serde(deserialize_with = "lenient::or_default")]
    pub input_keys: Vec<String>,
    /// Documentation.
    #[serde(deserialize_with = "lenient::or_default")]
    pub output_keys: Vec<String>,
    /// Names of secrets that a worker gets with the task and that are never kept.
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Vec::is_empty")]
    pub runtime_metadata: Vec<String>,
    /// What happens when the time has passed.
    #[serde(deserialize_with = "lenient::or_default")]
    pub timeout_policy: TaskTimeoutPolicy,
    /// How the delay before a retry grows.
    #[serde(deserialize_with = "lenient::or_default")]
    pub retry_logic: RetryLogic,
    /// The delay before a retry, in seconds.
    #[serde(deserialize_with = "lenient::integer_or_sixty")]
    pub retry_delay_seconds: i64,
    /// How long a worker may be silent, in seconds; 0: as long as it likes.
    #[serde(deserialize_with = "lenient::integer_or_hour")]
    pub response_timeout_seconds: i64,
    /// How many may run at once; absent or 0: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation_group_id: Option<String>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_name_space: Option<String>,
    /// Whom to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_email: Option<String>,
    /// How long it may wait for a worker, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_type: Option<String>,
    /// How long all attempts together may take, in seconds; 0: as long as they like.
    #[serde(deserialize_with = "lenient::integer")]
    pub total_timeout_seconds: i64,
    /// Kept for Conductor.
    #[serde(deserialize_with = "lenient::or_default")]
    pub task_status_listener_enabled: bool,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Kept for Conductor.
    #[serde(deserialize_with = "lenient::or_default")]
    pub enforce_schema: bool,
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
            task_status_listener_enabled: false,
            input_schema: None,
            output_schema: None,
            enforce_schema: false,
        }
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

/// A schedule: when to start which workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowSchedule {
    /// The schedule's name.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Six fields, seconds first, or a macro.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron_expression: Option<String>,
    /// An IANA time zone.
    #[serde(default = "lenient::utc", deserialize_with = "lenient::zone")]
    pub zone_id: String,
    /// Several crons; where it is not empty it wins over [`WorkflowSchedule::cron_expression`].
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Vec::is_empty")]
    pub cron_schedules: Vec<CronSchedule>,
    /// Whether every missed slot is run, one after another.
    #[serde(deserialize_with = "lenient::or_default")]
    pub run_catchup_schedule_instances: bool,
    /// Whether it is held.
    #[serde(deserialize_with = "lenient::or_default")]
    pub paused: bool,
    /// Why it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_reason: Option<String>,
    /// What to start, and with what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_workflow_request: Option<StartWorkflowRequest>,
    /// No slot before it, ms.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_integer")]
    pub schedule_start_time: Option<i64>,
    /// No slot after it, ms.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_integer")]
    pub schedule_end_time: Option<i64>,
    /// What happens to a slot while the last run still goes (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// What happens where clocks change (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst: Option<Dst>,
    /// When it was made, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_time: Option<i64>,
    /// When it was changed, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_time: Option<i64>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Who changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
}

/// One cron of several in a schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronSchedule {
    /// Six fields, seconds first, or a macro.
    pub cron_expression: String,
    /// An IANA time zone.
    #[serde(default = "lenient::utc", deserialize_with = "lenient::zone")]
    pub zone_id: String,
}

/// What happens to a slot while the schedule's last run still goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// The slot is skipped and recorded.
    #[default]
    Skip,
    /// It runs beside the other.
    Allow,
}

/// What a cron expression means where clocks change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dst {
    /// A local time fires once.
    #[default]
    Once,
    /// As Spring does it, to the bit.
    Spring,
}

/// A request to start a workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StartWorkflowRequest {
    /// The workflow.
    pub name: String,
    /// Its version; the latest where absent. The Orkes UI sends `""`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_i32")]
    pub version: Option<i32>,
    /// A name of the caller's for what belongs together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// What the workflow takes.
    #[serde(deserialize_with = "lenient::or_default")]
    pub input: Map,
    /// Which workers get which task.
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub task_to_domain: BTreeMap<String, String>,
    /// A definition of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_def: Option<Box<WorkflowDef>>,
    /// 0 to 99.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_i32")]
    pub priority: Option<i32>,
    /// Who starts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// One start per key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// What a second start with the key does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_strategy: Option<String>,
}

/// What kind of task it is. A type that this build does not know is a worker's task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum TaskType {
    /// A worker polls for it by its name.
    #[default]
    Simple,
    /// Calls a URL.
    Http,
    /// Writes secrets.
    UpdateSecret,
    /// Starts branches.
    ForkJoin,
    /// Waits for branches.
    Join,
    /// Takes one of several ways.
    Switch,
    /// Sets variables of the execution.
    SetVariable,
    /// Ends the execution.
    Terminate,
    /// Waits for a time or for somebody.
    Wait,
    /// Does nothing.
    Noop,
    /// A type that this build leaves to workers, by its name.
    Other(Box<str>),
}

impl TaskType {
    /// Returns Conductor's text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Simple => "SIMPLE",
            Self::Http => "HTTP",
            Self::UpdateSecret => "UPDATE_SECRET",
            Self::ForkJoin => "FORK_JOIN",
            Self::Join => "JOIN",
            Self::Switch => "SWITCH",
            Self::SetVariable => "SET_VARIABLE",
            Self::Terminate => "TERMINATE",
            Self::Wait => "WAIT",
            Self::Noop => "NOOP",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for TaskType {
    fn from(text: &str) -> Self {
        match text {
            "SIMPLE" | "" => Self::Simple,
            "HTTP" => Self::Http,
            "UPDATE_SECRET" => Self::UpdateSecret,
            "FORK_JOIN" | "FORK" => Self::ForkJoin,
            "JOIN" => Self::Join,
            "SWITCH" => Self::Switch,
            "SET_VARIABLE" => Self::SetVariable,
            "TERMINATE" => Self::Terminate,
            "WAIT" => Self::Wait,
            "NOOP" => Self::Noop,
            other => Self::Other(other.into()),
        }
    }
}

impl Serialize for TaskType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TaskType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(text.as_str()))
    }
}
