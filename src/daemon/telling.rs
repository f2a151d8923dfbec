//! Events on their way to whoever handles them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::catalog::Owned;
use crate::daemon::auditing;
use crate::daemon::batch::Batch;
use crate::daemon::conditions::event_of;
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::family::{Failed, Scene};
use crate::daemon::library::{Asking, Thing};
use crate::engine::{
    Execution, Input, Operation, Order, Origin, Refusal, Start, Target, Wanted, WorkerUpdate, chain_after,
};
use crate::journal::{Action as Done, Log};
use crate::words::{ExecutionId, Map, Payload, Permission, RunNumber, TaskId, TaskStatus, Timestamp};
use crate::workflow::definition::{Action, EventHandler, StartAction, TaskAction};
use crate::workflow::expressions::{DocumentLookup, resolve, shown};

/// An event, and who has not heard it yet.
///
/// What a handler could not do is tried once more when the flow has come to rest: on Conductor it acts a moment later, so a
/// task behind a script is there by then. And what the journal cannot say now waits for it.
pub(super) struct Untold {
    source: Arc<Execution>,
    run: RunNumber,
    event: String,
    payload: Map,
    /// The handlers, by the places of their actions.
    actions: Vec<(Arc<Owned<EventHandler>>, usize)>,
}

impl Untold {
    pub(super) fn of(
        source: Arc<Execution>,
        run: RunNumber,
        event: String,
        payload: Map,
        handlers: &[Arc<Owned<EventHandler>>],
    ) -> Self {
        let places = |handler: &Arc<Owned<EventHandler>>| {
            let handler = Arc::clone(handler);
            (0..handler.def.actions.len()).map(move |position| (Arc::clone(&handler), position))
        };
        Self { source, run, event, payload, actions: handlers.iter().flat_map(places).collect() }
    }
}

impl Dispatcher {
    /// Tells an event to those who act on it. What one of them cannot do keeps nobody else from it.
    pub(super) fn hear(&mut self, mut untold: Untold, scene: &mut Scene<'_>) {
        let message = run_id(&untold.source, untold.run);
        let goes_on = self.is_at_a_script(&untold.source);
        let actions = std::mem::take(&mut untold.actions);
        for (handler, position) in actions {
            let (source, event) = (&untold.source, untold.event.as_str());
            let telling = Telling { source, run: untold.run, event, message: &message, handler: &handler, position };
            let Some(action) = handler.def.actions.get(position) else { continue };
            match self.act(&telling, action, &untold.payload, scene) {
                Ok(()) => {}
                Err(Failed::Now(refused)) => {
                    tracing::warn!(event, %refused, "who hears an event waits for the journal");
                    untold.actions.push((handler, position));
                }
                Err(Failed::Refused(_)) if goes_on => untold.actions.push((handler, position)),
                Err(Failed::Refused(refusal)) => {
                    let name = &handler.def.name;
                    tracing::error!(handler = name, event, reason = refusal.reason, "an event could not be handled");
                }
            }
        }
        if !untold.actions.is_empty() {
            self.untold.push(untold);
        }
    }

    /// Tells once more what could not be heard before, where the flow has come to rest.
    pub(super) fn hear_again(&mut self, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        if self.untold.is_empty() {
            return;
        }
        for untold in std::mem::take(&mut self.untold) {
            if self.is_at_a_script(&untold.source) {
                self.untold.push(untold);
            } else {
                self.hear(untold, &mut Scene { now, log, batch: &mut *batch });
            }
        }
        self.serve_needs(now, log, batch);
    }

    /// Returns whether an event waits for the journal to be heard.
    pub(super) fn has_untold(&self) -> bool {
        self.untold.iter().any(|untold| !self.is_at_a_script(&untold.source))
    }

    fn is_at_a_script(&self, execution: &Execution) -> bool {
        self.read(execution.id).is_some_and(|execution| execution.is_live() && execution.awaits_script())
    }

    fn act(
        &mut self,
        telling: &Telling<'_>,
        action: &Action,
        payload: &Map,
        scene: &mut Scene<'_>,
    ) -> Result<(), Failed> {
        let payload = event_of(payload, action.expand_inline_json);
        let asking = Asking { owner: &telling.handler.owner, workflow: None };
        match action.action.as_str() {
            "start_workflow" => match &action.start_workflow {
                Some(start) => self.start_by_event(telling, start, &payload, asking, scene),
                None => Ok(()),
            },
            "complete_task" => match &action.complete_task {
                Some(task) => self.end_task(telling, task, TaskStatus::Completed, &payload, asking, scene),
                None => Ok(()),
            },
            "fail_task" => match &action.fail_task {
                Some(task) => self.end_task(telling, task, TaskStatus::Failed, &payload, asking, scene),
                None => Ok(()),
            },
            "terminate_workflow" => {
                let Some(action) = &action.terminate_workflow else { return Ok(()) };
                let reason = text(action.termination_reason.as_deref(), &payload)?;
                let operation = Operation::Terminate { reason };
                self.operate_by_event(action.workflow_id.as_deref(), operation, &payload, asking, scene)
            }
            _ => {
                let Some(action) = &action.update_workflow_variables else { return Ok(()) };
                let variables = filled(&action.variables, &payload)?;
                let append = action.append_array.unwrap_or(false);
                let target = text(action.workflow_id.as_deref(), &payload)?;
                let variables = self.appended(target.as_deref(), variables, append, scene)?;
                let operation = Operation::SetVariables { variables };
                self.operate_by_event(action.workflow_id.as_deref(), operation, &payload, asking, scene)
            }
        }
    }

