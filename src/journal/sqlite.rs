mod retention;
mod writer;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Params, TransactionBehavior};
use serde_json::Value;

use crate::engine::{DefinitionHash, Pinned, Plan};
use crate::journal::audit::Entry;
use crate::journal::audit::table::Trail;
use crate::journal::codec::{Codec, Place};
use crate::journal::sqlite::writer::Writer;
use crate::journal::{Error, Kept, Log, Owned, Stored, TaskLog, Transaction, Wiped, rows, schema};
use crate::scheduler::Watermark;
use crate::secret::Sealer;
use crate::words::{ExecutionId, RunNumber, Timestamp, WorkflowStatus};

/// From how many commits on a quiet moment is used: SQLite moves its log at 1,000 pages, and a commit writes some ten.
const COMMITS_AHEAD_MAX: u32 = 32;

/// How long a wipe waits for those who read: most pages of a search take less, and who takes longer is not waited for, since
/// every caller waits with it.
const WIPE_PATIENCE: Duration = Duration::from_millis(10);

/// The product's journal: one SQLite file with a write-ahead log, synced at every commit.
pub struct SqliteLog {
    connection: Connection,
    codec: Codec,
    /// The definitions that are surely kept, so that a start of a known workflow does not write one again.
    known: HashSet<DefinitionHash>,
    /// How many commits the write-ahead log has that were not moved into the database, at most.
    commits_ahead: u32,
    trail: Trail,
}

impl SqliteLog {
    /// Opens the journal, and makes it where there is none. The caller holds the lock of the state folder.
    pub fn open(path: &Path, sealer: Arc<Sealer>) -> Result<Self, Error> {
        let connection = schema::open_writer(path)?;
        // A process that was killed may have written what it had not synced: it is made durable before anybody acts on it.
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        let codec = Codec::new(sealer);
        let trail = Trail::open(&connection, &codec, path)?;
        Ok(Self { connection, codec, known: HashSet::new(), commits_ahead: 0, trail })
    }

    /// Lends the connection to the tests that break things.
    #[cfg(test)]
    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    fn ids(&self, sql: &str, values: impl Params) -> Result<Vec<ExecutionId>, Error> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map(values, |row| rows::execution_id(row, 0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }
}

impl Log for SqliteLog {
    fn commit(&mut self, transaction: &Transaction) -> Result<(), Error> {
        let unknown: Vec<&Arc<Plan>> =
            transaction.definitions.iter().filter(|plan| !self.known.contains(&plan.hash)).collect();
        let sql = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let writer = Writer { sql: &sql, codec: &self.codec };
        unknown.iter().try_for_each(|plan| writer.definition(plan))?;
        transaction.records.iter().try_for_each(|record| writer.record(record))?;
        transaction.watermarks.iter().try_for_each(|watermark| writer.watermark(watermark))?;
        transaction.schedules_gone.iter().try_for_each(|schedule| writer.schedule_gone(schedule))?;
        transaction.owned.iter().try_for_each(|change| writer.owned(change))?;
        transaction.slots.iter().try_for_each(|slot| writer.slot(slot))?;
        transaction.task_logs.iter().try_for_each(|log| writer.task_log(log))?;
        let link = self.trail.write(&sql, &self.codec, &transaction.audit)?;
        sql.commit()?;
        self.trail.committed(&self.codec, link);
        if transaction.audit.iter().any(Entry::acknowledges) {
            self.trail.acknowledged();
        }
        self.known.extend(unknown.iter().map(|plan| plan.hash));
        self.commits_ahead = self.commits_ahead.saturating_add(1);
        Ok(())
    }

    fn take_notes(&mut self, now: Timestamp) -> Result<usize, Error> {
        self.trail.take_notes(&mut self.connection, &self.codec, now)
    }

    fn purge_audit(&mut self, before: Timestamp, now: Timestamp, limit: usize) -> Result<usize, Error> {
        self.trail.purge(&mut self.connection, &self.codec, (before, now), limit)
    }

    fn audit_trouble(&self) -> Option<&str> {
        self.trail.trouble()
    }

    fn is_behind(&self) -> bool {
        self.commits_ahead >= COMMITS_AHEAD_MAX
    }

    /// Moves the write-ahead log into the database, which takes several syncs: else SQLite does it in the middle of some commit.
    fn catch_up(&mut self) {
        self.commits_ahead = 0;
        self.trail.settle(&self.codec);
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the journal's log could not be moved into its database; a later commit does it");
        }
    }

