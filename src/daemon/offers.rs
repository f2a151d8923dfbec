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

/// The runs of one queue. A run that may start moves from `later` to `ready` once, so that who takes ten of ten thousand
/// looks at ten.
#[derive(Default)]
struct Waiting {
    /// Higher priority first, then the one that has waited longer.
    ready: BTreeSet<(Reverse<i32>, Timestamp, ExecutionId, RunNumber)>,
    /// What may not start yet, the soonest first.
    later: BTreeSet<(Timestamp, Reverse<i32>, ExecutionId, RunNumber)>,
}

/// Where a run waits.
struct Place {
    queue: Queue,
    priority: Reverse<i32>,
    not_before: Timestamp,
}

/// Every run that waits for a worker. It is derived from the executions and never stored.
#[derive(Default)]
pub(super) struct Offers {
    queues: BTreeMap<Queue, Waiting>,
    places: HashMap<ExecutionId, HashMap<RunNumber, Place>>,
}

impl Waiting {
    fn len(&self) -> usize {
        self.ready.len() + self.later.len()
    }

    /// Makes ready what may start now.
    fn ripen(&mut self, now: Timestamp) {
        while let Some(first) = self.later.first().copied().filter(|(not_before, ..)| *not_before <= now) {
            self.later.remove(&first);
            let (not_before, priority, execution, run) = first;
            self.ready.insert((priority, not_before, execution, run));
        }
    }

    fn remove(&mut self, place: &Place, execution: ExecutionId, run: RunNumber) {
        self.ready.remove(&(place.priority, place.not_before, execution, run));
        self.later.remove(&(place.not_before, place.priority, execution, run));
    }
}

impl Offers {
    /// Puts a run into its queue; a run that is there already moves.
    pub(super) fn offer(&mut self, offer: &Offer) {
        self.withdraw(offer.execution, offer.run);
        let queue = Queue { name: offer.queue.clone(), domain: offer.domain.clone() };
        let place = Place { queue, priority: Reverse(offer.priority), not_before: offer.not_before };
        let waiting = self.queues.entry(place.queue.clone()).or_default();
        waiting.later.insert((place.not_before, place.priority, offer.execution, offer.run));
        self.places.entry(offer.execution).or_default().insert(offer.run, place);
    }

    /// Takes a run out of its queue.
    pub(super) fn withdraw(&mut self, execution: ExecutionId, run: RunNumber) {
        let Some(runs) = self.places.get_mut(&execution) else { return };
        if let Some(place) = runs.remove(&run) {
            self.unplace(&place, execution, run);
        }
        if self.places.get(&execution).is_some_and(HashMap::is_empty) {
            self.places.remove(&execution);
        }
    }

    /// Takes every run of an execution out of its queue.
    pub(super) fn withdraw_all(&mut self, execution: ExecutionId) {
        for (run, place) in self.places.remove(&execution).into_iter().flatten() {
            self.unplace(&place, execution, run);
        }
    }

    /// Takes the next runs of a queue that may start now, at most `count`.
    pub(super) fn take(&mut self, queue: &Queue, count: usize, now: Timestamp) -> Vec<(ExecutionId, RunNumber)> {
        let Some(waiting) = self.queues.get_mut(queue) else { return Vec::new() };
        waiting.ripen(now);
        let due: Vec<_> = waiting.ready.iter().take(count).map(|(.., execution, run)| (*execution, *run)).collect();
        for (execution, run) in &due {
            self.withdraw(*execution, *run);
        }
        due
    }

    /// Returns how many runs wait in each queue.
    pub(super) fn sizes(&self) -> BTreeMap<Queue, usize> {
        self.queues.iter().map(|(queue, waiting)| (queue.clone(), waiting.len())).collect()
    }

    /// Returns when the next run of a queue may start.
    pub(super) fn next(&self, queue: &Queue) -> Option<Timestamp> {
        let waiting = self.queues.get(queue)?;
        let ready = waiting.ready.first().map(|(_, not_before, ..)| *not_before);
        ready.or_else(|| waiting.later.first().map(|(not_before, ..)| *not_before))
    }

    fn unplace(&mut self, place: &Place, execution: ExecutionId, run: RunNumber) {
        if let Some(waiting) = self.queues.get_mut(&place.queue) {
            waiting.remove(place, execution, run);
            if waiting.len() == 0 {
                self.queues.remove(&place.queue);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Offer, Offers, Queue};
    use crate::words::{ExecutionId, RunNumber, TaskId, Timestamp};

    const ID: ExecutionId = ExecutionId::new(Uuid::from_u128(7));

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn offer(run: u32, priority: i32, not_before: i64) -> Offer {
        let (queue, domain, not_before) = ("work".to_owned(), None, at(not_before));
        let (run, task_id) = (RunNumber(run), TaskId::of(ID, RunNumber(run)));
        Offer { execution: ID, run, task_id, queue, domain, priority, not_before }
    }

    fn taken(offers: &mut Offers, count: usize, now: i64) -> Vec<u32> {
        let queue = Queue { name: "work".to_owned(), domain: None };
        offers.take(&queue, count, at(now)).into_iter().map(|(_, run)| run.0).collect()
    }

    #[test]
    fn the_most_urgent_of_what_may_start_comes_first_then_what_waited_longest() {
        let mut offers = Offers::default();
        for offer in [offer(1, 0, 10), offer(2, 5, 30), offer(3, 0, 5), offer(4, 9, 100), offer(5, 5, 20)] {
            offers.offer(&offer);
        }
        let queue = Queue { name: "work".to_owned(), domain: None };
        assert_eq!(offers.next(&queue), Some(at(5)));
        assert_eq!(taken(&mut offers, 10, 4), Vec::<u32>::new());
        assert_eq!(taken(&mut offers, 2, 30), [5, 2]);
        assert_eq!(offers.sizes()[&queue], 3);
        offers.withdraw(ID, RunNumber(3));
        offers.offer(&offer(1, 0, 200));
        assert_eq!(taken(&mut offers, 10, 150), [4], "one that was offered again has moved, one that left is gone");
        assert_eq!(offers.next(&queue), Some(at(200)));
        offers.withdraw_all(ID);
        assert_eq!((offers.next(&queue), offers.sizes().len()), (None, 0));
    }
}
