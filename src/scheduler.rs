//! What is due: schedules, their slots, and what becomes of slots that were missed or that overlap a run.
//!
//! Theory of operation. A [`Schedule`] says when its slots are. A [`Watermark`] says up to where they have been considered:
//! fired, skipped or passed over. A [`Timetable`] holds both for all schedules and a queue of the next slots, so that a turn
//! costs what is due and not what is defined. Each turn the daemon asks [`Timetable::due`], starts what it is told in one
//! commit with the watermarks that changed, and sleeps until [`Timetable::next_wake`], at most [`SLEEP_MAX`] at once: steps
//! of the clock are noticed, nothing ticks.
//!
//! A slot fires once: its execution has one id for ever ([`crate::words::ExecutionId::of_slot`]), and the caller drops a slot
//! whose id is in the journal. The watermark only bounds the search. Where a commit fails the timetable has run ahead of the
//! journal: the caller drops it and builds a new one from the journal's watermarks.
//!
//! **Architecture Invariant:** pure. Nothing here reads a clock, starts a run or writes a watermark.

mod due;
mod entry;
mod input;
mod schedule;
mod timetable;
mod watermark;

use std::time::Duration;

pub use self::due::{Due, DueSlot, Problem, SkippedSlot};
pub use self::input::slot_input;
pub use self::schedule::{Defaults, Error, Schedule, Slot, Timing};
pub use self::timetable::Timetable;
pub use self::watermark::{Backlog, Hold, Watermark};

/// How long the daemon sleeps at most before it reads the wall clock again: a step of the clock is noticed within it.
pub const SLEEP_MAX: Duration = Duration::from_secs(30);

/// How long a scheduled rotation may take that has no timeout of its own, at least: ten minutes outlast any issuer's bad
/// moment, and a rotation that hangs longer should not hold up the next.
const ROTATION_TIMEOUT_MIN: Duration = Duration::from_mins(10);

/// Returns how long a scheduled run with an `UPDATE_SECRET` and no timeout of its own may take: the longer of ten minutes
/// and two periods.
pub fn rotation_timeout(period: Option<Duration>) -> Duration {
    period.map_or(ROTATION_TIMEOUT_MIN, |period| period.saturating_mul(2).max(ROTATION_TIMEOUT_MIN))
}

#[cfg(test)]
mod tests;
