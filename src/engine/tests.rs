#![expect(clippy::needless_pass_by_value, reason = "a test reads better with values")]

mod control;
mod corpus;
mod dynamic;
mod in_turn;
mod limits;
mod loops;
mod passes;
mod polling;
mod random;
mod rerun;
mod rig;
mod rotation;
mod scripts;
