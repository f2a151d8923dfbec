//! The durable truth about executions: what happened, sealed; what to search by, in clear; where the schedules stand.
//!
//! A batch of the dispatcher is one [`Transaction`] and one synced commit. [`Log`] is the seam: [`SqliteLog`] is the
//! product's, [`DiskLog`] the simulator's over a faulty disk; both keep the same sealed bodies. [`Reader`] searches beside
//! the writer, from any thread.
//!
//! **Architecture Invariant:** payloads, reasons, definitions and watermarks reach the disk sealed only, each bound to its
//! row. What cannot be read back spoils its own execution, never the start of the daemon. Nothing here reads a clock.

mod audit;
mod codec;
mod disk_log;
mod fields;
mod finding;
mod newest;
mod query;
mod reader;
mod rows;
mod schema;
mod search;
mod sql;
mod sqlite;
mod transaction;

use std::io;
use std::path::PathBuf;

pub use audit::{
    Acknowledged, Action, Actor, ActorKind, AuditPage, AuditQuery, Broken, Checked, Entry, Link, Notes, Object,
    ObjectKind, REASON_BYTES_MAX, RunOf, Verdict,
};
pub use disk_log::DiskLog;
pub use fields::{Field, Index, Kind, Named, Searchable, SlotField};
pub use query::{Bound, Condition, Direction, Operand, PAGE_ROWS_MAX, Page, Query};
pub use reader::Reader;
pub use search::{Malformed, conditions, sorting};
pub use sqlite::SqliteLog;
pub use transaction::{
    Head, History, Kept, Owned, OwnedChange, OwnedKind, Record, Slot, SlotOutcome, Stored, TaskLog, Transaction,
};

use crate::engine::{DefinitionHash, Pinned};
use crate::scheduler::Watermark;
use crate::words::{ExecutionId, RunNumber, Timestamp, WorkflowStatus};

/// Where executions are kept. One writer owns it.
pub trait Log: Send {
    /// Keeps all of the transaction, synced, or nothing of it.
    fn commit(&mut self, transaction: &Transaction) -> Result<(), Error>;
    /// Returns a definition that an execution started with.
    fn definition(&self, hash: &DefinitionHash) -> Result<Option<Pinned>, Error>;
    /// Returns every execution that has not ended, oldest first; [`Log::load`] each for its events.
    fn live(&self) -> Result<Vec<ExecutionId>, Error>;
    /// Returns every ended execution that somebody has to look at: something unstored, or in doubt; oldest first.
    fn problems(&self) -> Result<Vec<ExecutionId>, Error>;
    /// Returns an execution with all that is kept of it.
    fn load(&self, execution: ExecutionId) -> Result<Option<Stored>, Error>;
    /// Returns whether the execution is known: a slot whose id is has fired.
    fn has_execution(&self, execution: ExecutionId) -> Result<bool, Error>;
    /// Returns the executions whose ids begin with this text.
    fn with_prefix(&self, prefix: &str) -> Result<Vec<ExecutionId>, Error>;
    /// Returns the latest execution of a workflow that was started under an idempotency key, and where it stands.
    fn started_with(&self, name: &str, key: &str) -> Result<Option<(ExecutionId, WorkflowStatus)>, Error>;
    /// Returns where the schedules stand.
    fn watermarks(&self) -> Result<Kept<Watermark>, Error>;
    /// Returns the definitions that came over the API.
    fn owned(&self) -> Result<Kept<Owned>, Error>;
    /// Returns what was logged for a run, oldest first.
    fn task_logs(&self, execution: ExecutionId, run: RunNumber) -> Result<Vec<TaskLog>, Error>;
    /// Returns up to `limit` executions that ended before `before`, are stored, not in doubt and not archived yet. A child
    /// stays for as long as its parent lives.
    fn due_for_archive(&self, before: Timestamp, limit: usize) -> Result<Vec<ExecutionId>, Error>;
    /// Puts one masked snapshot in the place of each execution's events. What they left on the disk is wiped by
    /// [`Log::wipe`].
    ///
    /// An execution that has not ended, that holds something unstored or that is in doubt is passed over.
    fn archive(&mut self, snapshots: &[(ExecutionId, serde_json::Value)], now: Timestamp) -> Result<(), Error>;
    /// Returns up to `limit` executions that ended before `before` and hold nothing unstored. A child stays for as long as
    /// its parent lives.
    fn due_for_purge(&self, before: Timestamp, limit: usize) -> Result<Vec<ExecutionId>, Error>;
    /// Removes all that is kept of the executions. What it left on the disk is wiped by [`Log::wipe`].
    ///
    /// An execution that has not ended, or that holds something unstored, is passed over.
    fn remove(&mut self, executions: &[ExecutionId]) -> Result<(), Error>;
    /// Wipes from the disk what was archived and removed.
    fn wipe(&mut self) -> Result<Wiped, Error>;
    /// Forgets what happened to up to `limit` slots that were due before `before`, and returns how many they were.
    fn forget_slots(&mut self, before: Timestamp, limit: usize) -> Result<usize, Error>;
    /// Takes into the audit what commands noted beside the journal while they could not write it, and returns how many entries
    /// that were.
    fn take_notes(&mut self, _now: Timestamp) -> Result<usize, Error> {
        Ok(0)
    }
    /// Removes up to `limit` entries of the audit from before a moment, and says so in it.
    fn purge_audit(&mut self, _before: Timestamp, _now: Timestamp, _limit: usize) -> Result<usize, Error> {
        Ok(0)
    }
    /// Returns what was found wrong with the audit, in a sentence.
    fn audit_trouble(&self) -> Option<&str> {
        None
    }
    /// Returns whether work was put off that a quiet moment is good for.
    fn is_behind(&self) -> bool {
        false
    }
    /// Does the work that was put off. Nothing depends on it but how long a later commit may take.
    fn catch_up(&mut self) {}
}

