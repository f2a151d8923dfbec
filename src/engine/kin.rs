//! What executions tell each other: what one wants started, what an end means, and what follows from hearing it.

use serde_json::{Value, json};

use crate::engine::answer::WorkerUpdate;
use crate::engine::event::{Completion, Fact, Failure};
use crate::engine::execution::{Execution, Run};
use crate::engine::family::{Chain, ChildEnd, Idempotency, Kin, Origin, Refusal, place_below};
use crate::engine::input::Start;
use crate::engine::limits::{PAYLOAD_BYTES, is_too_deep, size_bytes};
use crate::engine::lookup::Scope;
use crate::engine::operators::{event, get_workflow, start_workflow, sub_workflow, update_secret, update_task};
use crate::engine::step::Step;
use crate::redact::Masker;
use crate::words::{Begun, ExecutionId, Map, Payload, RunNumber, Sensitive, TaskId, TaskStatus, Timestamp};
use crate::workflow::definition::{TaskType, WorkflowDef};
use crate::workflow::expressions::{inert, java_text, shown};

/// The highest priority that Conductor knows.
const PRIORITY_MAX: i64 = 99;

/// Which workflow is to be started.
pub enum Wanted {
    /// One of the catalog.
    Named {
        /// Its name.
        name: String,
        /// Its version; absent: the highest.
        version: Option<i32>,
    },
    /// One that is brought along.
    Inline {
        /// The definition.
        definition: Box<WorkflowDef>,
        /// Whether it came as data: then it is nobody's, and nobody's rights are its.
        from_data: bool,
    },
}

/// An execution that another one wants started.
pub struct Order {
    /// Of which workflow.
    pub wanted: Wanted,
    /// How.
    pub start: Start,
}

/// What a task wants of another execution.
pub enum Errand {
    /// Start it.
    Start(Box<Order>),
    /// Tell everybody who handles the event.
    Publish {
        /// The event.
        event: String,
        /// What it says, in stored form.
        payload: Map,
    },
    /// Read it.
    Read {
        /// Which.
        execution: ExecutionId,
        /// Whether with its tasks.
        with_tasks: bool,
    },
    /// Report on one of its tasks.
    Report {
        /// Which task.
        target: Target,
        /// What is said.
        update: WorkerUpdate,
        /// Whether what the task gave before stays.
        merges: bool,
    },
}

/// A task that somebody reports on.
pub enum Target {
    /// By its id.
    Task(TaskId),
    /// By its reference name.
    Reference {
        /// The execution.
        execution: ExecutionId,
        /// The name.
        reference: String,
    },
}

/// Returns the chain of what an execution causes to start now.
pub fn chain_after(execution: &Execution, now: Timestamp) -> Result<Chain, Refusal> {
    Chain::after(execution, now).map_err(Refusal::lasting)
}

/// Returns the sub-workflow that a run wants.
pub fn child_order(execution: &Execution, run: &Run) -> Result<Order, Refusal> {
    let parent = place_below(execution, run.number)?;
    let input = run.input.expose();
    let wanted = sub_workflow::wanted(execution.planned(run), input)?;
    let given = sub_workflow::child_input(input, &wanted);
    let domains = sub_workflow::domains(&input["subWorkflowTaskToDomain"]);
    let start = Start {
        execution: execution.id.of_started(run.number, "child"),
        correlation_id: execution.correlation_id.clone(),
        priority: priority(&input["priority"])?.unwrap_or(0),
        task_to_domain: domains.unwrap_or_else(|| execution.task_to_domain.clone()),
        origin: Origin {
            parent: Some(parent),
            begun: execution.begun.map(Begun::below),
            ..origin(execution, &given, key(&input["idempotencyKey"], &input["idempotencyStrategy"])?)
        },
        ..start(execution, given)?
    };
    Ok(Order { wanted, start })
}

