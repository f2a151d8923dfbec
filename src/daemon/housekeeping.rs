//! What is done beside the work: archiving what has ended, purging what is old.

use std::time::Duration;

use serde_json::Value;

use crate::daemon::loading::{Plans, load};
use crate::engine::Execution;
use crate::journal::{Action, Actor, Entry, Log, Object, ObjectKind, Transaction, Wiped};
use crate::words::Timestamp;

/// How often there is a look at what has ended.
const PERIOD: Duration = Duration::from_mins(1);
/// How many executions one look archives or purges, and how many slots it forgets: callers wait for it, some milliseconds.
const EXECUTIONS_PER_LOOK_MAX: usize = 25;
/// How many entries of the audit one look purges: each purge is an entry itself, so they are many.
const ENTRIES_PER_LOOK_MAX: usize = 500;
/// How soon there is another look where one did not come to the end, or could not wipe what went: callers get their turn, and
/// nothing piles up.
const PERIOD_BEHIND: Duration = Duration::from_millis(100);

/// How long executions are kept, and what their snapshot looks like.
pub struct Housekeeping {
    /// How long a finished execution can be retried with its `_secrets`.
    pub retry_window: Duration,
    /// How long a finished execution is kept.
    pub keep: Duration,
    /// How long the audit is kept; for ever where nothing is said.
    pub keep_audit: Option<Duration>,
    /// Returns an execution as Conductor's Workflow, masked.
    pub snapshot: Box<dyn Fn(&Execution) -> Value + Send>,
    /// When to look next.
    pub next: Timestamp,
    /// Whether what went may still be on the disk.
    pub unwiped: bool,
}

impl Housekeeping {
    /// Returns when there is something to look at.
    pub(super) fn next(&self) -> Timestamp {
        self.next
    }

