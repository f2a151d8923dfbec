//! How many tasks of one definition may be under way at once, and how many may start within a time.
//!
//! Kept in memory only: after a start it is made again from the executions that go on. Workers wait in their queues; a call
//! or a sub-workflow waits here.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::daemon::batch::Batch;
use crate::daemon::dispatcher::Dispatcher;
use crate::engine::{Execution, Input, Quota, Run, Standing};
use crate::journal::Log;
use crate::words::{ExecutionId, RunNumber, Timestamp};

/// How many starts of one definition are remembered; a rate limit above it counts as this one.
const STARTS_MAX: usize = 100_000;

/// A run of an execution.
type Id = (ExecutionId, RunNumber);
/// Where a run stands among those that wait: a higher priority comes first, then who has waited longer.
pub(super) type Rank = (Reverse<i32>, Timestamp, ExecutionId, RunNumber);

/// What the tasks of each limited definition use of it.
#[derive(Default)]
pub(super) struct Quotas {
    used: BTreeMap<String, Used>,
    /// What each execution has or wants.
    known: HashMap<ExecutionId, BTreeMap<RunNumber, (String, Rank)>>,
    /// When the next of those that wait may begin by the time alone.
    opening: Option<Timestamp>,
}

#[derive(Default)]
struct Used {
    /// Those that have a place.
    under_way: BTreeSet<Id>,
    /// Those of them that are about to begin, since when.
    reserved: BTreeMap<Id, Timestamp>,
    /// The latest starts.
    starts: BTreeSet<(Timestamp, Id)>,
    /// Those that wait here for a place, each with the limit that it began with.
    waiting: BTreeMap<Rank, Quota>,
}

/// Until when a run must wait; `None`: until another one ends.
pub(super) type HeldBack = Option<Timestamp>;

impl Used {
    /// Says whether a run may begin now. One that had a place before keeps it.
    fn has_room(&self, quota: &Quota, id: Id, now: Timestamp) -> Result<(), HeldBack> {
        if quota.at_once > 0 && self.under_way.len() >= quota.at_once && !self.under_way.contains(&id) {
            return Err(None);
        }
        if quota.starts > 0 {
            let limit = quota.starts.min(STARTS_MAX);
            let surplus = self.starts.len().checked_sub(limit);
            let oldest = surplus.and_then(|surplus| self.starts.iter().nth(surplus));
            if let Some((at, _)) = oldest.filter(|(at, _)| *at > now.minus(quota.window)) {
                // A start that the clock says is to come is not waited for beyond one window.
                return Err(Some((*at).min(now).plus(quota.window)));
            }
        }
        Ok(())
    }

    fn begin(&mut self, quota: &Quota, id: Id, at: Timestamp) {
        if quota.at_once > 0 {
            self.under_way.insert(id);
        }
        if quota.starts > 0 {
            self.starts.insert((at, id));
            while self.starts.len() > quota.starts.min(STARTS_MAX) {
                self.starts.pop_first();
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.under_way.is_empty() && self.starts.is_empty() && self.waiting.is_empty() && self.reserved.is_empty()
    }
}

impl Quotas {
    /// Says whether a run may be given to a worker now. Who waits here for longer comes before it.
    pub(super) fn allows(&self, quota: &Quota, rank: Rank, now: Timestamp) -> Result<(), HeldBack> {
        let Some(used) = self.used.get(&quota.name) else { return Ok(()) };
        used.has_room(quota, (rank.2, rank.3), now)?;
        if used.waiting.first_key_value().is_some_and(|(first, _)| *first < rank) { Err(None) } else { Ok(()) }
    }

    /// Notes that a worker has a run.
    pub(super) fn begin(&mut self, quota: &Quota, id: Id, at: Timestamp) {
        self.used.entry(quota.name.clone()).or_default().begin(quota, id, at);
    }

    /// Returns what lets runs of an execution begin in one step. `is_known` is whether every execution could be read: else
    /// nobody knows how much of a limit is used.
    pub(super) fn gate<'a>(
        &'a mut self,
        under_way: &'a BTreeSet<RunNumber>,
        is_known: bool,
        now: Timestamp,
    ) -> impl Fn(&Execution, &Run, &Quota) -> bool + 'a {
        let quotas = RefCell::new(self);
        move |execution, run, quota| is_known && quotas.borrow_mut().admit(execution, run, quota, under_way, now)
    }

