mod frame;
mod tables;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use self::frame::{frame, split};
use self::tables::{Bodies, Body, Change, Row, Tables, decode, encode};
use crate::disk::{Disk, Writing, folder_of, replace};
use crate::engine::{DefinitionHash, Pinned};
use crate::journal::audit::chain::{self, Walk};
use crate::journal::codec::{Codec, Place, Reading};
use crate::journal::{
    Broken, Entry, Error, Fault, Head, History, Kept, Link, Log, Owned, OwnedChange, Record, Stored, TaskLog,
    Transaction, Unreadable, Wiped,
};
use crate::scheduler::Watermark;
use crate::secret::Sealer;
use crate::words::{ExecutionId, RunNumber, Timestamp, WorkflowStatus};

/// A simulation writes megabytes; what is longer is a mistake.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// The simulator's journal: one file of commits over any [`Disk`], all of it in memory too.
///
/// A commit that was torn by a crash is dropped at the next opening. Slots are not kept: only a
/// [`Reader`](crate::journal::Reader) asks for them.
pub struct DiskLog {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    codec: Codec,
    tables: Tables,
    /// Nothing where the end of the file is in doubt: then the next commit writes the file anew.
    file: Option<Box<dyn Writing>>,
}

impl DiskLog {
    /// Opens the log, and makes it where there is none.
    pub fn open(disk: Arc<dyn Disk>, path: &Path, sealer: Arc<Sealer>) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let bytes = match disk.read(path, FILE_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => {
                // A process that was killed may have written what it had not synced: it is made durable before anybody
                // acts on it.
                disk.append(path).and_then(|mut file| file.sync()).map_err(failed)?;
                disk.sync_folder(folder_of(path)).map_err(failed)?;
                read.map_err(failed)?
            }
        };
        let mut tables = Tables::default();
        let mut rest = bytes.as_slice();
        while let Some((body, after)) = split(rest) {
            let changes = decode(body).ok_or_else(|| Unreadable {
                row: "commit".to_owned(),
                fault: Fault::Content(bytes.len() - rest.len()),
            })?;
            tables.apply(changes);
            rest = after;
        }
        Ok(Self { disk, path: path.to_owned(), codec: Codec::new(sealer), tables, file: None })
    }

    /// Appends the changes, synced, then does them in memory.
    fn append(&mut self, changes: Vec<Change>) -> Result<(), Error> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.rewrite()?,
        };
        file.write(&frame(&encode(&changes))).and_then(|()| file.sync()).map_err(write_error)?;
        self.file = Some(file);
        self.tables.apply(changes);
        Ok(())
    }

    /// Replaces the file by one that says what the tables are and nothing else.
    fn rewrite(&self) -> Result<Box<dyn Writing>, Error> {
        replace(self.disk.as_ref(), &self.path, &frame(&encode(&self.tables.changes())))
            .map_err(|error| write_error(io::Error::other(error)))?;
        let file = self.disk.append(&self.path).map_err(write_error)?;
        self.disk.sync_folder(folder_of(&self.path)).map_err(write_error)?;
        Ok(file)
    }

    /// Turns the records into changes; each must follow what is kept of its execution.
    fn records(&self, records: &[Record]) -> Result<Vec<Change>, Error> {
        let mut last = BTreeMap::new();
        records
            .iter()
            .map(|record| {
                let execution = record.head.execution;
                let seq = record.seq;
                let before = last.insert(execution, seq).or_else(|| self.seq(execution)).unwrap_or(0);
                let count = u64::try_from(record.events.len()).unwrap_or(u64::MAX);
                if count == 0 || before.checked_add(count) != Some(seq) || self.is_archived(execution) {
                    return Err(Error::Illegal { execution, seq });
                }
                let body = Body(self.codec.seal_events(Place::Record { execution, seq }, &record.events));
                Ok(Change::Record { head: record.head.clone(), seq, body })
            })
            .collect()
    }

    fn seq(&self, execution: ExecutionId) -> Option<u64> {
        self.tables.executions.get(&execution).map(|row| row.seq)
    }

    fn is_archived(&self, execution: ExecutionId) -> bool {
        matches!(self.tables.executions.get(&execution), Some(Row { bodies: Bodies::Snapshot(_), .. }))
    }

    fn watermark(&self, watermark: &Watermark) -> Change {
        let schedule = watermark.schedule.clone();
        let body = Some(Body(self.codec.seal(Place::Watermark(&schedule), watermark)));
        Change::Watermark { schedule, body }
    }

    fn owned_change(&self, change: &OwnedChange) -> Change {
        match change {
            OwnedChange::Put(owned) => {
                let place = Place::Owned { kind: owned.kind.as_str(), name: &owned.name, version: owned.version };
                let body = Some(Body(self.codec.seal(place, owned)));
                Change::Owned { kind: owned.kind, name: owned.name.clone(), version: owned.version, body }
            }
            OwnedChange::Remove { kind, name, version } => {
                Change::Owned { kind: *kind, name: name.clone(), version: *version, body: None }
            }
        }
    }

    fn task_log(&self, line: u64, log: &TaskLog) -> Change {
        let (execution, run) = (log.execution, log.run);
        let body = Body(self.codec.seal(Place::TaskLog { execution, run, line }, log));
        Change::TaskLog { execution, run, body }
    }

    fn audit_changes(&self, entries: &[Entry]) -> Vec<Change> {
        let last = self.tables.audit.last_key_value();
        let opened = last.and_then(|(seq, body)| Some((*seq, chain::open(&self.codec, *seq, &body.0).ok()?)));
        let mut link = opened.map_or_else(Link::default, |(seq, row)| Link::of(seq, &row));
        let change = |entry| {
            let (next, row) = link.next(entry);
            link = next;
            Change::Audit { seq: next.seq, body: Body(self.codec.seal_text(Place::Audit(next.seq), &row)) }
        };
        entries.iter().map(change).collect()
    }

    /// Returns of each commit of the file whether it tells of executions, and whether the audit says something in it.
    #[cfg(test)]
    pub(crate) fn commits(&self) -> Vec<(bool, bool)> {
        let bytes = self.disk.read(&self.path, FILE_BYTES_MAX).expect("the file is there");
        let (mut rest, mut commits) = (bytes.as_slice(), Vec::new());
        while let Some((body, after)) = split(rest) {
            let changes = decode(body).expect("it was written so");
            let has = |is: fn(&Change) -> bool| changes.iter().any(is);
            commits.push((
                has(|change| matches!(change, Change::Record { .. })),
                has(|change| matches!(change, Change::Audit { .. })),
            ));
            rest = after;
        }
        commits
    }

    /// Returns every entry of the audit, or the first that does not hold.
    pub fn audit(&self) -> Result<Vec<Value>, Broken> {
        let mut walk = Walk::from(&self.codec, Link::default(), Link::default());
        let rows = self.tables.audit.iter().map(|(seq, body)| walk.take(*seq, &body.0));
        rows.collect()
    }

    fn history(&self, execution: ExecutionId, row: &Row) -> Result<History, Unreadable> {
        match &row.bodies {
            Bodies::Snapshot(body) => self.codec.open(Place::Snapshot(execution), &body.0).map(History::Archived),
            Bodies::Records(records) => {
                let mut events = Reading::of(&self.codec, execution);
                records.iter().try_for_each(|(seq, body)| events.add(*seq, &body.0))?;
                events.finish(row.seq).map(History::Events)
            }
        }
    }

    fn has_living_parent(&self, row: &Row) -> bool {
        let parent = row.head.parent.and_then(|parent| self.tables.executions.get(&parent));
        parent.is_some_and(|parent| parent.head.ended.is_none())
    }

    /// Returns the executions whose heads are wanted, in the order in which they started.
    fn oldest_first(&self, wanted: impl Fn(&Head) -> bool) -> Vec<ExecutionId> {
        let heads = self.tables.executions.values().map(|row| &row.head);
        let mut found: Vec<_> = heads.filter(|head| wanted(head)).map(|head| (head.started, head.execution)).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, execution)| execution).collect()
    }

    /// Returns the settled executions that ended before `before`, oldest first.
    fn settled(&self, before: Timestamp, limit: usize, wanted: impl Fn(&Row) -> bool) -> Vec<ExecutionId> {
        let mut ended: Vec<_> = self
            .tables
            .executions
            .values()
            .filter(|row| row.is_settled() && wanted(row) && !self.has_living_parent(row))
            .filter_map(|row| row.head.ended.map(|ended| (ended, row.head.execution)))
            .filter(|(ended, _)| *ended <= before)
            .collect();
        ended.sort_unstable();
        ended.into_iter().map(|(_, execution)| execution).take(limit).collect()
    }
}

