//! Passes: how far an execution goes by itself in one moment.
//!
//! As in Conductor, what has ended is seen to in the order of scheduling, and what begins then is done before anybody sees
//! to what follows from it. Scripts are answered later, so what ends in the flow while one is open is deferred: whatever
//! begins in one moment is over before the next task begins, or the workflow ends. What the world answers (a call, a worker,
//! a store) is never kept waiting for a script.

use std::collections::VecDeque;

use crate::engine::event::Fact;
use crate::engine::execution::Run;
use crate::engine::operators::do_while;
use crate::engine::plan::{Plan, PlannedTask, TaskIndex, Ways};
use crate::engine::step::Step;
use crate::words::{RunNumber, TaskStatus, WorkflowStatus};
use crate::workflow::definition::{Nature, TaskType};

impl Step<'_> {
    /// Has what follows from a run seen to that has ended.
    pub(super) fn follow(&mut self, run: RunNumber) {
        self.ended.insert(run);
    }

    /// Does all that follows by itself.
    pub(super) fn run(&mut self) {
        while self.execution.status == WorkflowStatus::Running {
            if let Some(run) = self.pass.pop_first() {
                self.settle(run);
            } else if let Some(run) = self.work.pop_front() {
                self.execute(run);
            } else if !self.next_pass() {
                match self.idle_loop() {
                    Some(run) => do_while::advance(self, run),
                    None => return self.finish(),
                }
            }
        }
    }

    /// Begins the next pass, where anything has ended whose turn it is.
    fn next_pass(&mut self) -> bool {
        if self.execution.index.asking > 0 {
            self.defer();
            return !self.pass.is_empty();
        }
        if !self.execution.held.is_empty() {
            self.ended.extend(self.execution.held.iter().copied());
            self.emit(Fact::Released);
        }
        self.join();
        self.pass = std::mem::take(&mut self.ended);
        self.terminate_first() || !self.pass.is_empty()
    }

    /// Keeps back what ended in the flow while a script is open.
    fn defer(&mut self) {
        for run in std::mem::take(&mut self.ended) {
            if self.is_of_the_flow(run) {
                self.emit(Fact::Deferred { run });
            } else {
                self.pass.insert(run);
            }
        }
    }

    /// Returns whether nobody outside reports on a run.
    fn is_of_the_flow(&self, run: RunNumber) -> bool {
        let nature = self.execution.planned(self.at(run)).task.task_type.nature();
        matches!(nature, Nature::Script | Nature::Holder | Nature::Flow | Nature::Moment)
    }

    /// Has those JOINs look that come, in a pass, after what they wait for.
    fn join(&mut self) {
        let plan = self.plan();
        let mut ended: VecDeque<_> = self.ended.iter().copied().filter(|run| self.is_of_the_flow(*run)).collect();
        while let Some(run) = ended.pop_front() {
            for joined_by in &self.planned(&plan, run).joined_by {
                let waiting = plan.task(*joined_by).and_then(|join| self.execution.latest(join.slot));
                let Some(join) = waiting.filter(|join| join.is_beside(self.at(run))).map(|join| join.number) else {
                    continue;
                };
                if (self.is_ready(join) || self.is_fatal(run)) && self.place(&plan, run) < join {
                    self.execute(join);
                    ended.extend(self.ended.contains(&join).then_some(join));
                }
            }
        }
    }

    /// Ends the execution where a TERMINATE has ended: it leaves no room for what would come next. But what has failed for
    /// good comes first.
    fn terminate_first(&mut self) -> bool {
        let ends = |run: &RunNumber| {
            let run = self.at(*run);
            run.status == TaskStatus::Completed && self.execution.planned(run).task.task_type == TaskType::Terminate
        };
        let Some(terminate) = self.pass.iter().copied().find(ends) else { return false };
        let first = self.pass.iter().copied().find(|run| self.is_fatal(*run)).unwrap_or(terminate);
        self.pass.remove(&first);
        self.settle(first);
        true
    }

    /// Returns the place of a run in the pass that began it: that of the run from which it followed. What waits is looked
    /// at in its own place.
    fn place(&self, plan: &Plan, number: RunNumber) -> RunNumber {
        let run = self.at(number);
        let planned = self.planned(plan, number);
        if matches!(planned.task.task_type, TaskType::Join | TaskType::ExclusiveJoin | TaskType::DoWhile) {
            return number;
        }
        let before = plan.before(planned).and_then(|before| self.beside(before, run));
        match (before, run.scope) {
            (Some(before), _) => self.last_of(plan, before),
            (None, None) => RunNumber(0),
            // What is first in a fork or a SWITCH was made at once with it.
            (None, Some(holder)) => self.place(plan, holder),
        }
    }

    /// Returns the latest run of a task in the list of a run.
    fn beside(&self, planned: &PlannedTask, run: &Run) -> Option<&Run> {
        self.execution.latest(planned.slot).filter(|other| other.scope == run.scope && other.is_beside(run))
    }

    /// Returns the run that ended what a run holds, or the run itself.
    fn last_of(&self, plan: &Plan, run: &Run) -> RunNumber {
        let Ways::Switch { cases, otherwise } = &self.planned(plan, run.number).ways else { return run.number };
        let inside = |first: TaskIndex| {
            let list = std::iter::successors(plan.task(first), |task| plan.task(task.next?));
            let runs =
                list.map_while(|task| self.execution.latest(task.slot).filter(|one| one.scope == Some(run.number)));
            runs.last()
        };
        let last = cases.values().chain([otherwise]).flatten().find_map(|first| inside(*first));
        last.map_or(run.number, |last| self.last_of(plan, last))
    }

    /// Returns a loop in whose iteration nothing is left to do, and which waits for no answer. A new loop has none yet.
    fn idle_loop(&self) -> Option<RunNumber> {
        if !self.execution.held.is_empty() {
            return None;
        }
        let mut idle = self.execution.index.idle.iter().copied();
        idle.find(|run| self.at(*run).asked.is_none())
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
