//! Which executions of a workflow with `rateLimitConfig` run, and which wait for room.
//!
//! Kept in memory only: it follows from the executions, and after a start it is made from them again.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::daemon::batch::Batch;
use crate::daemon::dispatcher::Dispatcher;
use crate::engine::{Execution, Input};
use crate::journal::Log;
use crate::words::{ExecutionId, Timestamp, WorkflowStatus};

/// The executions with a limit, by the workflow and the key of it.
#[derive(Default)]
pub(super) struct Concurrency {
    groups: HashMap<Group, Sharing>,
    known: HashMap<ExecutionId, (Group, Option<Place>)>,
    /// The groups in which there may be room for somebody who waits.
    roomy: BTreeSet<Group>,
}

/// A workflow's name and a key.
type Group = (String, String);
/// Where one waits: those of a higher priority come first, then who was there first.
type Place = (Reverse<i32>, Timestamp, ExecutionId);

/// Those of one group.
#[derive(Default)]
struct Sharing {
    running: BTreeSet<ExecutionId>,
    waiting: BTreeSet<Place>,
    /// What the one who spoke last said: a new version may say something else.
    limit: usize,
}

impl Sharing {
    fn has_room(&self) -> bool {
        self.running.len() < self.limit
    }
}

impl Concurrency {
    /// Returns whether another execution may run; who has waited comes before it.
    pub(super) fn has_room(&self, name: &str, key: &str, limit: usize) -> bool {
        let sharing = self.groups.get(&(name.to_owned(), key.to_owned()));
        sharing.is_none_or(|sharing| sharing.waiting.is_empty() && sharing.running.len() < limit)
    }

    /// Brings up to date where an execution stands.
    pub(super) fn note(&mut self, execution: &Execution) {
        let shared = execution.shared_limit().filter(|_| execution.is_live());
        if shared.is_none() && self.known.is_empty() {
            return;
        }
        let id = execution.id;
        self.forget(id);
        let Some((name, key, limit)) = shared else { return };
        let group = (name.to_owned(), key.to_owned());
        let sharing = self.groups.entry(group.clone()).or_default();
        sharing.limit = limit;
        let place = (Reverse(execution.priority), execution.created, id);
        let place = execution.waits_for_room().then_some(place);
        match place {
            None => drop(sharing.running.insert(id)),
            // One that is paused lets others pass.
            Some(place) if execution.status == WorkflowStatus::Running => drop(sharing.waiting.insert(place)),
            Some(_) => {}
        }
        if sharing.has_room() && !sharing.waiting.is_empty() {
            self.roomy.insert(group.clone());
        }
        self.known.insert(id, (group, place));
    }

    /// Forgets an execution that has ended, or that is taken back and says anew where it stands.
    pub(super) fn forget(&mut self, id: ExecutionId) {
        let Some((group, place)) = self.known.remove(&id) else { return };
        let Some(sharing) = self.groups.get_mut(&group) else { return };
        sharing.running.remove(&id);
        if let Some(place) = place {
            sharing.waiting.remove(&place);
        }
        if sharing.running.is_empty() && sharing.waiting.is_empty() {
            self.groups.remove(&group);
            self.roomy.remove(&group);
        } else if sharing.has_room() && !sharing.waiting.is_empty() {
            self.roomy.insert(group);
        }
    }

    /// Returns whose turn it is, if there is room for anybody.
    fn next(&mut self) -> Option<ExecutionId> {
        loop {
            let group = self.roomy.first()?.clone();
            let first = self.groups.get(&group).filter(|sharing| sharing.has_room());
            if let Some((_, _, id)) = first.and_then(|sharing| sharing.waiting.first()) {
                return Some(*id);
            }
            self.roomy.remove(&group);
        }
    }
}

impl Dispatcher {
    /// Lets those begin for whom there is room. While an execution could not be read nobody knows how much there is.
    pub(super) fn serve_room(&mut self, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        if self.is_draining() || !self.missing.is_empty() {
            return;
        }
        while let Some(id) = self.concurrency.next() {
            let begun = self.step(id, Input::Admitted, now, log, batch);
            self.serve_needs(now, log, batch);
            if !matches!(begun, Ok(true)) {
                tracing::error!(execution = %id, "an execution could not begin though there is room for it");
                self.concurrency.forget(id);
            }
        }
    }
}
