use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::answer::Response;
use crate::engine::concurrency::Share;
use crate::engine::family::{Chain, Parent};
use crate::engine::looping::{Frame, Looping, Pin};
use crate::engine::plan::{Plan, PlannedTask, TaskIndex};
use crate::engine::script::Asked;
use crate::words::{Begun, ExecutionId, Payload, RunNumber, Sensitive, TaskId, TaskStatus, Timestamp, WorkflowStatus};
use crate::workflow::definition::TaskType;

/// One execution of a workflow: what its events add up to. It has no `Debug`: it holds payloads.
///
/// Payloads are in stored form: secrets are references, and data from outside is inert.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts, each told by its own event")]
pub struct Execution {
    /// Its id.
    pub id: ExecutionId,
    /// The definition it started with.
    pub plan: Arc<Plan>,
    /// Where it stands.
    pub status: WorkflowStatus,
    /// What it took.
    pub input: Payload,
    /// What it gave.
    pub output: Payload,
    /// Its variables.
    pub variables: Payload,
    /// Why it ended as it did.
    pub reason: Option<String>,
    /// The references of the tasks that had failed when it ended, each once, also where a retry then helped.
    pub failed_references: Vec<String>,
    /// The names of the tasks that failed.
    pub failed_tasks: Vec<String>,
    /// The caller's name for what belongs together.
    pub correlation_id: Option<String>,
    /// 0 to 99.
    pub priority: i32,
    /// Who started it.
    pub started_by: String,
    /// The schedule and the due time of the slot.
    pub slot: Option<(String, Timestamp)>,
    /// The workers' domains by task name.
    pub task_to_domain: BTreeMap<String, String>,
    /// When it started, or was restarted.
    pub created: Timestamp,
    /// When something happened last.
    pub updated: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When somebody last had it retried.
    pub last_retried: Option<Timestamp>,
    /// The timeout in force, in seconds.
    pub timeout_seconds: Option<u64>,
    /// When it has taken too long.
    pub deadline: Option<Timestamp>,
    /// Whether passing the deadline only makes it overdue.
    pub alert_only: bool,
    /// Whether the deadline has passed and it went on.
    pub overdue: bool,
    /// Every attempt of every task, also those before a restart; run number minus one is the index.
    pub runs: Vec<Run>,
    /// The number of events so far.
    pub seq: u64,
    /// The values that every view of it hides.
    pub masks: Arc<Vec<Sensitive>>,
    /// Whether somebody said that what was fetched and not stored does not matter.
    pub dismissed: bool,
    /// The run that waits for it.
    pub parent: Option<Parent>,
    /// Whether the parent waits for it no more.
    pub detached: bool,
    /// The workflows that started each other up to it.
    pub chain: Option<Chain>,
    /// The event that started it.
    pub event: Option<String>,
    /// The key under which it was started once.
    pub idempotency_key: Option<String>,
    /// The trace that its caller began.
    pub begun: Option<Begun>,
    /// Its place among those that share the limit of its workflow.
    pub share: Option<Share>,
    /// Runs that ended during a pause, or beside an open script, and whose consequences are owed.
    pub held: Vec<RunNumber>,
    /// How many runs there were of each task, also before a restart.
    pub(super) made: Vec<u32>,
    pub(super) index: Index,
}

/// What [`apply`](crate::engine::apply) derives and never stores.
#[derive(Clone, Default)]
pub(super) struct Index {
    /// The runs that have not ended.
    pub(super) open: BTreeSet<RunNumber>,
    /// The latest run of each task since the last restart, by the task's slot.
    pub(super) latest: Vec<Option<RunNumber>>,
    /// When something is due for which run.
    pub(super) timers: BTreeSet<(Timestamp, RunNumber)>,
    /// When a started run that met trouble is tried again, also during a pause.
    pub(super) again: BTreeSet<(Timestamp, RunNumber)>,
    /// For each open JOIN: how many of its tasks are not through.
    pub(super) joins: BTreeMap<RunNumber, usize>,
    /// The runs that stand for tasks which are passed over once the flow comes to them.
    pub(super) skips: BTreeMap<TaskIndex, RunNumber>,
    /// How many runs there are since the last restart.
    pub(super) scheduled: u32,
    /// Whether something permissive failed for good.
    pub(super) permitted: bool,
    /// The iterations of each loop that are still there.
    pub(super) frames: BTreeMap<(RunNumber, i32), Frame>,
    /// The open loops in whose iteration nothing is open: it has ended, or the first is still to begin.
    pub(super) idle: BTreeSet<RunNumber>,
    /// Whether a dynamic fork has run.
    pub(super) forked: bool,
    /// When something came from outside last: what follows by itself follows in that moment, however late scripts are answered.
    pub(super) moment: Option<Timestamp>,
    /// How many runs wait for a script.
    pub(super) asking: usize,
    /// How many bytes the inputs and outputs take together, roughly.
    pub(super) bytes: usize,
}

