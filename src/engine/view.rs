//! An execution as Conductor's clients read it.
//!
//! What is returned is *shown* form (no escapes) and **not masked**: masking is the caller's.

use serde_json::{Value, json};

use crate::engine::domains;
use crate::engine::execution::{Execution, Run};
use crate::engine::plan::{PlannedTask, Ways};
use crate::words::{Map, Payload, TaskStatus, Timestamp};
use crate::workflow::definition::{TaskDef, TaskType};
use crate::workflow::expressions::{java_text, shown};

/// Returns what Conductor shows as the type of a task.
pub fn task_type(planned: &PlannedTask) -> &str {
    match &planned.task.task_type {
        TaskType::Simple => &planned.task.name,
        TaskType::ForkJoin | TaskType::ForkJoinDynamic => "FORK",
        other => other.as_str(),
    }
}

/// Returns the domain that workers of a task are to poll in where none is there yet; one that took it knows its own.
fn domain(execution: &Execution, planned: &PlannedTask) -> Option<String> {
    let is_worker = planned.task.task_type.is_worker();
    let candidates = is_worker.then(|| domains::candidates(&execution.task_to_domain, planned.queue()));
    candidates?.pop().flatten()
}

/// Returns what workers poll for to get a task, and the domains in which they may, the best first.
pub fn queue(execution: &Execution, run: &Run) -> (String, Vec<Option<String>>) {
    let queue = execution.planned(run).queue();
    (queue.to_owned(), domains::candidates(&execution.task_to_domain, queue))
}

/// Returns what Conductor shows as the name of a task's definition.
pub fn task_def_name(planned: &PlannedTask) -> &str {
    let is_named_by_type = match planned.task.task_type {
        TaskType::DoWhile | TaskType::Dynamic => false,
        ref other => other.is_structure(),
    };
    // A branch of a dynamic fork may have no name.
    if is_named_by_type || planned.task.name.is_empty() { task_type(planned) } else { &planned.task.name }
}

/// Returns the type that a run shows: one that was passed over has never become anything, and shows its name, as on
/// Conductor.
pub(super) fn shown_type<'a>(run: &Run, planned: &'a PlannedTask) -> &'a str {
    if run.status == TaskStatus::Skipped { &planned.task.name } else { task_type(planned) }
}

/// Returns the name of its definition that a run shows.
pub(super) fn shown_name<'a>(run: &Run, planned: &'a PlannedTask) -> &'a str {
    if run.status == TaskStatus::Skipped { &planned.task.name } else { task_def_name(planned) }
}

/// Returns Conductor's Workflow.
pub fn workflow_json(execution: &Execution, include_tasks: bool) -> Value {
    let def = &execution.plan.pinned.workflow;
    let mut runs: Vec<_> = if include_tasks { execution.shown_runs().collect() } else { Vec::new() };
    // What is skipped comes first, as on Conductor.
    runs.sort_by_key(|run| run.seq);
    let tasks: Vec<_> = runs.into_iter().map(|run| task_json(execution, run)).collect();
    let ended = execution.ended.map_or(0, Timestamp::as_millis);
    without_nulls(json!({
        "ownerApp": "",
        "createTime": execution.created.as_millis(),
        "updateTime": execution.updated.as_millis(),
        "createdBy": execution.started_by,
        "status": execution.status.as_str(),
        "endTime": ended,
        "workflowId": execution.id.to_string(),
        "parentWorkflowId": execution.parent.as_ref().map(|parent| parent.execution.to_string()),
        "parentWorkflowTaskId": execution.parent.as_ref().map(|parent| parent.task_id().to_string()),
        "event": execution.event,
        "idempotencyKey": execution.idempotency_key,
        "tasks": tasks,
        "input": payload(&execution.input),
        "output": payload(&execution.output),
        "correlationId": execution.correlation_id,
        "reasonForIncompletion": execution.reason,
        "taskToDomain": execution.task_to_domain,
        "failedReferenceTaskNames": execution.failed_references,
        "workflowDefinition": def,
        "priority": execution.priority,
        "variables": payload(&execution.variables),
        "lastRetriedTime": execution.last_retried.map_or(0, Timestamp::as_millis),
        "failedTaskNames": execution.failed_tasks,
        "history": [],
        "rateLimited": execution.waits_for_room(),
        "rateLimitKey": execution.share.as_ref().map(|share| &share.key),
        "startTime": execution.created.as_millis(),
        "workflowName": def.name,
        "workflowVersion": def.version,
    }))
}

/// Returns of Conductor's Task where it stands.
pub fn progress_json(execution: &Execution, run: &Run) -> Value {
    json!({
        "referenceTaskName": execution.reference(run),
        "taskId": run.id(execution.id).to_string(),
        "status": status(execution, run).as_str(),
        "retryCount": run.attempt,
        "iteration": execution.shown_iteration(run),
    })
}

/// Returns the status that is shown: what a worker gave back for a while is scheduled again, as on Conductor, and what waits
/// for others is under way from the beginning.
pub(super) fn status(execution: &Execution, run: &Run) -> TaskStatus {
    let waits = matches!(execution.planned(run).task.task_type, TaskType::Join | TaskType::ExclusiveJoin);
    match run.status {
        TaskStatus::InProgress if run.offered => TaskStatus::Scheduled,
        TaskStatus::Scheduled if waits => TaskStatus::InProgress,
        status => status,
    }
}

