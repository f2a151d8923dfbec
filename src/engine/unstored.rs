//! What was fetched for a secret and is stored nowhere.

use crate::engine::execution::{Execution, Run};
use crate::engine::operators::http;
use crate::engine::plan::PlannedTask;
use crate::words::{RunNumber, TaskStatus, WorkflowStatus};
use crate::workflow::definition::TaskType;

impl Execution {
    /// Returns the runs of an ended execution that fetched a value for a secret which no UPDATE_SECRET stored. They are
    /// Problems, and nothing of them is scrubbed, until they are retried, rescued or dismissed.
    pub fn unstored(&self) -> Vec<RunNumber> {
        if self.dismissed || (self.is_live() && !self.store_is_in_trouble()) {
            return Vec::new();
        }
        let fetched = self.runs.iter().filter(|run| self.has_fetched(run) && !self.superseded(run));
        let own = fetched.filter(|run| !self.is_stored(run));
        own.chain(self.given_to_nobody()).map(|run| run.number).collect()
    }

    /// Returns the runs that brought what is stored above, where that never got it.
    fn given_to_nobody(&self) -> impl Iterator<Item = &Run> {
        let is_kept = self.status == WorkflowStatus::Completed && !self.detached;
        let is_meant =
            self.parent.as_ref().is_some_and(|parent| !parent.stores.is_empty()) && !self.is_live() && !is_kept;
        let fetched = self.runs.iter().filter(move |run| is_meant && self.brings_for_others(run));
        fetched.filter(|run| {
            let later = self.runs.get(run.number.0 as usize..).unwrap_or_default();
            !later.iter().any(|other| self.is_same_task(other, run) && self.brings_for_others(other))
        })
    }

    /// Returns whether a run brought a value that leaves the definition.
    fn brings_for_others(&self, run: &Run) -> bool {
        let planned = self.planned(run);
        let is_leaving = !planned.may_repeat && planned.stored_by.is_empty();
        let accepted =
            run.response.as_ref().is_some_and(|response| http::is_accepted(run.input.expose(), response.status_code));
        is_leaving && (accepted || is_given(planned, run))
    }

    /// Returns whether a run brought a value that a task of this definition is there to store.
    pub(super) fn has_fetched(&self, run: &Run) -> bool {
        let planned = self.planned(run);
        planned.feeds_secret
            && !planned.stored_by.is_empty()
            && (is_given(planned, run)
                || run
                    .response
                    .as_ref()
                    .is_some_and(|response| http::is_accepted(run.input.expose(), response.status_code)))
    }

    /// Returns whether a later run of the same task brought another value. Where each iteration of a loop stores its own,
    /// one does not stand for another.
    pub(super) fn superseded(&self, run: &Run) -> bool {
        let planned = self.planned(run);
        let stores = planned.stored_by.iter().filter_map(|store| self.plan.task(*store));
        let each_its_own = stores.into_iter().any(|store| store.in_loop == planned.in_loop);
        let is_again = |other: &Run| self.is_same_task(other, run) && self.has_fetched(other);
        self.after(run, each_its_own).any(is_again)
    }

    /// Returns whether two runs are of one task, whatever definition each was made with.
    pub(super) fn is_same_task(&self, one: &Run, other: &Run) -> bool {
        one.task == other.task || self.planned(one).slot == self.planned(other).slot
    }

    /// Returns the runs after a run; only those of its own iteration, or all.
    fn after<'e>(&'e self, run: &'e Run, beside: bool) -> impl Iterator<Item = &'e Run> {
        let place = run.frame.filter(|_| beside).map(|frame| (frame, run.iteration));
        let frame = place.and_then(|place| self.index.frames.get(&place));
        let of_frame = frame.into_iter().flat_map(|frame| &frame.runs).filter_map(|number| self.run(*number));
        // An iteration that was let go, or is from before a restart, is looked for among all.
        let all = if frame.is_some() { &[] } else { self.runs.get(run.number.0 as usize..).unwrap_or_default() };
        let rest = all.iter().filter(move |other| !beside || other.is_beside(run));
        of_frame.filter(|other| other.number > run.number).chain(rest)
    }

    /// Where an execution ended well, what it did not come to was not meant to be stored; else every task counts.
    pub(super) fn is_stored(&self, fetched: &Run) -> bool {
        let planned = self.planned(fetched);
        let stores = planned.stored_by.iter().filter_map(|store| self.plan.task(*store));
        let mut states = stores.map(|store| {
            let is_store = |run: &&Run| self.planned(run).slot == store.slot;
            let runs: Vec<_> = self.after(fetched, store.in_loop == planned.in_loop).filter(is_store).collect();
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

/// Returns whether a sub-workflow gave something.
fn is_given(planned: &PlannedTask, run: &Run) -> bool {
    planned.task.task_type == TaskType::SubWorkflow && run.status == TaskStatus::Completed
}

#[derive(PartialEq, Eq)]
enum Stored {
    Yes,
    No,
    NotReached,
}
