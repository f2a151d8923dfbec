//! What an execution waits for that somebody outside must do.

use crate::engine::execution::{Execution, Run};
use crate::words::{ExecutionId, RunNumber, TaskStatus, Timestamp};
use crate::workflow::definition::{Nature, TaskType};

/// Whom a signal to an execution is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signaled {
    /// A run of its own.
    Run(RunNumber),
    /// Whatever its sub-workflow waits for.
    Child(ExecutionId),
}

impl Execution {
    /// Returns the runs at which it stands still, in order: those that only somebody can end, and those of the named tasks
    /// that have ended.
    pub fn standing(&self, named: &[String]) -> Vec<&Run> {
        let is_named = |run: &Run| run.status.is_terminal() && named.iter().any(|name| *name == self.reference(run));
        let mut runs: Vec<_> = self.shown_runs().filter(|run| self.waits_for_somebody(run) || is_named(run)).collect();
        runs.sort_by_key(|run| run.seq);
        runs
    }

    /// Returns the sub-workflows that go on and that it waits for, in order.
    pub fn live_children(&self) -> Vec<ExecutionId> {
        self.open_runs().filter_map(|run| run.child).collect()
    }

    /// Returns whom a signal may be for, the most likely one first: what only somebody can end, or a sub-workflow that may
    /// wait for somebody, and then what a worker has or will get.
    pub fn signaled(&self) -> Vec<Signaled> {
        let mut open: Vec<_> = self.open_runs().collect();
        open.sort_by_key(|run| run.seq);
        let waits = open.iter().filter_map(|run| match run.child {
            Some(child) => Some(Signaled::Child(child)),
            None => self.is_told(run).then_some(Signaled::Run(run.number)),
        });
        let works = open.iter().filter(|run| self.planned(run).task.task_type.is_worker());
        waits.chain(works.map(|run| Signaled::Run(run.number))).collect()
    }

    /// Returns whether a run is one that somebody ends, or a time.
    fn is_told(&self, run: &Run) -> bool {
        matches!(self.planned(run).task.task_type.nature(), Nature::Wait | Nature::Human)
    }

    /// Returns whether nothing but somebody ends a run.
    fn waits_for_somebody(&self, run: &Run) -> bool {
        let is_timed = self.planned(run).task.task_type == TaskType::Wait && run.wake != Some(Timestamp::MAX);
        run.status == TaskStatus::InProgress && self.is_told(run) && !is_timed
    }
}
