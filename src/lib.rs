//! keytide: watches a folder of workflow files, runs them on cron schedules to rotate tokens, and keeps the secrets
//! in an age-encrypted file that `UPDATE_SECRET` tasks rewrite atomically.
//!
//! The house has layers; a room names only rooms of lower layers. `docs/ARCHITECTURE.md` is the map and
//! `tests/tidy.rs` checks it on the source.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod words;

pub mod access;
pub mod clock;
pub mod disk;
pub mod redact;
pub mod settings;

pub mod secret;
pub mod workflow;

pub mod catalog;
pub mod engine;
pub mod scheduler;

pub mod executor;
pub mod journal;

pub mod observe;
pub mod watch;

pub mod daemon;

pub mod door;
pub mod live;
pub mod trial;

pub mod api;
pub mod client;
pub mod ui;

pub mod cli;