/// One attempt of one task.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts, each told by its own event")]
pub struct Run {
    /// Its number: the token of its commands.
    pub number: RunNumber,
    /// Its task.
    pub task: TaskIndex,
    /// The run of the fork, SWITCH or loop that holds it.
    pub scope: Option<RunNumber>,
    /// The run of the loop around it.
    pub frame: Option<RunNumber>,
    /// How many runs of its task there were before it.
    pub earlier: u32,
    /// Which attempt, from 0.
    pub attempt: u32,
    /// Its place in the order of scheduling since the last restart, from 1.
    pub seq: u32,
    /// The iteration of the loop that holds it; 0 outside of loops.
    pub iteration: i32,
    /// Where it stands.
    pub status: TaskStatus,
    /// When it was scheduled.
    pub scheduled: Timestamp,
    /// When work for it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When something happened to it last.
    pub updated: Timestamp,
    /// Not before.
    pub not_before: Timestamp,
    /// For an UPDATE_SECRET: whether a part of what it is to store led to nothing.
    pub unresolved: bool,
    /// What it took.
    pub input: Payload,
    /// What it gave.
    pub output: Payload,
    /// Why it ended as it did.
    pub reason: Option<String>,
    /// Whether another attempt followed.
    pub retried: bool,
    /// The attempt before it.
    pub retry_of: Option<RunNumber>,
    /// How often a worker took it.
    pub poll_count: u32,
    /// The worker that took it.
    pub worker_id: Option<String>,
    /// What Conductor shows as `callbackAfterSeconds`.
    pub callback_after_seconds: i64,
    /// The raw response: evidence, and what was fetched.
    pub response: Option<Response>,
    /// Whether the run had ended when its answer came.
    pub answered_late: bool,
    /// Whether its secrets were written.
    pub stored: bool,
    /// Whether nobody knows what its call did.
    pub in_doubt: bool,
    /// Whether it failed for good and the flow went on.
    pub permitted: bool,
    /// Whether its time has passed and it went on.
    pub overdue: bool,
    /// Whether it belongs to the time before a restart, or to an iteration that its loop let go: no view shows it.
    pub gone: bool,
    /// The execution of its sub-workflow.
    pub child: Option<ExecutionId>,
    /// How often it met trouble of our own in a row.
    pub troubles: u32,
    /// What the last trouble was.
    pub trouble: Option<String>,
    pub(super) wake: Option<Timestamp>,
    pub(super) time_limit: Option<Timestamp>,
    pub(super) silence_limit: Option<Timestamp>,
    pub(super) total_limit: Option<Timestamp>,
    pub(super) offered: bool,
    /// The script that it waits for.
    pub(super) asked: Option<Arc<Asked>>,
    pub(super) looping: Option<Looping>,
    pub(super) pins: Vec<Pin>,
}

impl Run {
    /// Returns a run that is planned and for which nothing has happened.
    pub(super) fn planned(number: RunNumber, task: TaskIndex, at: Timestamp, input: Payload) -> Self {
        Self {
            number,
            task,
            scope: None,
            attempt: 0,
            seq: 0,
            frame: None,
            earlier: 0,
            iteration: 0,
            status: TaskStatus::Scheduled,
            scheduled: at,
            started: None,
            ended: None,
            updated: at,
            not_before: at,
            unresolved: false,
            input,
            output: Payload::empty(),
            reason: None,
            retried: false,
            retry_of: None,
            poll_count: 0,
            worker_id: None,
            callback_after_seconds: 0,
            response: None,
            answered_late: false,
            stored: false,
            in_doubt: false,
            permitted: false,
            overdue: false,
            gone: false,
            child: None,
            troubles: 0,
            trouble: None,
            wake: None,
            time_limit: None,
            silence_limit: None,
            total_limit: None,
            offered: false,
            asked: None,
            looping: None,
            pins: Vec::new(),
        }
    }

    /// Returns when something is due for it.
    pub fn timer(&self) -> Option<Timestamp> {
        if self.status.is_terminal() {
            return None;
        }
        let limits = [self.wake, self.time_limit, self.silence_limit, self.total_limit];
        limits.into_iter().flatten().min().filter(|timer| *timer != Timestamp::MAX)
    }

    /// Returns whether it waits for a time, a turn or a place before anything is done for it.
    pub fn begins_later(&self) -> bool {
        self.wake.is_some()
    }

    /// Returns whether it waits to have its work tried again.
    pub(super) fn again(&self) -> Option<Timestamp> {
        let troubled = self.status == TaskStatus::InProgress && self.troubles > 0;
        if troubled { self.wake } else { None }
    }

