use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::due::Due;
use super::entry::{AHEAD_MAX, Entry, opened, reset_if_ahead};
use super::schedule::{Schedule, Slot};
use super::watermark::{Hold, Watermark};
use crate::words::{ExecutionId, Timestamp};

/// All schedules with how far they are and what comes next.
pub struct Timetable {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    /// The next live slot of each schedule that has one.
    queue: BTreeSet<(Timestamp, usize)>,
    /// The schedules with missed slots to catch up with.
    catching_up: BTreeSet<usize>,
    /// The schedules whose watermark changed since the last turn.
    changed: BTreeSet<usize>,
    /// What is to be said of schedules and watermarks as they were found; the next turn says it.
    found: Due,
    seen: Timestamp,
}

impl Timetable {
    /// Returns the timetable of `schedules`, each of its own name, from their watermarks on. A schedule without one begins at `now`, and so does
    /// one whose timing changed or that was paused: what lies before such a moment never fires.
    pub fn new(schedules: impl IntoIterator<Item = Arc<Schedule>>, watermarks: Vec<Watermark>, now: Timestamp) -> Self {
        let mut known: HashMap<_, _> = watermarks.into_iter().map(|mark| (mark.schedule.clone(), mark)).collect();
        let mut found = Due::default();
        let mut entries = Vec::new();
        let mut changed = BTreeSet::new();
        for schedule in schedules {
            let before = known.remove(&schedule.name);
            let (watermark, problem) = opened(&schedule, before.clone(), now);
            if before.as_ref() != Some(&watermark) {
                changed.insert(entries.len());
            }
            found.problems.extend(problem);
            entries.push(Entry { schedule, watermark, next: None });
        }
        found.gone = known.into_keys().collect();
        found.gone.sort_unstable();
        let by_name = entries.iter().enumerate().map(|(index, entry)| (entry.schedule.name.clone(), index)).collect();
        let (queue, catching_up) = (BTreeSet::new(), BTreeSet::new());
        let mut timetable = Self { entries, by_name, queue, catching_up, changed, found, seen: now };
        for index in 0..timetable.entries.len() {
            timetable.enqueue(index);
        }
        timetable
    }

    /// Returns the timetable of another set of schedules, with everything that this one knows.
    #[must_use]
    pub fn replan(self, schedules: impl IntoIterator<Item = Arc<Schedule>>, now: Timestamp) -> Self {
        let untold = self.changed.iter().filter_map(|index| self.entries.get(*index));
        let untold: Vec<_> = untold.map(|entry| entry.schedule.name.clone()).collect();
        let watermarks = self.entries.into_iter().map(|entry| entry.watermark).collect();
        let mut replanned = Self::new(schedules, watermarks, now);
        replanned.changed.extend(untold.iter().filter_map(|name| replanned.by_name.get(name)));
        replanned.found.gone.extend(self.found.gone);
        replanned.found.gone.retain(|name| !replanned.by_name.contains_key(name));
        replanned.found.problems.extend(self.found.problems);
        replanned
    }

    /// Returns what is due at `now`, the oldest first, and moves the watermarks. `running` names the run of a schedule that still goes.
    pub fn due(&mut self, now: Timestamp, running: &dyn Fn(&str) -> Option<ExecutionId>) -> Due {
        self.notice_step_back(now);
        let mut due = std::mem::take(&mut self.found);
        let mut touched = self.catching_up.clone();
        while let Some((at, index)) = self.queue.first().copied()
            && at <= now
        {
            self.queue.pop_first();
            touched.insert(index);
        }
        for index in touched {
            if let Some(entry) = self.entries.get_mut(index) {
                let blocked_by = running(&entry.schedule.name);
                if entry.turn(now, blocked_by, &mut due) {
                    self.changed.insert(index);
                }
            }
            self.enqueue(index);
        }
        let changed = std::mem::take(&mut self.changed).into_iter();
        due.watermarks = changed.filter_map(|index| Some(self.entries.get(index)?.watermark.clone())).collect();
        due.slots.sort_by_key(|slot| slot.due);
        due
    }

    /// Returns when the next slot is due; missed slots that wait for a run to end are not counted.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Returns when the next missed slot was due whose schedule has no run going.
    pub fn next_missed(&self, running: &dyn Fn(&str) -> Option<ExecutionId>) -> Option<Timestamp> {
        let entries = self.catching_up.iter().filter_map(|index| self.entries.get(*index));
        let free = entries.filter(|entry| running(&entry.schedule.name).is_none());
        free.filter_map(Entry::next_missed).min()
    }

    /// Returns the next slot of a schedule; none where it is unknown, paused or at its end.
    pub fn next_of(&self, schedule: &str) -> Option<&Slot> {
        self.entry(schedule)?.next.as_ref()
    }

    /// Returns how far a schedule is.
    pub fn watermark(&self, schedule: &str) -> Option<&Watermark> {
        Some(&self.entry(schedule)?.watermark)
    }

    /// Pauses a schedule from `now` on; returns the watermark to commit, none where it is unknown or paused already.
    pub fn pause(&mut self, schedule: &str, reason: Option<String>, now: Timestamp) -> Option<Watermark> {
        self.hold(schedule, true, reason, now)
    }

    /// Resumes a schedule: it goes on with its next slot after `now`. Returns the watermark to commit, none where it is
    /// unknown or not paused.
    pub fn resume(&mut self, schedule: &str, now: Timestamp) -> Option<Watermark> {
        self.hold(schedule, false, None, now)
    }

    fn hold(&mut self, schedule: &str, paused: bool, reason: Option<String>, now: Timestamp) -> Option<Watermark> {
        let index = *self.by_name.get(schedule)?;
        let entry = self.entries.get_mut(index).filter(|entry| entry.watermark.paused != paused)?;
        entry.watermark.begin_at(now);
        entry.watermark.paused = paused;
        entry.watermark.hold = Some(Hold { paused, reason, definition_paused: entry.schedule.paused });
        let watermark = entry.watermark.clone();
        self.changed.remove(&index);
        self.enqueue(index);
        Some(watermark)
    }

    fn entry(&self, schedule: &str) -> Option<&Entry> {
        self.entries.get(*self.by_name.get(schedule)?)
    }

    /// Puts an entry where its state says.
    fn enqueue(&mut self, index: usize) {
        let Some(entry) = self.entries.get_mut(index) else { return };
        if let Some(next) = &entry.next {
            self.queue.remove(&(next.due, index));
        }
        entry.look_ahead();
        self.queue.extend(entry.next.iter().map(|next| (next.due, index)));
        if !entry.watermark.backlog.is_empty() && !entry.watermark.paused {
            self.catching_up.insert(index);
        } else {
            self.catching_up.remove(&index);
        }
    }

    /// Resets the watermarks that a clock set back has left in the future.
    fn notice_step_back(&mut self, now: Timestamp) {
        if now.plus(AHEAD_MAX) < self.seen {
            for index in 0..self.entries.len() {
                if let Some(entry) = self.entries.get_mut(index)
                    && let Some(problem) = reset_if_ahead(&mut entry.watermark, now)
                {
                    self.found.problems.push(problem);
                    self.changed.insert(index);
                    self.enqueue(index);
                }
            }
        }
        self.seen = now;
    }
}
