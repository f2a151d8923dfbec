//! Scripts as the engine sees them: asked for, answered, asked for again, and never by itself.

use serde_json::{Value, json};

use super::rig::Rig;
use crate::engine::{Answer, Command, Operation, Question, Verdict};
use crate::executor::script::in_this_process;
use crate::words::{Payload, TaskStatus, WorkflowStatus};

fn task(kind: &str, input: Value) -> Value {
    json!({"name": "t", "taskReferenceName": "t", "type": kind, "inputParameters": input})
}

fn switch(expression: &str, v: Value) -> Value {
    let set = |name: &str| json!([{"name": name, "taskReferenceName": name, "type": "SET_VARIABLE", "inputParameters": {"way": name}}]);
    json!({"name": "s", "taskReferenceName": "s", "type": "SWITCH", "evaluatorType": "javascript", "expression": expression,
        "inputParameters": {"v": v}, "decisionCases": {"x": set("x"), "2": set("two"), "empty": []}, "defaultCase": set("otherwise")})
}

fn question(rig: &Rig) -> Question {
    let owed = crate::engine::outstanding(&rig.execution);
    let asked = owed.into_iter().find_map(|command| match command {
        Command::Evaluate(question) => Some(*question),
        _ => None,
    });
    asked.expect("a question is open")
}

fn answer(rig: &mut Rig, question: &Question, verdict: Verdict) -> usize {
    rig.answer(question.run.0, Answer::Evaluated { token: question.token, verdict })
}

fn gave(value: Value) -> Verdict {
    Verdict::Gave(Payload::new(value))
}

/// Evaluates every script that is asked for.
fn evaluated(mut rig: Rig) -> Rig {
    while let Some(Command::Evaluate(question)) = crate::engine::outstanding(&rig.execution).into_iter().next() {
        let verdict = in_this_process(&question);
        answer(&mut rig, &question, verdict);
    }
    rig
}

fn ran(task: Value) -> Rig {
    evaluated(Rig::new(json!([task])))
}

fn check(task: Value, status: TaskStatus, output: Value) {
    let rig = ran(task);
    let run = rig.run(1);
    assert_eq!((run.status, run.output.expose()), (status, &output), "{:?}", run.reason);
}

fn fails(task: Value, status: TaskStatus, reason: &str) {
    let rig = ran(task);
    let run = rig.run(1);
    assert_eq!((run.status, run.reason.as_deref()), (status, Some(reason)));
    assert_eq!(rig.status(), WorkflowStatus::Failed);
}

#[test]
fn a_question_is_owed_until_its_answer_is_there() {
    let mut rig = Rig::new(json!([switch("$.v", json!("x"))]));
    assert_eq!(rig.released(), ["evaluate 1 3"]);
    assert_eq!(rig.tasks(), ["s IN_PROGRESS"]);
    rig.crash();
    assert_eq!(rig.owed(), ["evaluate 1 3"]);
    let asked = question(&rig);
    assert!(answer(&mut rig, &asked, gave(json!("x"))) > 0);
    assert_eq!(rig.tasks(), ["s COMPLETED", "x COMPLETED"]);
    assert_eq!(rig.run(1).input.expose(), &json!({"v": "x", "case": "x", "hasChildren": "true"}));
}

#[test]
fn an_answer_to_another_question_changes_no_state() {
    let mut rig = Rig::new(json!([switch("$.v", json!("x"))]));
    let asked = question(&rig);
    for token in [asked.token - 1, asked.token + 1] {
        assert_eq!(answer(&mut rig, &Question { token, ..asked.clone() }, gave(json!("x"))), 0);
    }
    assert!(answer(&mut rig, &asked, gave(json!("2"))) > 0);
    assert_eq!(answer(&mut rig, &asked, gave(json!("x"))), 0, "it is not open any more");
    assert_eq!(rig.tasks(), ["s COMPLETED", "two COMPLETED"]);
}

