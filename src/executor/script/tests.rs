//! What scripts come to, in this process; what they cannot do is tried on the real children, in `tests/scripts.rs`.

#![expect(clippy::needless_pass_by_value, reason = "a test reads better with values")]

use landlock::RulesetStatus;
use serde_json::{Value, json};

use super::evaluator::{close_in, evaluate};
use super::frame::{Head, Said};
use super::limits::Limits;
use crate::engine::Language;

fn evaluated(language: Language, source: &str, input: &Value) -> Result<Value, String> {
    let head = Head { language, source: source.to_owned(), limits: Limits { wall_ms: 2_000, ..Limits::default() } };
    match evaluate(&head, &input.to_string()) {
        Said::Gave(text) => Ok(serde_json::from_str(&text).unwrap()),
        Said::Failed(reason) => Err(reason),
    }
}

fn javascript(source: &str, input: Value, expect: Value) {
    assert_eq!(evaluated(Language::JavaScript, source, &input), Ok(expect), "{source}");
}

fn javascript_fails(source: &str, expect: &str) {
    let reason = evaluated(Language::JavaScript, source, &json!({"v": 1})).unwrap_err();
    assert_eq!(reason, expect, "{source}");
}

fn jq(source: &str, input: Value, expect: Value) {
    assert_eq!(evaluated(Language::Jq, source, &input), Ok(expect), "{source}");
}

fn jq_fails(source: &str, expect: &str) {
    assert_eq!(evaluated(Language::Jq, source, &json!({"v": 1})).unwrap_err(), expect, "{source}");
}

#[test]
fn the_last_value_of_a_script_is_its_result() {
    javascript("$.v + 1", json!({"v": 4}), json!(5));
    javascript("function e() { return {a: $.v}; } e();", json!({"v": 4}), json!({"a": 4}));
    javascript("({r: 1})", json!({}), json!({"r": 1}));
    javascript("if ($.v > 3) 'big'; else 'small';", json!({"v": 4}), json!("big"));
    javascript("var a = 1; let b = 2; a + b", json!({}), json!(3));
    javascript("x = 5; x", json!({}), json!(5));
    javascript("$.list.map(i => i.n * 2).filter(n => n > 2)", json!({"list": [{"n": 1}, {"n": 2}]}), json!([4]));
    javascript("({...$, b: 2})", json!({"a": 1}), json!({"a": 1, "b": 2}));
    javascript("JSON.stringify($.v)", json!({"v": {"a": [1]}}), json!("{\"a\":[1]}"));
    javascript("Object.keys($)", json!({"b": 1, "a": 2}), json!(["b", "a"]));
}

#[test]
fn what_json_does_not_have_is_what_conductor_makes_of_it() {
    for nothing in ["undefined", "null", "", "$.missing", "if (false) 1"] {
        javascript(nothing, json!({}), Value::Null);
    }
    for no_data in ["(() => 1)", "Symbol('s')", "Promise.resolve(1)", "/a/", "new Error('e')", "new Set([1])"] {
        javascript(no_data, json!({}), json!({}));
    }
    javascript("new Map([[1, 2]])", json!({}), json!({"1": 2}));
    javascript("[1,,2]", json!({}), json!([1, null, 2]));
    javascript("({toJSON() { return 7 }, __proto__: null})", json!({}), json!({"toJSON": {}}));
    javascript("this", json!({"a": 1}), json!({"$": {"a": 1}}));
    javascript("0/0", json!({}), json!("NaN"));
    javascript("1/0", json!({}), json!("Infinity"));
    javascript(
        "({a: undefined, b: [NaN, -1/0], c: 10n})",
        json!({}),
        json!({"a": null, "b": ["NaN", "-Infinity"], "c": 10}),
    );
    javascript("2.0", json!({}), json!(2));
    javascript("new Date(0)", json!({}), json!("1970-01-01T00:00:00.000Z"));
}

#[test]
fn the_input_answers_to_javas_methods_and_shows_none_of_them() {
    javascript("$.get('a')", json!({"a": 1}), json!(1));
    javascript("$.o.get('b')", json!({"o": {"b": 2}}), json!(2));
    javascript("[$.size(), $.list.size(), $.list.get(1)]", json!({"list": [7, 8]}), json!([1, 2, 8]));
    javascript("$.containsKey('z')", json!({"a": 1}), json!(false));
    javascript("$.get", json!({"get": "own"}), json!("own"));
    javascript("let n = []; for (const key in $) n.push(key); n", json!({"a": 1}), json!(["a"]));
}

