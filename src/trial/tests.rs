//! Laws of playing a workflow through. Scripts need this program, so `tests/suite` plays those.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{CRASH_POINTS_MAX, Error, Ground, Manner, Played, judge, play, play_crashing, spread};
use crate::access::{Authority, Ruled};
use crate::catalog::{Catalog, News};
use crate::executor::script::Evaluator;
use crate::words::{Grant, Map, Owner};
use crate::workflow::definition::WorkflowTest;

fn ground(definitions: &[Value]) -> Ground {
    let news = definitions.iter().enumerate().map(|(number, definition)| {
        (format!("workflows/{number}.json"), News::Written(definition.to_string().into_bytes()))
    });
    Ground {
        catalog: Arc::new(Catalog::default().next(news.collect(), Vec::new())),
        authority: Authority::new(false, Ruled::default()),
        reader: Owner::Local,
        environment: Map::new(),
        store_retry: Duration::from_mins(1),
        evaluator: Evaluator::of("/nowhere"),
        until: None,
    }
}

fn test(value: Value) -> WorkflowTest {
    serde_json::from_value(value).unwrap()
}

fn played(definitions: &[Value], value: Value) -> Result<Played, Error> {
    let (ground, test) = (ground(definitions), test(value));
    let calm = play(&test, &Owner::Local, &ground, Manner::Mocked)?;
    let crashes = play_crashing(&test, &Owner::Local, &ground, &calm)?;
    assert!(crashes.points > 0 && crashes.tried == crashes.points, "it never crashed");
    assert!(crashes.failure.is_none(), "{:#?}", crashes.failure);
    let mismatches = judge(&test.expect, &calm);
    assert!(mismatches.is_empty(), "{mismatches:#?}\n{:#}", calm.shown);
    Ok(calm)
}

fn failed(definitions: &[Value], value: Value) -> String {
    played(definitions, value).err().unwrap_or_else(|| panic!("it was played")).to_string()
}

fn rotation() -> Value {
    serde_json::from_str(include_str!("../../workflows/update_rotate_secrets_tracker_app.json")).unwrap()
}

fn single(name: &str, task: &Value) -> Value {
    json!({"name": name, "version": 1, "schemaVersion": 2, "tasks": [task]})
}

fn response(body: &Value) -> Value {
    json!({"status": "COMPLETED", "output": {"response": {"statusCode": 200, "body": body}}})
}

