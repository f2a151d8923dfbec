//! What tasks do to other executions, and workflows for failures and events.

#![expect(clippy::needless_pass_by_value, reason = "a test reads better with values")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::FAMILY_MAX;
use super::rig::{Rig, Shelf, get, giving, set, sub, wait, workflow};
use crate::catalog::Owned;
use crate::daemon::{Message, Refused};
use crate::disk::Fault;
use crate::engine::{Answer, Command, Operation, Outcome};
use crate::executor::script::in_this_process;
use crate::journal::Log as _;
use crate::words::{App, ExecutionId, Owner, TaskStatus, WorkflowStatus};
use crate::workflow::definition::EventHandler;

fn start_task(request: Value) -> Value {
    json!({"name": "st", "taskReferenceName": "st", "type": "START_WORKFLOW", "inputParameters": {"startWorkflow": request}})
}

fn typed(reference: &str, kind: &str, input: Value) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": kind, "inputParameters": input})
}

fn fails(reference: &str) -> Value {
    typed(reference, "TERMINATE", json!({"terminationStatus": "FAILED", "terminationReason": "broken"}))
}

#[test]
fn start_workflow_goes_on_with_the_id_of_what_it_started() {
    let mut rig = Rig::new(&[
        giving(
            "starter",
            &[start_task(json!({"name": "other", "input": {"x": "${workflow.input.x}"}}))],
            json!({
            "o": "${st.output}"}),
        ),
        giving("other", &[wait("w")], json!({})),
    ]);
    let starter = rig.start("starter", &json!({"x": 3}));
    let other = rig.named("other");
    assert_eq!(rig.status(starter), WorkflowStatus::Completed);
    assert_eq!(rig.json(starter)["output"]["o"], json!({"workflowId": other.to_string()}));
    assert_eq!(rig.json(other)["input"], json!({"x": 3}));
    assert_eq!(
        (rig.json(other)["correlationId"].as_str(), rig.json(other).get("parentWorkflowId")),
        (Some("c-1"), None)
    );
    rig.crash();
    assert_eq!(rig.names(), ["other", "starter"]);
}

#[test]
fn a_start_that_cannot_be_says_why() {
    for (request, reason) in [
        (json!({"name": "nowhere"}), "No such workflow found by name: nowhere, version: null"),
        (json!({"input": {}}), "startWorkflow validation failed. 'name' -> Workflow name cannot be null or empty. "),
        (json!({"name": "other", "priority": 100}), "priority is not between 0 and 99"),
        (json!({"name": "other", "version": "x"}), "the version of `other` is no number"),
        (Value::Null, "Missing 'startWorkflow' in input data."),
    ] {
        let mut rig = Rig::new(&[workflow("starter", &[start_task(request)]), workflow("other", &[wait("w")])]);
        let starter = rig.start("starter", &json!({}));
        assert_eq!(rig.task(starter, "st")["reasonForIncompletion"], reason);
        assert_eq!(rig.names(), ["starter"]);
    }
}

#[test]
fn workflows_that_start_each_other_without_a_pause_come_to_an_end() {
    let mut rig = Rig::new(&[workflow("again", &[start_task(json!({"name": "again"}))])]);
    rig.start("again", &json!({}));
    assert_eq!(rig.names().len(), 101);
    let ids = rig.log.with_prefix("").unwrap();
    let failed = ids.iter().filter(|id| rig.status(**id) == WorkflowStatus::Failed).count();
    assert_eq!(failed, 1, "the last of them says why");
    let mut rig = Rig::new(&[workflow("again", &[wait("w"), start_task(json!({"name": "again"}))])]);
    let mut last = rig.start("again", &json!({}));
    for _ in 0..110 {
        rig.pass(1);
        rig.update(last, "w", TaskStatus::Completed, json!({}));
        last = rig.task(last, "st")["outputData"]["workflowId"].as_str().unwrap().parse().unwrap();
    }
    assert_eq!(rig.status(last), WorkflowStatus::Running, "one that takes its time goes on for ever");
}

#[test]
fn a_failure_workflow_that_fails_itself_comes_to_an_end() {
    let mut failing = workflow("failing", &[fails("f")]);
    failing["failureWorkflow"] = json!("failing");
    let mut rig = Rig::new(&[failing]);
    rig.start("failing", &json!({}));
    assert_eq!(rig.names().len(), 101);
}