/// Returns Conductor's Task.
pub fn task_json(execution: &Execution, run: &Run) -> Value {
    let planned = execution.planned(run);
    let def = planned.def.as_ref();
    let number = |field: fn(&TaskDef) -> i64| def.map_or(0, field);
    let millis = |moment: Option<Timestamp>| moment.map_or(0, Timestamp::as_millis);
    let queue_wait = run.started.map_or(0, |started| started.as_millis() - run.scheduled.as_millis());
    without_nulls(json!({
        "taskType": shown_type(run, planned),
        "status": status(execution, run).as_str(),
        "inputData": input(execution, run),
        "referenceTaskName": execution.reference(run),
        "retryCount": run.attempt,
        "seq": run.seq,
        "correlationId": execution.correlation_id,
        "pollCount": run.poll_count,
        "taskDefName": shown_name(run, planned),
        "scheduledTime": run.scheduled.as_millis(),
        "startTime": millis(run.started),
        "endTime": millis(run.ended),
        "updateTime": run.updated.as_millis(),
        "startDelayInSeconds": planned.task.start_delay,
        "retriedTaskId": run.retry_of.map(|previous| crate::words::TaskId::of(execution.id, previous).to_string()),
        "retried": run.retried,
        "executed": run.retried,
        "callbackFromWorker": true,
        "responseTimeoutSeconds": number(|def| def.response_timeout_seconds),
        "workflowInstanceId": execution.id.to_string(),
        "workflowType": execution.name(),
        "taskId": run.id(execution.id).to_string(),
        "reasonForIncompletion": run.trouble.as_ref().filter(|_| !run.status.is_terminal()).or(run.reason.as_ref()),
        "callbackAfterSeconds": run.callback_after_seconds,
        "workerId": run.worker_id,
        "outputData": shown(&execution.output(run)),
        "workflowTask": planned.task,
        "domain": domain(execution, planned),
        "rateLimitPerFrequency": number(|def| def.rate_limit_per_frequency),
        "rateLimitFrequencyInSeconds": number(|def| def.rate_limit_frequency_in_seconds),
        "workflowPriority": execution.priority,
        "executionNameSpace": def.and_then(|def| def.execution_name_space.as_ref()),
        "isolationGroupId": def.and_then(|def| def.isolation_group_id.as_ref()),
        "iteration": execution.shown_iteration(run),
        "subWorkflowId": run.child.map(|child| child.to_string()),
        "subworkflowChanged": false,
        "firstStartTime": millis(run.started),
        "executionMetadata": {"additionalContext": {}, "empty": true, "additionalContextMap": {}},
        "taskDefinition": planned.def,
        "loopOverTask": execution.shown_iteration(run) > 0,
        "queueWaitTime": queue_wait,
    }))
}

/// Returns Conductor's WorkflowSummary. Input and output are JSON here: the caller masks them and then writes them with
/// [`summary_text`].
pub fn summary_json(execution: &Execution) -> Value {
    let def = &execution.plan.pinned.workflow;
    let execution_ms = execution.ended.map(|ended| ended.as_millis() - execution.created.as_millis());
    without_nulls(json!({
        "workflowType": def.name,
        "version": def.version,
        "workflowId": execution.id.to_string(),
        "correlationId": execution.correlation_id,
        "startTime": execution.created.to_string(),
        "updateTime": execution.updated.to_string(),
        "endTime": execution.ended.map(|ended| ended.to_string()),
        "status": execution.status.as_str(),
        "input": payload(&execution.input),
        "output": payload(&execution.output),
        "reasonForIncompletion": execution.reason,
        "executionTime": execution_ms.unwrap_or(0),
        "failedReferenceTaskNames": execution.failed_references.join(","),
        "priority": execution.priority,
        "failedTaskNames": execution.failed_tasks,
        "createdBy": execution.started_by,
        "taskToDomain": execution.task_to_domain,
        "parentWorkflowId": execution.parent.as_ref().map(|parent| parent.execution.to_string()).unwrap_or_default(),
        "classifier": "workflow",
    }))
}

/// Returns a masked input or output as a summary writes it: Java's text of the map.
pub fn summary_text(masked: &Value) -> String {
    java_text(masked)
}

/// Returns what a run took; of a dynamic fork, with the tasks that it started.
fn input(execution: &Execution, run: &Run) -> Value {
    let mut input = payload(&execution.input(run));
    let planned = execution.planned(run);
    let Ways::Fork(branches) = &planned.ways else { return input };
    if let (TaskType::ForkJoinDynamic, Some(fields)) = (&planned.task.task_type, input.as_object_mut()) {
        let tasks = branches.iter().filter_map(|branch| execution.plan.task(*branch));
        let tasks = tasks.map(|branch| shown(&json!(branch.task)).into_owned());
        fields.insert("forkedTaskDefs".to_owned(), tasks.collect());
    }
    input
}

fn payload(payload: &Payload) -> Value {
    shown(payload.expose()).into_owned()
}

/// Conductor leaves out what is null, and keeps what is empty.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map>()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => other,
    }
}
