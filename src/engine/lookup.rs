//! What expressions see of an execution.
//!
//! **Architecture Invariant:** what somebody else than the definition said is text here, whatever it looks like: how a caller
//! calls an execution, what a worker says of itself, what the environment holds.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::engine::execution::{Execution, Run};
use crate::engine::view;
use crate::words::{Map, RunNumber, Timestamp, WorkflowStatus};
use crate::workflow::expressions::{LimitHit, Lookup, inert, parse, resolve, resolve_text};
use crate::workflow::fields::{TASK_FIELDS, WORKFLOW_FIELDS};

/// An execution as expressions see it.
pub(super) struct Scope<'a> {
    execution: &'a Execution,
    /// What `${workflow.env.NAME}` gives.
    environment: &'a Map,
    /// The id of the task that is planned.
    pub(super) task_id: Option<String>,
    /// Only what began before this run is there.
    pub(super) before: Option<RunNumber>,
    /// A run seen as if it had ended with this output.
    pub(super) finished: Option<(RunNumber, &'a Value)>,
    /// How the execution is about to end.
    pub(super) ending: Option<WorkflowStatus>,
}

impl<'a> Scope<'a> {
    /// Returns an execution as its expressions see it.
    pub(super) const fn new(execution: &'a Execution, environment: &'a Map) -> Self {
        Self { execution, environment, task_id: None, before: None, finished: None, ending: None }
    }

    /// Resolves a template to its stored form.
    pub(super) fn resolve(&self, template: &Value) -> Result<Value, LimitHit> {
        resolve(template, self)
    }

    /// Returns the paths of a template that lead to nothing; one that hits a limit is not among them.
    pub(super) fn missing(&self, template: &Value) -> Vec<String> {
        match template {
            Value::String(text) => {
                let references = parse(text).into_iter();
                let missing = references
                    .filter(|found| resolve_text(&text[found.range.clone()], self).is_ok_and(|value| value.is_null()));
                missing.map(|found| text[found.path].to_owned()).collect()
            }
            Value::Array(items) => items.iter().flat_map(|item| self.missing(item)).collect(),
            Value::Object(map) => map.values().flat_map(|value| self.missing(value)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
        }
    }

    fn workflow(&self, field: &str) -> Option<Cow<'_, Value>> {
        let execution = self.execution;
        let def = &execution.plan.pinned.workflow;
        Some(match field {
            "input" => Cow::Borrowed(execution.input.expose()),
            "output" => Cow::Borrowed(execution.output.expose()),
            "variables" => Cow::Borrowed(execution.variables.expose()),
            "env" => Cow::Owned(inert(Value::Object(self.environment.clone()))),
            "status" => Cow::Owned(json!(self.ending.unwrap_or(execution.status).as_str())),
            "workflowId" => Cow::Owned(json!(execution.id.to_string())),
            "workflowType" => Cow::Owned(inert(json!(def.name))),
            "version" => Cow::Owned(json!(def.version)),
            "correlationId" => Cow::Owned(inert(json!(execution.correlation_id))),
            "reasonForIncompletion" => Cow::Owned(inert(json!(execution.reason))),
            "schemaVersion" => Cow::Owned(json!(def.schema_version)),
            "parentWorkflowId" => {
                Cow::Owned(json!(execution.parent.as_ref().map(|parent| parent.execution.to_string())))
            }
            "parentWorkflowTaskId" => {
                Cow::Owned(json!(execution.parent.as_ref().map(|parent| parent.task_id().to_string())))
            }
            _ => return None,
        })
    }