/// Returns what a run wants of another execution.
pub fn errand(execution: &Execution, run: &Run, now: Timestamp) -> Result<Errand, Refusal> {
    let input = run.input.expose();
    let task_type = &execution.planned(run).task.task_type;
    if *task_type == TaskType::Event {
        let event = event::name(execution, run)?;
        let payload = event::payload(execution, run, &event);
        return Ok(Errand::Publish { event, payload });
    }
    if *task_type == TaskType::GetWorkflow {
        let (execution, with_tasks) = get_workflow::read(input)?;
        return Ok(Errand::Read { execution, with_tasks });
    }
    if *task_type == TaskType::UpdateTask {
        let (target, update, merges) = update_task::report(execution, input)?;
        return Ok(Errand::Report { target, update, merges });
    }
    Ok(Errand::Start(Box::new(start_order(execution, run, now)?)))
}

fn start_order(execution: &Execution, run: &Run, now: Timestamp) -> Result<Order, Refusal> {
    let request = start_workflow::request(run.input.expose())?;
    let wanted = start_workflow::wanted(request, execution.planned(run))?;
    let part = |name: &str| request.get(name).unwrap_or(&Value::Null);
    let text = |name: &str| Some(java_text(part(name))).filter(|text| !part(name).is_null() && !text.trim().is_empty());
    let given = part("input").as_object().cloned().unwrap_or_default();
    let domains = sub_workflow::domains(part("taskToDomain")).filter(|domains| !domains.is_empty());
    let chain = Chain::after(execution, now).map_err(Refusal::lasting)?;
    let start = Start {
        execution: execution.id.of_started(run.number, "start"),
        correlation_id: text("correlationId").or_else(|| execution.correlation_id.clone()),
        priority: priority(part("priority"))?.unwrap_or(0),
        task_to_domain: domains.unwrap_or_else(|| execution.task_to_domain.clone()),
        origin: Origin {
            chain: Some(chain),
            ..origin(execution, &given, key(part("idempotencyKey"), part("idempotencyStrategy"))?)
        },
        ..start(execution, given)?
    };
    Ok(Order { wanted, start })
}

/// Returns the workflow that an ended execution wants for its failure. `view` is the execution as people see it, masked:
/// what a failure is told by must not hold what the execution hides.
pub fn failure_order(execution: &Execution, mut view: Value, now: Timestamp) -> Result<Order, Refusal> {
    let def = &execution.plan.pinned.workflow;
    let environment = Map::new();
    let name = Scope::new(execution, &environment).resolve(&json!(def.failure_workflow));
    let name = name.map_err(|hit| Refusal::lasting(format!("the name of the failure workflow: {hit}")))?;
    let wanted = sub_workflow::named(&name, &json!(def.failure_workflow_version))?;
    let mut given = execution.input.expose().as_object().cloned().unwrap_or_default();
    let reason = view.get("reasonForIncompletion").cloned().unwrap_or_default();
    given.insert("workflowId".to_owned(), json!(execution.id.to_string()));
    given.insert("reason".to_owned(), inert(reason));
    given.insert("failureStatus".to_owned(), json!(execution.status.as_str()));
    if let Some(run) = failed_run(execution) {
        given.insert("failureTaskId".to_owned(), json!(run.id(execution.id).to_string()));
    }
    // A failure of a failure names the one before by its id: they must not grow into each other.
    if let Some(input) = view.get_mut("input").and_then(Value::as_object_mut) {
        input.remove("failedWorkflow");
    }
    given.insert("failedWorkflow".to_owned(), inert(view));
    let number = RunNumber(u32::try_from(execution.seq).unwrap_or(u32::MAX));
    let chain = Chain::after(execution, now).map_err(Refusal::lasting)?;
    let start = Start {
        execution: execution.id.of_started(number, "failure"),
        correlation_id: execution.correlation_id.clone(),
        task_to_domain: execution.task_to_domain.clone(),
        origin: Origin { chain: Some(chain), ..origin(execution, &given, None) },
        ..start(execution, given)?
    };
    Ok(Order { wanted, start })
}

/// Returns the run because of which an execution ended badly.
fn failed_run(execution: &Execution) -> Option<&Run> {
    let shown: Vec<_> = execution.shown_runs().collect();
    let reason = execution.reason.as_deref().unwrap_or_default();
    let named = |run: &&&Run| reason.starts_with(&format!("Task {} failed", run.id(execution.id)));
    if let Some(run) = shown.iter().find(named) {
        // What was let fail did not end it: that is everybody's end.
        return Some(*run).filter(|run| !run.permitted);
    }
    let failed = |run: &&&Run| {
        let failed = [TaskStatus::Failed, TaskStatus::FailedWithTerminalError, TaskStatus::TimedOut];
        failed.contains(&run.status) && !run.retried
    };
    let ends = |run: &&&Run| execution.planned(run).task.task_type == TaskType::Terminate;
    shown.iter().rev().find(failed).or_else(|| shown.iter().rev().find(ends)).copied()
}

