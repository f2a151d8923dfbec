use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{TaskDef, TaskType, lenient, task_def};
use crate::words::Map;

/// One task of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowTask {
    /// The name: for a worker's task, what workers poll for.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// The name that expressions use; unique in the workflow.
    #[serde(deserialize_with = "lenient::text")]
    pub task_reference_name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub description: Option<String>,
    /// What it takes, with expressions.
    #[serde(deserialize_with = "lenient::or_default")]
    pub input_parameters: Map,
    /// What kind of task it is.
    #[serde(rename = "type", deserialize_with = "lenient::task_type")]
    pub task_type: TaskType,
    /// DYNAMIC: the input that names the task.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub dynamic_task_name_param: Option<String>,
    /// DECISION: the input that decides.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub case_value_param: Option<String>,
    /// DECISION: the script that decides.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub case_expression: Option<String>,
    /// LAMBDA: the script.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub script_expression: Option<String>,
    /// SWITCH, DECISION: the tasks of each case.
    #[serde(deserialize_with = "lenient::without_nulls")]
    pub decision_cases: IndexMap<String, Vec<WorkflowTask>>,
    /// FORK_JOIN_DYNAMIC: an old name of the list of tasks.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub dynamic_fork_join_tasks_param: Option<String>,
    /// FORK_JOIN_DYNAMIC: the input that holds the list of tasks.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub dynamic_fork_tasks_param: Option<String>,
    /// FORK_JOIN_DYNAMIC: the input that holds their inputs.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
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
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::sub_workflow")]
    pub sub_workflow_param: Option<Value>,
    /// JOIN, EXCLUSIVE_JOIN: the references it waits for.
    #[serde(deserialize_with = "lenient::texts")]
    pub join_on: Vec<String>,
    /// EVENT: where to.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub sink: Option<String>,
    /// Whether the workflow goes on when it fails.
    #[serde(deserialize_with = "lenient::flag")]
    pub optional: bool,
    /// A task definition of its own.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "task_def::own")]
    pub task_definition: Option<TaskDef>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_flag")]
    pub rate_limited: Option<bool>,
    /// EXCLUSIVE_JOIN: the references it falls back to.
    #[serde(deserialize_with = "lenient::texts")]
    pub default_exclusive_join_task: Vec<String>,
    /// Whether it stays in progress until somebody completes it.
    #[serde(deserialize_with = "lenient::flag")]
    pub async_complete: bool,
    /// DO_WHILE: the condition.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub loop_condition: Option<String>,
    /// DO_WHILE: the tasks of an iteration.
    #[serde(deserialize_with = "lenient::or_default")]
    pub loop_over: Vec<WorkflowTask>,
    /// DO_WHILE: the list to go through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Value>,
    /// How often it may be retried; the task definition's where absent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_i32")]
    pub retry_count: Option<i32>,
    /// SWITCH, INLINE: how the expression is read.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub evaluator_type: Option<String>,
    /// SWITCH, INLINE: the expression.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub expression: Option<String>,
    /// Kept for Conductor.
    #[serde(deserialize_with = "lenient::or_default")]
    pub on_state_change: Map,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub join_status: Option<String>,
    /// Kept for Conductor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_config: Option<Value>,
    /// Whether the flow goes on when it fails, and the workflow fails at its end.
    #[serde(deserialize_with = "lenient::flag")]
    pub permissive: bool,
    /// JOIN: SYNC or ASYNC.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::join_mode")]
    pub join_mode: Option<String>,
    /// Kept for Conductor.
    #[serde(deserialize_with = "lenient::or_default")]
    pub metadata: Map,
}
