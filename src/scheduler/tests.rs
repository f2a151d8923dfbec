mod history;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Defaults, Due, Problem, SLEEP_MAX, Schedule, Timetable, Watermark};
use crate::words::{ExecutionId, Timestamp};
use crate::workflow::definition::WorkflowSchedule;

const NOTHING: [u64; 0] = [];

/// A schedule every ten seconds, with the fields of `more`.
fn definition(more: &serde_json::Value) -> WorkflowSchedule {
    let mut fields = json!({"name": "s", "cronExpression": "*/10 * * * * *"});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(fields).unwrap()
}

fn schedule(more: &serde_json::Value) -> Arc<Schedule> {
    Arc::new(Schedule::from_definition(&definition(more), Defaults::default()).unwrap())
}

/// Returns the moment so many seconds after noon.
fn at(seconds: u64) -> Timestamp {
    Timestamp::parse("2026-11-20T12:00:00Z").unwrap().plus(Duration::from_secs(seconds))
}

fn run(number: u128) -> ExecutionId {
    ExecutionId::new(uuid::Uuid::from_u128(number))
}

/// A timetable whose watermarks go through a journal's JSON, as at a restart.
struct World {
    timetable: Timetable,
    journal: Vec<Watermark>,
    problems: Vec<Problem>,
    running: Option<ExecutionId>,
}

impl World {
    fn new(schedules: &[Arc<Schedule>], now: Timestamp) -> Self {
        Self::resumed(schedules, Vec::new(), now)
    }

    fn resumed(schedules: &[Arc<Schedule>], journal: Vec<Watermark>, now: Timestamp) -> Self {
        let timetable = Timetable::new(schedules.iter().cloned(), journal.clone(), now);
        Self { timetable, journal, problems: Vec::new(), running: None }
    }

    fn restart(self, schedules: &[Arc<Schedule>], now: Timestamp) -> Self {
        let text = serde_json::to_string(&self.journal).unwrap();
        Self::resumed(schedules, serde_json::from_str(&text).unwrap(), now)
    }

    fn turn(&mut self, now: Timestamp) -> Due {
        let running = self.running;
        let due = self.timetable.due(now, &|_| running);
        for mark in &due.watermarks {
            self.commit(mark.clone());
        }
        self.journal.retain(|mark| !due.gone.contains(&mark.schedule));
        self.problems.extend(due.problems.iter().cloned());
        due
    }

    fn commit(&mut self, mark: Watermark) {
        self.journal.retain(|kept| kept.schedule != mark.schedule);
        self.journal.push(mark);
    }

    /// Returns the seconds after noon of the slots that fire at `seconds`.
    fn fires(&mut self, seconds: u64) -> Vec<u64> {
        self.turn(at(seconds)).slots.iter().map(|slot| slot.due.since(at(0)).as_secs()).collect()
    }

    /// Returns the seconds after noon of the slots that are skipped at `seconds`; none may fire.
    fn skips(&mut self, seconds: u64) -> Vec<u64> {
        let due = self.turn(at(seconds));
        assert_eq!(due.slots, []);
        due.skipped.iter().map(|slot| slot.due.since(at(0)).as_secs()).collect()
    }
}

#[test]
fn a_slot_fires_once_at_its_time() {
    let mut world = World::new(&[schedule(&json!({}))], at(3));
    assert_eq!(world.timetable.next_wake(), Some(at(10)));
    assert_eq!(world.fires(9), NOTHING);
    assert_eq!(world.fires(10), [10]);
    assert_eq!(world.fires(10), NOTHING);
    assert_eq!(world.fires(11), NOTHING);
    assert_eq!(world.timetable.next_wake(), Some(at(20)));
    assert_eq!(world.fires(20), [20]);
}

#[test]
fn a_new_schedule_has_no_past() {
    let mut world = World::new(&[schedule(&json!({}))], at(1000));
    assert_eq!(world.fires(1000), NOTHING);
    assert_eq!(world.journal.len(), 1, "its beginning is kept");
    assert_eq!(world.fires(1010), [1010]);
}