/// Returns what an ended execution tells the one that waits for it. References to secrets are only shown in it: they were
/// the child's to use.
pub fn child_end(child: &Execution) -> ChildEnd {
    let def = &child.plan.pinned.workflow;
    let reason = child.reason.as_deref().unwrap_or("null");
    let reason = format!("Sub workflow {}.{}/{} failure reason: {reason}", def.name, def.version, child.id);
    let output = inert(shown(child.output.expose()).into_owned());
    let said = json!([output, reason]);
    ChildEnd {
        child: child.id,
        status: child.status,
        output: Payload::new(output),
        reason: (child.status != crate::words::WorkflowStatus::Completed).then_some(reason),
        in_doubt: child.has_doubts(),
        masks: Masker::new(child.masks.iter()).values_in(&said),
    }
}

/// Returns what every start by another execution has.
fn start(execution: &Execution, given: Map) -> Result<Start, Refusal> {
    if given.values().map(size_bytes).sum::<usize>() > PAYLOAD_BYTES {
        return Err(Refusal::lasting(format!("the input of the workflow is over the limit of {PAYLOAD_BYTES} bytes")));
    }
    if given.values().any(is_too_deep) {
        return Err(Refusal::lasting("the input of the workflow nests too deep"));
    }
    Ok(Start {
        execution: execution.id,
        input: given,
        correlation_id: None,
        priority: 0,
        started_by: format!("workflow:{}", execution.name()),
        slot: None,
        task_to_domain: std::collections::BTreeMap::new(),
        timeout: None,
        origin: Origin::default(),
    })
}

/// Returns where such a start comes from: it hides what the execution hides, as far as it gets to know it.
fn origin(execution: &Execution, given: &Map, idempotency: Option<Idempotency>) -> Origin {
    let masks = if execution.masks.is_empty() {
        Vec::new()
    } else {
        Masker::new(execution.masks.iter()).values_in(&Value::Object(given.clone()))
    };
    Origin { masks, stored: true, idempotency, ..Origin::default() }
}

fn key(key: &Value, strategy: &Value) -> Result<Option<Idempotency>, Refusal> {
    let strategy = strategy.as_str();
    match key {
        Value::Null => Ok(None),
        key => Idempotency::of(Some(java_text(key)), strategy).map_err(Refusal::lasting),
    }
}

fn priority(value: &Value) -> Result<Option<i32>, Refusal> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_i64(),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let number =
        number.filter(|number| (0..=PRIORITY_MAX).contains(number)).and_then(|number| i32::try_from(number).ok());
    number.map(Some).ok_or_else(|| Refusal::lasting(format!("priority is not between 0 and {PRIORITY_MAX}")))
}

