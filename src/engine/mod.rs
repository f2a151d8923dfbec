//! The engine, pure: what happens next in an execution.
//!
//! **Architecture Invariant:** no clock, no I/O, no threads; `now` and every answer come as arguments. Stored secrets are
//! references here, never values.

mod answer;
mod command;
mod input;
mod plan;

pub use answer::{Answer, Outcome, Response, WorkerUpdate};
pub use command::{Assignment, Command, Offer};
pub use input::{Input, Operation, Rejected, Start, Turn};
pub use plan::{DefinitionHash, Pinned, Plan};