    /// Gives a run its place, where there is one and nobody has waited for longer.
    fn admit(
        &mut self,
        execution: &Execution,
        run: &Run,
        quota: &Quota,
        under_way: &BTreeSet<RunNumber>,
        now: Timestamp,
    ) -> bool {
        let id = (execution.id, run.number);
        let used = self.used.entry(quota.name.clone()).or_default();
        if let Some(at) = used.reserved.remove(&id) {
            if used.starts.remove(&(at, id)) {
                used.starts.insert((now, id));
            }
            return true;
        }
        // What has ended in this very step has its place no more.
        let Used { under_way: holders, reserved, .. } = used;
        let has_place = |number: RunNumber| {
            let run = execution.run(number);
            run.and_then(|run| execution.standing_of(run, under_way)) == Some(Standing::Holds)
        };
        let own = (id.0, RunNumber(0))..=(id.0, RunNumber(u32::MAX));
        let ended = holders.range(own).filter(|held| !reserved.contains_key(held) && !has_place(held.1));
        for held in ended.copied().collect::<Vec<_>>() {
            holders.remove(&held);
        }
        let rank = rank(execution, run);
        if used.waiting.first_key_value().is_some_and(|(first, _)| *first < rank)
            || used.has_room(quota, id, now).is_err()
        {
            return false;
        }
        used.begin(quota, id, now);
        self.known.entry(execution.id).or_default().insert(run.number, (quota.name.clone(), rank));
        true
    }

    /// Notes when the tasks of an execution started that was loaded.
    pub(super) fn restore(&mut self, execution: &Execution) {
        for (run, quota) in execution.limited_runs().filter(|(_, quota)| quota.starts > 0) {
            if let Some(at) = run.started {
                self.begin(&Quota { at_once: 0, ..quota }, (execution.id, run.number), at);
            }
        }
    }

    /// Brings up to date what an execution has and what it waits for, where these runs moved; where nothing is given, all may
    /// have.
    pub(super) fn note(
        &mut self,
        execution: &Execution,
        under_way: &BTreeSet<RunNumber>,
        moved: Option<&BTreeSet<RunNumber>>,
    ) {
        if !execution.plan.limited && !self.known.contains_key(&execution.id) {
            return;
        }
        let runs: BTreeSet<RunNumber> = if let Some(moved) = moved {
            moved.clone()
        } else {
            let open = execution.open_runs().map(|run| run.number);
            let known = self.known.get(&execution.id).into_iter().flat_map(BTreeMap::keys);
            open.chain(known.copied()).chain(under_way.iter().copied()).collect()
        };
        for number in runs {
            self.note_run(execution, number, under_way);
        }
        self.used.retain(|_, used| !used.is_empty());
    }

    fn note_run(&mut self, execution: &Execution, number: RunNumber, under_way: &BTreeSet<RunNumber>) {
        let reserved = self.leave(execution.id, number);
        let standing = execution
            .run(number)
            .and_then(|run| Some((run, execution.quota(run)?, execution.standing_of(run, under_way)?)));
        let Some((run, quota, standing)) = standing else { return };
        let (id, rank) = ((execution.id, number), rank(execution, run));
        let used = self.used.entry(quota.name.clone()).or_default();
        match (standing, reserved) {
            (Standing::Holds, _) if quota.at_once > 0 => drop(used.under_way.insert(id)),
            (Standing::Begins, Some(at)) => {
                used.begin(&quota, id, at);
                used.reserved.insert(id, at);
            }
            (Standing::Waits, _) => drop(used.waiting.insert(rank, quota.clone())),
            (Standing::Holds, _) | (Standing::Begins, None) => return,
        }
        self.known.entry(execution.id).or_default().insert(number, (quota.name, rank));
    }

    /// Forgets what an execution has and wants, until it says so again; its starts count on.
    pub(super) fn forget(&mut self, execution: ExecutionId) {
        let known = self.known.get(&execution).into_iter().flat_map(BTreeMap::keys);
        for run in known.copied().collect::<Vec<_>>() {
            self.leave(execution, run);
        }
        self.used.retain(|_, used| !used.is_empty());
    }

