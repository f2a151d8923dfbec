//! The calls that are under way in this process and are never cut.

use std::collections::{BTreeSet, HashMap};

use crate::engine::{Command, Outcome};
use crate::words::{ExecutionId, RunNumber};
use crate::workflow::definition::TaskType;

/// Which calls were released and are not answered. It is not kept: the calls of a process end with it.
#[derive(Default)]
pub(super) struct Calls(HashMap<ExecutionId, BTreeSet<RunNumber>>);

static NONE: BTreeSet<RunNumber> = BTreeSet::new();

impl Calls {
    /// Notes a call that is released now. One that may be cut is not noted: nobody answers for it then.
    pub(super) fn begin(&mut self, command: &Command) {
        if let Command::Perform(work) = command
            && work.feeds_secret
            && *work.task_type() == TaskType::Http
        {
            self.0.entry(work.execution).or_default().insert(work.run);
        }
    }

    /// Forgets a call that is answered.
    pub(super) fn end(&mut self, outcome: &Outcome) {
        if let Some(runs) = self.0.get_mut(&outcome.execution) {
            runs.remove(&outcome.run);
            if runs.is_empty() {
                self.0.remove(&outcome.execution);
            }
        }
    }

    /// Returns the runs of an execution whose calls are under way.
    pub(super) fn of(&self, execution: ExecutionId) -> &BTreeSet<RunNumber> {
        self.0.get(&execution).unwrap_or(&NONE)
    }
}
