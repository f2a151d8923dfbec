//! SWITCH takes the way that a value names.

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::engine::plan::{PlannedTask, TaskIndex};
use crate::words::{Map, Payload};
use crate::workflow::expressions::java_text;

/// Where a SWITCH leads.
pub(in crate::engine) enum Choice {
    /// This way.
    Taken {
        /// The value, as text.
        value: String,
        /// The first task of the way; none where it is empty.
        first: Option<TaskIndex>,
    },
    /// It cannot be said.
    Impossible {
        /// Why.
        reason: String,
    },
}

impl Choice {
    /// Returns the input with what Conductor notes in it.
    pub(in crate::engine) fn noted(&self, mut input: Map) -> Map {
        if let Self::Taken { value, first } = self {
            input.insert("case".to_owned(), Value::String(value.clone()));
            if first.is_some() {
                input.insert("hasChildren".to_owned(), Value::String("true".to_owned()));
            }
        }
        input
    }
}

/// Chooses the way.
pub(in crate::engine) fn choose(
    planned: &PlannedTask,
    cases: &IndexMap<String, Option<TaskIndex>>,
    otherwise: Option<TaskIndex>,
    input: &Map,
) -> Choice {
    let evaluator = planned.task.evaluator_type.as_deref().unwrap_or("value-param");
    if evaluator != "value-param" {
        let reason = format!("evaluatorType `{evaluator}` is not known here: use `value-param`");
        return Choice::Impossible { reason };
    }
    let parameter = planned.task.expression.as_deref().unwrap_or_default();
    let value = java_text(input.get(parameter).unwrap_or(&Value::Null));
    let first = cases.get(&value).copied().unwrap_or(otherwise);
    Choice::Taken { value, first }
}

/// Returns what it gives.
pub(in crate::engine) fn output(value: &str) -> Payload {
    Payload::new(json!({"evaluationResult": [value], "selectedCase": value}))
}