impl Log for DiskLog {
    fn commit(&mut self, transaction: &Transaction) -> Result<(), Error> {
        let unknown = transaction.definitions.iter().filter(|plan| !self.tables.definitions.contains_key(&plan.hash));
        let mut changes: Vec<Change> = unknown
            .map(|plan| {
                let body = Body(self.codec.seal(Place::Definition(&plan.hash), &plan.pinned));
                Change::Definition { hash: plan.hash, body }
            })
            .collect();
        changes.extend(self.records(&transaction.records)?);
        changes.extend(transaction.watermarks.iter().map(|watermark| self.watermark(watermark)));
        let gone = transaction.schedules_gone.iter();
        changes.extend(gone.map(|schedule| Change::Watermark { schedule: schedule.clone(), body: None }));
        changes.extend(transaction.owned.iter().map(|change| self.owned_change(change)));
        let mut lines: BTreeMap<(ExecutionId, RunNumber), u64> = BTreeMap::new();
        for log in &transaction.task_logs {
            let key = (log.execution, log.run);
            let kept = self.tables.task_logs.get(&key).map_or(0, Vec::len);
            let line = lines.entry(key).or_insert(u64::try_from(kept).unwrap_or(u64::MAX));
            changes.push(self.task_log(*line, log));
            *line += 1;
        }
        changes.extend(self.audit_changes(&transaction.audit));
        self.append(changes)
    }

