use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::disk::{Disk as _, SystemDisk};
use crate::journal::Error;

/// The layout of the tables; `PRAGMA user_version` says which a file has.
const SCHEMA_VERSION: i64 = 5;

/// `PRAGMA application_id` of our files: "KYTI".
const APPLICATION_ID: i64 = 0x4b59_5449;

/// How long a connection waits for another; readers and checkpoints take milliseconds.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many prepared statements a connection keeps: more than there are, searches included.
const STATEMENTS_KEPT: usize = 64;

/// What people search by is in clear on purpose; every `body` is sealed. `key` is small and local.
///
/// Each index costs a page of every commit that starts or ends something, so there is none for what is asked at start only
/// (what is live), nor for the definition: one that is not used any more is found by its name.
const TABLES: &str = "
CREATE TABLE definitions(hash BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE executions(
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  definition BLOB NOT NULL REFERENCES definitions(hash),
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  correlation TEXT,
  status TEXT NOT NULL,
  started INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  ended INTEGER,
  schedule TEXT,
  due INTEGER,
  deadline INTEGER,
  unstored INTEGER NOT NULL,
  in_doubt INTEGER NOT NULL,
  archived INTEGER,
  seq INTEGER NOT NULL,
  parent TEXT,
  idempotency TEXT);
CREATE INDEX executions_by_name ON executions(name, status, started);
CREATE INDEX executions_by_start ON executions(started);
CREATE INDEX executions_by_status ON executions(status, started);
CREATE INDEX executions_by_correlation ON executions(correlation, started) WHERE correlation IS NOT NULL;
CREATE INDEX executions_by_parent ON executions(parent) WHERE parent IS NOT NULL;
CREATE INDEX executions_by_key ON executions(name, idempotency, started) WHERE idempotency IS NOT NULL;
CREATE INDEX executions_by_schedule ON executions(schedule, started) WHERE schedule IS NOT NULL;
CREATE INDEX executions_problems ON executions(started) WHERE unstored = 1 OR in_doubt = 1;
CREATE INDEX executions_to_archive ON executions(ended) WHERE ended IS NOT NULL AND archived IS NULL;
CREATE INDEX executions_archived ON executions(ended) WHERE archived IS NOT NULL;
CREATE TABLE records(
  execution INTEGER NOT NULL REFERENCES executions(key) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY(execution, seq)) WITHOUT ROWID;
CREATE TABLE snapshots(
  execution INTEGER PRIMARY KEY REFERENCES executions(key) ON DELETE CASCADE,
  body BLOB NOT NULL);
CREATE TABLE task_logs(
  execution INTEGER NOT NULL REFERENCES executions(key) ON DELETE CASCADE,
  run INTEGER NOT NULL,
  line INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY(execution, run, line)) WITHOUT ROWID;
CREATE TABLE watermarks(schedule TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE owned(
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY(kind, name, version)) WITHOUT ROWID;
CREATE TABLE slots(
  id TEXT PRIMARY KEY,
  schedule TEXT NOT NULL,
  workflow TEXT NOT NULL,
  due INTEGER NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL,
  body BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX slots_by_due ON slots(due);
CREATE INDEX slots_by_schedule ON slots(schedule, due);
CREATE TABLE audit(seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE audit_state(name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
";

/// What makes the tables of version 1 those of version 2. The old program refuses the file from then on.
const FROM_1_TO_2: &str = "
ALTER TABLE executions ADD COLUMN parent TEXT;
ALTER TABLE executions ADD COLUMN idempotency TEXT;
CREATE INDEX executions_by_parent ON executions(parent) WHERE parent IS NOT NULL;
CREATE INDEX executions_by_key ON executions(name, idempotency, started) WHERE idempotency IS NOT NULL;
";

/// What makes the tables of version 2 those of version 3: of a name, every status is a range by itself.
const FROM_2_TO_3: &str = "
DROP INDEX executions_by_name;
CREATE INDEX executions_by_name ON executions(name, status, started);
";

/// What makes the tables of version 3 those of version 4.
const FROM_3_TO_4: &str = "
CREATE TABLE audit(seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE audit_state(name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
";

/// Version 5 has the tables of version 4: what is sealed in them names applications by their ids, which the old program
/// would forget with its next change of one.
const FROM_4_TO_5: &str = "";

/// What each version lacks of the next.
const STEPS: [(i64, &str); 4] = [(1, FROM_1_TO_2), (2, FROM_2_TO_3), (3, FROM_3_TO_4), (4, FROM_4_TO_5)];

/// Opens the one connection that writes; makes the file and its tables where there are none.
///
/// SQLite gives the `-wal` and `-shm` files the mode of the database.
pub(super) fn open_writer(path: &Path) -> Result<Connection, Error> {
    make_private(path)?;
    let mut connection = open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    if is_empty(&connection)? {
        create_tables(&mut connection)?;
    }
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens a connection that cannot change anything.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let connection = open(path)?;
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}

/// Opens the file, which is there; a file of somebody else or of a later release is refused before anything is changed.
fn open(path: &Path) -> Result<Connection, Error> {
    SystemDisk.facts(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // The write-ahead log is as durable as the database. Copying it over and removing it at every close costs a one-shot
    // run four syncs, and its one commit is one.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    refuse_others(&connection, path)?;
    // Sorting a large page must not write rows to a file that nobody wipes.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

fn refuse_others(connection: &Connection, path: &Path) -> Result<(), Error> {
    let application = pragma(connection, "application_id").map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => Error::Foreign(path.to_owned()),
        _ => Error::from(error),
    })?;
    let found = pragma(connection, "user_version")?;
    if application == APPLICATION_ID && found > SCHEMA_VERSION {
        return Err(Error::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION });
    }
    if application == APPLICATION_ID || is_empty(connection)? { Ok(()) } else { Err(Error::Foreign(path.to_owned())) }
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS(SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

/// Brings the tables of an older release up to date, each step in one transaction.
fn migrate(connection: &mut Connection) -> Result<(), Error> {
    for (from, step) in STEPS {
        if pragma(connection, "user_version")? == from {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", from + 1)?;
            transaction.commit()?;
        }
    }
    Ok(())
}

/// Makes the tables in one transaction: a crash in the midst leaves an empty file, which is made again.
fn create_tables(connection: &mut Connection) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    Ok(transaction.commit()?)
}

/// Makes the file for its owner alone; one that others can read is refused.
fn make_private(path: &Path) -> Result<(), Error> {
    let file = |source| Error::File { path: path.to_owned(), source };
    SystemDisk.append(path).map_err(file)?;
    let facts = SystemDisk.facts(path).map_err(file)?;
    if facts.is_private() { Ok(()) } else { Err(Error::Loose(path.to_owned())) }
}
