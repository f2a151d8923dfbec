//! What executions need of each other: parents and children, and those that one starts, reads or reports to.
//!
//! The engine knows one execution at a time. What a step makes another execution do is a [`Need`]; the dispatcher serves
//! it in the same commit. An execution that is replayed says with [`owed_needs`] what may be missing: to serve a need
//! twice is as good as once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::engine::event::{Event, Fact};
use crate::engine::execution::{Execution, Run};
use crate::engine::limits::{CHAIN_LENGTH, CHAIN_PAUSE, CHILD_DEPTH};
use crate::words::{
    Begun, ExecutionId, Map, Payload, RunNumber, Sensitive, TaskId, TaskStatus, Timestamp, WorkflowStatus,
};
use crate::workflow::definition::TaskType;
use crate::workflow::flow;

/// The run that waits for an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parent {
    /// The execution of the parent.
    pub execution: ExecutionId,
    /// Its run.
    pub run: RunNumber,
    /// The execution that has no parent and all the others are below.
    pub root: ExecutionId,
    /// How many are above it.
    pub depth: u32,
    /// The secrets in which what it gives may be stored, above it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<String>,
}

impl Parent {
    /// Returns the id of the task that waits, as people see it.
    pub fn task_id(&self) -> TaskId {
        TaskId::of(self.execution, self.run)
    }
}

/// Workflows that started each other within moments: a loop of them must not eat the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    /// The first of them.
    pub root: ExecutionId,
    /// How many are before it.
    pub length: u32,
}

impl Chain {
    /// Returns the chain of what `starter` starts now; a pause begins another one.
    pub(super) fn after(starter: &Execution, now: Timestamp) -> Result<Self, String> {
        let quick = now.since(starter.created) < CHAIN_PAUSE;
        let chain = match starter.chain.filter(|_| quick) {
            Some(chain) => Self { root: chain.root, length: chain.length + 1 },
            None => Self { root: starter.id, length: 1 },
        };
        if chain.length > CHAIN_LENGTH {
            let name = starter.name();
            return Err(format!(
                "{CHAIN_LENGTH} workflows have started each other without a pause, which is the limit: does `{name}` start itself?"
            ));
        }
        Ok(chain)
    }
}

/// Where an execution comes from, besides whoever asked for it.
#[derive(Default)]
pub struct Origin {
    /// The run that waits for it.
    pub parent: Option<Parent>,
    /// The workflows that started each other up to it.
    pub chain: Option<Chain>,
    /// The event that started it.
    pub event: Option<String>,
    /// The key under which it is started once.
    pub idempotency: Option<Idempotency>,
    /// The values that its views hide from the start.
    pub masks: Vec<Sensitive>,
    /// Whether its input is in stored form already: it comes from another execution.
    pub stored: bool,
    /// The trace that its caller began.
    pub begun: Option<Begun>,
}

/// A key under which a workflow is started once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key; it is the workflow's own.
    pub key: String,
    /// What a second start does.
    pub strategy: Strategy,
}

/// What a start does whose key has been used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// It fails.
    #[default]
    Fail,
    /// It gives the execution that there is.
    ReturnExisting,
    /// It fails while that execution goes on, and starts another one after its end.
    FailOnRunning,
}

impl Idempotency {
    /// Reads a request's key and strategy; without a key there is none.
    pub fn of(key: Option<String>, strategy: Option<&str>) -> Result<Option<Self>, String> {
        let Some(key) = key.filter(|key| !key.trim().is_empty()) else { return Ok(None) };
        let strategy = match strategy.map(str::trim) {
            None | Some("" | "FAIL") => Strategy::Fail,
            Some("RETURN_EXISTING") => Strategy::ReturnExisting,
            Some("FAIL_ON_RUNNING") => Strategy::FailOnRunning,
            Some(other) => {
                let known = "FAIL, RETURN_EXISTING or FAIL_ON_RUNNING";
                return Err(format!("idempotencyStrategy: `{other}` is none of {known}"));
            }
        };
        Ok(Some(Self { key, strategy }))
    }
}

/// The types of tasks that are done by doing something to another execution.
const ERRANDS: [TaskType; 4] = [TaskType::StartWorkflow, TaskType::Event, TaskType::GetWorkflow, TaskType::UpdateTask];

