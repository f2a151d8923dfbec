//! Parents and children: what one does and what the other does because of it are on disk together.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::rig::{Rig, Shelf, get, giving, set, sub, wait, workflow};
use crate::daemon::{Message, Refused};
use crate::disk::Fault;
use crate::engine::{Operation, Rerun, view};
use crate::words::{ExecutionId, TaskStatus, WorkflowStatus};

/// A parent whose child waits for somebody and gives what it is told.
fn pair() -> Rig {
    Rig::new(&[
        giving(
            "parent",
            &[sub("s", "child", json!({"x": 1})), set("after", json!({"got": "${s.output.v}"}))],
            json!({
            "all": "${s.output}"}),
        ),
        giving("child", &[wait("w")], json!({"v": "${w.output.v}", "x": "${workflow.input.x}"})),
    ])
}

fn terminate(reason: &str) -> Operation {
    Operation::Terminate { reason: Some(reason.to_owned()) }
}

#[test]
fn a_child_starts_in_the_transaction_of_its_parent() {
    let mut rig = pair();
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    let json = rig.json(child);
    assert_eq!(rig.names(), ["child", "parent"]);
    assert_eq!(json["parentWorkflowId"], parent.to_string());
    assert_eq!(json["parentWorkflowTaskId"], rig.task(parent, "s")["taskId"]);
    assert_eq!((&json["correlationId"], &json["priority"]), (&json!("c-1"), &json!(0)));
    let task = rig.task(parent, "s");
    assert_eq!(
        (&task["status"], &task["outputData"]),
        (&json!("IN_PROGRESS"), &json!({"subWorkflowId": child.to_string()}))
    );
    assert_eq!(task["inputData"]["subWorkflowVersion"], 1, "the version that it got");
}

#[test]
fn a_parent_takes_what_its_child_gives() {
    let mut rig = pair();
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.update(child, "w", TaskStatus::Completed, json!({"v": 5}));
    assert_eq!((rig.status(child), rig.status(parent)), (WorkflowStatus::Completed, WorkflowStatus::Completed));
    assert_eq!(rig.json(parent)["output"]["all"], json!({"subWorkflowId": child.to_string(), "v": 5, "x": 1}));
    assert_eq!(rig.json(parent)["variables"], json!({"got": 5}));
}

#[test]
fn a_task_ends_as_its_sub_workflow_did() {
    let ends = [
        (terminate("no"), "CANCELED", WorkflowStatus::Terminated),
        (Operation::TerminateFailing { reason: Some("no".to_owned()) }, "CANCELED", WorkflowStatus::Terminated),
    ];
    for (operation, task, status) in ends {
        let mut rig = pair();
        let parent = rig.start("parent", &json!({}));
        let child = rig.child(parent, "s");
        rig.operate(child, operation).unwrap();
        let shown = rig.task(parent, "s");
        assert_eq!((&shown["status"], rig.status(parent)), (&json!(task), status));
        assert_eq!(shown["reasonForIncompletion"], format!("Sub workflow child.1/{child} failure reason: no"));
    }
    let mut rig = pair();
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.update(child, "w", TaskStatus::Failed, json!({"v": 1}));
    assert_eq!(
        (rig.task(parent, "s")["status"].as_str(), rig.status(parent)),
        (Some("FAILED"), WorkflowStatus::Failed)
    );
    assert_eq!(rig.json(parent)["failedReferenceTaskNames"], json!(["s"]));
}

#[test]
fn a_child_that_takes_too_long_makes_its_task_time_out() {
    let mut slow = giving("child", &[wait("w")], json!({}));
    slow["timeoutSeconds"] = json!(30);
    slow["timeoutPolicy"] = json!("TIME_OUT_WF");
    let mut rig = Rig::new(&[workflow("parent", &[sub("s", "child", json!({}))]), slow]);
    let parent = rig.start("parent", &json!({}));
    rig.pass(31);
    assert_eq!(rig.task(parent, "s")["status"], "TIMED_OUT");
    assert_eq!(rig.status(parent), WorkflowStatus::TimedOut);
}