#[test]
fn a_family_has_a_limit() {
    let mut rig = Rig::new(&[workflow("parent", &[sub("s", "child", json!({}))]), workflow("child", &[wait("w")])]);
    let root = ExecutionId::new(uuid::Uuid::from_u128(1 << 64));
    rig.dispatcher.families.insert(root, FAMILY_MAX);
    let parent = rig.start("parent", &json!({}));
    assert_eq!(parent, root);
    let reason = rig.task(parent, "s")["reasonForIncompletion"].as_str().unwrap().to_owned();
    assert!(reason.contains("20000 live sub-workflows"), "{reason}");
}

#[test]
fn a_failure_starts_the_workflow_that_is_named_for_it() {
    let call = get("h", json!({"uri": "http://x", "method": "GET"}));
    let mut failing = giving("failing", &[call, fails("f")], json!({}));
    failing["failureWorkflow"] = json!("on_fail");
    let mut rig = Rig::new(&[failing, workflow("on_fail", &[wait("w")])]);
    let failed = rig.start("failing", &json!({"k": 1}));
    rig.answer(200, json!({"t": "a-known-secret"}), &["a-known-secret"]);
    let told = rig.named("on_fail");
    assert_eq!(rig.json(failed)["output"]["conductor.failure_workflow"], told.to_string());
    let input = rig.on_disk(told).input.expose().clone();
    assert_eq!((&input["k"], &input["workflowId"]), (&json!(1), &json!(failed.to_string())));
    assert_eq!((&input["reason"], &input["failureStatus"]), (&json!("broken"), &json!("FAILED")));
    assert_eq!(input["failureTaskId"], rig.task(failed, "f")["taskId"]);
    assert_eq!(input["failedWorkflow"]["input"], json!({"k": 1}));
    assert!(!input.to_string().contains("a-known-secret"), "what the failed one hides it does not hand over");
    rig.crash();
    assert_eq!(rig.names(), ["failing", "on_fail"]);
}

#[test]
fn only_a_failure_starts_a_failure_workflow() {
    let named = |tasks: &[Value], failure: &str| {
        let mut definition = workflow("w", tasks);
        definition["failureWorkflow"] = json!(failure);
        Rig::new(&[definition, workflow("on_fail", &[set("v", json!({}))])])
    };
    let mut rig = named(&[wait("w")], "on_fail");
    let id = rig.start("w", &json!({}));
    rig.operate(id, Operation::Terminate { reason: None }).unwrap();
    assert_eq!(rig.names(), ["w"], "somebody ended it, and knows");
    let mut rig = named(&[wait("w")], "on_fail");
    let id = rig.start("w", &json!({}));
    rig.operate(id, Operation::TerminateFailing { reason: None }).unwrap();
    assert_eq!(rig.names(), ["on_fail", "w"]);
    let mut rig = named(&[set("v", json!({}))], "on_fail");
    rig.start("w", &json!({}));
    assert_eq!(rig.names(), ["w"]);
    let mut rig = named(&[fails("f")], "${workflow.input.whom}");
    rig.start("w", &json!({"whom": "on_fail"}));
    assert_eq!(rig.names(), ["on_fail", "w"]);
    let mut rig = named(&[fails("f")], "nowhere");
    let id = rig.start("w", &json!({}));
    let said = rig.json(id)["output"]["conductor.failure_workflow"].as_str().unwrap().to_owned();
    assert_eq!(
        said,
        "Error workflow nowhere failed to start.  reason: No such workflow found by name: nowhere, version: null"
    );
}

#[test]
fn a_key_starts_a_workflow_once() {
    let mut rig = Rig::new(&[workflow("w", &[wait("w")]), workflow("v", &[wait("w")])]);
    let first = rig.start_keyed("w", "k", "FAIL").unwrap();
    assert_eq!(rig.start_keyed("w", "k", "FAIL"), Err(Refused::KeyUsed(first)));
    assert_eq!(rig.start_keyed("w", "k", "RETURN_EXISTING"), Ok(first));
    assert_eq!(rig.start_keyed("w", "k", "FAIL_ON_RUNNING"), Err(Refused::KeyUsed(first)));
    assert!(rig.start_keyed("v", "k", "FAIL").is_ok(), "a key is its workflow's own");
    rig.update(first, "w", TaskStatus::Completed, json!({}));
    rig.crash();
    assert_eq!(rig.start_keyed("w", "k", "FAIL"), Err(Refused::KeyUsed(first)), "also after its end and a crash");
    assert_eq!(rig.start_keyed("w", "k", "RETURN_EXISTING"), Ok(first));
    let second = rig.start_keyed("w", "k", "FAIL_ON_RUNNING").unwrap();
    assert_ne!(first, second);
    assert_eq!(rig.start_keyed("w", "k", "RETURN_EXISTING"), Ok(second), "the latest one has the key");
    assert_eq!(rig.json(second)["idempotencyKey"], "k");
}