    fn definition(&self, hash: &DefinitionHash) -> Result<Option<Pinned>, Error> {
        let body = self.tables.definitions.get(hash);
        Ok(body.map(|body| self.codec.open(Place::Definition(hash), &body.0)).transpose()?)
    }

    fn live(&self) -> Result<Vec<ExecutionId>, Error> {
        Ok(self.oldest_first(|head| head.ended.is_none()))
    }

    fn problems(&self) -> Result<Vec<ExecutionId>, Error> {
        Ok(self.oldest_first(|head| head.unstored || head.in_doubt))
    }

    fn load(&self, execution: ExecutionId) -> Result<Option<Stored>, Error> {
        Ok(self.tables.executions.get(&execution).map(|row| Stored {
            head: row.head.clone(),
            seq: row.seq,
            history: self.history(execution, row).unwrap_or_else(History::Unreadable),
        }))
    }

    fn has_execution(&self, execution: ExecutionId) -> Result<bool, Error> {
        Ok(self.tables.executions.contains_key(&execution))
    }

    fn with_prefix(&self, prefix: &str) -> Result<Vec<ExecutionId>, Error> {
        Ok(self.tables.executions.keys().copied().filter(|id| id.to_string().starts_with(prefix)).collect())
    }

    fn started_with(&self, name: &str, key: &str) -> Result<Option<(ExecutionId, WorkflowStatus)>, Error> {
        let heads = self.tables.executions.values().map(|row| &row.head);
        let started = heads.filter(|head| head.name == name && head.idempotency_key.as_deref() == Some(key));
        let latest = started.max_by_key(|head| (head.started, head.execution));
        Ok(latest.map(|head| (head.execution, head.status)))
    }

    fn watermarks(&self) -> Result<Kept<Watermark>, Error> {
        let mut kept = Kept::default();
        for (schedule, body) in &self.tables.watermarks {
            kept.add(self.codec.open(Place::Watermark(schedule), &body.0));
        }
        Ok(kept)
    }

    fn owned(&self) -> Result<Kept<Owned>, Error> {
        let mut kept = Kept::default();
        for ((kind, name, version), (_, body)) in &self.tables.owned {
            kept.add(self.codec.open(Place::Owned { kind, name, version: *version }, &body.0));
        }
        Ok(kept)
    }

    fn task_logs(&self, execution: ExecutionId, run: RunNumber) -> Result<Vec<TaskLog>, Error> {
        let bodies = self.tables.task_logs.get(&(execution, run)).map_or([].as_slice(), Vec::as_slice);
        let lines =
            (0..).zip(bodies).map(|(line, body)| self.codec.open(Place::TaskLog { execution, run, line }, &body.0));
        Ok(lines.collect::<Result<_, _>>()?)
    }

    fn due_for_archive(&self, before: Timestamp, limit: usize) -> Result<Vec<ExecutionId>, Error> {
        Ok(self.settled(before, limit, Row::is_archivable))
    }

    fn archive(&mut self, snapshots: &[(ExecutionId, Value)], _now: Timestamp) -> Result<(), Error> {
        let mut changes = Vec::new();
        for (execution, snapshot) in snapshots {
            let row = self.tables.executions.get(execution).filter(|row| row.is_settled() && row.is_archivable());
            let Some(Row { head, seq, bodies: Bodies::Records(_) }) = row else { continue };
            let body = Body(self.codec.seal(Place::Snapshot(*execution), snapshot));
            changes.push(Change::Snapshot { head: head.clone(), seq: *seq, body });
        }
        self.append(changes)
    }

    fn due_for_purge(&self, before: Timestamp, limit: usize) -> Result<Vec<ExecutionId>, Error> {
        Ok(self.settled(before, limit, |_| true))
    }

    fn remove(&mut self, executions: &[ExecutionId]) -> Result<(), Error> {
        let settled = |id: &&ExecutionId| self.tables.executions.get(id).is_some_and(Row::is_settled);
        let changes = executions.iter().filter(settled).map(|id| Change::Removed(*id)).collect();
        self.append(changes)
    }

    fn wipe(&mut self) -> Result<Wiped, Error> {
        self.file = Some(self.rewrite()?);
        Ok(Wiped::Now)
    }

    fn forget_slots(&mut self, _before: Timestamp, _limit: usize) -> Result<usize, Error> {
        Ok(0)
    }
}

fn write_error(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::StorageFull { Error::Full } else { Error::Write(error) }
}
