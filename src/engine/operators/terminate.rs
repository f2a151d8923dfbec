//! TERMINATE ends the execution as it says.

use serde_json::{Map, Value};

use crate::engine::step::Step;
use crate::words::{Payload, RunNumber, TaskStatus, WorkflowStatus};

pub(in crate::engine) fn execute(step: &mut Step<'_>, run: RunNumber) {
    let input = step.at(run).input.clone();
    if status(input.expose()).is_some() {
        step.complete_run(run, Some(Payload::new(output(input.expose()))));
    } else {
        let reason = "terminationStatus must be COMPLETED, FAILED or TERMINATED".to_owned();
        step.fail_run(run, TaskStatus::FailedWithTerminalError, reason);
    }
    step.follow(run);
}

/// Ends the execution, once what began in the same moment is done.
pub(in crate::engine) fn end(step: &mut Step<'_>, run: RunNumber) {
    let terminate = step.at(run);
    let (input, output) = (terminate.input.clone(), terminate.output.clone());
    let input = input.expose();
    let status = status(input).unwrap_or(WorkflowStatus::Completed);
    let given = input.get("terminationReason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
    let id = terminate.id(step.id());
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