#[test]
fn an_answer_during_a_pause_is_dropped_and_asked_for_again() {
    let mut rig = Rig::new(json!([switch("$.v", json!("x"))]));
    let asked = question(&rig);
    rig.operate(Operation::Pause).unwrap();
    assert!(rig.owed().is_empty());
    assert_eq!(answer(&mut rig, &asked, gave(json!("x"))), 0);
    rig.operate(Operation::Resume).unwrap();
    assert_eq!(rig.released(), ["evaluate 1 3"]);
    assert!(answer(&mut rig, &asked, gave(json!("x"))) > 0);
    assert_eq!(rig.status(), WorkflowStatus::Completed);
}

#[test]
fn what_ends_asks_no_more_and_a_retry_asks_anew() {
    let mut rig = Rig::new(json!([task("INLINE", json!({"expression": "1"}))]));
    let old = question(&rig);
    rig.operate(Operation::Terminate { reason: None }).unwrap();
    assert!(rig.owed().is_empty());
    assert_eq!(answer(&mut rig, &old, gave(json!(1))), 0);
    rig.operate(Operation::Retry).unwrap();
    let new = question(&rig);
    assert!(new.token > old.token && new.run > old.run);
    assert_eq!(answer(&mut rig, &old, gave(json!("old"))), 0);
    answer(&mut rig, &new, gave(json!("new")));
    assert_eq!(rig.output(), &json!({"result": "new"}));
}

#[test]
fn a_switch_goes_where_its_script_says() {
    for (expression, v, case, way) in [
        ("$.v", json!("x"), "x", json!("x")),
        ("$.v", json!(2.0), "2", json!("two")),
        ("$.v > 1 ? 'x' : 'y'", json!(2), "x", json!("x")),
        ("$.nothing", json!(1), "null", json!("otherwise")),
        ("({a: {b: 1.0}})", json!(1), "{a={b=1}}", json!("otherwise")),
        ("1e21", json!(1), "1.0E21", json!("otherwise")),
        ("1 / 0", json!(1), "Infinity", json!("otherwise")),
        ("'empty'", json!(1), "empty", Value::Null),
    ] {
        let rig = evaluated(Rig::new(json!([switch(expression, v)])));
        let expect = json!({"evaluationResult": [case], "selectedCase": case});
        assert_eq!(rig.run(1).output.expose(), &expect, "{expression}");
        assert_eq!(rig.execution.variables.expose().get("way").unwrap_or(&Value::Null), &way, "{expression}");
        assert_eq!(rig.status(), WorkflowStatus::Completed);
    }
    fails(switch("throw 'q'", json!(1)), TaskStatus::Failed, "Error evaluating the script `q` at line 1");
    let mut python = switch("1", json!(1));
    python["evaluatorType"] = json!("python");
    let reason = "No evaluator registered for type: python; use value-param, javascript or graaljs";
    fails(python, TaskStatus::Failed, reason);
}

#[test]
fn inline_gives_what_its_script_says() {
    let inline = |input: Value| task("INLINE", input);
    let done = TaskStatus::Completed;
    check(inline(json!({"expression": "$.v + 1", "v": 1})), done, json!({"result": 2}));
    check(inline(json!({"expression": "$.v", "evaluatorType": "graaljs", "v": 1})), done, json!({"result": 1}));
    check(inline(json!({"expression": "v", "evaluatorType": "value-param", "v": [1]})), done, json!({"result": [1]}));
    check(inline(json!({"expression": "w", "evaluatorType": "value-param"})), done, json!({"result": null}));
    check(inline(json!({"expression": "NaN"})), done, json!({"result": "NaN"}));
    let terminal = TaskStatus::FailedWithTerminalError;
    let reason = "Error evaluating the script `q` at line 1";
    check(inline(json!({"expression": "throw 'q'"})), terminal, json!({"error": reason}));
    let empty = "Empty 'expression' in Inline task's input parameters. A non-empty String value must be provided.";
    fails(inline(json!({})), terminal, empty);
    fails(inline(json!({"expression": ""})), terminal, empty);
    fails(
        inline(json!({"expression": "1", "evaluatorType": ""})),
        terminal,
        "Empty 'evaluatorType' in INLINE task's input parameters. A non-empty String value must be provided.",
    );
    fails(
        inline(json!({"expression": "1", "evaluatorType": "python"})),
        terminal,
        "Unknown evaluator 'python' in INLINE task.",
    );
}