    fn start_by_event(
        &mut self,
        telling: &Telling<'_>,
        action: &StartAction,
        payload: &Value,
        asking: Asking<'_>,
        scene: &mut Scene<'_>,
    ) -> Result<(), Failed> {
        let mut input = filled(&action.input, payload)?;
        telling.sign(&mut input);
        let wanted = Wanted::Named { name: action.name.clone(), version: action.version };
        let purpose = format!("event {} {}", telling.handler.def.name, telling.position);
        let source = telling.source;
        let origin = Origin {
            chain: Some(chain_after(source, scene.now)?),
            event: Some(telling.event.to_owned()),
            masks: source.masks.to_vec(),
            ..Origin::default()
        };
        let start = Start {
            execution: source.id.of_started(telling.run, &purpose),
            input,
            correlation_id: text(action.correlation_id.as_deref(), payload)?,
            priority: 0,
            started_by: format!("event:{}", telling.handler.def.name),
            slot: None,
            task_to_domain: action.task_to_domain.clone(),
            timeout: None,
            origin,
        };
        self.start_ordered(asking, None, Order { wanted, start }, scene).map(drop)
    }

    fn end_task(
        &mut self,
        telling: &Telling<'_>,
        action: &TaskAction,
        status: TaskStatus,
        payload: &Value,
        asking: Asking<'_>,
        scene: &mut Scene<'_>,
    ) -> Result<(), Failed> {
        let missing = |what: &str| Failed::Refused(Refusal::lasting(format!("No task found: {what}")));
        let part = |value: &Option<String>| text(value.as_deref(), payload);
        let (workflow, reference, task) =
            (part(&action.workflow_id)?, part(&action.task_ref_name)?, part(&action.task_id)?);
        let mut output = filled(&action.output, payload)?;
        for (name, value) in [("workflowId", &workflow), ("taskRefName", &reference), ("taskId", &task)] {
            output.insert(name.to_owned(), json!(value));
        }
        telling.sign(&mut output);
        let target = match (task, workflow, reference) {
            (Some(task), _, _) => Target::Task(task.parse().map_err(|_| missing(&task))?),
            (None, Some(workflow), Some(reference)) => {
                Target::Reference { execution: workflow.parse().map_err(|_| missing(&workflow))?, reference }
            }
            (None, _, _) => return Err(missing("it needs taskId, or workflowId and taskRefName")),
        };
        let output = Payload::new(Value::Object(output));
        let update = WorkerUpdate { status, output, reason: None, callback_after_seconds: 0, worker_id: None };
        self.report(asking, target, update, false, scene)
    }

    fn operate_by_event(
        &mut self,
        target: Option<&str>,
        operation: Operation,
        payload: &Value,
        asking: Asking<'_>,
        scene: &mut Scene<'_>,
    ) -> Result<(), Failed> {
        let target = text(target, payload)?.unwrap_or_default();
        let missing = || Failed::Refused(Refusal::passing(format!("No such workflow found by id: {target}")));
        let id: ExecutionId = target.parse().map_err(|_| missing())?;
        let found = self.peek(id, scene)?.ok_or_else(missing)?;
        if !self.library.allows(asking, Permission::Execute, Thing::Workflow, found.name()) {
            return Err(missing());
        }
        let action = match operation {
            Operation::Terminate { .. } => Done::Terminate,
            _ => Done::Execute,
        };
        let told = auditing::reported(asking, id, action, "an event", scene.now);
        self.report_on(told, Input::Operation(operation), scene)
    }

    /// Returns variables with lists added to those that are there.
    fn appended(
        &self,
        target: Option<&str>,
        mut variables: Map,
        append: bool,
        scene: &Scene<'_>,
    ) -> Result<Map, Failed> {
        let Some(id) = target.filter(|_| append).and_then(|target| target.parse().ok()) else { return Ok(variables) };
        let Some(found) = self.peek(id, scene)? else { return Ok(variables) };
        for (name, value) in &mut variables {
            let before = found.variables.expose().get(name).map(|before| shown(before).into_owned());
            if let (Value::Array(items), Some(Value::Array(mut all))) = (&mut *value, before) {
                all.append(items);
                *value = Value::Array(all);
            }
        }
        Ok(variables)
    }
}

/// An event on its way to one action of one handler.
struct Telling<'a> {
    source: &'a Execution,
    run: RunNumber,
    event: &'a str,
    message: &'a str,
    handler: &'a Owned<EventHandler>,
    position: usize,
}

impl Telling<'_> {
    /// Says in what an action gives which event it comes from, as Conductor does.
    fn sign(&self, fields: &mut Map) {
        fields.insert("conductor.event.messageId".to_owned(), json!(self.message));
        fields.insert("conductor.event.name".to_owned(), json!(self.event));
    }
}

fn run_id(execution: &Execution, run: RunNumber) -> String {
    TaskId::of(execution.id, run).to_string()
}

/// Resolves what an action says over the event, which is data: what people see of it.
fn filled(template: &Map, payload: &Value) -> Result<Map, Refusal> {
    Ok(match over(&Value::Object(template.clone()), payload)? {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    })
}

fn text(template: Option<&str>, payload: &Value) -> Result<Option<String>, Refusal> {
    let Some(template) = template else { return Ok(None) };
    Ok(match over(&json!(template), payload)? {
        Value::Null => None,
        Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    })
}

fn over(template: &Value, payload: &Value) -> Result<Value, Refusal> {
    let payload = shown(payload);
    let resolved = resolve(template, &DocumentLookup(&payload));
    let resolved = resolved.map_err(|hit| Refusal::lasting(format!("the event's action: {hit}")))?;
    Ok(shown(&resolved).into_owned())
}
