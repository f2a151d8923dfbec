//! `check`, `explain`.

use super::rig::Test;

const GOOD: &str = r#"{"name": "good", "version": 1, "schemaVersion": 2, "tasks": [
  {"name": "call", "taskReferenceName": "call", "type": "HTTP", "inputParameters": {
    "uri": "https://issuer.example/", "method": "GET", "headers": {"Authorization": "${workflow.secrets.token}"}}}]}"#;

#[test]
fn every_problem_of_every_file_is_shown_at_its_line() {
    let test = Test::new().file("workflows/a.json", "{\"name\": }").file("workflows/b.yaml", "name: b\nversion: 1\n");
    test.keytide(&["check"]).fails(1).prints("workflows/a.json:1:10").prints("workflows/b.yaml").tells("2 files");
    let found = test.keytide(&["check", "-o", "json"]).fails(1).json();
    let first = found[0].as_object().unwrap();
    let keys: Vec<_> = first.keys().collect();
    let expected = ["file", "line", "column", "endLine", "endColumn", "code", "severity", "message", "help", "fix"];
    assert_eq!(keys, expected);
    assert_eq!((&first["file"], &first["severity"]), (&"workflows/a.json".into(), &"error".into()));
}

#[test]
fn a_file_that_cannot_be_read_fails_the_check_as_any_other() {
    let long = format!("// {}\n", "x".repeat(2 << 20));
    let test = Test::new().file("workflows/good.json", GOOD).file("workflows/long.json", &long);
    let test = test.secret("token", "some-value");
    test.keytide(&["check"]).fails(1).prints("workflows/long.json").tells("2 files: 1 error");
    let found = test.keytide(&["check", "-o", "json"]).fails(1).json();
    assert_eq!((&found[0]["file"], &found[0]["code"]), (&"workflows/long.json".into(), &"E0101".into()));
}

#[test]
fn an_expression_over_a_limit_is_told_before_it_runs() {
    let def = GOOD.replace("${workflow.secrets.token}", "${workflow.input.l[?(@ =~ /(?=a)a/)]}");
    let test = Test::new().file("workflows/a.json", &def);
    test.keytide(&["check"]).fails(1).prints("workflows/a.json:3:").prints("cannot be evaluated: its pattern uses");
}

#[test]
fn an_unknown_secret_is_a_warning_until_it_is_kept() {
    let test = Test::new().file("workflows/good.json", GOOD);
    test.keytide(&["check"]).success().prints("token").tells("1 warning");
    test.keytide(&["check", "--strict"]).fails(1);
    test.secret("token", "some-value").keytide(&["check", "--strict"]).success().tells("1 file: no problems");
}

#[test]
fn names_of_secrets_are_not_judged_where_the_store_is_closed() {
    let test = Test::empty().file("workflows/good.json", GOOD);
    test.keytide(&["check", "--strict"]).success().prints("cannot be opened").tells("1 note");
}

#[test]
fn one_file_is_checked_alone() {
    let test = Test::new().file("workflows/a.json", "{").file("other/good.json", GOOD).secret("token", "some-value");
    test.keytide(&["check", "other/good.json"]).success().tells("1 file: no problems");
    test.keytide(&["check", "nowhere.json"]).fails(3);
}

#[test]
fn a_code_is_explained() {
    let test = Test::empty();
    test.keytide(&["explain", "e0105"]).success().prints("twice");
    test.keytide(&["explain", "E9999"]).fails(3);
}
