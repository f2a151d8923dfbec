//! What begins in one pass is over before anything follows from it, however late its scripts are answered.

use serde_json::{Value, json};

use super::rig::{Rig, response};
use crate::engine::{Answer, Command, Operation, Verdict};
use crate::words::{Payload, RunNumber, TaskStatus, WorkflowStatus};

fn inline(name: &str) -> Value {
    json!({"name": name, "taskReferenceName": name, "type": "INLINE",
        "inputParameters": {"evaluatorType": "javascript", "expression": "1"}})
}

fn set(name: &str, value: &str) -> Value {
    json!({"name": name, "taskReferenceName": name, "type": "SET_VARIABLE", "inputParameters": {"v": value}})
}

fn terminate(name: &str) -> Value {
    json!({"name": name, "taskReferenceName": name, "type": "TERMINATE",
        "inputParameters": {"terminationStatus": "COMPLETED", "workflowOutput": {"o": 1}}})
}

fn fork(branches: Value) -> Rig {
    let last = |branch: &Value| branch.as_array().and_then(|tasks| tasks.last()?.get("taskReferenceName").cloned());
    let on: Vec<_> = branches.as_array().unwrap().iter().filter_map(last).collect();
    Rig::new(json!([
        {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": branches},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": on},
    ]))
}

/// Answers the script of a run.
fn answer(rig: &mut Rig, run: u32, verdict: Verdict) {
    let owed = crate::engine::outstanding(&rig.execution);
    let asked = owed.into_iter().find_map(|command| match command {
        Command::Evaluate(question) if question.run == RunNumber(run) => Some(question.token),
        _ => None,
    });
    let token = asked.unwrap_or_else(|| panic!("run {run} asks nothing: {:?}", rig.owed()));
    rig.answer(run, Answer::Evaluated { token, verdict });
}

fn gave(value: Value) -> Verdict {
    Verdict::Gave(Payload::new(value))
}

fn failed() -> Verdict {
    Verdict::Failed("no".to_owned())
}

#[test]
fn scripts_that_began_with_one_that_fails_are_finished_before_the_workflow_ends() {
    let mut rig = fork(json!([[inline("a"), set("a2", "a")], [inline("b"), set("b2", "b")]]));
    answer(&mut rig, 2, failed());
    assert_eq!(rig.status(), WorkflowStatus::Running);
    rig.crash();
    answer(&mut rig, 3, gave(json!(1)));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert_eq!(rig.tasks(), ["f COMPLETED", "a FAILED_WITH_TERMINAL_ERROR", "b COMPLETED", "j CANCELED"]);
}

#[test]
fn what_follows_comes_in_the_order_of_scheduling_whatever_is_answered_first() {
    for order in [[2, 3], [3, 2]] {
        let mut rig = fork(json!([[inline("a"), set("a2", "a")], [inline("b"), set("b2", "b")]]));
        for run in order {
            answer(&mut rig, run, gave(json!(1)));
        }
        let expected = ["f COMPLETED", "a COMPLETED", "b COMPLETED", "j COMPLETED", "a2 COMPLETED", "b2 COMPLETED"];
        assert_eq!(rig.tasks(), expected);
        assert_eq!(rig.execution.variables.expose(), &json!({"v": "b"}));
    }
}

#[test]
fn what_a_script_led_to_counts_as_scheduled_with_its_switch() {
    let way = json!({"name": "s", "taskReferenceName": "s", "type": "SWITCH", "evaluatorType": "javascript", "expression": "1",
        "inputParameters": {}, "defaultCase": [inline("a"), set("a2", "a")]});
    let mut rig = fork(json!([[way], [set("b", "b"), set("b2", "b2")]]));
    answer(&mut rig, 2, gave(json!("x")));
    let inner = rig.execution.task_by_reference("a").unwrap().number.0;
    answer(&mut rig, inner, gave(json!(1)));
    assert_eq!(rig.execution.variables.expose(), &json!({"v": "b2"}), "a2 comes before b2");
}

