//! One call of a task, and for a secret, at a time. A token may revoke the one before it, so that what is stored last must be
//! what was asked for last: a new attempt waits until the call of the one before it is answered, at the latest at that call's
//! deadline, and a call of another execution until what this one fetches is stored.

use std::time::Duration;

use crate::engine::event::Fact;
use crate::engine::execution::Run;
use crate::engine::rotating::is_waiting;
use crate::engine::step::Step;
use crate::words::{RunNumber, WorkflowStatus};

/// How often a run that waits looks again by itself. What ends the wait is the answer; this is for one that could not be
/// taken.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Step<'_> {
    /// Has a run wait whose task has a call under way, and returns whether it has one.
    pub(super) fn waits_its_turn(&mut self, run: RunNumber) -> bool {
        let is_same = |earlier: &&RunNumber| self.execution.is_same_task(self.at(**earlier), self.at(run));
        let earlier = self.turn.under_way.range(..run).rev().find(is_same);
        let reason = match earlier {
            Some(earlier) => format!(
                "waits for an earlier call of this task ({}), which is under way and never cut: its answer comes first",
                self.at(*earlier).id(self.id())
            ),
            None => match self.other_rotation(run) {
                Some(reason) => reason,
                None => return false,
            },
        };
        let again = self.now().plus(LOOK_AGAIN);
        self.emit(Fact::Troubled { run, reason, again });
        true
    }

    /// Returns why a run waits whose secret another execution is about to change.
    fn other_rotation(&self, run: RunNumber) -> Option<String> {
        let plan = self.plan();
        let planned = self.planned(&plan, run);
        let other = (self.turn.others.taken)(planned)?;
        let what = match planned.rotates.as_slice() {
            [] => "the same value".to_owned(),
            secrets => format!("`{}`", secrets.join("`, `")),
        };
        Some(format!("waits for workflow {other}, which fetches {what} as well: its value comes first"))
    }

    /// Lets the calls go on that waited for a secret which is free now.
    pub(super) fn take_turn(&mut self) {
        let waiting = self.waiting(|run| self.execution.planned(run).takes_turns());
        self.look_again(waiting);
    }

    /// Lets the attempts go on that waited for the call of this run.
    pub(super) fn give_way(&mut self, answered: RunNumber) {
        let earlier = self.at(answered);
        let waiting = self.waiting(|run| run.number > answered && self.execution.is_same_task(run, earlier));
        self.look_again(waiting);
    }

    fn waiting(&self, is_meant: impl Fn(&Run) -> bool) -> Vec<RunNumber> {
        let is_running = self.execution.status == WorkflowStatus::Running;
        let waiting = self.execution.open_runs().filter(|run| is_running && is_waiting(run) && is_meant(run));
        waiting.map(|run| run.number).collect()
    }

    fn look_again(&mut self, waiting: Vec<RunNumber>) {
        for run in waiting {
            self.emit(Fact::Due { run });
            self.release(run);
        }
    }
}
