//! The queues in which runs wait for workers, and the workers that wait for runs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::daemon::pollers::{LastPoll, Pollers};
use crate::daemon::quotas::{HeldBack, Rank};
use crate::engine::{Offer, Quota};
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
    ready: BTreeSet<Rank>,
    /// What may not start yet, the soonest first.
    later: BTreeSet<(Timestamp, Reverse<i32>, ExecutionId, RunNumber)>,
    /// Where limits hold back all that is ready: until when.
    held_back: Option<Timestamp>,
}

/// How many runs that limits hold back one look at a queue passes over: most often a queue has one definition, and what
/// holds the first back holds all.
const PASSED_OVER_MAX: usize = 1_000;

/// Where a run waits.
struct Place {
    queue: Queue,
    offer: Offer,
    priority: Reverse<i32>,
    not_before: Timestamp,
}

/// A run that a worker may have.
pub(super) struct Taken {
    pub(super) execution: ExecutionId,
    pub(super) run: RunNumber,
    pub(super) quota: Option<Quota>,
}

/// Says whether a run that counts for a limit may go to a worker now.
pub(super) type Allows<'a> = &'a mut dyn FnMut(&Quota, Rank) -> Result<(), HeldBack>;

/// What the queues are like.
pub struct Queues {
    /// How many runs wait in each.
    pub sizes: BTreeMap<Queue, usize>,
    /// Who polled last.
    pub polls: Vec<LastPoll>,
}

/// Every run that waits for a worker. It is derived from the executions and never stored.
#[derive(Default)]
pub(super) struct Offers {
    queues: BTreeMap<Queue, Waiting>,
    places: HashMap<ExecutionId, HashMap<RunNumber, Place>>,
    /// The runs that may wait in one of several domains, by what workers poll for.
    choosy: BTreeMap<String, BTreeSet<(ExecutionId, RunNumber)>>,
    pollers: Pollers,
    /// When the last turn was.
    now: Timestamp,
}

impl Waiting {
    fn len(&self) -> usize {
        self.ready.len() + self.later.len()
    }