/// What one execution needs of another. It names, and carries nothing: whoever serves it reads the state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The run's sub-workflow must be there; if it has ended, the run wants to hear of it.
    Child {
        /// The parent.
        parent: ExecutionId,
        /// Its run.
        run: RunNumber,
    },
    /// The parent's run has ended: nobody waits for the child.
    Leave {
        /// The parent.
        parent: ExecutionId,
        /// Its run.
        run: RunNumber,
    },
    /// The execution has ended, and its parent wants to hear of it.
    Answer {
        /// The child.
        child: ExecutionId,
    },
    /// The execution goes on again, and its parent may wait for it again.
    Reopen {
        /// The child.
        child: ExecutionId,
    },
    /// The run waits for its child again, which goes on where it does not already.
    Resume {
        /// The parent.
        parent: ExecutionId,
        /// Its run.
        run: RunNumber,
    },
    /// The execution was replayed: does its parent still wait for it?
    Belong {
        /// The child.
        child: ExecutionId,
    },
    /// A task starts, reads or tells another execution something.
    Serve {
        /// The execution.
        execution: ExecutionId,
        /// Its run.
        run: RunNumber,
    },
    /// The execution has failed, and its definition names a workflow for that.
    Failure {
        /// The execution.
        execution: ExecutionId,
    },
}

/// What became of a child.
pub struct ChildEnd {
    /// The child.
    pub child: ExecutionId,
    /// How it ended.
    pub status: WorkflowStatus,
    /// What it gave, inert.
    pub output: Payload,
    /// Why, in Conductor's words.
    pub reason: Option<String>,
    /// Whether nobody knows what one of its calls did: then nothing is repeated by itself.
    pub in_doubt: bool,
    /// The values in it that views hide.
    pub masks: Vec<Sensitive>,
}

/// What one execution hears of another.
pub enum Kin {
    /// The run's sub-workflow was started.
    ChildStarted {
        /// The run.
        run: RunNumber,
        /// The execution.
        child: ExecutionId,
        /// The version that it has.
        version: i32,
    },
    /// The run's sub-workflow has ended.
    ChildEnded {
        /// The run.
        run: RunNumber,
        /// How.
        end: ChildEnd,
    },
    /// The run's sub-workflow goes on again. No event: the run waits for it no more.
    ChildReopened {
        /// The run.
        run: RunNumber,
        /// The execution.
        child: ExecutionId,
    },
    /// The parent waits for it no more, and it goes on all the same.
    Detached,
    /// The limit of its definition does not let the run begin now.
    Held {
        /// The run.
        run: RunNumber,
    },
    /// Somebody else did what the task asks for.
    Served {
        /// The run.
        run: RunNumber,
        /// What it gives, or why it fails.
        result: Result<Map, Refusal>,
        /// The values in it that views hide.
        masks: Vec<Sensitive>,
    },
    /// The workflow for the failure was started, or could not be.
    FailureWorkflow {
        /// Its id, or why there is none.
        said: String,
    },
}

/// Why a task that needs another execution fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why, in a sentence without secrets.
    pub reason: String,
    /// Whether another attempt is pointless.
    pub terminal: bool,
}

impl Refusal {
    /// Returns a refusal that another attempt may overcome.
    pub fn passing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), terminal: false }
    }

    /// Returns a refusal that stays.
    pub fn lasting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), terminal: true }
    }
}

