use serde_json::{Value, json};

use super::{Feeding, feeding, secrets_written};
use crate::words::Map;
use crate::workflow::definition::WorkflowTask;

fn tasks(list: Value) -> Vec<WorkflowTask> {
    serde_json::from_value(list).unwrap()
}

fn task(kind: &str, reference: &str, input: &Value) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": kind, "inputParameters": input})
}

fn store(value: &str) -> Value {
    task("UPDATE_SECRET", "store", &json!({"_secrets": {"secretKey": "k", "secretValue": value}}))
}

fn flow_of(list: Value) -> Feeding {
    let output = json!({"nothing": 1}).as_object().unwrap().clone();
    feeding(&tasks(list), &output)
}

#[track_caller]
fn check_feeding(list: Value, expected: &[&str]) {
    let flow = flow_of(list);
    assert_eq!(flow.refs.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

fn leaves<'f>(flow: &'f Feeding, reference: &str) -> Vec<&'f str> {
    flow.leaves.get(reference).into_iter().flatten().map(String::as_str).collect()
}

#[test]
fn the_seed_rotation_feeds_its_token_through_its_filter() {
    let flow = flow_of(json!([
        task(
            "HTTP",
            "retrieve_token",
            &json!({"uri": "u", "body": {"keyId": "${workflow.secrets.appKeyId}"},
            "outputFilter": {"_secrets": {"token": "$${retrieve_token.output.response.body.token}"}}})
        ),
        store("${retrieve_token.output._secrets.token}"),
    ]));
    assert!(!flow.may_repeat("retrieve_token"));
    assert_eq!(leaves(&flow, "retrieve_token"), ["_secrets.token", "response.body.token"]);
    assert_eq!(flow.secrets["retrieve_token"].iter().collect::<Vec<_>>(), ["k"]);
    assert!(flow.leaving.is_empty());
}

#[test]
fn a_value_is_followed_through_variables_inputs_and_nested_tasks() {
    let get = |reference: &str| task("HTTP", reference, &json!({"uri": "u"}));
    let set = |value: &str| task("SET_VARIABLE", "set", &json!({"v": value, "other": "${idle.output.x}"}));
    check_feeding(json!([get("a"), get("idle"), set("${a.output.t}"), store("${workflow.variables.v.x}")]), &["a"]);
    check_feeding(json!([get("a"), get("b"), store("x ${a.output.t} ${b.output['u']}")]), &["a", "b"]);
    let noop = task("NOOP", "n", &json!({"p": "${a.output.t}", "q": "${idle.output.t}"}));
    check_feeding(json!([get("a"), get("idle"), noop, store("${n.input.p}")]), &["a"]);
    let switch = json!({"name": "s", "taskReferenceName": "s", "type": "SWITCH",
        "decisionCases": {"x": [get("a")]}, "defaultCase": [store("${a.output.t}")]});
    check_feeding(json!([switch]), &["a"]);
    let fork =
        json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [[get("a")], [get("b")]]});
    let join = json!({"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["a", "b"]});
    let joined = flow_of(json!([fork, join, store("${j.output.b.response.body.t}")]));
    assert_eq!(leaves(&joined, "b"), ["response.body.t"]);
    assert!(!joined.refs.contains("a"));
    let turns = json!({"name": "l", "taskReferenceName": "l", "type": "DO_WHILE", "loopOver": [get("a")]});
    check_feeding(json!([turns, store("${l.output}")]), &["a", "l"]);
    check_feeding(json!([turns, store("${a__2.output.t}")]), &["a"]);
}

#[test]
fn what_a_fetch_was_made_with_feeds_too_but_is_no_leaf() {
    let flow = flow_of(json!([
        task("HTTP", "create", &json!({"uri": "u", "method": "POST"})),
        task("HTTP", "read", &json!({"uri": "u/${create.output.response.body.id}"})),
        store("${read.output.response.body.key}"),
    ]));
    assert_eq!(flow.refs.iter().collect::<Vec<_>>(), ["create", "read"]);
    assert_eq!(leaves(&flow, "read"), ["response.body.key"]);
    assert_eq!(leaves(&flow, "create"), Vec::<&str>::new());
}

#[test]
fn a_script_passes_values_on() {
    let flow = flow_of(json!([
        task("HTTP", "a", &json!({"uri": "u"})),
        task("JSON_JQ_TRANSFORM", "jq", &json!({"queryExpression": ".b.t", "b": "${a.output.response.body}"})),
        store("${jq.output.result}"),
    ]));
    assert_eq!(leaves(&flow, "a"), ["response.body"]);
}

#[test]
fn what_cannot_be_followed_counts_as_feeding() {
    let get = |reference: &str| task("HTTP", reference, &json!({"uri": "u"}));
    for value in [
        "${$..token}",
        "${$}",
        "${${workflow.input.x}.output.t}",
        "${*.output.t}",
        "${a['output']}",
        "${a}",
        "${workflow.input.list[?(@.id == $.a.output.id)]}",
        "${['a'].output.t}",
        "${$.a.output.t}",
    ] {
        let flow = flow_of(json!([get("a"), store(value)]));
        assert!(flow.refs.contains("a"), "{value}");
    }
    for value in ["plain", "${workflow.input.x}", "${workflow.secrets.x}", "$${a.output.t}", "${a.status}"] {
        let flow = flow_of(json!([get("a"), store(value)]));
        assert!(flow.may_repeat("a"), "{value}");
    }
}

#[test]
fn what_leaves_the_definition_is_not_repeated_but_feeds_nothing_here() {
    let get = task("HTTP", "a", &json!({"uri": "u", "method": "POST"}));
    for taker in ["SIMPLE", "START_WORKFLOW", "EVENT", "SOMETHING_NEW"] {
        let flow = flow_of(json!([get, task(taker, "w", &json!({"x": ["${a.output.t}"]})), store("x")]));
        assert!(!flow.may_repeat("a") && flow.refs.is_empty(), "{taker}");
    }
    let output = json!({"t": "${a.output.t}"}).as_object().unwrap().clone();
    assert!(!feeding(&tasks(json!([get])), &output).may_repeat("a"));
    assert!(!feeding(&tasks(json!([get])), &Map::new()).may_repeat("a"));
    assert!(flow_of(json!([get, task("HTTP", "b", &json!({"uri": "${a.output.t}"}))])).may_repeat("a"));
}

#[test]
fn circles_end() {
    let set = task("SET_VARIABLE", "set", &json!({"v": "${workflow.variables.v}${b.output.x}"}));
    let a = task("HTTP", "a", &json!({"uri": "${b.output.x}"}));
    let b = task("HTTP", "b", &json!({"uri": "${a.output.x} ${b.output.y}"}));
    check_feeding(json!([set, a, b, store("${workflow.variables.v}")]), &["a", "b"]);
}

#[test]
fn written_secrets_are_listed_by_their_literal_names() {
    let list = json!({"_secrets": [{"secretKey": "b", "secretValue": "1"}, {"secretKey": "${workflow.input.n}", "secretValue": "2"},
        {"secretKey": "k", "secretValue": "3"}]});
    let fork = json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [[store("1")]]});
    assert_eq!(secrets_written(&tasks(json!([fork, task("UPDATE_SECRET", "u", &list)]))), ["k", "b"]);
}

