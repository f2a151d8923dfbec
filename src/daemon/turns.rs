//! Whose turn it is to give a secret a new value.
//!
//! Kept in memory only: it follows from the executions, and after a start it is made from them again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::daemon::batch::Batch;
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::library::{Asking, Library};
use crate::engine::{Execution, Input, PlannedTask};
use crate::journal::Log;
use crate::words::{ExecutionId, RunNumber, Timestamp};

/// How long a value that was fetched keeps others from fetching before it is stored. An execution that waits for longer
/// between the two, for a person or a grace period, must not stop every other rotation of the secret.
const STORED_WITHIN: Duration = Duration::from_mins(10);

/// Which executions are about to change which secrets, and which wait for that.
#[derive(Default)]
pub(super) struct Turns {
    /// By secret, who holds it; until when, where its call is answered.
    holders: HashMap<String, BTreeMap<ExecutionId, Option<Timestamp>>>,
    held: HashMap<ExecutionId, Held>,
    waiting: HashMap<String, BTreeSet<ExecutionId>>,
    /// Those whose secret was let go of.
    freed: BTreeSet<ExecutionId>,
}

/// What one execution holds, and by which calls.
#[derive(Default)]
struct Held {
    runs: BTreeSet<RunNumber>,
    secrets: BTreeSet<String>,
}

impl Turns {
    /// Returns who must come before a call of a task of `me`.
    pub(super) fn taken(&self, planned: &PlannedTask, me: &Place, now: Timestamp) -> Option<ExecutionId> {
        let is_other = |id: ExecutionId, until: Option<Timestamp>| id != me.id && until.is_none_or(|until| until > now);
        let holders = planned.rotates.iter().filter_map(|secret| self.holders.get(secret)).flatten();
        let mut holders = holders.filter(|(id, until)| is_other(**id, **until)).map(|(id, _)| *id);
        holders.next().or_else(|| me.left(&planned.task.task_reference_name))
    }

    /// Brings up to date what an execution holds and waits for.
    ///
    /// Who may not store a secret holds up nobody who may: else an application could keep a token from being rotated until it
    /// expires, by a definition that only names its secret.
    pub(super) fn note(&mut self, execution: &Execution, under_way: &BTreeSet<RunNumber>, library: &dyn Library) {
        let id = execution.id;
        for planned in execution.waiting_turns() {
            let family = execution.parent.as_ref().map(|parent| of_family(parent.root));
            for name in planned.rotates.iter().cloned().chain(family) {
                self.waiting.entry(name).or_default().insert(id);
            }
        }
        if let Some(parent) = execution.parent.as_ref().filter(|_| !execution.is_live() && under_way.is_empty()) {
            self.freed.extend(self.waiting.remove(&of_family(parent.root)).unwrap_or_default());
        }
        if !execution.plan.rotates {
            return;
        }
        let before = self.held.remove(&id);
        let rotations = execution.rotations(before.as_ref().map(|held| &held.runs), under_way);
        let mut held = Held::default();
        for rotation in rotations {
            let until = rotation.answered.map(|answered| answered.plus(STORED_WITHIN));
            let may_store = |secret: &String| library.may_store(Asking::of(execution), secret);
            for secret in rotation.secrets.into_iter().filter(may_store) {
                let is_new = held.secrets.insert(secret.clone());
                let known = self.holders.entry(secret).or_default().entry(id).or_insert(until);
                *known = if is_new { until } else { known.zip(until).map(|(known, until)| known.max(until)) };
            }
            held.runs.insert(rotation.run);
        }
        for secret in before.into_iter().flat_map(|before| before.secrets) {
            if !held.secrets.contains(&secret) {
                self.release(&secret, id);
            }
        }
        if execution.is_live() || !held.runs.is_empty() {
            self.held.insert(id, held);
        }
    }

    /// Forgets what an execution holds that is taken back: what it holds now it says when it is loaded again.
    pub(super) fn forget(&mut self, id: ExecutionId) {
        for secret in self.held.remove(&id).unwrap_or_default().secrets {
            self.release(&secret, id);
        }
    }

    fn release(&mut self, secret: &str, id: ExecutionId) {
        if let Some(holders) = self.holders.get_mut(secret) {
            holders.remove(&id);
            if holders.is_empty() {
                self.holders.remove(secret);
            }
        }
        self.freed.extend(self.waiting.remove(secret).unwrap_or_default());
    }
}

/// Under which name members of a family wait for each other; no secret has one like it.
fn of_family(root: ExecutionId) -> String {
    format!("workflow {root}")
}

/// An execution among others.
pub(super) struct Place {
    id: ExecutionId,
    /// The ended executions of its family whose calls nobody waits for and that are under way, with the references of their
    /// tasks.
    left: Vec<(ExecutionId, String)>,
}

impl Place {
    /// Returns who has left a call of a task of this reference, in whatever iteration.
    fn left(&self, reference: &str) -> Option<ExecutionId> {
        let is_meant =
            |called: &str| called.strip_prefix(reference).is_some_and(|rest| rest.is_empty() || rest.starts_with("__"));
        self.left.iter().find(|(_, called)| is_meant(called)).map(|(id, _)| *id)
    }
}

impl Dispatcher {
    /// Returns where an execution stands.
    pub(super) fn place(&self, id: ExecutionId, root: Option<ExecutionId>) -> Place {
        let lives = |id: ExecutionId| self.live.get(&id).is_some_and(|live| live.execution.is_live());
        let calls = root.into_iter().flat_map(|root| self.calls.below(root));
        let left = calls.filter(|(other, _)| *other != id && !lives(*other));
        Place { id, left: left.map(|(other, reference)| (other, reference.to_owned())).collect() }
    }

    /// Lets those go on whose secret was let go of. Who comes first takes it; the others wait again.
    pub(super) fn serve_freed(&mut self, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        for id in std::mem::take(&mut self.turns.freed) {
            if self.live.contains_key(&id)
                && let Err(refused) = self.step(id, Input::Freed, now, log, batch)
            {
                tracing::warn!(execution = %id, %refused, "a call that waited for a secret looks again by itself");
            }
        }
    }
}
