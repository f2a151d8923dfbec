//! Scripts in the real child processes: what they may do, and what nobody may do through them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

#[path = "scripts/bombs.rs"]
mod bombs;
#[path = "scripts/confinement.rs"]
mod confinement;
#[path = "scripts/escapes.rs"]
mod escapes;
#[path = "scripts/rig.rs"]
mod rig;
#[path = "scripts/secrets.rs"]
mod secrets;