#[test]
fn a_rotation_is_played_to_its_secret() {
    let played = played(
        &[rotation()],
        json!({
            "name": "update_rotate_secrets_tracker_app",
            "secrets": {"appKeyId": "id-of-the-app", "appKeySecret": "canary-of-the-app"},
            "taskRefToMockOutput": {"retrieve_token": [response(&json!({"token": "canary-of-the-issuer"}))]},
            "expect": {
                "status": "COMPLETED",
                "tasks": [{"retrieve_token": "COMPLETED"}, {"update_secret_task_ref": "COMPLETED"}],
                "calls": [{
                    "task": "retrieve_token",
                    "method": "POST",
                    "uri": "https://conductor-server.orkesconductor.io/api/token",
                    "headers": {"Accept": "application/json"},
                    "body": {"keyId": "${workflow.secrets.appKeyId}", "keySecret": "${workflow.secrets.appKeySecret}"},
                }],
                "secretsWritten": {"my_secret_holding_a_token": "canary-of-the-issuer"},
                "took": "0s",
            },
        }),
    )
    .unwrap();
    let shown = format!("{:#} {:#}", played.shown, played.calls[0].shown(&played.masker));
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn a_call_without_a_mock_is_an_error_that_names_the_task() {
    let secrets = json!({"appKeyId": "id-of-the-app", "appKeySecret": "canary-of-the-app"});
    let told = failed(&[rotation()], json!({"name": "update_rotate_secrets_tracker_app", "secrets": secrets}));
    assert_eq!(
        told,
        "task `retrieve_token` (HTTP) of `update_rotate_secrets_tracker_app` calls POST \
         https://conductor-server.orkesconductor.io/api/token and has no mock: give it one under `taskRefToMockOutput`"
    );
}

#[test]
fn what_is_told_of_a_call_names_secrets_and_holds_none() {
    let get = json!({"name": "get", "taskReferenceName": "get", "type": "HTTP",
        "inputParameters": {"uri": "https://host/${workflow.secrets.key}/a", "method": "GET"}});
    let told = failed(&[single("w", &get)], json!({"name": "w", "secrets": {"key": "canary-in-a-path"}}));
    assert!(told.contains("calls GET https://host/$%7Bworkflow.secrets.key%7D/a and has no mock"), "{told}");
}

#[test]
fn a_secret_that_the_test_does_not_give_is_not_available() {
    let played = played(&[rotation()], json!({"name": "update_rotate_secrets_tracker_app"})).unwrap();
    let reason = played.execution.reason.clone().unwrap_or_default();
    assert!(reason.contains("secret \"appKeyId\" is not available"), "{reason}");
    assert!(played.calls.is_empty());
}

#[test]
fn a_garbage_value_is_refused_by_the_guards_of_the_store() {
    played(
        &[rotation()],
        json!({
            "name": "update_rotate_secrets_tracker_app",
            "secrets": {"appKeyId": "id-of-the-app", "appKeySecret": "canary-of-the-app"},
            "taskRefToMockOutput": {"retrieve_token": [response(&json!({"token": "***"}))]},
            "expect": {"status": "FAILED", "reason": "400: the value for `my_secret_holding_a_token` is refused",
                "secretsWritten": {}},
        }),
    )
    .unwrap();
}

#[test]
fn an_unknown_outcome_is_in_doubt_and_is_not_repeated() {
    played(
        &[rotation()],
        json!({
            "name": "update_rotate_secrets_tracker_app",
            "secrets": {"appKeyId": "id-of-the-app", "appKeySecret": "canary-of-the-app"},
            "taskRefToMockOutput": {"retrieve_token": [{"unknown": "read timed out"}]},
            "expect": {"status": "FAILED", "reason": "in doubt", "tasks": [{"retrieve_token": "FAILED"}]},
        }),
    )
    .unwrap();
}

#[test]
fn time_jumps_over_waits_retries_and_slow_work() {
    let definition = json!({"name": "slow", "version": 1, "schemaVersion": 2, "tasks": [
        {"name": "get", "taskReferenceName": "get", "type": "HTTP",
            "taskDefinition": {"name": "get", "retryCount": 2, "retryLogic": "FIXED", "retryDelaySeconds": 60},
            "inputParameters": {"uri": "https://host/a", "method": "GET"}},
        {"name": "wait", "taskReferenceName": "wait", "type": "WAIT", "inputParameters": {"duration": "1 hours"}},
        {"name": "work", "taskReferenceName": "work", "type": "SIMPLE", "inputParameters": {}},
    ], "outputParameters": {"got": "${get.output.response.body.n}", "made": "${work.output.made}"}});
    played(
        &[definition],
        json!({
            "name": "slow",
            "taskRefToMockOutput": {
                "get": [{"status": "FAILED", "output": {"response": {"statusCode": 503}}}, {"notSent": "refused"},
                    response(&json!({"n": 7}))],
                "work": [{"output": {"made": true}, "queueWaitTime": 1000, "executionTime": 4000}],
            },
            "expect": {"status": "COMPLETED", "exactOutput": {"got": 7, "made": true}, "took": "3725s",
                "tasks": [{"get": "FAILED"}, {"get": "FAILED"}, {"get": "COMPLETED"}, {"wait": "COMPLETED"},
                    {"work": "COMPLETED"}]},
        }),
    )
    .unwrap();
}

#[test]
fn attempts_beyond_the_mocks_are_an_error() {
    let get = json!({"name": "get", "taskReferenceName": "get", "type": "HTTP",
        "taskDefinition": {"name": "get", "retryCount": 1, "retryLogic": "FIXED", "retryDelaySeconds": 1},
        "inputParameters": {"uri": "https://host/a", "method": "GET"}});
    let told = failed(&[single("w", &get)], json!({"name": "w", "taskRefToMockOutput": {"get": [{"notSent": "x"}]}}));
    assert!(told.contains("its 1 mocked attempts are used up: give it one more"), "{told}");
}

#[test]
fn a_sub_workflow_has_mocks_of_its_own() {
    let carry = json!({"name": "carry", "taskReferenceName": "carry", "type": "SIMPLE", "inputParameters": {}});
    let mut child = single("child", &carry);
    child["outputParameters"] = json!({"n": "${carry.output.n}"});
    let below = json!({"name": "below", "taskReferenceName": "below", "type": "SUB_WORKFLOW",
        "subWorkflowParam": {"name": "child"}});
    let mut parent = single("parent", &below);
    parent["outputParameters"] = json!({"n": "${below.output.n}"});
    let definitions = [child, parent];
    let mock = json!({"carry": [{"output": {"n": 3}}]});
    let good = json!({"name": "parent", "subWorkflowTestRequest": {"below": {"taskRefToMockOutput": mock}},
        "expect": {"status": "COMPLETED", "output": {"n": 3}}});
    played(&definitions, good).unwrap();
    let told = failed(&definitions, json!({"name": "parent", "taskRefToMockOutput": mock}));
    assert!(told.starts_with("task `carry` (SIMPLE) of `child` waits for an answer and has no mock"), "{told}");
}

#[test]
fn a_task_that_nobody_ends_is_named() {
    let human = json!({"name": "ask", "taskReferenceName": "ask", "type": "HUMAN", "inputParameters": {}});
    let told = failed(&[single("w", &human)], json!({"name": "w"}));
    assert_eq!(told, "nothing happens any more, and task `ask` (HUMAN) of `w` waits");
    let mocked = json!({"name": "w", "taskRefToMockOutput": {"ask": [{"output": {"said": "yes"}}]},
        "expect": {"status": "COMPLETED"}});
    played(&[single("w", &human)], mocked).unwrap();
}

#[test]
fn what_differs_is_told_and_no_secret_is() {
    let test = test(json!({
        "name": "update_rotate_secrets_tracker_app",
        "secrets": {"appKeyId": "id-of-the-app", "appKeySecret": "canary-of-the-app"},
        "taskRefToMockOutput": {"retrieve_token": [response(&json!({"token": "canary-of-the-issuer"}))]},
        "expect": {
            "status": "FAILED",
            "tasks": [{"retrieve_token": "FAILED"}],
            "calls": [{"method": "GET", "body": {"keySecret": "canary-of-the-app", "keyId": 1}}],
            "secretsWritten": {"my_secret_holding_a_token": "canary-of-nobody", "other": true},
            "took": "1s",
        },
    }));
    let played = play(&test, &Owner::Local, &ground(&[rotation()]), Manner::Mocked).unwrap();
    let told: Vec<String> = judge(&test.expect, &played)
        .into_iter()
        .map(|mismatch| format!("{}: {} | {}", mismatch.what, mismatch.expected, mismatch.actual))
        .collect();
    assert_eq!(
        told,
        [
            "status: FAILED | COMPLETED",
            "tasks[0]: retrieve_token FAILED | retrieve_token COMPLETED",
            "tasks[1]: nothing | update_secret_task_ref COMPLETED",
            "calls[0].method: GET | POST",
            "calls[0].body.keySecret: \"***\" | \"${workflow.secrets.appKeySecret}\"",
            "calls[0].body.keyId: 1 | \"${workflow.secrets.appKeyId}\"",
            "secretsWritten.my_secret_holding_a_token: the value of the test | another value",
            "secretsWritten.other: a new value | nothing",
            "took: 1s | 0ns",
        ]
    );
}

#[test]
fn a_dry_run_marks_what_it_cannot_know_and_goes_on() {
    let test = test(json!({
        "name": "update_rotate_secrets_tracker_app",
        "secrets": {"appKeyId": "id-of-the-app", "appKeySecret": "canary-of-the-app"},
    }));
    let played = play(&test, &Owner::Local, &ground(&[rotation()]), Manner::Dry).unwrap();
    assert_eq!(played.execution.status.as_str(), "COMPLETED", "{:#}", played.shown);
    let first = played.execution.shown_runs().next().unwrap().id(played.execution.id).to_string();
    assert!(played.guessed.contains(&first) && played.guessed.len() == 1);
    let written = &played.written["my_secret_holding_a_token"];
    assert_eq!(written.expose(), "unknown(retrieve_token.output.response.body.token)");
}

#[test]
fn a_fork_ends_the_same_whatever_step_the_process_dies_at() {
    let get = |name: &str| {
        json!({"name": name, "taskReferenceName": name, "type": "HTTP",
            "inputParameters": {"uri": format!("https://host/{name}"), "method": "POST"}})
    };
    let definition = json!({"name": "fork", "version": 1, "schemaVersion": 2, "tasks": [
        {"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN", "forkTasks": [[get("a")], [get("b")]]},
        {"name": "join", "taskReferenceName": "join", "type": "JOIN", "joinOn": ["a", "b"]},
    ]});
    let slow = json!({"output": {"response": {"body": 1}}, "executionTime": 2000});
    played(
        &[definition],
        json!({"name": "fork", "taskRefToMockOutput": {"a": [slow], "b": [response(&json!(2))]},
            "expect": {"status": "COMPLETED", "took": "2s", "calls": [{"task": "a"}, {"task": "b"}]}}),
    )
    .unwrap();
}

#[test]
fn each_point_is_tried_alone_and_the_one_that_ends_otherwise_is_named() {
    let wait = |name: &str| json!({"name": name, "taskReferenceName": name, "type": "WAIT", "inputParameters": {"duration": "1 s"}});
    let definition = json!({"name": "w", "version": 1, "schemaVersion": 2, "tasks": [wait("a"), wait("b")],
        "outputParameters": {"n": "${workflow.input.n}"}});
    let ground = ground(&[definition]);
    let of = |n: i64| test(json!({"name": "w", "input": {"n": n}}));
    let calm = play(&of(1), &Owner::Local, &ground, Manner::Mocked).unwrap();
    let same = play_crashing(&of(1), &Owner::Local, &ground, &calm).unwrap();
    assert_eq!((same.points, same.tried, same.failure), (3, 3, None), "at the start, and after each of two tasks");
    let other = play_crashing(&of(2), &Owner::Local, &ground, &calm).unwrap();
    let (place, differences) = other.failure.unwrap();
    assert_eq!((other.tried, place.as_str()), (1, "dying at point 1, where task `a` (WAIT) of `w` waits"));
    assert_eq!(differences[0].what, "output.n");
}

#[test]
fn where_there_are_too_many_points_those_that_are_tried_are_spread_over_all() {
    assert_eq!(spread(0).count(), 0);
    assert_eq!(spread(CRASH_POINTS_MAX).collect::<Vec<_>>(), (1..=CRASH_POINTS_MAX).collect::<Vec<_>>());
    let points = 7 * CRASH_POINTS_MAX + 3;
    let tried: Vec<_> = spread(points).collect();
    assert!(tried.len() <= CRASH_POINTS_MAX && tried[0] == 1 && points - tried.last().unwrap() < 8, "{tried:?}");
}

#[test]
fn a_grant_by_a_tag_gives_the_secrets_of_the_test_that_carry_it() {
    let get = json!({"name": "get", "taskReferenceName": "get", "type": "HTTP",
        "inputParameters": {"uri": "https://host/${workflow.secrets.key}", "method": "GET"}});
    let grant: Grant = serde_json::from_value(json!({
        "to": "workflow:w", "access": ["READ"], "on": "tag:team:billing"}))
    .unwrap();
    let ruled = Ruled { grants: vec![grant], ..Ruled::default() };
    let ground = Ground { authority: Authority::new(true, ruled), ..ground(&[single("w", &get)]) };
    let status_with = |tags: Value| {
        let test = test(json!({"name": "w", "secrets": {"key": "canary-of-the-test"}, "secretTags": tags,
            "taskRefToMockOutput": {"get": [response(&json!({}))]}}));
        play(&test, &Owner::Local, &ground, Manner::Mocked).unwrap().execution.status.as_str()
    };
    assert_eq!(status_with(json!({"key": {"team": "billing"}})), "COMPLETED");
    assert_eq!(status_with(json!({"key": {"team": "other"}})), "FAILED");
    assert_eq!(status_with(json!({})), "FAILED");
}
