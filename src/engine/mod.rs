//! The engine, pure: what happens next in an execution.
//!
//! [`step`] decides what an input means and applies it; the events that it returns are what the journal keeps, and
//! [`replay`] rebuilds the same state from them. [`commands`] says what events owe the world once they are on disk,
//! [`outstanding`] says the same from the state alone.
//!
//! **Architecture Invariant:** no clock, no I/O, no threads; `now` and every answer come as arguments. Stored secrets are
//! references here, never values. [`apply`] is the only place that changes an execution; what it derives is never stored.

mod answer;
mod apply;
mod beginning;
mod changes;
mod command;
mod concurrency;
mod domains;
mod event;
mod execution;
mod family;
mod in_turn;
mod input;
mod kin;
mod limited;
mod limits;
mod lookup;
mod looping;
mod operate;
mod operators;
mod outcome;
mod outstanding;
mod pass;
mod plan;
mod rerun;
mod retry;
mod rotating;
mod schedule;
mod script;
mod settle;
mod special;
mod step;
mod timeout;
mod unstored;
pub mod view;
mod waiting;

#[cfg(test)]
mod tests;

pub use crate::workflow::pinned::{DefinitionHash, Pinned};
pub use answer::{Answer, Outcome, Raw, Response, WorkerUpdate};
pub use apply::{Illegal, apply, replay};
pub use changes::{Changes, changes};
pub use command::{Assignment, Command, Offer, Quota};
pub use concurrency::Share;
pub use event::{Beginning, Completion, Event, FORMAT, Fact, Failure, Scheduling};
pub use execution::{Execution, Run};
pub use family::{Chain, ChildEnd, Idempotency, Kin, Need, Origin, Parent, Refusal, Strategy, needs, owed_needs};
pub use input::{Input, Operation, Others, Rejected, Rerun, Skip, Start, Turn};
pub use kin::{Errand, Order, Target, Wanted, chain_after, child_end, child_order, errand, failure_order};
pub use limited::{Standing, moved};
pub use limits::is_too_deep;
pub use looping::Pin;
pub use operators::do_while::holds;
pub use outstanding::{commands, outstanding};
pub use plan::{Malformed, Plan, PlannedTask, TaskIndex, Ways};
pub use rotating::Rotation;
pub use script::{Language, Question, Script, Verdict};
pub use step::{start, step};
pub use timeout::next_deadline;
pub use waiting::Signaled;