#[test]
fn the_end_of_a_parent_ends_all_that_is_below_it() {
    let mut rig = Rig::new(&[
        workflow("top", &[sub("s", "middle", json!({}))]),
        workflow("middle", &[sub("s", "bottom", json!({}))]),
        workflow("bottom", &[wait("w")]),
    ]);
    let top = rig.start("top", &json!({}));
    let middle = rig.child(top, "s");
    let bottom = rig.child(middle, "s");
    rig.operate(top, terminate("stop all")).unwrap();
    assert_eq!(rig.log_statuses(&[top, middle, bottom]), [WorkflowStatus::Terminated; 3]);
    let told = |reason: &str| format!("Parent workflow has been terminated with reason: {reason}");
    assert_eq!(rig.json(middle)["reasonForIncompletion"], told("stop all"));
    assert_eq!(rig.json(bottom)["reasonForIncompletion"], told(&told("stop all")));
    assert_eq!(rig.task(middle, "s")["status"], "CANCELED");
}

#[test]
fn a_crash_after_any_step_leaves_a_family_as_it_was() {
    let mut rig = pair();
    let parent = rig.start("parent", &json!({}));
    rig.crash();
    let child = rig.child(parent, "s");
    rig.crash();
    assert_eq!(rig.names(), ["child", "parent"], "a child is never started twice");
    rig.update(child, "w", TaskStatus::Failed, json!({}));
    rig.crash();
    assert_eq!(rig.status(parent), WorkflowStatus::Failed);
    rig.operate(child, Operation::Retry).unwrap();
    rig.crash();
    assert_eq!((rig.status(child), rig.status(parent)), (WorkflowStatus::Running, WorkflowStatus::Running));
    rig.update(child, "w", TaskStatus::Completed, json!({"v": 1}));
    rig.crash();
    assert_eq!((rig.status(child), rig.status(parent)), (WorkflowStatus::Completed, WorkflowStatus::Completed));
}

#[test]
fn a_commit_that_fails_takes_back_the_whole_family() {
    let mut rig = pair();
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.disk.fail_at(rig.disk.steps(), Fault::NoSpace);
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    let input = Box::new(crate::engine::Input::Operation(terminate("stop")));
    rig.turn(vec![Message::Step { execution: parent, input, reply }]);
    assert!(matches!(answer.try_recv().unwrap(), Err(Refused::Unavailable(_))));
    rig.turn(Vec::new());
    assert_eq!(rig.log_statuses(&[parent, child]), [WorkflowStatus::Running; 2]);
    rig.operate(parent, terminate("stop")).unwrap();
    assert_eq!(rig.log_statuses(&[parent, child]), [WorkflowStatus::Terminated; 2]);
}

#[test]
fn a_start_that_could_not_be_kept_starts_no_child() {
    let mut rig = pair();
    rig.disk.fail_at(rig.disk.steps(), Fault::NoSpace);
    let plan = rig.plan("parent");
    rig.turn(vec![plan]);
    rig.turn(Vec::new());
    assert!(rig.names().is_empty());
    assert_eq!(rig.dispatcher.live_count(), 0);
    assert!(rig.dispatcher.families.is_empty() && rig.dispatcher.needs.is_empty());
}

#[test]
fn sub_workflows_nest_fifty_deep_and_one_that_starts_itself_ends() {
    let mut rig = Rig::new(&[workflow("endless", &[sub("s", "endless", json!({}))])]);
    let top = rig.start("endless", &json!({}));
    assert_eq!(rig.status(top), WorkflowStatus::Failed);
    assert_eq!(rig.names().len(), 65, "the top and 64 below it");
    let reason = rig.json(top)["reasonForIncompletion"].to_string();
    assert!(
        reason.contains("sub-workflows nest 64 deep") && reason.contains("does `endless` start itself?"),
        "{reason}"
    );
    let deep: Vec<Value> = (0..50)
        .map(|depth| workflow(&format!("d{depth}"), &[sub("s", &format!("d{}", depth + 1), json!({}))]))
        .chain([workflow("d50", &[wait("w")])])
        .collect();
    let mut rig = Rig::new(&deep);
    let top = rig.start("d0", &json!({}));
    let bottom = rig.named("d50");
    rig.update(bottom, "w", TaskStatus::Completed, json!({"v": 1}));
    assert_eq!(rig.status(top), WorkflowStatus::Completed);
    assert_eq!(rig.dispatcher.live_count(), 0);
}

