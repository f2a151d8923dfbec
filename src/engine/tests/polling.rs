//! HTTP_POLL asks until its condition holds, and keeps what is asked for.

use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{Rig, response, unknown};
use crate::engine::{Answer, Command};
use crate::executor::script::in_this_process;
use crate::words::{TaskStatus, WorkflowStatus};

fn poll(more: Value) -> Rig {
    let mut request = json!({"uri": "http://x/", "method": "GET", "pollingInterval": "10",
        "terminationCondition": "$.output.response.body.state == 'done'"});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Rig::new(
        json!([{"name": "p", "taskReferenceName": "p", "type": "HTTP_POLL", "inputParameters": {"http_request": request}}]),
    )
}

/// Gives an answer of the URL, and evaluates the condition.
fn answered(rig: &mut Rig, body: Value) {
    rig.answer(1, response(200, body));
    if let Some(Command::Evaluate(question)) = crate::engine::outstanding(&rig.execution).into_iter().next() {
        let verdict = in_this_process(&question);
        rig.answer(1, Answer::Evaluated { token: question.token, verdict });
    }
}

/// Returns how long it waits for the next call, in seconds.
fn wait(rig: &mut Rig) -> u64 {
    let from = rig.now;
    let due = crate::engine::next_deadline(&rig.execution).expect("it waits");
    let wait = due.since(from);
    rig.advance(wait.as_secs());
    wait.as_secs()
}

#[test]
fn it_asks_again_until_the_condition_holds() {
    let mut rig = poll(json!({}));
    assert_eq!(rig.owed(), ["perform 1"]);
    for _ in 0..2 {
        answered(&mut rig, json!({"state": "waiting"}));
        assert_eq!(rig.tasks(), ["p IN_PROGRESS"]);
        assert_eq!(rig.owed(), Vec::<String>::new(), "it waits");
        rig.crash();
        assert_eq!(wait(&mut rig), 10);
        assert_eq!(rig.owed(), ["perform 1"]);
    }
    answered(&mut rig, json!({"state": "done", "token": "t"}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.run(1).output.expose()["response"]["body"], json!({"state": "done", "token": "t"}));
    assert_eq!(rig.run(1).poll_count, 2);
}

#[test]
fn condition_is_asked_for_again_after_a_crash() {
    let mut rig = poll(json!({}));
    rig.answer(1, response(200, json!({"state": "done"})));
    assert_eq!(rig.owed().len(), 1);
    rig.crash();
    assert!(rig.owed()[0].starts_with("evaluate 1"), "{:?}", rig.owed());
}

#[test]
fn waits_grow_as_the_strategy_says() {
    let waits = |strategy: &str| {
        let mut rig = poll(json!({"pollingStrategy": strategy}));
        let mut next = || {
            answered(&mut rig, json!({}));
            wait(&mut rig)
        };
        [next(), next(), next(), next()]
    };
    assert_eq!(waits("FIXED"), [10, 10, 10, 10]);
    assert_eq!(waits("LINEAR_BACKOFF"), [10, 20, 30, 40]);
    assert_eq!(waits("EXPONENTIAL_BACKOFF"), [10, 20, 40, 80]);
    let mut rig = poll(json!({"pollingInterval": 1_000_000}));
    answered(&mut rig, json!({}));
    assert_eq!(wait(&mut rig), Duration::from_hours(24).as_secs());
}

#[test]
fn without_a_condition_the_first_answer_is_the_last() {
    let mut rig = poll(json!({"terminationCondition": null}));
    answered(&mut rig, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn too_many_calls_and_a_broken_condition_fail_the_task_and_say_so() {
    let mut rig = poll(json!({"maxPollCount": 2}));
    answered(&mut rig, json!({}));
    wait(&mut rig);
    answered(&mut rig, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert!(rig.reason().contains("did not hold in 2 polls"), "{}", rig.reason());
    let mut rig = poll(json!({"terminationCondition": "nobody.knows"}));
    answered(&mut rig, json!({}));
    assert_eq!(rig.run(1).status, TaskStatus::Failed);
    assert!(rig.reason().contains("the terminationCondition: "), "{}", rig.reason());
}

#[test]
fn refused_status_and_lost_call_fail_as_those_of_http() {
    let mut rig = poll(json!({}));
    rig.answer(1, response(500, json!({})));
    assert_eq!(rig.run(1).status, TaskStatus::Failed);
    let mut rig = poll(json!({}));
    rig.answer(1, unknown());
    assert_eq!((rig.run(1).status, rig.run(1).in_doubt), (TaskStatus::Failed, false));
}

#[test]
fn condition_sees_what_other_tasks_gave() {
    let first = json!({"name": "a", "taskReferenceName": "first", "type": "SET_VARIABLE", "inputParameters": {"v": 1}});
    let work = json!({"name": "w", "taskReferenceName": "work", "type": "SIMPLE"});
    let poll = json!({"name": "p", "taskReferenceName": "p", "type": "HTTP_POLL", "inputParameters": {"uri": "http://x/",
        "method": "GET", "terminationCondition": "$.work.output.id == $.output.response.body.id"}});
    let mut rig = Rig::new(json!([first, work, poll]));
    rig.work(2, TaskStatus::Completed, json!({"id": 7}));
    rig.answer(3, response(200, json!({"id": 7})));
    let Some(Command::Evaluate(question)) = crate::engine::outstanding(&rig.execution).into_iter().next() else {
        panic!("it asks");
    };
    let verdict = in_this_process(&question);
    rig.answer(3, Answer::Evaluated { token: question.token, verdict });
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn what_feeds_a_secret_is_hidden_from_the_first_answer_on() {
    let poll = json!({"name": "p", "taskReferenceName": "p", "type": "HTTP_POLL", "inputParameters": {"uri": "http://x/",
        "method": "GET", "terminationCondition": "$.output.response.body.done"}});
    let store = json!({"name": "s", "taskReferenceName": "s", "type": "UPDATE_SECRET", "inputParameters": {"_secrets": {
        "secretKey": "k", "secretValue": "${p.output.response.body.token}"}}});
    let mut rig = Rig::new(json!([poll, store]));
    rig.answer(1, Answer::Ready);
    answered(&mut rig, json!({"done": false, "token": "an-early-token"}));
    assert_eq!(rig.tasks(), ["p IN_PROGRESS"]);
    assert!(rig.execution.masks.iter().any(|mask| mask.expose() == "an-early-token"), "it is in the output of now");
}
