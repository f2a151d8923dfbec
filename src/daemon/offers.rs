//! The queues in which runs wait for workers, and the workers that wait for runs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::engine::Offer;
use crate::words::{ExecutionId, RunNumber, Timestamp};

/// Where a worker looks: what it polls for, and in which domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Queue {
    /// What workers poll for.
    pub name: String,
    /// The domain, where there is one.
    pub domain: Option<String>,
}

/// Higher priority first, then the one that has waited longer.
type Place = (Reverse<i32>, Timestamp, ExecutionId, RunNumber);

/// Every run that waits for a worker. It is derived from the executions and never stored.
#[derive(Default)]
pub(super) struct Offers {
    queues: BTreeMap<Queue, BTreeSet<Place>>,
    places: HashMap<ExecutionId, HashMap<RunNumber, (Queue, Place)>>,
}

impl Offers {
    /// Puts a run into its queue; a run that is there already moves.
    pub(super) fn offer(&mut self, offer: &Offer) {
        self.withdraw(offer.execution, offer.run);
        let queue = Queue { name: offer.queue.clone(), domain: offer.domain.clone() };
        let place = (Reverse(offer.priority), offer.not_before, offer.execution, offer.run);
        self.queues.entry(queue.clone()).or_default().insert(place);
        self.places.entry(offer.execution).or_default().insert(offer.run, (queue, place));
    }

    /// Takes a run out of its queue.
    pub(super) fn withdraw(&mut self, execution: ExecutionId, run: RunNumber) {
        let Some(runs) = self.places.get_mut(&execution) else { return };
        if let Some((queue, place)) = runs.remove(&run) {
            self.unplace(&queue, &place);
        }
        if self.places.get(&execution).is_some_and(HashMap::is_empty) {
            self.places.remove(&execution);
        }
    }

    /// Takes every run of an execution out of its queue.
    pub(super) fn withdraw_all(&mut self, execution: ExecutionId) {
        for (queue, place) in self.places.remove(&execution).into_iter().flat_map(HashMap::into_values) {
            self.unplace(&queue, &place);
        }
    }

    /// Takes the next runs of a queue that may start now, at most `count`.
    pub(super) fn take(&mut self, queue: &Queue, count: usize, now: Timestamp) -> Vec<(ExecutionId, RunNumber)> {
        let due: Vec<_> = self
            .queues
            .get(queue)
            .into_iter()
            .flatten()
            .filter(|(_, not_before, _, _)| *not_before <= now)
            .take(count)
            .map(|(_, _, execution, run)| (*execution, *run))
            .collect();
        for (execution, run) in &due {
            self.withdraw(*execution, *run);
        }
        due
    }

    /// Returns how many runs wait in each queue.
    pub(super) fn sizes(&self) -> BTreeMap<Queue, usize> {
        self.queues.iter().map(|(queue, places)| (queue.clone(), places.len())).collect()
    }

    /// Returns when the next run of a queue may start.
    pub(super) fn next(&self, queue: &Queue) -> Option<Timestamp> {
        self.queues.get(queue)?.iter().map(|(_, not_before, _, _)| *not_before).min()
    }

    fn unplace(&mut self, queue: &Queue, place: &Place) {
        if let Some(places) = self.queues.get_mut(queue) {
            places.remove(place);
            if places.is_empty() {
                self.queues.remove(queue);
            }
        }
    }
}
