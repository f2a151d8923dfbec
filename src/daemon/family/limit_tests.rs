//! Limits of task definitions hold for calls and sub-workflows as for tasks of workers.

use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{Rig, get, giving, sub, wait, workflow};
use crate::daemon::Message;
use crate::disk::Fault;
use crate::engine::{Answer, Command, Operation, Outcome};
use crate::words::{ExecutionId, TaskStatus, WorkflowStatus};

/// A task with a definition of its own, which all of its name have in common.
fn limited(mut task: Value, name: &str, limits: &Value) -> Value {
    task["name"] = json!(name);
    let mut definition = json!({"name": name, "retryCount": 0});
    definition.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    task["taskDefinition"] = definition;
    task
}

fn call(reference: &str, limits: &Value) -> Value {
    limited(get(reference, json!({"uri": "http://x", "method": "GET"})), "fetch", limits)
}

fn at_once(limit: i64) -> Value {
    json!({"concurrentExecLimit": limit})
}

fn in_a_minute(limit: i64) -> Value {
    json!({"rateLimitPerFrequency": limit, "rateLimitFrequencyInSeconds": 60})
}

/// Three calls beside each other.
fn fork(name: &str, limits: &Value) -> Value {
    let branches: Vec<_> = ["a", "b", "c"].iter().map(|reference| json!([call(reference, limits)])).collect();
    let join = json!({"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["a", "b", "c"]});
    workflow(name, &[json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": branches}), join])
}

/// Returns which calls are under way, by the references of their tasks.
fn calling(rig: &Rig) -> Vec<String> {
    let performed = rig.calls.iter().filter_map(|command| match command {
        Command::Perform(work) => Some(work.reference.clone()),
        _ => None,
    });
    performed.collect()
}

fn callers(rig: &Rig) -> Vec<ExecutionId> {
    let performed = rig.calls.iter().filter_map(|command| match command {
        Command::Perform(work) => Some(work.execution),
        _ => None,
    });
    performed.collect()
}

fn status(rig: &Rig, id: ExecutionId, reference: &str) -> String {
    rig.task(id, reference)["status"].as_str().unwrap().to_owned()
}

#[test]
fn calls_of_one_definition_go_one_after_another_and_those_that_wait_have_asked_nothing() {
    let mut rig = Rig::new(&[fork("w", &at_once(1))]);
    let id = rig.start("w", &json!({}));
    for (now, later) in [("a", Some("b")), ("b", Some("c")), ("c", None)] {
        assert_eq!(calling(&rig), [now]);
        if let Some(later) = later {
            let task = rig.task(id, later);
            assert_eq!((&task["status"], &task["startTime"]), (&json!("SCHEDULED"), &json!(0)), "{task}");
            let reason = "waits until the limit of task definition `fetch` lets it begin: at most 1 at once";
            assert_eq!(task["reasonForIncompletion"], reason);
        }
        rig.answer(200, json!({}), &[]);
    }
    assert_eq!(rig.status(id), WorkflowStatus::Completed);
    assert_eq!(rig.task(id, "c").get("reasonForIncompletion"), None);
}

#[test]
fn calls_after_each_other_wait_for_nobody() {
    let mut rig = Rig::new(&[workflow("w", &[call("a", &at_once(1)), call("b", &at_once(1))])]);
    let id = rig.start("w", &json!({}));
    rig.answer(200, json!({}), &[]);
    let told = rig.on_disk(id).seq;
    rig.answer(200, json!({}), &[]);
    assert_eq!(rig.status(id), WorkflowStatus::Completed);
    let mut free = Rig::new(&[workflow("w", &[call("a", &json!({})), call("b", &json!({}))])]);
    let other = free.start("w", &json!({}));
    free.answer(200, json!({}), &[]);
    assert_eq!(free.on_disk(other).seq, told, "nothing of a wait is journaled where there is none");
}

#[test]
fn a_limit_holds_over_executions_and_a_higher_priority_goes_first() {
    let mut rig = Rig::new(&[workflow("w", &[call("a", &at_once(1))])]);
    let first = rig.start("w", &json!({}));
    let (early, high) = (rig.start("w", &json!({})), rig.start_before("w", &json!({}), 50));
    assert_eq!(callers(&rig), [first]);
    rig.answer(200, json!({}), &[]);
    assert_eq!(callers(&rig), [high]);
    let late = rig.start_before("w", &json!({}), 7);
    rig.answer(200, json!({}), &[]);
    assert_eq!(callers(&rig), [early], "who has waited comes before who comes now");
    rig.answer(200, json!({}), &[]);
    assert_eq!(callers(&rig), [late]);
}

#[test]
fn who_is_paused_or_ended_while_it_waits_lets_others_pass() {
    // What it fetches goes nowhere, so its call may be cut.
    let mut rig = Rig::new(&[giving("w", &[call("a", &at_once(1))], json!({"said": 1}))]);
    let ids: Vec<_> = (0..4).map(|_| rig.start("w", &json!({}))).collect();
    rig.operate(ids[1], Operation::Pause).unwrap();
    rig.operate(ids[2], Operation::Terminate { reason: None }).unwrap();
    rig.answer(200, json!({}), &[]);
    assert_eq!(callers(&rig), [ids[3]]);
    rig.operate(ids[1], Operation::Resume).unwrap();
    assert_eq!(callers(&rig), [ids[3]]);
    rig.operate(ids[3], Operation::Terminate { reason: None }).unwrap();
    let calls: Vec<_> = callers(&rig).into_iter().filter(|id| *id != ids[3]).collect();
    assert_eq!(calls, [ids[1]], "a call that was cut has no place");
}

#[test]
fn a_place_is_free_after_a_failure_also_for_the_next_attempt() {
    let limits = json!({"concurrentExecLimit": 1, "retryCount": 1, "retryDelaySeconds": 5});
    let mut rig = Rig::new(&[workflow("w", &[call("a", &limits)])]);
    let (first, second) = (rig.start("w", &json!({})), rig.start("w", &json!({})));
    rig.answer(500, json!({}), &[]);
    assert_eq!(callers(&rig), [second], "an attempt that is still to come holds nothing");
    rig.pass(5);
    assert_eq!(callers(&rig), [second]);
    rig.answer(200, json!({}), &[]);
    assert_eq!(callers(&rig), [first]);
    rig.answer(200, json!({}), &[]);
    assert_eq!((rig.status(first), rig.status(second)), (WorkflowStatus::Completed, WorkflowStatus::Completed));
}

#[test]
fn limits_are_counted_again_after_a_crash() {
    let mut rig = Rig::new(&[workflow("w", &[call("a", &at_once(2))])]);
    let ids: Vec<_> = (0..4).map(|_| rig.start("w", &json!({}))).collect();
    rig.crash();
    // A call that can be made again is; the others have to wait for it.
    assert_eq!(callers(&rig), ids[..2]);
    rig.answer(200, json!({}), &[]);
    assert_eq!(callers(&rig), ids[1..3]);
    rig.crash();
    assert_eq!(callers(&rig), ids[1..3]);
}

#[test]
fn no_more_calls_begin_in_a_window_than_the_definition_says() {
    let mut rig = Rig::new(&[fork("w", &in_a_minute(1))]);
    let id = rig.start("w", &json!({}));
    assert_eq!(calling(&rig), ["a"]);
    rig.answer(200, json!({}), &[]);
    assert_eq!(calling(&rig), [""; 0]);
    assert_eq!(rig.dispatcher.next_wake(), Some(rig.now.plus(Duration::from_mins(1))));
    rig.pass(59);
    assert_eq!(calling(&rig), [""; 0]);
    rig.crash();
    assert_eq!(calling(&rig), [""; 0], "what started counts after a restart");
    rig.pass(1);
    assert_eq!(calling(&rig), ["b"]);
    rig.pass(60);
    assert_eq!(calling(&rig), ["b", "c"]);
    rig.answer(200, json!({}), &[]);
    rig.answer(200, json!({}), &[]);
    assert_eq!(rig.status(id), WorkflowStatus::Completed);
}

#[test]
fn a_start_that_is_not_on_disk_counts_for_nothing() {
    let mut rig = Rig::new(&[workflow("w", &[call("a", &in_a_minute(1))])]);
    rig.disk.fail_at(rig.disk.steps(), Fault::NoSpace);
    let plan = rig.plan("w");
    rig.turn(vec![plan]);
    assert_eq!(calling(&rig), [""; 0]);
    rig.start("w", &json!({}));
    assert_eq!(calling(&rig), ["a"]);
}

/// A call whose answer is stored: it is asked first whether it could be.
fn rotation() -> Value {
    let limits = at_once(1);
    let mut fetch = call("fetch", &limits);
    fetch["inputParameters"] = json!({"uri": "http://issuer", "method": "POST",
        "outputFilter": {"_secrets": {"token": "$${fetch.output.response.body.token}"}}});
    let store = json!({"name": "store", "taskReferenceName": "store", "type": "UPDATE_SECRET", "inputParameters": {
        "_secrets": {"secretKey": "key", "secretValue": "${fetch.output._secrets.token}"}}});
    workflow("rotation", &[fetch, store])
}

/// Says for everything that asks that what it fetches could be stored.
fn ready(rig: &mut Rig) {
    while let Some(at) = rig.calls.iter().position(|command| matches!(command, Command::Preflight(_))) {
        let Command::Preflight(work) = rig.calls.remove(at) else { unreachable!() };
        let (execution, run) = (work.execution, work.run);
        rig.turn(vec![Message::Outcome(Outcome { execution, run, answer: Answer::Ready, resolved: Vec::new() })]);
    }
}

#[test]
fn a_place_is_kept_for_who_is_asked_again_whether_it_can_store() {
    let mut rig = Rig::new(&[rotation(), workflow("w", &[call("a", &at_once(1))])]);
    let first = rig.start("w", &json!({}));
    let rotating = rig.start("rotation", &json!({}));
    ready(&mut rig);
    assert_eq!((callers(&rig), status(&rig, rotating, "fetch")), (vec![first], "SCHEDULED".to_owned()));
    rig.answer(200, json!({}), &[]);
    let late = rig.start("w", &json!({}));
    assert_eq!(callers(&rig), [], "the place is not given to who comes later");
    ready(&mut rig);
    assert_eq!(callers(&rig), [rotating]);
    // A rotation that is ended keeps its place until its call is answered: it is never cut.
    rig.operate(rotating, Operation::Terminate { reason: None }).unwrap();
    assert_eq!((rig.status(rotating), callers(&rig)), (WorkflowStatus::Terminated, vec![rotating]));
    rig.answer(200, json!({"token": "tok-1-000000"}), &[]);
    assert_eq!(callers(&rig), [late]);
}

#[test]
fn sub_workflows_and_calls_of_one_definition_share_its_limit() {
    let child = workflow("child", &[wait("a")]);
    let parent = workflow("parent", &[limited(sub("s", "child", json!({})), "fetch", &at_once(1))]);
    let mut rig = Rig::new(&[child, parent, workflow("w", &[call("a", &at_once(1))])]);
    let (first, second) = (rig.start("parent", &json!({})), rig.start("parent", &json!({})));
    let caller = rig.start("w", &json!({}));
    assert_eq!(rig.task(second, "s").get("subWorkflowId"), None);
    assert_eq!((status(&rig, second, "s").as_str(), callers(&rig)), ("SCHEDULED", vec![]));
    let below = rig.child(first, "s");
    rig.crash();
    rig.update(below, "a", TaskStatus::Completed, json!({}));
    let below = rig.child(second, "s");
    assert_eq!(callers(&rig), []);
    rig.update(below, "a", TaskStatus::Completed, json!({}));
    assert_eq!((rig.status(first), rig.status(second)), (WorkflowStatus::Completed, WorkflowStatus::Completed));
    assert_eq!(callers(&rig), [caller]);
}

#[test]
fn workflows_that_others_start_begin_as_often_as_the_definition_of_the_task_says() {
    let start = json!({"name": "s", "taskReferenceName": "s", "type": "START_WORKFLOW",
        "inputParameters": {"startWorkflow": {"name": "child"}}});
    let parent = workflow("parent", &[limited(start, "start", &in_a_minute(1))]);
    let mut rig = Rig::new(&[workflow("child", &[wait("a")]), parent]);
    let (first, second) = (rig.start("parent", &json!({})), rig.start("parent", &json!({})));
    assert_eq!((rig.status(first), rig.status(second)), (WorkflowStatus::Completed, WorkflowStatus::Running));
    rig.pass(60);
    assert_eq!(rig.status(second), WorkflowStatus::Completed);
}

#[test]
fn a_workflow_that_another_starts_after_a_delay_starts() {
    let start = json!({"name": "s", "taskReferenceName": "s", "type": "START_WORKFLOW", "startDelay": 5,
        "inputParameters": {"startWorkflow": {"name": "child"}}});
    let mut rig = Rig::new(&[workflow("child", &[wait("a")]), workflow("parent", &[start])]);
    let id = rig.start("parent", &json!({}));
    assert_eq!(rig.names(), ["parent"]);
    rig.pass(5);
    assert_eq!(
        (rig.status(id), rig.names()),
        (WorkflowStatus::Completed, vec!["child".to_owned(), "parent".to_owned()])
    );
}
