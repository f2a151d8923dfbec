//! The daemon: the one loop that owns every live execution, and the handle that the faces hold.
//!
//! # Theory of operation
//!
//! Everything that happens (a request, an answer of the executor, a slot that is due, time passing) becomes a message.
//! The dispatcher takes a batch of messages, lets the engine decide and apply in memory, and commits all events of the
//! batch in one synced transaction. Only then are commands released and callers answered. If the commit fails, the
//! executions of the batch are dropped and loaded again, nothing was released, and the executor's answers are kept and
//! tried again, because a token that reached us is never lost.
//!
//! **Architecture Invariant:** [`Dispatcher`] is a synchronous state machine without clock, thread or I/O of its own; the
//! thread in `shell` is a loop around it. The simulator drives the same state machine.

mod answering;
mod assembly;
mod auditing;
mod batch;
mod calls;
mod concurrency;
mod conditions;
mod counting;
mod definitions;
mod dispatcher;
mod errands;
mod error;
mod faces;
mod family;
mod feed;
mod handle;
mod housekeeping;
mod ids;
mod inbox;
mod library;
mod lineage;
mod loading;
mod message;
mod offers;
mod outcomes;
mod pollers;
mod polls;
mod problems;
mod quotas;
mod reloading;
mod rendered;
mod restoring;
mod rotation;
mod rules;
mod shelf;
mod shell;
mod slots;
mod sought;
mod starting;
mod telling;
#[cfg(test)]
mod tests;
#[cfg(feature = "otel")]
mod traces;
mod turns;
mod unwritten;
mod uses;
mod views;
mod watching;

pub use assembly::{Config, Daemon, Recovery, Reread};
pub use batch::Batch;
pub use dispatcher::Dispatcher;
pub use error::{Error, SignedOut};
pub use faces::{aside, meanwhile, spawn};
pub use feed::{Kind, Listener, Next, Wanted};
pub use handle::{
    Ground, Handle, KeyChange, Known, Listed, Made, Membership, Standstill, TagChange, TagMap, asking, latest, on_page,
    shown_tags,
};
pub use housekeeping::Housekeeping;
pub use library::{Asking, Library, Thing, allows, handlers_of, no_such_workflow, owner_of_brought};
pub use message::{May, Message, Poll, Polled, Refused, Removal, Reply, Still};
pub use offers::{Queue, Queues};
pub use pollers::LastPoll;
pub use rotation::{Freshness, LastRun, Rotation};
pub use rules::Rules;
pub use slots::{Barred, Facts, Hold, Scheduled, Slots};
pub use sought::{SummaryField, TaskField};
pub use unwritten::Unwritten;
pub use views::{DEFINITION_FIELDS, PAYLOAD_FIELDS, Views};
