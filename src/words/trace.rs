//! How traces name an execution and its runs: the names follow from the ids, so that nobody has to remember them.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ExecutionId, RunNumber, Timestamp};

/// The trace of an execution and of all below it: the id of the one at the top, or what its caller began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
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

    /// Returns the span of a run that goes on again with a retry of its execution.
    pub fn of_task_again(execution: ExecutionId, run: RunNumber, since: Timestamp) -> Self {
        Self::named(execution, &format!("task {run} {}", since.as_millis()))
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

/// A trace that somebody else began, which an execution goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The trace.
    pub trace: TraceId,
    /// The span that asked for the execution; none where the execution is below another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<SpanId>,
}

impl Begun {
    /// Reads a `traceparent` header of the version that the W3C has published. What is not exactly one is none.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let [version, trace, span, flags] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        let is_hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_one = version == "00" && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
        if !is_one || parts.next().is_some() {
            return None;
        }
        let trace = u128::from_str_radix(trace, 16).ok().filter(|trace| *trace != 0)?;
        let span = u64::from_str_radix(span, 16).ok().filter(|span| *span != 0)?;
        Some(Self { trace: TraceId(Uuid::from_u128(trace)), span: Some(SpanId(span)) })
    }

    /// Returns it for what is below an execution that goes on with it.
    #[must_use]
    pub const fn below(self) -> Self {
        Self { span: None, ..self }
    }
}

/// Returns what the call of a run says of its trace, as the W3C has it.
pub fn traceparent(trace: TraceId, execution: ExecutionId, run: RunNumber) -> String {
    format!("00-{trace}-{}-01", SpanId::of_call(execution, run))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Begun, SpanId, TraceId, traceparent};
    use crate::words::{ExecutionId, RunNumber, Timestamp};

    #[test]
    fn a_call_says_its_trace_as_the_w3c_has_it() {
        let [root, below] = [0xab, 0xcd].map(|number| ExecutionId::new(Uuid::from_u128(number)));
        let said = traceparent(TraceId::of(root), below, RunNumber(3));
        let span = SpanId::of_call(below, RunNumber(3)).to_string();
        assert_eq!(said, format!("00-000000000000000000000000000000ab-{span}-01"));
        assert_eq!((span.len(), span.chars().all(|digit| digit.is_ascii_hexdigit())), (16, true));
    }

    #[test]
    fn a_trace_that_somebody_began_is_read_strictly() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let begun = Begun::parse(good).unwrap();
        assert_eq!(begun.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(begun.span.unwrap().to_string(), "00f067aa0ba902b7");
        assert_eq!(begun.below().span, None);
        let kept = serde_json::to_string(&begun).unwrap();
        assert_eq!(serde_json::from_str::<Begun>(&kept).unwrap(), begun, "{kept}");
        let zeros = |text: &str| "0".repeat(text.len());
        for bad in [
            String::new(),
            good.to_uppercase(),
            good.replace("00-4", "ff-4"),
            good.replace("00-4", "01-4"),
            good.replace("-01", ""),
            format!("{good}-x"),
            format!(" {good}"),
            good.replace("4bf9", "4bf"),
            good.replace("4bf9", "+bf9"),
            good.replace("00f0", "0xf0"),
            good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zeros("4bf92f3577b34da6a3ce929d0e0e4736")),
            good.replace("00f067aa0ba902b7", &zeros("00f067aa0ba902b7")),
            good.replace('b', "ü"),
        ] {
            assert_eq!(Begun::parse(&bad), None, "{bad}");
        }
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
            SpanId::of_task_again(id, RunNumber(1), first),
            SpanId::of_task_again(id, RunNumber(1), second),
            SpanId::of_call(id, RunNumber(1)),
        ];
        assert!(all.iter().enumerate().all(|(number, one)| !all[..number].contains(one)), "{all:?}");
    }
}
