//! The laws of what is known only at run time: dynamic forks and DYNAMIC.

use std::sync::Arc;

use serde_json::{Value, json};

use super::rig::{Rig, name, response};
use crate::engine::{Answer, replay};
use crate::words::{TaskStatus, WorkflowStatus};

fn fork(input: Value) -> Value {
    json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN_DYNAMIC", "inputParameters": input})
}

fn listed(tasks: Value, inputs: Value) -> Value {
    let mut task = fork(json!({"tasks": tasks, "inputs": inputs}));
    task["dynamicForkTasksParam"] = json!("tasks");
    task["dynamicForkTasksInputParamName"] = json!("inputs");
    task
}

fn join() -> Value {
    json!({"name": "j", "taskReferenceName": "j", "type": "JOIN"})
}

fn of(tasks: Value, input: Value) -> Rig {
    Rig::of(json!({"name": "w", "tasks": tasks}), json!([]), input)
}

#[test]
fn branches_are_data_of_the_execution_and_of_no_other() {
    let mut rig = of(
        json!([fork(json!({"forkTaskName": "work", "forkTaskInputs": "${workflow.input.rows}"})), join()]),
        json!({"rows": [1, 2]}),
    );
    assert_eq!(rig.tasks(), ["f COMPLETED", "_work_0 SCHEDULED", "_work_1 SCHEDULED", "j SCHEDULED"]);
    rig.crash();
    rig.work(3, TaskStatus::Completed, json!({"v": 2}));
    rig.work(2, TaskStatus::Completed, json!({"v": 1}));
    assert_eq!(rig.output(), &json!({"_work_0": {"v": 1}, "_work_1": {"v": 2}}));
    // A replay starts from the definition, whatever plan it is given.
    let plan = Arc::clone(&rig.execution.plan);
    assert_eq!(plan.len(), plan.tasks.len() + 4);
    let again = replay(rig.execution.id, plan, rig.events.clone()).ok().unwrap();
    assert_eq!(again.plan.len(), again.plan.tasks.len() + 4);
}

#[test]
fn data_in_a_branch_is_never_evaluated_and_the_definitions_escapes_are() {
    let stolen = "${workflow.input.private} ${workflow.secrets.key}";
    let tasks = json!([
        fork(json!({"forkTaskName": "work", "forkTaskInputs": [
            {"data": "${workflow.input.evil}", "own": "$${workflow.input.private}", "mixed": "$${x} ${workflow.input.evil}",
                "secret": "${workflow.secrets.key}"},
        ]})),
        join()
    ]);
    let rig = of(tasks, json!({"evil": stolen, "private": "p"}));
    let shown = &rig.json()["tasks"][1]["inputData"];
    let mixed = format!("${{x}} {stolen}");
    let expected =
        json!({"data": stolen, "own": "p", "mixed": mixed, "secret": "${workflow.secrets.key}", "__index": 0});
    assert_eq!(shown, &expected);
    let stored = rig.run(2).input.expose();
    assert_eq!(stored["secret"], "${workflow.secrets.key}", "a reference of the definition is alive");
    assert_eq!(stored["data"], "${workflow.input.private} $${workflow.secrets.key}", "one that came as data is not");
}

#[test]
fn list_of_tasks_that_is_data_is_not_evaluated_either() {
    let list =
        json!([{"name": "work", "taskReferenceName": "a", "inputParameters": {"x": "${workflow.input.private}"}}]);
    let rig =
        of(json!([listed(json!("${workflow.input.list}"), json!({})), join()]), json!({"list": list, "private": "p"}));
    assert_eq!(rig.run(2).input.expose(), &json!({"x": "${workflow.input.private}"}));
}

