//! The journey of a token.

use serde_json::{Value, json};

use super::rig::{Rig, done, failed, response, trouble, unknown};
use crate::engine::{Answer, Operation};
use crate::words::{TaskStatus, WorkflowStatus};

fn fetch(method: &str) -> Value {
    json!({
        "name": "retrieve_token", "taskReferenceName": "retrieve_token", "type": "HTTP",
        "inputParameters": {
            "uri": "http://issuer/api/token", "method": method,
            "body": {"keyId": "${workflow.secrets.appKeyId}"},
            "outputFilter": {"_secrets": {"token": "$${retrieve_token.output.response.body.token}"}},
        },
    })
}

fn store() -> Value {
    json!({
        "name": "update_secret_task", "taskReferenceName": "update", "type": "UPDATE_SECRET",
        "inputParameters": {"_secrets": {
            "secretKey": "my_token", "secretValue": "${retrieve_token.output._secrets.token}",
        }},
    })
}

fn rotation() -> Rig {
    Rig::new(json!([fetch("POST"), store()]))
}

/// A rotation that has its token and is about to store it.
fn fetched() -> Rig {
    let mut rig = rotation();
    rig.answer(1, Answer::Ready);
    rig.answer(1, response(200, json!({"token": "tok-1234567890"})));
    rig
}

#[test]
fn rotation_goes_preflight_start_call_store() {
    let mut rig = rotation();
    assert_eq!(rig.released(), ["preflight 1"]);
    assert_eq!(rig.run(1).status, TaskStatus::Scheduled);
    rig.answer(1, Answer::Ready);
    assert_eq!(rig.released(), ["perform 1"]);
    rig.answer_with(1, response(200, json!({"token": "tok-1234567890"})), &["key-1"]);
    assert_eq!(rig.released(), ["perform 2"]);
    assert_eq!(rig.run(1).output.expose(), &json!({"_secrets": {"token": "tok-1234567890"}}));
    assert_eq!(rig.run(2).input.expose()["_secrets"]["secretValue"], "tok-1234567890");
    rig.answer(2, done());
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert!(rig.execution.unstored().is_empty());
    let masks: Vec<_> = rig.execution.masks.iter().map(crate::words::Sensitive::expose).collect();
    assert_eq!(masks, ["key-1", "tok-1234567890"]);
}

#[test]
fn stored_input_keeps_the_reference_to_a_secret() {
    let rig = rotation();
    assert_eq!(rig.run(1).input.expose()["body"]["keyId"], "${workflow.secrets.appKeyId}");
}

#[test]
fn data_never_becomes_a_reference_to_a_secret() {
    let mut rig = Rig::new(json!([
        {"name": "a", "taskReferenceName": "a"},
        {"name": "b", "taskReferenceName": "b", "inputParameters": {"x": "${a.output.x}"}},
    ]));
    rig.work(1, TaskStatus::Completed, json!({"x": "${workflow.secrets.foo}"}));
    let stored = rig.run(2).input.expose();
    assert!(crate::workflow::expressions::references(stored).is_empty(), "{stored}");
    assert_eq!(rig.json()["tasks"][1]["inputData"]["x"], "${workflow.secrets.foo}");
}

#[test]
fn missing_path_fails_the_task_and_keeps_the_response() {
    let mut rig = rotation();
    rig.answer(1, Answer::Ready);
    rig.answer(1, response(200, json!({"tokn": "tok-1234567890"})));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert!(rig.reason().contains("fetched but not extracted: "), "{}", rig.reason());
    assert_eq!(rig.run(1).response.as_ref().unwrap().body.expose()["tokn"], "tok-1234567890");
    assert_eq!(rig.execution.unstored().len(), 1);
}

#[test]
fn refused_body_is_hidden_where_a_filter_is_given() {
    let mut rig = rotation();
    rig.answer(1, Answer::Ready);
    rig.answer(1, response(401, json!({"hint": "tok-old"})));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert!(rig.reason().contains("401 Unauthorized on POST request for"), "{}", rig.reason());
    assert!(!rig.json()["tasks"][0].to_string().contains("tok-old"));
    assert!(rig.execution.unstored().is_empty());
}