    /// Archives and purges what is due, where it is time to, and returns whether it was; what fails is tried again the next
    /// time.
    pub fn tick(&mut self, log: &mut dyn Log, now: Timestamp) -> bool {
        // A clock that was set back must not stop it until its old time comes again.
        if now < self.next && self.next.since(now) <= PERIOD {
            return false;
        }
        self.next = now.plus(PERIOD);
        if let Err(error) = log.take_notes(now) {
            tracing::warn!(%error, "what commands noted could not be taken into the audit; it is tried again");
        }
        match self.archive(log, now).and_then(|archived| Ok(archived.max(self.purge(log, now)?))) {
            Ok(count) if count == EXECUTIONS_PER_LOOK_MAX => self.next = now.plus(PERIOD_BEHIND),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "finished executions could not be archived; it is tried again"),
        }
        if self.unwiped {
            self.wipe(log, now);
        }
        true
    }

    /// Wipes what went from the disk; where a reader still looks at it, another look follows soon.
    pub(super) fn wipe(&mut self, log: &mut dyn Log, now: Timestamp) {
        self.unwiped = true;
        match log.wipe() {
            Ok(Wiped::Now) => self.unwiped = false,
            Ok(Wiped::Later) => self.next = now.plus(PERIOD_BEHIND),
            Err(error) => tracing::warn!(%error, "what went could not be wiped; it is tried again"),
        }
    }

    /// Archives what is due, as much as one look does, and returns how many that were.
    fn archive(&mut self, log: &mut dyn Log, now: Timestamp) -> Result<usize, crate::journal::Error> {
        let due = log.due_for_archive(now.minus(self.retry_window), EXECUTIONS_PER_LOOK_MAX)?;
        let mut snapshots = Vec::with_capacity(due.len());
        let plans = Plans::default();
        for id in due {
            match load(id, log, &plans) {
                Ok(Some(execution)) => snapshots.push((id, (self.snapshot)(&execution))),
                Ok(None) => {}
                Err(refused) => tracing::warn!(execution = %id, %refused, "an execution could not be archived"),
            }
        }
        if !snapshots.is_empty() {
            self.unwiped = true;
            log.archive(&snapshots, now)?;
        }
        Ok(snapshots.len())
    }

    fn purge(&mut self, log: &mut dyn Log, now: Timestamp) -> Result<usize, crate::journal::Error> {
        let before = now.minus(self.keep);
        let due = log.due_for_purge(before, EXECUTIONS_PER_LOOK_MAX)?;
        if let (Some(first), Some(last)) = (due.first(), due.last()) {
            // One entry for all: there was one for each when it was started.
            let detail = format!("{} executions that ended before {before}, from {first} to {last}", due.len());
            let object = Object::new(ObjectKind::Workflow, "*");
            let entry = Entry::new(now, Actor::keytide(), Action::Purge, object).detailed(&detail);
            log.commit(&Transaction { audit: vec![entry], ..Transaction::default() })?;
            self.unwiped = true;
            log.remove(&due)?;
        }
        let audited = match self.keep_audit {
            Some(keep) => log.purge_audit(now.minus(keep), now, ENTRIES_PER_LOOK_MAX)?,
            None => 0,
        };
        let audited = if audited == ENTRIES_PER_LOOK_MAX { EXECUTIONS_PER_LOOK_MAX } else { 0 };
        Ok(due.len().max(audited).max(log.forget_slots(before, EXECUTIONS_PER_LOOK_MAX)?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::Value;
    use uuid::Uuid;

    use super::{EXECUTIONS_PER_LOOK_MAX, Housekeeping, PERIOD, PERIOD_BEHIND};
    use crate::journal::{Log as _, Query, Reader, Slot, SlotField, SlotOutcome, SqliteLog, Transaction};
    use crate::secret::Sealer;
    use crate::words::{ExecutionId, Timestamp};

    fn slot(number: usize) -> Slot {
        Slot {
            execution: ExecutionId::new(Uuid::from_u128(number as u128)),
            schedule: "nightly".to_owned(),
            workflow: "rotate".to_owned(),
            due: Timestamp::from_millis(i64::try_from(number).unwrap()),
            at: Timestamp::from_millis(i64::try_from(number).unwrap()),
            outcome: SlotOutcome::Fired,
        }
    }

    fn housekeeping(next: Timestamp) -> Housekeeping {
        Housekeeping {
            retry_window: Duration::from_hours(1),
            keep: Duration::from_hours(1),
            keep_audit: None,
            snapshot: Box::new(|_| Value::Null),
            next,
            unwiped: false,
        }
    }

    #[test]
    fn what_has_piled_up_goes_in_batches_that_follow_each_other_soon() {
        let (folder, sealer) = (tempfile::tempdir().unwrap(), Arc::new(Sealer::from_key([7; 32])));
        let path = folder.path().join("journal.db");
        let mut log = SqliteLog::open(&path, sealer.clone()).unwrap();
        let slots = (1..=EXECUTIONS_PER_LOOK_MAX * 2 + 1).map(slot).collect();
        log.commit(&Transaction { slots, ..Transaction::default() }).unwrap();
        let reader = Reader::open(&path, sealer).unwrap();
        let mut now = Timestamp::from_millis(1_763_640_000_000);
        let mut housekeeping = housekeeping(now);
        for (left, pause) in
            [(EXECUTIONS_PER_LOOK_MAX + 1, PERIOD_BEHIND), (1, PERIOD_BEHIND), (0, PERIOD), (0, PERIOD)]
        {
            housekeeping.tick(&mut log, now);
            let total = reader.slots(&Query::<SlotField>::default()).unwrap().total;
            assert_eq!((total, housekeeping.next()), (left as u64, now.plus(pause)));
            now = housekeeping.next();
        }
    }

    #[test]
    fn what_a_reader_held_is_wiped_soon_after() {
        let (folder, sealer) = (tempfile::tempdir().unwrap(), Arc::new(Sealer::from_key([7; 32])));
        let path = folder.path().join("journal.db");
        let mut log = SqliteLog::open(&path, sealer).unwrap();
        log.commit(&Transaction { slots: vec![slot(1)], ..Transaction::default() }).unwrap();
        let now = Timestamp::from_millis(1_763_640_000_000);
        let mut housekeeping = housekeeping(now);
        let looking = rusqlite::Connection::open(&path).unwrap();
        let moment = looking.unchecked_transaction().unwrap();
        let _seen: i64 = moment.query_row("SELECT COUNT(*) FROM records", [], |row| row.get(0)).unwrap();
        log.commit(&Transaction { slots: vec![slot(2)], ..Transaction::default() }).unwrap();
        housekeeping.wipe(&mut log, now);
        assert_eq!((housekeeping.unwiped, housekeeping.next()), (true, now.plus(PERIOD_BEHIND)));
        drop(moment);
        let later = now.plus(PERIOD_BEHIND);
        assert!(housekeeping.tick(&mut log, later));
        assert_eq!((housekeeping.unwiped, housekeeping.next()), (false, later.plus(PERIOD)));
    }
}
