//! HUMAN waits until somebody says how it ended.

use crate::engine::step::Step;
use crate::words::RunNumber;

/// Begins to wait.
pub(in crate::engine) fn execute(step: &mut Step<'_>, run: RunNumber) {
    step.start_run(run, None);
}