#[test]
fn a_retried_child_takes_its_ended_parents_along() {
    let branches = json!([[sub("a", "child", json!({}))], [sub("b", "child", json!({}))]]);
    let fork = json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": branches});
    let join = json!({"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["a", "b"]});
    let mut rig = Rig::new(&[
        workflow("top", &[sub("s", "middle", json!({}))]),
        workflow("middle", &[fork, join]),
        workflow("child", &[wait("w")]),
    ]);
    let top = rig.start("top", &json!({}));
    let middle = rig.child(top, "s");
    let (a, b) = (rig.child(middle, "a"), rig.child(middle, "b"));
    rig.update(a, "w", TaskStatus::Failed, json!({}));
    assert_eq!(rig.log_statuses(&[top, middle, a]), [WorkflowStatus::Failed; 3]);
    assert_eq!(rig.status(b), WorkflowStatus::Terminated, "its sibling is cut off");
    rig.operate(a, Operation::Retry).unwrap();
    assert_eq!(rig.log_statuses(&[top, middle, a]), [WorkflowStatus::Running; 3]);
    assert_eq!(rig.child(middle, "a"), a, "the run waits for the same child");
    assert_eq!((rig.child(middle, "b"), rig.status(b)), (b, WorkflowStatus::Running), "its sibling goes on as well");
    rig.update(a, "w", TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(middle), WorkflowStatus::Running);
    rig.update(b, "w", TaskStatus::Completed, json!({}));
    assert_eq!(rig.log_statuses(&[top, middle]), [WorkflowStatus::Completed; 2]);
}

#[test]
fn a_retry_from_the_top_can_go_on_at_the_bottom() {
    let mut rig = Rig::new(&[
        workflow("top", &[sub("s", "middle", json!({}))]),
        workflow("middle", &[sub("s", "child", json!({}))]),
        workflow("child", &[wait("w")]),
    ]);
    let top = rig.start("top", &json!({}));
    let middle = rig.child(top, "s");
    let child = rig.child(middle, "s");
    rig.update(child, "w", TaskStatus::Failed, json!({}));
    rig.operate(top, Operation::RetryLowest).unwrap();
    assert_eq!(rig.log_statuses(&[top, middle, child]), [WorkflowStatus::Running; 3]);
    assert_eq!(rig.names().len(), 3, "nothing is started anew");
    rig.update(child, "w", TaskStatus::Failed, json!({}));
    rig.operate(top, Operation::Retry).unwrap();
    assert_eq!(rig.names().len(), 5, "without it the top has a new attempt of all below it");
    assert_eq!(rig.status(child), WorkflowStatus::Failed);
}

#[test]
fn a_parent_that_went_on_takes_no_second_answer() {
    let mut optional = sub("s", "child", json!({}));
    optional["optional"] = json!(true);
    let mut rig = Rig::new(&[workflow("parent", &[optional, wait("p")]), workflow("child", &[wait("w")])]);
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.update(child, "w", TaskStatus::Failed, json!({}));
    assert_eq!(rig.task(parent, "s")["status"], "COMPLETED_WITH_ERRORS");
    rig.operate(child, Operation::Retry).unwrap();
    rig.crash();
    rig.operate(parent, terminate("stop")).unwrap();
    assert_eq!(rig.status(child), WorkflowStatus::Running, "it goes its own way");
    rig.update(child, "w", TaskStatus::Completed, json!({}));
    assert_eq!((rig.status(child), rig.status(parent)), (WorkflowStatus::Completed, WorkflowStatus::Terminated));
}

#[test]
fn a_pause_holds_the_parent_and_not_the_child() {
    let mut rig = pair();
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.operate(parent, Operation::Pause).unwrap();
    assert_eq!(rig.status(child), WorkflowStatus::Running);
    rig.update(child, "w", TaskStatus::Completed, json!({"v": 2}));
    assert_eq!((rig.status(child), rig.status(parent)), (WorkflowStatus::Completed, WorkflowStatus::Paused));
    rig.crash();
    rig.operate(parent, Operation::Resume).unwrap();
    assert_eq!(rig.json(parent)["variables"], json!({"got": 2}));
}

#[test]
fn a_run_that_is_made_again_has_another_child() {
    let mut rig = pair();
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.update(child, "w", TaskStatus::Completed, json!({"v": 1}));
    let task = rig.task(parent, "s")["taskId"].as_str().unwrap().parse().unwrap();
    let rerun = Rerun { from: Some(task), ..Rerun::default() };
    rig.operate(parent, Operation::Rerun(Box::new(rerun))).unwrap();
    let again = rig.child(parent, "s");
    assert_ne!(child, again);
    rig.update(again, "w", TaskStatus::Completed, json!({"v": 2}));
    assert_eq!(
        (rig.json(parent)["variables"]["got"].as_i64(), rig.json(parent)["tasks"].as_array().unwrap().len()),
        (Some(2), 2)
    );
}

#[test]
fn a_task_below_can_be_made_again_from_the_top() {
    let mut rig = pair();
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.update(child, "w", TaskStatus::Failed, json!({}));
    let task = rig.task(child, "w")["taskId"].as_str().unwrap().parse().unwrap();
    let rerun = Rerun { from: Some(task), ..Rerun::default() };
    rig.operate(parent, Operation::Rerun(Box::new(rerun))).unwrap();
    assert_eq!(rig.log_statuses(&[parent, child]), [WorkflowStatus::Running; 2]);
    rig.update(child, "w", TaskStatus::Completed, json!({"v": 3}));
    assert_eq!(rig.json(parent)["variables"], json!({"got": 3}));
}

#[test]
fn what_may_not_be_started_reads_like_what_is_not_there() {
    let mut optional = sub("s", "child", json!({}));
    optional["optional"] = json!(true);
    let mut missing = sub("m", "nowhere", json!({}));
    missing["subWorkflowParam"]["version"] = json!(3);
    let mut shelf = Shelf::of(&[workflow("parent", &[optional, missing]), workflow("child", &[wait("w")])]);
    shelf.denied.insert("child".to_owned());
    let mut rig = Rig::with(shelf);
    let parent = rig.start("parent", &json!({}));
    assert_eq!(rig.task(parent, "s")["reasonForIncompletion"], "No such workflow found by name: child, version: null");
    assert_eq!(rig.task(parent, "m")["reasonForIncompletion"], "No such workflow found by name: nowhere, version: 3");
    assert_eq!(rig.status(parent), WorkflowStatus::Failed);
    assert_eq!(rig.names(), ["parent"]);
}

#[test]
fn a_secret_is_handed_over_only_by_who_may_read_it() {
    let hand_over = sub("s", "child", json!({"key": "${workflow.secrets.prod}"}));
    let definitions = [
        workflow("parent", &[hand_over]),
        giving(
            "child",
            &[get("h", json!({"uri": "http://x", "method": "GET", "k": "${workflow.input.key}"}))],
            json!({}),
        ),
    ];
    let mut rig = Rig::new(&definitions);
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    assert_eq!(rig.on_disk(child).input.expose()["key"], "${workflow.secrets.prod}", "it stays a reference");
    let mut shelf = Shelf::of(&definitions);
    shelf.denied.insert("prod".to_owned());
    let mut rig = Rig::with(shelf);
    let parent = rig.start("parent", &json!({}));
    let reason = rig.task(parent, "s")["reasonForIncompletion"].as_str().unwrap().to_owned();
    assert_eq!(reason, "secret \"prod\" is not available to workflow:parent (missing or not granted)");
    assert_eq!(rig.names(), ["parent"]);
}

#[test]
fn a_reference_that_a_child_gives_is_only_text_to_its_parent() {
    let mut rig = Rig::new(&[
        giving("parent", &[sub("s", "child", json!({}))], json!({"k": "${s.output.k}"})),
        giving("child", &[set("v", json!({}))], json!({"k": "${workflow.secrets.prod}"})),
    ]);
    let parent = rig.start("parent", &json!({}));
    assert_eq!(rig.json(parent)["output"]["k"], "${workflow.secrets.prod}");
    assert!(crate::workflow::expressions::references(rig.on_disk(parent).output.expose()).is_empty());
}

#[test]
fn masks_go_with_the_values_in_both_directions() {
    let call = get("h", json!({"uri": "http://x", "method": "GET"}));
    let mut rig = Rig::new(&[
        giving(
            "parent",
            &[call.clone(), sub("s", "child", json!({"seen": "${h.output.response.body.t}"}))],
            json!({
            "back": "${s.output.back}"}),
        ),
        giving("child", &[call, wait("w")], json!({"back": "${h.output.response.body.t}"})),
    ]);
    let parent = rig.start("parent", &json!({}));
    rig.answer(200, json!({"t": "parents-secret-value"}), &["parents-secret-value"]);
    let child = rig.child(parent, "s");
    assert_eq!(rig.json(child)["input"]["seen"], "***", "a child hides what its parent hid");
    rig.answer(200, json!({"t": "childs-secret-value"}), &["childs-secret-value", "never-in-the-output"]);
    rig.update(child, "w", TaskStatus::Completed, json!({}));
    assert_eq!(rig.json(parent)["output"]["back"], "***", "and a parent what its child hid");
    let masks = rig.on_disk(parent).masks.len();
    assert_eq!(masks, 2, "what it never gets to know it need not hide");
}

#[test]
fn a_value_that_a_child_stores_is_hidden_in_its_parent_from_the_start() {
    let store = json!({"name": "u", "taskReferenceName": "u", "type": "UPDATE_SECRET",
        "inputParameters": {"_secrets": {"secretKey": "k", "secretValue": "${workflow.input.token}"}}});
    let call = get("h", json!({"uri": "http://x", "method": "GET"}));
    let mut rig = Rig::new(&[
        workflow("parent", &[call, sub("s", "child", json!({"token": "${h.output.response.body.t}"}))]),
        workflow("child", &[store]),
    ]);
    let parent = rig.start("parent", &json!({}));
    rig.answer(200, json!({"t": "a-fetched-token"}), &[]);
    let child = rig.child(parent, "s");
    assert!(!rig.json(child).to_string().contains("a-fetched-token"));
    assert!(!rig.json(parent).to_string().contains("a-fetched-token"));
}

#[test]
fn a_token_that_a_child_fetched_and_nobody_stored_is_unstored() {
    let store = json!({"name": "u", "taskReferenceName": "u", "type": "UPDATE_SECRET",
        "inputParameters": {"_secrets": {"secretKey": "k", "secretValue": "${s.output.t}"}}});
    let mut rig = Rig::new(&[
        workflow("parent", &[sub("s", "child", json!({})), store]),
        giving(
            "child",
            &[get("h", json!({"uri": "http://x", "method": "GET"}))],
            json!({"t": "${h.output.response.body.t}"}),
        ),
    ]);
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.answer(200, json!({"t": "a-fetched-token"}), &[]);
    assert!(!rig.json(parent).to_string().contains("a-fetched-token"));
    assert_eq!(rig.on_disk(parent).unstored(), []);
    rig.operate(parent, terminate("stop")).unwrap();
    assert_eq!(rig.on_disk(parent).unstored().len(), 1, "it is named until somebody has it");
    assert!(!rig.on_disk(child).is_live());
}

#[test]
fn a_definition_that_came_as_data_is_nobodys() {
    let inline = json!({"name": "given", "tasks": [set("v", json!({"k": "${workflow.secrets.prod}"}))]});
    let mut by_data = sub("s", "child", json!({}));
    by_data["subWorkflowParam"] = json!({"name": "x", "workflowDefinition": "${workflow.input.definition}"});
    let mut literal = by_data.clone();
    literal["taskReferenceName"] = json!("l");
    literal["subWorkflowParam"]["workflowDefinition"] = inline.clone();
    let mut rig = Rig::new(&[workflow("parent", &[by_data, literal])]);
    let parent = rig.start("parent", &json!({"definition": inline}));
    let (given, literal) = (rig.on_disk(rig.child(parent, "s")), rig.on_disk(rig.child(parent, "l")));
    assert_eq!(given.plan.pinned.owner, crate::words::Owner::App(crate::words::App::nobody()));
    assert!(
        crate::workflow::expressions::references(given.variables.expose()).is_empty(),
        "a secret in it is only text"
    );
    assert_eq!(literal.plan.pinned.owner, crate::words::Owner::File("w.yaml".to_owned()));
    assert_eq!(crate::workflow::expressions::references(literal.variables.expose()).len(), 1);
    assert_eq!(rig.status(parent), WorkflowStatus::Completed);
}

impl Rig {
    pub(super) fn log_statuses<const N: usize>(&self, ids: &[ExecutionId; N]) -> [WorkflowStatus; N] {
        ids.map(|id| self.status(id))
    }
}

#[test]
fn who_needs_no_runs_of_an_execution_keeps_none_of_it_and_sees_the_same() {
    let mut rig = Rig::new(&[workflow("w", &[set("v", json!({"n": "${workflow.input.n}"})), wait("a")])]);
    let id = rig.start("w", &json!({"n": 1}));
    let read = |rig: &mut Rig, whole| {
        let (reply, mut answer) = oneshot::channel();
        rig.turn(vec![Message::Read { execution: id, whole, reply }]);
        answer.try_recv().unwrap().unwrap()
    };
    let (whole, light) = (read(&mut rig, true), read(&mut rig, false));
    let live = rig.dispatcher.read(id).unwrap();
    assert!(Arc::ptr_eq(&whole, &live) && !Arc::ptr_eq(&light, &live));
    assert_eq!((whole.runs.len(), light.runs.len()), (2, 0));
    assert_eq!(view::workflow_json(&light, false), view::workflow_json(&whole, false));
}
