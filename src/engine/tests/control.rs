//! Order, branches, retries, timeouts and what people ask for.

use serde_json::{Value, json};

use super::rig::{Rig, plan, response, start_of};
use crate::engine::{Answer, Input, Operation, Rejected, next_deadline};
use crate::words::{RunNumber, TaskStatus, WorkflowStatus};

fn simple(reference: &str) -> Value {
    json!({"name": reference, "taskReferenceName": reference})
}

fn set(reference: &str, variables: Value) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": "SET_VARIABLE", "inputParameters": variables})
}

fn with(mut task: Value, field: &str, value: Value) -> Value {
    task[field] = value;
    task
}

fn fork(branches: Value, join_on: Value) -> Vec<Value> {
    vec![
        json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": branches}),
        json!({"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": join_on}),
    ]
}

#[test]
fn tasks_follow_one_another_and_the_last_output_is_the_workflows() {
    let mut rig = Rig::new(json!([simple("a"), simple("b")]));
    assert_eq!(rig.released(), ["offer 1 a"]);
    rig.work(1, TaskStatus::Completed, json!({"x": 1}));
    assert_eq!(rig.released(), ["offer 2 b"]);
    rig.work(2, TaskStatus::Completed, json!({"y": 2}));
    assert_eq!((rig.status(), rig.output()), (WorkflowStatus::Completed, &json!({"y": 2})));
}

#[test]
fn run_that_was_taken_is_not_given_twice() {
    let mut rig = Rig::new(json!([simple("a")]));
    assert_eq!(rig.poll(1), 1);
    assert_eq!(rig.poll(1), 0);
}

#[test]
fn update_of_a_finished_task_is_ignored() {
    let mut rig = Rig::new(json!([simple("a"), simple("b")]));
    rig.work(1, TaskStatus::Completed, json!({"x": 1}));
    assert_eq!(rig.update(1, TaskStatus::Completed, json!({"x": 2})), 0);
    assert_eq!(rig.run(1).output.expose(), &json!({"x": 1}));
}

#[test]
fn callback_offers_the_task_again_after_its_delay() {
    let mut rig = Rig::new(json!([simple("a")]));
    rig.poll(1);
    rig.update_with(1, TaskStatus::InProgress, json!({"a": 1}), None, 5);
    assert_eq!(rig.released(), ["offer 1 a"]);
    assert_eq!(rig.poll(1), 0);
    rig.advance(5);
    rig.work(1, TaskStatus::Completed, json!({"b": 2}));
    assert_eq!((rig.output(), rig.run(1).poll_count), (&json!({"b": 2}), 2));
}

#[test]
fn what_workers_want_later_is_offered_at_once_where_somebody_asks_for_it() {
    let mut rig = Rig::new(json!([simple("a")]));
    let reset = |rig: &mut Rig| rig.step(Input::Operation(Operation::ResetCallbacks)).unwrap();
    assert_eq!(reset(&mut rig), 0, "it waits for nobody but a worker");
    rig.poll(1);
    rig.update_with(1, TaskStatus::InProgress, json!({"half": 1}), None, 600);
    assert_eq!(rig.poll(1), 0);
    assert_eq!(reset(&mut rig), 1);
    assert_eq!((rig.run(1).callback_after_seconds, rig.run(1).output.expose()), (0, &json!({"half": 1})));
    assert_eq!(reset(&mut rig), 0);
    assert!(rig.poll(1) > 0, "it is offered");
    rig.update(1, TaskStatus::Completed, json!({}));
    assert!(rig.step(Input::Operation(Operation::ResetCallbacks)).is_err(), "it has ended");
}

#[test]
fn update_of_an_unpolled_task_withdraws_it() {
    let mut rig = Rig::new(json!([simple("a")]));
    rig.update(1, TaskStatus::Completed, json!({}));
    assert_eq!(rig.released(), ["withdraw 1"]);
}