#[test]
fn a_script_that_throws_fails_in_conductors_words() {
    javascript_fails("throw \"two\"", "Error evaluating the script `two` at line 1");
    javascript_fails("throw new Error('boom')", "Error evaluating the script `Error: boom`");
    javascript_fails("\n\nmissing", "Error evaluating the script `ReferenceError: missing is not defined` at line 3");
    javascript_fails("throw {a: 1}", "Error evaluating the script `Error` at line 1");
    javascript_fails("throw null", "Error evaluating the script `null` at line 1");
    javascript_fails("var a = 1;\nthrow 'x'", "Error evaluating the script `x` at line 2");
    javascript_fails(
        "$.i['iteration'] < 2",
        "Error evaluating the script `TypeError: Cannot read property 'iteration' of undefined` at line 1",
    );
    javascript_fails("missing", "Error evaluating the script `ReferenceError: missing is not defined` at line 1");
    assert!(evaluated(Language::JavaScript, "return 1", &json!({})).unwrap_err().contains("SyntaxError"));
}

#[test]
fn a_script_without_memory_for_its_own_error_says_that_it_is_memory() {
    let limits = Limits { wall_ms: 20_000, memory_bytes: 1 << 20, ..Limits::default() };
    let source = "let o = {}; for (let i = 0; ; i++) o['k' + i] = {};".to_owned();
    let said = evaluate(&Head { language: Language::JavaScript, source, limits }, "{}");
    assert_eq!(said, Said::Failed(limits.too_hungry()));
}

#[test]
fn no_script_sees_what_another_left() {
    javascript("globalThis.left = 1; Array.prototype.map = 2; delete globalThis.JSON; 1", json!({}), json!(1));
    javascript(
        "[typeof left, typeof Array.prototype.map, typeof JSON]",
        json!({}),
        json!(["undefined", "function", "object"]),
    );
}

#[test]
fn a_filter_gives_the_list_of_its_outputs() {
    jq(".a", json!({"a": {"b": [1, "x", null]}}), json!([{"b": [1, "x", null]}]));
    jq(".[] | select(. > 1)", json!([1, 2, 3]), json!([2, 3]));
    jq("empty", json!({}), json!([]));
    jq("[.x, 6 / 2, 1.5, 7 / 2]", json!({"x": 2}), json!([[2, 3, 1.5, 3.5]]));
    jq("map(.id) | join(\",\")", json!([{"id": "a"}, {"id": "b"}]), json!(["a,b"]));
    jq("to_entries | map(\"\\(.key)=\\(.value)\")", json!({"a": 1}), json!([["a=1"]]));
    jq("\"a-b\" | test(\"^a.b$\"), (. | split(\"-\"))", json!(null), json!([true, ["a", "b"]]));
    jq("@base64, @uri", json!("a b"), json!(["YSBi", "a%20b"]));
    jq("nan, infinite, [-infinite]", json!(null), json!(["NaN", "Infinity", ["-Infinity"]]));
    jq("1.50, 1.0, (1.0 + 1), 1e3", json!(null), json!([1.5, 1.0, 2, 1000.0]));
}

#[test]
fn a_filter_that_fails_says_why() {
    jq_fails(".v|error(\"bad\")", "bad");
    jq_fails("error({a: 1})", "{\"a\":1}");
    jq_fails("nope(1)", "Function nope/1 does not exist");
    jq_fails(".a | | .b", "the filter cannot be read at line 1, column 6");
    jq_fails("{", "the filter cannot be read: it ends too early");
    jq_fails("halt", "`halt` is not available here");
}

#[test]
fn an_error_of_a_filter_names_the_kinds_of_values_and_not_the_values() {
    let canary = json!({"a": "canary", "n": 1, "l": [1], "o": {"k": "canary"}});
    for (source, expect) in [
        (".a.b", "Cannot index string with string \"b\""),
        (".a[0]", "Cannot index string with number"),
        (".l.x", "Cannot index array with string \"x\""),
        (".n.x", "Cannot index number with string \"x\""),
        (".a + 1", "string and number cannot be added"),
        (".o - .a", "object and string cannot be subtracted"),
        (".a / 2", "string and number cannot be divided"),
        (".a | keys", "keys is not applicable to STRING; expected one of [OBJECT, ARRAY]"),
        (".a[]", "Cannot iterate over string"),
        (".o | ltrimstr(1) | ascii_downcase", "object cannot be used as string"),
    ] {
        let told = evaluated(Language::Jq, source, &canary);
        assert_eq!(told, Err(expect.to_owned()), "{source}");
    }
}

