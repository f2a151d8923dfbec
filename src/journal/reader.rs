use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params_from_iter};

use crate::engine::{DefinitionHash, Pinned};
use crate::journal::codec::Codec;
use crate::journal::query::Statement;
use crate::journal::{Error, Field, Head, Page, Query, Slot, SlotField, Stored, TaskLog, rows, schema};
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
        let statement = query.statement("key");
        self.with(|connection| {
            let moment = connection.unchecked_transaction()?;
            Ok(Page { total: count(&moment, "executions", &statement)?, rows: heads(&moment, &statement)? })
        })
    }

    /// Returns the executions that the query asks for, and counts no others.
    pub fn heads(&self, query: &Query<Field>) -> Result<Vec<Head>, Error> {
        let statement = query.statement("key");
        self.with(|connection| heads(connection, &statement))
    }

    /// Returns the slots that the query asks for.
    pub fn slots(&self, query: &Query<SlotField>) -> Result<Page<Slot>, Error> {
        let statement = query.statement("id");
        self.with(|connection| {
            let moment = connection.unchecked_transaction()?;
            let total = count(&moment, "slots", &statement)?;
            let sql = format!("SELECT {} FROM slots {} {}", rows::SLOT_COLUMNS, statement.filter, statement.page);
            let mut prepared = moment.prepare_cached(&sql)?;
            let found = prepared.query_map(params_from_iter(&statement.values), |row| rows::slot(&self.codec, row))?;
            Ok(Page { total, rows: found.collect::<Result<_, _>>()? })
        })
    }

    /// Returns the names of all workflows that were ever executed here, as far as it is remembered.
    pub fn workflow_names(&self) -> Result<Vec<String>, Error> {
        self.texts("SELECT DISTINCT name FROM executions")
    }

    /// Returns the names of all schedules that had a slot, as far as it is remembered.
    pub fn schedule_names(&self) -> Result<Vec<String>, Error> {
        self.texts("SELECT DISTINCT schedule FROM slots")
    }

    fn texts(&self, sql: &str) -> Result<Vec<String>, Error> {
        self.with(|connection| {
            let mut prepared = connection.prepare_cached(sql)?;
            let found = prepared.query_map([], |row| row.get(0))?;
            Ok(found.collect::<Result<_, _>>()?)
        })
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

    /// Lends a connection to `look`; one that failed is not used again.
    fn with<T>(&self, look: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
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

fn heads(connection: &Connection, statement: &Statement) -> Result<Vec<Head>, Error> {
    let sql = format!("SELECT {} FROM executions {} {}", rows::HEAD_COLUMNS, statement.filter, statement.page);
    let mut prepared = connection.prepare_cached(&sql)?;
    let found = prepared.query_map(params_from_iter(&statement.values), rows::head)?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn count(connection: &Connection, table: &str, statement: &Statement) -> Result<u64, Error> {
    let sql = format!("SELECT COUNT(*) FROM {table} {}", statement.filter);
    Ok(connection.prepare_cached(&sql)?.query_row(params_from_iter(&statement.values), |row| rows::unsigned(row, 0))?)
}
