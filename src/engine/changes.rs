//! What events change of what people see.

use std::collections::BTreeSet;

use crate::engine::event::{Event, Fact};
use crate::words::RunNumber;

/// What changed in an execution.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The runs whose status may be another.
    pub runs: BTreeSet<RunNumber>,
    /// Whether anything changed that people see.
    pub shown: bool,
    /// Whether more changed than the status of these runs and of the execution.
    pub more: bool,
}

/// Returns what these events changed.
pub fn changes(events: &[Event]) -> Changes {
    let mut changes = Changes::default();
    for event in events {
        changes.note(&event.fact);
    }
    changes
}

impl Changes {
    fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::Scheduled(scheduling) => self.run(scheduling.run),
            Fact::Completed(completion) => self.run(completion.run),
            Fact::Failed(failure) => self.run(failure.run),
            Fact::RunStarted { run, .. }
            | Fact::Troubled { run, .. }
            | Fact::Polled { run, .. }
            | Fact::Updated { run, .. }
            | Fact::Excused { run }
            | Fact::Permitted { run }
            | Fact::Canceled { run }
            | Fact::Reinstated { run }
            | Fact::Iterated { run, .. }
            | Fact::RunOverdue { run }
            | Fact::ChildStarted { run, .. }
            | Fact::ChildReopened { run }
            | Fact::Rewound { run, .. }
            | Fact::Skipped { run, .. }
            | Fact::Passed { run, .. } => self.run(*run),
            Fact::Started(_)
            | Fact::Overdue
            | Fact::Paused
            | Fact::Resumed
            | Fact::Reopened { .. }
            | Fact::Shared { .. }
            | Fact::Admitted
            | Fact::Detached
            | Fact::Ended { .. } => self.shown = true,
            Fact::VariablesSet { .. }
            | Fact::Restarted { .. }
            | Fact::Removed { .. }
            | Fact::Dropped { .. }
            | Fact::Amended { .. }
            | Fact::Dismissed
            | Fact::FailureWorkflow { .. } => {
                self.shown = true;
                self.more = true;
            }
            Fact::Due { .. }
            | Fact::Deferred { .. }
            | Fact::Released
            | Fact::Answered { .. }
            | Fact::Leased { .. }
            | Fact::Asked { .. }
            | Fact::Evaluated { .. }
            | Fact::Noted { .. }
            | Fact::Masked { .. } => {}
        }
    }

    fn run(&mut self, run: RunNumber) {
        self.shown = true;
        self.runs.insert(run);
    }
}
