//! The engine's limits: each says so when it is hit.

use std::time::Duration;

/// How many runs an execution may have: beyond it memory and replay would grow without end.
pub(super) const RUNS_PER_EXECUTION: usize = 100_000;

/// How many branches a FORK_JOIN may have: each is at least one run, and all start in one commit.
pub(super) const FORK_WIDTH: usize = 10_000;

/// How deep sub-workflows may nest: more than anybody writes by hand, and a workflow that starts itself ends soon.
pub(super) const CHILD_DEPTH: u32 = 64;

/// How many workflows may start each other, each within [`CHAIN_PAUSE`] of its own start: a loop of them ends.
pub(super) const CHAIN_LENGTH: u32 = 100;

/// How long an execution lives before what it starts counts as a new chain: who calls or waits for anything takes longer.
pub(super) const CHAIN_PAUSE: Duration = Duration::from_millis(100);

/// How large an input or an output may be: Conductor's hard limit.
pub(super) const PAYLOAD_BYTES: usize = 10 * 1024 * 1024;

/// How deep what comes from outside may nest: a row is read back to 128 levels, and events and JOINs have some around it.
/// What expressions make has the same limit.
const PAYLOAD_DEPTH: usize = 100;

/// How much all inputs and outputs of an execution may take together: each is journaled, and read again at a start.
pub(super) const EXECUTION_BYTES: usize = 256 * 1024 * 1024;

/// How large the variables of an execution may be together: Conductor's limit.
pub(super) const VARIABLES_BYTES: usize = 256 * 1024;

/// How much of a refused response's body goes into a reason: enough for any error message, not for a page.
pub(super) const REASON_BODY_CHARS: usize = 4096;

/// The first pause before a store in trouble is tried again.
pub(super) const TROUBLE_DELAY: Duration = Duration::from_secs(1);

/// The longest pause before a store in trouble is tried again: what was mended is noticed within minutes.
pub(super) const TROUBLE_DELAY_MAX: Duration = Duration::from_mins(5);

/// How often an HTTP_POLL asks at most: once a minute that is a week, and each answer is an entry of the journal.
pub(super) const POLLS_PER_RUN: u64 = 10_000;

/// How long an HTTP_POLL waits where it does not say: as on Orkes.
pub(super) const POLL_INTERVAL: Duration = Duration::from_mins(1);

/// The longest wait of an HTTP_POLL, however it grows: what is asked less than daily is a schedule's work.
pub(super) const POLL_INTERVAL_MAX: Duration = Duration::from_hours(24);

/// Returns whether a value nests deeper than what the journal can read back.
pub fn is_too_deep(value: &serde_json::Value) -> bool {
    nests_below(value, PAYLOAD_DEPTH)
}

fn nests_below(value: &serde_json::Value, levels: usize) -> bool {
    use serde_json::Value;
    let below = |item: &Value| levels == 0 || nests_below(item, levels - 1);
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(items) => items.iter().any(below),
        Value::Object(map) => map.values().any(below),
    }
}

/// Returns roughly how many bytes a value takes as JSON, without writing it.
pub(super) fn size_bytes(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| size_bytes(item) + 1).sum::<usize>(),
        Value::Object(map) => 2 + map.iter().map(|(key, value)| key.len() + 4 + size_bytes(value)).sum::<usize>(),
    }
}
