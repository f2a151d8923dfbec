//! What the writer and the readers ask of the tables alike.

use rusqlite::{Connection, OptionalExtension as _, Row, types::Type};

use crate::engine::{DefinitionHash, Pinned};
use crate::journal::codec::{Codec, Place, Reading};
use crate::journal::{Error, Fault, Head, History, Slot, SlotOutcome, Stored, TaskLog, Unreadable};
use crate::words::{ExecutionId, RunNumber, Timestamp, WorkflowStatus};

/// The columns of a [`Head`], in the order that [`head`] reads them.
pub(super) const HEAD_COLUMNS: &str = "id, definition, name, version, correlation, status, started, updated, ended, schedule, due, deadline, unstored, in_doubt, parent, idempotency";

/// The columns of a [`Slot`], in the order that [`slot`] reads them.
pub(super) const SLOT_COLUMNS: &str = "id, schedule, workflow, due, at, body";

/// Reads a head from a row that starts with [`HEAD_COLUMNS`].
pub(super) fn head(row: &Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head {
        execution: execution_id(row, 0)?,
        definition: DefinitionHash(row.get(1)?),
        name: row.get(2)?,
        version: row.get(3)?,
        correlation_id: row.get(4)?,
        status: status(row, 5)?,
        started: Timestamp::from_millis(row.get(6)?),
        updated: Timestamp::from_millis(row.get(7)?),
        ended: moment(row, 8)?,
        schedule: row.get(9)?,
        due: moment(row, 10)?,
        deadline: moment(row, 11)?,
        unstored: row.get(12)?,
        in_doubt: row.get(13)?,
        parent: parent(row, 14)?,
        idempotency_key: row.get(15)?,
    })
}

/// Reads an execution's id from a column.
pub(super) fn execution_id(row: &Row<'_>, column: usize) -> rusqlite::Result<ExecutionId> {
    row.get::<_, String>(column)?
        .parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

fn parent(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<ExecutionId>> {
    match row.get::<_, Option<String>>(column)? {
        Some(_) => execution_id(row, column).map(Some),
        None => Ok(None),
    }
}

/// Reads the latest execution of a workflow that was started under a key, and where it stands.
pub(super) fn started_with(
    connection: &Connection,
    name: &str,
    key: &str,
) -> Result<Option<(ExecutionId, WorkflowStatus)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, status FROM executions WHERE name = ?1 AND idempotency = ?2 ORDER BY started DESC, key DESC LIMIT 1",
    )?;
    Ok(statement.query_row((name, key), |row| Ok((execution_id(row, 0)?, status(row, 1)?))).optional()?)
}

fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<WorkflowStatus> {
    WorkflowStatus::parse(&row.get::<_, String>(column)?).ok_or(rusqlite::Error::InvalidColumnType(
        column,
        "status".to_owned(),
        Type::Text,
    ))
}

/// Reads a count from a column.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// Returns a count as a column takes it; one that does not fit would take longer than the universe to count.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// Reads a slot from a row that starts with [`SLOT_COLUMNS`]; one whose outcome cannot be read says so instead.
pub(super) fn slot(codec: &Codec, row: &Row<'_>) -> rusqlite::Result<Slot> {
    let execution = execution_id(row, 0)?;
    let outcome = codec
        .open(Place::Slot(execution), row.get_ref(5)?.as_blob()?)
        .unwrap_or_else(|unreadable: Unreadable| SlotOutcome::Failed { reason: unreadable.to_string() });
    Ok(Slot {
        execution,
        schedule: row.get(1)?,
        workflow: row.get(2)?,
        due: Timestamp::from_millis(row.get(3)?),
        at: Timestamp::from_millis(row.get(4)?),
        outcome,
    })
}

/// Reads an execution with all that is kept of it, head and history of one moment.
pub(super) fn load(connection: &Connection, codec: &Codec, execution: ExecutionId) -> Result<Option<Stored>, Error> {
    let moment = connection.unchecked_transaction()?;
    let found = moment
        .prepare_cached(&format!(
            "SELECT {HEAD_COLUMNS}, key, seq, archived IS NOT NULL FROM executions WHERE id = ?1"
        ))?
        .query_row([execution.to_string()], |row| Ok((head(row)?, row.get(16)?, unsigned(row, 17)?, row.get(18)?)))
        .optional()?;
    let Some((head, key, seq, archived)) = found else { return Ok(None) };
    let history =
        if archived { snapshot(&moment, codec, execution, key) } else { events(&moment, codec, execution, key, seq) };
    let history = match history {
        Err(Error::Unreadable(unreadable)) => History::Unreadable(unreadable),
        other => other?,
    };
    Ok(Some(Stored { head, seq, history }))
}

fn snapshot(connection: &Connection, codec: &Codec, execution: ExecutionId, key: i64) -> Result<History, Error> {
    let place = Place::Snapshot(execution);
    let body: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body FROM snapshots WHERE execution = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    let body = body.ok_or_else(|| Unreadable { row: place.to_string(), fault: Fault::Gap })?;
    Ok(History::Archived(codec.open(place, &body)?))
}

/// Reads every event up to `last`; a missing one is a fault of the execution.
fn events(
    connection: &Connection,
    codec: &Codec,
    execution: ExecutionId,
    key: i64,
    last: u64,
) -> Result<History, Error> {
    let mut statement = connection.prepare_cached("SELECT seq, body FROM records WHERE execution = ?1 ORDER BY seq")?;
    let mut rows = statement.query([key])?;
    let mut events = Reading::of(codec, execution);
    while let Some(row) = rows.next()? {
        events.add(unsigned(row, 0)?, row.get_ref(1)?.as_blob()?)?;
    }
    Ok(History::Events(events.finish(last)?))
}

/// Reads the status of an execution.
pub(super) fn execution_status(
    connection: &Connection,
    execution: ExecutionId,
) -> Result<Option<WorkflowStatus>, Error> {
    let mut statement = connection.prepare_cached("SELECT status FROM executions WHERE id = ?1")?;
    Ok(statement.query_row([execution.to_string()], |row| status(row, 0)).optional()?)
}

/// Reads a definition that an execution started with.
pub(super) fn definition(
    connection: &Connection,
    codec: &Codec,
    hash: &DefinitionHash,
) -> Result<Option<Pinned>, Error> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body FROM definitions WHERE hash = ?1")?
        .query_row([&hash.0], |row| row.get(0))
        .optional()?;
    Ok(body.map(|body| codec.open(Place::Definition(hash), &body)).transpose()?)
}

/// Reads what was logged for a run, oldest first.
pub(super) fn task_logs(
    connection: &Connection,
    codec: &Codec,
    execution: ExecutionId,
    run: RunNumber,
) -> Result<Vec<TaskLog>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT line, body FROM task_logs WHERE execution = (SELECT key FROM executions WHERE id = ?1) AND run = ?2 \
         ORDER BY line",
    )?;
    let mut rows = statement.query((execution.to_string(), run.0))?;
    let mut logs = Vec::new();
    while let Some(row) = rows.next()? {
        let place = Place::TaskLog { execution, run, line: unsigned(row, 0)? };
        logs.push(codec.open(place, row.get_ref(1)?.as_blob()?)?);
    }
    Ok(logs)
}