#[test]
fn preflight_in_trouble_waits_and_does_not_call() {
    let mut rig = rotation();
    rig.answer(1, trouble());
    assert!(rig.owed().is_empty());
    rig.advance(1);
    assert_eq!(rig.released(), ["preflight 1"]);
    rig.answer(1, trouble());
    rig.advance(1);
    assert!(rig.released().is_empty());
    rig.advance(1);
    assert_eq!(rig.released(), ["preflight 1"]);
    rig.answer(1, Answer::Ready);
    assert_eq!(rig.released(), ["perform 1"]);
}

#[test]
fn store_in_trouble_is_tried_again_for_as_long_as_it_may_be() {
    let mut rig = fetched();
    for _ in 0..12 {
        rig.answer(2, trouble());
        assert_eq!(rig.run(2).status, TaskStatus::InProgress);
        assert_eq!(rig.execution.unstored().len(), 1);
        rig.advance(300);
        assert_eq!(rig.released(), ["perform 2"]);
    }
    rig.advance(73 * 3600);
    rig.answer(2, trouble());
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert_eq!(rig.execution.unstored().len(), 1);
    rig.operate(Operation::Retry).unwrap();
    assert_eq!(rig.released(), ["perform 3"]);
    rig.answer(3, done());
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert!(rig.execution.unstored().is_empty());
}

