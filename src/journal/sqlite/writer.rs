use rusqlite::OptionalExtension as _;

use crate::engine::Plan;
use crate::journal::codec::{Codec, Place};
use crate::journal::{Error, Head, OwnedChange, Record, Slot, TaskLog, rows};
use crate::scheduler::Watermark;
use crate::words::Timestamp;

/// How many lines a run's log holds: a worker that logs in a loop must not fill the disk. The last line says so.
const TASK_LOG_LINES_MAX: u64 = 1_000;

/// What a transaction writes, row by row.
pub(super) struct Writer<'a> {
    pub(super) sql: &'a rusqlite::Transaction<'a>,
    pub(super) codec: &'a Codec,
}

impl Writer<'_> {
    pub(super) fn definition(&self, plan: &Plan) -> Result<(), Error> {
        let body = self.codec.seal(Place::Definition(&plan.hash), &plan.pinned);
        self.sql
            .prepare_cached("INSERT OR IGNORE INTO definitions(hash, body) VALUES(?1, ?2)")?
            .execute((&plan.hash.0, body))?;
        Ok(())
    }

    pub(super) fn record(&self, record: &Record) -> Result<(), Error> {
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
        // SQLite writes the indexes of every column that is set, be it to what it was: three pages of the five that most
        // commits had.
        match self.update_progress(head, before, seq)? {
            Some(key) => Ok(Some(key)),
            None => self.update_standing(head, before, seq),
        }
    }

    /// Writes that an execution went on; `None` also where that changes a column of an index.
    fn update_progress(&self, head: &Head, before: u64, seq: u64) -> Result<Option<i64>, Error> {
        let mut statement = self.sql.prepare_cached(
            "UPDATE executions SET updated = ?5, deadline = ?7, seq = ?10 WHERE id = ?1 AND seq = ?2 AND archived IS NULL \
             AND status = ?3 AND started = ?4 AND ended IS ?6 AND unstored = ?8 AND in_doubt = ?9 RETURNING key",
        )?;
        Ok(statement.query_row(changing(head, before, seq), |row| row.get(0)).optional()?)
    }

    fn update_standing(&self, head: &Head, before: u64, seq: u64) -> Result<Option<i64>, Error> {
        let mut statement = self.sql.prepare_cached(
            "UPDATE executions SET status = ?3, started = ?4, updated = ?5, ended = ?6, deadline = ?7, unstored = ?8, \
             in_doubt = ?9, seq = ?10 WHERE id = ?1 AND seq = ?2 AND archived IS NULL RETURNING key",
        )?;
        Ok(statement.query_row(changing(head, before, seq), |row| row.get(0)).optional()?)
    }

    pub(super) fn watermark(&self, watermark: &Watermark) -> Result<(), Error> {
        let schedule = &watermark.schedule;
        self.sql
            .prepare_cached("INSERT OR REPLACE INTO watermarks(schedule, body) VALUES(?1, ?2)")?
            .execute((schedule, self.codec.seal(Place::Watermark(schedule), watermark)))?;
        Ok(())
    }

    pub(super) fn schedule_gone(&self, schedule: &str) -> Result<(), Error> {
        self.sql.prepare_cached("DELETE FROM watermarks WHERE schedule = ?1")?.execute([schedule])?;
        Ok(())
    }

    pub(super) fn owned(&self, change: &OwnedChange) -> Result<(), Error> {
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

    pub(super) fn slot(&self, slot: &Slot) -> Result<(), Error> {
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
    pub(super) fn task_log(&self, log: &TaskLog) -> Result<(), Error> {
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
}

/// What the updates of a head bind, in one order.
fn changing(head: &Head, before: u64, seq: u64) -> impl rusqlite::Params {
    (
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
    )
}
