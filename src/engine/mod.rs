//! The engine, pure: what happens next in an execution.
//!
//! **Architecture Invariant:** no clock, no I/O, no threads; `now` and every answer come as arguments. Stored secrets are
//! references here, never values.
