//! Children that are retried, rerun or restarted, and what their parents make of it.

use serde_json::{Value, json};

use super::rig::{Rig, get, sub, wait, workflow};
use crate::engine::Operation;
use crate::words::{TaskStatus, WorkflowStatus};

fn forked(branches: &Value, on: &Value) -> [Value; 2] {
    let fork = json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": branches});
    [fork, json!({"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": on})]
}

#[test]
fn a_parent_that_completed_waits_again_for_a_child_that_begins_again() {
    let mut rig =
        Rig::new(&[workflow("parent", &[sub("s", "child", json!({})), wait("p")]), workflow("child", &[wait("w")])]);
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.update(child, "w", TaskStatus::Completed, json!({"n": 1}));
    rig.update(parent, "p", TaskStatus::Completed, json!({"p": 1}));
    assert_eq!(rig.status(parent), WorkflowStatus::Completed);
    rig.operate(child, Operation::Restart).unwrap();
    assert_eq!(rig.log_statuses(&[parent, child]), [WorkflowStatus::Running; 2]);
    assert_eq!(rig.task(parent, "s")["status"], "IN_PROGRESS");
    rig.crash();
    rig.update(child, "w", TaskStatus::Completed, json!({"n": 2}));
    assert_eq!(rig.log_statuses(&[parent, child]), [WorkflowStatus::Completed; 2]);
    assert_eq!(rig.task(parent, "s")["outputData"]["n"], 2);
    assert_eq!(rig.json(parent)["tasks"].as_array().unwrap().len(), 2, "what followed is not made again");
    rig.operate(child, Operation::Rerun(Box::default())).unwrap();
    rig.update(child, "w", TaskStatus::Failed, json!({}));
    assert_eq!(rig.log_statuses(&[parent, child]), [WorkflowStatus::Failed; 2], "and it fails with it");
}

#[test]
fn a_parent_that_has_gone_on_waits_for_its_child_besides() {
    let mut rig =
        Rig::new(&[workflow("parent", &[sub("s", "child", json!({})), wait("p")]), workflow("child", &[wait("w")])]);
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.update(child, "w", TaskStatus::Completed, json!({}));
    rig.operate(child, Operation::Rerun(Box::default())).unwrap();
    assert_eq!(
        (&rig.task(parent, "s")["status"], &rig.task(parent, "p")["status"]),
        (&json!("IN_PROGRESS"), &json!("IN_PROGRESS"))
    );
    rig.update(parent, "p", TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(parent), WorkflowStatus::Running, "the child is still open");
    rig.crash();
    rig.update(child, "w", TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(parent), WorkflowStatus::Completed);
}

#[test]
fn a_join_waits_again_for_a_child_that_begins_again() {
    let [fork, join] = forked(&json!([[sub("s", "child", json!({}))], [wait("p")]]), &json!(["s", "p"]));
    let mut rig = Rig::new(&[workflow("parent", &[fork, join]), workflow("child", &[wait("w")])]);
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.update(child, "w", TaskStatus::Completed, json!({}));
    rig.operate(child, Operation::Restart).unwrap();
    rig.update(parent, "p", TaskStatus::Completed, json!({}));
    assert_eq!(
        (rig.status(parent), &rig.task(parent, "j")["status"]),
        (WorkflowStatus::Running, &json!("IN_PROGRESS"))
    );
    rig.update(child, "w", TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(parent), WorkflowStatus::Completed);
}

#[test]
fn a_sibling_with_nothing_to_go_on_with_ends_the_parent_as_before() {
    let ends = json!({"name": "x", "taskReferenceName": "x", "type": "TERMINATE",
        "inputParameters": {"terminationStatus": "FAILED"}});
    let [fork, join] =
        forked(&json!([[sub("a", "child", json!({}))], [wait("g"), sub("b", "ends", json!({}))]]), &json!(["a", "b"]));
    let mut rig =
        Rig::new(&[workflow("parent", &[fork, join]), workflow("child", &[wait("w")]), workflow("ends", &[ends])]);
    let parent = rig.start("parent", &json!({}));
    let a = rig.child(parent, "a");
    rig.update(parent, "g", TaskStatus::Completed, json!({}));
    assert_eq!(rig.log_statuses(&[parent, a]), [WorkflowStatus::Failed, WorkflowStatus::Terminated]);
    rig.operate(a, Operation::Retry).unwrap();
    assert_eq!(rig.log_statuses(&[parent, a]), [WorkflowStatus::Failed, WorkflowStatus::Terminated]);
    rig.crash();
}

#[test]
fn a_child_that_another_has_replaced_takes_no_parent_along() {
    let mut rig = Rig::new(&[workflow("parent", &[sub("s", "child", json!({}))]), workflow("child", &[wait("w")])]);
    let parent = rig.start("parent", &json!({}));
    let old = rig.child(parent, "s");
    rig.update(old, "w", TaskStatus::Failed, json!({}));
    rig.operate(parent, Operation::Retry).unwrap();
    let new = rig.child(parent, "s");
    rig.update(new, "w", TaskStatus::Completed, json!({}));
    rig.operate(old, Operation::Retry).unwrap();
    assert_eq!(rig.log_statuses(&[parent, old]), [WorkflowStatus::Completed, WorkflowStatus::Running]);
    rig.operate(old, Operation::Terminate { reason: None }).unwrap();
    assert_eq!(rig.status(parent), WorkflowStatus::Completed);
}

#[test]
fn a_call_in_doubt_beside_a_child_is_not_repeated_where_the_child_goes_on() {
    let post = get("h", json!({"uri": "http://x", "method": "POST"}));
    let below = sub("d", "doubtful", json!({}));
    for beside in [post.clone(), below] {
        let name = beside["taskReferenceName"].clone();
        let [fork, join] = forked(&json!([[sub("s", "child", json!({}))], [beside]]), &json!(["s", name]));
        let mut rig = Rig::new(&[
            workflow("parent", &[fork, join]),
            workflow("child", &[wait("w")]),
            workflow("doubtful", std::slice::from_ref(&post)),
        ]);
        let parent = rig.start("parent", &json!({}));
        let child = rig.child(parent, "s");
        rig.crash();
        assert_eq!(rig.log_statuses(&[parent, child]), [WorkflowStatus::Failed, WorkflowStatus::Terminated]);
        rig.operate(child, Operation::Retry).unwrap();
        assert_eq!(rig.status(parent), WorkflowStatus::Failed, "what is in doubt still is");
        assert!(rig.calls.is_empty());
        rig.operate(parent, Operation::Retry).unwrap();
        assert_eq!(rig.calls.len(), 1, "somebody asked for it");
    }
}