#[test]
fn terminate_lets_the_scripts_of_its_moment_finish_and_nothing_else_begin() {
    let mut rig = fork(json!([[inline("a"), set("a2", "a")], [terminate("t")]]));
    assert_eq!(rig.status(), WorkflowStatus::Running);
    answer(&mut rig, 2, gave(json!(1)));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.output(), &json!({"o": 1}));
    assert_eq!(rig.tasks(), ["f COMPLETED", "a COMPLETED", "t COMPLETED", "j CANCELED"]);
}

#[test]
fn what_fails_for_good_comes_before_a_terminate_of_the_same_moment() {
    let mut rig = fork(json!([[terminate("t")], [inline("a")]]));
    answer(&mut rig, 3, failed());
    assert_eq!(rig.status(), WorkflowStatus::Failed);
}

#[test]
fn what_the_world_answers_does_not_wait_for_a_script() {
    let call = json!({"name": "h", "taskReferenceName": "h", "type": "HTTP",
        "inputParameters": {"uri": "http://x/", "method": "GET"}});
    let mut rig = fork(json!([[inline("a")], [call, set("h2", "h")]]));
    rig.answer(3, response(200, json!({})));
    assert_eq!(rig.execution.variables.expose(), &json!({"v": "h"}), "h2 is done while a is open");
    answer(&mut rig, 2, gave(json!(1)));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn what_was_deferred_goes_on_after_a_pause() {
    let mut rig = fork(json!([[inline("a"), set("a2", "a")], [inline("b")]]));
    answer(&mut rig, 2, gave(json!(1)));
    rig.operate(Operation::Pause).unwrap();
    rig.crash();
    rig.operate(Operation::Resume).unwrap();
    answer(&mut rig, 3, gave(json!(1)));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.execution.variables.expose(), &json!({"v": "a"}));
}

#[test]
fn what_was_deferred_at_an_end_goes_on_after_a_retry() {
    let mut rig = fork(json!([[inline("a"), set("a2", "a")], [inline("b")]]));
    answer(&mut rig, 2, gave(json!(1)));
    rig.operate(Operation::Terminate { reason: None }).unwrap();
    assert_eq!(rig.run(3).status, TaskStatus::Canceled);
    rig.operate(Operation::Retry).unwrap();
    let again = rig.execution.task_by_reference("b").unwrap().number.0;
    answer(&mut rig, again, gave(json!(1)));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.execution.variables.expose(), &json!({"v": "a"}));
}

#[test]
fn other_workflows_begin_once_the_scripts_of_their_moment_are_answered() {
    let child =
        json!({"name": "c", "taskReferenceName": "c", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "child"}});
    let mut rig = fork(json!([[inline("a")], [child.clone()]]));
    assert!(crate::engine::owed_needs(&rig.execution).is_empty(), "a may end the workflow");
    answer(&mut rig, 2, failed());
    assert_eq!(rig.tasks()[2], "c CANCELED");
    let mut rig = fork(json!([[inline("a")], [child]]));
    answer(&mut rig, 2, gave(json!(1)));
    assert_eq!(crate::engine::owed_needs(&rig.execution).len(), 1);
}

#[test]
fn loop_begins_with_the_pass_that_comes_to_it() {
    let body = json!({"name": "n", "taskReferenceName": "n", "type": "NOOP"});
    let looped = json!({"name": "d", "taskReferenceName": "d", "type": "DO_WHILE", "loopCondition": "false", "loopOver": [body]});
    let rig = fork(json!([[looped], [terminate("t")]]));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.tasks(), ["f COMPLETED", "d CANCELED", "t COMPLETED", "j CANCELED", "n__1 CANCELED"]);
}

#[test]
fn join_that_is_cut_shows_what_had_ended_before_the_moment_that_cut_it() {
    let work = |name: &str| json!({"name": name, "taskReferenceName": name, "type": "SIMPLE"});
    let mut rig = fork(json!([[work("a")], [work("b")], [inline("c")], [work("d")]]));
    answer(&mut rig, 4, gave(json!(1)));
    rig.advance(1);
    rig.work(2, TaskStatus::Completed, json!({"x": 1}));
    rig.advance(1);
    rig.work(3, TaskStatus::Failed, json!({"x": 2}));
    assert_eq!(rig.tasks()[5], "j CANCELED");
    assert_eq!(rig.run(6).output.expose(), &json!({"a": {"x": 1}, "c": {"result": 1}}));
}

