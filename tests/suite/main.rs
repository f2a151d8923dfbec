//! The whole program, as its users meet it: the built binary in a folder, a home and an environment of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may stop at once, and say what it saw"
)]

mod rig;

mod audit;
mod check;
mod demo;
mod export;
mod forms;
mod graph;
mod import;
mod keys;
mod kill;
mod leak;
mod pages;
mod polling;
mod project;
mod readme;
mod remote;
mod round_trip;
mod run;
mod schedules;
mod schema;
mod scripted;
mod secrets;
mod serve;
mod status;
mod terminal;
#[cfg(feature = "otel")]
mod traces;
mod trials;
mod trying;
mod worker;
