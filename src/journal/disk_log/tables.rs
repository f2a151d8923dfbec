use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::engine::DefinitionHash;
use crate::journal::{Head, OwnedKind};
use crate::words::{ExecutionId, RunNumber};

/// A sealed body.
#[derive(Clone)]
pub(super) struct Body(pub(super) Vec<u8>);

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
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
}

/// Everything that is kept, as the changes made it.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) definitions: BTreeMap<DefinitionHash, Body>,
    pub(super) executions: BTreeMap<ExecutionId, Row>,
    pub(super) watermarks: BTreeMap<String, Body>,
    pub(super) owned: BTreeMap<(&'static str, String, i32), (OwnedKind, Body)>,
    pub(super) task_logs: BTreeMap<(ExecutionId, RunNumber), Vec<Body>>,
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
    /// Returns whether it may be archived and removed.
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
