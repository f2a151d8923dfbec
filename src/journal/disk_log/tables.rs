use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::engine::DefinitionHash;
use crate::journal::{Head, OwnedKind};
use crate::words::{ExecutionId, RunNumber};

/// A sealed body. As JSON it is its length: the bytes of all bodies follow the JSON of their changes.
#[derive(Clone)]
pub(super) struct Body(pub(super) Vec<u8>);

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.len().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    /// Returns a body of zeros, to be filled by [`decode`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let length = u32::deserialize(deserializer)?;
        Ok(Self(vec![0; usize::try_from(length).map_err(serde::de::Error::custom)?]))
    }
}

/// Returns the bytes of one commit: the length of the JSON, the JSON, the bodies.
pub(super) fn encode(changes: &[Change]) -> Vec<u8> {
    let json = serde_json::to_vec(changes).expect("changes have text keys");
    let length = u32::try_from(json.len()).expect("a batch is far below 4 GiB");
    let mut bytes = [length.to_be_bytes().as_slice(), &json].concat();
    for body in changes.iter().filter_map(Change::body) {
        bytes.extend_from_slice(&body.0);
    }
    bytes
}

/// Reads the bytes of one commit; `None` where they are not understood.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Change>> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (json, mut rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let mut changes: Vec<Change> = serde_json::from_slice(json).ok()?;
    for body in changes.iter_mut().filter_map(Change::body_mut) {
        let (bytes, after) = rest.split_at_checked(body.0.len())?;
        body.0.copy_from_slice(bytes);
        rest = after;
    }
    rest.is_empty().then_some(changes)
}

/// One row that a commit writes or removes.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Change {
    Definition { hash: DefinitionHash, body: Body },
    Record { head: Head, seq: u64, body: Body },
    Snapshot { head: Head, seq: u64, body: Body },
    Removed(ExecutionId),
    Watermark { schedule: String, body: Option<Body> },
    Owned { kind: OwnedKind, name: String, version: i32, body: Option<Body> },
    TaskLog { execution: ExecutionId, run: RunNumber, body: Body },
    Audit { seq: u64, body: Body },
}

impl Change {
    fn body(&self) -> Option<&Body> {
        match self {
            Self::Definition { body, .. }
            | Self::Record { body, .. }
            | Self::Snapshot { body, .. }
            | Self::TaskLog { body, .. }
            | Self::Audit { body, .. } => Some(body),
            Self::Watermark { body, .. } | Self::Owned { body, .. } => body.as_ref(),
            Self::Removed(_) => None,
        }
    }

    fn body_mut(&mut self) -> Option<&mut Body> {
        match self {
            Self::Definition { body, .. }
            | Self::Record { body, .. }
            | Self::Snapshot { body, .. }
            | Self::TaskLog { body, .. }
            | Self::Audit { body, .. } => Some(body),
            Self::Watermark { body, .. } | Self::Owned { body, .. } => body.as_mut(),
            Self::Removed(_) => None,
        }
    }
}

/// Everything that is kept, as the changes made it.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) definitions: BTreeMap<DefinitionHash, Body>,
    pub(super) executions: BTreeMap<ExecutionId, Row>,
    pub(super) watermarks: BTreeMap<String, Body>,
    pub(super) owned: BTreeMap<(&'static str, String, i32), (OwnedKind, Body)>,
    pub(super) task_logs: BTreeMap<(ExecutionId, RunNumber), Vec<Body>>,
    pub(super) audit: BTreeMap<u64, Body>,
}

/// What is kept of an execution.
pub(super) struct Row {
    pub(super) head: Head,
    pub(super) seq: u64,
    pub(super) bodies: Bodies,
}

/// The sealed bodies of an execution.
pub(super) enum Bodies {
    Records(Vec<(u64, Body)>),
    Snapshot(Body),
}

impl Row {
    /// Returns whether it may be archived, where it is settled: who looks at a call in doubt wants to retry it.
    pub(super) const fn is_archivable(&self) -> bool {
        matches!(self.bodies, Bodies::Records(_)) && !self.head.in_doubt
    }

