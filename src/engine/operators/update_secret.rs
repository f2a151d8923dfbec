//! The pure part of UPDATE_SECRET: which secrets a task writes, and which values are secret because of it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::engine::lookup::below;
use crate::engine::step::Step;
use crate::words::{Map, RunNumber};
use crate::workflow::expressions::{self, java_text};

/// Returns the names of the secrets that the value a run fetches may be stored in, quoted.
pub(in crate::engine) fn written(step: &Step<'_>, run: RunNumber) -> Vec<String> {
    let plan = step.plan();
    let mut names = BTreeSet::new();
    for store in &step.planned(&plan, run).stored_by {
        let Some(secrets) = plan.task(*store).and_then(|store| store.task.input_parameters.get("_secrets")) else {
            continue;
        };
        let pairs = secrets.as_array().map_or(std::slice::from_ref(secrets), Vec::as_slice);
        for key in pairs.iter().filter_map(|pair| pair.get("secretKey")) {
            let name = step.scope().resolve(key).unwrap_or_default();
            names.extend(name.as_str().filter(|name| !name.is_empty()).map(|name| format!("\"{name}\"")));
        }
    }
    names.into_iter().collect()
}

/// Returns whether what is to be stored, or its name, has a reference in it that leads to nothing or stays a reference. It
/// is judged on the evaluation: a fetched value may look like an expression and be none.
pub(in crate::engine) fn is_unresolved(input: &Map, resolve: impl Fn(&str) -> Value) -> bool {
    let Some(secrets) = input.get("_secrets") else { return false };
    let pairs = secrets.as_array().map_or(std::slice::from_ref(secrets), Vec::as_slice);
    let parts = pairs.iter().flat_map(|pair| [pair.get("secretKey"), pair.get("secretValue")]).flatten();
    parts.into_iter().any(|part| leads_to_nothing(part, &resolve))
}

fn leads_to_nothing(template: &Value, resolve: &impl Fn(&str) -> Value) -> bool {
    match template {
        Value::String(text) => {
            let references = expressions::parse(text);
            // An escaped one stays an expression, which nobody means to store.
            text.contains("$${") || references.iter().any(|reference| resolve(&text[reference.range.clone()]).is_null())
        }
        Value::Array(items) => items.iter().any(|item| leads_to_nothing(item, resolve)),
        Value::Object(fields) => fields.values().any(|field| leads_to_nothing(field, resolve)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Collects the values below the named paths and below every `_secrets` of an output.
pub(in crate::engine) fn leaves(paths: &[String], output: &Value, values: &mut Vec<String>) {
    for path in paths {
        texts(&below(output, path), values);
    }
    under_secrets(output, values);
}

fn under_secrets(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if key == "_secrets" { texts(value, values) } else { under_secrets(value, values) }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| under_secrets(item, values)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn texts(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::String(text) => values.push(text.clone()),
        Value::Number(_) => values.push(java_text(value)),
        Value::Array(items) => items.iter().for_each(|item| texts(item, values)),
        Value::Object(map) => map.values().for_each(|value| texts(value, values)),
        Value::Null | Value::Bool(_) => {}
    }
}
