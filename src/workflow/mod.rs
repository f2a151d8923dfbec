//! The dialect, pure: loading with spans, definition types, checking, expressions, cron.
//!
//! **Architecture Invariant:** nothing here reads a file, a clock or a secret; what must be known from outside comes as an
//! argument.

pub mod check;
pub mod codes;
pub mod cron;
pub mod definition;
pub mod duration;
pub mod expressions;
pub mod fields;
pub mod flow;
pub mod graph;
pub mod load;
pub mod mend;
pub mod pinned;
mod problem;
pub mod registration;
pub mod report;
pub mod schema;
mod shape;
pub mod shown;
pub mod taken;
pub mod tree;
mod waiting;
pub mod written;
