//! Executions of a workflow with `rateLimitConfig` begin when there is room.

use serde_json::{Value, json};

use super::rig::{Rig, sub, wait, workflow};
use crate::disk::Fault;
use crate::engine::Operation;
use crate::words::{ExecutionId, TaskStatus, WorkflowStatus};

fn limited(limit: i64) -> Value {
    let mut definition = workflow("limited", &[wait("a")]);
    definition["rateLimitConfig"] = json!({"rateLimitKey": "${workflow.input.of}", "concurrentExecLimit": limit});
    definition
}

fn start(rig: &mut Rig, of: &str) -> ExecutionId {
    rig.start("limited", &json!({"of": of}))
}

/// Returns whether an execution has begun; what is shown says the same.
fn runs(rig: &Rig, id: ExecutionId) -> bool {
    let json = rig.json(id);
    let has_begun = json["tasks"] != json!([]);
    assert_eq!((&json["rateLimited"], json["status"].as_str().unwrap()), (&json!(!has_begun), "RUNNING"));
    has_begun
}

fn which(rig: &Rig, ids: &[ExecutionId]) -> Vec<bool> {
    ids.iter().map(|id| runs(rig, *id)).collect()
}

fn finish(rig: &mut Rig, id: ExecutionId) {
    rig.update(id, "a", TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(id), WorkflowStatus::Completed);
}

#[test]
fn as_many_as_the_limit_run_and_the_others_begin_in_order_as_there_is_room() {
    let mut rig = Rig::new(&[limited(2)]);
    let ids: Vec<_> = (0..5).map(|_| start(&mut rig, "x")).collect();
    assert_eq!(which(&rig, &ids), [true, true, false, false, false]);
    finish(&mut rig, ids[1]);
    assert!(runs(&rig, ids[2]) && !runs(&rig, ids[3]));
    rig.operate(ids[0], Operation::Terminate { reason: None }).unwrap();
    assert!(runs(&rig, ids[3]) && !runs(&rig, ids[4]));
    finish(&mut rig, ids[2]);
    finish(&mut rig, ids[3]);
    finish(&mut rig, ids[4]);
    let last = start(&mut rig, "x");
    assert!(runs(&rig, last), "nobody is left");
}

#[test]
fn a_limit_that_is_no_number_counts_as_the_one_that_it_is_read_as() {
    for limit in [json!("1"), json!(1.5)] {
        let mut definition = limited(1);
        definition["rateLimitConfig"]["concurrentExecLimit"] = limit;
        let mut rig = Rig::new(&[definition]);
        let ids: Vec<_> = (0..2).map(|_| start(&mut rig, "x")).collect();
        assert_eq!(which(&rig, &ids), [true, false]);
    }
}

#[test]
fn each_key_has_room_of_its_own_and_a_higher_priority_goes_first() {
    let mut rig = Rig::new(&[limited(1)]);
    let (first, other) = (start(&mut rig, "x"), start(&mut rig, "y"));
    assert!(runs(&rig, first) && runs(&rig, other));
    assert_eq!(rig.json(first)["rateLimitKey"], "x");
    let (early, high) = (start(&mut rig, "x"), rig.start_before("limited", &json!({"of": "x"}), 50));
    finish(&mut rig, first);
    assert_eq!(which(&rig, &[early, high]), [false, true]);
    finish(&mut rig, high);
    assert!(runs(&rig, early));
}

#[test]
fn one_that_waits_can_be_paused_and_ended_and_lets_others_pass() {
    let mut rig = Rig::new(&[limited(1)]);
    let ids: Vec<_> = (0..4).map(|_| start(&mut rig, "x")).collect();
    rig.operate(ids[1], Operation::Pause).unwrap();
    rig.operate(ids[2], Operation::Terminate { reason: None }).unwrap();
    assert_eq!(rig.status(ids[2]), WorkflowStatus::Terminated);
    finish(&mut rig, ids[0]);
    assert!(runs(&rig, ids[3]));
    assert_eq!((rig.status(ids[1]), rig.json(ids[1])["tasks"].clone()), (WorkflowStatus::Paused, json!([])));
    finish(&mut rig, ids[3]);
    rig.operate(ids[1], Operation::Resume).unwrap();
    assert!(runs(&rig, ids[1]));
    assert!(rig.operate(ids[2], Operation::Retry).is_err(), "it has not begun");
    rig.operate(ids[2], Operation::Restart).unwrap();
    assert!(!runs(&rig, ids[2]));
    finish(&mut rig, ids[1]);
    assert!(runs(&rig, ids[2]));
}

#[test]
fn a_crash_and_a_journal_that_cannot_be_written_change_nothing_of_it() {
    let mut rig = Rig::new(&[limited(1)]);
    let ids: Vec<_> = (0..3).map(|_| start(&mut rig, "x")).collect();
    rig.crash();
    assert_eq!(which(&rig, &ids), [true, false, false]);
    rig.disk.fail_at(rig.disk.steps(), Fault::NoSpace);
    let refused = rig.operate(ids[0], Operation::Terminate { reason: None });
    assert!(refused.is_err());
    rig.pass(1);
    assert_eq!(which(&rig, &ids), [true, false, false]);
    finish(&mut rig, ids[0]);
    rig.crash();
    assert_eq!(which(&rig, &ids[1..]), [true, false]);
    finish(&mut rig, ids[1]);
    assert!(runs(&rig, ids[2]));
}

#[test]
fn what_is_made_again_from_the_beginning_waits_and_a_retry_goes_on_at_once() {
    let mut rig = Rig::new(&[limited(1)]);
    let (first, second) = (start(&mut rig, "x"), start(&mut rig, "x"));
    rig.update(first, "a", TaskStatus::FailedWithTerminalError, json!({}));
    assert!(runs(&rig, second));
    rig.operate(first, Operation::Rerun(Box::default())).unwrap();
    assert!(!runs(&rig, first));
    finish(&mut rig, second);
    assert!(runs(&rig, first));
    rig.update(first, "a", TaskStatus::FailedWithTerminalError, json!({}));
    let third = start(&mut rig, "x");
    rig.operate(first, Operation::Retry).unwrap();
    assert!(runs(&rig, first) && runs(&rig, third), "somebody wants it to go on");
    let fourth = start(&mut rig, "x");
    finish(&mut rig, first);
    assert!(!runs(&rig, fourth), "the third one runs");
    finish(&mut rig, third);
    assert!(runs(&rig, fourth));
}

#[test]
fn a_sub_workflow_waits_for_room_and_its_parent_for_it() {
    let mut rig = Rig::new(&[limited(1), workflow("parent", &[sub("below", "limited", json!({"of": "x"}))])]);
    let first = start(&mut rig, "x");
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "below");
    assert!(!runs(&rig, child));
    finish(&mut rig, first);
    finish(&mut rig, child);
    assert_eq!(rig.status(parent), WorkflowStatus::Completed);
}

#[test]
fn a_time_limit_counts_while_an_execution_waits() {
    let mut definition = limited(1);
    definition["timeoutSeconds"] = json!(60);
    definition["timeoutPolicy"] = json!("TIME_OUT_WF");
    let mut rig = Rig::new(&[definition]);
    let first = start(&mut rig, "x");
    rig.pass(30);
    let second = start(&mut rig, "x");
    rig.pass(30);
    assert_eq!(rig.status(first), WorkflowStatus::TimedOut);
    assert!(runs(&rig, second));
    rig.pass(30);
    assert_eq!(rig.status(second), WorkflowStatus::TimedOut);
}
