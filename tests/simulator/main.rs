//! The simulator: the real engine, dispatcher, journal rules and store, in worlds where everything goes wrong.
//!
//! One seed is one history of a world. `KEYTIDE_SEED=N cargo test simulator` tells the story of one of them;
//! `KEYTIDE_RUNS=N` plays as many as that.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at once and tell its story"
)]

mod dice;
mod ending;
mod executor;
mod issuer;
mod laws;
mod people;
mod plans;
mod process;
mod upkeep;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::world::World;

/// How many worlds `cargo test` plays.
const RUNS: u64 = 20_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn in_no_world_of_the_simulator_is_a_law_broken() {
    if let Some(seed) = number("KEYTIDE_SEED") {
        return World::new(seed, true).play();
    }
    let runs = number("KEYTIDE_RUNS").unwrap_or(RUNS);
    let next = AtomicU64::new(1);
    let broken = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > runs || !broken.lock().unwrap().is_empty() {
                        return;
                    }
                    if catch_unwind(AssertUnwindSafe(|| World::new(seed, false).play())).is_err() {
                        broken.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "replay with KEYTIDE_SEED={}", broken[0]);
}