#[test]
fn a_filter_has_no_environment_no_other_input_and_no_modules() {
    for source in ["env", "$ENV", "$ENV.PATH", "input", "inputs", "input_filename", "$__prog_args"] {
        let reason = evaluated(Language::Jq, source, &json!({})).unwrap_err();
        assert!(reason.contains("does not exist") || reason.contains("Undefined variable"), "{source}: {reason}");
    }
    let reason = evaluated(Language::Jq, "include \"x\"; .", &json!({})).unwrap_err();
    assert!(reason.contains("no module can be read here"), "{reason}");
}

#[test]
fn what_is_closed_in_reads_no_file_starts_no_program_and_connects_nowhere() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Only the thread that closes itself in is.
    let tried = std::thread::spawn(move || {
        let status = close_in().unwrap();
        let denied = [
            std::fs::read("/etc/passwd").map(drop),
            std::fs::write(std::env::temp_dir().join("keytide-closed-in"), "x"),
            std::process::Command::new("/bin/sh").arg("-c").arg("true").status().map(drop),
            std::net::TcpStream::connect(address).map(drop),
        ];
        (status, denied.map(|tried| tried.map_err(|error| error.kind())))
    });
    let (status, denied) = tried.join().unwrap();
    match status {
        RulesetStatus::FullyEnforced => assert_eq!(denied, [Err(std::io::ErrorKind::PermissionDenied); 4]),
        RulesetStatus::PartiallyEnforced => assert_eq!(denied[0], Err(std::io::ErrorKind::PermissionDenied)),
        RulesetStatus::NotEnforced => eprintln!("this kernel has no Landlock: nothing was tried"),
    }
    assert!(std::fs::read("/etc/passwd").is_ok(), "the others are as before");
}

/// Holds an interpreter against what a real server answered: `$.v`, or `.v`, is the document, as the task has it.
fn check_recorded(language: Language, parameter: &str, recorded: &str) {
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    let mut differences = Vec::new();
    for case in recorded["cases"].as_array().unwrap() {
        let source = case["script"].as_str().unwrap();
        let mut input = json!({"v": recorded["document"], parameter: source});
        if language == Language::JavaScript {
            input["evaluatorType"] = json!("javascript");
        }
        let wanted = match case["error"].as_str() {
            Some(reason) => Err(reason.to_owned()),
            None => Ok(case["gives"].clone()),
        };
        let told = evaluated(language, source, &input);
        if told != wanted {
            differences.push(format!("{source}\n  wanted {wanted:?}\n  got    {told:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn every_recorded_answer_of_conductors_jq_is_given() {
    check_recorded(Language::Jq, "queryExpression", include_str!("../../../tests/vectors/jq.json"));
}

#[test]
fn every_recorded_answer_of_conductors_javascript_is_given() {
    check_recorded(Language::JavaScript, "expression", include_str!("../../../tests/vectors/javascript.json"));
}

#[test]
fn an_update_makes_what_is_missing_and_a_deletion_takes_all_that_it_names() {
    jq(".a.b[1].c += 1", json!({}), json!([{"a": {"b": [null, {"c": 1}]}}]));
    jq(".l[.k].n = .k", json!({"k": 2}), json!([{"k": 2, "l": [null, null, {"n": 2}]}]));
    jq(".[].x.y |= 5", json!([{}, {"x": {"z": 1}}]), json!([[{"x": {"y": 5}}, {"x": {"z": 1, "y": 5}}]]));
    jq("del(.a[0, 2], .b.c)", json!({"a": [1, 2, 3]}), json!([{"a": [2]}]));
    jq(
        "reduce range(3) as $i ({}; .[\"k\\($i / 1)\"].n = $i)",
        json!(null),
        json!([{"k0": {"n": 0}, "k1": {"n": 1}, "k2": {"n": 2}}]),
    );
    jq("[.[7 / 2 | floor], .[4 / 2]]", json!([0, 1, 2, 3]), json!([[3, 2]]));
    jq_fails(".l[3000000] = 1", "the index is over the limit of 1000000");
    jq_fails(".v / (.v - 1)", "number and number cannot be divided because the divisor is zero");
}
