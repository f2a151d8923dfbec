//! LAMBDA, INLINE's elder: its script is the body of a function.

use serde_json::{Value, json};

use super::inline::empty;
use crate::engine::plan::PlannedTask;
use crate::engine::script::{Language, Script, Verdict};
use crate::engine::step::Step;
use crate::words::{Payload, RunNumber, TaskStatus};

pub(in crate::engine) fn execute(step: &mut Step<'_>, run: RunNumber) {
    let input = step.at(run).input.clone();
    let body = input.expose().get("scriptExpression").and_then(Value::as_str).unwrap_or_default();
    if body.is_empty() {
        step.fail_run(run, TaskStatus::Failed, empty("scriptExpression", "Lambda"));
        return step.follow(run);
    }
    let script = format!("function scriptFun(){{{body}}} scriptFun();");
    step.ask(run, Script::stored(Language::JavaScript, &script));
}

pub(in crate::engine) fn answered(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber, verdict: Verdict) {
    match verdict {
        Verdict::Gave(value) => step.complete_computed(planned, run, json!({"result": value.expose()})),
        Verdict::Failed(reason) => {
            let output = Payload::new(json!({"error": reason}));
            step.fail_run_with(run, TaskStatus::Failed, reason, Some(output));
            step.follow(run);
        }
    }
}
