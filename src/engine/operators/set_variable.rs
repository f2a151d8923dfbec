//! SET_VARIABLE: every input becomes a variable.

use crate::engine::event::Fact;
use crate::engine::limits::{VARIABLES_BYTES, size_bytes};
use crate::engine::step::Step;
use crate::words::{Payload, RunNumber, TaskStatus};

pub(in crate::engine) fn execute(step: &mut Step<'_>, run: RunNumber) {
    let variables = step.at(run).input.clone();
    let size = size_bytes(variables.expose()) + size_bytes(step.execution.variables.expose());
    if size > VARIABLES_BYTES {
        let reason = format!("the variables are over the limit of {VARIABLES_BYTES} bytes");
        step.fail_run(run, TaskStatus::FailedWithTerminalError, reason);
    } else {
        if variables.expose().as_object().is_some_and(|variables| !variables.is_empty()) {
            step.emit(Fact::VariablesSet { variables });
        }
        step.complete_run(run, Some(Payload::empty()));
    }
    step.follow(run);
}
