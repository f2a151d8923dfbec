//! INLINE gives what a script makes of its input.

use serde_json::{Value, json};

use crate::engine::plan::PlannedTask;
use crate::engine::script::{Language, Script, Verdict};
use crate::engine::step::Step;
use crate::words::{Payload, RunNumber, TaskStatus};

pub(in crate::engine) fn execute(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber) {
    let input = step.at(run).input.clone();
    let input = input.expose();
    let evaluator = input.get("evaluatorType").map_or(Some("javascript"), Value::as_str).unwrap_or_default();
    let expression = input.get("expression").and_then(Value::as_str).unwrap_or_default();
    match (evaluator, expression) {
        ("", _) => fail(step, run, empty("evaluatorType", "INLINE")),
        ("javascript" | "graaljs" | "value-param", "") => fail(step, run, empty("expression", "Inline")),
        ("javascript" | "graaljs", script) => step.ask(run, Script::stored(Language::JavaScript, script)),
        ("value-param", name) => {
            let value = input.get(name).cloned().unwrap_or_default();
            step.complete_computed(planned, run, json!({"result": value}));
        }
        (other, _) => {
            let reason = format!("Unknown evaluator '{other}' in INLINE task.");
            fail(step, run, reason);
        }
    }
}

/// Ends with what the script gave. A script that fails would fail again.
pub(in crate::engine) fn answered(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber, verdict: Verdict) {
    match verdict {
        Verdict::Gave(value) => step.complete_computed(planned, run, json!({"result": value.expose()})),
        Verdict::Failed(reason) => fail(step, run, reason),
    }
}

fn fail(step: &mut Step<'_>, run: RunNumber, reason: String) {
    let output = Payload::new(json!({"error": reason}));
    step.fail_run_with(run, TaskStatus::FailedWithTerminalError, reason, Some(output));
    step.follow(run);
}

/// Conductor's words.
pub(super) fn empty(field: &str, task_type: &str) -> String {
    format!("Empty '{field}' in {task_type} task's input parameters. A non-empty String value must be provided.")
}