#[test]
fn a_call_in_doubt_below_is_not_repeated_by_a_new_child() {
    let mut retried = sub("s", "child", json!({}));
    retried["retryCount"] = json!(2);
    let post = get("h", json!({"uri": "http://x", "method": "POST"}));
    let mut rig = Rig::new(&[workflow("parent", &[retried]), workflow("child", &[post])]);
    let parent = rig.start("parent", &json!({}));
    rig.crash();
    let child = rig.child(parent, "s");
    assert_eq!(rig.on_disk(child).in_doubt().len(), 1);
    assert_eq!((rig.status(parent), rig.names().len()), (WorkflowStatus::Failed, 2));
    assert!(rig.calls.is_empty());
    rig.operate(parent, Operation::Retry).unwrap();
    assert_eq!(rig.names().len(), 3, "somebody asked for it");
}

#[test]
fn a_token_that_a_child_fetched_for_its_parent_is_never_forgotten() {
    let store = typed("u", "UPDATE_SECRET", json!({"_secrets": {"secretKey": "k", "secretValue": "${s.output.t}"}}));
    let call = get("h", json!({"uri": "http://x", "method": "GET"}));
    let mut rig = Rig::new(&[
        workflow("parent", &[sub("s", "child", json!({})), store]),
        giving("child", &[call, wait("w")], json!({"t": "${h.output.response.body.t}"})),
    ]);
    let parent = rig.start("parent", &json!({}));
    let child = rig.child(parent, "s");
    rig.answer(200, json!({"t": "a-fetched-token"}), &[]);
    rig.operate(parent, Operation::Terminate { reason: None }).unwrap();
    assert_eq!(rig.on_disk(child).unstored().len(), 1, "its parent never got it");
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    rig.turn(vec![crate::daemon::Message::Problems { reply }]);
    let problems = answer.try_recv().unwrap();
    assert!(
        problems.iter().any(|(about, text)| about.contains(&child.to_string()) && text.contains("value for k")),
        "{problems:?}"
    );
}

fn handled(event: &str, action: Value) -> Arc<Owned<EventHandler>> {
    let handler = json!({"name": "h", "event": event, "active": true, "actions": [action]});
    let def: EventHandler = serde_json::from_value(handler).unwrap();
    assert_eq!(def.problem(), None);
    Arc::new(Owned { def, owner: Owner::App(App::parse("ci")) })
}

fn event_rig(action: Value, others: &[Value]) -> Rig {
    let mut event = typed("e", "EVENT", json!({"n": "${workflow.input.n}", "target": "${workflow.input.target}"}));
    event["sink"] = json!("conductor");
    let mut definitions = others.to_vec();
    definitions.push(workflow("source", &[event]));
    let mut shelf = Shelf::of(&definitions);
    shelf.handlers = vec![handled("conductor:source:e", action)];
    Rig::with(shelf)
}

#[test]
fn an_event_starts_what_is_named_for_it() {
    let action = json!({"action": "start_workflow", "start_workflow": {"name": "other", "input": {"n": "${n}", "from": "${workflowInstanceId}"}}});
    let mut rig = event_rig(action, &[workflow("other", &[wait("w")])]);
    let source = rig.start("source", &json!({"n": 4}));
    let task = rig.task(source, "e");
    assert_eq!(
        (&task["status"], &task["outputData"]["event_produced"]),
        (&json!("COMPLETED"), &json!("conductor:source:e"))
    );
    assert_eq!((&task["inputData"]["sink"], &task["inputData"]["asyncComplete"]), (&json!("conductor"), &json!(false)));
    let other = rig.named("other");
    let json = rig.json(other);
    assert_eq!((&json["input"]["n"], &json["input"]["from"]), (&json!(4), &json!(source.to_string())));
    assert_eq!(
        (&json["event"], &json["input"]["conductor.event.name"]),
        (&json!("conductor:source:e"), &json!("conductor:source:e"))
    );
    rig.crash();
    assert_eq!(rig.names(), ["other", "source"]);
}

