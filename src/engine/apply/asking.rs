//! Scripts that are asked for, and their answers.

use std::sync::Arc;

use super::{Applying, Illegal};
use crate::engine::script::{Asked, Script};
use crate::words::{RunNumber, TaskStatus};

impl Applying<'_> {
    /// A run asks one question at a time, and the number of the asking event is its token.
    pub(super) fn asked(&mut self, number: RunNumber, script: &Script) -> Result<(), Illegal> {
        if self.execution.run(number).is_some_and(|run| run.asked.is_some()) {
            return Err(self.out_of_state("asked", "a question is open"));
        }
        let (at, token) = (self.at, self.seq());
        self.open(number, "asked", |run| {
            run.status = TaskStatus::InProgress;
            run.started.get_or_insert(at);
            run.asked = Some(Arc::new(Asked { token, script: script.clone() }));
        })
    }

    pub(super) fn evaluated(&mut self, number: RunNumber) -> Result<(), Illegal> {
        if self.execution.run(number).is_some_and(|run| run.asked.is_none()) {
            return Err(self.out_of_state("evaluated", "no question is open"));
        }
        self.open(number, "evaluated", |run| run.asked = None)
    }

    /// What follows from a run that has ended is owed once.
    pub(super) fn deferred(&mut self, number: RunNumber) -> Result<(), Illegal> {
        let run = self.execution.run(number).ok_or(Illegal::UnknownRun { seq: self.seq(), run: number })?;
        if !run.status.is_terminal() {
            return Err(self.out_of_state("deferred", run.status));
        }
        self.live("deferred", |execution, _| execution.held.push(number))
    }
}
