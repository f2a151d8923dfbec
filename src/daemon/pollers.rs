//! Who polled which queue last: what tells a domain with workers from one without.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::daemon::offers::Queue;
use crate::words::Timestamp;

/// How long a worker counts as there after its last poll, as on Conductor.
const THERE_FOR: Duration = Duration::from_secs(10);
/// How many queues are remembered: anybody may poll for names that nobody uses. The one that was polled first goes.
const QUEUES_MAX: usize = 4_096;

/// The last poll of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastPoll {
    /// Which queue.
    pub queue: Queue,
    /// Which worker.
    pub worker_id: Option<String>,
    /// When it came.
    pub at: Timestamp,
    /// Until when it waits or waited.
    pub until: Timestamp,
}

impl LastPoll {
    fn is_recent(&self, now: Timestamp) -> bool {
        now <= self.at.max(self.until).plus(THERE_FOR)
    }
}

/// The last poll of each queue. Kept in memory only: workers that are there poll again.
#[derive(Default)]
pub(super) struct Pollers(BTreeMap<Queue, LastPoll>);

impl Pollers {
    /// Notes a poll, and returns whether no worker was there before it.
    pub(super) fn note(&mut self, poll: LastPoll) -> bool {
        let now = poll.at;
        if self.0.len() >= QUEUES_MAX && !self.0.contains_key(&poll.queue) {
            let oldest = self.0.values().min_by_key(|poll| poll.at).map(|poll| poll.queue.clone());
            oldest.map(|queue| self.0.remove(&queue));
        }
        self.0.insert(poll.queue.clone(), poll).is_none_or(|before| !before.is_recent(now))
    }

    /// Returns the first of these domains in which a worker is there; else the last one.
    pub(super) fn choose(&self, name: &str, domains: &[Option<String>], now: Timestamp) -> Option<String> {
        let is_there = |domain: &&Option<String>| {
            let queue = Queue { name: name.to_owned(), domain: (*domain).clone() };
            domain.is_some() && self.0.get(&queue).is_some_and(|poll| poll.is_recent(now))
        };
        match domains {
            [] => None,
            [only] => only.clone(),
            [.., last] => domains.iter().find(is_there).unwrap_or(last).clone(),
        }
    }

    /// Returns the last poll of each queue.
    pub(super) fn all(&self) -> Vec<LastPoll> {
        self.0.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{LastPoll, Pollers, QUEUES_MAX, Queue};
    use crate::words::Timestamp;

    fn poll(name: &str, domain: Option<&str>, at: i64, until: i64) -> LastPoll {
        let queue = Queue { name: name.to_owned(), domain: domain.map(str::to_owned) };
        let [at, until] = [at, until].map(Timestamp::from_millis);
        LastPoll { queue, worker_id: None, at, until }
    }

    #[test]
    fn a_domain_counts_while_its_worker_waits_and_ten_seconds_after() {
        let mut pollers = Pollers::default();
        let domains = [Some("a".to_owned()), Some("b".to_owned()), None];
        let chosen = |pollers: &Pollers, now| pollers.choose("work", &domains, Timestamp::from_millis(now));
        assert_eq!(chosen(&pollers, 0), None);
        assert!(pollers.note(poll("work", Some("b"), 0, 5_000)));
        assert!(!pollers.note(poll("work", Some("b"), 1_000, 6_000)), "it was there already");
        assert_eq!(chosen(&pollers, 16_000).as_deref(), Some("b"));
        assert_eq!(chosen(&pollers, 16_001), None);
        assert!(pollers.note(poll("work", Some("a"), 2_000, 2_000)));
        assert_eq!(chosen(&pollers, 3_000).as_deref(), Some("a"));
        assert!(pollers.note(poll("work", Some("b"), 60_000, 60_000)), "it comes back");
    }

    #[test]
    fn polls_for_ever_new_names_are_forgotten_the_oldest_first() {
        let mut pollers = Pollers::default();
        for at in 0..=i64::try_from(QUEUES_MAX).unwrap() {
            pollers.note(poll(&format!("work{at}"), None, at, at));
        }
        let all = pollers.all();
        assert_eq!((all.len(), all.iter().any(|poll| poll.queue.name == "work0")), (QUEUES_MAX, false));
    }
}
