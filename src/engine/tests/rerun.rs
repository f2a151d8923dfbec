//! Runs that are made again, and tasks that are passed over.

use serde_json::{Value, json};

use super::rig::{Rig, plan};
use crate::engine::{Operation, Rejected, Rerun, Skip};
use crate::words::{Map, TaskStatus, WorkflowStatus};

fn work(reference: &str) -> Value {
    json!({"name": "work", "taskReferenceName": reference, "inputParameters": {"from": "${workflow.input.k}"}})
}

fn forked() -> Rig {
    let fork = json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [
        [work("a1"), work("a2")], [work("b1"), work("b2")]]});
    let join = json!({"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["a2", "b2"]});
    Rig::new(json!([fork, join, work("last")]))
}

fn done(rig: &mut Rig, reference: &str) {
    let run = rig.execution.task_by_reference(reference).unwrap().number;
    rig.work(run.0, TaskStatus::Completed, json!({"by": reference}));
}

fn rerun(rig: &mut Rig, reference: &str, task_input: Option<Value>) -> Result<usize, Rejected> {
    let task = rig.execution.task_by_reference(reference).unwrap().id(rig.execution.id);
    let task_input = task_input.map(|input| input.as_object().unwrap().clone());
    rig.operate(Operation::Rerun(Box::new(Rerun { from: Some(task), task_input, ..Rerun::default() })))
}

fn skip(reference: &str, output: Value) -> Operation {
    let output = output.as_object().unwrap().clone();
    Operation::Skip(Box::new(Skip { reference: reference.to_owned(), input: Map::new(), output }))
}

#[test]
fn a_rerun_makes_again_what_follows_and_leaves_other_branches_alone() {
    let mut rig = forked();
    for reference in ["a1", "b1", "a2", "b2", "last"] {
        done(&mut rig, reference);
    }
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    rerun(&mut rig, "a1", None).unwrap();
    assert_eq!(rig.status(), WorkflowStatus::Running);
    assert_eq!(rig.tasks(), ["f COMPLETED", "b1 COMPLETED", "b2 COMPLETED", "a1 SCHEDULED", "j SCHEDULED"]);
    done(&mut rig, "a1");
    done(&mut rig, "a2");
    assert_eq!(
        rig.execution.task_by_reference("j").unwrap().status,
        TaskStatus::Completed,
        "the other branch still counts"
    );
    done(&mut rig, "last");
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    rig.crash();
}

#[test]
fn a_rerun_in_one_branch_begins_again_what_was_cut_off_in_another() {
    let mut rig = forked();
    done(&mut rig, "a1");
    let run = rig.execution.task_by_reference("a2").unwrap().number;
    rig.work(run.0, TaskStatus::FailedWithTerminalError, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert_eq!(rig.execution.task_by_reference("b1").unwrap().status, TaskStatus::Canceled);
    rerun(&mut rig, "a2", None).unwrap();
    for reference in ["b1", "b2", "a2", "last"] {
        done(&mut rig, reference);
    }
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.json()["failedReferenceTaskNames"], json!([]), "what failed before is forgiven");
}

#[test]
fn a_rerun_in_one_branch_begins_again_what_failed_in_another() {
    let mut rig = forked();
    let run = rig.execution.task_by_reference("a1").unwrap().number;
    rig.work(run.0, TaskStatus::Failed, json!({}));
    rerun(&mut rig, "b1", None).unwrap();
    assert_eq!(rig.tasks(), ["f COMPLETED", "a1 SCHEDULED", "b1 SCHEDULED", "j SCHEDULED"]);
    assert_eq!(rig.execution.task_by_reference("a1").unwrap().attempt, 0, "with all its attempts, as on Conductor");
    for reference in ["a1", "a2", "b1", "b2", "last"] {
        done(&mut rig, reference);
    }
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    rig.crash();
}

#[test]
fn what_was_let_fail_begins_again_with_a_rerun_and_nothing_follows_it_twice() {
    let mut lenient = work("a");
    lenient["permissive"] = json!(true);
    let mut rig = Rig::new(json!([lenient, work("b"), work("c")]));
    rig.work(1, TaskStatus::Failed, json!({}));
    done(&mut rig, "b");
    done(&mut rig, "c");
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    rerun(&mut rig, "c", None).unwrap();
    assert_eq!(rig.tasks(), ["b COMPLETED", "a SCHEDULED", "c SCHEDULED"]);
    done(&mut rig, "a");
    done(&mut rig, "c");
    assert_eq!((rig.status(), rig.tasks().len()), (WorkflowStatus::Completed, 3));
    rig.crash();
}

#[test]
fn a_rerun_of_the_join_or_the_fork_makes_again_no_more_than_follows() {
    let mut rig = forked();
    for reference in ["a1", "b1", "a2", "b2", "last"] {
        done(&mut rig, reference);
    }
    rerun(&mut rig, "j", None).unwrap();
    assert_eq!(
        rig.execution.task_by_reference("last").unwrap().status,
        TaskStatus::Scheduled,
        "its branches are through"
    );
    done(&mut rig, "last");
    rerun(&mut rig, "f", None).unwrap();
    assert_eq!(rig.tasks(), ["f COMPLETED", "a1 SCHEDULED", "b1 SCHEDULED", "j SCHEDULED"]);
}

#[test]
fn a_rerun_takes_the_input_that_it_is_given_and_its_place_in_the_order() {
    let mut rig = Rig::of(json!({"name": "w", "tasks": [work("a"), work("b")]}), json!([]), json!({"k": 1}));
    done(&mut rig, "a");
    done(&mut rig, "b");
    rerun(&mut rig, "b", Some(json!({"from": "${workflow.secrets.prod}"}))).unwrap();
    let b = rig.execution.task_by_reference("b").unwrap();
    assert_eq!((b.seq, b.attempt, b.input.expose()), (2, 0, &json!({"from": "$${workflow.secrets.prod}"})), "as text");
    done(&mut rig, "b");
    let all = Rerun { workflow_input: Some(json!({"k": 2}).as_object().unwrap().clone()), ..Rerun::default() };
    rig.operate(Operation::Rerun(Box::new(all))).unwrap();
    assert_eq!(rig.tasks(), ["a SCHEDULED"]);
    assert_eq!(rig.execution.task_by_reference("a").unwrap().input.expose(), &json!({"from": 2}));
    assert_eq!(rig.execution.task_by_reference("a").unwrap().seq, 1);
}

#[test]
fn a_rerun_of_what_runs_or_is_not_there_is_refused() {
    let mut rig = Rig::new(json!([work("a")]));
    assert!(matches!(rerun(&mut rig, "a", None), Err(Rejected::StillRunning(_))));
    done(&mut rig, "a");
    let nothing = crate::words::TaskId::of(rig.execution.id, crate::words::RunNumber(9));
    let rerun = Rerun { from: Some(nothing), ..Rerun::default() };
    assert!(matches!(rig.operate(Operation::Rerun(Box::new(rerun))), Err(Rejected::UnknownRun(_))));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn a_task_that_is_skipped_gives_what_it_is_told_once_the_flow_comes_to_it() {
    let mut rig =
        Rig::new(json!([work("a"), work("b"), {"name": "s", "taskReferenceName": "s", "type": "SET_VARIABLE",
        "inputParameters": {"b": "${b.output.v}"}}]));
    rig.operate(skip("b", json!({"v": 3}))).unwrap();
    assert_eq!(rig.execution.variables.expose(), &json!({}), "the flow has not come to it");
    let tasks = rig.json()["tasks"].clone();
    assert_eq!(
        (&tasks[0]["referenceTaskName"], &tasks[0]["seq"], &tasks[0]["status"]),
        (&json!("b"), &json!(0), &json!("SKIPPED"))
    );
    rig.crash();
    done(&mut rig, "a");
    assert_eq!(rig.execution.variables.expose(), &json!({"b": 3}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn a_skipped_task_counts_for_its_join() {
    let mut rig = forked();
    rig.operate(skip("a2", json!({}))).unwrap();
    for reference in ["a1", "b1", "b2"] {
        done(&mut rig, reference);
    }
    assert_eq!(rig.execution.task_by_reference("j").unwrap().status, TaskStatus::Completed);
    done(&mut rig, "last");
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn what_is_skipped_gives_no_output_to_the_workflow() {
    let mut rig = Rig::new(json!([work("a"), work("b")]));
    rig.operate(skip("b", json!({"v": 3}))).unwrap();
    done(&mut rig, "a");
    assert_eq!((rig.status(), rig.output()), (WorkflowStatus::Completed, &json!({"by": "a"})));
}

#[test]
fn a_skipped_task_shows_its_name_as_its_type() {
    let named = json!({"name": "call it", "taskReferenceName": "c", "type": "HTTP"});
    let mut rig = Rig::new(json!([work("a"), named, {"name": "s", "taskReferenceName": "s", "type": "SET_VARIABLE",
        "inputParameters": {"type": "${c.taskType}"}}]));
    rig.operate(skip("c", json!({}))).unwrap();
    done(&mut rig, "a");
    let json = rig.json();
    let task = &json["tasks"][0];
    assert_eq!((&task["taskType"], &task["taskDefName"]), (&json!("call it"), &json!("call it")));
    assert_eq!(rig.execution.variables.expose(), &json!({"type": "call it"}));
}

#[test]
fn a_task_of_a_loop_is_skipped_in_one_iteration() {
    let looped = |tasks: Value| {
        json!([work("w"), {"name": "d", "taskReferenceName": "d", "type": "DO_WHILE", "items": [1, 2], "loopCondition": "",
            "loopOver": tasks}, work("z")])
    };
    let fork =
        json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [[work("a")], [work("b")]]});
    let join = json!({"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["a", "b"]});
    let list = json!([work("a"), work("b"), work("c")]);
    for (tasks, skipped, left) in [
        (&list, "a", &["b__1", "c__1", "a__2", "b__2", "c__2"][..]),
        (&list, "b", &["a__1", "c__1", "a__2", "b__2", "c__2"]),
        (&list, "c", &["a__1", "b__1", "a__2", "b__2", "c__2"]),
        (&json!([work("a")]), "a", &["a__2"]),
        (&json!([fork, join]), "a", &["b__1", "a__2", "b__2"]),
    ] {
        let mut rig = Rig::new(looped(tasks.clone()));
        rig.operate(skip(skipped, json!({}))).unwrap();
        rig.crash();
        for reference in std::iter::once(&"w").chain(left).chain(&["z"]) {
            let shown = rig.tasks();
            assert!(
                rig.execution.task_by_reference(reference).is_some(),
                "{reference}: {shown:?}, {skipped} of {tasks}"
            );
            done(&mut rig, reference);
            rig.crash();
        }
        assert_eq!(rig.status(), WorkflowStatus::Completed, "{skipped} of {tasks}");
    }
}

#[test]
fn what_has_run_or_is_not_there_cannot_be_skipped() {
    let mut rig = Rig::new(json!([work("a"), work("b")]));
    assert_eq!(rig.operate(skip("a", json!({}))), Err(Rejected::AlreadyRun("a".to_owned())));
    assert!(matches!(rig.operate(skip("c", json!({}))), Err(Rejected::UnknownTask { .. })));
    rig.operate(Operation::Pause).unwrap();
    assert!(matches!(rig.operate(skip("b", json!({}))), Err(Rejected::NotRunning(_))));
}

#[test]
fn variables_are_set_as_data() {
    let mut rig = Rig::new(json!([work("a")]));
    let variables = json!({"k": "${workflow.secrets.prod}"}).as_object().unwrap().clone();
    rig.operate(Operation::SetVariables { variables }).unwrap();
    assert!(crate::workflow::expressions::references(rig.execution.variables.expose()).is_empty());
    assert_eq!(rig.json()["variables"], json!({"k": "${workflow.secrets.prod}"}));
    let large = json!({"k": "x".repeat(300_000)}).as_object().unwrap().clone();
    assert!(matches!(rig.operate(Operation::SetVariables { variables: large }), Err(Rejected::TooLarge(_))));
    done(&mut rig, "a");
    let late = Operation::SetVariables { variables: Map::new() };
    assert!(matches!(rig.operate(late), Err(Rejected::Ended { .. })));
}

#[test]
fn a_rerun_in_a_loop_goes_on_in_its_iteration() {
    let looping = json!({"name": "l", "taskReferenceName": "l", "type": "DO_WHILE", "items": [1, 2, 3], "loopCondition": "",
        "loopOver": [work("a"), work("b")]});
    let mut rig = Rig::new(json!([looping, work("last")]));
    for _ in 0..3 {
        done(&mut rig, "a");
        done(&mut rig, "b");
    }
    done(&mut rig, "last");
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    let before: Vec<_> = rig.execution.shown_runs().map(|run| run.number).collect();
    let in_second =
        |run: &&crate::engine::Run| run.iteration == 2 && rig.execution.planned(run).task.task_reference_name == "b";
    let task = rig.execution.shown_runs().find(in_second).unwrap().id(rig.execution.id);
    rig.operate(Operation::Rerun(Box::new(Rerun { from: Some(task), ..Rerun::default() }))).unwrap();
    let shown: Vec<_> = rig.json()["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| format!("{} {}", task["referenceTaskName"].as_str().unwrap(), task["status"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, ["l IN_PROGRESS", "a__1 COMPLETED", "b__1 COMPLETED", "a__2 COMPLETED", "b__2 SCHEDULED"]);
    rig.crash();
    done(&mut rig, "b");
    done(&mut rig, "a");
    done(&mut rig, "b");
    assert_eq!(
        rig.json()["tasks"][0]["outputData"]
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| key.parse::<i32>().is_ok())
            .count(),
        3
    );
    done(&mut rig, "last");
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.execution.shown_runs().count(), before.len());
}

#[test]
fn a_restart_takes_the_definition_that_there_is_now() {
    let simple = |reference: &str| json!({"name": reference, "taskReferenceName": reference});
    let mut rig = Rig::new(json!([simple("a"), simple("b")]));
    rig.work(1, TaskStatus::Completed, json!({"n": 1}));
    rig.work(2, TaskStatus::Failed, json!({}));
    let now = json!({"name": "w", "version": 2, "timeoutSeconds": 60, "timeoutPolicy": "TIME_OUT_WF", "tasks": [simple("new"),
        {"name": "b", "taskReferenceName": "b", "inputParameters": {"from": "${new.output.n}", "gone": "${a.output.n}"}}]});
    let pinned = plan(now, json!([])).pinned.clone();
    rig.operate(Operation::RestartAs(Box::new((*pinned).clone()))).unwrap();
    assert_eq!((rig.tasks(), rig.json()["workflowVersion"].clone()), (vec!["new SCHEDULED".to_owned()], json!(2)));
    rig.crash();
    rig.work(3, TaskStatus::Completed, json!({"n": 7}));
    assert_eq!(rig.run(4).input.expose(), &json!({"from": 7, "gone": null}), "what ran before is gone");
    rig.advance(60);
    assert_eq!(rig.status(), WorkflowStatus::TimedOut, "its timeout counts from now on");
    rig.operate(Operation::Restart).unwrap();
    assert_eq!(rig.tasks(), ["new SCHEDULED"], "and it stays the one that it was restarted with");
}

#[test]
fn a_definition_that_cannot_run_restarts_nothing() {
    let mut rig = Rig::new(json!([{"name": "a", "taskReferenceName": "a"}]));
    rig.work(1, TaskStatus::Completed, json!({}));
    let mut pinned = (*rig.execution.plan.pinned).clone();
    pinned.workflow.tasks.clear();
    let refused = rig.operate(Operation::RestartAs(Box::new(pinned)));
    assert!(matches!(refused, Err(Rejected::Malformed(_))), "{refused:?}");
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}
