//! Laws about the limits of expressions: what hits one fails the execution, and its reason says which.

use serde_json::json;

use super::rig::{Rig, response};
use crate::words::{TaskStatus, WorkflowStatus};

/// Look-ahead, which only Java's patterns have.
const BEYOND: &str = "${workflow.input.l[?(@ =~ /(?=a)a/)]}";

#[test]
fn input_that_hits_a_limit_fails_the_workflow_and_names_task_reference_and_limit() {
    let task =
        json!({"name": "a", "taskReferenceName": "a", "inputParameters": {"x": {"y": [format!("say {BEYOND}")]}}});
    let rig = Rig::of(json!({"name": "w", "tasks": [task]}), json!([]), json!({"l": ["a"]}));
    assert_eq!((rig.status(), rig.tasks().len()), (WorkflowStatus::Failed, 0));
    let wanted =
        format!("the input of task `a`: `{BEYOND}` cannot be evaluated: its pattern uses what is not supported");
    assert!(rig.reason().starts_with(&wanted), "{}", rig.reason());
}

#[test]
fn output_that_hits_a_limit_fails_the_workflow_that_would_complete() {
    let task = json!({"name": "a", "taskReferenceName": "a", "type": "NOOP"});
    let def = json!({"name": "w", "tasks": [task], "outputParameters": {"x": BEYOND}});
    let rig = Rig::of(def, json!([]), json!({"l": ["a"]}));
    assert_eq!((rig.status(), rig.output()), (WorkflowStatus::Failed, &json!({})));
    assert!(rig.reason().starts_with(&format!("the output: `{BEYOND}` cannot be evaluated")), "{}", rig.reason());
}

#[test]
fn output_that_hits_a_limit_hides_no_failure() {
    let task = json!({"name": "a", "taskReferenceName": "a"});
    let def = json!({"name": "w", "tasks": [task], "outputParameters": {"x": BEYOND}});
    let mut rig = Rig::of(def, json!([]), json!({"l": ["a"]}));
    rig.work(1, TaskStatus::FailedWithTerminalError, json!({}));
    assert_eq!((rig.status(), rig.output()), (WorkflowStatus::Failed, &json!({})));
    assert!(rig.reason().starts_with("Task "), "{}", rig.reason());
    assert!(rig.reason().contains(&format!("; the output: `{BEYOND}` cannot be evaluated")), "{}", rig.reason());
}

#[test]
fn filter_that_hits_a_limit_keeps_what_was_fetched() {
    let filter = json!({"x": "$${a.output.response.body[?(@ =~ /(?=a)a/)]}"});
    let task = json!({"name": "a", "taskReferenceName": "a", "type": "HTTP",
        "inputParameters": {"uri": "http://x", "method": "GET", "outputFilter": filter}});
    let mut rig = Rig::of(json!({"name": "w", "tasks": [task]}), json!([]), json!({}));
    rig.answer(1, response(200, json!(["a"])));
    assert_eq!(rig.tasks(), ["a FAILED_WITH_TERMINAL_ERROR"]);
    assert!(rig.run(1).response.is_some());
    let reason = rig.run(1).reason.as_deref().unwrap_or_default();
    assert!(reason.starts_with("fetched but not extracted: `${a.output.response.body[?("), "{reason}");
    assert!(reason.contains("not supported here"), "{reason}");
}
