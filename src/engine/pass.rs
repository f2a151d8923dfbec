//! Passes: how far an execution goes by itself in one moment.
//!
//! As in Conductor, a pass sees to what has ended, in the order of scheduling, and then does what begins. Scripts are
//! answered later, so what ends in the flow while one is open is deferred: whatever begins in one pass is over before the
//! next, and before the workflow ends. A JOIN looks when all is quiet. What the world answers (a call, a worker, a store) is never kept waiting for a script.

use std::collections::VecDeque;

use crate::engine::event::Fact;
use crate::engine::execution::Run;
use crate::engine::operators::join;
use crate::engine::plan::Ways;
use crate::engine::step::Step;
use crate::words::{RunNumber, TaskStatus, WorkflowStatus};
use crate::workflow::definition::TaskType;

impl Step<'_> {
    /// Has what follows from a run seen to that has ended.
    pub(super) fn follow(&mut self, run: RunNumber) {
        self.ended.insert(run);
    }

    /// Does all that follows by itself.
    pub(super) fn run(&mut self) {
        while self.execution.status == WorkflowStatus::Running {
            if let Some(run) = self.work.pop_front() {
                self.execute(run);
            } else if !self.pass() {
                return self.finish();
            }
        }
    }

    /// Makes a pass, as far as its work, where there is anything to see to.
    fn pass(&mut self) -> bool {
        if self.execution.index.asking > 0 {
            self.defer();
        } else if !self.execution.held.is_empty() {
            self.ended.extend(self.execution.held.iter().copied());
            self.emit(Fact::Released);
        }
        self.seen = self.in_order();
        let is_pass = !self.seen.is_empty();
        if let Some(last) = self.last() {
            self.seen.retain(|run| *run != last);
            self.settle(last);
        }
        while self.execution.status == WorkflowStatus::Running {
            let Some(run) = self.seen.pop_front() else { break };
            self.settle(run);
        }
        if self.execution.status == WorkflowStatus::Running {
            let begun = std::mem::replace(&mut self.work, std::mem::take(&mut self.later));
            let (new, under_way): (Vec<_>, Vec<_>) = self.idle_loops().into_iter().partition(|run| self.is_new(*run));
            self.work.extend(under_way);
            // One that this pass has scheduled is among them: looked at again, its first iteration could seem to be over.
            let new: Vec<_> = new.into_iter().filter(|run| !begun.contains(run)).collect();
            self.work.extend(begun);
            self.work.extend(new);
        }
        if !is_pass && self.work.is_empty() && self.execution.index.asking == 0 {
            self.work.extend(join::due(self.execution));
        }
        is_pass || !self.work.is_empty()
    }

    /// Keeps back what ended in the flow while a script is open.
    fn defer(&mut self) {
        for run in std::mem::take(&mut self.ended) {
            if self.execution.planned(self.at(run)).task.task_type.is_of_the_flow() {
                self.emit(Fact::Deferred { run });
            } else {
                self.ended.insert(run);
            }
        }
    }

    /// Takes the runs that have ended, in the order of scheduling. What is first in a fork or a SWITCH counts as scheduled
    /// with it, also where a script had to say the way.
    fn in_order(&mut self) -> VecDeque<RunNumber> {
        let mut ended: Vec<_> = std::mem::take(&mut self.ended).into_iter().collect();
        if ended.len() > 1 {
            ended.sort_by_cached_key(|run| self.place(*run));
        }
        ended.into()
    }

    /// Returns a run below those with which it was scheduled.
    pub(super) fn place(&self, run: RunNumber) -> Vec<RunNumber> {
        let with = |run: &Run| {
            let holder = self.execution.run(run.scope?)?;
            let is_first = match &self.execution.planned(holder).ways {
                Ways::Fork(branches) => branches.contains(&run.task),
                Ways::Switch { cases, otherwise } => {
                    *otherwise == Some(run.task) || cases.values().any(|first| *first == Some(run.task))
                }
                Ways::None | Ways::Loop(_) | Ways::Join { .. } => false,
            };
            is_first.then_some(holder)
        };
        let mut place: Vec<_> =
            std::iter::successors(Some(self.at(run)), |run| with(run)).map(|run| run.number).collect();
        place.reverse();
        place
    }

    /// Returns the run of this pass that ends the execution: nothing comes after it. What has failed for good does before a
    /// TERMINATE.
    fn last(&self) -> Option<RunNumber> {
        let terminates = |run: &RunNumber| {
            let run = self.at(*run);
            run.status == TaskStatus::Completed && self.execution.planned(run).task.task_type == TaskType::Terminate
        };
        let mut seen = self.seen.iter().copied();
        // Of several, as in Conductor, the last one says how.
        seen.find(|run| self.is_fatal(*run)).or_else(|| self.seen.iter().copied().rfind(terminates))
    }

    /// Returns the loops in whose iteration nothing is left to do.
    fn idle_loops(&self) -> Vec<RunNumber> {
        if !self.execution.held.is_empty() {
            return Vec::new();
        }
        self.execution.index.idle.iter().copied().filter(|run| self.is_idle(*run)).collect()
    }

    /// Returns whether a loop is still to begin.
    fn is_new(&self, run: RunNumber) -> bool {
        self.at(run).looping.as_ref().is_some_and(|looping| looping.iteration == 0)
    }

    /// Returns whether nothing is left to do in the iteration of a loop, and its condition is not asked for. What has ended in
    /// it is gone on from first: also what was passed over, which never was open.
    pub(super) fn is_idle(&self, run: RunNumber) -> bool {
        let around = |ended: &RunNumber| std::iter::successors(self.at(*ended).frame, |holder| self.at(*holder).frame);
        let goes_on = || self.ended.iter().any(|ended| around(ended).any(|frame| frame == run));
        self.execution.index.idle.contains(&run) && self.at(run).asked.is_none() && !goes_on()
    }

    /// Ends an execution in which nothing is left to do.
    fn finish(&mut self) {
        let is_done = self.execution.index.open.is_empty() && !self.execution.waits_for_room();
        if is_done && !self.execution.runs.is_empty() {
            self.complete();
        } else if self.execution.overdue && !self.execution.alert_only && !self.execution.waits_to_store() {
            self.time_out_workflow();
        }
    }
}