/// As a real server recorded it: what begins with a fork or a SWITCH was made together with it.
#[test]
fn what_begins_with_a_fork_or_a_switch_does_not_see_it_and_what_follows_does() {
    let takes = |reference: &str, from: &str| with(simple(reference), "inputParameters", json!({"a": from}));
    let inner =
        json!({"name": "g", "taskReferenceName": "g", "type": "FORK_JOIN", "forkTasks": [[takes("c", "${f.output}")]]});
    let inner_join = json!({"name": "k", "taskReferenceName": "k", "type": "JOIN", "joinOn": []});
    let tasks = fork(
        json!([[takes("a", "${f.output}"), takes("b", "${f.output}")], [inner, inner_join, takes("d", "${g.status}")]]),
        json!(["b", "d"]),
    );
    let mut rig = Rig::new(json!(tasks));
    let fork = rig.execution.runs[0].number;
    let input =
        |rig: &Rig, reference: &str| rig.execution.task_by_reference(reference).unwrap().input.expose()["a"].clone();
    let number = |rig: &Rig, reference: &str| rig.execution.task_by_reference(reference).unwrap().number.0;
    assert_eq!((fork, input(&rig, "a"), input(&rig, "c")), (RunNumber(1), Value::Null, Value::Null));
    rig.work(number(&rig, "a"), TaskStatus::Completed, json!({}));
    assert_eq!((input(&rig, "b"), input(&rig, "d")), (json!({}), json!("COMPLETED")));

    let case = json!([takes("x", "${s.output.selectedCase}"), takes("y", "${s.output.selectedCase}")]);
    let switch = json!({"name": "s", "taskReferenceName": "s", "type": "SWITCH", "evaluatorType": "value-param",
        "expression": "p", "inputParameters": {"p": "1"}, "decisionCases": {"1": case}});
    let mut rig = Rig::new(json!([switch]));
    assert_eq!(input(&rig, "x"), Value::Null);
    rig.work(number(&rig, "x"), TaskStatus::Completed, json!({}));
    assert_eq!(input(&rig, "y"), json!("1"));
}

