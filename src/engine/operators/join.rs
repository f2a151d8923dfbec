//! JOIN goes on when every task it names is through. It counts; it never scans while it waits.

use serde_json::{Value, json};

use crate::engine::event::{Completion, Fact};
use crate::engine::plan::{PlannedTask, Ways};
use crate::engine::step::{Step, Todo};
use crate::words::{Map, Payload, RunNumber, TaskStatus};

/// Returns what it shows as its input.
pub(in crate::engine) fn input(planned: &PlannedTask) -> Map {
    Map::from_iter([("joinOn".to_owned(), json!(planned.task.join_on))])
}

/// Ends a JOIN for which nothing is open any more.
pub(in crate::engine) fn execute(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber) {
    let Ways::Join { on, unknown } = &planned.ways else { return };
    if step.execution.index.joins.get(&run) != Some(&0) || *unknown > 0 {
        return;
    }
    let mut output = Map::new();
    let mut failures = Vec::new();
    let mut errors = Vec::new();
    for task in on {
        let Some(joined) = step.execution.latest(*task) else { continue };
        let name = &step.execution.planned(joined).task.task_reference_name;
        if joined.output.expose().as_object().is_some_and(|output| !output.is_empty()) {
            output.insert(name.clone(), joined.output.expose().clone());
        }
        if joined.permitted {
            failures.push(joined.reason.clone().unwrap_or_default());
        } else if joined.status == TaskStatus::CompletedWithErrors {
            errors.push(format!("{name}/{} completed with errors", joined.id(step.id())));
        }
    }
    let output = Payload::new(Value::Object(output));
    if failures.is_empty() {
        let reason = (!errors.is_empty()).then(|| errors.join(" "));
        let errors = reason.is_some();
        step.emit(Fact::Completed(Box::new(Completion { run, errors, output: Some(output), reason, worker_id: None })));
    } else {
        step.fail_run_with(run, TaskStatus::Failed, failures.join(" "), Some(output));
    }
    step.todo.push_back(Todo::Settle(run));
}
