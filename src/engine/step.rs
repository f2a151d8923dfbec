//! One step: an input is decided and applied, in memory. What follows by itself follows in the same step.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::engine::apply::{apply, begin};
use crate::engine::event::{Beginning, Event, Fact};
use crate::engine::execution::{Execution, Run};
use crate::engine::family::Origin;
use crate::engine::input::{Input, Rejected, Start, Turn};
use crate::engine::lookup::Scope;
use crate::engine::plan::{Plan, PlannedTask};
use crate::words::{ExecutionId, Map, Payload, RunNumber, Timestamp};
use crate::workflow::expressions::inert;

/// Starts an execution.
pub fn start(plan: Arc<Plan>, start: Start, turn: &Turn<'_>) -> (Execution, Vec<Event>) {
    let def = &plan.pinned.workflow;
    let (own_timeout, alert_only) = def.own_timeout();
    let given_timeout = start.timeout.map(|timeout| timeout.as_secs());
    let timeout_seconds = own_timeout.or(given_timeout);
    let Origin { parent, chain, event, idempotency, masks, stored, begun } = start.origin;
    let given = if stored { start.input } else { inert_input(start.input) };
    let beginning = Beginning {
        input: Payload::new(Value::Object(input_of(given, &def.input_template))),
        variables: Payload::new(Value::Object(def.variables.clone())),
        correlation_id: start.correlation_id,
        priority: start.priority,
        started_by: start.started_by,
        slot: start.slot,
        task_to_domain: start.task_to_domain,
        timeout_seconds,
        deadline: timeout_seconds.map(|seconds| turn.now.plus(Duration::from_secs(seconds))),
        alert_only,
        parent,
        chain,
        event,
        idempotency_key: idempotency.map(|idempotency| idempotency.key),
        begun,
    };
    let event = Event { at: turn.now, fact: Fact::Started(Box::new(beginning)) };
    let fed = plan.input_leaves.clone();
    let mut execution = begin(start.execution, plan, &event).expect("the event is a start");
    let mut step = Step::new(&mut execution, turn);
    step.events.push(event);
    step.hide_input(&fed, &masks);
    step.begin_flow();
    step.run();
    let events = step.events;
    (execution, events)
}

/// Returns data from outside in stored form.
pub(super) fn inert_input(given: Map) -> Map {
    given.into_iter().map(|(key, value)| (key, inert(value))).collect()
}

/// Returns the input of an execution: the caller's data, and the definition's for what is left out or null.
fn input_of(given: Map, template: &Map) -> Map {
    let mut input = given;
    for (key, value) in template {
        let given = input.entry(key.clone()).or_insert(Value::Null);
        if given.is_null() {
            *given = value.clone();
        }
    }
    input
}

/// Decides what an input means for an execution, and applies it. The events that are returned are applied already.
///
/// An input that comes too late to matter gives no events and no error.
pub fn step(execution: &mut Execution, input: Input, turn: &Turn<'_>) -> Result<Vec<Event>, Rejected> {
    let mut step = Step::new(execution, turn);
    match input {
        Input::Tick => step.tick(),
        Input::Outcome(outcome) => step.outcome(outcome)?,
        Input::Polled { run, worker_id } => step.polled(run, worker_id)?,
        Input::Updated { run, update } => step.updated(run, update)?,
        Input::Leased { run } => step.leased(run)?,
        Input::Operation(operation) => step.operation(operation)?,
        Input::Disclosed { values } => step.mask(values.iter().map(|value| value.expose().to_owned()).collect()),
        Input::Recovered => step.recovered(),
        Input::Kin(kin) => step.kin(kin),
        Input::Freed => step.take_turn(),
        Input::Admitted => step.admitted(),
        Input::Placed { run } => step.placed(run),
    }
    step.run();
    Ok(step.events)
}

/// A step under way.
pub(super) struct Step<'a> {
    pub(super) execution: &'a mut Execution,
    pub(super) turn: &'a Turn<'a>,
    pub(super) events: Vec<Event>,
    /// The control tasks whose work is to be done in this pass.
    pub(super) work: VecDeque<RunNumber>,
    /// Those whose work is done in the next one.
    pub(super) later: VecDeque<RunNumber>,
    /// The runs that have ended, and from which nothing followed yet.
    pub(super) ended: BTreeSet<RunNumber>,
    /// Those that this pass sees to.
    pub(super) seen: VecDeque<RunNumber>,
    /// Whether an end starts no workflow for failures.
    pub(super) quiet: bool,
    /// The fork or SWITCH, the outermost one, whose ways are opened: what begins with it sees neither it nor each other.
    pub(super) opening: Option<RunNumber>,
}

impl<'a> Step<'a> {
    fn new(execution: &'a mut Execution, turn: &'a Turn<'a>) -> Self {
        Self {
            execution,
            turn,
            events: Vec::new(),
            work: VecDeque::new(),
            later: VecDeque::new(),
            ended: BTreeSet::new(),
            seen: VecDeque::new(),
            quiet: false,
            opening: None,
        }
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.turn.now
    }

    /// Applies a fact and keeps its event.
    pub(super) fn emit(&mut self, fact: Fact) {
        let event = Event { at: self.now(), fact };
        apply(self.execution, &event).expect("a step decides only on what the state allows");
        self.events.push(event);
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        let mut scope = Scope::new(self.execution, self.turn.environment);
        scope.before = self.opening;
        scope
    }

    pub(super) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.execution.plan)
    }

    pub(super) fn id(&self) -> ExecutionId {
        self.execution.id
    }

    /// Returns a run that is known to be there.
    pub(super) fn at(&self, number: RunNumber) -> &Run {
        self.execution.run(number).expect("runs are never removed")
    }

    pub(super) fn planned<'p>(&self, plan: &'p Plan, number: RunNumber) -> &'p PlannedTask {
        plan.task(self.at(number).task).expect("apply refuses a run of a task that the plan does not have")
    }
}
