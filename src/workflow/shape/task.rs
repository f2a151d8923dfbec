use super::task_def::OWN_TASK_DEF;
use super::workflow::CACHE;
use super::{EVALUATORS, KEPT, Kind, Shape, TEXTS, absent};
use crate::workflow::definition::lenient::JOIN_MODES;
use crate::workflow::definition::{TaskType, WorkflowTask};

// Statics, because a task holds tasks.
pub(super) static A_TASK: Kind = Kind::Of(&TASK);
static TASKS: Kind = Kind::List(&A_TASK);

/// A task of a workflow.
#[rustfmt::skip]
static TASK: Shape = Shape {
    what: "a task",
    required: &["name", "taskReferenceName"],
    defaults: absent::<WorkflowTask>,
    fields: &[
        ("name", Kind::Text, "The name. For a task of a worker: what workers poll for, and its task definition's name."),
        ("taskReferenceName", Kind::Text, "The name that expressions use, as in `${NAME.output.field}`; unique in the workflow."),
        ("description", Kind::Text, "What it is for."),
        ("inputParameters", Kind::Map, "What the task takes; `${…}` is evaluated when it starts."),
        ("type", Kind::Known(types), "What kind of task it is. A type that is not known here waits for a worker."),
        ("workflowTaskType", Kind::Any, KEPT),
        ("dynamicTaskNameParam", Kind::Text, "DYNAMIC: the input that names the task."),
        ("caseValueParam", Kind::Text, "DECISION: the input that decides."),
        ("caseExpression", Kind::Text, "DECISION: the script that decides."),
        ("scriptExpression", Kind::Text, "An old place of a script; LAMBDA reads `inputParameters.scriptExpression`."),
        ("decisionCases", Kind::MapOf(&TASKS), "SWITCH, DECISION: the tasks of each case, by its value."),
        ("dynamicForkJoinTasksParam", Kind::Text, "FORK_JOIN_DYNAMIC: an old name of the input with tasks and inputs in one."),
        ("dynamicForkTasksParam", Kind::Text, "FORK_JOIN_DYNAMIC: the input that holds the list of tasks."),
        ("dynamicForkTasksInputParamName", Kind::Text, "FORK_JOIN_DYNAMIC: the input that holds their inputs, by reference."),
        ("defaultCase", Kind::List(&A_TASK), "SWITCH, DECISION: the tasks where no case matches."),
        ("forkTasks", Kind::List(&TASKS), "FORK_JOIN: the branches, each a list of tasks."),
        ("startDelay", Kind::Long, "How long to wait before it starts, in seconds."),
        ("subWorkflowParam", Kind::Of(&SUB_WORKFLOW), "SUB_WORKFLOW: which workflow to run."),
        ("joinOn", TEXTS, "JOIN, EXCLUSIVE_JOIN: the `taskReferenceName`s to wait for."),
        ("sink", Kind::Text, "EVENT: where to: `conductor` or `conductor:NAME`."),
        ("optional", Kind::Flag, "Whether the workflow goes on when the task fails."),
        ("taskDefinition", Kind::Of(&OWN_TASK_DEF), "A task definition of its own: retries, timeouts, limits."),
        ("rateLimited", Kind::Flag, KEPT),
        ("defaultExclusiveJoinTask", TEXTS, "EXCLUSIVE_JOIN: the `taskReferenceName`s to fall back to."),
        ("asyncComplete", Kind::Flag, "Whether it stays in progress until somebody completes it."),
        ("loopCondition", Kind::Text, "DO_WHILE: a script; while it is true the loop goes on."),
        ("loopOver", Kind::List(&A_TASK), "DO_WHILE: the tasks of an iteration."),
        ("items", Kind::Any, "DO_WHILE: the list to go through, or an expression that gives it."),
        ("retryCount", Kind::Integer, "How often a failed attempt is followed by another; the task definition's where absent."),
        ("evaluatorType", Kind::Known(evaluators), "SWITCH: how `expression` is read: `value-param`, `javascript` or `graaljs`."),
        ("expression", Kind::Text, "SWITCH: with `value-param` the name of the input that decides, else a script."),
        ("onStateChange", Kind::Map, KEPT),
        ("joinStatus", Kind::Text, KEPT),
        ("cacheConfig", Kind::Of(&CACHE), KEPT),
        ("permissive", Kind::Flag, "Whether the flow goes on when the task fails; the workflow then fails at its end."),
        ("joinMode", Kind::OneOf(JOIN_MODES), "JOIN: whether it is looked at as soon as its last branch ends, or once all else that can be done is done. Default: ASYNC."),
        ("metadata", Kind::Map, "Anything of yours; nothing here reads it."),
    ],
};

fn types() -> Vec<&'static str> {
    TaskType::KNOWN.iter().map(TaskType::as_str).collect()
}

fn evaluators() -> Vec<&'static str> {
    EVALUATORS.to_vec()
}

/// Which workflow a task starts. The definition may stand in it, or be an expression; so may the priority.
#[rustfmt::skip]
static SUB_WORKFLOW: Shape = Shape {
    what: "a child workflow",
    required: &[],
    defaults: serde_json::Map::new,
    fields: &[
        ("name", Kind::Text, "The workflow's name."),
        ("version", Kind::Integer, "Its version; the highest where absent."),
        ("taskToDomain", Kind::MapOf(&Kind::Text), "Which workers get which task: task name (`*`: all) to domain."),
        ("workflowDefinition", Kind::Any, "The whole workflow instead of a name, or an expression that gives it."),
        ("workflowDef", Kind::Any, "The whole workflow, as older clients name it."),
        ("idempotencyKey", Kind::Text, "One start for each value of it."),
        ("idempotencyStrategy", Kind::Text, "What a second start with the key does: RETURN_EXISTING, FAIL or FAIL_ON_RUNNING."),
        ("priority", Kind::Any, "From 0 to 99, or an expression; higher goes first."),
    ],
};