#[test]
fn an_event_ends_tasks_and_workflows_and_sets_variables() {
    let target = |action: &str, more: Value| {
        let mut part = json!({"workflowId": "${target}"});
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"action": action, action: part})
    };
    let waiting = giving("waiting", &[wait("w")], json!({"o": "${w.output.n}"}));
    let mut variables = waiting.clone();
    variables["variables"] = json!({"list": [1]});
    let cases = [
        (target("complete_task", json!({"taskRefName": "w", "output": {"n": "${n}"}})), WorkflowStatus::Completed),
        (target("fail_task", json!({"taskRefName": "w"})), WorkflowStatus::Failed),
        (target("terminate_workflow", json!({"terminationReason": "event ${n}"})), WorkflowStatus::Terminated),
        (
            target("update_workflow_variables", json!({"variables": {"list": ["${n}"]}, "appendArray": true})),
            WorkflowStatus::Running,
        ),
    ];
    for (action, status) in cases {
        let mut rig = event_rig(action, &[variables.clone()]);
        let target = rig.start("waiting", &json!({}));
        let source = rig.start("source", &json!({"n": 4, "target": target.to_string()}));
        assert_eq!((rig.status(source), rig.status(target)), (WorkflowStatus::Completed, status));
        let json = rig.json(target);
        match status {
            WorkflowStatus::Completed => assert_eq!(json["output"]["o"], 4),
            WorkflowStatus::Terminated => assert_eq!(json["reasonForIncompletion"], "event 4"),
            WorkflowStatus::Running => assert_eq!(json["variables"]["list"], json!([1, 4])),
            _ => {}
        }
    }
}

/// Evaluates what is asked, the last question first.
fn evaluate(rig: &mut Rig) -> usize {
    let (asked, others) =
        std::mem::take(&mut rig.calls).into_iter().partition(|call| matches!(call, Command::Evaluate(_)));
    rig.calls = others;
    let asked: Vec<Command> = asked;
    let count = asked.len();
    for call in asked.into_iter().rev() {
        let Command::Evaluate(question) = call else { unreachable!() };
        let answer = Answer::Evaluated { token: question.token, verdict: in_this_process(&question) };
        let (execution, run) = (question.execution, question.run);
        rig.turn(vec![Message::Outcome(Outcome { execution, run, answer, resolved: Vec::new() })]);
    }
    count
}

fn conditions(rig: &mut Rig, handlers: &[(&str, Option<&str>)]) {
    for (position, (condition, evaluator)) in handlers.iter().enumerate() {
        let action = json!({"action": "start_workflow", "start_workflow": {"name": format!("other{position}")}});
        let handler = json!({"name": format!("h{position}"), "event": "conductor:source:e", "active": true,
            "condition": condition, "evaluatorType": evaluator, "actions": [action]});
        let def: EventHandler = serde_json::from_value(handler).unwrap();
        assert_eq!(def.problem(), None);
        rig.shelf.handlers.push(Arc::new(Owned { def, owner: Owner::Local }));
    }
    rig.crash();
}

fn conditioned(handlers: &[(&str, Option<&str>)]) -> Rig {
    let others: Vec<_> = (0..handlers.len()).map(|n| workflow(&format!("other{n}"), &[wait("w")])).collect();
    let mut rig = event_rig(json!({"action": "start_workflow", "start_workflow": {"name": "other0"}}), &others);
    rig.shelf.handlers.clear();
    conditions(&mut rig, handlers);
    rig
}

