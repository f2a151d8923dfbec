//! TERMINATE ends the execution as it says.

use serde_json::{Map, Value};

use crate::engine::execution::{Execution, Run};
use crate::engine::step::Step;
use crate::words::{Payload, RunNumber, TaskStatus, WorkflowStatus};
use crate::workflow::definition::TaskType;

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

/// Ends the execution, once what began in the same moment is done. Of several tasks the first one gives the
/// output. As in Conductor, it fails where tasks were let fail, whatever the task says.
pub(in crate::engine) fn end(step: &mut Step<'_>, run: RunNumber) {
    let terminate = step.at(run);
    let first = step.execution.shown_runs().find(|run| has_ended(step.execution, run)).unwrap_or(terminate);
    let (input, output) = (terminate.input.clone(), first.output.clone());
    let input = input.expose();
    if let Some(reason) = step.let_fail() {
        return step.end(WorkflowStatus::Failed, Some(reason), Some(output));
    }
    let status = status(input).unwrap_or(WorkflowStatus::Completed);
    let given = input.get("terminationReason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
    let id = terminate.id(step.id());
    let reason = given.map_or_else(|| format!("Workflow is {status} by TERMINATE task: {id}"), ToOwned::to_owned);
    step.end(status, Some(reason), Some(output));
}

/// Returns whether a run is a TERMINATE that says that the execution ends.
pub(in crate::engine) fn has_ended(execution: &Execution, run: &Run) -> bool {
    run.status == TaskStatus::Completed && execution.planned(run).task.task_type == TaskType::Terminate
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