#[test]
fn join_that_somebody_cuts_shows_what_ended_a_while_ago_and_not_what_ended_just_then() {
    let gathered = |seconds| {
        let work = json!({"name": "w", "taskReferenceName": "w", "type": "SIMPLE"});
        let mut rig = fork(json!([[inline("a")], [work]]));
        answer(&mut rig, 2, gave(json!(1)));
        rig.advance(seconds);
        rig.operate(Operation::Terminate { reason: None }).unwrap();
        rig.run(4).output.expose().clone()
    };
    assert_eq!(gathered(0), json!({}));
    assert_eq!(gathered(1), json!({"a": {"result": 1}}));
}

#[test]
fn join_that_is_cut_shows_what_ended_before_the_moment_however_short_ago() {
    let work = |name: &str| json!({"name": name, "taskReferenceName": name, "type": "SIMPLE"});
    let mut rig = fork(json!([[work("a")], [work("b")]]));
    rig.work(2, TaskStatus::Completed, json!({"x": 1}));
    rig.now = rig.now.plus(std::time::Duration::from_millis(1));
    rig.work(3, TaskStatus::Failed, json!({"x": 2}));
    assert_eq!(rig.run(4).output.expose(), &json!({"a": {"x": 1}}));
}

fn ends(name: &str, status: &str) -> Value {
    json!({"name": name, "taskReferenceName": name, "type": "TERMINATE",
        "inputParameters": {"terminationStatus": status, "workflowOutput": {"by": name}, "terminationReason": name}})
}

#[test]
fn of_two_that_end_the_workflow_the_last_says_how_and_the_first_gives_the_output() {
    let rig = fork(json!([[ends("a", "FAILED")], [ends("b", "COMPLETED")]]));
    assert_eq!((rig.status(), rig.reason(), rig.output()), (WorkflowStatus::Completed, "b", &json!({"by": "a"})));
}

#[test]
fn what_was_let_fail_fails_a_workflow_that_a_task_ends() {
    let lenient = json!({"name": "a", "taskReferenceName": "a", "permissive": true});
    let mut rig = Rig::new(json!([lenient, ends("b", "TERMINATED")]));
    rig.work(1, TaskStatus::Failed, json!({}));
    assert_eq!((rig.status(), rig.output()), (WorkflowStatus::Failed, &json!({"by": "b"})));
    assert!(rig.reason().starts_with("Task ") && rig.reason().contains(" failed with status: FAILED"));
}

#[test]
fn a_retry_of_what_a_task_ended_asks_no_script() {
    let mut rig = fork(json!([[{"name": "w", "taskReferenceName": "w"}, ends("b", "FAILED")], [inline("a")]]));
    answer(&mut rig, 3, failed());
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    let mut rig = fork(json!([[inline("a")], [{"name": "w", "taskReferenceName": "w"}, ends("b", "FAILED")]]));
    answer(&mut rig, 2, gave(json!(1)));
    rig.work(3, TaskStatus::Completed, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Failed, "by the task");
    let asked = rig.owed();
    rig.operate(Operation::Retry).ok();
    assert_eq!((rig.status(), rig.owed()), (WorkflowStatus::Failed, asked));
}

#[test]
fn the_output_is_that_of_the_last_task_and_not_of_one_behind_a_script() {
    let choice = json!({"name": "s", "taskReferenceName": "s", "type": "SWITCH", "evaluatorType": "javascript",
        "expression": "'x'", "decisionCases": {"x": [{"name": "w", "taskReferenceName": "w"}]}});
    let mut rig =
        fork(json!([[choice], [{"name": "a", "taskReferenceName": "a"}, {"name": "b", "taskReferenceName": "b"}]]));
    rig.work(3, TaskStatus::Completed, json!({}));
    answer(&mut rig, 2, gave(json!("x")));
    let number = |rig: &Rig, name: &str| rig.execution.task_by_reference(name).unwrap().number.0;
    let (w, b) = (number(&rig, "w"), number(&rig, "b"));
    rig.work(w, TaskStatus::Completed, json!({"by": "w"}));
    rig.work(b, TaskStatus::Failed, json!({"by": "b"}));
    assert_eq!(rig.output(), &json!({"by": "b"}), "{w} {b}");
}
