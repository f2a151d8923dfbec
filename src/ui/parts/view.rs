//! What pages read out of Conductor's JSON, which is masked already.

use std::time::Duration;

use serde_json::Value;

use crate::words::Timestamp;

/// Returns a text, or nothing.
pub(in crate::ui) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

/// Returns a moment: milliseconds, where 0 is none, or a text as summaries have it.
pub(in crate::ui) fn moment(value: &Value, field: &str) -> Option<Timestamp> {
    match &value[field] {
        Value::Number(millis) => millis.as_i64().filter(|millis| *millis != 0).map(Timestamp::from_millis),
        Value::String(text) => Timestamp::parse(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns how long something took, or takes until now.
pub(in crate::ui) fn took(value: &Value, start: &str, end: &str, now: Timestamp) -> Option<Duration> {
    let started = moment(value, start)?;
    Some(moment(value, end).unwrap_or(now).since(started))
}

/// Returns the reference that a run has in the definition: iterations of a loop share it.
pub(in crate::ui) fn reference(task: &Value) -> &str {
    let planned = text(&task["workflowTask"], "taskReferenceName");
    if planned.is_empty() { text(task, "referenceTaskName") } else { planned }
}

/// Returns the tasks of an execution.
pub(in crate::ui) fn tasks(workflow: &Value) -> &[Value] {
    workflow["tasks"].as_array().map_or(&[], Vec::as_slice)
}

/// Returns a task of a definition, at any depth.
pub(in crate::ui) fn planned<'v>(definition: &'v Value, reference: &str) -> Option<&'v Value> {
    match definition {
        Value::Object(fields) if text(definition, "taskReferenceName") == reference && !fields.is_empty() => {
            Some(definition)
        }
        Value::Object(fields) => fields.values().find_map(|field| planned(field, reference)),
        Value::Array(items) => items.iter().find_map(|item| planned(item, reference)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
