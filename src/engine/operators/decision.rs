//! DECISION, SWITCH's elder: a value or a script decides, and an empty case is as good as none.

use serde_json::{Value, json};

use super::switch::Choice;
use crate::engine::plan::{PlannedTask, Ways};
use crate::engine::script::{Language, Script, Verdict};
use crate::engine::step::Step;
use crate::words::{Map, Payload, RunNumber};
use crate::workflow::expressions::java_text;

/// Chooses the way; none where a script must say it.
pub(in crate::engine) fn choose(planned: &PlannedTask, input: &Map) -> Option<Choice> {
    if script(planned).is_some() {
        return None;
    }
    let value = planned.task.case_value_param.as_deref().and_then(|name| input.get(name));
    Some(taken(planned, java_text(value.unwrap_or(&Value::Null))))
}

fn script(planned: &PlannedTask) -> Option<&str> {
    planned.task.case_expression.as_deref().filter(|script| !script.trim().is_empty())
}

fn taken(planned: &PlannedTask, value: String) -> Choice {
    let first = match &planned.ways {
        Ways::Switch { cases, otherwise } => cases.get(&value).copied().flatten().or(*otherwise),
        Ways::None | Ways::Fork(_) | Ways::Join { .. } | Ways::Loop(_) => None,
    };
    Choice::Taken { value, first }
}

/// Has the script say which way to take. It sees the input, which the task does not show.
pub(in crate::engine) fn ask(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber, input: Map) {
    let source = script(planned).unwrap_or_default();
    step.ask(run, Script::literal(Language::JavaScript, source).over(Payload::new(Value::Object(input))));
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
    Payload::new(json!({"caseOutput": [value]}))
}
