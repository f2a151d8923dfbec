//! TERMINATE ends the execution as it says.

use serde_json::{Map, Value};

use crate::engine::step::{Step, Todo};
use crate::words::{Payload, RunNumber, TaskStatus, WorkflowStatus};

pub(in crate::engine) fn execute(step: &mut Step<'_>, run: RunNumber) {
    let input = step.at(run).input.clone();
    let input = input.expose();
    let Some(status) = status(input) else {
        let reason = "terminationStatus must be COMPLETED, FAILED or TERMINATED".to_owned();
        step.fail_run(run, TaskStatus::FailedWithTerminalError, reason);
        return step.todo.push_back(Todo::Settle(run));
    };
    let output = Payload::new(output(input));
    step.complete_run(run, Some(output.clone()));
    let given = input.get("terminationReason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
    let id = step.at(run).id(step.id());
    let reason = given.map_or_else(|| format!("Workflow is {status} by TERMINATE task: {id}"), ToOwned::to_owned);
    step.end(status, Some(reason), Some(output));
}

fn status(input: &Value) -> Option<WorkflowStatus> {
    match input.get("terminationStatus")?.as_str()? {
        "COMPLETED" => Some(WorkflowStatus::Completed),
        "FAILED" => Some(WorkflowStatus::Failed),
        "TERMINATED" => Some(WorkflowStatus::Terminated),
        _ => None,
    }
}

/// What is no object is shown below `output`.
fn output(input: &Value) -> Value {
    match input.get("workflowOutput") {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(Value::Object(map)) => Value::Object(map.clone()),
        Some(other) => Value::Object(Map::from_iter([("output".to_owned(), other.clone())])),
    }
}