#[test]
fn a_script_that_fails_lets_an_optional_task_go_on() {
    let mut optional = task("INLINE", json!({"expression": "throw 'q'"}));
    optional["optional"] = json!(true);
    let rig = ran(optional);
    assert_eq!((rig.status(), rig.tasks()), (WorkflowStatus::Completed, vec!["t COMPLETED_WITH_ERRORS".to_owned()]));
}

#[test]
fn lambda_is_the_body_of_a_function() {
    let lambda = |script: Value| task("LAMBDA", json!({"scriptExpression": script, "x": 4}));
    check(lambda(json!("return {a: $.x + 1}")), TaskStatus::Completed, json!({"result": {"a": 5}}));
    check(lambda(json!("$.x")), TaskStatus::Completed, json!({"result": null}));
    let reason = "Error evaluating the script `q` at line 1";
    check(lambda(json!("throw 'q'")), TaskStatus::Failed, json!({"error": reason}));
    let empty =
        "Empty 'scriptExpression' in Lambda task's input parameters. A non-empty String value must be provided.";
    fails(lambda(json!("")), TaskStatus::Failed, empty);
}

#[test]
fn a_filter_gives_its_first_output_and_all() {
    let jq = |filter: Value| task("JSON_JQ_TRANSFORM", json!({"queryExpression": filter, "l": [3, 1]}));
    check(jq(json!(".l[]")), TaskStatus::Completed, json!({"result": 3, "resultList": [3, 1]}));
    check(jq(json!("empty")), TaskStatus::Completed, json!({"result": null, "resultList": []}));
    check(
        jq(json!("keys")),
        TaskStatus::Completed,
        json!({"result": ["l", "queryExpression"], "resultList": [["l", "queryExpression"]]}),
    );
    check(jq(json!("error(\"bad\")")), TaskStatus::Failed, json!({"error": "bad"}));
    fails(jq(json!(5)), TaskStatus::Failed, "`queryExpression` must be a text: a jq filter");
}

#[test]
fn a_filter_that_fails_is_tried_again_as_its_task_says() {
    let mut failing = task("JSON_JQ_TRANSFORM", json!({"queryExpression": "error(\"bad\")"}));
    failing["retryCount"] = json!(1);
    let mut rig = ran(failing);
    rig.advance(3_600);
    let rig = evaluated(rig);
    assert_eq!(rig.tasks(), ["t FAILED", "t FAILED"]);
}

#[test]
fn a_decision_takes_the_default_for_an_empty_case_and_hides_its_input() {
    let set = |name: &str| json!([{"name": name, "taskReferenceName": name, "type": "SET_VARIABLE", "inputParameters": {"way": name}}]);
    let decision = |field: &str, text: &str| {
        json!({"name": "d", "taskReferenceName": "d", "type": "DECISION", field: text,
            "inputParameters": {"s": "x", "f": 2.0, "n": null},
            "decisionCases": {"x": set("x"), "2.0": set("two"), "null": set("null"), "empty": []}, "defaultCase": set("otherwise")})
    };
    for (field, text, case, way) in [
        ("caseValueParam", "s", "x", "x"),
        ("caseValueParam", "f", "2.0", "two"),
        ("caseValueParam", "n", "null", "null"),
        ("caseValueParam", "missing", "null", "null"),
        ("caseExpression", "$.s", "x", "x"),
        ("caseExpression", "$.f", "2", "otherwise"),
        ("caseExpression", "if ($.f > 1) 'x'; else 'y';", "x", "x"),
        ("caseExpression", "'empty'", "empty", "otherwise"),
    ] {
        let rig = evaluated(Rig::new(json!([decision(field, text)])));
        assert_eq!(rig.run(1).output.expose(), &json!({"caseOutput": [case]}), "{text}");
        assert_eq!(rig.run(1).input.expose(), &json!({"case": case, "hasChildren": "true"}), "{text}");
        assert_eq!(rig.execution.variables.expose()["way"], json!(way), "{text}");
    }
    let reason = "Error evaluating the script `q` at line 1";
    fails(decision("caseExpression", "throw 'q'"), TaskStatus::Failed, reason);
}

