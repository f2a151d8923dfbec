//! The secret store: one age file that is replaced atomically, its identity, recipients and versions, and the keys that
//! seal the journal.
//!
//! The list of recipients *inside* the file is the truth. A file is adopted only where it descends from the one that
//! this machine knew last; anything else is a fork: neither adopted nor overwritten, until a person resolves it.
//!
//! **Architecture Invariant:** a value leaves as [`Sensitive`](crate::words::Sensitive) only: never in an error, a log,
//! a `Debug` or a file in clear. The room reads no environment variable and opens no file but through
//! [`Disk`](crate::disk::Disk). An update is acknowledged after the folder was synced, never before.

mod anchor;
mod change;
mod contents;
mod encoding;
mod envelope;
mod error;
mod fingerprint;
mod guard;
mod identity;
mod paths;
mod sealing;
mod snapshot;
mod store;

pub use anchor::ForkReason;
pub use change::{Change, Outcome, Write, Writer, Written, WrittenSecret};
pub use contents::{Recipient, Stage, VALUE_BYTES_MAX, check_name};
pub use encoding::{hex, random_access_key, random_id, random_token};
pub use error::{Error, Situation};
pub use guard::{Allow, Evaluation, Refusal, text_to_store};
pub use identity::{Identity, Origin, Provenance, check_recipient};
pub use paths::Paths;
pub use sealing::Sealer;
pub use snapshot::{Snapshot, Summary, Version, VersionInfo};
pub use store::{Conflict, Difference, Edges, Problem, Refreshed, Side, Store};
