//! The vocabulary that every room shares: ids, time, payloads, statuses, diagnostics.
//!
//! **Architecture Invariant:** nothing here does I/O, reads a clock or knows a room. [`Payload`] and [`Sensitive`]
//! have neither `Debug` nor `Serialize`, so a value cannot reach a log, an error or a view by accident.

mod diagnostic;
mod grant;
mod id;
mod json_fault;
mod nearest;
mod owner;
mod payload;
mod percent;
mod sensitive;
mod status;
mod timestamp;
mod trace;
mod xml;

pub use diagnostic::{Certainty, Diagnostic, Fix, Related, Severity, Source, Span};
pub use grant::{Grant, GrantTarget, Grantee, Permission};
pub use id::{ExecutionId, RunNumber, TaskId};
pub use json_fault::json_fault;
pub use nearest::nearest;
pub use owner::{App, Owner};
pub use payload::{Payload, journaled};
pub use percent::percent_encoded;
pub use sensitive::Sensitive;
pub use status::{TaskStatus, WorkflowStatus};
pub use timestamp::Timestamp;
pub use trace::{Begun, SpanId, TraceId, traceparent};
pub use xml::xml_escaped;

/// A JSON object that keeps the order of its keys.
pub type Map = serde_json::Map<String, serde_json::Value>;
