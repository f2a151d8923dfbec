//! EXCLUSIVE_JOIN goes on with the first of its tasks that ran, else with the first of its defaults.

use serde_json::json;

use crate::engine::execution::Run;
use crate::engine::plan::PlannedTask;
use crate::engine::step::Step;
use crate::words::{Map, Payload, RunNumber, TaskStatus};

/// Returns what it shows as its input.
pub(in crate::engine) fn input(planned: &PlannedTask) -> Map {
    let task = &planned.task;
    Map::from_iter([
        ("joinOn".to_owned(), json!(task.join_on)),
        ("defaultExclusiveJoinTask".to_owned(), json!(task.default_exclusive_join_task)),
    ])
}

/// Ends it where the task that it takes has ended. Where none of them ran it waits for one, as Conductor does.
pub(in crate::engine) fn execute(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber) {
    let Some(taken) = taken(step, planned, run) else { return };
    if !taken.status.is_terminal() {
        return;
    }
    let (output, reason) =
        (Payload::new(step.execution.output(taken).into_owned()), taken.reason.clone().unwrap_or_default());
    if taken.status.is_successful() || taken.permitted {
        step.complete_run(run, Some(output));
    } else {
        step.fail_run(run, TaskStatus::Failed, reason);
    }
    step.follow(run);
}

fn taken<'s>(step: &'s Step<'_>, planned: &PlannedTask, run: RunNumber) -> Option<&'s Run> {
    let ran = |reference: &String| {
        // In a loop, what ran in another iteration did not run here.
        let run = step.execution.latest_by_reference(reference).filter(|taken| taken.is_beside(step.at(run)))?;
        (run.status != TaskStatus::Skipped).then_some(run)
    };
    let task = &planned.task;
    task.join_on.iter().find_map(ran).or_else(|| task.default_exclusive_join_task.iter().find_map(ran))
}
