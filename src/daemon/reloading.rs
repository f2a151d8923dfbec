//! Executions that come from the journal: at the start of the process, and again after a commit that failed.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::daemon::batch::{Answer, Batch};
use crate::daemon::dispatcher::{Dispatcher, Watchers};
use crate::daemon::loading::load;
use crate::daemon::message::Refused;
use crate::engine::{self, Command, Execution, Input, Need, Plan};
use crate::journal::Log;
use crate::words::{ExecutionId, Timestamp};

/// An execution that is not in memory and must come back: its timers, its calls and its watchers wait for it.
pub(super) struct Missing {
    /// What is to be made of it.
    origin: Origin,
    watchers: Watchers,
    /// What it runs, where that is known.
    pub(super) plan: Option<Arc<Plan>>,
}

/// Whose execution it was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// That of the process before: its started calls have an unknown outcome.
    Before,
    /// Ours: its calls are under way here.
    Own,
}

impl Dispatcher {
    /// Takes in executions that the journal holds, at the start of the process. Every started call has an unknown outcome
    /// now; what was only scheduled runs.
    pub fn recover(&mut self, ids: &[ExecutionId], log: &dyn Log, now: Timestamp) -> Batch {
        let mut batch = Batch::default();
        self.miss(ids.iter().map(|id| (*id, Missing { origin: Origin::Before, watchers: Vec::new(), plan: None })));
        self.reload(now, log, &mut batch);
        self.tick(now, log, &mut batch);
        self.serve_needs(now, log, &mut batch);
        self.serve_room(now, log, &mut batch);
        self.serve_places(now, log, &mut batch);
        batch
    }

    /// Takes back a batch that is not on disk: its executions are loaded again, its callers told, the executor's
    /// answers kept for the next turn.
    pub(super) fn rolled_back(&mut self, batch: Batch, reason: &str, now: Timestamp, log: &dyn Log) {
        // What was needed is taken back with it; what is needed now the states say.
        self.needs.clear();
        for id in batch.touched.keys() {
            let origin = if batch.recovered.contains(id) { Origin::Before } else { Origin::Own };
            let plan = self.live.get(id).map(|live| live.execution.plan.clone());
            let watchers = self.forget(*id);
            self.turns.forget(*id);
            self.concurrency.forget(*id);
            self.quotas.take_back(*id);
            self.conditions.forget(*id);
            self.miss([(*id, Missing { origin, watchers, plan })]);
        }
        self.reload_own(log);
        self.kept.extend(batch.outcomes);
        if !batch.watermarks.is_empty() {
            // The timetable has run ahead of the journal: it starts again from what is on disk.
            self.slots.recover_or_wait(log, now);
        }
        for answer in batch.answers {
            match answer {
                Answer::Unwritten { reply } => drop(reply.send(self.unwritten())),
                answer => answer.refuse(&Refused::Unavailable(reason.to_owned())),
            }
        }
    }

    /// Loads what is missing; what cannot be read now is tried again at the next turn.
    pub(super) fn reload(&mut self, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        self.reload_own(log);
        let before = self.missing.iter().filter(|(_, missing)| missing.origin == Origin::Before);
        let before: Vec<_> = before.map(|(id, _)| *id).collect();
        for id in before {
            if !self.missing.remove(&id).is_some_and(|missing| self.reloaded(id, missing, log)) {
                continue;
            }
            batch.recovered.insert(id);
            batch.touch(id);
            if let Err(refused) = self.step(id, Input::Recovered, now, log, batch) {
                tracing::error!(execution = %id, %refused, "an execution could not be recovered");
            }
        }
    }

    fn reload_own(&mut self, log: &dyn Log) {
        let (own, before): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.missing).into_iter().partition(|(_, missing)| missing.origin == Origin::Own);
        self.missing = before;
        for (id, missing) in own {
            self.reloaded(id, missing, log);
        }
    }

    /// Loads one execution; returns whether it is live now.
    fn reloaded(&mut self, id: ExecutionId, missing: Missing, log: &dyn Log) -> bool {
        match load(id, log, &self.plans) {
            Ok(Some(execution)) if execution.is_live() => {
                self.readmit(execution, missing.watchers);
                true
            }
            Err(Refused::Unavailable(reason)) => {
                tracing::warn!(execution = %id, reason, "an execution could not be read; it is tried again");
                self.miss([(id, missing)]);
                false
            }
            Err(refused @ Refused::Quarantined { .. }) => {
                self.quarantined.push((id, refused.to_string()));
                false
            }
            Ok(Some(ended)) => {
                // Its parent may not have heard of it.
                self.needs.extend(ended.parent.map(|place| Need::Child { parent: place.execution, run: place.run }));
                false
            }
            // Its start was taken back.
            Ok(None) | Err(_) => false,
        }
    }

    fn readmit(&mut self, execution: Execution, watchers: Watchers) {
        let id = execution.id;
        for command in engine::outstanding(&execution) {
            if let Command::Offer(offer) = command {
                self.offers.offer(&offer);
            }
        }
        self.needs.extend(engine::owed_needs(&execution));
        self.admit(execution);
        if let Some(live) = self.live.get_mut(&id) {
            live.watchers = watchers;
        }
    }

    fn miss(&mut self, missing: impl IntoIterator<Item = (ExecutionId, Missing)>) {
        self.missing.extend(missing);
    }
}