#[test]
fn a_long_chain_of_tasks_costs_no_stack() {
    let mut list = vec![task("HTTP", "t0", &json!({"uri": "u"}))];
    list.extend(
        (1..5_000).map(|at| task("INLINE", &format!("t{at}"), &json!({"x": format!("${{t{}.output.x}}", at - 1)}))),
    );
    list.push(store("${t4999.output.x}"));
    let flow = flow_of(Value::Array(list));
    assert_eq!(flow.refs.len(), 5_000);
    assert_eq!(leaves(&flow, "t0"), ["x"]);
}

#[test]
fn branches_of_a_dynamic_fork_count_as_its_output() {
    let fork = task("FORK_JOIN_DYNAMIC", "f", &json!({"tasks": "${list.output.x}", "own": "$${early.output.t}"}));
    let get = |reference: &str| task("HTTP", reference, &json!({"uri": "u"}));
    let definition = |value: &str| {
        json!([get("list"), get("early"), get("idle"), fork, task("JOIN", "j", &json!({})), store(value)])
    };
    for (value, leaf) in [
        ("${j.output.call.response.body.token}", "call.response.body.token"),
        ("${call.output.response.body.token}", "call.response.body.token"),
        ("${j.output}", ""),
    ] {
        let flow = flow_of(definition(value));
        assert_eq!(leaves(&flow, "f"), [leaf], "{value}");
        assert!(!flow.may_repeat("f") && flow.refs.contains("list"), "{value}");
        assert!(!flow.refs.contains("idle") && flow.may_repeat("idle"), "{value}");
        assert!(flow.leaving.contains("early"), "what the definition escapes is evaluated for a branch");
    }
    assert!(flow_of(definition("literal")).may_repeat("f"));
}

#[test]
fn item_of_a_loop_comes_from_its_list_and_not_from_its_tasks() {
    let get = |reference: &str| task("HTTP", reference, &json!({"uri": "u"}));
    let looped = |value: &str| {
        json!([get("list"), {"name": "dw", "taskReferenceName": "dw", "type": "DO_WHILE", "items": "${list.output.rows}",
            "loopOver": [get("inner"), store(value)]}])
    };
    check_feeding(looped("${dw.output.loopItem.token}"), &["dw", "list"]);
    check_feeding(looped("${dw.output.iteration}"), &["dw"]);
    check_feeding(looped("${dw.output.1.inner.token}"), &["dw", "inner", "store"]);
}
