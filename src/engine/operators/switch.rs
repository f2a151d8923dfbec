//! SWITCH takes the way that a value names.

use serde_json::{Value, json};

use crate::engine::plan::{PlannedTask, TaskIndex, Ways};
use crate::engine::script::{Language, Script, Verdict};
use crate::engine::step::Step;
use crate::words::{Map, Payload, RunNumber};
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
    /// Returns what Conductor notes in the input.
    pub(in crate::engine) fn noted(&self) -> Map {
        let mut noted = Map::new();
        if let Self::Taken { value, first } = self {
            noted.insert("case".to_owned(), Value::String(value.clone()));
            if first.is_some() {
                noted.insert("hasChildren".to_owned(), Value::String("true".to_owned()));
            }
        }
        noted
    }
}

/// Chooses the way; none where a script must say it.
pub(in crate::engine) fn choose(planned: &PlannedTask, input: &Map) -> Option<Choice> {
    match evaluator(planned) {
        "value-param" => {
            let parameter = planned.task.expression.as_deref().unwrap_or_default();
            Some(taken(planned, java_text(input.get(parameter).unwrap_or(&Value::Null))))
        }
        "javascript" | "graaljs" => None,
        other => {
            let reason = format!("No evaluator registered for type: {other}; use value-param, javascript or graaljs");
            Some(Choice::Impossible { reason })
        }
    }
}

fn evaluator(planned: &PlannedTask) -> &str {
    planned.task.evaluator_type.as_deref().unwrap_or("value-param")
}

fn taken(planned: &PlannedTask, value: String) -> Choice {
    let first = match &planned.ways {
        Ways::Switch { cases, otherwise } => cases.get(&value).copied().unwrap_or(*otherwise),
        Ways::None | Ways::Fork(_) | Ways::Join { .. } | Ways::Loop(_) => None,
    };
    Choice::Taken { value, first }
}

/// Has the script say which way to take.
pub(in crate::engine) fn ask(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber) {
    let source = planned.task.expression.as_deref().unwrap_or_default();
    step.ask(run, Script::literal(Language::JavaScript, source));
}

/// Takes the way that the script says.
pub(in crate::engine) fn answered(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber, verdict: Verdict) {
    let choice = match verdict {
        Verdict::Gave(value) => taken(planned, java_text(value.expose())),
        Verdict::Failed(reason) => Choice::Impossible { reason },
    };
    step.take(planned, run, choice);
}

/// Returns what it gives.
pub(in crate::engine) fn output(value: &str) -> Payload {
    Payload::new(json!({"evaluationResult": [value], "selectedCase": value}))
}