    fn executions(&self) -> impl Iterator<Item = ExecutionId> {
        let ready = self.ready.iter().map(|(_, _, execution, _)| *execution);
        ready.chain(self.later.iter().map(|(_, _, execution, _)| *execution))
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
        let domain = self.pollers.choose(&offer.queue, &offer.domains, self.now);
        if offer.domains.len() > 1 {
            self.choosy.entry(offer.queue.clone()).or_default().insert((offer.execution, offer.run));
        }
        let queue = Queue { name: offer.queue.clone(), domain };
        let (priority, not_before) = (Reverse(offer.priority), offer.not_before);
        let place = Place { queue, offer: offer.clone(), priority, not_before };
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

    /// Notes a poll. Where a domain has a worker again, runs that may wait there move to it.
    pub(super) fn polled(&mut self, poll: LastPoll) {
        self.now = poll.at;
        let name = poll.queue.name.clone();
        if !self.pollers.note(poll) {
            return;
        }
        for (execution, run) in self.choosy.get(&name).cloned().unwrap_or_default() {
            let place = self.places.get(&execution).and_then(|runs| runs.get(&run));
            if let Some(offer) = place.map(|place| place.offer.clone()) {
                self.offer(&offer);
            }
        }
    }

    /// Takes the next run of a queue that may start now, of the executions that whoever takes it works for.
    pub(super) fn take(
        &mut self,
        queue: &Queue,
        now: Timestamp,
        may: &dyn Fn(ExecutionId) -> bool,
        allows: Allows<'_>,
    ) -> Option<Taken> {
        self.now = now;
        let waiting = self.queues.get_mut(queue)?;
        waiting.ripen(now);
        // What holds back the runs of others still does.
        let others = waiting.held_back.take().filter(|until| *until > now);
        let mut again: Option<Timestamp> = None;
        let mut taken = None;
        let mut passes_others = false;
        let theirs = waiting.ready.iter().filter(|(.., execution, _)| {
            let theirs = may(*execution);
            passes_others |= !theirs;
            theirs
        });
        for rank in theirs.take(PASSED_OVER_MAX) {
            let (.., execution, run) = *rank;
            let place = self.places.get(&execution).and_then(|runs| runs.get(&run));
            let quota = place.and_then(|place| place.offer.quota.as_ref());
            match quota.map_or(Ok(()), |quota| allows(quota, *rank)) {
                Ok(()) => {
                    taken = Some(Taken { execution, run, quota: quota.cloned() });
                    break;
                }
                Err(until) => again = again.into_iter().chain(until).min(),
            }
        }
        if taken.is_none() && !waiting.ready.is_empty() {
            let others = others.filter(|_| passes_others);
            waiting.held_back = Some(again.into_iter().chain(others).min().unwrap_or(Timestamp::MAX));
        }
        if let Some(taken) = &taken {
            self.withdraw(taken.execution, taken.run);
        }
        taken
    }

    /// Returns what the queues are like.
    pub(super) fn queues(&self, may: &dyn Fn(ExecutionId) -> bool) -> Queues {
        Queues { sizes: self.sizes(may), polls: self.pollers.all() }
    }

    /// Returns how many runs wait in each queue, of the executions that whoever asks works for; a queue of others is not named.
    pub(super) fn sizes(&self, may: &dyn Fn(ExecutionId) -> bool) -> BTreeMap<Queue, usize> {
        let size = |waiting: &Waiting| waiting.executions().filter(|execution| may(*execution)).count();
        let sizes = self.queues.iter().map(|(queue, waiting)| (queue.clone(), size(waiting)));
        sizes.filter(|(_, size)| *size > 0).collect()
    }

    /// Returns when the next run of a queue may start.
    pub(super) fn next(&self, queue: &Queue) -> Option<Timestamp> {
        let waiting = self.queues.get(queue)?;
        let later = waiting.later.first().map(|(not_before, ..)| *not_before);
        match (waiting.ready.first(), waiting.held_back) {
            (Some(_), Some(until)) => later.into_iter().chain([until]).min(),
            (Some((_, not_before, ..)), None) => Some(*not_before),
            (None, _) => later,
        }
    }

    fn unplace(&mut self, place: &Place, execution: ExecutionId, run: RunNumber) {
        if place.offer.domains.len() > 1
            && let Some(choosy) = self.choosy.get_mut(&place.queue.name)
        {
            choosy.remove(&(execution, run));
            if choosy.is_empty() {
                self.choosy.remove(&place.queue.name);
            }
        }
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

    use super::{LastPoll, Offer, Offers, Queue, Quota};
    use crate::words::{ExecutionId, RunNumber, TaskId, Timestamp};

    const ID: ExecutionId = ExecutionId::new(Uuid::from_u128(7));

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn offer(run: u32, priority: i32, not_before: i64) -> Offer {
        let (queue, domains, not_before) = ("work".to_owned(), vec![None], at(not_before));
        let (run, task_id) = (RunNumber(run), TaskId::of(ID, RunNumber(run)));
        Offer { execution: ID, run, task_id, queue, domains, quota: None, priority, not_before }
    }

    fn queue(domain: Option<&str>) -> Queue {
        Queue { name: "work".to_owned(), domain: domain.map(str::to_owned) }
    }

    fn taken(offers: &mut Offers, count: usize, now: i64) -> Vec<u32> {
        let queue = queue(None);
        let mut next = || offers.take(&queue, at(now), &|_| true, &mut |_, _| Ok(())).map(|taken| taken.run.0);
        (0..count).map_while(|_| next()).collect()
    }

    #[test]
    fn the_most_urgent_of_what_may_start_comes_first_then_what_waited_longest() {
        let mut offers = Offers::default();
        for offer in [offer(1, 0, 10), offer(2, 5, 30), offer(3, 0, 5), offer(4, 9, 100), offer(5, 5, 20)] {
            offers.offer(&offer);
        }
        let queue = queue(None);
        assert_eq!(offers.next(&queue), Some(at(5)));
        assert_eq!(taken(&mut offers, 10, 4), Vec::<u32>::new());
        assert_eq!(taken(&mut offers, 2, 30), [5, 2]);
        assert_eq!(offers.sizes(&|_| true)[&queue], 3);
        offers.withdraw(ID, RunNumber(3));
        offers.offer(&offer(1, 0, 200));
        assert_eq!(taken(&mut offers, 10, 150), [4], "one that was offered again has moved, one that left is gone");
        assert_eq!(offers.next(&queue), Some(at(200)));
        offers.withdraw_all(ID);
        assert_eq!((offers.next(&queue), offers.sizes(&|_| true).len()), (None, 0));
    }

    #[test]
    fn a_run_with_fallbacks_waits_where_a_worker_is_and_moves_when_one_comes_back() {
        let mut offers = Offers::default();
        let domains = vec![Some("a".to_owned()), Some("b".to_owned()), None];
        offers.offer(&Offer { domains, ..offer(1, 0, 0) });
        let mut come = |domain: &str, now| {
            let poll = LastPoll { queue: queue(Some(domain)), worker_id: None, at: at(now), until: at(now) };
            offers.polled(poll);
            offers.sizes(&|_| true).into_keys().map(|queue| queue.domain).collect::<Vec<_>>()
        };
        assert_eq!(come("elsewhere", 0), [None]);
        assert_eq!(come("b", 1), [Some("b".to_owned())]);
        assert_eq!(come("a", 2), [Some("a".to_owned())]);
        assert_eq!(come("b", 3), [Some("a".to_owned())]);
        assert_eq!(come("b", 60_000), [Some("b".to_owned())], "the worker of the first domain is gone");
        offers.withdraw_all(ID);
        assert_eq!((offers.sizes(&|_| true).len(), offers.choosy.len()), (0, 0));
    }

    #[test]
    fn what_limits_hold_back_wakes_nobody_before_its_time() {
        let mut offers = Offers::default();
        offers.offer(&Offer { quota: Some(quota()), ..offer(1, 0, 0) });
        offers.offer(&Offer { quota: Some(quota()), ..offer(2, 0, 50) });
        let queue = queue(None);
        let mut held = |until| {
            offers.take(&queue, at(10), &|_| true, &mut |_, _| Err(until)).is_none().then(|| offers.next(&queue))
        };
        assert_eq!(held(Some(at(30))), Some(Some(at(30))));
        assert_eq!(held(None), Some(Some(at(50))), "the next one may be of another definition");
        offers.offer(&offer(3, 0, 0));
        assert_eq!(taken(&mut offers, 9, 10), [1, 3]);
    }

    fn quota() -> Quota {
        Quota { name: "work".to_owned(), at_once: 1, starts: 0, window: std::time::Duration::ZERO }
    }
}
