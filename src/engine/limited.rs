//! What definitions of tasks limit: how many are under way at once, and how many begin within a time.
//!
//! As in Conductor it holds for what workers do, for calls and for sub-workflows. A store is never held back: the value is
//! there already.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::changes::changes;
use crate::engine::command::Quota;
use crate::engine::event::{Event, Fact};
use crate::engine::execution::{Execution, Run};
use crate::engine::plan::PlannedTask;
use crate::engine::step::Step;
use crate::words::{RunNumber, TaskStatus, Timestamp, WorkflowStatus};
use crate::workflow::definition::TaskType;

/// Where a run stands with the limit of its definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has a place: it is under way.
    Holds,
    /// It waits for one.
    Waits,
    /// It is about to begin.
    Begins,
}

impl Quota {
    /// Returns why a run waits.
    fn reason(&self) -> String {
        let name = &self.name;
        let at_once = (self.at_once > 0).then(|| format!("at most {} at once", self.at_once));
        let starts = (self.starts > 0).then(|| format!("at most {} in {} s", self.starts, self.window.as_secs()));
        let limits: Vec<_> = at_once.into_iter().chain(starts).collect();
        format!("waits until the limit of task definition `{name}` lets it begin: {}", limits.join(", "))
    }
}

impl PlannedTask {
    /// Returns what workers poll for.
    pub(super) fn queue(&self) -> &str {
        match &self.task.task_type {
            TaskType::Other(name) => name,
            _ => &self.task.name,
        }
    }

    /// Returns the limits of its definition, where there are any and they hold for its type.
    pub(super) fn quota(&self) -> Option<Quota> {
        let def = self.def.as_ref().filter(|_| self.task.task_type.obeys_limits())?;
        let at_once = usize::try_from(def.concurrent_exec_limit.unwrap_or(0)).unwrap_or(0);
        let starts = usize::try_from(def.rate_limit_per_frequency).unwrap_or(0);
        let window = Duration::from_secs(u64::try_from(def.rate_limit_frequency_in_seconds).unwrap_or(0));
        let starts = if window.is_zero() { 0 } else { starts };
        (at_once > 0 || starts > 0).then(|| Quota { name: self.task.name.clone(), at_once, starts, window })
    }
}

impl Execution {
    /// Returns the runs that count for limits of their definitions, with these limits.
    pub fn limited_runs(&self) -> impl Iterator<Item = (&Run, Quota)> {
        let runs = if self.plan.limited { self.runs.as_slice() } else { &[] };
        runs.iter().filter_map(|run| Some((run, self.planned(run).quota()?)))
    }

    /// Returns the limit that one of its runs counts for.
    pub fn quota(&self, run: &Run) -> Option<Quota> {
        self.planned(run).quota()
    }

    /// Returns where one of its runs stands, where it counts at all. A call that is on the wire has its place, whatever became
    /// of its run; one that waits and is paused lets others pass.
    pub fn standing_of(&self, run: &Run, under_way: &BTreeSet<RunNumber>) -> Option<Standing> {
        if under_way.contains(&run.number) {
            return Some(Standing::Holds);
        }
        match run.status {
            TaskStatus::InProgress => Some(Standing::Holds),
            TaskStatus::Scheduled if run.gone || self.status != WorkflowStatus::Running => None,
            TaskStatus::Scheduled if waits_for_place(run) => Some(Standing::Waits),
            TaskStatus::Scheduled if run.wake.is_none() => Some(Standing::Begins),
            TaskStatus::Scheduled
            | TaskStatus::Canceled
            | TaskStatus::Failed
            | TaskStatus::FailedWithTerminalError
            | TaskStatus::Completed
            | TaskStatus::CompletedWithErrors
            | TaskStatus::TimedOut
            | TaskStatus::Skipped => None,
        }
    }
}

/// Returns the runs that may stand otherwise after these events; nothing where all may.
pub fn moved(events: &[Event]) -> Option<BTreeSet<RunNumber>> {
    let mut runs = changes(events).runs;
    for event in events {
        match &event.fact {
            Fact::Due { run } => drop(runs.insert(*run)),
            fact if is_about_all(fact) => return None,
            _ => {}
        }
    }
    Some(runs)
}

const fn is_about_all(fact: &Fact) -> bool {
    let is_held = matches!(fact, Fact::Paused | Fact::Resumed);
    is_held
        || matches!(fact, Fact::Reopened { .. } | Fact::Restarted { .. } | Fact::Removed { .. } | Fact::Dropped { .. })
}

/// Returns whether a run waits for a place: no time wakes it.
pub(super) fn waits_for_place(run: &Run) -> bool {
    run.status == TaskStatus::Scheduled && run.troubles > 0 && run.wake == Some(Timestamp::MAX)
}

impl Step<'_> {
    /// Has a run wait that the limit of its definition does not let begin now, and returns whether it waits.
    pub(super) fn held_by_limit(&mut self, run: RunNumber) -> bool {
        let plan = self.plan();
        let quota = self.planned(&plan, run).quota();
        let admits = self.turn.others.admits;
        let Some(quota) = quota.filter(|quota| !admits(self.execution, self.at(run), quota)) else { return false };
        self.wait_for_place(run, &quota);
        true
    }

    fn wait_for_place(&mut self, run: RunNumber, quota: &Quota) {
        self.emit(Fact::Troubled { run, reason: quota.reason(), again: Timestamp::MAX });
    }

    /// There is no place for what is begun elsewhere.
    pub(super) fn held(&mut self, run: RunNumber) {
        let begins = |run: &Run| run.status == TaskStatus::Scheduled && run.wake.is_none() && !run.gone;
        let plan = self.plan();
        if self.execution.is_live()
            && self.execution.run(run).is_some_and(begins)
            && let Some(quota) = self.planned(&plan, run).quota()
        {
            self.wait_for_place(run, &quota);
        }
    }

    /// There is a place for a run that waits for one.
    pub(super) fn placed(&mut self, run: RunNumber) {
        let is_running = self.execution.status == WorkflowStatus::Running;
        if is_running && self.execution.run(run).is_some_and(|run| waits_for_place(run) && !run.gone) {
            self.emit(Fact::Due { run });
            self.release(run);
        }
    }
}