#[test]
fn a_handler_acts_where_its_condition_says_so_and_the_event_waits_for_all_of_them() {
    let mut rig = conditioned(&[
        ("$.n > 3", None),
        ("$.n > 4", None),
        ("n", Some("value-param")),
        ("gone", Some("value-param")),
        ("$.nothing.at.all", None),
        ("$.workflowType == 'source' ? 1 : 0", Some("javascript")),
        ("'true'", Some("graaljs")),
        ("$.target.deep[0] == 1", None),
        ("true", None),
        ("false", None),
    ]);
    let source = rig.start("source", &json!({"n": 4, "target": "{\"deep\": [1]}"}));
    assert_eq!((rig.task(source, "e")["status"].clone(), rig.names()), (json!("SCHEDULED"), vec!["source".to_owned()]));
    assert_eq!(evaluate(&mut rig), 6);
    assert_eq!(rig.task(source, "e")["status"], "COMPLETED");
    assert_eq!(rig.names(), ["other0", "other2", "other5", "other7", "other8", "source"]);
}

/// Starts a workflow with an EVENT whose handler completes the task `w` of it, and tasks after it.
fn heard_by_itself(after: &[Value]) -> (Rig, ExecutionId) {
    let target = json!({"workflowId": "${workflowInstanceId}", "taskRefName": "w", "output": {"k": 1}});
    let mut event = typed("e", "EVENT", json!({}));
    event["sink"] = json!("conductor");
    let tasks: Vec<_> = [&[event], after].concat();
    let mut shelf = Shelf::of(&[workflow("source", &tasks)]);
    shelf.handlers = vec![handled("conductor:source:e", json!({"action": "complete_task", "complete_task": target}))];
    let mut rig = Rig::with(shelf);
    let source = rig.start("source", &json!({}));
    (rig, source)
}

#[test]
fn an_event_is_heard_once_the_flow_has_gone_on_from_it() {
    let (rig, source) = heard_by_itself(&[wait("w")]);
    assert_eq!((rig.status(source), &rig.task(source, "w")["outputData"]["k"]), (WorkflowStatus::Completed, &json!(1)));
    let inline = |name: &str| typed(name, "INLINE", json!({"expression": "1 + 1", "evaluatorType": "javascript"}));
    let (mut rig, source) = heard_by_itself(&[inline("i"), inline("i2"), wait("w")]);
    assert_eq!(rig.status(source), WorkflowStatus::Running);
    assert_eq!((evaluate(&mut rig), rig.status(source)), (1, WorkflowStatus::Running));
    assert_eq!((evaluate(&mut rig), rig.status(source)), (1, WorkflowStatus::Completed), "behind scripts as well");
}

#[test]
fn a_crash_or_a_journal_that_fails_while_conditions_are_asked_asks_them_again() {
    let mut rig = conditioned(&[("$.n == 1", None)]);
    let source = rig.start("source", &json!({"n": 1}));
    let late = std::mem::take(&mut rig.calls);
    rig.crash();
    assert_eq!(rig.calls.len(), 1);
    rig.disk.fail_at(rig.disk.steps(), Fault::NoSpace);
    assert_eq!(evaluate(&mut rig), 1);
    assert_eq!(rig.names(), ["source"], "nothing of it was done");
    rig.pass(1);
    rig.calls.extend(late);
    assert_eq!(evaluate(&mut rig), 2, "and a late answer is to nobody's question");
    assert_eq!(
        (rig.status(source), rig.names()),
        (WorkflowStatus::Completed, vec!["other0".to_owned(), "source".to_owned()])
    );
}

#[test]
fn who_ends_before_its_event_is_told_tells_nobody() {
    let mut rig = conditioned(&[("$.n == 1", None)]);
    let source = rig.start("source", &json!({"n": 1}));
    rig.operate(source, Operation::Terminate { reason: None }).unwrap();
    evaluate(&mut rig);
    assert_eq!((rig.status(source), rig.names()), (WorkflowStatus::Terminated, vec!["source".to_owned()]));
}

#[test]
fn an_event_that_cannot_be_handled_keeps_nobody() {
    let action = json!({"action": "complete_task", "complete_task": {"workflowId": "nothing", "taskRefName": "w"}});
    let mut rig = event_rig(action, &[]);
    let source = rig.start("source", &json!({"n": 1}));
    assert_eq!(rig.status(source), WorkflowStatus::Completed);
    let action = json!({"action": "start_workflow", "start_workflow": {"name": "other"}});
    let mut rig = event_rig(action, &[workflow("other", &[wait("w")])]);
    rig.shelf.denied.insert("other".to_owned());
    rig.crash();
    let source = rig.start("source", &json!({"n": 1}));
    assert_eq!(
        (rig.status(source), rig.names().len()),
        (WorkflowStatus::Completed, 1),
        "nor one that may not start it"
    );
}

