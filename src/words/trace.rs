//! How traces name an execution and its runs: the names follow from the ids, so that nobody has to remember them.

use std::fmt;

use uuid::Uuid;

use super::{ExecutionId, RunNumber, Timestamp};

/// The trace of an execution and of all below it: the id of the one at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(Uuid);

impl TraceId {
    /// Returns the trace of what is at or below this execution.
    pub const fn of(root: ExecutionId) -> Self {
        Self(root.uuid())
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// A part of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(u64);

impl SpanId {
    /// Returns the span of an execution, from a start or a retry to an end.
    pub fn of_workflow(execution: ExecutionId, since: Timestamp) -> Self {
        Self::named(execution, &format!("workflow {}", since.as_millis()))
    }

    /// Returns the span of a run.
    pub fn of_task(execution: ExecutionId, run: RunNumber) -> Self {
        Self::named(execution, &format!("task {run}"))
    }

    /// Returns the span of a run's call.
    pub fn of_call(execution: ExecutionId, run: RunNumber) -> Self {
        Self::named(execution, &format!("call {run}"))
    }

    fn named(execution: ExecutionId, name: &str) -> Self {
        let (first, _) = Uuid::new_v5(&execution.uuid(), name.as_bytes()).as_u64_pair();
        // Nothing is named by zeroes.
        Self(first.max(1))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Returns what the call of a run says of its trace, as the W3C has it.
pub fn traceparent(root: ExecutionId, execution: ExecutionId, run: RunNumber) -> String {
    format!("00-{}-{}-01", TraceId::of(root), SpanId::of_call(execution, run))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{SpanId, traceparent};
    use crate::words::{ExecutionId, RunNumber, Timestamp};

    #[test]
    fn a_call_says_its_trace_as_the_w3c_has_it() {
        let [root, below] = [0xab, 0xcd].map(|number| ExecutionId::new(Uuid::from_u128(number)));
        let said = traceparent(root, below, RunNumber(3));
        let span = SpanId::of_call(below, RunNumber(3)).to_string();
        assert_eq!(said, format!("00-000000000000000000000000000000ab-{span}-01"));
        assert_eq!((span.len(), span.chars().all(|digit| digit.is_ascii_hexdigit())), (16, true));
    }

    #[test]
    fn each_part_of_a_trace_has_a_name_of_its_own() {
        let id = ExecutionId::new(Uuid::from_u128(7));
        let [first, second] = [1, 2].map(Timestamp::from_millis);
        let all = [
            SpanId::of_workflow(id, first),
            SpanId::of_workflow(id, second),
            SpanId::of_task(id, RunNumber(1)),
            SpanId::of_task(id, RunNumber(2)),
            SpanId::of_call(id, RunNumber(1)),
        ];
        assert!(all.iter().enumerate().all(|(number, one)| !all[..number].contains(one)), "{all:?}");
    }
}
