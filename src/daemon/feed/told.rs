//! What an event says, and to whom.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::catalog::{Catalog, Problem};
use crate::daemon::slots::Facts;
use crate::engine::{self, Execution, view};
use crate::secret::Snapshot;
use crate::words::{ExecutionId, Timestamp};

/// How many changed tasks one event names; a commit that changes more says that there are more.
const TASKS_MAX: usize = 100;

/// What kind of thing an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An execution changed.
    Execution,
    /// A secret was written or removed.
    Secret,
    /// A schedule fired, is held, or is another.
    Schedule,
    /// Something has to be looked at, or not any more.
    Problem,
    /// A workflow is defined, otherwise defined, or not any more.
    Definition,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Execution, Self::Secret, Self::Schedule, Self::Problem, Self::Definition];

    /// Reads the name of a kind.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Returns its name, as clients filter by it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Execution => "execution",
            Self::Secret => "secret",
            Self::Schedule => "schedule",
            Self::Problem => "problem",
            Self::Definition => "definition",
        }
    }
}

/// What somebody wants to hear; nothing said is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// These kinds only.
    pub kinds: Vec<Kind>,
    /// What is about this workflow only.
    pub workflow: Option<String>,
    /// What is about this execution only.
    pub execution: Option<ExecutionId>,
}

impl Wanted {
    pub(super) fn includes(&self, event: &Event) -> bool {
        let kind = self.kinds.is_empty() || self.kinds.contains(&event.kind);
        let workflow = self.workflow.is_none() || self.workflow == event.workflow;
        kind && workflow && (self.execution.is_none() || self.execution == event.execution)
    }
}

/// Something that happened.
pub(in crate::daemon) struct Event {
    pub(super) kind: Kind,
    pub(super) right: Right,
    pub(super) workflow: Option<String>,
    pub(super) execution: Option<ExecutionId>,
    /// JSON, in one line.
    pub(super) data: String,
}

/// What it takes to hear of it.
pub(super) enum Right {
    /// To be the owner.
    Owner,
    /// READ on this.
    Read(TargetKind, String),
    /// READ on a secret that is gone, with the tags that it had.
    ReadOfGone(String, BTreeMap<String, String>),
}

/// An event in the ring.
pub(super) struct Told {
    pub(super) number: u64,
    pub(super) event: Event,
}

impl Event {
    fn new(kind: Kind, right: Right, data: &Value) -> Self {
        Self { kind, right, workflow: None, execution: None, data: data.to_string() }
    }

    fn of_workflow(self, workflow: &str) -> Self {
        Self { workflow: Some(workflow.to_owned()), ..self }
    }

    /// Returns what events changed in an execution, as people see it; nothing where they changed nothing of that.
    pub(super) fn of_execution(execution: &Execution, events: &[engine::Event]) -> Option<Self> {
        let changes = engine::changes(events);
        if !changes.shown {
            return None;
        }
        let runs = changes.runs.iter().take(TASKS_MAX).filter_map(|run| execution.run(*run)).filter(|run| !run.gone);
        let tasks: Vec<_> = runs.map(|run| view::progress_json(execution, run)).collect();
        let data = json!({
            "workflowId": execution.id.to_string(),
            "workflowName": execution.name(),
            "workflowVersion": execution.plan.pinned.workflow.version,
            "status": execution.status.as_str(),
            "updateTime": execution.updated.as_millis(),
            "tasks": tasks,
            "more": changes.more || changes.runs.len() > TASKS_MAX,
        });
        let right = Right::Read(TargetKind::Workflow, execution.name().to_owned());
        let event = Self::new(Kind::Execution, right, &data).of_workflow(execution.name());
        Some(Self { execution: Some(execution.id), ..event })
    }

    /// Returns how a schedule stands; without facts it is gone.
    pub(super) fn of_schedule(name: &str, workflow: Option<&str>, facts: Option<Facts>) -> Self {
        let millis = |moment: Option<Timestamp>| moment.map(Timestamp::as_millis);
        let data = match facts {
            None => json!({"name": name, "removed": true}),
            Some(facts) => json!({
                "name": name,
                "workflowName": workflow,
                "paused": facts.paused,
                "nextRunTime": millis(facts.next.filter(|_| !facts.paused)),
                "lastRunTime": millis(facts.last),
            }),
        };
        let event = Self::new(Kind::Schedule, Right::Read(TargetKind::Schedule, name.to_owned()), &data);
        Self { workflow: workflow.map(str::to_owned), ..event }
    }

    /// Returns that something has to be looked at, or not any more; the message is masked.
    pub(super) fn of_problem(problem: &Problem, is_mended: bool) -> Self {
        let data = json!({"place": problem.place, "message": problem.message, "mended": is_mended});
        let execution = problem.place.strip_prefix("run ").and_then(|id| id.parse().ok());
        Self { execution, ..Self::new(Kind::Problem, Right::Owner, &data) }
    }
}

/// Returns the secrets that were written or removed between two moments of the store.
pub(super) fn secrets(before: &Snapshot, now: &Snapshot) -> Vec<Event> {
    let event = |(name, version): (&str, Option<u32>)| {
        if let Some(version) = version {
            let right = Right::Read(TargetKind::Secret, name.to_owned());
            return Event::new(Kind::Secret, right, &json!({"name": name, "version": version}));
        }
        let right = Right::ReadOfGone(name.to_owned(), before.tags(name).cloned().unwrap_or_default());
        Event::new(Kind::Secret, right, &json!({"name": name, "removed": true}))
    };
    now.changed_since(before).into_iter().map(event).collect()
}

/// Returns the workflows that are others in one catalog than in another.
pub(super) fn definitions(before: &Catalog, now: &Catalog) -> Vec<Event> {
    let all = |catalog: &Catalog| -> HashMap<_, _> {
        let key = |name: &str, version| (name.to_owned(), version);
        let workflows =
            catalog.workflows().map(|one| (key(&one.pinned.workflow.name, one.pinned.workflow.version), one.hash));
        workflows.collect()
    };
    let (before, now) = (all(before), all(now));
    let changed = now.iter().filter(|(key, hash)| before.get(*key) != Some(*hash)).map(|(key, _)| (key, false));
    let removed = before.keys().filter(|key| !now.contains_key(*key)).map(|key| (key, true));
    let mut changes: Vec<_> = changed.chain(removed).collect();
    changes.sort_unstable();
    let event = |((name, version), removed): (&(String, i32), bool)| {
        let data = json!({"name": name, "version": version, "removed": removed});
        Event::new(Kind::Definition, Right::Read(TargetKind::Workflow, name.clone()), &data).of_workflow(name)
    };
    changes.into_iter().map(event).collect()
}
