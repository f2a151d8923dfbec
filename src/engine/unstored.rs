//! What was fetched for a secret and is stored nowhere.

use crate::engine::execution::{Execution, Run};
use crate::engine::operators::http;
use crate::words::{RunNumber, TaskStatus, WorkflowStatus};

impl Execution {
    /// Returns the runs of an ended execution that fetched a value for a secret which no UPDATE_SECRET stored. They are
    /// Problems, and nothing of them is scrubbed, until they are retried, rescued or dismissed.
    pub fn unstored(&self) -> Vec<RunNumber> {
        if self.dismissed || (self.is_live() && !self.store_is_in_trouble()) {
            return Vec::new();
        }
        let fetched = self.runs.iter().filter(|run| self.has_fetched(run) && !self.superseded(run));
        fetched.filter(|run| !self.is_stored(run)).map(|run| run.number).collect()
    }

    /// Returns whether a run brought a value that a task of this definition is there to store.
    pub(super) fn has_fetched(&self, run: &Run) -> bool {
        let planned = self.planned(run);
        planned.feeds_secret
            && !planned.stored_by.is_empty()
            && run.response.as_ref().is_some_and(|response| http::is_accepted(run.input.expose(), response.status_code))
    }

    /// Returns whether a later run of the same task brought another value.
    pub(super) fn superseded(&self, run: &Run) -> bool {
        let later = self.runs.get(run.number.0 as usize..).unwrap_or_default();
        later.iter().any(|other| other.task == run.task && self.has_fetched(other))
    }

    /// Where an execution ended well, what it did not come to was not meant to be stored; else every task counts.
    fn is_stored(&self, fetched: &Run) -> bool {
        let later = self.runs.get(fetched.number.0 as usize..).unwrap_or_default();
        let stores = &self.planned(fetched).stored_by;
        let mut states = stores.iter().map(|store| {
            let runs: Vec<_> = later.iter().filter(|run| run.task == *store).collect();
            if runs.iter().any(|run| run.stored) {
                Stored::Yes
            } else if runs.is_empty() {
                Stored::NotReached
            } else {
                Stored::No
            }
        });
        if self.status == WorkflowStatus::Completed {
            let states: Vec<_> = states.collect();
            states.contains(&Stored::Yes) && !states.contains(&Stored::No)
        } else {
            states.all(|state| state == Stored::Yes)
        }
    }

    fn store_is_in_trouble(&self) -> bool {
        self.waits_to_store() && self.open_runs().any(|run| run.status == TaskStatus::InProgress && run.troubles > 0)
    }
}

#[derive(PartialEq, Eq)]
enum Stored {
    Yes,
    No,
    NotReached,
}
