//! Executions that rotate one secret take turns.

use serde_json::{Value, json};

use super::rig::{Rig, Shelf, workflow};
use crate::daemon::Message;
use crate::engine::{Answer, Command, Operation, Outcome, Response};
use crate::words::{ExecutionId, Payload, WorkflowStatus};

fn rotation(name: &str, secret: &str) -> Value {
    let fetch = json!({"name": "fetch", "taskReferenceName": "fetch", "type": "HTTP", "inputParameters": {
        "uri": "http://issuer/token", "method": "POST",
        "outputFilter": {"_secrets": {"token": "$${fetch.output.response.body.token}"}}}});
    let store = json!({"name": "store", "taskReferenceName": "store", "type": "UPDATE_SECRET", "inputParameters": {
        "_secrets": {"secretKey": secret, "secretValue": "${fetch.output._secrets.token}"}}});
    workflow(name, &[fetch, store])
}

/// What an executor does: it says that it is ready, and what is called.
fn pump(rig: &mut Rig) {
    while let Some(at) = rig.calls.iter().position(|command| matches!(command, Command::Preflight(_))) {
        let Command::Preflight(work) = rig.calls.remove(at) else { unreachable!() };
        let (execution, run) = (work.execution, work.run);
        rig.turn(vec![Message::Outcome(Outcome { execution, run, answer: Answer::Ready, resolved: Vec::new() })]);
    }
}

/// Returns who performs something, in order.
fn performing(rig: &Rig) -> Vec<ExecutionId> {
    let work = rig.calls.iter().filter_map(|command| match command {
        Command::Perform(work) => Some(work.execution),
        _ => None,
    });
    work.collect()
}

fn answer(rig: &mut Rig, execution: ExecutionId, answer: Answer) {
    let is_his = |command: &Command| matches!(command, Command::Perform(work) if work.execution == execution);
    let at = rig.calls.iter().position(is_his).expect("it performs something");
    let Command::Perform(work) = rig.calls.remove(at) else { unreachable!() };
    rig.turn(vec![Message::Outcome(Outcome { execution, run: work.run, answer, resolved: Vec::new() })]);
    pump(rig);
}

fn token(value: &str) -> Answer {
    Answer::Response(Response {
        status_code: 200,
        reason_phrase: "OK".to_owned(),
        headers: Payload::new(json!({})),
        body: Payload::new(json!({"token": value})),
        raw: None,
        request: "POST http://issuer/token".to_owned(),
    })
}

fn stored() -> Answer {
    Answer::Done { output: Payload::new(json!({"updated": []})) }
}

fn start(rig: &mut Rig, name: &str) -> ExecutionId {
    let id = rig.start(name, &json!({}));
    pump(rig);
    id
}

/// Two rotations of one secret, of which the first calls.
fn two() -> (Rig, ExecutionId, ExecutionId) {
    let mut rig = Rig::new(&[rotation("w", "key"), rotation("v", "key"), rotation("other", "another_key")]);
    let (first, second) = (start(&mut rig, "w"), start(&mut rig, "v"));
    assert_eq!(performing(&rig), [first], "the second one waits");
    (rig, first, second)
}

#[test]
fn a_rotation_asks_for_no_token_before_another_of_the_secret_has_stored_its_own() {
    let (mut rig, first, second) = two();
    let reason = rig.task(second, "fetch")["reasonForIncompletion"].to_string();
    assert!(reason.contains(&first.to_string()) && reason.contains("`key`"), "{reason}");
    answer(&mut rig, first, token("tok-1-000000"));
    assert_eq!(performing(&rig), [first], "what it fetched is not stored yet");
    answer(&mut rig, first, stored());
    assert_eq!(performing(&rig), [second]);
    assert_eq!(rig.task(second, "fetch").get("reasonForIncompletion"), None);
    answer(&mut rig, second, token("tok-2-000000"));
    answer(&mut rig, second, stored());
    assert_eq!(rig.status(second), WorkflowStatus::Completed);
}

#[test]
fn other_secrets_wait_for_nobody() {
    let (mut rig, first, _) = two();
    let other = start(&mut rig, "other");
    assert_eq!(performing(&rig), [first, other]);
}

