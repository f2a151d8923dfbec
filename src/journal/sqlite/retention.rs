//! What goes and when, in batches: none holds the database for long, whatever has piled up.

use rusqlite::OptionalExtension as _;
use serde_json::Value;

use crate::journal::Error;
use crate::journal::codec::Place;
use crate::journal::sqlite::SqliteLog;
use crate::journal::sqlite::writer::Writer;
use crate::words::{ExecutionId, Timestamp};

/// A child stays for as long as its parent lives: the parent may ask for what it gave.
const IS_FREE: &str =
    "NOT EXISTS(SELECT 1 FROM executions AS parent WHERE parent.id = own.parent AND parent.ended IS NULL)";

impl SqliteLog {
    /// Returns what has ended before and can be archived, the oldest first.
    pub(super) fn to_archive(&self, before: Timestamp, limit: usize) -> Result<Vec<ExecutionId>, Error> {
        let sql = format!(
            "SELECT id FROM executions AS own WHERE ended <= ?1 AND ended IS NOT NULL AND archived IS NULL \
             AND unstored = 0 AND in_doubt = 0 AND {IS_FREE} ORDER BY ended LIMIT ?2"
        );
        self.ids(&sql, (before.as_millis(), i64::try_from(limit).unwrap_or(i64::MAX)))
    }

    /// Returns what has ended before and can go, the oldest first. Each half is cut by itself: what has piled up is not
    /// sorted to find the first of it.
    pub(super) fn to_purge(&self, before: Timestamp, limit: usize) -> Result<Vec<ExecutionId>, Error> {
        let half = |archived: &str| {
            format!(
                "SELECT * FROM (SELECT id, ended FROM executions AS own WHERE ended <= ?1 AND ended IS NOT NULL \
                 AND archived {archived} AND unstored = 0 AND {IS_FREE} ORDER BY ended LIMIT ?2)"
            )
        };
        let halves = format!("{} UNION ALL {}", half("IS NULL"), half("IS NOT NULL"));
        let sql = format!("SELECT id FROM ({halves}) ORDER BY ended LIMIT ?2");
        self.ids(&sql, (before.as_millis(), i64::try_from(limit).unwrap_or(i64::MAX)))
    }

    /// Forgets up to `limit` slots that were due before, the oldest first, and returns how many that were.
    pub(super) fn drop_slots(&self, before: Timestamp, limit: usize) -> Result<usize, Error> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM slots WHERE id IN (SELECT id FROM slots WHERE due < ?1 ORDER BY due LIMIT ?2)",
        )?;
        Ok(statement.execute((before.as_millis(), i64::try_from(limit).unwrap_or(i64::MAX)))?)
    }
}

impl Writer<'_> {
    /// Puts the snapshot in the place of events and logs, which may hold what a view would mask.
    pub(super) fn archive(&self, execution: ExecutionId, snapshot: &Value, now: Timestamp) -> Result<(), Error> {
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
    pub(super) fn remove(&self, execution: ExecutionId) -> Result<Option<(String, [u8; 32])>, Error> {
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
    pub(super) fn forget_unused_definition(&self, name: &str, hash: &[u8; 32]) -> Result<(), Error> {
        self.sql
            .prepare_cached(
                "DELETE FROM definitions WHERE hash = ?2 \
                 AND NOT EXISTS(SELECT 1 FROM executions WHERE name = ?1 AND definition = ?2)",
            )?
            .execute((name, hash))?;
        Ok(())
    }
}