#[test]
fn join_waits_for_every_branch() {
    let mut tasks = fork(json!([[simple("a"), simple("b")], [simple("c")]]), json!(["b", "c"]));
    tasks.push(set("end", json!({"b": "${j.output.b.x}"})));
    let mut rig = Rig::new(json!(tasks));
    assert_eq!(rig.tasks(), ["f COMPLETED", "a SCHEDULED", "c SCHEDULED", "j SCHEDULED"]);
    assert_eq!(rig.json()["tasks"][3]["status"], "IN_PROGRESS", "as Conductor shows what waits");
    rig.work(3, TaskStatus::Completed, json!({}));
    rig.work(2, TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Running);
    rig.work(5, TaskStatus::Completed, json!({"x": 9}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.run(4).output.expose(), &json!({"b": {"x": 9}}));
    assert_eq!(rig.execution.variables.expose(), &json!({"b": 9}));
}

#[test]
fn join_on_nothing_goes_on_at_once_and_the_workflow_waits_for_the_branch() {
    let mut rig = Rig::new(json!(fork(json!([[simple("a")]]), json!([]))));
    assert_eq!(rig.tasks(), ["f COMPLETED", "a SCHEDULED", "j COMPLETED"]);
    assert_eq!(rig.status(), WorkflowStatus::Running);
    rig.work(2, TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn join_on_a_branch_not_taken_waits_for_ever() {
    let switch = json!({"name": "s", "taskReferenceName": "s", "type": "SWITCH", "expression": "v",
        "evaluatorType": "value-param", "inputParameters": {"v": "x"}, "decisionCases": {"y": [simple("never")]}});
    let rig = Rig::new(json!(fork(json!([[switch]]), json!(["never"]))));
    assert_eq!(rig.status(), WorkflowStatus::Running);
    assert!(rig.owed().is_empty());
}

#[test]
fn failed_branch_fails_the_workflow_and_cancels_the_others() {
    let mut rig = Rig::new(json!(fork(json!([[simple("a")], [simple("b")]]), json!(["a", "b"]))));
    rig.poll(2);
    rig.update_with(2, TaskStatus::Failed, json!({"k": 1}), Some("boom"), 0);
    assert_eq!(rig.tasks(), ["f COMPLETED", "a FAILED", "b CANCELED", "j CANCELED"]);
    assert_eq!((rig.status(), rig.output()), (WorkflowStatus::Failed, &json!({})), "what the last task gave");
    assert!(rig.reason().ends_with("failed with status: FAILED and reason: 'boom'"), "{}", rig.reason());
    assert!(rig.released().contains(&"withdraw 3".to_owned()));
}

#[test]
fn retry_of_a_fork_gives_leaves_a_new_attempt_and_keeps_the_join() {
    let mut rig = Rig::new(json!(fork(json!([[simple("a")], [simple("b")]]), json!(["a", "b"]))));
    rig.work(2, TaskStatus::Failed, json!({}));
    rig.operate(Operation::Retry).unwrap();
    assert_eq!(rig.tasks(), ["f COMPLETED", "a FAILED", "b CANCELED", "j IN_PROGRESS", "a SCHEDULED", "b SCHEDULED"]);
    rig.work(5, TaskStatus::Completed, json!({"n": 1}));
    rig.work(6, TaskStatus::Completed, json!({"n": 2}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.run(4).output.expose(), &json!({"a": {"n": 1}, "b": {"n": 2}}));
    assert_eq!(rig.execution.failed_references, ["a"]);
}

#[test]
fn optional_task_lets_the_flow_go_on() {
    let mut rig = Rig::new(json!([with(simple("a"), "optional", json!(true)), simple("b")]));
    rig.work(1, TaskStatus::Failed, json!({}));
    assert_eq!(rig.tasks(), ["a COMPLETED_WITH_ERRORS", "b SCHEDULED"]);
}

#[test]
fn permissive_task_lets_the_flow_go_on_and_fails_the_workflow_at_its_end() {
    let mut rig = Rig::new(json!([with(simple("a"), "permissive", json!(true)), simple("b")]));
    rig.work(1, TaskStatus::Failed, json!({}));
    assert_eq!(rig.tasks(), ["a FAILED", "b SCHEDULED"]);
    rig.work(2, TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
}

#[test]
fn a_retry_of_what_was_let_fail_runs_nothing_again_that_came_after_it() {
    let mut rig = Rig::new(json!([with(simple("a"), "permissive", json!(true)), simple("b"), simple("c")]));
    rig.work(1, TaskStatus::FailedWithTerminalError, json!({}));
    rig.work(2, TaskStatus::Completed, json!({}));
    rig.work(3, TaskStatus::Completed, json!({"z": 3}));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    rig.operate(Operation::Retry).unwrap();
    assert_eq!(rig.released(), ["offer 4 a"]);
    rig.work(4, TaskStatus::Completed, json!({}));
    assert_eq!((rig.status(), rig.released()), (WorkflowStatus::Completed, Vec::new()));
}

#[test]
fn a_retry_goes_on_to_what_could_not_begin_after_what_was_let_fail() {
    let next = json!({"name": "d", "taskReferenceName": "d", "type": "DYNAMIC", "dynamicTaskNameParam": "t",
        "inputParameters": {"t": "${a.output.next}"}});
    let mut rig = Rig::new(json!([with(simple("a"), "permissive", json!(true)), next, simple("c")]));
    rig.work(1, TaskStatus::FailedWithTerminalError, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Failed, "nothing says what d becomes");
    rig.operate(Operation::Retry).unwrap();
    rig.work(2, TaskStatus::Completed, json!({"next": "b"}));
    assert_eq!((rig.status(), rig.released().last().map(String::as_str)), (WorkflowStatus::Running, Some("offer 3 b")));
    rig.work(3, TaskStatus::Completed, json!({}));
    rig.work(4, TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn permissive_branch_fails_at_the_join_once_all_are_through() {
    let branches = json!([[with(simple("a"), "permissive", json!(true))], [simple("b")]]);
    let mut rig = Rig::new(json!(fork(branches, json!(["a", "b"]))));
    rig.work(2, TaskStatus::Failed, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Running);
    rig.work(3, TaskStatus::Completed, json!({}));
    assert_eq!(rig.tasks(), ["f COMPLETED", "a FAILED", "b COMPLETED", "j FAILED"]);
    assert_eq!(rig.status(), WorkflowStatus::Failed);
}

#[test]
fn failed_attempt_is_followed_by_another_after_its_delay() {
    let mut rig = Rig::of(
        json!({"name": "w", "tasks": [with(simple("a"), "type", json!("HTTP"))]}),
        json!([{"name": "a", "retryCount": 1, "retryDelaySeconds": 3}]),
        json!({}),
    );
    assert_eq!(rig.released(), ["perform 1"]);
    rig.answer(1, response(500, json!({"e": 1})));
    assert!(rig.released().is_empty());
    rig.advance(2);
    assert!(rig.released().is_empty());
    rig.advance(1);
    assert_eq!(rig.released(), ["perform 2"]);
    rig.answer(2, response(500, json!({"e": 2})));
    assert_eq!((rig.status(), rig.run(2).attempt), (WorkflowStatus::Failed, 1));
}

#[test]
fn terminal_error_is_not_retried() {
    let mut rig = Rig::new(json!([with(simple("a"), "retryCount", json!(3))]));
    rig.work(1, TaskStatus::FailedWithTerminalError, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
}

#[test]
fn attempts_end_when_their_total_time_has_passed() {
    let mut rig = Rig::of(
        json!({"name": "w", "tasks": [simple("a")]}),
        json!([{"name": "a", "retryCount": 9, "retryDelaySeconds": 0, "totalTimeoutSeconds": 10,
            "responseTimeoutSeconds": 0}]),
        json!({}),
    );
    rig.work(1, TaskStatus::Failed, json!({}));
    rig.advance(4);
    rig.poll(2);
    rig.advance(6);
    assert_eq!(rig.status(), WorkflowStatus::TimedOut);
}

#[test]
fn silent_worker_is_timed_out_to_the_second_and_the_attempt_retried() {
    let mut rig = Rig::of(
        json!({"name": "w", "tasks": [simple("a")]}),
        json!([{"name": "a", "retryCount": 1, "retryDelaySeconds": 0, "responseTimeoutSeconds": 7}]),
        json!({}),
    );
    assert_eq!(next_deadline(&rig.execution), None);
    rig.poll(1);
    assert_eq!(next_deadline(&rig.execution).unwrap().since(rig.now).as_secs(), 7);
    rig.advance(6);
    assert_eq!(rig.run(1).status, TaskStatus::InProgress);
    rig.advance(1);
    assert_eq!(rig.tasks(), ["a TIMED_OUT", "a SCHEDULED"]);
    assert!(rig.run(1).reason.as_ref().unwrap().starts_with("responseTimeout: 7 exceeded for the taskId: "));
}

#[test]
fn worker_that_says_it_still_works_has_its_whole_time_again_and_nothing_else_changes() {
    let mut rig = Rig::of(
        json!({"name": "w", "tasks": [simple("a")]}),
        json!([{"name": "a", "retryCount": 0, "responseTimeoutSeconds": 7, "timeoutSeconds": 12}]),
        json!({}),
    );
    let lease = |rig: &mut Rig| rig.step(Input::Leased { run: RunNumber(1) }).unwrap();
    assert_eq!(lease(&mut rig), 0, "nobody works for it");
    rig.poll(1);
    rig.update(1, TaskStatus::InProgress, json!({"half": 1}));
    assert_eq!(lease(&mut rig), 0, "it waits for a worker again");
    rig.poll(1);
    rig.advance(6);
    assert_eq!(lease(&mut rig), 1);
    assert_eq!(next_deadline(&rig.execution).unwrap().since(rig.now).as_secs(), 6, "its own time goes on");
    rig.advance(5);
    assert_eq!((rig.run(1).status, rig.run(1).output.expose()), (TaskStatus::InProgress, &json!({"half": 1})));
    rig.advance(1);
    assert_eq!(rig.run(1).status, TaskStatus::TimedOut);
    assert_eq!(lease(&mut rig), 0, "it has ended");
}

#[test]
fn unpolled_task_is_timed_out() {
    let mut rig = Rig::of(
        json!({"name": "w", "tasks": [simple("a")]}),
        json!([{"name": "a", "retryCount": 0, "pollTimeoutSeconds": 4}]),
        json!({}),
    );
    rig.advance(4);
    assert_eq!(rig.status(), WorkflowStatus::TimedOut);
    assert_eq!(rig.released(), ["withdraw 1"]);
}

fn slow(policy: &str) -> Rig {
    let mut rig = Rig::of(
        json!({"name": "w", "tasks": [simple("a")]}),
        json!([{"name": "a", "retryCount": 1, "retryDelaySeconds": 0, "timeoutSeconds": 5, "timeoutPolicy": policy}]),
        json!({}),
    );
    rig.poll(1);
    rig.advance(5);
    rig
}

#[test]
fn timeout_policies_differ() {
    assert_eq!(slow("RETRY").tasks(), ["a TIMED_OUT", "a SCHEDULED"]);
    assert_eq!(slow("TIME_OUT_WF").status(), WorkflowStatus::TimedOut);
    let alert = slow("ALERT_ONLY");
    assert_eq!((alert.run(1).status, alert.run(1).overdue), (TaskStatus::InProgress, true));
}

#[test]
fn an_alert_keeps_no_task_of_a_silent_worker() {
    let of = |silence: u64| {
        let mut rig = Rig::of(
            json!({"name": "w", "tasks": [simple("a")]}),
            json!([{"name": "a", "retryCount": 1, "retryDelaySeconds": 0, "timeoutSeconds": 5,
                "timeoutPolicy": "ALERT_ONLY", "responseTimeoutSeconds": silence}]),
            json!({}),
        );
        rig.poll(1);
        rig
    };
    let mut later = of(8);
    later.advance(5);
    assert_eq!((later.tasks(), later.run(1).overdue), (vec!["a IN_PROGRESS".to_owned()], true));
    later.advance(3);
    assert_eq!(later.tasks(), ["a TIMED_OUT", "a SCHEDULED"]);
    assert!(later.run(1).reason.as_deref().is_some_and(|reason| reason.starts_with("responseTimeout: 8")));
    let mut at_once = of(5);
    at_once.advance(5);
    assert_eq!(at_once.tasks(), ["a TIMED_OUT", "a SCHEDULED"]);
}

#[test]
fn call_that_took_too_long_is_abandoned() {
    let mut rig = Rig::of(
        json!({"name": "w", "tasks": [with(simple("a"), "type", json!("HTTP"))], "outputParameters": {"x": 1}}),
        json!([{"name": "a", "retryCount": 1, "retryDelaySeconds": 0, "timeoutSeconds": 5, "timeoutPolicy": "RETRY"}]),
        json!({}),
    );
    rig.advance(5);
    assert_eq!(rig.released(), ["abandon 1", "perform 2"]);
}

fn limited(policy: &str) -> Rig {
    let mut rig = Rig::of(
        json!({"name": "w", "timeoutSeconds": 10, "timeoutPolicy": policy, "tasks": [simple("a")]}),
        json!([]),
        json!({}),
    );
    rig.advance(10);
    rig
}

#[test]
fn workflow_is_timed_out_to_the_second() {
    let rig = limited("TIME_OUT_WF");
    assert_eq!(rig.tasks(), ["a CANCELED"]);
    assert_eq!(
        rig.reason(),
        "Workflow timed out after 10 seconds. Timeout configured as 10 seconds. Timeout policy configured to TIME_OUT_WF"
    );
    let rig = limited("ALERT_ONLY");
    assert_eq!((rig.status(), rig.execution.overdue), (WorkflowStatus::Running, true));
    assert_eq!(next_deadline(&rig.execution), None);
}

#[test]
fn given_timeout_holds_where_the_definition_has_none() {
    let mut begin = start_of(json!({}));
    begin.timeout = Some(std::time::Duration::from_mins(10));
    let mut rig = Rig::started(plan(json!({"name": "w", "tasks": [simple("a")]}), json!([])), begin);
    rig.advance(600);
    assert_eq!(rig.status(), WorkflowStatus::TimedOut);
}

#[test]
fn pause_holds_what_follows_and_resume_lets_it_go() {
    let mut rig = Rig::new(json!([simple("a"), simple("b")]));
    rig.poll(1);
    rig.operate(Operation::Pause).unwrap();
    rig.operate(Operation::Pause).unwrap();
    rig.update(1, TaskStatus::Completed, json!({}));
    assert_eq!(rig.tasks(), ["a COMPLETED"]);
    rig.operate(Operation::Resume).unwrap();
    assert_eq!(rig.released(), ["offer 2 b"]);
    assert_eq!(rig.operate(Operation::Resume), Err(Rejected::NotPaused(rig.execution.id)));
}

#[test]
fn pause_takes_back_offers_and_resume_makes_them_again() {
    let mut rig = Rig::new(json!([simple("a")]));
    rig.operate(Operation::Pause).unwrap();
    assert_eq!(rig.released(), ["withdraw 1"]);
    assert_eq!(rig.poll(1), 0);
    rig.operate(Operation::Resume).unwrap();
    assert_eq!(rig.released(), ["offer 1 a"]);
}

#[test]
fn what_a_pause_held_goes_on_after_terminate_and_retry() {
    let mut rig = Rig::new(json!([simple("a"), simple("b")]));
    rig.poll(1);
    rig.operate(Operation::Pause).unwrap();
    rig.update(1, TaskStatus::Completed, json!({}));
    rig.operate(Operation::Terminate { reason: None }).unwrap();
    rig.operate(Operation::Retry).unwrap();
    assert_eq!(rig.tasks(), ["a COMPLETED", "b SCHEDULED"]);
}

#[test]
fn failure_held_by_a_pause_is_retried_once() {
    let mut rig = Rig::new(json!([simple("a")]));
    rig.poll(1);
    rig.operate(Operation::Pause).unwrap();
    rig.update(1, TaskStatus::Failed, json!({}));
    rig.operate(Operation::Terminate { reason: None }).unwrap();
    rig.operate(Operation::Retry).unwrap();
    assert_eq!(rig.tasks(), ["a FAILED", "a SCHEDULED"]);
}

#[test]
fn an_output_knows_that_its_execution_ends_badly() {
    let check = |status: TaskStatus, expect: &str| {
        let output = json!({"s": "${workflow.status}", "r": "${workflow.reasonForIncompletion}"});
        let def = json!({"name": "w", "version": 1, "tasks": [simple("a")], "outputParameters": output});
        let mut rig = Rig::of(def, json!([]), json!({}));
        rig.poll(1);
        rig.update(1, status, json!({}));
        assert_eq!(rig.json()["output"], json!({"s": expect, "r": null}), "{status:?}");
    };
    check(TaskStatus::Completed, "RUNNING");
    check(TaskStatus::Failed, "FAILED");
    check(TaskStatus::Canceled, "TERMINATED");
}

#[test]
fn terminate_cancels_and_ended_executions_refuse() {
    let mut rig = Rig::new(json!([simple("a")]));
    rig.operate(Operation::Terminate { reason: Some("by api".to_owned()) }).unwrap();
    assert_eq!((rig.status(), rig.reason()), (WorkflowStatus::Terminated, "by api"));
    let ended = Rejected::Ended { execution: rig.execution.id, status: WorkflowStatus::Terminated };
    assert_eq!(rig.operate(Operation::Pause), Err(ended));
    assert_eq!(rig.operate(Operation::Terminate { reason: None }), Ok(0), "asking twice is as good as once");
    assert_eq!(rig.reason(), "by api");
}

#[test]
fn retry_and_restart_need_an_end_and_something_that_failed() {
    let mut rig = Rig::new(json!([simple("a")]));
    assert_eq!(rig.operate(Operation::Retry), Err(Rejected::StillRunning(rig.execution.id)));
    assert_eq!(rig.operate(Operation::Restart), Err(Rejected::StillRunning(rig.execution.id)));
    rig.work(1, TaskStatus::Completed, json!({}));
    assert_eq!(rig.operate(Operation::Retry), Err(Rejected::NothingToRetry(rig.execution.id)));
    rig.operate(Operation::Restart).unwrap();
    assert_eq!((rig.tasks(), rig.run(2).seq), (vec!["a SCHEDULED".to_owned()], 1));
}

#[test]
fn unknown_run_is_refused() {
    let mut rig = Rig::new(json!([simple("a")]));
    let polled = rig.step(Input::Polled { run: RunNumber(9), worker_id: None });
    assert_eq!(polled, Err(Rejected::UnknownRun(rig.execution.id)));
}

#[test]
fn wait_ends_at_its_time_and_nobody_is_asked() {
    let wait = json!({"name": "w", "taskReferenceName": "w", "type": "WAIT", "inputParameters": {"duration": "90s"}});
    let mut rig = Rig::new(json!([wait, simple("a")]));
    assert!(rig.owed().is_empty());
    rig.advance(89);
    assert_eq!(rig.tasks(), ["w IN_PROGRESS"]);
    rig.advance(1);
    assert_eq!(rig.tasks(), ["w COMPLETED", "a SCHEDULED"]);
}

#[test]
fn wait_for_somebody_ends_when_told() {
    let wait = json!({"name": "w", "taskReferenceName": "w", "type": "WAIT"});
    let mut rig = Rig::new(json!([wait]));
    assert_eq!((next_deadline(&rig.execution), rig.run(1).callback_after_seconds), (None, 2_147_483_647));
    rig.update(1, TaskStatus::Completed, json!({"by": "me"}));
    assert_eq!((rig.status(), rig.output()), (WorkflowStatus::Completed, &json!({"by": "me"})));
}

#[test]
fn wait_that_is_due_during_a_pause_ends_at_resume() {
    let wait = json!({"name": "w", "taskReferenceName": "w", "type": "WAIT", "inputParameters": {"duration": "9s"}});
    let mut rig = Rig::new(json!([wait]));
    rig.operate(Operation::Pause).unwrap();
    assert_eq!(next_deadline(&rig.execution), None);
    rig.advance(10);
    assert_eq!(rig.run(1).status, TaskStatus::InProgress);
    rig.operate(Operation::Resume).unwrap();
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn start_delay_is_waited_for() {
    let task = with(with(simple("a"), "type", json!("HTTP")), "startDelay", json!(5));
    let mut rig = Rig::new(json!([task]));
    assert!(rig.owed().is_empty());
    rig.advance(5);
    assert_eq!(rig.released(), ["perform 1"]);
}

#[test]
fn terminate_task_ends_everything() {
    let stop = json!({"name": "t", "taskReferenceName": "t", "type": "TERMINATE", "inputParameters":
        {"terminationStatus": "FAILED", "workflowOutput": 7}});
    let rig = Rig::new(json!(fork(json!([[simple("a")], [stop]]), json!(["a", "t"]))));
    assert_eq!((rig.status(), rig.output()), (WorkflowStatus::Failed, &json!({"output": 7})));
    assert!(rig.reason().starts_with("Workflow is FAILED by TERMINATE task: "), "{}", rig.reason());
    assert_eq!(rig.run(2).status, TaskStatus::Canceled);
}

#[test]
fn variables_over_the_limit_fail_the_task() {
    let rig = Rig::new(json!([set("a", json!({"x": "y".repeat(300 * 1024)}))]));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert!(rig.reason().contains("over the limit of 262144 bytes"), "{}", rig.reason());
}

#[test]
fn environment_is_resolved_when_a_task_is_planned() {
    let rig = Rig::new(json!([with(simple("a"), "inputParameters", json!({"r": "${workflow.env.region}"}))]));
    assert_eq!(rig.run(1).input.expose(), &json!({"r": "eu-1"}));
}

#[test]
fn call_that_feeds_no_secret_is_retried_after_a_crash_as_its_task_says() {
    let task = json!({"name": "a", "taskReferenceName": "a", "type": "HTTP", "retryCount": 1,
        "inputParameters": {"uri": "http://x", "method": "POST"}});
    let mut rig = Rig::of(json!({"name": "w", "tasks": [task], "outputParameters": {"x": 1}}), json!([]), json!({}));
    rig.crash();
    assert_eq!(rig.tasks(), ["a FAILED", "a SCHEDULED"]);
    assert!(rig.execution.in_doubt().is_empty());
}

#[test]
fn call_whose_output_leaves_the_definition_is_in_doubt_after_a_crash() {
    let task = json!({"name": "a", "taskReferenceName": "a", "type": "HTTP", "retryCount": 1,
        "inputParameters": {"uri": "http://x", "method": "POST"}});
    let mut rig = Rig::new(json!([task]));
    rig.crash();
    assert_eq!(rig.tasks(), ["a FAILED"]);
    assert_eq!(rig.execution.in_doubt().len(), 1);
}

#[test]
fn task_whose_end_somebody_else_reports_stays_in_progress() {
    let task = json!({"name": "a", "taskReferenceName": "a", "type": "HTTP", "asyncComplete": true});
    let mut rig = Rig::new(json!([task]));
    rig.answer(1, response(200, json!({"job": 1})));
    assert_eq!(rig.tasks(), ["a IN_PROGRESS"]);
    assert!(rig.owed().is_empty());
    rig.update(1, TaskStatus::Completed, json!({"done": true}));
    assert_eq!((rig.status(), rig.output()), (WorkflowStatus::Completed, &json!({"done": true})));
}

#[test]
fn answer_that_does_not_fit_changes_nothing() {
    let mut rig = Rig::new(json!([simple("a")]));
    assert_eq!(rig.answer(1, Answer::Ready), 0);
    assert_eq!(rig.answer(1, response(200, json!({}))), 0);
}

fn events_of_a_fork(width: usize) -> usize {
    let branches: Vec<_> = (0..width).map(|n| json!([simple(&format!("b{n}"))])).collect();
    let on: Vec<_> = (0..width).map(|n| format!("b{n}")).collect();
    let plan = plan(json!({"name": "w", "tasks": fork(json!(branches), json!(on))}), json!([]));
    let environment = crate::words::Map::new();
    let turn = crate::engine::Turn {
        now: super::rig::T0,
        environment: &environment,
        store_retry: std::time::Duration::from_secs(1),
        may_start: true,
        under_way: &std::collections::BTreeSet::new(),
        others: crate::engine::Others::NONE,
    };
    let (mut execution, events) = crate::engine::start(plan, start_of(json!({})), &turn);
    let mut count = events.len();
    for run in 2..u32::try_from(width).unwrap() + 2 {
        let update = crate::engine::WorkerUpdate {
            status: TaskStatus::Completed,
            output: crate::words::Payload::empty(),
            reason: None,
            callback_after_seconds: 0,
            worker_id: None,
        };
        count +=
            crate::engine::step(&mut execution, Input::Updated { run: RunNumber(run), update }, &turn).unwrap().len();
    }
    assert_eq!(execution.status, WorkflowStatus::Completed);
    count
}

#[test]
fn wide_fork_takes_events_in_proportion() {
    assert_eq!(events_of_a_fork(4000) - 6, 4 * (events_of_a_fork(1000) - 6));
}

#[test]
fn what_ended_in_the_step_that_ended_the_execution_is_gone_on_from_by_a_retry() {
    let wait =
        json!({"name": "w", "taskReferenceName": "w", "type": "WAIT", "inputParameters": {"duration": "5 seconds"}});
    let slow =
        json!({"name": "slow", "timeoutSeconds": 5, "timeoutPolicy": "TIME_OUT_WF", "responseTimeoutSeconds": 5});
    let tasks = fork(json!([[wait, simple("after")], [simple("slow")]]), json!(["after", "slow"]));
    let mut rig = Rig::of(json!({"name": "w", "tasks": tasks}), json!([slow]), json!({}));
    let slow = rig.execution.task_by_reference("slow").unwrap().number;
    rig.poll(slow.0);
    rig.advance(5);
    assert_eq!(rig.status(), WorkflowStatus::TimedOut);
    assert_eq!(rig.execution.task_by_reference("w").unwrap().status, TaskStatus::Completed, "in the same step");
    assert!(rig.execution.task_by_reference("after").is_none());
    rig.operate(Operation::Retry).unwrap();
    for reference in ["after", "slow"] {
        let run = rig.execution.task_by_reference(reference).unwrap().number;
        rig.work(run.0, TaskStatus::Completed, json!({}));
    }
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}