    fn task(&self, run: &'a Run, field: &str) -> Option<Cow<'_, Value>> {
        let execution = self.execution;
        let planned = execution.planned(run);
        let millis = |moment: Option<Timestamp>| json!(moment.map_or(0, Timestamp::as_millis));
        Some(Cow::Owned(match field {
            "input" => {
                return Some(match execution.input(run) {
                    Cow::Borrowed(input) => Cow::Borrowed(input.expose()),
                    Cow::Owned(input) => Cow::Owned(input.into_value()),
                });
            }
            "output" => match self.finished {
                Some((number, output)) if number == run.number => return Some(Cow::Borrowed(output)),
                Some(_) | None => return Some(execution.output(run)),
            },
            "taskType" => inert(json!(view::shown_type(run, planned))),
            "status" => json!(view::status(execution, run).as_str()),
            "referenceTaskName" => inert(json!(execution.reference(run))),
            "retryCount" => json!(run.attempt),
            "correlationId" => inert(json!(execution.correlation_id)),
            "pollCount" => json!(run.poll_count),
            "taskDefName" => inert(json!(view::shown_name(run, planned))),
            "scheduledTime" => millis(Some(run.scheduled)),
            "startTime" => millis(run.started),
            "endTime" => millis(run.ended),
            "workflowInstanceId" => json!(execution.id.to_string()),
            "taskId" => json!(run.id(execution.id).to_string()),
            "reasonForIncompletion" => inert(json!(run.reason)),
            "callbackAfterSeconds" => json!(run.callback_after_seconds),
            "workerId" => inert(json!(run.worker_id)),
            "iteration" => json!(execution.shown_iteration(run)),
            _ => return None,
        }))
    }

    /// Returns the latest run of a task that is there for the one who looks.
    fn run(&self, reference: &str) -> Option<&'a Run> {
        let execution = self.execution;
        let latest = execution.latest_by_reference(reference)?;
        let Some(before) = self.before.filter(|before| latest.number >= *before) else { return Some(latest) };
        // In a loop there may be one of the iteration before.
        let slot = execution.planned(latest).slot;
        let earlier = execution.runs.iter().rev().skip_while(|run| run.number >= before);
        earlier.into_iter().find(|run| !run.gone && execution.planned(run).slot == slot)
    }

    fn whole(&self, head: &str, fields: &[&str]) -> Value {
        let field = |name: &&str| Some(((*name).to_owned(), self.part(head, name)?.into_owned()));
        Value::Object(fields.iter().filter_map(field).collect())
    }
}

impl Lookup for Scope<'_> {
    fn part(&self, head: &str, field: &str) -> Option<Cow<'_, Value>> {
        if head == "workflow" {
            return self.workflow(field);
        }
        self.task(self.run(head)?, field)
    }

    fn leaf(&self, head: &str, field: &str, name: &str) -> Option<Value> {
        let run = self.run(head).filter(|_| field == "output")?;
        self.execution.loop_field(run, name)
    }

    fn head(&self, head: &str) -> Option<Cow<'_, Value>> {
        match head {
            "workflow" => Some(Cow::Owned(self.whole(head, &WORKFLOW_FIELDS))),
            "CPEWF_TASK_ID" => self.task_id.clone().map(|id| Cow::Owned(Value::String(id))),
            _ => self.run(head).map(|_| Cow::Owned(self.whole(head, &TASK_FIELDS))),
        }
    }

    fn document(&self) -> Cow<'_, Value> {
        let mut document = Map::new();
        document.insert("workflow".to_owned(), self.whole("workflow", &WORKFLOW_FIELDS));
        for run in self.execution.index.latest.iter().flatten().filter_map(|number| self.execution.run(*number)) {
            let reference = &self.execution.planned(run).task.task_reference_name;
            if self.run(reference).is_none() {
                continue;
            }
            document.insert(reference.clone(), self.whole(reference, &TASK_FIELDS));
        }
        Cow::Owned(Value::Object(document))
    }
}

/// An output alone, to read paths in.
struct Output<'a>(&'a Value);

impl Lookup for Output<'_> {
    fn part(&self, head: &str, field: &str) -> Option<Cow<'_, Value>> {
        (head == "output").then(|| self.0.get(field).map(Cow::Borrowed))?
    }

    fn head(&self, head: &str) -> Option<Cow<'_, Value>> {
        (head == "output").then_some(Cow::Borrowed(self.0))
    }

    fn document(&self) -> Cow<'_, Value> {
        Cow::Owned(json!({"output": self.0}))
    }
}

/// Returns what is at a path below an output; the whole where the path is empty, and where it hits a limit: what is read this
/// way is to be hidden, and too much of it is better than nothing.
pub(super) fn below(output: &Value, path: &str) -> Value {
    let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
    resolve_text(&format!("${{output{dot}{path}}}"), &Output(output)).unwrap_or_else(|_| output.clone())
}