    /// Returns the id that people and workers see.
    pub fn id(&self, execution: ExecutionId) -> TaskId {
        TaskId::of(execution, self.number)
    }
}

impl Execution {
    /// Returns whether it has not ended.
    pub fn is_live(&self) -> bool {
        !self.status.is_terminal()
    }

    /// Returns it without its runs: a copy that costs as little however many there are.
    pub fn without_runs(&self) -> Self {
        Self {
            id: self.id,
            plan: Arc::clone(&self.plan),
            status: self.status,
            input: self.input.clone(),
            output: self.output.clone(),
            variables: self.variables.clone(),
            reason: self.reason.clone(),
            failed_references: self.failed_references.clone(),
            failed_tasks: self.failed_tasks.clone(),
            correlation_id: self.correlation_id.clone(),
            started_by: self.started_by.clone(),
            slot: self.slot.clone(),
            task_to_domain: self.task_to_domain.clone(),
            runs: Vec::new(),
            masks: Arc::clone(&self.masks),
            parent: self.parent.clone(),
            event: self.event.clone(),
            idempotency_key: self.idempotency_key.clone(),
            begun: self.begun,
            share: self.share.clone(),
            held: Vec::new(),
            made: Vec::new(),
            index: Index::default(),
            ..*self
        }
    }

    /// Returns a run by its number.
    pub fn run(&self, number: RunNumber) -> Option<&Run> {
        self.runs.get((number.0 as usize).checked_sub(1)?)
    }

    /// Returns the run that people and workers call by this id.
    pub fn run_by_id(&self, id: TaskId) -> Option<&Run> {
        self.runs.iter().find(|run| run.id(self.id) == id)
    }

    /// Returns the latest run of the task with a reference name; `ref__3` is the latest in the third iteration.
    pub fn task_by_reference(&self, reference: &str) -> Option<&Run> {
        self.latest_by_reference(reference).or_else(|| {
            let (base, iteration) = reference.rsplit_once("__")?;
            let slot = self.plan.by_reference(base)?.slot;
            let iteration: i32 = iteration.parse().ok()?;
            let is_it =
                |run: &&Run| run.iteration == iteration && run.frame.is_some() && self.planned(run).slot == slot;
            self.runs.iter().rev().filter(|run| !run.gone).find(is_it)
        })
    }

    /// Returns the latest run of the task with a reference name. Expressions know no other: `ref__3` is nothing to them, as
    /// in Conductor.
    pub(super) fn latest_by_reference(&self, reference: &str) -> Option<&Run> {
        self.latest(self.plan.by_reference(reference)?.slot)
    }

    /// Returns the runs that people see, in the order of scheduling.
    pub fn shown_runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| !run.gone)
    }

    /// Returns the definition of a run's task.
    pub fn planned(&self, run: &Run) -> &PlannedTask {
        self.plan.task(run.task).expect("apply refuses a run of a task that the plan does not have")
    }

    /// Returns the execution at the top, where it is below another.
    pub fn root(&self) -> Option<ExecutionId> {
        self.parent.as_ref().map(|parent| parent.root)
    }

    /// Returns the definition's name.
    pub fn name(&self) -> &str {
        &self.plan.pinned.workflow.name
    }

    /// Returns the runs whose calls may have changed the world and nobody knows: Problems until somebody looks.
    pub fn in_doubt(&self) -> Vec<RunNumber> {
        if self.dismissed {
            return Vec::new();
        }
        // What a sub-workflow did is its own to be asked about.
        let own = self.runs.iter().filter(|run| run.in_doubt && run.child.is_none());
        own.filter(|run| !self.superseded(run)).map(|run| run.number).collect()
    }

    /// Returns whether nobody knows what a call of it, or below it, did: it is not made again by itself, whoever was told.
    pub(super) fn has_doubts(&self) -> bool {
        self.runs.iter().any(|run| run.in_doubt && !self.superseded(run))
    }

    /// Returns whether its time has passed while it waits to store what it fetched: a Problem, never an end.
    pub fn overdue_store(&self) -> bool {
        self.waits_to_store() && (self.overdue || self.open_runs().any(|run| run.overdue))
    }

    /// Returns whether an UPDATE_SECRET waits to store a value that was fetched.
    pub(super) fn waits_to_store(&self) -> bool {
        self.is_live()
            && self.open_runs().any(|run| self.planned(run).task.task_type == TaskType::UpdateSecret)
            && self.runs.iter().any(|run| self.has_fetched(run))
    }

    /// Returns the latest run by the slot of its task.
    pub(super) fn latest(&self, slot: TaskIndex) -> Option<&Run> {
        self.run((*self.index.latest.get(slot.position())?)?)
    }

    /// Returns the runs that have not ended.
    pub fn open_runs(&self) -> impl Iterator<Item = &Run> {
        self.index.open.iter().filter_map(|number| self.run(*number))
    }
}