/// Returns what these events need of other executions; they must be applied already.
pub fn needs(execution: &Execution, events: &[Event]) -> Vec<Need> {
    let mut begun = BTreeSet::new();
    let mut needs = Vec::new();
    for event in events {
        match &event.fact {
            Fact::Scheduled(scheduling) => drop(begun.insert(scheduling.run)),
            Fact::Due { run } => drop(begun.insert(*run)),
            Fact::Resumed => begun.extend(execution.index.open.iter().copied()),
            Fact::Completed(completion) => needs.extend(left(execution, completion.run)),
            Fact::Failed(failure) => needs.extend(left(execution, failure.run)),
            Fact::Canceled { run } => needs.extend(left(execution, *run)),
            Fact::Reopened { .. } | Fact::Restarted { .. } => {
                needs.extend(child_of(execution).map(|child| Need::Reopen { child }));
            }
            Fact::ChildReopened { run } => needs.push(Need::Resume { parent: execution.id, run: *run }),
            Fact::Ended { status, quiet, .. } => {
                needs.extend(child_of(execution).map(|child| Need::Answer { child }));
                let failed = *status != WorkflowStatus::Completed && !quiet;
                let named =
                    execution.plan.pinned.workflow.failure_workflow.as_deref().is_some_and(|name| !name.is_empty());
                needs.extend((failed && named).then_some(Need::Failure { execution: execution.id }));
            }
            Fact::Started(_)
            | Fact::RunStarted { .. }
            | Fact::Polled { .. }
            | Fact::Troubled { .. }
            | Fact::Answered { .. }
            | Fact::Updated { .. }
            | Fact::Leased { .. }
            | Fact::Shared { .. }
            | Fact::Admitted
            | Fact::Asked { .. }
            | Fact::Evaluated { .. }
            | Fact::Deferred { .. }
            | Fact::Released
            | Fact::Noted { .. }
            | Fact::Iterated { .. }
            | Fact::Dropped { .. }
            | Fact::Excused { .. }
            | Fact::Permitted { .. }
            | Fact::Reinstated { .. }
            | Fact::RunOverdue { .. }
            | Fact::Overdue
            | Fact::VariablesSet { .. }
            | Fact::Masked { .. }
            | Fact::Paused
            | Fact::Dismissed
            | Fact::ChildStarted { .. }
            | Fact::Detached
            | Fact::FailureWorkflow { .. }
            | Fact::Removed { .. }
            | Fact::Rewound { .. }
            | Fact::Amended { .. }
            | Fact::Skipped { .. }
            | Fact::Passed { .. } => {}
        }
    }
    // What waited for scripts waits no more.
    if execution.index.asking == 0
        && events.iter().any(|event| matches!(event.fact, Fact::Evaluated { .. } | Fact::Failed(_)))
    {
        begun.extend(execution.index.open.iter().copied());
    }
    let begun = begun.iter().filter_map(|number| execution.run(*number));
    needs.extend(begun.filter_map(|run| wanted(execution, run)));
    needs
}

/// Returns what a replayed execution may need of other executions, from its state alone.
pub fn owed_needs(execution: &Execution) -> Vec<Need> {
    if !execution.is_live() {
        return Vec::new();
    }
    let own = execution.open_runs().filter_map(|run| wanted(execution, run));
    child_of(execution).map(|child| Need::Belong { child }).into_iter().chain(own).collect()
}

fn child_of(execution: &Execution) -> Option<ExecutionId> {
    (execution.parent.is_some() && !execution.detached).then_some(execution.id)
}

/// Returns what an open run needs. A pause holds what has not begun, and so does a script that began with it: where the
/// script ends the workflow, as in Conductor, nothing else has started.
fn wanted(execution: &Execution, run: &Run) -> Option<Need> {
    let begins = execution.status == WorkflowStatus::Running && run.wake.is_none() && execution.index.asking == 0;
    let open = !run.status.is_terminal() && !run.gone;
    let task_type = &execution.planned(run).task.task_type;
    if *task_type == TaskType::SubWorkflow {
        let waits = open && (begins || run.child.is_some());
        return waits.then_some(Need::Child { parent: execution.id, run: run.number });
    }
    let is_errand = ERRANDS.contains(task_type) && run.status == TaskStatus::Scheduled;
    (is_errand && open && begins).then_some(Need::Serve { execution: execution.id, run: run.number })
}

fn left(execution: &Execution, run: RunNumber) -> Option<Need> {
    execution.run(run)?.child.map(|_| Need::Leave { parent: execution.id, run })
}

/// Returns the place of a child below a run, or says that it would be too deep.
pub(super) fn place_below(parent: &Execution, run: RunNumber) -> Result<Parent, Refusal> {
    let above = parent.parent.as_ref();
    let depth = above.map_or(1, |above| above.depth + 1);
    if depth > CHILD_DEPTH {
        let name = parent.name();
        return Err(Refusal::lasting(format!(
            "sub-workflows nest {CHILD_DEPTH} deep, which is the limit: does `{name}` start itself?"
        )));
    }
    let root = above.map_or(parent.id, |above| above.root);
    Ok(Parent { execution: parent.id, run, root, depth, stores: stores(parent, run) })
}

/// Returns the secrets in which what a run gives may be stored: here, or above where it leaves the definition.
fn stores(parent: &Execution, run: RunNumber) -> Vec<String> {
    let Some(planned) = parent.run(run).map(|run| parent.planned(run)) else { return Vec::new() };
    let mut names =
        if planned.feeds_secret { flow::secrets_written(&parent.plan.pinned.workflow.tasks) } else { Vec::new() };
    if planned.feeds_secret && names.is_empty() {
        names.push("a secret".to_owned());
    }
    if !planned.may_repeat {
        names.extend(parent.parent.iter().flat_map(|above| above.stores.iter().cloned()));
    }
    names
}
