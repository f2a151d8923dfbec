//! JOIN goes on when every task it names is through. It counts; it never scans while it waits.
//!
//! In a loop it counts only what belongs to its own iteration. After a dynamic fork it also waits for the ends of branches
//! that hold tasks themselves.

use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::event::{Completion, Fact};
use crate::engine::execution::{Execution, Run};
use crate::engine::plan::{PlannedTask, TaskIndex, Ways};
use crate::engine::step::Step;
use crate::engine::view;
use crate::words::{Map, Payload, RunNumber, TaskStatus, Timestamp};

/// After how long Conductor's queue has looked at it.
const LOOKS_AFTER: Duration = Duration::from_secs(1);

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
        gather(step.execution, joined, &mut output);
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

/// Returns what one has gathered that is cut: of the tasks that had ended before the last thing came from outside, or a
/// while ago, since it looks when all is quiet. None where it is no JOIN, or has nothing.
pub(in crate::engine) fn gathered(execution: &Execution, join: RunNumber, at: Timestamp) -> Option<Payload> {
    let run = execution.run(join)?;
    let Ways::Join { on, .. } = &execution.planned(run).ways else { return None };
    let joined = on.iter().filter_map(|task| joined(execution, *task, join));
    let is_seen = |ended| execution.index.moment.is_some_and(|moment| ended < moment) || at.since(ended) >= LOOKS_AFTER;
    let seen = joined.filter(|joined| joined.ended.is_some_and(is_seen));
    let mut output = Map::new();
    seen.for_each(|joined| gather(execution, joined, &mut output));
    (!output.is_empty()).then(|| Payload::new(Value::Object(output)))
}

fn gather(execution: &Execution, joined: &Run, output: &mut Map) {
    let given = execution.output(joined);
    if given.as_object().is_some_and(|output| !output.is_empty()) {
        output.insert(execution.reference(joined).into_owned(), given.into_owned());
    }
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
