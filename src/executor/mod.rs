//! The tasks that touch the world, one file per type. Stored secrets are resolved here, at the last moment.
//!
//! **Architecture Invariant:** it answers and never decides: an [`Answer`](crate::engine::Answer) says what happened, and the
//! engine says what follows from it. No reason that it gives holds a secret.

pub mod http;
