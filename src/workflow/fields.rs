//! The fields that expressions see: one list for whoever resolves them and for whoever checks them.

/// What an execution shows under `workflow.`; beside it there are `workflow.env` and `workflow.secrets`, which are no parts
/// of it.
pub const WORKFLOW_FIELDS: [&str; 12] = [
    "input",
    "output",
    "status",
    "workflowId",
    "parentWorkflowId",
    "parentWorkflowTaskId",
    "workflowType",
    "version",
    "correlationId",
    "reasonForIncompletion",
    "schemaVersion",
    "variables",
];

/// What an execution shows of a task, under its reference.
pub const TASK_FIELDS: [&str; 18] = [
    "input",
    "output",
    "taskType",
    "status",
    "referenceTaskName",
    "retryCount",
    "correlationId",
    "pollCount",
    "taskDefName",
    "scheduledTime",
    "startTime",
    "endTime",
    "workflowInstanceId",
    "taskId",
    "reasonForIncompletion",
    "callbackAfterSeconds",
    "workerId",
    "iteration",
];