#[test]
fn two_that_become_ready_in_one_turn_do_not_both_call() {
    let mut rig = Rig::new(&[rotation("w", "key"), rotation("v", "key")]);
    let (first, second) = (rig.start("w", &json!({})), rig.start("v", &json!({})));
    let ready = |command: Command| match command {
        Command::Preflight(work) => {
            let (execution, run) = (work.execution, work.run);
            Message::Outcome(Outcome { execution, run, answer: Answer::Ready, resolved: Vec::new() })
        }
        _ => panic!("only preflights are owed"),
    };
    let messages = std::mem::take(&mut rig.calls).into_iter().map(ready).collect();
    rig.turn(messages);
    assert_eq!(performing(&rig).len(), 1);
    let called = performing(&rig)[0];
    answer(&mut rig, called, Answer::Failed { reason: "refused".to_owned(), terminal: true });
    assert_eq!(performing(&rig), [if called == first { second } else { first }], "a call that failed holds nothing");
}

#[test]
fn a_call_that_was_left_alone_is_waited_for_to_its_answer() {
    let (mut rig, first, second) = two();
    rig.operate(first, Operation::Terminate { reason: None }).unwrap();
    assert_eq!(performing(&rig), [first], "it is on the wire, and may revoke what the second one would get");
    answer(&mut rig, first, Answer::Unknown { reason: "reset".to_owned() });
    assert_eq!(performing(&rig), [second]);
}

#[test]
fn an_execution_that_stores_nothing_for_long_lets_others_go_on() {
    let (mut rig, first, second) = two();
    answer(&mut rig, first, token("tok-1-000000"));
    rig.operate(first, Operation::Pause).unwrap();
    rig.pass(9 * 60);
    pump(&mut rig);
    assert_eq!(performing(&rig), [first]);
    rig.pass(90);
    pump(&mut rig);
    assert_eq!(performing(&rig), [first, second]);
}

#[test]
fn after_a_crash_the_turns_are_what_they_were() {
    let (mut rig, first, second) = two();
    answer(&mut rig, first, token("tok-1-000000"));
    rig.crash();
    pump(&mut rig);
    assert_eq!(performing(&rig), [first], "what was fetched before is stored before");
    answer(&mut rig, first, stored());
    rig.pass(30);
    pump(&mut rig);
    assert_eq!(performing(&rig), [second]);
}

#[test]
fn a_commit_that_failed_leaves_nobody_waiting_for_ever() {
    let mut rig = Rig::new(&[rotation("w", "key"), rotation("v", "key")]);
    let first = rig.start("w", &json!({}));
    let Command::Preflight(work) = rig.calls.remove(0) else { panic!("a preflight is owed") };
    let ready = Outcome { execution: first, run: work.run, answer: Answer::Ready, resolved: Vec::new() };
    let batch = rig.dispatcher.turn(vec![Message::Outcome(ready)], rig.now, &rig.log);
    rig.dispatcher.rolled_back(batch, "the disk is full", rig.now, &rig.log);
    // The answer was kept, and is dealt with before the second one starts.
    let second = start(&mut rig, "v");
    assert_eq!(performing(&rig), [first]);
    rig.operate(first, Operation::Terminate { reason: None }).unwrap();
    answer(&mut rig, first, Answer::NotSent { reason: "refused".to_owned() });
    assert_eq!(performing(&rig), [second]);
}

#[test]
fn who_may_not_store_a_secret_keeps_nobody_from_rotating_it() {
    let mut shelf = Shelf::of(&[rotation("stranger", "key"), rotation("v", "key"), rotation("w", "key")]);
    shelf.denied.insert("stranger key".to_owned());
    let mut rig = Rig::with(shelf);
    let stranger = start(&mut rig, "stranger");
    assert_eq!(performing(&rig), [stranger], "its own call is its own affair");
    let first = start(&mut rig, "v");
    assert_eq!(performing(&rig), [stranger, first]);
    start(&mut rig, "w");
    assert_eq!(performing(&rig), [stranger, first], "who may store it is waited for");
}
