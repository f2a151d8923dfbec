use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Params, TransactionBehavior};
use serde_json::Value;

use crate::engine::{DefinitionHash, Pinned, Plan};
use crate::journal::codec::{Codec, Place};
use crate::journal::{
    Error, Head, Kept, Log, Owned, OwnedChange, Record, Slot, Stored, TaskLog, Transaction, Wiped, rows, schema,
};
use crate::scheduler::Watermark;
use crate::secret::Sealer;
use crate::words::{ExecutionId, RunNumber, Timestamp, WorkflowStatus};

/// How many lines a run's log holds: a worker that logs in a loop must not fill the disk. The last line says so.
const TASK_LOG_LINES_MAX: u64 = 1_000;

/// From how many commits on a quiet moment is used: SQLite moves its log at 1,000 pages, and a commit writes some ten.
const COMMITS_AHEAD_MAX: u32 = 32;

/// A child stays for as long as its parent lives: the parent may ask for what it gave.
const IS_FREE: &str =
    "NOT EXISTS(SELECT 1 FROM executions AS parent WHERE parent.id = own.parent AND parent.ended IS NULL)";

/// The product's journal: one SQLite file with a write-ahead log, synced at every commit.
pub struct SqliteLog {
    connection: Connection,
    codec: Codec,
    /// The definitions that are surely kept, so that a start of a known workflow does not write one again.
    known: HashSet<DefinitionHash>,
    /// How many commits the write-ahead log has that were not moved into the database, at most.
    commits_ahead: u32,
}

impl SqliteLog {
    /// Opens the journal, and makes it where there is none. The caller holds the lock of the state folder.
    pub fn open(path: &Path, sealer: Arc<Sealer>) -> Result<Self, Error> {
        let connection = schema::open_writer(path)?;
        // A process that was killed may have written what it had not synced: it is made durable before anybody acts on it.
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        Ok(Self { connection, codec: Codec::new(sealer), known: HashSet::new(), commits_ahead: 0 })
    }

    /// Moves the write-ahead log into the database and cuts it, so that what was deleted is on the disk no more.
    fn wipe(&self) -> Result<Wiped, Error> {
        let held: bool = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(if held { Wiped::Later } else { Wiped::Now })
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
        sql.commit()?;
        self.known.extend(unknown.iter().map(|plan| plan.hash));
        self.commits_ahead = self.commits_ahead.saturating_add(1);
        Ok(())
    }

    fn is_behind(&self) -> bool {
        self.commits_ahead >= COMMITS_AHEAD_MAX
    }

    /// Moves the write-ahead log into the database, which takes several syncs: else SQLite does it in the middle of some commit.
    fn catch_up(&mut self) {
        self.commits_ahead = 0;
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the journal's log could not be moved into its database; a later commit does it");
        }
    }

    fn definition(&self, hash: &DefinitionHash) -> Result<Option<Pinned>, Error> {
        rows::definition(&self.connection, &self.codec, hash)
    }

    fn live(&self) -> Result<Vec<ExecutionId>, Error> {
        self.ids("SELECT id FROM executions WHERE ended IS NULL ORDER BY started, key", [])
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
        let sql = format!(
            "SELECT id FROM executions AS own WHERE ended <= ?1 AND ended IS NOT NULL AND archived IS NULL \
             AND unstored = 0 AND in_doubt = 0 AND {IS_FREE} ORDER BY ended LIMIT ?2"
        );
        self.ids(&sql, (before.as_millis(), i64::try_from(limit).unwrap_or(i64::MAX)))
    }

    fn archive(&mut self, snapshots: &[(ExecutionId, Value)], now: Timestamp) -> Result<Wiped, Error> {
        let sql = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let writer = Writer { sql: &sql, codec: &self.codec };
        snapshots.iter().try_for_each(|(execution, snapshot)| writer.archive(*execution, snapshot, now))?;
        sql.commit()?;
        self.wipe()
    }

    fn due_for_purge(&self, before: Timestamp, limit: usize) -> Result<Vec<ExecutionId>, Error> {
        let sql = format!(
            "SELECT id FROM ( \
             SELECT id, ended FROM executions AS own \
             WHERE ended <= ?1 AND ended IS NOT NULL AND archived IS NULL AND unstored = 0 AND {IS_FREE} \
             UNION ALL \
             SELECT id, ended FROM executions AS own \
             WHERE ended <= ?1 AND archived IS NOT NULL AND unstored = 0 AND {IS_FREE}) \
             ORDER BY ended LIMIT ?2"
        );
        self.ids(&sql, (before.as_millis(), i64::try_from(limit).unwrap_or(i64::MAX)))
    }

    fn remove(&mut self, executions: &[ExecutionId]) -> Result<Wiped, Error> {
        let sql = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let writer = Writer { sql: &sql, codec: &self.codec };
        let mut orphans = HashSet::new();
        for execution in executions {
            orphans.extend(writer.remove(*execution)?);
        }
        orphans.iter().try_for_each(|(name, hash)| writer.forget_unused_definition(name, hash))?;
        sql.commit()?;
        self.known.clear();
        self.wipe()
    }

    fn forget_slots(&mut self, before: Timestamp) -> Result<(), Error> {
        self.connection.prepare_cached("DELETE FROM slots WHERE due < ?1")?.execute([before.as_millis()])?;
        Ok(())
    }
}

