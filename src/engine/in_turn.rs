//! One call of a task at a time. A token may revoke the one before it, so that what is stored last must be what was asked
//! for last: a new attempt waits until the call of the one before it is answered, at the latest at that call's deadline.

use std::time::Duration;

use crate::engine::event::Fact;
use crate::engine::step::Step;
use crate::words::{RunNumber, TaskStatus, WorkflowStatus};

/// How often a run that waits looks again by itself. What ends the wait is the answer; this is for one that could not be
/// taken.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Step<'_> {
    /// Has a run wait whose task has a call under way, and returns whether it has one.
    pub(super) fn waits_its_turn(&mut self, run: RunNumber) -> bool {
        let task = self.at(run).task;
        let earlier = self.turn.under_way.range(..run).rev().find(|earlier| self.at(**earlier).task == task);
        let Some(earlier) = earlier else { return false };
        let id = self.at(*earlier).id(self.id());
        let reason = format!(
            "waits for an earlier call of this task ({id}), which is under way and never cut: its answer comes first"
        );
        let again = self.now().plus(LOOK_AGAIN);
        self.emit(Fact::Troubled { run, reason, again });
        true
    }

    /// Lets the attempts go on that waited for the call of this run.
    pub(super) fn give_way(&mut self, answered: RunNumber) {
        if self.execution.status != WorkflowStatus::Running {
            return;
        }
        let task = self.at(answered).task;
        let waits = |number: &RunNumber| {
            let run = self.at(*number);
            *number > answered && run.task == task && run.status == TaskStatus::Scheduled && run.troubles > 0
        };
        let waiting: Vec<_> = self.execution.index.open.iter().copied().filter(waits).collect();
        for run in waiting {
            self.emit(Fact::Due { run });
            self.release(run);
        }
    }
}