#[test]
fn a_restart_neither_repeats_nor_forgets_a_slot() {
    let schedules = [schedule(&json!({}))];
    let mut world = World::new(&schedules, at(0));
    assert_eq!(world.fires(10), [10]);
    let mut world = world.restart(&schedules, at(10));
    assert_eq!(world.fires(11), NOTHING);
    let mut world = world.restart(&schedules, at(12));
    assert_eq!(world.fires(20), [20]);
}

#[test]
fn a_late_start_runs_the_first_missed_slot_once_and_goes_on_from_now() {
    let schedules = [schedule(&json!({}))];
    let mut world = World::new(&schedules, at(0));
    world.fires(10);
    let mut world = world.restart(&schedules, at(95));
    assert_eq!(world.fires(95), [20], "the old time");
    assert_eq!(world.fires(96), NOTHING);
    assert_eq!(world.fires(100), [100]);
}

#[test]
fn a_clock_that_jumps_forward_is_a_late_start() {
    let mut world = World::new(&[schedule(&json!({}))], at(0));
    world.fires(10);
    assert_eq!(world.fires(5000), [20]);
    assert_eq!(world.fires(5010), [5010]);
}

#[test]
fn a_clock_that_steps_back_a_little_is_waited_for() {
    let mut world = World::new(&[schedule(&json!({}))], at(0));
    assert_eq!(world.fires(30), [10]);
    assert_eq!(world.fires(5), NOTHING);
    assert_eq!(world.fires(29), NOTHING);
    assert_eq!(world.fires(40), [40]);
    assert_eq!(world.problems, []);
}

#[test]
fn a_watermark_in_the_future_is_reset_and_reported() {
    let schedules = [schedule(&json!({}))];
    let mut world = World::new(&schedules, at(0));
    world.fires(100_000);
    let ahead = Problem::WatermarkAhead { schedule: "s".to_owned(), considered: at(100_000) };
    let mut restarted = World::resumed(&schedules, world.journal.clone(), at(50));
    assert_eq!(restarted.fires(60), [60]);
    assert_eq!(restarted.problems, std::slice::from_ref(&ahead));
    assert_eq!(world.fires(50), NOTHING, "the clock steps back while the daemon runs");
    assert_eq!(world.problems, [ahead]);
    assert_eq!(world.fires(60), [60]);
}

#[test]
fn a_catching_schedule_runs_every_missed_slot_one_after_another() {
    let schedules = [schedule(&json!({"runCatchupScheduleInstances": true}))];
    let mut world = World::new(&schedules, at(0));
    assert_eq!(world.fires(10), [10]);
    let mut world = world.restart(&schedules, at(45));
    assert_eq!(world.fires(45), [20]);
    world.running = Some(run(1));
    assert_eq!(world.fires(46), NOTHING, "the missed ones wait for the run before them");
    world.running = None;
    assert_eq!(world.fires(47), [30]);
    let mut world = world.restart(&schedules, at(48));
    assert_eq!(world.fires(48), [40], "a restart goes on where it was");
    assert_eq!(world.fires(49), NOTHING);
    assert_eq!(world.fires(50), [50]);
    assert_eq!(world.timetable.watermark("s").unwrap().backlog, []);
}

#[test]
fn while_missed_slots_wait_only_the_live_one_is_skipped() {
    let schedules = [schedule(&json!({"runCatchupScheduleInstances": true}))];
    let mut world = World::new(&schedules, at(0));
    world.fires(10);
    let mut world = world.restart(&schedules, at(45));
    assert_eq!(world.fires(45), [20]);
    world.running = Some(run(1));
    assert_eq!(world.skips(50), [50]);
    world.running = None;
    assert_eq!(world.fires(51), [30]);
    assert_eq!(world.fires(52), [40]);
    assert_eq!(world.fires(60), [60]);
}

