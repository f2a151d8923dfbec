//! JSON_JQ_TRANSFORM gives what a jq filter makes of its input: the first output, and all of them.

use serde_json::{Value, json};

use crate::engine::plan::PlannedTask;
use crate::engine::script::{Language, Script, Verdict};
use crate::engine::step::Step;
use crate::words::{Payload, RunNumber, TaskStatus};

pub(in crate::engine) fn execute(step: &mut Step<'_>, run: RunNumber) {
    let input = step.at(run).input.clone();
    match input.expose().get("queryExpression").and_then(Value::as_str) {
        Some(filter) => step.ask(run, Script::stored(Language::Jq, filter)),
        None => fail(step, run, "`queryExpression` must be a text: a jq filter".to_owned()),
    }
}

pub(in crate::engine) fn answered(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber, verdict: Verdict) {
    match verdict {
        Verdict::Gave(outputs) => {
            let first = outputs.expose().get(0).cloned().unwrap_or_default();
            step.complete_computed(planned, run, json!({"result": first, "resultList": outputs.expose()}));
        }
        Verdict::Failed(reason) => fail(step, run, reason),
    }
}

fn fail(step: &mut Step<'_>, run: RunNumber, reason: String) {
    let output = Payload::new(json!({"error": reason}));
    step.fail_run_with(run, TaskStatus::Failed, reason, Some(output));
    step.follow(run);
    step.fail_loop_of(run);
}