#[test]
fn an_exclusive_join_gives_the_output_of_the_one_that_ran() {
    let give = |name: &str, r: u32| json!({"name": name, "taskReferenceName": name, "type": "INLINE", "inputParameters": {"expression": format!("{r}")}});
    let join = |defaults: Value| {
        json!({"name": "ej", "taskReferenceName": "ej", "type": "EXCLUSIVE_JOIN", "joinOn": ["a", "b"],
            "defaultExclusiveJoinTask": defaults})
    };
    let mut way = switch("$.v", json!("2"));
    way["decisionCases"] = json!({"1": [give("a", 1)], "2": [give("b", 2)]});
    way["defaultCase"] = json!([give("c", 3)]);
    let rig = evaluated(Rig::new(json!([way, join(json!([]))])));
    assert_eq!(rig.output(), &json!({"result": 2}));
    way["inputParameters"]["v"] = json!("neither");
    let rig = evaluated(Rig::new(json!([way, join(json!(["c"]))])));
    assert_eq!(rig.output(), &json!({"result": 3}));
    let shown = rig.execution.task_by_reference("ej").unwrap();
    assert_eq!(shown.input.expose(), &json!({"joinOn": ["a", "b"], "defaultExclusiveJoinTask": ["c"]}));
}

#[test]
fn an_exclusive_join_waits_for_a_task_of_another_branch() {
    let simple = json!({"name": "a", "taskReferenceName": "a", "type": "SIMPLE"});
    let exclusive = json!({"name": "ej", "taskReferenceName": "ej", "type": "EXCLUSIVE_JOIN", "joinOn": ["a"]});
    let mut rig = Rig::new(json!([
        {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [[simple], [exclusive]]},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["a", "ej"]},
    ]));
    assert_eq!(rig.status(), WorkflowStatus::Running);
    rig.work(2, TaskStatus::Completed, json!({"v": 1}));
    assert_eq!(rig.status(), WorkflowStatus::Completed, "{:?}", rig.tasks());
    assert_eq!(rig.execution.task_by_reference("ej").unwrap().output.expose(), &json!({"v": 1}));
}

#[test]
fn a_human_task_waits_for_its_answer() {
    let mut rig = Rig::new(json!([task("HUMAN", json!({"q": 1}))]));
    assert_eq!((rig.tasks(), rig.owed()), (vec!["t IN_PROGRESS".to_owned()], vec![]));
    rig.crash();
    rig.update(1, TaskStatus::Completed, json!({"said": "yes"}));
    assert_eq!((rig.status(), rig.output()), (WorkflowStatus::Completed, &json!({"said": "yes"})));
}

#[test]
fn what_a_script_gives_never_comes_alive_as_a_reference() {
    let rig = ran(task("INLINE", json!({"expression": "'$' + '{workflow.secrets.token}'"})));
    assert_eq!(rig.run(1).output.expose(), &json!({"result": "$${workflow.secrets.token}"}));
    assert_eq!(rig.json()["output"], json!({"result": "${workflow.secrets.token}"}));
}

#[test]
fn what_a_script_makes_for_a_secret_is_hidden() {
    let store = json!({"name": "u", "taskReferenceName": "u", "type": "UPDATE_SECRET",
        "inputParameters": {"_secrets": {"secretKey": "s", "secretValue": "${t.output.result.made}"}}});
    let inline = task("INLINE", json!({"expression": "({made: 'canary-that-was-made', plain: 'shown'})"}));
    let rig = evaluated(Rig::new(json!([inline, store])));
    let masks: Vec<_> = rig.execution.masks.iter().map(crate::words::Sensitive::expose).collect();
    assert_eq!(masks, ["canary-that-was-made"]);
}

#[test]
fn a_result_beyond_a_limit_fails_its_task() {
    let nested = (0..110).fold(json!(1), |inner, _| json!([inner]));
    let large = json!("x".repeat(10 * 1024 * 1024 + 1));
    for (value, reason) in
        [(nested, "the result nests too deep"), (large, "the result is over the limit of 10485760 bytes")]
    {
        let mut rig = Rig::new(json!([task("INLINE", json!({"expression": "1"}))]));
        let asked = question(&rig);
        answer(&mut rig, &asked, gave(value));
        assert_eq!(rig.run(1).reason.as_deref(), Some(reason));
    }
}
