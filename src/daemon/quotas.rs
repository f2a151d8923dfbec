//! How many tasks of one definition may be under way at once, and how many may start within a time.
//!
//! Kept in memory only: after a start it is made again from the executions that go on.

use std::collections::{BTreeSet, HashMap};

use crate::engine::{Execution, Quota};
use crate::words::{ExecutionId, RunNumber, TaskStatus, Timestamp};

/// How many starts of one definition are remembered; a rate limit above it counts as this one.
const STARTS_MAX: usize = 100_000;

/// A run of an execution.
type Id = (ExecutionId, RunNumber);

/// What the tasks of each limited definition use of it.
#[derive(Default)]
pub(super) struct Quotas(HashMap<String, Used>);

#[derive(Default)]
struct Used {
    /// Those that workers have, and some that ended since.
    under_way: BTreeSet<Id>,
    /// The latest starts.
    starts: BTreeSet<(Timestamp, Id)>,
}

/// Until when a run must wait; `None`: until another one ends.
pub(super) type HeldBack = Option<Timestamp>;

impl Quotas {
    /// Says whether a run may be given to a worker now. One that a worker had before keeps its place.
    pub(super) fn allows(
        &mut self,
        quota: &Quota,
        id: Id,
        now: Timestamp,
        is_under_way: &dyn Fn(&Id) -> bool,
    ) -> Result<(), HeldBack> {
        let Some(used) = self.0.get_mut(&quota.name) else { return Ok(()) };
        if quota.at_once > 0 && used.under_way.len() >= quota.at_once && !used.under_way.contains(&id) {
            used.under_way.retain(is_under_way);
            if used.under_way.len() >= quota.at_once {
                return Err(None);
            }
        }
        if quota.starts > 0 {
            let limit = quota.starts.min(STARTS_MAX);
            let surplus = used.starts.len().checked_sub(limit);
            let oldest = surplus.and_then(|surplus| used.starts.iter().nth(surplus));
            if let Some((at, _)) = oldest.filter(|(at, _)| *at > now.minus(quota.window)) {
                // A start that the clock says is to come is not waited for beyond one window.
                return Err(Some((*at).min(now).plus(quota.window)));
            }
        }
        Ok(())
    }

    /// Notes that a worker has a run.
    pub(super) fn begin(&mut self, quota: &Quota, id: Id, at: Timestamp) {
        let used = self.0.entry(quota.name.clone()).or_default();
        if quota.at_once > 0 {
            used.under_way.insert(id);
        }
        if quota.starts > 0 {
            used.starts.insert((at, id));
            while used.starts.len() > quota.starts.min(STARTS_MAX) {
                used.starts.pop_first();
            }
        }
    }

    /// Notes what an execution that was loaded has under way, and when its tasks started.
    pub(super) fn note(&mut self, execution: &Execution) {
        for (run, quota) in execution.limited_runs() {
            let id = (execution.id, run.number);
            let Some(at) = run.started else { continue };
            if run.status == TaskStatus::InProgress {
                self.begin(&quota, id, at);
            } else {
                self.begin(&Quota { at_once: 0, ..quota }, id, at);
            }
        }
    }

    /// Lets go of an execution; its starts count on.
    pub(super) fn forget(&mut self, execution: ExecutionId) {
        for used in self.0.values_mut() {
            let all = (execution, RunNumber(0))..=(execution, RunNumber(u32::MAX));
            let gone: Vec<_> = used.under_way.range(all).copied().collect();
            for id in gone {
                used.under_way.remove(&id);
            }
        }
        self.0.retain(|_, used| !used.under_way.is_empty() || !used.starts.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::{Id, Quota, Quotas};
    use crate::words::{ExecutionId, RunNumber, Timestamp};

    const ID: ExecutionId = ExecutionId::new(Uuid::from_u128(7));

    fn quota(at_once: usize, starts: usize) -> Quota {
        Quota { name: "work".to_owned(), at_once, starts, window: Duration::from_secs(10) }
    }

    fn run(number: u32) -> Id {
        (ID, RunNumber(number))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_place_is_free_when_its_run_ended_and_kept_by_one_that_comes_back() {
        let mut quotas = Quotas::default();
        let quota = quota(2, 0);
        for number in [1, 2] {
            assert_eq!(quotas.allows(&quota, run(number), at(0), &|_| true), Ok(()));
            quotas.begin(&quota, run(number), at(0));
        }
        assert_eq!(quotas.allows(&quota, run(3), at(0), &|_| true), Err(None));
        assert_eq!(quotas.allows(&quota, run(2), at(0), &|_| true), Ok(()));
        assert_eq!(quotas.allows(&quota, run(3), at(0), &|id| *id != run(1)), Ok(()));
        quotas.forget(ID);
        assert_eq!(quotas.0.len(), 0);
    }

    #[test]
    fn starts_are_counted_over_the_window_and_wait_for_the_oldest_to_leave_it() {
        let mut quotas = Quotas::default();
        let quota = quota(0, 2);
        for (number, second) in [(1, 0), (2, 4)] {
            assert_eq!(quotas.allows(&quota, run(number), at(second), &|_| true), Ok(()));
            quotas.begin(&quota, run(number), at(second));
        }
        quotas.forget(ID);
        assert_eq!(quotas.allows(&quota, run(3), at(9), &|_| true), Err(Some(at(10))));
        assert_eq!(quotas.allows(&quota, run(3), at(10), &|_| true), Ok(()));
        quotas.begin(&quota, run(3), at(10));
        assert_eq!(quotas.allows(&quota, run(4), at(10), &|_| true), Err(Some(at(14))));
        assert_eq!(quotas.allows(&quota, run(4), at(-50), &|_| true), Err(Some(at(-40))), "the clock was set back");
    }
}
