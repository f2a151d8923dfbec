use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::{DefinitionHash, Event, Execution, Plan, next_deadline};
use crate::journal::{Entry, Unreadable};
use crate::scheduler::Watermark;
use crate::words::{ExecutionId, RunNumber, Timestamp, WorkflowStatus};

/// All that one turn of the dispatcher wants kept, or nothing of it.
#[derive(Default)]
pub struct Transaction {
    /// The plans of the executions that start; what is kept already costs nothing.
    pub definitions: Vec<Arc<Plan>>,
    /// What happened, one record an execution.
    pub records: Vec<Record>,
    /// Where the schedules stand now.
    pub watermarks: Vec<Watermark>,
    /// The schedules that are gone, with their watermarks.
    pub schedules_gone: Vec<String>,
    /// Definitions that came over the API, or left.
    pub owned: Vec<OwnedChange>,
    /// What became of slots.
    pub slots: Vec<Slot>,
    /// What workers logged.
    pub task_logs: Vec<TaskLog>,
    /// What the audit says of it, and of what is about to be done.
    pub audit: Vec<Entry>,
}

impl Transaction {
    /// Returns whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty()
            && self.records.is_empty()
            && self.watermarks.is_empty()
            && self.schedules_gone.is_empty()
            && self.owned.is_empty()
            && self.slots.is_empty()
            && self.task_logs.is_empty()
            && self.audit.is_empty()
    }
}

/// What happened to one execution in one turn.
pub struct Record {
    /// The execution as it is after the events.
    pub head: Head,
    /// The number of the last event; the first event of an execution has number 1.
    pub seq: u64,
    /// The events, at least one.
    pub events: Vec<Event>,
}

/// What an execution is found by; it is kept in clear, so it holds no payload and no reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Which execution.
    pub execution: ExecutionId,
    /// The definition it started with; later records do not change it.
    pub definition: DefinitionHash,
    /// The workflow's name.
    pub name: String,
    /// The workflow's version.
    pub version: i32,
    /// The caller's name for what belongs together.
    pub correlation_id: Option<String>,
    /// Where it stands.
    pub status: WorkflowStatus,
    /// When it started.
    pub started: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The schedule that started it.
    pub schedule: Option<String>,
    /// The due time of the slot that it is.
    pub due: Option<Timestamp>,
    /// When it wants to be looked at next.
    pub deadline: Option<Timestamp>,
    /// Whether it has ended and holds something that it fetched for a secret and could not store.
    pub unstored: bool,
    /// Whether it has ended and nobody knows what one of its calls did.
    pub in_doubt: bool,
    /// The execution that waits for it.
    #[serde(default)]
    pub parent: Option<ExecutionId>,
    /// The key under which it was started once.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

impl Head {
    /// Returns what an execution is found by.
    pub fn of(execution: &Execution) -> Self {
        let (schedule, due) = execution.slot.clone().unzip();
        let definition = &execution.plan.pinned.workflow;
        let has_ended = execution.ended.is_some();
        Self {
            execution: execution.id,
            definition: execution.plan.hash,
            name: definition.name.clone(),
            version: definition.version,
            correlation_id: execution.correlation_id.clone(),
            status: execution.status,
            started: execution.created,
            updated: execution.updated,
            ended: execution.ended,
            schedule,
            due,
            deadline: next_deadline(execution),
            unstored: has_ended && !execution.unstored().is_empty(),
            in_doubt: has_ended && !execution.in_doubt().is_empty(),
            parent: execution.parent.as_ref().map(|parent| parent.execution),
            idempotency_key: execution.idempotency_key.clone(),
        }
    }
}

impl Record {
    /// Returns the record of what just happened to an execution: `events` are applied already.
    pub fn of(execution: &Execution, events: Vec<Event>) -> Self {
        Self { head: Head::of(execution), seq: execution.seq, events }
    }
}

/// An execution as the journal has it.
pub struct Stored {
    /// What it is found by.
    pub head: Head,
    /// The number of its last event.
    pub seq: u64,
    /// What happened to it.
    pub history: History,
}

/// What is kept of what happened to an execution.
pub enum History {
    /// Every event, in order.
    Events(Vec<Event>),
    /// One masked snapshot; the events are gone.
    Archived(Value),
    /// Something that cannot be read: the execution is shown and kept, not run.
    Unreadable(Unreadable),
}

/// What is kept of a kind: what cannot be read is named, and the rest is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept<T> {
    /// What can be read.
    pub rows: Vec<T>,
    /// What cannot.
    pub unreadable: Vec<Unreadable>,
}

impl<T> Kept<T> {
    /// Adds a row, or the fault of one.
    pub(super) fn add(&mut self, row: Result<T, Unreadable>) {
        match row {
            Ok(row) => self.rows.push(row),
            Err(fault) => self.unreadable.push(fault),
        }
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), unreadable: Vec::new() }
    }
}

/// A change of what the API owns.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnedChange {
    /// Adds it, or replaces the one of the same kind, name and version.
    Put(Owned),
    /// Removes it.
    Remove {
        /// What it is.
        kind: OwnedKind,
        /// Its name.
        name: String,
        /// Its version; 0 where the kind has none.
        version: i32,
    },
}

/// What came over the API, or by `keytide app`: the journal is the one truth about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owned {
    /// What it is.
    pub kind: OwnedKind,
    /// Its name.
    pub name: String,
    /// Its version; 0 where the kind has none.
    pub version: i32,
    /// The application that created it.
    pub app: String,
    /// When it was created.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// The definition, as Conductor's JSON.
    pub definition: Value,
}

/// The kinds of definition that the API can own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OwnedKind {
    /// A workflow.
    Workflow,
    /// A schedule.
    Schedule,
    /// A task definition.
    Task,
    /// A handler of events.
    EventHandler,
    /// An application of the API, with the hashes of its keys.
    Application,
    /// A group of those who are granted something.
    Group,
    /// A grant.
    Grant,
    /// The tags of a workflow, a schedule or a task definition.
    Tags,
    /// A variable of the environment.
    Variable,
}

impl OwnedKind {
    /// Returns the word that rows carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Schedule => "schedule",
            Self::Task => "task",
            Self::EventHandler => "eventHandler",
            Self::Application => "application",
            Self::Group => "group",
            Self::Grant => "grant",
            Self::Tags => "tags",
            Self::Variable => "variable",
        }
    }
}

/// What became of a schedule's slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The slot's one id, which is the execution's where it fired.
    pub execution: ExecutionId,
    /// The schedule.
    pub schedule: String,
    /// The workflow that it starts.
    pub workflow: String,
    /// When it was due.
    pub due: Timestamp,
    /// When it was dealt with.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: SlotOutcome,
}

/// What became of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SlotOutcome {
    /// Its execution started.
    Fired,
    /// The schedule's last run still went.
    Skipped {
        /// That run.
        blocked_by: ExecutionId,
    },
    /// It could not start.
    Failed {
        /// Why, in a sentence without secrets.
        reason: String,
    },
}

impl SlotOutcome {
    /// Returns the state that clients read; `SKIPPED` is ours, the others are Conductor's.
    pub const fn state(&self) -> &'static str {
        match self {
            Self::Fired => "EXECUTED",
            Self::Skipped { .. } => "SKIPPED",
            Self::Failed { .. } => "FAILED",
        }
    }
}

/// A line that somebody logged for a run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskLog {
    /// The execution.
    pub execution: ExecutionId,
    /// Its run.
    pub run: RunNumber,
    /// When.
    pub at: Timestamp,
    /// What; it may hold anything, so it is sealed and has no `Debug`.
    pub line: String,
}