impl Step<'_> {
    /// Hides what the execution brings along and what it takes for a secret.
    pub(super) fn hide_input(&mut self, fed: &[String], masks: &[Sensitive]) {
        let mut values: Vec<String> = masks.iter().map(|mask| mask.expose().to_owned()).collect();
        update_secret::leaves(fed, self.execution.input.expose(), &mut values);
        self.mask(values);
    }

    /// Takes what another execution says.
    pub(super) fn kin(&mut self, kin: Kin) {
        match kin {
            Kin::ChildStarted { run, child, version } => self.child_started(run, child, version),
            Kin::ChildEnded { run, end } => self.child_ended(run, end),
            Kin::ChildReopened { run, child } => self.child_reopened(run, child),
            Kin::Detached => {
                if !self.execution.detached {
                    self.emit(Fact::Detached);
                }
            }
            Kin::Held { run } => self.held(run),
            Kin::Served { run, result, masks } => self.served(run, result, &masks),
            Kin::FailureWorkflow { said } => {
                if !self.execution.is_live() {
                    self.emit(Fact::FailureWorkflow { said });
                }
            }
        }
    }

    fn is_open(&self, run: RunNumber) -> bool {
        self.execution.is_live() && self.execution.run(run).is_some_and(|run| !run.status.is_terminal() && !run.gone)
    }

    fn child_started(&mut self, run: RunNumber, child: ExecutionId, version: i32) {
        if !self.is_open(run) || self.at(run).child.is_some() {
            return;
        }
        let input = self.at(run).input.expose();
        let open = input["subWorkflowVersion"].is_null() && input["subWorkflowDefinition"].is_null();
        self.start_run(run, None);
        self.emit(Fact::ChildStarted { run, child, version: open.then_some(version) });
    }

    fn child_ended(&mut self, run: RunNumber, end: ChildEnd) {
        if !self.is_open(run) || self.at(run).child != Some(end.child) {
            return;
        }
        let plan = self.plan();
        let mut values: Vec<String> = end.masks.iter().map(|mask| mask.expose().to_owned()).collect();
        let id = ("subWorkflowId".to_owned(), json!(end.child.to_string()));
        let mut output = Map::from_iter([id.clone()]);
        output.extend(end.output.expose().as_object().cloned().unwrap_or_default());
        // Its own, also where what the child gave has that of a child below.
        output.extend([id]);
        let output = Value::Object(output);
        update_secret::leaves(&self.planned(&plan, run).leaves, &output, &mut values);
        self.mask(values);
        let status = sub_workflow::task_status(end.status);
        if size_bytes(&output) > PAYLOAD_BYTES || is_too_deep(&output) {
            let reason = "the output of the sub-workflow is over a limit: it is too large or nests too deep".to_owned();
            self.fail_run(run, TaskStatus::FailedWithTerminalError, reason);
        } else if status == TaskStatus::Completed {
            self.complete_run(run, Some(Payload::new(output)));
        } else {
            let output = Some(Payload::new(output));
            let failure = Failure { run, status, reason: end.reason, output, in_doubt: end.in_doubt, worker_id: None };
            self.emit(Fact::Failed(Box::new(failure)));
        }
        self.follow(run);
    }

    /// A parent waits again for its child, also where it has ended, or went on after the child: what followed stays. An
    /// optional task keeps its answer, and so does one whose child another one has replaced.
    fn child_reopened(&mut self, run: RunNumber, child: ExecutionId) {
        let Some(known) = self.execution.run(run) else { return };
        let replaced = known.gone || known.retried || known.child != Some(child);
        if replaced || !known.status.is_terminal() || self.execution.planned(known).task.optional {
            return;
        }
        if self.execution.is_live() {
            self.emit(Fact::Amended { input: None, correlation_id: None });
            self.emit(Fact::ChildReopened { run });
        } else {
            self.reopen(Some(run));
        }
    }

    fn served(&mut self, run: RunNumber, result: Result<Map, Refusal>, masks: &[Sensitive]) {
        if !self.is_open(run) || self.at(run).status != TaskStatus::Scheduled {
            return;
        }
        self.mask(masks.iter().map(|mask| mask.expose().to_owned()).collect());
        match result {
            Err(Refusal { reason, terminal }) => {
                let status = if terminal { TaskStatus::FailedWithTerminalError } else { TaskStatus::Failed };
                let known = self.at(run);
                let is_event = self.execution.planned(known).task.task_type == TaskType::Event;
                // What could not be told is shown all the same.
                let untold = is_event.then(|| event::payload(self.execution, known, event::sink(known)));
                self.fail_run_with(run, status, reason, untold.map(|told| Payload::new(Value::Object(told))));
            }
            Ok(output) => {
                let output = Payload::new(Value::Object(output));
                let plan = self.plan();
                if self.planned(&plan, run).task.async_complete {
                    return self.emit(Fact::Updated {
                        run,
                        output,
                        reason: None,
                        worker_id: None,
                        callback_after_seconds: 0,
                        offered_from: None,
                        silence_limit: None,
                    });
                }
                let completion = Completion { run, errors: false, output: Some(output), reason: None, worker_id: None };
                self.emit(Fact::Completed(Box::new(completion)));
            }
        }
        self.follow(run);
    }
}