    /// Forgets an execution whose last steps are taken back, with its starts: it says anew what it has when it is loaded.
    pub(super) fn take_back(&mut self, execution: ExecutionId) {
        for used in self.used.values_mut() {
            used.starts.retain(|(_, id)| id.0 != execution);
        }
        self.forget(execution);
    }

    /// Takes back what is known of a run, and returns since when it was about to begin, if it was.
    fn leave(&mut self, execution: ExecutionId, run: RunNumber) -> Option<Timestamp> {
        let known = self.known.get_mut(&execution)?;
        let (name, rank) = known.remove(&run)?;
        if known.is_empty() {
            self.known.remove(&execution);
        }
        let used = self.used.get_mut(&name)?;
        let id = (execution, run);
        used.under_way.remove(&id);
        used.waiting.remove(&rank);
        let reserved = used.reserved.remove(&id)?;
        used.starts.remove(&(reserved, id));
        Some(reserved)
    }

    /// Returns the run whose turn it is, if there is a place for any: it has it from now on.
    fn next(&mut self, now: Timestamp) -> Option<Id> {
        self.opening = None;
        for used in self.used.values_mut() {
            let Some((rank, quota)) = used.waiting.first_key_value() else { continue };
            let (rank, quota, id) = (*rank, quota.clone(), (rank.2, rank.3));
            match used.has_room(&quota, id, now) {
                Ok(()) => {
                    used.waiting.remove(&rank);
                    used.begin(&quota, id, now);
                    used.reserved.insert(id, now);
                    return Some(id);
                }
                Err(until) => self.opening = self.opening.into_iter().chain(until).min(),
            }
        }
        None
    }

    /// Returns when the next of those that wait here may begin, where only time holds it.
    pub(super) fn opening(&self) -> Option<Timestamp> {
        self.opening
    }
}

fn rank(execution: &Execution, run: &Run) -> Rank {
    (Reverse(execution.priority), run.not_before, execution.id, run.number)
}

impl Dispatcher {
    /// Returns whether what is begun here, for a run, may begin now.
    pub(super) fn has_place(&mut self, execution: &Execution, run: &Run, now: Timestamp) -> bool {
        let Some(quota) = execution.quota(run) else { return true };
        self.quotas.gate(self.calls.of(execution.id), self.missing.is_empty(), now)(execution, run, &quota)
    }

    /// Lets those begin for whom there is a place.
    pub(super) fn serve_places(&mut self, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        if self.is_draining() || !self.missing.is_empty() {
            // No time that passes changes that.
            self.quotas.opening = None;
            return;
        }
        while let Some((id, run)) = self.quotas.next(now) {
            let begun = self.step(id, Input::Placed { run }, now, log, batch);
            self.serve_needs(now, log, batch);
            if !matches!(begun, Ok(true)) {
                tracing::error!(execution = %id, run = run.0, "a task could not begin though there is a place for it");
                self.quotas.forget(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::time::Duration;

    use uuid::Uuid;

    use super::{Id, Quota, Quotas, Rank};

    use crate::words::{ExecutionId, RunNumber, Timestamp};

    const ID: ExecutionId = ExecutionId::new(Uuid::from_u128(7));

    fn quota(at_once: usize, starts: usize) -> Quota {
        Quota { name: "work".to_owned(), at_once, starts, window: Duration::from_secs(10) }
    }

    fn run(number: u32) -> Id {
        (ID, RunNumber(number))
    }

    fn rank(number: u32) -> Rank {
        (Reverse(0), at(0), ID, RunNumber(number))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn starts_are_counted_over_the_window_and_wait_for_the_oldest_to_leave_it() {
        let mut quotas = Quotas::default();
        let quota = quota(0, 2);
        for (number, second) in [(1, 0), (2, 4)] {
            assert_eq!(quotas.allows(&quota, rank(number), at(second)), Ok(()));
            quotas.begin(&quota, run(number), at(second));
        }
        quotas.forget(ID);
        assert_eq!(quotas.allows(&quota, rank(3), at(9)), Err(Some(at(10))));
        assert_eq!(quotas.allows(&quota, rank(3), at(10)), Ok(()));
        quotas.begin(&quota, run(3), at(10));
        assert_eq!(quotas.allows(&quota, rank(4), at(10)), Err(Some(at(14))));
        assert_eq!(quotas.allows(&quota, rank(4), at(-50)), Err(Some(at(-40))), "the clock was set back");
    }
}
