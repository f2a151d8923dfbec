//! JOIN goes on when every task it names is through. It counts; it never scans while it waits.
//!
//! In a loop it counts only what belongs to its own iteration. After a dynamic fork it also waits for the ends of branches
//! that hold tasks themselves.

use serde_json::{Value, json};

use crate::engine::event::{Completion, Fact};
use crate::engine::execution::{Execution, Run};
use crate::engine::plan::{PlannedTask, TaskIndex, Ways};
use crate::engine::step::Step;
use crate::engine::view;
use crate::words::{Map, Payload, RunNumber, TaskStatus};

/// Returns what it shows as its input.
pub(in crate::engine) fn input(planned: &PlannedTask) -> Map {
    let own = match &planned.ways {
        Ways::Join { fork: Some(_), .. } => planned.task.input_parameters.clone(),
        Ways::Join { fork: None, .. } | Ways::None | Ways::Fork(_) | Ways::Switch { .. } | Ways::Loop(_) => Map::new(),
    };
    own.into_iter().chain([("joinOn".to_owned(), json!(planned.task.join_on))]).collect()
}

/// Ends a JOIN for which nothing is open any more.
pub(in crate::engine) fn execute(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber) {
    let Ways::Join { on, unknown, fork } = &planned.ways else { return };
    let joined: Vec<_> = on.iter().filter_map(|task| joined(step.execution, *task, run)).collect();
    let has_failed = |joined: &&&Run| joined.permitted || step.is_fatal(joined.number);
    let failures: Vec<_> = joined.iter().filter(has_failed).filter_map(|joined| joined.reason.clone()).collect();
    let failed = joined.iter().position(|joined| has_failed(&joined));
    let is_ready =
        step.execution.index.joins.get(&run) == Some(&0) && *unknown == 0 && !is_under_way(step.execution, *fork, run);
    if !is_ready && !joined.iter().any(|joined| step.is_fatal(joined.number)) {
        return;
    }
    let mut output = Map::new();
    let mut errors = Vec::new();
    for joined in &joined[..failed.map_or(joined.len(), |failed| failed + 1)] {
        let given = step.execution.output(joined);
        if given.as_object().is_some_and(|output| !output.is_empty()) {
            output.insert(step.execution.reference(joined).into_owned(), given.into_owned());
        }
        if joined.status == TaskStatus::CompletedWithErrors {
            let name = view::task_def_name(step.execution.planned(joined));
            errors.push(format!("{name}/{}", joined.id(step.id())));
        }
    }
    let output = Payload::new(Value::Object(output));
    if failed.is_some() {
        step.fail_run_with(run, TaskStatus::Failed, failures.join(" "), Some(output));
    } else {
        let reason = (!errors.is_empty()).then(|| format!("{} completed with errors", errors.join(" ")));
        let errors = reason.is_some();
        step.emit(Fact::Completed(Box::new(Completion { run, errors, output: Some(output), reason, worker_id: None })));
    }
    step.follow(run);
}

/// Returns whether it is looked at in the pass in which its last branch ends, and not only when all is quiet.
pub(in crate::engine) fn is_eager(planned: &PlannedTask) -> bool {
    planned.task.join_mode.as_deref() == Some("SYNC")
}

/// Returns those for which nothing is open any more.
pub(in crate::engine) fn due(execution: &Execution) -> Vec<RunNumber> {
    let through = execution.index.joins.iter().filter(|(_, waiting)| **waiting == 0).map(|(run, _)| *run);
    let is_due = |run: &RunNumber| {
        let Some(join) = execution.run(*run) else { return false };
        match &execution.planned(join).ways {
            Ways::Join { fork, .. } => !is_under_way(execution, *fork, *run),
            Ways::None | Ways::Fork(_) | Ways::Switch { .. } | Ways::Loop(_) => false,
        }
    };
    through.filter(is_due).collect()
}

/// Returns the run of a task that a JOIN waits for, of its own iteration.
fn joined(execution: &Execution, task: TaskIndex, join: RunNumber) -> Option<&Run> {
    let run = execution.latest(execution.plan.task(task)?.slot)?;
    execution.run(join).filter(|join| run.is_beside(join)).map(|_| run)
}

/// Returns whether something is open in a branch of the dynamic fork before a JOIN.
fn is_under_way(execution: &Execution, fork: Option<TaskIndex>, join: RunNumber) -> bool {
    let Some(fork) = fork.and_then(|fork| joined(execution, fork, join)) else { return false };
    let is_inside = |run: &Run| {
        let mut scope = run.scope;
        while let Some(holder) = scope.filter(|holder| *holder != fork.number) {
            scope = execution.run(holder).and_then(|holder| holder.scope);
        }
        scope.is_some()
    };
    execution.open_runs().any(is_inside)
}
