use std::sync::Arc;
use std::time::Duration;

use super::due::{Due, DueSlot, Problem, SkippedSlot};
use super::schedule::{Schedule, Slot};
use super::watermark::{Backlog, Watermark};
use crate::words::{ExecutionId, Timestamp};
use crate::workflow::definition::Overlap;

/// How many missed slots in a row are caught up with; the rest is passed over and reported. A schedule of minutes
/// catches up with most of a day.
const CATCH_UP_MAX: usize = 1000;

/// How many stretches of missed slots wait at once: each further one is another outage before the first was caught up with.
const STRETCHES_MAX: usize = 10;

/// How late a slot may be seen and still be a live one, not a missed one: longer than a turn of a busy daemon.
const LIVE_MAX: Duration = Duration::from_secs(10);

/// How far a watermark may lie in the future before it is reset: a clock that is set back by less only has to be waited for.
pub(super) const AHEAD_MAX: Duration = Duration::from_mins(1);

/// How many slots in a row may be skipped before it is a problem.
const SKIPS_MAX: u32 = 3;

/// A schedule with how far it is and what comes next.
pub(super) struct Entry {
    pub(super) schedule: Arc<Schedule>,
    pub(super) watermark: Watermark,
    pub(super) next: Option<Slot>,
}

impl Entry {
    /// Looks up the next live slot; a paused schedule has none.
    pub(super) fn look_ahead(&mut self) {
        self.next = if self.watermark.paused { None } else { self.schedule.next(self.watermark.considered) };
    }

    /// Returns when the missed slot was due that is next caught up with.
    pub(super) fn next_missed(&self) -> Option<Timestamp> {
        let stretch = self.watermark.backlog.first()?;
        let slot = self.schedule.next(stretch.after).filter(|slot| slot.due <= stretch.until);
        Some(slot.map_or(stretch.until, |slot| slot.due))
    }

    /// Does one turn: a missed slot where it is its turn, then what is due now. Tells whether the watermark changed.
    pub(super) fn turn(&mut self, now: Timestamp, blocked_by: Option<ExecutionId>, due: &mut Due) -> bool {
        let before = self.watermark.clone();
        self.gather_missed(now, due);
        let mut busy = blocked_by.is_some();
        if !self.watermark.backlog.is_empty() && !busy {
            busy = self.catch_up(now, due);
        }
        if let Some(slot) = self.schedule.next(self.watermark.considered).filter(|slot| slot.due <= now) {
            busy |= !self.watermark.backlog.is_empty();
            // The late run keeps its old time; the next slot is looked for from now on.
            self.watermark.considered = slot.due.max(now);
            match self.schedule.overlap {
                Overlap::Skip if busy => self.skip(&slot, now, blocked_by, due),
                Overlap::Skip | Overlap::Allow => self.fire(&slot, false, due),
            }
        }
        self.watermark != before
    }

    /// Makes slots that nobody saw in time a backlog, where the schedule catches up.
    fn gather_missed(&mut self, now: Timestamp, due: &mut Due) {
        let Some(first) = self.schedule.next(self.watermark.considered).filter(|slot| slot.due <= now) else { return };
        let second = self.schedule.next(first.due).filter(|slot| slot.due <= now);
        if !self.schedule.catches_up || (second.is_none() && now.since(first.due) <= LIVE_MAX) {
            return;
        }
        let (after, stretches) = match self.watermark.backlog.last() {
            // Nothing lies between the last stretch and this one: they are one.
            Some(last) if self.schedule.next(last.until).as_ref() == Some(&first) => {
                (last.after, self.watermark.backlog.len() - 1)
            }
            Some(_) | None => (self.watermark.considered, self.watermark.backlog.len()),
        };
        self.watermark.backlog.truncate(stretches);
        let (until, is_all) = self.missed(after, now);
        if !is_all || stretches >= STRETCHES_MAX {
            let until = if stretches < STRETCHES_MAX { until } else { after };
            due.problems.push(Problem::CatchUpLimit { schedule: self.schedule.name.clone(), until });
        }
        if stretches < STRETCHES_MAX {
            self.watermark.backlog.push(Backlog { after, until });
        }
        self.watermark.considered = now;
    }