#[test]
fn store_in_trouble_is_tried_again_during_a_pause() {
    let mut rig = fetched();
    rig.answer(2, trouble());
    rig.operate(Operation::Pause).unwrap();
    rig.advance(1);
    assert_eq!(rig.released(), ["perform 2"]);
    rig.answer(2, done());
    rig.operate(Operation::Resume).unwrap();
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn dismissed_is_no_problem_any_more() {
    let mut rig = fetched();
    rig.operate(Operation::Terminate { reason: None }).unwrap();
    assert_eq!(rig.execution.unstored().len(), 1);
    rig.operate(Operation::Dismiss).unwrap();
    assert!(rig.execution.unstored().is_empty());
}

#[test]
fn update_secret_without_permission_ends_the_workflow_with_403() {
    let mut optional = store();
    optional["optional"] = json!(true);
    optional["retryCount"] = json!(3);
    let mut rig = Rig::new(json!([fetch("POST"), optional]));
    rig.answer(1, Answer::Ready);
    rig.answer(1, response(200, json!({"token": "tok-1234567890"})));
    rig.answer(2, failed("403: no update permission", true));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert!(rig.reason().starts_with("403: "), "{}", rig.reason());
    assert_eq!(rig.run(2).status, TaskStatus::FailedWithTerminalError);
}

fn in_doubt(rig: &Rig) {
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert!(rig.reason().contains("in doubt: "), "{}", rig.reason());
    assert!(rig.reason().contains("\"my_token\""), "{}", rig.reason());
    assert_eq!(rig.execution.in_doubt().len(), 1);
}

#[test]
fn feeding_call_with_unknown_outcome_is_in_doubt_and_not_repeated() {
    let mut task = fetch("POST");
    task["retryCount"] = json!(5);
    let mut rig = Rig::new(json!([task, store()]));
    rig.answer(1, Answer::Ready);
    rig.answer(1, unknown());
    in_doubt(&rig);
}

#[test]
fn feeding_call_that_was_in_flight_at_a_crash_is_in_doubt() {
    let mut rig = rotation();
    rig.answer(1, Answer::Ready);
    rig.crash();
    in_doubt(&rig);
}

#[test]
fn call_that_was_only_scheduled_at_a_crash_goes_on() {
    let mut rig = rotation();
    rig.crash();
    assert_eq!(rig.owed(), ["preflight 1"]);
}

#[test]
fn idempotent_call_and_store_are_done_again_after_a_crash() {
    let mut rig = Rig::new(json!([fetch("GET"), store()]));
    rig.answer(1, Answer::Ready);
    rig.crash();
    assert_eq!(rig.owed(), ["perform 1"]);
    rig.answer(1, response(200, json!({"token": "tok-1234567890"})));
    rig.crash();
    assert_eq!(rig.owed(), ["perform 2"]);
}

#[test]
fn unknown_outcome_is_repeated_where_the_task_says_so() {
    let mut task = fetch("POST");
    task["retryCount"] = json!(1);
    task["inputParameters"]["onUnknownOutcome"] = json!("retry");
    let mut rig = Rig::new(json!([task, store()]));
    rig.answer(1, Answer::Ready);
    rig.answer(1, unknown());
    assert_eq!(rig.status(), WorkflowStatus::Running);
    assert_eq!(rig.tasks(), ["retrieve_token FAILED", "retrieve_token SCHEDULED"]);
}

#[test]
fn unsent_call_is_an_ordinary_failure() {
    let mut rig = rotation();
    rig.answer(1, Answer::Ready);
    rig.answer(1, Answer::NotSent { reason: "connection refused".to_owned() });
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert!(rig.execution.in_doubt().is_empty());
}

#[test]
fn late_response_of_a_terminated_call_is_evidence_and_changes_no_state() {
    let mut rig = rotation();
    rig.answer(1, Answer::Ready);
    rig.operate(Operation::Terminate { reason: Some("enough".to_owned()) }).unwrap();
    assert!(rig.released().is_empty(), "a feeding call is never cut: {:?}", rig.released());
    assert_eq!(rig.execution.in_doubt().len(), 1);
    // Who dismisses the doubt does not dismiss a token that nobody has seen yet.
    rig.operate(Operation::Dismiss).unwrap();
    rig.answer(1, response(200, json!({"token": "tok-1234567890"})));
    assert_eq!((rig.status(), rig.run(1).status), (WorkflowStatus::Terminated, TaskStatus::Canceled));
    assert!(rig.execution.in_doubt().is_empty());
    assert_eq!(rig.execution.unstored().len(), 1);
    assert!(rig.execution.masks.iter().any(|mask| mask.expose() == "tok-1234567890"));
    let again = rig.answer(1, response(200, json!({"token": "another"})));
    assert_eq!(again, 0, "evidence is kept once");
}

#[test]
fn late_store_of_a_terminated_run_counts() {
    let mut rig = fetched();
    rig.operate(Operation::Terminate { reason: None }).unwrap();
    assert_eq!(rig.execution.unstored().len(), 1);
    rig.answer(2, done());
    assert!(rig.execution.unstored().is_empty());
}

#[test]
fn late_answer_of_an_old_attempt_changes_no_state() {
    let mut task = fetch("POST");
    task["retryCount"] = json!(1);
    let mut rig = Rig::new(json!([task, store()]));
    rig.answer(1, Answer::Ready);
    rig.answer(1, response(500, json!({})));
    rig.advance(60);
    rig.answer(2, Answer::Ready);
    rig.answer(1, response(200, json!({"token": "old"})));
    assert_eq!(rig.run(1).status, TaskStatus::Failed);
    assert_eq!(rig.run(2).status, TaskStatus::InProgress);
}

#[test]
fn workflow_timeout_does_not_end_a_run_that_waits_to_store() {
    let mut rig = Rig::of(
        json!({"name": "w", "timeoutSeconds": 10, "timeoutPolicy": "TIME_OUT_WF", "tasks": [fetch("POST"), store()]}),
        json!([]),
        json!({}),
    );
    rig.answer(1, Answer::Ready);
    rig.answer(1, response(200, json!({"token": "tok-1234567890"})));
    rig.answer(2, trouble());
    rig.advance(11);
    assert_eq!(rig.status(), WorkflowStatus::Running);
    assert!(rig.execution.overdue_store());
    rig.answer(2, done());
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn task_timeout_does_not_end_a_store_that_waits() {
    let mut rig = Rig::of(
        json!({"name": "w", "tasks": [fetch("POST"), store()]}),
        json!([{"name": "update_secret_task", "timeoutSeconds": 5}]),
        json!({}),
    );
    rig.answer(1, Answer::Ready);
    rig.answer(1, response(200, json!({"token": "tok-1234567890"})));
    rig.advance(6);
    assert_eq!(rig.run(2).status, TaskStatus::InProgress);
    assert!(rig.execution.overdue_store());
}

#[test]
fn task_timeout_of_a_feeding_call_is_in_doubt() {
    let mut rig = Rig::of(
        json!({"name": "w", "tasks": [fetch("POST"), store()]}),
        json!([{"name": "retrieve_token", "timeoutSeconds": 5, "timeoutPolicy": "RETRY", "retryCount": 3}]),
        json!({}),
    );
    rig.answer(1, Answer::Ready);
    rig.advance(5);
    assert_eq!(rig.status(), WorkflowStatus::TimedOut);
    assert_eq!(rig.execution.in_doubt().len(), 1);
    assert!(rig.released().is_empty(), "{:?}", rig.released());
}

#[test]
fn retry_after_a_failed_store_does_not_fetch_again() {
    let mut rig = fetched();
    rig.answer(2, failed("refused: the value is an HTML page", false));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    rig.operate(Operation::Retry).unwrap();
    assert_eq!(rig.owed(), ["perform 3"]);
    assert_eq!(rig.run(3).input.expose()["_secrets"]["secretValue"], "tok-1234567890");
}

#[test]
fn restart_keeps_what_was_fetched_as_a_problem_until_it_is_fetched_again() {
    let mut rig = fetched();
    rig.answer(2, failed("refused", false));
    rig.operate(Operation::Restart).unwrap();
    rig.operate(Operation::Terminate { reason: None }).unwrap();
    assert_eq!(rig.execution.unstored().len(), 1);
    rig.operate(Operation::Restart).unwrap();
    let fetch = rig.execution.runs.len().try_into().unwrap();
    rig.answer(fetch, Answer::Ready);
    rig.answer(fetch, response(200, json!({"token": "tok-new"})));
    rig.answer(fetch + 1, done());
    assert!(rig.execution.unstored().is_empty());
}

#[test]
fn a_value_that_comes_with_a_refused_status_is_masked() {
    let mut plain = fetch("POST");
    plain["inputParameters"].as_object_mut().unwrap().remove("outputFilter");
    plain["inputParameters"]["acceptedStatusCodes"] = json!([200]);
    let mut store = store();
    store["inputParameters"]["_secrets"]["secretValue"] = "${retrieve_token.output.response.body.token}".into();
    let mut rig = Rig::new(json!([plain, store]));
    rig.answer(1, Answer::Ready);
    rig.answer(1, response(201, json!({"token": "tok-1234567890"})));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert!(rig.execution.masks.iter().any(|mask| mask.expose() == "tok-1234567890"));
}

#[test]
fn trouble_after_a_call_has_begun_repeats_nothing() {
    let mut rig = rotation();
    rig.answer(1, Answer::Ready);
    rig.answer(1, trouble());
    assert!(rig.run(1).in_doubt);
    assert_eq!(rig.status(), WorkflowStatus::Failed);
}

#[test]
fn what_comes_as_deep_as_it_may_can_be_read_back() {
    let deep = |levels: usize| (0..levels).fold(json!("leaf"), |inner, _| json!({"a": inner}));
    assert!(!crate::engine::is_too_deep(&deep(100)) && crate::engine::is_too_deep(&deep(101)));
    let mut rig = rotation();
    rig.answer(1, Answer::Ready);
    rig.answer(1, response(200, json!({"token": "tok-1234567890", "more": deep(99)})));
    let text = serde_json::to_string(&rig.events).unwrap();
    assert!(serde_json::from_str::<Vec<crate::engine::Event>>(&text).is_ok());
}

#[test]
fn an_output_of_a_worker_that_nests_too_deep_fails_its_task() {
    let mut rig = Rig::new(json!([{"name": "work", "taskReferenceName": "work", "type": "SIMPLE"}]));
    rig.poll(1);
    rig.update(1, TaskStatus::Completed, (0..101).fold(json!({}), |inner, _| json!({"a": inner})));
    assert_eq!(rig.run(1).status, TaskStatus::FailedWithTerminalError);
}

#[test]
fn pause_and_resume_repeat_no_call_that_is_under_way() {
    let mut rig = rotation();
    rig.answer(1, Answer::Ready);
    assert_eq!(rig.released(), ["perform 1"]);
    rig.operate(Operation::Pause).unwrap();
    rig.operate(Operation::Resume).unwrap();
    assert!(rig.released().is_empty(), "a resume released {:?}", rig.released());
    assert_eq!(rig.owed(), ["perform 1"]);
}
