//! Long random histories: restarts, pauses, edits, long runs, a clock that jumps.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{World, at, run, schedule};
use crate::scheduler::{Schedule, Watermark};
use crate::words::Timestamp;
use crate::workflow::definition::Overlap;

/// A small generator (xorshift), so that every failure repeats.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What must hold in every history.
#[derive(Default)]
struct Record {
    fired: BTreeSet<Timestamp>,
    skipped: usize,
    caught_up: usize,
}

impl Record {
    fn turn(&mut self, world: &mut World, schedule: &Schedule, now: Timestamp) {
        let allows = schedule.overlap == Overlap::Allow;
        let due = world.turn(now);
        assert!(due.slots.len() <= 1 || allows, "one schedule starts one run a turn");
        let was_running = world.running.is_some();
        assert!(due.watermarks.len() <= 1);
        for slot in due.slots {
            assert!(slot.due <= now, "never early");
            assert!(self.fired.insert(slot.due), "{} fired twice", slot.due);
            let before = Timestamp::from_millis(slot.due.as_millis() - 1);
            assert_eq!(schedule.next(before).map(|next| next.due), Some(slot.due), "only slots fire");
            assert!(!was_running || (allows && !slot.catch_up), "never beside another run");
            self.caught_up += usize::from(slot.catch_up);
            world.running = Some(run(1));
        }
        self.skipped += due.skipped.len();
        assert!(world.timetable.next_wake().is_none_or(|wake| wake > now), "what is due is dealt with");
    }
}

fn history(seed: u64) -> Record {
    let mut dice = Dice(seed);
    let crons = ["*/10 * * * * *", "0 * * * * *", "7,8,9 */2 * * * *"];
    let mut chosen = crons[usize::try_from(seed % 3).unwrap()];
    let plan = |cron: &str| -> [Arc<Schedule>; 1] {
        let (catches_up, allows) = (seed.is_multiple_of(2), seed.is_multiple_of(5));
        let overlap = if allows { "allow" } else { "skip" };
        [schedule(&json!({"cronExpression": cron, "runCatchupScheduleInstances": catches_up, "overlap": overlap}))]
    };
    let mut record = Record::default();
    let mut now = at(0);
    let mut world = World::new(&plan(chosen), now);
    for _ in 0..400 {
        match dice.roll(20) {
            0 => world = world.restart(&plan(chosen), now),
            1 => now = now.plus(Duration::from_secs(dice.roll(600))),
            2 => now = now.minus(Duration::from_secs(dice.roll(50))),
            3 => {
                let mark: Option<Watermark> = match dice.roll(2) {
                    0 => world.timetable.pause("s", None, now),
                    _ => world.timetable.resume("s", now),
                };
                if let Some(mark) = mark {
                    world.commit(mark);
                }
            }
            4 => {
                chosen = crons[usize::try_from(dice.roll(3)).unwrap()];
                world.timetable = world.timetable.replan(plan(chosen), now);
            }
            5..=12 => world.running = None,
            _ => now = now.plus(Duration::from_millis(dice.roll(15_000))),
        }
        record.turn(&mut world, &plan(chosen)[0], now);
    }
    record
}

#[test]
fn no_slot_fires_twice_or_early_or_beside_another_in_any_history() {
    let (mut all, mut fired) = (Record::default(), 0);
    for seed in 1..=60 {
        let record = history(seed * 7_919);
        all.skipped += record.skipped;
        all.caught_up += record.caught_up;
        fired += record.fired.len();
    }
    assert!(fired > 1000 && all.skipped > 100 && all.caught_up > 100, "{fired} {} {}", all.skipped, all.caught_up);
}
