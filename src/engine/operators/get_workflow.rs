//! GET_WORKFLOW reads another execution.

use serde_json::Value;

use crate::engine::family::Refusal;
use crate::words::ExecutionId;

/// Returns which execution a task reads, and whether with its tasks.
pub(in crate::engine) fn read(input: &Value) -> Result<(ExecutionId, bool), Refusal> {
    let id = input.get("id").or_else(|| input.get("workflowId")).and_then(Value::as_str).unwrap_or_default();
    let with_tasks = match input.get("includeTasks") {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true",
        Some(_) | None => false,
    };
    let missing = |_| Refusal::lasting(format!("No such workflow found by id: {id}"));
    Ok((id.parse().map_err(missing)?, with_tasks))
}