/// Whether the bytes that were to go are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Wiped {
    /// They are.
    Now,
    /// A reader still looks at them; it has to be tried again.
    Later,
}

/// Why the journal could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is of a later release.
    #[error("the journal {path} has format {found}, this keytide reads up to {known}: use the newer keytide")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The latest that is known.
        known: i64,
    },
    /// The file is a database of somebody else.
    #[error("{0} is not a journal of keytide: move it away or name another state folder")]
    Foreign(PathBuf),
    /// Others can read the file.
    #[error("others can read the journal {0}: run `chmod 600 {0}`")]
    Loose(PathBuf),
    /// The file cannot be made or opened.
    #[error("cannot open the journal {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is full; nothing was kept.
    #[error("the disk is full, nothing was kept: free some space, then it goes on")]
    Full,
    /// Somebody else holds the database; nothing was kept.
    #[error("the journal is held by another process, nothing was kept")]
    Busy,
    /// The database failed; nothing was kept.
    #[error("the journal failed, nothing was kept: {0}")]
    Database(rusqlite::Error),
    /// The events do not follow what is kept; nothing was kept.
    #[error("event {seq} of execution {execution} does not follow what the journal has; nothing was kept")]
    Illegal {
        /// The execution.
        execution: ExecutionId,
        /// The number of the record's last event.
        seq: u64,
    },
    /// The file cannot be written; nothing was kept.
    #[error("the journal cannot be written, nothing was kept: {0}")]
    Write(io::Error),
    /// A row cannot be read back.
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
}

/// A row that cannot be read back; it names the row, never its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal's {row} {fault}")]
pub struct Unreadable {
    /// Which row.
    pub row: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It does not open.
    #[error("does not open: it was changed, or its data key is missing")]
    Sealed,
    /// It is of a later release.
    #[error("has format {0}, which this keytide does not know: use the newer keytide")]
    Format(u8),
    /// It opens and says what is not understood.
    #[error("is not understood (at byte {0})")]
    Content(usize),
    /// Rows before it are missing.
    #[error("does not follow the one before it")]
    Gap,
}

impl From<rusqlite::types::FromSqlError> for Error {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        Self::Database(error.into())
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Database(error),
        }
    }
}

#[cfg(test)]
mod tests;
