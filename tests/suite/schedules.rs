//! `schedule …`.

use serde_json::json;

use super::rig::Test;

const NIGHTLY: &str = r#"name: nightly
version: 1
schedules:
  - cronExpression: "0 0 3 * * *"
    zoneId: UTC
tasks:
  - {name: n, taskReferenceName: n, type: NOOP}
"#;

#[test]
fn schedules_are_listed_with_their_next_time() {
    let test = Test::new().file("workflows/nightly.yaml", NIGHTLY);
    let schedules = test.keytide(&["schedule", "list", "-o", "json"]).success().json();
    assert_eq!(
        (&schedules[0]["name"], &schedules[0]["origin"]),
        (&"nightly".into(), &"file:workflows/nightly.yaml".into())
    );
    assert!(schedules[0]["nextRunTime"].is_i64());
    let next = ["schedule", "next", "-n", "2", "--after", "2026-11-20T12:00:00Z", "-o", "json"];
    let expected = json!([
        {"schedule": "nightly", "workflow": "nightly", "next": "2026-11-21T03:00:00Z"},
        {"schedule": "nightly", "workflow": "nightly", "next": "2026-11-22T03:00:00Z"},
    ]);
    assert_eq!(test.keytide(&next).success().json(), expected);
    test.keytide(&["schedule", "next", "nigtly"]).fails(3).tells("did you mean `nightly`?");
}

#[test]
fn a_paused_schedule_stays_paused_until_it_is_resumed() {
    let test = Test::new().file("workflows/nightly.yaml", NIGHTLY);
    test.keytide(&["schedule", "pause", "nightly", "--reason", "holidays"]).success();
    let shown = test.keytide(&["schedule", "list", "-o", "json"]).success().json();
    assert_eq!((&shown[0]["paused"], &shown[0]["pausedReason"]), (&true.into(), &"holidays".into()));
    test.keytide(&["schedule", "resume", "nightly"]).success();
    assert_eq!(test.keytide(&["schedule", "list", "-o", "json"]).success().json()[0]["paused"], false);
    test.keytide(&["schedule", "pause", "other"]).fails(3);
}

#[test]
fn a_schedule_is_triggered_by_hand() {
    let test = Test::new().file("workflows/nightly.yaml", NIGHTLY);
    let run = test.keytide(&["schedule", "trigger", "nightly", "-o", "json"]).success().json();
    assert_eq!((&run["workflowName"], &run["status"]), (&"nightly".into(), &"COMPLETED".into()));
}