    /// Returns whether it may be removed.
    pub(super) const fn is_settled(&self) -> bool {
        self.head.ended.is_some() && !self.head.unstored
    }
}

impl Tables {
    /// Does what a commit said.
    pub(super) fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.apply_one(change);
        }
    }

    fn apply_one(&mut self, change: Change) {
        match change {
            Change::Definition { hash, body } => {
                self.definitions.entry(hash).or_insert(body);
            }
            Change::Record { head, seq, body } => self.add_record(head, seq, body),
            Change::Snapshot { head, seq, body } => {
                self.remove_task_logs(head.execution);
                self.executions.insert(head.execution, Row { head, seq, bodies: Bodies::Snapshot(body) });
            }
            Change::Removed(execution) => self.remove(execution),
            Change::Watermark { schedule, body: Some(body) } => {
                self.watermarks.insert(schedule, body);
            }
            Change::Watermark { schedule, body: None } => {
                self.watermarks.remove(&schedule);
            }
            Change::Owned { kind, name, version, body: Some(body) } => {
                self.owned.insert((kind.as_str(), name, version), (kind, body));
            }
            Change::Owned { kind, name, version, body: None } => {
                self.owned.remove(&(kind.as_str(), name, version));
            }
            Change::TaskLog { execution, run, body } => self.task_logs.entry((execution, run)).or_default().push(body),
            Change::Audit { seq, body } => {
                self.audit.insert(seq, body);
            }
        }
    }

    fn add_record(&mut self, head: Head, seq: u64, body: Body) {
        match self.executions.get_mut(&head.execution) {
            Some(Row { head: kept, seq: last, bodies: Bodies::Records(records) }) => {
                *kept = Head { definition: kept.definition, ..head };
                *last = seq;
                records.push((seq, body));
            }
            Some(Row { bodies: Bodies::Snapshot(_), .. }) | None => {
                let bodies = Bodies::Records(vec![(seq, body)]);
                self.executions.insert(head.execution, Row { head, seq, bodies });
            }
        }
    }

    fn remove(&mut self, execution: ExecutionId) {
        self.executions.remove(&execution);
        self.remove_task_logs(execution);
        let executions = &self.executions;
        self.definitions.retain(|hash, _| executions.values().any(|row| row.head.definition == *hash));
    }

    fn remove_task_logs(&mut self, execution: ExecutionId) {
        self.task_logs.retain(|(owner, _), _| *owner != execution);
    }

    /// Returns the changes that make these tables from nothing.
    pub(super) fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        changes
            .extend(self.definitions.iter().map(|(hash, body)| Change::Definition { hash: *hash, body: body.clone() }));
        for row in self.executions.values() {
            row.write_to(&mut changes);
        }
        changes.extend(
            self.watermarks
                .iter()
                .map(|(schedule, body)| Change::Watermark { schedule: schedule.clone(), body: Some(body.clone()) }),
        );
        changes.extend(self.owned.iter().map(|((_, name, version), (kind, body))| Change::Owned {
            kind: *kind,
            name: name.clone(),
            version: *version,
            body: Some(body.clone()),
        }));
        for ((execution, run), bodies) in &self.task_logs {
            let line = |body: &Body| Change::TaskLog { execution: *execution, run: *run, body: body.clone() };
            changes.extend(bodies.iter().map(line));
        }
        changes.extend(self.audit.iter().map(|(seq, body)| Change::Audit { seq: *seq, body: body.clone() }));
        changes
    }
}

impl Row {
    fn write_to(&self, changes: &mut Vec<Change>) {
        let Self { head, seq, bodies } = self;
        match bodies {
            Bodies::Snapshot(body) => {
                changes.push(Change::Snapshot { head: head.clone(), seq: *seq, body: body.clone() });
            }
            Bodies::Records(records) => changes.extend(records.iter().map(|(seq, body)| Change::Record {
                head: head.clone(),
                seq: *seq,
                body: body.clone(),
            })),
        }
    }
}