#[test]
fn an_event_for_nobody_we_know_fails_its_task() {
    let mut event = typed("e", "EVENT", json!({}));
    event["sink"] = json!("kafka:topic");
    let mut rig = Rig::new(&[workflow("source", &[event])]);
    let source = rig.start("source", &json!({}));
    let task = rig.task(source, "e");
    assert_eq!(task["status"], "FAILED");
    assert_eq!(task["outputData"]["event_produced"], "kafka:topic", "what could not be told is shown");
    assert!(
        task["reasonForIncompletion"]
            .as_str()
            .unwrap()
            .starts_with("Invalid / Unsupported sink specified: kafka:topic")
    );
}

#[test]
fn get_workflow_gives_what_people_see() {
    let read = typed("g", "GET_WORKFLOW", json!({"id": "${workflow.input.id}", "includeTasks": true}));
    let call = get("h", json!({"uri": "http://x", "method": "GET"}));
    let mut rig = Rig::new(&[workflow("reader", &[read]), workflow("other", &[call])]);
    let other = rig.start("other", &json!({}));
    rig.answer(200, json!({"t": "a-known-secret"}), &["a-known-secret"]);
    let reader = rig.start("reader", &json!({"id": other.to_string()}));
    let output = rig.on_disk(reader).runs[0].output.expose().clone();
    assert_eq!((&output["workflowId"], &output["status"]), (&json!(other.to_string()), &json!("COMPLETED")));
    assert_eq!(output["tasks"][0]["outputData"]["response"]["body"]["t"], "***");
    rig.shelf.denied.insert("other".to_owned());
    rig.crash();
    let reader = rig.start("reader", &json!({"id": other.to_string()}));
    assert_eq!(rig.task(reader, "g")["reasonForIncompletion"], format!("No such workflow found by id: {other}"));
}

#[test]
fn update_task_reports_on_a_task_of_another() {
    let report = typed(
        "u",
        "UPDATE_TASK",
        json!({"taskStatus": "COMPLETED", "workflowId": "${workflow.input.id}",
        "taskRefName": "w", "taskOutput": {"v": 1}}),
    );
    let by_id = typed("u", "UPDATE_TASK", json!({"taskStatus": "FAILED", "taskId": "${workflow.input.task}"}));
    let mut rig = Rig::new(&[
        workflow("by_name", &[report]),
        workflow("by_id", &[by_id]),
        giving("other", &[wait("w")], json!({"v": "${w.output.v}"})),
    ]);
    let other = rig.start("other", &json!({}));
    let one = rig.start("by_name", &json!({"id": other.to_string()}));
    assert_eq!((rig.status(one), rig.json(other)["output"]["v"].as_i64()), (WorkflowStatus::Completed, Some(1)));
    let other = rig.start("other", &json!({}));
    let task = rig.task(other, "w")["taskId"].clone();
    rig.start("by_id", &json!({"task": task}));
    assert_eq!(rig.status(other), WorkflowStatus::Failed);
    rig.shelf.denied.insert("other".to_owned());
    rig.crash();
    let other = rig.start("other", &json!({}));
    let refused = rig.start("by_name", &json!({"id": other.to_string()}));
    assert_eq!((rig.status(refused), rig.status(other)), (WorkflowStatus::Failed, WorkflowStatus::Running));
}

#[test]
fn who_dismisses_a_doubt_has_nothing_repeated() {
    let mut retried = sub("s", "child", json!({}));
    retried["retryCount"] = json!(2);
    let post = get("h", json!({"uri": "http://x", "method": "POST"}));
    let mut above = retried.clone();
    above["subWorkflowParam"] = json!({"name": "parent"});
    let mut rig = Rig::new(&[workflow("top", &[above]), workflow("parent", &[retried]), workflow("child", &[post])]);
    let top = rig.start("top", &json!({}));
    let parent = rig.child(top, "s");
    rig.operate(rig.child(parent, "s"), Operation::Dismiss).unwrap();
    rig.crash();
    assert_eq!(rig.log_statuses(&[top, parent]), [WorkflowStatus::Failed; 2]);
    assert_eq!(rig.names().len(), 3, "neither above it nor above that");
}
