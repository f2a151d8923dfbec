//! A schedule by itself: its slots, its errors, and what its runs are told.

use std::time::Duration;

use serde_json::json;

use super::{World, at, definition, run, schedule};
use crate::scheduler::{Defaults, DueSlot, Error, Schedule, rotation_timeout, slot_input};
use crate::words::{Map, Timestamp};
use crate::workflow::definition::{Dst, Overlap, WorkflowSchedule};

#[test]
fn several_crons_share_a_slot_and_the_first_names_it() {
    let crons = json!({"cronSchedules": [
        {"cronExpression": "0 0 14 * * *", "zoneId": "Europe/Berlin"},
        {"cronExpression": "0 0 13 * * *", "zoneId": "UTC"},
        {"cronExpression": "0 30 13 * * *"},
    ]});
    let mut world = World::new(&[schedule(&crons)], at(0));
    let due = world.turn(at(3600));
    let slot = |due, cron: &str| DueSlot { schedule: "s".to_owned(), due, cron: cron.to_owned(), catch_up: false };
    assert_eq!(due.slots, [slot(at(3600), "0 0 14 * * * Europe/Berlin")]);
    assert_eq!(world.turn(at(5400)).slots, [slot(at(5400), "0 30 13 * * * UTC")]);
}

#[test]
fn a_schedule_gets_on_where_spring_steps_on_the_spot() {
    let spring =
        schedule(&json!({"cronExpression": "0 27 1-4 * * *", "zoneId": "Australia/Lord_Howe", "dst": "spring"}));
    let mut after = Timestamp::parse("2029-03-31T00:00:00Z").unwrap();
    for _ in 0..20 {
        let next = spring.next(after).unwrap().due;
        assert!(next > after);
        after = next;
    }
}

#[test]
fn a_definition_that_cannot_be_planned_says_why() {
    let error = |more| Schedule::from_definition(&definition(&more), Defaults::default()).unwrap_err().to_string();
    let none = WorkflowSchedule { cron_expression: None, ..definition(&json!({})) };
    let error_of_none = Schedule::from_definition(&none, Defaults::default()).unwrap_err();
    assert_eq!(error_of_none, Error::NoCron { schedule: "s".to_owned() });
    assert_eq!(
        error(json!({"cronExpression": "* * * * *"})),
        "schedule `s`: cron expression `* * * * *`: the expression has five fields instead of six"
    );
    assert_eq!(error(json!({"zoneId": "Mars/Base"})), "schedule `s`: `Mars/Base` is not an IANA time zone");
    let many = vec![json!({"cronExpression": "0 0 0 * * *"}); 101];
    assert_eq!(error(json!({"cronSchedules": many})), "schedule `s` has 101 crons; at most 100 are taken");
}

#[test]
fn an_unset_field_takes_the_default_of_the_settings() {
    let defaults = Defaults { overlap: Overlap::Allow, dst: Dst::Spring };
    let unset = Schedule::from_definition(&definition(&json!({})), defaults).unwrap();
    assert_eq!((unset.overlap, unset.dst), (Overlap::Allow, Dst::Spring));
    let set = Schedule::from_definition(&definition(&json!({"overlap": "skip", "dst": "once"})), defaults).unwrap();
    assert_eq!((set.overlap, set.dst), (Overlap::Skip, Dst::Once));
}

#[test]
fn a_run_is_told_what_conductor_tells_it() {
    let slot =
        DueSlot { schedule: "s".to_owned(), due: at(10), cron: "*/10 * * * * * UTC".to_owned(), catch_up: false };
    let mut request = Map::new();
    request.insert("a".to_owned(), json!(1));
    request.insert("_scheduledTime".to_owned(), json!("not yours"));
    let input = slot_input(&request, &slot, at(11), run(1));
    assert_eq!(
        serde_json::Value::Object(input),
        json!({"a": 1, "_startedByScheduler": "s", "_scheduledTime": at(10).as_millis(),
            "_executedTime": at(11).as_millis(), "_executionId": "00000000-0000-0000-0000-000000000001",
            "_schedulerCron": "*/10 * * * * * UTC"})
    );
}

#[test]
fn a_rotation_may_take_ten_minutes_or_two_periods() {
    let daily = schedule(&json!({"cronExpression": "0 0 3 * * *"})).period(at(0));
    assert_eq!(rotation_timeout(daily), Duration::from_hours(48));
    assert_eq!(rotation_timeout(schedule(&json!({})).period(at(0))), Duration::from_mins(10));
    assert_eq!(rotation_timeout(None), Duration::from_mins(10));
}