#[test]
fn catching_up_has_a_limit_and_says_so() {
    let schedules = [schedule(&json!({"runCatchupScheduleInstances": true}))];
    let mut world = World::new(&schedules, at(0)).restart(&schedules, at(0));
    world.fires(10);
    let mut world = world.restart(&schedules, at(20_005));
    let mut count = 0;
    while let [slot] = world.fires(20_005)[..] {
        count += 1;
        assert_eq!(slot, 10 + count * 10);
    }
    assert_eq!(count, 1000);
    assert_eq!(world.problems, [Problem::CatchUpLimit { schedule: "s".to_owned(), until: at(10_010) }]);
    assert_eq!(world.fires(20_010), [20_010]);
}

#[test]
fn a_slot_is_skipped_while_the_last_run_goes_and_names_it() {
    let mut world = World::new(&[schedule(&json!({}))], at(0));
    assert_eq!(world.fires(10), [10]);
    world.running = Some(run(7));
    let due = world.turn(at(20));
    assert_eq!(due.slots, []);
    assert_eq!(due.skipped.len(), 1);
    assert_eq!(due.skipped[0].blocked_by, Some(run(7)));
    assert_eq!(due.skipped[0].cron, "*/10 * * * * * UTC");
    assert_eq!(due.watermarks.len(), 1, "a skipped slot is considered for good");
    world.running = None;
    assert_eq!(world.fires(25), NOTHING);
    assert_eq!(world.fires(30), [30]);
}

#[test]
fn two_periods_without_a_run_are_a_problem() {
    let mut world = World::new(&[schedule(&json!({}))], at(0));
    assert_eq!(world.fires(10), [10]);
    world.running = Some(run(7));
    assert_eq!(world.skips(20), [20]);
    assert_eq!(world.problems, []);
    assert_eq!(world.skips(30), [30]);
    assert_eq!(world.problems, [Problem::Blocked { schedule: "s".to_owned(), blocked_by: Some(run(7)), skipped: 2 }]);
}

#[test]
fn three_skipped_slots_in_a_row_are_a_problem() {
    let mut world = World::new(&[schedule(&json!({}))], at(0));
    world.running = Some(run(7));
    for seconds in [10, 20] {
        assert_eq!(world.skips(seconds), [seconds]);
        assert_eq!(world.problems, []);
    }
    assert_eq!(world.skips(30), [30]);
    assert_eq!(world.problems.len(), 1);
    world.running = None;
    assert_eq!(world.fires(40), [40]);
    assert_eq!(world.timetable.watermark("s").unwrap().skipped, 0);
}

#[test]
fn overlap_allow_fires_beside_the_last_run() {
    let mut world = World::new(&[schedule(&json!({"overlap": "allow"}))], at(0));
    world.running = Some(run(7));
    assert_eq!(world.fires(10), [10]);
    assert_eq!(world.fires(20), [20]);
}

#[test]
fn slots_lie_between_start_and_end_also_when_missed() {
    let bounds = json!({"scheduleStartTime": at(30).as_millis() + 400, "scheduleEndTime": at(50).as_millis(),
        "runCatchupScheduleInstances": true});
    let schedules = [schedule(&bounds)];
    let mut world = World::new(&schedules, at(0));
    assert_eq!(world.timetable.next_wake(), Some(at(30)), "half a second of tolerance, as Conductor");
    assert_eq!(world.fires(29), NOTHING);
    let mut world = world.restart(&schedules, at(100));
    assert_eq!(world.fires(100), [30]);
    assert_eq!(world.fires(101), [40]);
    assert_eq!(world.fires(102), [50]);
    assert_eq!(world.fires(103), NOTHING);
    assert_eq!(world.timetable.next_wake(), None);
}

#[test]
fn a_resumed_schedule_goes_on_from_that_moment() {
    let schedules = [schedule(&json!({"runCatchupScheduleInstances": true}))];
    let mut world = World::new(&schedules, at(0));
    let mark = world.timetable.pause("s", Some("maintenance".to_owned()), at(5)).unwrap();
    world.commit(mark);
    assert_eq!(world.timetable.pause("s", None, at(6)), None, "already paused");
    assert_eq!(world.timetable.next_wake(), None);
    assert_eq!(world.fires(30), NOTHING);
    let mut world = world.restart(&schedules, at(50));
    assert_eq!(world.fires(60), NOTHING, "a pause outlives a restart");
    let mark = world.timetable.resume("s", at(65)).unwrap();
    world.commit(mark);
    assert_eq!(world.timetable.resume("s", at(65)), None, "not paused");
    assert_eq!(world.fires(66), NOTHING, "no burst");
    assert_eq!(world.fires(70), [70]);
    let mut world = world.restart(&schedules, at(71));
    assert_eq!(world.fires(80), [80]);
}

