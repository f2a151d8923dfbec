use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::engine::{self, DefinitionHash, Event};
use crate::journal::{Fault, Unreadable};
use crate::secret::Sealer;
use crate::words::{ExecutionId, RunNumber};

/// The format of every sealed body but the records, which carry the format of their events.
const BODY_FORMAT: u8 = 1;

/// A body of one short record fits without growing, so that no copy of it stays behind in freed memory.
const BODY_BYTES_USUAL: usize = 4096;

/// The row that a sealed body belongs to: a body that is moved to another row does not open there.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Definition(&'a DefinitionHash),
    Record { execution: ExecutionId, seq: u64 },
    Snapshot(ExecutionId),
    Watermark(&'a str),
    Owned { kind: &'a str, name: &'a str, version: i32 },
    Slot(ExecutionId),
    TaskLog { execution: ExecutionId, run: RunNumber, line: u64 },
    Audit(u64),
    AuditState(&'a str),
    AuditAnchor,
    AuditNote { generation: [u8; 16], line: u64 },
}

impl Place<'_> {
    /// Returns the bytes that the seal is bound to: the table, then parts of fixed length, then at most one text.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Definition(hash) => [b"definitions\0".as_slice(), &hash.0].concat(),
            Self::Record { execution, seq } => {
                [b"records\0".as_slice(), execution.uuid().as_bytes(), &seq.to_be_bytes()].concat()
            }
            Self::Snapshot(execution) => [b"snapshots\0".as_slice(), execution.uuid().as_bytes()].concat(),
            Self::Watermark(schedule) => [b"watermarks\0".as_slice(), schedule.as_bytes()].concat(),
            Self::Owned { kind, name, version } => {
                [b"owned\0".as_slice(), kind.as_bytes(), b"\0", &version.to_be_bytes(), name.as_bytes()].concat()
            }
            Self::Slot(execution) => [b"slots\0".as_slice(), execution.uuid().as_bytes()].concat(),
            Self::TaskLog { execution, run, line } => {
                [b"task_logs\0".as_slice(), execution.uuid().as_bytes(), &run.0.to_be_bytes(), &line.to_be_bytes()]
                    .concat()
            }
            Self::Audit(seq) => [b"audit\0".as_slice(), &seq.to_be_bytes()].concat(),
            Self::AuditState(name) => [b"audit_state\0".as_slice(), name.as_bytes()].concat(),
            Self::AuditAnchor => b"audit anchor\0".to_vec(),
            Self::AuditNote { generation, line } => {
                [b"audit note\0".as_slice(), generation, &line.to_be_bytes()].concat()
            }
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definition(hash) => write!(f, "definition {hash}"),
            Self::Record { execution, seq } => write!(f, "record {seq} of execution {execution}"),
            Self::Snapshot(execution) => write!(f, "snapshot of execution {execution}"),
            Self::Watermark(schedule) => write!(f, "watermark of schedule \"{schedule}\""),
            Self::Owned { kind, name, version } => write!(f, "{kind} \"{name}\" version {version}"),
            Self::Slot(execution) => write!(f, "slot {execution}"),
            Self::TaskLog { execution, run, line } => {
                write!(f, "log line {line} of run {run} of execution {execution}")
            }
            Self::Audit(seq) => write!(f, "entry {seq} of the audit"),
            Self::AuditState(name) => write!(f, "{name} of the audit"),
            Self::AuditAnchor => f.write_str("anchor of the audit"),
            Self::AuditNote { line, .. } => write!(f, "line {line} of the audit's notes"),
        }
    }
}

/// Turns values into sealed bodies and back.
#[derive(Clone)]
pub(super) struct Codec {
    sealer: Arc<Sealer>,
}

impl Codec {
    pub(super) const fn new(sealer: Arc<Sealer>) -> Self {
        Self { sealer }
    }

    /// Seals the events of a record.
    pub(super) fn seal_events(&self, place: Place<'_>, events: &[Event]) -> Vec<u8> {
        self.seal_as(engine::FORMAT, place, events)
    }

    /// Opens the events of a record.
    pub(super) fn open_events(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<Event>, Unreadable> {
        self.open_as(engine::FORMAT, place, sealed)
    }

    /// Seals a body.
    pub(super) fn seal<T: Serialize + ?Sized>(&self, place: Place<'_>, body: &T) -> Vec<u8> {
        self.seal_as(BODY_FORMAT, place, body)
    }

    /// Opens a body.
    pub(super) fn open<T: DeserializeOwned>(&self, place: Place<'_>, sealed: &[u8]) -> Result<T, Unreadable> {
        self.open_as(BODY_FORMAT, place, sealed)
    }

    /// Seals a body that is JSON already and holds no value of a secret.
    pub(super) fn seal_text(&self, place: Place<'_>, json: &[u8]) -> Vec<u8> {
        self.sealer.seal(&place.bytes(), &[&[BODY_FORMAT], json].concat())
    }

    fn seal_as<T: Serialize + ?Sized>(&self, format: u8, place: Place<'_>, body: &T) -> Vec<u8> {
        let mut plain = Zeroizing::new(Vec::with_capacity(BODY_BYTES_USUAL));
        plain.push(format);
        serde_json::to_writer(&mut *plain, body).expect("what the journal keeps has text keys, and memory takes it");
        self.sealer.seal(&place.bytes(), &plain)
    }

    /// Opens a body whose format is `known` or older. What `serde_json` says of a value is left out: it may quote it.
    fn open_as<T: DeserializeOwned>(&self, known: u8, place: Place<'_>, sealed: &[u8]) -> Result<T, Unreadable> {
        let fault = |fault| Unreadable { row: place.to_string(), fault };
        let plain = self.sealer.open(&place.bytes(), sealed).map_err(|_| fault(Fault::Sealed))?;
        match plain.split_first() {
            Some((format, body)) if *format <= known => {
                serde_json::from_slice(body).map_err(|error| fault(Fault::Content(error.column())))
            }
            Some((format, _)) => Err(fault(Fault::Format(*format))),
            None => Err(fault(Fault::Content(0))),
        }
    }
}

/// The events of an execution as they are read back, row by row.
pub(super) struct Reading<'a> {
    codec: &'a Codec,
    execution: ExecutionId,
    events: Vec<Event>,
}

impl<'a> Reading<'a> {
    pub(super) const fn of(codec: &'a Codec, execution: ExecutionId) -> Self {
        Self { codec, execution, events: Vec::new() }
    }

    /// Adds the row whose last event has number `seq`.
    pub(super) fn add(&mut self, seq: u64, sealed: &[u8]) -> Result<(), Unreadable> {
        let place = Place::Record { execution: self.execution, seq };
        self.events.extend(self.codec.open_events(place, sealed)?);
        self.expect(seq)
    }

    /// Returns the events, of which the last has number `seq`.
    pub(super) fn finish(self, seq: u64) -> Result<Vec<Event>, Unreadable> {
        self.expect(seq)?;
        Ok(self.events)
    }

    /// Checks that the events up to here are all that there were.
    fn expect(&self, seq: u64) -> Result<(), Unreadable> {
        if u64::try_from(self.events.len()) == Ok(seq) {
            return Ok(());
        }
        let place = Place::Record { execution: self.execution, seq };
        Err(Unreadable { row: place.to_string(), fault: Fault::Gap })
    }
}
