use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Row};

use crate::engine::{DefinitionHash, Pinned};
use crate::journal::audit::{AuditPage, AuditQuery, Checked, table};
use crate::journal::codec::Codec;
use crate::journal::finding::{self, Finding};
use crate::journal::{Error, Field, Head, Page, Query, Searchable, Slot, SlotField, Stored, TaskLog, rows, schema};
use crate::secret::Sealer;
use crate::words::{ExecutionId, RunNumber, WorkflowStatus};

/// How many connections wait for the next search; more are opened while more searches run, and closed after.
const CONNECTIONS_KEPT: usize = 4;

/// Looks into the journal beside its writer, from any thread; it changes nothing and waits for nobody.
pub struct Reader {
    path: PathBuf,
    codec: Codec,
    idle: Mutex<Vec<Connection>>,
}

impl Reader {
    /// Opens a journal that is there.
    pub fn open(path: &Path, sealer: Arc<Sealer>) -> Result<Self, Error> {
        let connection = schema::open_reader(path)?;
        Ok(Self { path: path.to_owned(), codec: Codec::new(sealer), idle: Mutex::new(vec![connection]) })
    }

    /// Returns the executions that the query asks for, and how many there are in all.
    pub fn search(&self, query: &Query<Field>) -> Result<Page<Head>, Error> {
        self.page(query, rows::HEAD_COLUMNS, rows::head)
    }

    /// Returns the executions that the query asks for, and counts no others.
    pub fn heads(&self, query: &Query<Field>) -> Result<Vec<Head>, Error> {
        self.with(|connection| match Finding::of(connection, query)? {
            Some(finding) => finding.rows(rows::HEAD_COLUMNS, rows::head),
            None => Ok(Vec::new()),
        })
    }

    /// Returns the slots that the query asks for.
    pub fn slots(&self, query: &Query<SlotField>) -> Result<Page<Slot>, Error> {
        self.page(query, rows::SLOT_COLUMNS, |row| rows::slot(&self.codec, row))
    }

    fn page<F: Searchable, T>(
        &self,
        query: &Query<F>,
        columns: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Page<T>, Error> {
        self.with(|connection| {
            let moment = connection.unchecked_transaction()?;
            let Some(finding) = Finding::of(&moment, query)? else { return Ok(Page { total: 0, rows: Vec::new() }) };
            let rows = finding.rows(columns, read)?;
            Ok(Page { total: finding.total(rows.len())?, rows })
        })
    }

    /// Returns the names of all workflows that were ever executed here, as far as it is remembered.
    pub fn workflow_names(&self) -> Result<Vec<String>, Error> {
        self.with(|connection| finding::values(connection, Field::TABLE, Field::Name.column(), None))
    }

    /// Returns the names of all schedules that had a slot, as far as it is remembered.
    pub fn schedule_names(&self) -> Result<Vec<String>, Error> {
        self.with(|connection| finding::values(connection, SlotField::TABLE, SlotField::Schedule.column(), None))
    }

    /// Returns an execution with all that is kept of it.
    pub fn load(&self, execution: ExecutionId) -> Result<Option<Stored>, Error> {
        self.with(|connection| rows::load(connection, &self.codec, execution))
    }

    /// Returns the status of an execution.
    pub fn status(&self, execution: ExecutionId) -> Result<Option<WorkflowStatus>, Error> {
        self.with(|connection| rows::execution_status(connection, execution))
    }

    /// Returns a definition that an execution started with.
    pub fn definition(&self, hash: &DefinitionHash) -> Result<Option<Pinned>, Error> {
        self.with(|connection| rows::definition(connection, &self.codec, hash))
    }

    /// Returns what was logged for a run, oldest first.
    pub fn task_logs(&self, execution: ExecutionId, run: RunNumber) -> Result<Vec<TaskLog>, Error> {
        self.with(|connection| rows::task_logs(connection, &self.codec, execution, run))
    }

    /// Returns the entries of the audit that the query asks for, the newest first.
    pub fn audit(&self, query: &AuditQuery) -> Result<AuditPage, Error> {
        self.with(|connection| table::page(connection, &self.codec, query))
    }

    /// Checks every entry of the audit and the end that is remembered beside the journal.
    pub fn verify_audit(&self) -> Result<Checked, Error> {
        self.with(|connection| table::verify(connection, &self.codec, &self.path))
    }

    /// Lends a connection to `look`; one that failed is not used again.
    pub(super) fn with<T>(&self, look: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let waiting = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = waiting.map_or_else(|| schema::open_reader(&self.path), Ok)?;
        let seen = look(&connection)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < CONNECTIONS_KEPT {
            idle.push(connection);
        }
        Ok(seen)
    }
}