#[test]
fn a_definition_that_pauses_or_resumes_wins_over_an_older_word() {
    let (running, paused) = ([schedule(&json!({}))], [schedule(&json!({"paused": true}))]);
    let mut world = World::new(&paused, at(0));
    assert_eq!(world.fires(20), NOTHING);
    let mark = world.timetable.resume("s", at(25)).unwrap();
    world.commit(mark);
    let mut world = world.restart(&paused, at(26));
    assert_eq!(world.fires(30), [30], "resumed by hand, whatever the file has always said");
    let mut world = world.restart(&running, at(31));
    assert_eq!(world.fires(40), [40]);
    let mut world = world.restart(&paused, at(41));
    assert_eq!(world.fires(50), NOTHING, "the file was changed to say so");
    let mut world = world.restart(&running, at(95));
    assert_eq!(world.fires(95), NOTHING, "no burst");
    assert_eq!(world.fires(100), [100]);
}

#[test]
fn a_changed_timing_fires_nothing_from_before_the_change() {
    let before = [schedule(&json!({}))];
    let after = [schedule(&json!({"cronExpression": "*/15 * * * * *"}))];
    let mut world = World::new(&before, at(0));
    world.fires(10);
    let mut world = world.restart(&after, at(100));
    assert_eq!(world.fires(100), NOTHING);
    assert_eq!(world.fires(105), [105]);
    let mut world = world.restart(&after, at(106));
    assert_eq!(world.fires(120), [120]);
}

#[test]
fn a_schedule_that_is_gone_takes_its_watermark_along() {
    let mut world = World::new(&[schedule(&json!({}))], at(0));
    world.fires(10);
    let mut world = world.restart(&[], at(11));
    assert_eq!(world.turn(at(11)).gone, ["s"]);
    let mut world = world.restart(&[schedule(&json!({}))], at(1000));
    assert_eq!(world.fires(1000), NOTHING);
}

#[test]
fn replanning_keeps_what_was_not_told_yet() {
    let mut timetable = Timetable::new([schedule(&json!({}))], Vec::new(), at(0));
    timetable = timetable.replan([schedule(&json!({})), schedule(&json!({"name": "other"}))], at(5));
    let due = timetable.due(at(10), &|_| None);
    assert_eq!(due.slots.len(), 2);
    let told: Vec<_> = due.watermarks.iter().map(|mark| mark.schedule.as_str()).collect();
    assert_eq!(told, ["s", "other"]);
    timetable = timetable.replan([], at(11));
    assert_eq!(timetable.due(at(11), &|_| None).gone, ["other", "s"]);
}

/// A turn costs what is due: with 10,000 schedules and one of them due, a million turns would take a minute, not a day.
#[test]
fn a_turn_looks_only_at_what_is_due() {
    let many = (0..10_000).map(|number| {
        let name = format!("s{number}");
        schedule(&json!({"name": name, "cronExpression": "0 0 3 1 * *"}))
    });
    let busy = schedule(&json!({"name": "busy"}));
    let mut timetable = Timetable::new(many.chain([busy]), Vec::new(), at(0));
    timetable.due(at(0), &|_| None);
    let mut now = at(0);
    for _ in 0..100 {
        now = timetable.next_wake().unwrap();
        let asked = std::cell::Cell::new(0);
        let due = timetable.due(now, &|_| {
            asked.set(asked.get() + 1);
            None
        });
        assert_eq!((due.slots.len(), due.watermarks.len(), asked.get()), (1, 1, 1));
    }
    assert_eq!(now, at(1000));
    assert!(SLEEP_MAX <= Duration::from_mins(1), "a step back that is waited for must be noticed before it is over");
}