/// What a transaction writes, row by row.
struct Writer<'a> {
    sql: &'a rusqlite::Transaction<'a>,
    codec: &'a Codec,
}

impl Writer<'_> {
    fn definition(&self, plan: &Plan) -> Result<(), Error> {
        let body = self.codec.seal(Place::Definition(&plan.hash), &plan.pinned);
        self.sql
            .prepare_cached("INSERT OR IGNORE INTO definitions(hash, body) VALUES(?1, ?2)")?
            .execute((&plan.hash.0, body))?;
        Ok(())
    }

    fn record(&self, record: &Record) -> Result<(), Error> {
        let execution = record.head.execution;
        let illegal = || Error::Illegal { execution, seq: record.seq };
        let count = u64::try_from(record.events.len()).ok().filter(|count| *count > 0).ok_or_else(illegal)?;
        let before = record.seq.checked_sub(count).ok_or_else(illegal)?;
        let key = match before {
            0 => self.insert_head(&record.head, record.seq)?,
            _ => self.update_head(&record.head, before, record.seq)?,
        };
        let key = key.ok_or_else(illegal)?;
        let body = self.codec.seal_events(Place::Record { execution, seq: record.seq }, &record.events);
        self.sql.prepare_cached("INSERT INTO records(execution, seq, body) VALUES(?1, ?2, ?3)")?.execute((
            key,
            rows::signed(record.seq),
            body,
        ))?;
        Ok(())
    }

    /// Writes the head of a new execution; `None` where there is one with its id.
    fn insert_head(&self, head: &Head, seq: u64) -> Result<Option<i64>, Error> {
        let mut statement = self.sql.prepare_cached(
            "INSERT INTO executions(id, definition, name, version, correlation, status, started, updated, ended, \
             schedule, due, deadline, unstored, in_doubt, seq, parent, idempotency) \
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) \
             ON CONFLICT(id) DO NOTHING RETURNING key",
        )?;
        let values = rusqlite::params![
            head.execution.to_string(),
            &head.definition.0,
            head.name,
            head.version,
            head.correlation_id,
            head.status.as_str(),
            head.started.as_millis(),
            head.updated.as_millis(),
            head.ended.map(Timestamp::as_millis),
            head.schedule,
            head.due.map(Timestamp::as_millis),
            head.deadline.map(Timestamp::as_millis),
            head.unstored,
            head.in_doubt,
            rows::signed(seq),
            head.parent.map(|parent| parent.to_string()),
            head.idempotency_key,
        ];
        Ok(statement.query_row(values, |row| row.get(0)).optional()?)
    }

    /// Writes what changes of a head; `None` where the execution is not there, is archived, or has other events than
    /// those before the record.
    fn update_head(&self, head: &Head, before: u64, seq: u64) -> Result<Option<i64>, Error> {
        let mut statement = self.sql.prepare_cached(
            "UPDATE executions SET status = ?3, started = ?4, updated = ?5, ended = ?6, deadline = ?7, unstored = ?8, \
             in_doubt = ?9, seq = ?10 WHERE id = ?1 AND seq = ?2 AND archived IS NULL RETURNING key",
        )?;
        let values = rusqlite::params![
            head.execution.to_string(),
            rows::signed(before),
            head.status.as_str(),
            head.started.as_millis(),
            head.updated.as_millis(),
            head.ended.map(Timestamp::as_millis),
            head.deadline.map(Timestamp::as_millis),
            head.unstored,
            head.in_doubt,
            rows::signed(seq),
        ];
        Ok(statement.query_row(values, |row| row.get(0)).optional()?)
    }

    fn watermark(&self, watermark: &Watermark) -> Result<(), Error> {
        let schedule = &watermark.schedule;
        self.sql
            .prepare_cached("INSERT OR REPLACE INTO watermarks(schedule, body) VALUES(?1, ?2)")?
            .execute((schedule, self.codec.seal(Place::Watermark(schedule), watermark)))?;
        Ok(())
    }

    fn schedule_gone(&self, schedule: &str) -> Result<(), Error> {
        self.sql.prepare_cached("DELETE FROM watermarks WHERE schedule = ?1")?.execute([schedule])?;
        Ok(())
    }

    fn owned(&self, change: &OwnedChange) -> Result<(), Error> {
        match change {
            OwnedChange::Put(owned) => {
                let (kind, name, version) = (owned.kind, owned.name.as_str(), owned.version);
                let body = self.codec.seal(Place::Owned { kind: kind.as_str(), name, version }, owned);
                self.sql
                    .prepare_cached("INSERT OR REPLACE INTO owned(kind, name, version, body) VALUES(?1, ?2, ?3, ?4)")?
                    .execute((kind.as_str(), name, version, body))?
            }
            OwnedChange::Remove { kind, name, version } => self
                .sql
                .prepare_cached("DELETE FROM owned WHERE kind = ?1 AND name = ?2 AND version = ?3")?
                .execute((kind.as_str(), name, version))?,
        };
        Ok(())
    }

    fn slot(&self, slot: &Slot) -> Result<(), Error> {
        let body = self.codec.seal(Place::Slot(slot.execution), &slot.outcome);
        self.sql
            .prepare_cached(
                "INSERT OR REPLACE INTO slots(id, schedule, workflow, due, at, state, body) \
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(rusqlite::params![
                slot.execution.to_string(),
                slot.schedule,
                slot.workflow,
                slot.due.as_millis(),
                slot.at.as_millis(),
                slot.outcome.state(),
                body,
            ])?;
        Ok(())
    }

    /// Appends a line to a run's log; one for an execution that has been removed has nowhere to go.
    fn task_log(&self, log: &TaskLog) -> Result<(), Error> {
        let next: Option<(i64, u64)> = self
            .sql
            .prepare_cached(
                "SELECT key, (SELECT COUNT(*) FROM task_logs WHERE execution = key AND run = ?2) FROM executions \
                 WHERE id = ?1 AND archived IS NULL",
            )?
            .query_row((log.execution.to_string(), log.run.0), |row| Ok((row.get(0)?, rows::unsigned(row, 1)?)))
            .optional()?;
        let Some((key, line)) = next.filter(|(_, line)| *line < TASK_LOG_LINES_MAX) else { return Ok(()) };
        let place = Place::TaskLog { execution: log.execution, run: log.run, line };
        let body = if line + 1 == TASK_LOG_LINES_MAX {
            let line = format!("the log of a run holds {TASK_LOG_LINES_MAX} lines, the rest is dropped");
            self.codec.seal(place, &TaskLog { line, ..log.clone() })
        } else {
            self.codec.seal(place, log)
        };
        self.sql
            .prepare_cached("INSERT INTO task_logs(execution, run, line, body) VALUES(?1, ?2, ?3, ?4)")?
            .execute((key, log.run.0, rows::signed(line), body))?;
        Ok(())
    }

    /// Puts the snapshot in the place of events and logs, which may hold what a view would mask.
    fn archive(&self, execution: ExecutionId, snapshot: &Value, now: Timestamp) -> Result<(), Error> {
        let key: Option<i64> = self
            .sql
            .prepare_cached(
                "UPDATE executions SET archived = ?2 WHERE id = ?1 AND ended IS NOT NULL AND unstored = 0 \
                 AND in_doubt = 0 AND archived IS NULL RETURNING key",
            )?
            .query_row((execution.to_string(), now.as_millis()), |row| row.get(0))
            .optional()?;
        let Some(key) = key else { return Ok(()) };
        self.sql.prepare_cached("DELETE FROM records WHERE execution = ?1")?.execute([key])?;
        self.sql.prepare_cached("DELETE FROM task_logs WHERE execution = ?1")?.execute([key])?;
        let body = self.codec.seal(Place::Snapshot(execution), snapshot);
        self.sql.prepare_cached("INSERT INTO snapshots(execution, body) VALUES(?1, ?2)")?.execute((key, body))?;
        Ok(())
    }

    /// Removes an execution that may go, and returns the name and the definition that it had.
    fn remove(&self, execution: ExecutionId) -> Result<Option<(String, [u8; 32])>, Error> {
        let removed = self
            .sql
            .prepare_cached(
                "DELETE FROM executions WHERE id = ?1 AND ended IS NOT NULL AND unstored = 0 RETURNING name, definition",
            )?
            .query_row([execution.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(removed)
    }

    /// A definition carries its name, so the executions of that name are all that can use it.
    fn forget_unused_definition(&self, name: &str, hash: &[u8; 32]) -> Result<(), Error> {
        self.sql
            .prepare_cached(
                "DELETE FROM definitions WHERE hash = ?2 \
                 AND NOT EXISTS(SELECT 1 FROM executions WHERE name = ?1 AND definition = ?2)",
            )?
            .execute((name, hash))?;
        Ok(())
    }
}
