//! `eval`, `schedule next --cron`.

use super::rig::Test;

#[test]
fn an_expression_is_evaluated_against_a_document() {
    let test = Test::empty().file("data.json", r#"{"a": {"output": {"list": [1, 2], "text": "x ${b}"}}}"#);
    let eval = |expression: &str| test.keytide(&["eval", expression, "--with", "data.json"]).success().stdout;
    assert_eq!(eval("${a.output.list[1]}"), "2\n");
    assert_eq!(eval("<${a.output.text}>"), "<x ${b}>\n");
    assert_eq!(eval("${a.output.none}"), "null\n");
    let test = test.stdin(r#"{"workflow": {"input": {"n": 1}}}"#);
    test.keytide(&["eval", "${workflow.input}", "--with", "-", "-o", "json"]).success().stdout("{\n  \"n\": 1\n}\n");
    test.keytide(&["eval", "${a}", "--with", "none.json"]).fails(3);
}

#[test]
fn an_expression_that_hits_a_limit_says_so_instead_of_null() {
    let test = Test::empty().file("data.json", r#"{"a": {"l": ["x"]}}"#);
    let ran = test.keytide(&["eval", "say ${a.l[?(@ =~ /(?=x)x/)]}", "--with", "data.json"]).fails(1);
    ran.stdout("").tells("`${a.l[?(@ =~ /(?=x)x/)]}` cannot be evaluated: its pattern uses what is not supported here");
    let long = format!("${{{}a}}", "a.".repeat(300));
    let ran = test.keytide(&["eval", &long, "--with", "data.json"]).fails(1);
    ran.tells("its path is over the limit of 256 steps");
}

#[test]
fn the_next_times_of_a_cron_are_listed() {
    let test = Test::empty();
    let next = ["schedule", "next", "--cron", "0 30 9 * * MON-FRI", "--zone", "Europe/Berlin", "-n", "2"];
    let after = ["--after", "2026-11-20T12:00:00Z"];
    let ran = test.keytide(&[&next[..], &after[..], &["-o", "json"]].concat()).success();
    assert_eq!(ran.json(), serde_json::json!(["2026-11-23T08:30:00Z", "2026-11-24T08:30:00Z"]));
    test.keytide(&[&next[..], &after[..]].concat()).success().prints("Mon 2026-11-23 09:30:00 +01:00");
}

#[test]
fn a_wrong_cron_says_what_was_probably_meant() {
    let test = Test::empty();
    test.keytide(&["schedule", "next", "--cron", "30 9 * * 1"]).fails(2).tells("try `0 30 9 * * 1`");
    test.keytide(&["schedule", "next", "--cron", "@daily", "--zone", "Berlin"]).fails(2).tells("Europe/Berlin");
}
