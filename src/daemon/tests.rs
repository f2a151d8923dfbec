//! The daemon as a whole: real store, real journal, real HTTP, real time.

mod auditing;
mod barring;
mod calling;
mod hanging_up;
mod keeping;
mod masking;
mod removing;
mod rotating;
mod signing;
mod stopping;
mod storing;
mod timing;
mod watching;
mod working;
pub(super) mod world;
