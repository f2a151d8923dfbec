//! UPDATE_TASK reports on a task, of this execution or another.

use serde_json::Value;

use crate::engine::answer::WorkerUpdate;
use crate::engine::execution::Execution;
use crate::engine::family::Refusal;
use crate::engine::kin::Target;
use crate::words::{Map, Payload, TaskStatus};
use crate::workflow::expressions::shown;

/// Returns which task is meant and what is said of it.
pub(in crate::engine) fn report(execution: &Execution, input: &Value) -> Result<(Target, WorkerUpdate, bool), Refusal> {
    let text = |name: &str| input.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let status = text("taskStatus").unwrap_or("COMPLETED");
    let status =
        reported(status).ok_or_else(|| Refusal::lasting(format!("taskStatus: `{status}` cannot be reported")))?;
    let target = match (text("taskId"), text("taskRefName")) {
        (Some(id), _) => {
            Target::Task(id.parse().map_err(|_| Refusal::lasting(format!("No such task found by id: {id}")))?)
        }
        (None, Some(reference)) => {
            let workflow = match text("workflowId") {
                Some(id) => id.parse().map_err(|_| Refusal::lasting(format!("No such workflow found by id: {id}")))?,
                None => execution.id,
            };
            Target::Reference { execution: workflow, reference: reference.to_owned() }
        }
        (None, None) => return Err(Refusal::lasting("UPDATE_TASK needs `taskId`, or `workflowId` and `taskRefName`")),
    };
    let output = input.get("taskOutput").filter(|output| output.is_object());
    let output = output.map_or_else(|| Value::Object(Map::new()), |output| shown(output).into_owned());
    let merges = matches!(input.get("mergeOutput"), Some(Value::Bool(true)));
    let update = WorkerUpdate {
        status,
        output: Payload::new(output),
        reason: text("reasonForIncompletion").map(ToOwned::to_owned),
        callback_after_seconds: 0,
        worker_id: None,
    };
    Ok((target, update, merges))
}

fn reported(text: &str) -> Option<TaskStatus> {
    let known = [
        TaskStatus::InProgress,
        TaskStatus::Completed,
        TaskStatus::Failed,
        TaskStatus::FailedWithTerminalError,
        TaskStatus::Canceled,
    ];
    known.into_iter().find(|status| status.as_str() == text)
}
