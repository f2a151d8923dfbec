//! The laws of DO_WHILE, and of what stands in a loop.

use std::sync::Arc;

use serde_json::{Value, json};

use super::rig::{Rig, done, plan, response, start_of, turn};
use crate::engine::{
    Answer, Command, Event, Input, Operation, Outcome, Verdict, outstanding, replay, start, step, view,
};
use crate::words::{Payload, RunNumber, TaskStatus, WorkflowStatus};

fn task(reference: &str) -> Value {
    json!({"name": "work", "taskReferenceName": reference})
}

fn set(reference: &str, input: Value) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": "SET_VARIABLE", "inputParameters": input})
}

fn each(reference: &str, items: Value, tasks: Value) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": "DO_WHILE", "items": items, "loopCondition": "",
        "inputParameters": {}, "loopOver": tasks})
}

fn keeping(mut task: Value, kept: i64) -> Value {
    task["inputParameters"] = json!({"keepLastN": kept});
    task
}

fn fork(branches: Value) -> Value {
    json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": branches})
}

fn join(on: Value) -> Value {
    json!({"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": on})
}

fn complete(rig: &mut Rig, run: u32, output: Value) {
    rig.work(run, TaskStatus::Completed, output);
}

/// What the loop shows.
fn shown(rig: &Rig, reference: &str) -> Value {
    let tasks = rig.json()["tasks"].clone();
    let found = tasks.as_array().unwrap().iter().find(|task| task["referenceTaskName"] == reference);
    found.unwrap_or_else(|| panic!("no {reference}: {tasks}"))["outputData"].clone()
}

#[test]
fn each_iteration_has_its_own_runs_and_the_loop_shows_what_they_gave() {
    let mut rig = Rig::new(json!([each("dw", json!(["x", "y"]), json!([task("li")])), task("after")]));
    assert_eq!(shown(&rig, "dw"), json!({"iteration": 1, "loopIndex": 0, "loopItem": "x"}));
    complete(&mut rig, 2, json!({"n": 1}));
    assert_eq!(shown(&rig, "dw"), json!({"1": {"li": {"n": 1}}, "iteration": 2, "loopIndex": 1, "loopItem": "y"}));
    complete(&mut rig, 3, json!({"n": 2}));
    assert_eq!(rig.tasks(), ["dw COMPLETED", "li__1 COMPLETED", "li__2 COMPLETED", "after SCHEDULED"]);
    assert_eq!(
        shown(&rig, "dw"),
        json!({"1": {"li": {"n": 1}}, "2": {"li": {"n": 2}}, "iteration": 2, "loopIndex": 1, "loopItem": "y"})
    );
    let json = rig.json();
    assert_eq!((&json["tasks"][0]["iteration"], &json["tasks"][0]["loopOverTask"]), (&json!(2), &json!(true)));
    assert_eq!((&json["tasks"][1]["iteration"], &json["tasks"][3]["loopOverTask"]), (&json!(1), &json!(false)));
}

#[test]
fn task_of_an_earlier_iteration_is_found_by_its_number() {
    let mut rig = Rig::new(json!([each("dw", json!([1, 2]), json!([task("li")]))]));
    complete(&mut rig, 2, json!({}));
    let number = |reference: &str| rig.execution.task_by_reference(reference).map(|run| run.number.0);
    assert_eq!(number("li"), Some(3));
    assert_eq!(number("li__1"), Some(2));
    assert_eq!(number("li__2"), Some(3));
    assert_eq!(number("li__3"), None);
    assert_eq!(number("dw__1"), None);
}

#[test]
fn join_in_a_loop_counts_only_its_own_iteration() {
    let body = json!([fork(json!([[task("a")], [task("b")]])), join(json!(["a", "b"]))]);
    let mut rig = Rig::new(json!([each("dw", json!([1, 2]), body)]));
    complete(&mut rig, 3, json!({"v": 1}));
    complete(&mut rig, 4, json!({}));
    assert_eq!(rig.run(5).status, TaskStatus::Completed);
    // The second iteration: a and b of the first are through, and do not count.
    complete(&mut rig, 7, json!({"v": 2}));
    assert_eq!((rig.run(9).status, rig.status()), (TaskStatus::Scheduled, WorkflowStatus::Running));
    complete(&mut rig, 8, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.run(9).output.expose(), &json!({"a__2": {"v": 2}}));
}

