//! Which secrets an execution is about to give a new value: from the call that asks for it until the value is stored.
//!
//! Two executions that rotate one secret take turns. An issuer may revoke the last token when it gives the next, so whoever
//! stores last must be the one that asked last, and between the asking and the storing nobody else may ask.

use std::collections::BTreeSet;

use crate::engine::execution::{Execution, Run};
use crate::engine::limited::waits_for_place;
use crate::engine::plan::PlannedTask;
use crate::words::{RunNumber, TaskStatus, Timestamp, WorkflowStatus};

/// A call whose answer is meant for secrets that the definition names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The run of the call.
    pub run: RunNumber,
    /// The secrets.
    pub secrets: Vec<String>,
    /// When the answer came; absent: the call is under way.
    pub answered: Option<Timestamp>,
}

impl Execution {
    /// Returns the calls for a secret that are under way, or whose answer is not stored yet. `known` is what the last answer
    /// to this question was; where there was none, every run.
    pub fn rotations(&self, known: Option<&BTreeSet<RunNumber>>, under_way: &BTreeSet<RunNumber>) -> Vec<Rotation> {
        if !self.plan.rotates {
            return Vec::new();
        }
        let candidates: BTreeSet<RunNumber> = match known {
            Some(known) => known.iter().chain(&self.index.open).chain(under_way).copied().collect(),
            None => self.runs.iter().map(|run| run.number).collect(),
        };
        let rotation = |run: &Run| {
            let secrets = &self.planned(run).rotates;
            let is_held = !secrets.is_empty() && (self.is_asking(run, under_way) || self.is_to_be_stored(run));
            let answered = run.ended.filter(|_| run.response.is_some() && !under_way.contains(&run.number));
            is_held.then(|| Rotation { run: run.number, secrets: secrets.clone(), answered })
        };
        candidates.into_iter().filter_map(|number| self.run(number)).filter_map(rotation).collect()
    }

    /// Returns the tasks of which a run waits its turn, or may wait.
    pub fn waiting_turns(&self) -> impl Iterator<Item = &PlannedTask> {
        let is_running = self.status == WorkflowStatus::Running;
        let waiting = self.open_runs().filter(move |run| is_running && is_waiting(run));
        waiting.map(|run| self.planned(run)).filter(|planned| planned.takes_turns())
    }

    fn is_asking(&self, run: &Run, under_way: &BTreeSet<RunNumber>) -> bool {
        let is_called = self.is_live() && run.status == TaskStatus::InProgress && run.response.is_none();
        under_way.contains(&run.number) || is_called
    }

    fn is_to_be_stored(&self, run: &Run) -> bool {
        self.is_live() && self.has_fetched(run) && !self.superseded(run) && !self.is_stored(run)
    }
}

impl PlannedTask {
    /// Returns whether its call may have to wait for the call of another execution.
    pub(super) fn takes_turns(&self) -> bool {
        self.task.task_type.is_http() && !self.may_repeat
    }
}

/// Returns whether a run was told to wait before it began, but for a place.
pub(super) fn is_waiting(run: &Run) -> bool {
    run.status == TaskStatus::Scheduled && run.troubles > 0 && !waits_for_place(run)
}