    /// Returns the last slot after `after` that was missed and is caught up with, and whether these are all up to `now`.
    fn missed(&self, after: Timestamp, now: Timestamp) -> (Timestamp, bool) {
        let mut until = after;
        for _ in 0..CATCH_UP_MAX {
            match self.schedule.next(until) {
                Some(slot) if slot.due <= now => until = slot.due,
                Some(_) | None => return (until, true),
            }
        }
        (until, self.schedule.next(until).is_none_or(|slot| slot.due > now))
    }

    /// Fires the next missed slot; tells whether there was one.
    fn catch_up(&mut self, now: Timestamp, due: &mut Due) -> bool {
        while let Some(stretch) = self.watermark.backlog.first_mut() {
            let Some(slot) = self.schedule.next(stretch.after).filter(|slot| slot.due <= stretch.until) else {
                self.watermark.backlog.remove(0);
                continue;
            };
            if slot.due > now {
                // The clock stepped back: what was missed lies ahead again.
                return false;
            }
            stretch.after = slot.due;
            if slot.due == stretch.until {
                self.watermark.backlog.remove(0);
            }
            self.fire(&slot, true, due);
            return true;
        }
        false
    }

    fn fire(&mut self, slot: &Slot, catch_up: bool, due: &mut Due) {
        self.watermark.record_fired(slot.due);
        let cron = self.schedule.cron_of(slot);
        due.slots.push(DueSlot { schedule: self.schedule.name.clone(), due: slot.due, cron, catch_up });
    }

    fn skip(&mut self, slot: &Slot, now: Timestamp, blocked_by: Option<ExecutionId>, due: &mut Due) {
        self.watermark.skipped += 1;
        let schedule = self.schedule.name.clone();
        let cron = self.schedule.cron_of(slot);
        due.skipped.push(SkippedSlot { schedule: schedule.clone(), due: slot.due, cron, blocked_by });
        if self.watermark.skipped >= SKIPS_MAX || self.is_overdue(now) {
            due.problems.push(Problem::Blocked { schedule, blocked_by, skipped: self.watermark.skipped });
        }
    }

    /// Tells whether two periods have passed since the last slot that fired.
    fn is_overdue(&self, now: Timestamp) -> bool {
        let fired = self.watermark.fired;
        let period = fired.and_then(|fired| Some(self.schedule.next(fired)?.due.since(fired)));
        fired.zip(period).is_some_and(|(fired, period)| now.since(fired) >= period.saturating_mul(2))
    }
}

/// Returns the watermark with which a schedule opens at `now`.
pub(super) fn opened(schedule: &Schedule, before: Option<Watermark>, now: Timestamp) -> (Watermark, Option<Problem>) {
    let timing = schedule.timing_text();
    let Some(mut mark) = before else {
        let mut mark = Watermark::new(&schedule.name, timing, now);
        mark.paused = schedule.paused;
        return (mark, None);
    };
    let problem = reset_if_ahead(&mut mark, now);
    // A pause or resume by hand holds until the definition itself says something else.
    mark.hold = mark.hold.filter(|hold| hold.definition_paused == schedule.paused);
    let paused = mark.hold.as_ref().map_or(schedule.paused, |hold| hold.paused);
    if mark.timing != timing || mark.paused != paused {
        mark.begin_at(now);
        mark.timing = timing;
        mark.paused = paused;
    }
    (mark, problem)
}

pub(super) fn reset_if_ahead(mark: &mut Watermark, now: Timestamp) -> Option<Problem> {
    let considered = mark.considered;
    if considered <= now.plus(AHEAD_MAX) {
        return None;
    }
    mark.considered = now;
    mark.begin_at(now);
    Some(Problem::WatermarkAhead { schedule: mark.schedule.clone(), considered })
}
