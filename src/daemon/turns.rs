//! Whose turn it is to give a secret a new value.
//!
//! Kept in memory only: it follows from the executions, and after a start it is made from them again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::daemon::batch::Batch;
use crate::daemon::dispatcher::Dispatcher;
use crate::engine::{Execution, Input};
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
    /// Returns who, other than `me`, is about to change a secret.
    pub(super) fn taken(&self, secret: &str, me: ExecutionId, now: Timestamp) -> Option<ExecutionId> {
        let mut holders = self.holders.get(secret)?.iter();
        holders.find(|(id, until)| **id != me && until.is_none_or(|until| until > now)).map(|(id, _)| *id)
    }

    /// Brings up to date what an execution holds and waits for.
    pub(super) fn note(&mut self, execution: &Execution, under_way: &BTreeSet<RunNumber>) {
        if !execution.plan.rotates {
            return;
        }
        let id = execution.id;
        let before = self.held.remove(&id);
        let rotations = execution.rotations(before.as_ref().map(|held| &held.runs), under_way);
        let mut held = Held::default();
        for rotation in rotations {
            let until = rotation.answered.map(|answered| answered.plus(STORED_WITHIN));
            for secret in rotation.secrets {
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
        for secret in execution.awaited_secrets() {
            self.waiting.entry(secret.to_owned()).or_default().insert(id);
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

impl Dispatcher {
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