#[test]
fn join_waits_for_all_that_a_branch_holds() {
    let switch = json!({"name": "s", "taskReferenceName": "s", "type": "SWITCH", "evaluatorType": "value-param", "expression": "v",
        "inputParameters": {"v": 1}, "decisionCases": {"1": [{"name": "work", "taskReferenceName": "a"}, {"name": "work", "taskReferenceName": "b"}]}});
    let looped = json!({"name": "dw", "taskReferenceName": "dw", "type": "DO_WHILE", "items": [1, 2], "loopCondition": "",
        "loopOver": [{"name": "work", "taskReferenceName": "li", "inputParameters": {"n": "$${dw.output.loopItem}"}}]});
    let mut rig = of(json!([listed(json!([switch, looped]), json!({})), join()]), json!({}));
    assert_eq!(
        rig.tasks(),
        ["f COMPLETED", "s COMPLETED", "a SCHEDULED", "dw IN_PROGRESS", "j SCHEDULED", "li__1 SCHEDULED"]
    );
    rig.work(3, TaskStatus::Completed, json!({}));
    rig.work(6, TaskStatus::Completed, json!({}));
    assert_eq!(rig.run(8).input.expose(), &json!({"n": 2}));
    rig.work(8, TaskStatus::Completed, json!({}));
    assert_eq!((rig.run(5).status, rig.status()), (TaskStatus::Scheduled, WorkflowStatus::Running));
    rig.crash();
    rig.work(7, TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn fork_in_a_loop_has_other_branches_each_time() {
    let body = json!([fork(json!({"forkTaskName": "work", "forkTaskInputs": "${dw.output.loopItem}"})), join()]);
    let mut rig = of(
        json!([{"name": "dw", "taskReferenceName": "dw", "type": "DO_WHILE", "items": [["x"], ["y", "z"]],
        "loopCondition": "", "loopOver": body}]),
        json!({}),
    );
    rig.work(3, TaskStatus::Completed, json!({"v": 1}));
    rig.crash();
    assert_eq!(rig.tasks()[5..], ["_f_work_0__2 SCHEDULED", "_f_work_1__2 SCHEDULED", "j__2 SCHEDULED"]);
    rig.work(6, TaskStatus::Completed, json!({}));
    rig.work(7, TaskStatus::Completed, json!({"v": 2}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.run(8).output.expose(), &json!({"_f_work_1__2": {"v": 2}}));
}

#[test]
fn task_that_is_named_at_run_time_makes_the_plan_grow_once() {
    let named = json!({"name": "d", "taskReferenceName": "d", "type": "DYNAMIC", "dynamicTaskNameParam": "t",
        "inputParameters": {"t": "${dw.output.loopItem}"}});
    let mut rig = of(
        json!([{"name": "dw", "taskReferenceName": "dw", "type": "DO_WHILE", "items": ["a", "b", "a"],
        "loopCondition": "", "loopOver": [named]}]),
        json!({}),
    );
    for (run, queue) in [(2, "a"), (3, "b"), (4, "a")] {
        assert_eq!(rig.owed(), [format!("offer {run} {queue}")]);
        rig.work(run, TaskStatus::Completed, json!({"v": run}));
    }
    assert_eq!(rig.execution.plan.len(), rig.execution.plan.tasks.len() + 2);
    assert_eq!(rig.execution.output(rig.run(1))["3"], json!({"d": {"v": 4}}));
}

#[test]
fn task_that_becomes_a_switch_ends_without_a_way() {
    for name in ["SWITCH", "DECISION"] {
        let named = json!({"name": "d", "taskReferenceName": "d", "type": "DYNAMIC", "dynamicTaskNameParam": "t",
            "inputParameters": {"t": name, "v": "x"}, "evaluatorType": "value-param", "expression": "v",
            "decisionCases": {"x": [{"name": "work", "taskReferenceName": "x"}]}});
        let mut rig = of(json!([named, {"name": "work", "taskReferenceName": "z"}]), json!({}));
        assert_eq!(rig.tasks(), ["d COMPLETED", "z SCHEDULED"]);
        assert_eq!(rig.json()["tasks"][0]["inputData"], json!({"t": name, "v": "x"}));
        assert_eq!((rig.json()["tasks"][0]["taskType"].as_str(), rig.run(1).output.expose()), (Some(name), &json!({})));
        rig.crash();
        rig.work(2, TaskStatus::Completed, json!({}));
        assert_eq!(rig.status(), WorkflowStatus::Completed);
    }
}

#[test]
fn failed_branch_is_tried_again_as_its_task_definition_says() {
    let defs = json!([{"name": "work", "retryCount": 1, "retryDelaySeconds": 0}]);
    let def = json!({"name": "w", "tasks": [fork(json!({"forkTaskName": "work", "forkTaskInputs": [1]})), join()]});
    let mut rig = Rig::of(def, defs, json!({}));
    rig.work(2, TaskStatus::Failed, json!({}));
    assert_eq!(rig.tasks(), ["f COMPLETED", "_work_0 FAILED", "j SCHEDULED", "_work_0 SCHEDULED"]);
    rig.work(4, TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn fetch_in_a_branch_whose_answer_may_be_stored_is_never_repeated_blindly() {
    let call = json!({"name": "call", "taskReferenceName": "call", "type": "HTTP", "inputParameters": {"uri": "http://x", "method": "POST"}});
    let store = |value: &str| {
        json!({"name": "store", "taskReferenceName": "store", "type": "UPDATE_SECRET",
            "inputParameters": {"_secrets": {"secretKey": "k", "secretValue": value}}})
    };
    for (value, feeds) in [
        ("${j.output.call.response.body.token}", true),
        ("${call.output.response.body.token}", true),
        ("${workflow.input.x}", false),
    ] {
        let rig = of(json!([listed(json!([call]), json!({})), join(), store(value)]), json!({}));
        let planned = rig.execution.planned(rig.run(2));
        assert_eq!((planned.feeds_secret, planned.may_repeat), (feeds, !feeds), "{value}");
        assert_eq!(planned.stored_by.len(), usize::from(feeds), "{value}");
        let owed = if feeds { "preflight 2" } else { "perform 2" };
        assert_eq!(rig.owed(), [owed], "{value}");
    }
}

#[test]
fn token_of_a_branch_is_hidden_and_is_a_problem_until_it_is_stored() {
    let call = json!({"name": "call", "taskReferenceName": "call", "type": "HTTP", "inputParameters": {"uri": "http://x", "method": "POST"}});
    let store = json!({"name": "store", "taskReferenceName": "store", "type": "UPDATE_SECRET",
        "inputParameters": {"_secrets": {"secretKey": "k", "secretValue": "${j.output.call.response.body.token}"}}});
    let mut rig = of(json!([listed(json!([call]), json!({})), join(), store]), json!({}));
    rig.answer(2, Answer::Ready);
    rig.answer(2, response(200, json!({"token": "the-token-itself", "other": "something"})));
    let masks: Vec<_> = rig.execution.masks.iter().map(|value| value.expose().to_owned()).collect();
    assert_eq!(masks, ["the-token-itself"]);
    rig.answer(4, super::rig::failed("the store refuses", true));
    assert_eq!(rig.execution.unstored().iter().map(|run| run.0).collect::<Vec<_>>(), [2]);
}

#[test]
fn branch_that_rotates_by_itself_is_known_to_feed_its_own_secret() {
    let rotate = json!({"name": "dw", "taskReferenceName": "dw", "type": "DO_WHILE", "items": ["a"], "loopCondition": "", "loopOver": [
        {"name": "call", "taskReferenceName": "call", "type": "HTTP", "inputParameters": {"uri": "http://x", "method": "POST"}},
        {"name": "store", "taskReferenceName": "store", "type": "UPDATE_SECRET", "inputParameters":
            {"_secrets": {"secretKey": "k", "secretValue": "$${call.output.response.body.token}"}}},
    ]});
    let last = json!({"name": "n", "taskReferenceName": "n", "type": "NOOP"});
    let mut rig = of(json!([listed(json!([rotate]), json!({})), join(), last]), json!({}));
    assert_eq!(rig.owed(), ["preflight 4"]);
    rig.answer(4, Answer::Ready);
    rig.answer(4, response(200, json!({"token": "the-token-itself"})));
    assert_eq!(rig.released.iter().map(name).collect::<Vec<_>>(), ["perform 5"]);
    assert_eq!(rig.run(5).input.expose()["_secrets"]["secretValue"], "the-token-itself");
    rig.answer(5, super::rig::failed("the store refuses", true));
    assert_eq!(rig.execution.unstored().iter().map(|run| run.0).collect::<Vec<_>>(), [4]);
}

#[test]
fn fork_that_is_too_wide_ends_and_says_so() {
    let rows: Vec<_> = (0..10_001).collect();
    let rig = of(
        json!([fork(json!({"forkTaskName": "work", "forkTaskInputs": "${workflow.input.rows}"})), join()]),
        json!({"rows": rows}),
    );
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert!(rig.reason().contains("at most 10000 can run"), "{}", rig.reason());
}