    fn definition(&self, hash: &DefinitionHash) -> Result<Option<Pinned>, Error> {
        rows::definition(&self.connection, &self.codec, hash)
    }

    fn live(&self) -> Result<Vec<ExecutionId>, Error> {
        // Who looks for what has not ended among all that has reads every row.
        self.ids("SELECT id FROM executions WHERE status IN ('RUNNING', 'PAUSED') ORDER BY started, key", [])
    }

    fn problems(&self) -> Result<Vec<ExecutionId>, Error> {
        self.ids("SELECT id FROM executions WHERE unstored = 1 OR in_doubt = 1 ORDER BY started, key", [])
    }

    fn load(&self, execution: ExecutionId) -> Result<Option<Stored>, Error> {
        rows::load(&self.connection, &self.codec, execution)
    }

    fn has_execution(&self, execution: ExecutionId) -> Result<bool, Error> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM executions WHERE id = ?1")?;
        Ok(statement.exists([execution.to_string()])?)
    }

    fn with_prefix(&self, prefix: &str) -> Result<Vec<ExecutionId>, Error> {
        // Every id that begins with it is below: no digit is above `f`.
        self.ids("SELECT id FROM executions WHERE id >= ?1 AND id < ?2", (prefix, format!("{prefix}g")))
    }

    fn started_with(&self, name: &str, key: &str) -> Result<Option<(ExecutionId, WorkflowStatus)>, Error> {
        rows::started_with(&self.connection, name, key)
    }

    fn watermarks(&self) -> Result<Kept<Watermark>, Error> {
        let mut statement = self.connection.prepare_cached("SELECT schedule, body FROM watermarks")?;
        let mut rows = statement.query([])?;
        let mut kept = Kept::default();
        while let Some(row) = rows.next()? {
            let schedule: String = row.get(0)?;
            kept.add(self.codec.open(Place::Watermark(&schedule), row.get_ref(1)?.as_blob()?));
        }
        Ok(kept)
    }

    fn owned(&self) -> Result<Kept<Owned>, Error> {
        let mut statement = self.connection.prepare_cached("SELECT kind, name, version, body FROM owned")?;
        let mut rows = statement.query([])?;
        let mut kept = Kept::default();
        while let Some(row) = rows.next()? {
            let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
            let place = Place::Owned { kind: &kind, name: &name, version: row.get(2)? };
            kept.add(self.codec.open(place, row.get_ref(3)?.as_blob()?));
        }
        Ok(kept)
    }

    fn task_logs(&self, execution: ExecutionId, run: RunNumber) -> Result<Vec<TaskLog>, Error> {
        rows::task_logs(&self.connection, &self.codec, execution, run)
    }

    fn due_for_archive(&self, before: Timestamp, limit: usize) -> Result<Vec<ExecutionId>, Error> {
        self.to_archive(before, limit)
    }

    fn archive(&mut self, snapshots: &[(ExecutionId, Value)], now: Timestamp) -> Result<(), Error> {
        let sql = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let writer = Writer { sql: &sql, codec: &self.codec };
        snapshots.iter().try_for_each(|(execution, snapshot)| writer.archive(*execution, snapshot, now))?;
        Ok(sql.commit()?)
    }

    fn due_for_purge(&self, before: Timestamp, limit: usize) -> Result<Vec<ExecutionId>, Error> {
        self.to_purge(before, limit)
    }

    fn remove(&mut self, executions: &[ExecutionId]) -> Result<(), Error> {
        let sql = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let writer = Writer { sql: &sql, codec: &self.codec };
        let mut orphans = HashSet::new();
        for execution in executions {
            orphans.extend(writer.remove(*execution)?);
        }
        orphans.iter().try_for_each(|(name, hash)| writer.forget_unused_definition(name, hash))?;
        sql.commit()?;
        self.known.clear();
        Ok(())
    }

    /// Moves the write-ahead log into the database and cuts it, so that what was deleted is on the disk no more.
    fn wipe(&mut self) -> Result<Wiped, Error> {
        self.connection.busy_timeout(WIPE_PATIENCE)?;
        let held = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        self.connection.busy_timeout(schema::BUSY_TIMEOUT)?;
        Ok(if held? { Wiped::Later } else { Wiped::Now })
    }

    fn forget_slots(&mut self, before: Timestamp, limit: usize) -> Result<usize, Error> {
        self.drop_slots(before, limit)
    }
}