#[test]
fn task_that_the_join_does_not_name_still_belongs_to_the_iteration() {
    let body = json!([fork(json!([[task("a")], [task("b")]])), join(json!(["a"]))]);
    let mut rig = Rig::new(json!([each("dw", json!([1, 2]), body)]));
    complete(&mut rig, 3, json!({}));
    assert_eq!(rig.execution.shown_iteration(rig.run(1)), 1, "b of the first iteration is open");
    complete(&mut rig, 4, json!({}));
    assert_eq!(rig.execution.shown_iteration(rig.run(1)), 2);
}

#[test]
fn failure_inside_cancels_the_loop_and_a_retry_goes_on_in_place() {
    let body = json!([task("a"), task("b")]);
    let mut rig = Rig::new(json!([each("dw", json!([1, 2]), body)]));
    complete(&mut rig, 2, json!({}));
    complete(&mut rig, 3, json!({}));
    complete(&mut rig, 4, json!({}));
    rig.work(5, TaskStatus::Failed, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
    assert_eq!(rig.run(1).status, TaskStatus::Canceled);
    assert_eq!(rig.execution.failed_references, ["b__2"]);
    rig.operate(Operation::Retry).unwrap();
    rig.crash();
    assert_eq!(rig.run(1).status, TaskStatus::InProgress);
    assert_eq!((rig.run(6).iteration, rig.run(6).scope), (2, rig.run(5).scope));
    complete(&mut rig, 6, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    let tasks = ["dw COMPLETED", "a__1 COMPLETED", "b__1 COMPLETED", "a__2 COMPLETED", "b__2 FAILED", "b__2 COMPLETED"];
    assert_eq!(rig.tasks(), tasks);
}

#[test]
fn permissive_failure_fails_the_loop_at_the_end_of_its_iteration() {
    let mut permissive = task("li");
    permissive["permissive"] = json!(true);
    let mut rig = Rig::new(json!([each("dw", json!([1, 2]), json!([permissive, task("b")]))]));
    rig.work(2, TaskStatus::Failed, json!({}));
    complete(&mut rig, 3, json!({}));
    assert_eq!(rig.tasks(), ["dw FAILED", "li__1 FAILED", "b__1 COMPLETED"]);
    assert_eq!(rig.status(), WorkflowStatus::Failed);
}

#[test]
fn pause_in_an_iteration_holds_its_end_and_nothing_comes_twice() {
    let mut rig = Rig::new(json!([each("dw", json!([1, 2]), json!([task("li")]))]));
    rig.poll(2);
    rig.operate(Operation::Pause).unwrap();
    rig.update(2, TaskStatus::Completed, json!({}));
    rig.crash();
    assert_eq!(rig.execution.shown_iteration(rig.run(1)), 1);
    rig.operate(Operation::Resume).unwrap();
    assert_eq!(rig.tasks(), ["dw IN_PROGRESS", "li__1 COMPLETED", "li__2 SCHEDULED"]);
    complete(&mut rig, 3, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn restart_begins_again_with_the_first_iteration() {
    let mut rig = Rig::new(json!([each("dw", json!([1, 2]), json!([task("li")]))]));
    complete(&mut rig, 2, json!({}));
    rig.operate(Operation::Terminate { reason: None }).unwrap();
    rig.operate(Operation::Restart).unwrap();
    rig.crash();
    assert_eq!(rig.tasks(), ["dw IN_PROGRESS", "li__1 SCHEDULED"]);
    complete(&mut rig, 5, json!({}));
    complete(&mut rig, 6, json!({}));
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn loop_in_a_loop_begins_anew_in_each_iteration() {
    let inner = each("i", json!("${o.output.loopItem}"), json!([set("x", json!({"v": "${i.output.loopItem}"}))]));
    let rig = Rig::new(json!([each("o", json!([[1, 2], [3]]), json!([inner])), task("after")]));
    let tasks = rig.tasks();
    assert_eq!(tasks[0], "o COMPLETED");
    assert_eq!(
        tasks[1..7],
        ["i__1 COMPLETED", "x__1 COMPLETED", "x__2 COMPLETED", "i__2 COMPLETED", "x__1 COMPLETED", "after SCHEDULED"]
    );
    assert_eq!(rig.execution.variables.expose(), &json!({"v": 3}));
    assert_eq!(
        shown(&rig, "o")["1"]["i"],
        json!({"1": {"x": {}}, "2": {"x": {}}, "iteration": 2, "loopIndex": 1, "loopItem": 2})
    );
}

#[test]
fn list_that_the_loop_itself_changes_counts_as_it_is_at_each_end() {
    let body = json!([set("more", json!({"l": [1, 2, 3]}))]);
    let rig = Rig::new(json!([set("l", json!({"l": [1, 2]})), each("dw", json!("${workflow.variables.l}"), body)]));
    assert_eq!(rig.execution.shown_iteration(rig.run(2)), 3);
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn switch_in_a_loop_takes_another_way_each_time() {
    let switch = json!({"name": "s", "taskReferenceName": "s", "type": "SWITCH", "evaluatorType": "value-param",
        "expression": "v", "inputParameters": {"v": "${dw.output.iteration}"},
        "decisionCases": {"1": [task("a"), task("b")], "2": []}, "defaultCase": [task("c")]});
    let mut rig = Rig::new(json!([each("dw", json!([1, 2, 3]), json!([switch]))]));
    complete(&mut rig, 3, json!({}));
    assert_eq!(rig.execution.shown_iteration(rig.run(1)), 1, "the case goes on");
    complete(&mut rig, 4, json!({}));
    complete(&mut rig, 7, json!({}));
    assert_eq!(
        rig.tasks(),
        [
            "dw COMPLETED",
            "s__1 COMPLETED",
            "a__1 COMPLETED",
            "b__1 COMPLETED",
            "s__2 COMPLETED",
            "s__3 COMPLETED",
            "c__3 COMPLETED"
        ]
    );
}

#[test]
fn keep_last_n_frees_what_earlier_iterations_took_and_gave() {
    let body = json!([task("li"), each("inner", json!([1]), json!([task("x")]))]);
    let mut rig = Rig::new(json!([keeping(each("dw", json!([1, 2, 3]), body), 1)]));
    for run in [2, 4, 5, 7, 8, 10] {
        complete(&mut rig, run, json!({"given": "a text that takes some space"}));
    }
    assert_eq!(rig.tasks(), ["dw COMPLETED", "li__3 COMPLETED", "inner__3 COMPLETED", "x__1 COMPLETED"]);
    assert_eq!(
        shown(&rig, "dw").as_object().unwrap().keys().collect::<Vec<_>>(),
        ["3", "iteration", "loopIndex", "loopItem"]
    );
    for run in [2, 4, 5, 7] {
        let run = rig.run(run);
        assert!(
            run.gone && run.output.expose() == &json!({}) && run.input.expose() == &json!({}),
            "run {}",
            run.number
        );
    }
    assert_eq!(rig.execution.index.frames.len(), 2, "the last iteration and the loop in it");
}

#[test]
fn token_of_one_iteration_does_not_stand_for_that_of_another() {
    let fetch = json!({"name": "fetch", "taskReferenceName": "fetch", "type": "HTTP",
        "inputParameters": {"uri": "http://x/${dw.output.loopItem}", "method": "POST"}});
    let store = json!({"name": "store", "taskReferenceName": "store", "type": "UPDATE_SECRET", "optional": true, "inputParameters":
        {"_secrets": {"secretKey": "${dw.output.loopItem}", "secretValue": "${fetch.output.response.body.token}"}}});
    let mut rig = Rig::new(json!([each("dw", json!(["a", "b"]), json!([fetch, store]))]));
    let fetched = |rig: &mut Rig, run: u32, token: &str| {
        rig.answer(run, Answer::Ready);
        rig.answer(run, response(200, json!({"token": token})));
    };
    fetched(&mut rig, 2, "token-of-a");
    rig.answer(3, super::rig::failed("the store refuses", true));
    fetched(&mut rig, 4, "token-of-b");
    rig.answer(5, done());
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.execution.unstored().iter().map(|run| run.0).collect::<Vec<_>>(), [2]);
}

#[test]
fn loop_that_is_too_long_ends_and_says_so() {
    let rows: Vec<_> = (0..100_001).collect();
    let def = json!({"name": "w", "tasks": [each("dw", json!("${workflow.input.rows}"), json!([noop("li")]))]});
    let (execution, _) = start(plan(def, json!([])), start_of(json!({"rows": rows})), &turn());
    assert_eq!(execution.status, WorkflowStatus::Failed);
    assert!(execution.reason.as_deref().unwrap().contains("100000 task runs"), "{:?}", execution.reason);
}

fn noop(reference: &str) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": "NOOP"})
}

/// Counts the work that a loop over `n` rows makes: events, their bytes, and what is kept for it.
fn work(definition: &Value, n: usize) -> [usize; 3] {
    let rows: Vec<_> = (0..n).collect();
    let plan = plan(definition.clone(), json!([]));
    let (execution, events) = start(Arc::clone(&plan), start_of(json!({"rows": rows})), &turn());
    assert_eq!(execution.status, WorkflowStatus::Running, "{:?}", execution.reason);
    let bytes = serde_json::to_vec(&events).unwrap();
    let again: Vec<Event> = serde_json::from_slice(&bytes).unwrap();
    let again = replay(execution.id, plan, again).ok().unwrap();
    assert_eq!(again.runs.len(), execution.runs.len());
    let kept = execution.index.frames.values().map(|frame| frame.runs.len()).sum::<usize>();
    [events.len(), bytes.len(), kept + execution.runs.len()]
}

#[track_caller]
fn check_linear(definition: &Value) {
    let (few, many) = (work(definition, 2_000), work(definition, 10_000));
    for (few, many) in few.into_iter().zip(many) {
        assert!(many <= 6 * few, "{few} at 2,000 iterations, {many} at 10,000");
    }
}

#[test]
fn ten_thousand_iterations_cost_five_times_two_thousand() {
    let body = json!([
        set("s", json!({"item": "${dw.output.loopItem}", "n": "${dw.output.iteration}", "before": "${s.input.n}"})),
        noop("li"),
    ]);
    let looped = each("dw", json!("${workflow.input.rows}"), body.clone());
    check_linear(&json!({"name": "w", "tasks": [looped.clone(), task("after")]}));
    check_linear(&json!({"name": "w", "tasks": [keeping(looped, 5), task("after")]}));
    let nested = each("i", json!([1]), body);
    check_linear(
        &json!({"name": "w", "tasks": [each("dw", json!("${workflow.input.rows}"), json!([nested])), task("after")]}),
    );
}

#[test]
fn whole_output_of_a_loop_in_its_body_does_not_grow_with_the_square() {
    let taken = |n: usize| {
        let rows: Vec<_> = (0..n).collect();
        let mut body = task("li");
        body["inputParameters"] = json!({"deep": [{"a/b": "${dw.output}"}], "n": "${dw.output.iteration}"});
        let def = json!({"name": "w", "tasks": [each("dw", json!("${workflow.input.rows}"), json!([body]))]});
        let mut rig = Rig::of(def, json!([]), json!({"rows": rows}));
        for run in 2..=u32::try_from(n + 1).unwrap() {
            complete(&mut rig, run, json!({"row": run, "text": "what a row gives, more or less"}));
        }
        assert_eq!(rig.status(), WorkflowStatus::Completed);
        (serde_json::to_vec(&rig.events).unwrap().len(), rig)
    };
    let (few, _) = taken(12);
    let (many, rig) = taken(60);
    assert!(many <= 6 * few, "{few} bytes at 12 iterations, {many} at 60");
    let input = &view::task_json(&rig.execution, rig.run(4))["inputData"];
    let all = json!({"1": {"li": {"row": 2, "text": "what a row gives, more or less"}},
        "2": {"li": {"row": 3, "text": "what a row gives, more or less"}}, "iteration": 3, "loopIndex": 2, "loopItem": 2});
    assert_eq!(input, &json!({"deep": [{"a/b": all}], "n": 3}), "what it took then, whatever came later");
}

#[test]
fn input_that_shows_a_loop_is_whole_for_workers_and_expressions() {
    let mut body = task("li");
    body["inputParameters"] = json!({"all": "${dw.output}"});
    let tasks = json!([each("dw", json!([7]), json!([body])), set("s", json!({"copy": "${li.input.all.loopItem}"}))]);
    let mut rig = Rig::new(tasks);
    assert_eq!(
        rig.execution.input(rig.run(2)).expose(),
        &json!({"all": {"iteration": 1, "loopIndex": 0, "loopItem": 7}})
    );
    complete(&mut rig, 2, json!({}));
    assert_eq!(rig.execution.variables.expose(), &json!({"copy": 7}));
}

fn asked(condition: &str, max: i64) -> Value {
    json!({"name": "dw", "taskReferenceName": "dw", "type": "DO_WHILE", "loopCondition": condition,
    "inputParameters": {"max": max, "stop": "${workflow.variables.stop}"}, "loopOver": [
        set("li", json!({"n": "${dw.output.iteration}", "stop": "${dw.output.iteration}"})), noop("no"),
    ]})
}

/// Answers each question with what `verdict` makes of its input, until there is none; returns the inputs.
fn answer(rig: &mut Rig, verdict: impl Fn(&Value) -> Value) -> Vec<Value> {
    let mut inputs = Vec::new();
    while let Some(Command::Evaluate(question)) = outstanding(&rig.execution).into_iter().next() {
        let input = question.input.expose().clone();
        let verdict = Verdict::Gave(Payload::new(verdict(&input)));
        rig.answer(question.run.0, Answer::Evaluated { token: question.token, verdict });
        inputs.push(input);
    }
    inputs
}

#[test]
fn condition_sees_the_inputs_as_they_are_now_and_where_the_loop_stands() {
    let mut rig = Rig::new(json!([asked("$.dw['iteration'] < $.max", 3)]));
    let inputs = answer(&mut rig, |input| json!(input["dw"]["iteration"].as_i64() < input["max"].as_i64()));
    let at = |n: i64| json!({"max": 3, "stop": n, "dw": {"iteration": n}, "li": {}, "no": {}});
    assert_eq!(inputs, [at(1), at(2), at(3)]);
    assert_eq!(rig.status(), WorkflowStatus::Completed);
    assert_eq!(rig.execution.shown_iteration(rig.run(1)), 3);
}

#[test]
fn condition_that_reads_earlier_iterations_is_shown_them_and_the_journal_is_not() {
    let mut rig = Rig::new(json!([asked("$.dw['1'] != null", 2)]));
    let inputs = answer(&mut rig, |input| json!(input["dw"]["iteration"].as_i64() < input["max"].as_i64()));
    assert_eq!(inputs[1]["dw"], json!({"1": {"li": {}, "no": {}}, "2": {"li": {}, "no": {}}, "iteration": 2}));
    let journal = serde_json::to_string(&rig.events).unwrap();
    assert!(!journal.contains(r#"{"li":{},"no":{}}"#), "{journal}");
}

#[test]
fn answer_to_an_earlier_question_of_the_loop_changes_nothing() {
    let mut rig = Rig::new(json!([asked("true", 0)]));
    let questions = |rig: &Rig| match outstanding(&rig.execution).into_iter().next() {
        Some(Command::Evaluate(question)) => question.token,
        _ => panic!("nothing is asked"),
    };
    let verdict =
        |token: u64, holds: bool| Answer::Evaluated { token, verdict: Verdict::Gave(Payload::new(json!(holds))) };
    let first = questions(&rig);
    assert!(rig.answer(1, verdict(first, true)) > 0);
    assert_eq!(rig.answer(1, verdict(first, false)), 0, "it was answered");
    rig.crash();
    let second = questions(&rig);
    assert_ne!(first, second);
    rig.operate(Operation::Pause).unwrap();
    assert_eq!(rig.answer(1, verdict(second, false)), 0, "it is asked again when the pause ends");
    rig.operate(Operation::Resume).unwrap();
    assert!(rig.released().contains(&format!("evaluate 1 {second}")));
    assert!(rig.answer(1, verdict(second, false)) > 0);
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn condition_that_failed_is_asked_again_by_a_retry_in_place() {
    let mut rig = Rig::new(json!([asked("$.no.such", 0)]));
    let token = |rig: &Rig| match outstanding(&rig.execution).into_iter().next() {
        Some(Command::Evaluate(question)) => question.token,
        _ => panic!("nothing is asked"),
    };
    let failed = Answer::Evaluated { token: token(&rig), verdict: Verdict::Failed("no such".to_owned()) };
    rig.answer(1, failed);
    assert_eq!(rig.tasks(), ["dw FAILED_WITH_TERMINAL_ERROR", "li__1 COMPLETED", "no__1 COMPLETED"]);
    rig.operate(Operation::Retry).unwrap();
    assert_eq!(answer(&mut rig, |_| json!(false)).len(), 1);
    assert_eq!(rig.tasks(), ["dw COMPLETED", "li__1 COMPLETED", "no__1 COMPLETED"]);
}

#[test]
fn ten_thousand_questions_cost_five_times_two_thousand() {
    let definition = json!({"name": "w", "tasks": [asked("$.dw['iteration'] < $.max", 0), task("after")]});
    let cost = |n: i64| {
        let (mut execution, mut events) = start(plan(definition.clone(), json!([])), start_of(json!({})), &turn());
        for iteration in 1..=n {
            let Some(Command::Evaluate(question)) = outstanding(&execution).into_iter().next() else {
                panic!("at {iteration}")
            };
            let verdict = Verdict::Gave(Payload::new(json!(iteration < n)));
            let answer = Answer::Evaluated { token: question.token, verdict };
            let outcome = Outcome { execution: execution.id, run: question.run, answer, resolved: Vec::new() };
            events.extend(step(&mut execution, Input::Outcome(outcome), &turn()).unwrap());
        }
        assert_eq!(execution.index.latest.len(), 4);
        [events.len(), serde_json::to_vec(&events).unwrap().len()]
    };
    let (few, many) = (cost(2_000), cost(10_000));
    for (few, many) in few.into_iter().zip(many) {
        assert!(many <= 6 * few, "{few} at 2,000 iterations, {many} at 10,000");
    }
}

#[test]
fn iteration_of_a_second_loop_is_not_over_while_what_its_switch_leads_to_is_to_begin() {
    let nowhere = json!({"name": "sw", "taskReferenceName": "sw", "type": "SWITCH", "evaluatorType": "value-param",
        "expression": "k", "inputParameters": {"k": "z"}, "decisionCases": {"a": [set("never", json!({}))]}});
    let looped = |reference: &str, tasks: Value| {
        json!({"name": reference, "taskReferenceName": reference, "type": "DO_WHILE", "loopCondition": "false",
            "inputParameters": {}, "loopOver": tasks})
    };
    let mut rig = Rig::new(json!([
        looped("dw1", json!([join(json!([]))])),
        looped("dw2", json!([nowhere, set("s", json!({"a": 1}))])),
    ]));
    while let Some((run, token)) = outstanding(&rig.execution).into_iter().find_map(|command| match command {
        Command::Evaluate(question) => Some((question.run, question.token)),
        _ => None,
    }) {
        let inside = if run == RunNumber(1) { "j__1 COMPLETED" } else { "s__1 COMPLETED" };
        assert!(rig.tasks().contains(&inside.to_owned()), "{run:?} is asked too early: {:?}", rig.tasks());
        rig.answer(run.0, Answer::Evaluated { token, verdict: Verdict::Gave(Payload::new(json!(false))) });
    }
    assert_eq!(shown(&rig, "dw2")["1"]["sw"]["selectedCase"], "z");
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}
