//! One call of a task at a time, whatever becomes of the runs.

use serde_json::{Value, json};

use super::rig::{Rig, done, response, unknown};
use crate::engine::{Answer, Operation};
use crate::words::{RunNumber, TaskStatus, WorkflowStatus};

fn fetch(path: &str) -> Value {
    json!({"name": "fetch", "taskReferenceName": "fetch", "type": "HTTP", "inputParameters": {
        "uri": "http://issuer/token", "method": "POST", "onUnknownOutcome": path,
        "outputFilter": {"_secrets": {"token": "$${fetch.output.response.body.token}"}}}})
}

fn store() -> Value {
    json!({"name": "store", "taskReferenceName": "store", "type": "UPDATE_SECRET", "inputParameters": {
        "_secrets": {"secretKey": "token", "secretValue": "${fetch.output._secrets.token}"}}})
}

/// A rotation whose call is under way while its run has ended.
fn terminated() -> Rig {
    let mut rig = Rig::new(json!([fetch("fail"), store()]));
    rig.answer(1, Answer::Ready);
    rig.under_way.insert(RunNumber(1));
    rig.operate(Operation::Terminate { reason: None }).unwrap();
    rig
}

/// The call of the first run is answered.
fn answered(rig: &mut Rig, answer: Answer) {
    rig.under_way.remove(&RunNumber(1));
    rig.answer(1, answer);
}

#[test]
fn a_retry_waits_for_the_call_that_is_under_way() {
    let mut rig = terminated();
    rig.operate(Operation::Retry).unwrap();
    rig.answer(2, Answer::Ready);
    assert_eq!((rig.run(2).status, rig.owed()), (TaskStatus::Scheduled, Vec::new()));
    let shown = rig.json()["tasks"][1]["reasonForIncompletion"].to_string();
    assert!(shown.contains("waits for an earlier call of this task"), "{shown}");
    answered(&mut rig, response(200, json!({"token": "tok-older-00000"})));
    assert_eq!(rig.released(), ["preflight 2"]);
    rig.answer(2, Answer::Ready);
    assert_eq!(rig.released(), ["perform 2"]);
    assert!(rig.json()["tasks"][1].get("reasonForIncompletion").is_none(), "it waits no more");
    rig.answer(2, response(200, json!({"token": "tok-newer-00000"})));
    assert_eq!(rig.run(3).input.expose()["_secrets"]["secretValue"], "tok-newer-00000");
    rig.answer(3, done());
    assert!(rig.execution.unstored().is_empty() && rig.execution.in_doubt().is_empty());
}

#[test]
fn a_restart_waits_too_and_an_unknown_outcome_ends_the_wait() {
    let mut rig = terminated();
    rig.operate(Operation::Restart).unwrap();
    rig.answer(2, Answer::Ready);
    assert_eq!(rig.run(2).status, TaskStatus::Scheduled);
    answered(&mut rig, unknown());
    assert_eq!(rig.released(), ["preflight 2"]);
}

#[test]
fn a_retry_after_a_crash_waits_for_nothing() {
    let mut rig = terminated();
    rig.under_way.clear();
    rig.operate(Operation::Retry).unwrap();
    rig.answer(2, Answer::Ready);
    assert_eq!(rig.released(), ["perform 2"]);
}

#[test]
fn a_run_that_waits_its_turn_looks_again_by_itself() {
    let mut rig = terminated();
    rig.operate(Operation::Retry).unwrap();
    rig.answer(2, Answer::Ready);
    rig.under_way.clear();
    rig.advance(30);
    assert_eq!(rig.released(), ["preflight 2"]);
}

#[test]
fn an_answer_during_a_pause_lets_nothing_begin() {
    let mut rig = terminated();
    rig.operate(Operation::Retry).unwrap();
    rig.answer(2, Answer::Ready);
    rig.operate(Operation::Pause).unwrap();
    answered(&mut rig, unknown());
    assert!(rig.released().is_empty());
    rig.now = rig.now.plus(std::time::Duration::from_secs(30));
    rig.operate(Operation::Resume).unwrap();
    assert_eq!(rig.released(), ["preflight 2"]);
}

#[test]
fn a_repetition_that_the_task_asks_for_waits_as_well() {
    let mut rig = Rig::of(
        json!({"name": "w", "tasks": [fetch("retry"), store()]}),
        json!([{"name": "fetch", "timeoutSeconds": 5, "timeoutPolicy": "RETRY", "retryCount": 3, "retryDelaySeconds": 0}]),
        json!({}),
    );
    rig.answer(1, Answer::Ready);
    rig.under_way.insert(RunNumber(1));
    rig.advance(5);
    assert_eq!(rig.run(1).status, TaskStatus::TimedOut);
    rig.answer(2, Answer::Ready);
    assert_eq!(rig.run(2).status, TaskStatus::Scheduled);
    answered(&mut rig, unknown());
    rig.answer(2, Answer::Ready);
    assert_eq!(rig.released(), ["perform 2"]);
}

#[test]
fn a_call_whose_output_may_feed_a_secret_elsewhere_waits_without_a_preflight() {
    let call = json!({"name": "call", "taskReferenceName": "call", "type": "HTTP",
        "inputParameters": {"uri": "http://issuer/token", "method": "POST"}});
    let mut rig = Rig::new(json!([call]));
    assert_eq!(rig.released(), ["perform 1"]);
    rig.under_way.insert(RunNumber(1));
    rig.operate(Operation::Terminate { reason: None }).unwrap();
    rig.operate(Operation::Retry).unwrap();
    assert_eq!((rig.run(2).status, rig.owed()), (TaskStatus::Scheduled, Vec::new()));
    answered(&mut rig, response(200, json!({})));
    assert_eq!(rig.released(), ["perform 2"]);
    rig.answer(2, response(200, json!({})));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}
