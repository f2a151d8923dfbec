//! EVENT tells an event to whoever handles it.

use serde_json::{Value, json};

use crate::engine::execution::{Execution, Run};
use crate::engine::family::Refusal;
use crate::engine::plan::PlannedTask;
use crate::words::Map;
use crate::workflow::expressions::{inert, shown};

/// The only sink that there is: our own handlers.
const SINK: &str = "conductor";

/// Shows in the input where the event goes and whether somebody else completes the task.
pub(in crate::engine) fn note_input(planned: &PlannedTask, sink: Value, input: &mut Map) {
    input.insert("sink".to_owned(), sink);
    input.insert("asyncComplete".to_owned(), Value::Bool(planned.task.async_complete));
}

/// Returns where the event goes, as the task says it.
pub(in crate::engine) fn sink(run: &Run) -> &str {
    run.input.expose().get("sink").and_then(Value::as_str).unwrap_or_default()
}

/// Returns the event's name.
pub(in crate::engine) fn name(execution: &Execution, run: &Run) -> Result<String, Refusal> {
    let workflow = execution.name();
    let sink = sink(run);
    if sink.is_empty() {
        return Err(Refusal::passing("No sink specified in task"));
    }
    if sink == SINK {
        return Ok(format!("{SINK}:{workflow}:{}", execution.planned(run).task.task_reference_name));
    }
    match sink.strip_prefix("conductor:") {
        Some(event) => Ok(format!("{SINK}:{workflow}:{event}")),
        None => Err(Refusal::passing(format!(
            "Invalid / Unsupported sink specified: {sink}; use `conductor` or `conductor:NAME`"
        ))),
    }
}

/// Returns what the event says, which is what the task gives. References to secrets are only shown in it.
pub(in crate::engine) fn payload(execution: &Execution, run: &Run, event: &str) -> Map {
    let mut payload = match inert(shown(run.input.expose()).into_owned()) {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    let def = &execution.plan.pinned.workflow;
    let facts = [
        ("workflowInstanceId", json!(execution.id.to_string())),
        ("workflowType", json!(def.name)),
        ("workflowVersion", json!(def.version)),
        ("correlationId", json!(execution.correlation_id)),
        ("taskToDomain", json!(execution.task_to_domain)),
        ("event_produced", json!(event)),
    ];
    // Callers said some of it.
    payload.extend(facts.map(|(name, value)| (name.to_owned(), inert(value))));
    payload
}
