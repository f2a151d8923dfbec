//! The command line: arguments, environment, output and errors; one file per command.
//!
//! **Architecture Invariant:** only this room prints, exits and reads the environment. It knows no rule of the product:
//! what it does, the daemon's handle could do for anyone.

pub mod demo;
