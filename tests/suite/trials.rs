//! `test`: workflows are played through with mocks.

use super::rig::Test;

const ROTATION: &str = include_str!("../../workflows/update_rotate_secrets_tracker_app.json");
const TESTS: &str = include_str!("../../workflows/update_rotate_secrets_tracker_app.test.yaml");

fn project() -> Test {
    let test = Test::empty().file("keytide.toml", "").file("workflows/rotate.json", ROTATION);
    test.file("workflows/deep/rotate.test.yaml", TESTS)
}

#[test]
fn the_tests_of_the_seed_pass_also_with_crashes_and_without_a_store() {
    let test = project();
    let ran = test.keytide(&["test", "--crash"]).success().tells("3 tests: 3 passed");
    ran.prints("ok    workflows/deep/rotate.test.yaml:4  the token that the issuer gives is kept (").prints("crashes)");
    assert!(!test.path("secrets").exists() && !test.path(".keytide").exists());
    test.keytide(&["check"]).success().tells("1 file");
}

#[test]
fn what_is_not_as_expected_fails_and_tells_no_secret() {
    let wrong = TESTS.replace("my_secret_holding_a_token: a-new-token", "my_secret_holding_a_token: canary-value");
    let wrong = wrong.replace("keyId: \"${workflow.secrets.appKeyId}\"", "keyId: an-id-of-another");
    let test = project().file("workflows/deep/rotate.test.yaml", &wrong);
    let ran = test.keytide(&["test", "is kept"]).fails(1).tells("1 test: 0 passed, 1 failed");
    let ran = ran.prints("FAIL  workflows/deep/rotate.test.yaml:4  the token that the issuer gives is kept");
    let ran = ran.prints("calls[0].body.keyId: expected \"***-of-another\", was \"${workflow.secrets.appKeyId}\"");
    let ran = ran.prints("secretsWritten.my_secret_holding_a_token: expected the value of the test, was another value");
    assert!(!ran.stdout.contains("canary") && !ran.stdout.contains("a-new-token"), "{}", ran.stdout);
    let told = test.keytide(&["test", "-o", "json", "is kept"]).fails(1).json();
    assert_eq!(
        (&told[0]["status"], &told[0]["mismatches"][0]["what"]),
        (&"failed".into(), &"calls[0].body.keyId".into())
    );
    let xml = test.keytide(&["test", "--format", "junit"]).fails(1);
    xml.prints("<testsuite name=\"keytide\" tests=\"3\" failures=\"1\" errors=\"0\"")
        .prints("<failure message=\"calls[0]");
}

#[test]
fn a_test_that_cannot_be_read_is_told_at_its_line() {
    let test = project().file("workflows/a.test.yaml", "name: w\nexpect:\n  status: DONE\n  secretsWritten: {a: 1}\n");
    let ran = test.keytide(&["test"]).fails(1).tells("3 passed, 2 could not be played");
    ran.prints("workflows/a.test.yaml:3:11").prints("`DONE` is none of").prints("workflows/a.test.yaml:4:23");
}

#[test]
fn tags_belong_to_secrets_of_the_test() {
    let test = project()
        .file("workflows/a.test.yaml", "name: w\nsecrets: {a: x}\nsecretTags:\n  b: {team: t}\n  a: {\"k:v\": t}\n");
    let ran = test.keytide(&["test"]).fails(1);
    ran.prints("workflows/a.test.yaml:4:7")
        .prints("names `b`, which is no secret of the test")
        .prints("has a `:` in it");
}

#[test]
fn a_task_that_would_call_has_to_have_a_mock() {
    let test = project().file(
        "workflows/deep/rotate.test.yaml",
        "name: update_rotate_secrets_tracker_app\nsecrets: {appKeyId: i, appKeySecret: k}\n",
    );
    test.keytide(&["test"]).fails(1).prints("task `retrieve_token` (HTTP)").prints("has no mock");
    test.keytide(&["test", "no such name"]).fails(3).tells("there is no such test");
}

#[test]
fn scripts_are_evaluated_for_real() {
    let workflow = r#"{"name": "scripts", "version": 1, "schemaVersion": 2, "tasks": [
      {"name": "add", "taskReferenceName": "add", "type": "INLINE", "inputParameters":
        {"evaluatorType": "graaljs", "expression": "$.a + 1", "a": "${workflow.input.a}"}},
      {"name": "pick", "taskReferenceName": "pick", "type": "JSON_JQ_TRANSFORM", "inputParameters":
        {"queryExpression": ".a * 2", "a": "${add.output.result}"}}],
      "outputParameters": {"n": "${pick.output.result}"}}"#;
    let tests =
        r#"{"name": "scripts", "input": {"a": 20}, "expect": {"status": "COMPLETED", "exactOutput": {"n": 42}}}"#;
    let test = project().file("workflows/scripts.json", workflow).file("workflows/scripts.test.json", tests);
    test.keytide(&["test", "--crash", "scripts"]).success().tells("1 test: 1 passed");
}

#[test]
fn a_dry_run_shows_what_would_happen_and_does_nothing() {
    let test = Test::new().file("workflows/rotate.json", ROTATION);
    let test = test.secret("appKeyId", "canary-key-id").secret("appKeySecret", "canary-key-secret");
    let files = ["secrets/store.age", ".keytide/store.anchor", ".keytide/audit.notes"];
    let read = |test: &Test| files.map(|file| std::fs::read(test.path(file)).unwrap());
    let before = read(&test);
    let name = "update_rotate_secrets_tracker_app";
    let ran = test.keytide(&["run", "--dry-run", name]).success().tells("nothing was called");
    let ran = ran.prints("would call  POST https://conductor-server.orkesconductor.io/api/token");
    let ran = ran.prints("would write the secret my_secret_holding_a_token").prints("would be COMPLETED");
    assert!(!ran.stdout.contains("canary"), "{}", ran.stdout);
    let told = test.keytide(&["run", "--dry-run", "workflows/rotate.json", "-o", "json"]).success().json();
    assert_eq!((&told["tasks"][0]["unknown"], &told["tasks"][1]["unknown"]), (&true.into(), &false.into()));
    assert_eq!(told["secretsWritten"][0], "my_secret_holding_a_token");
    let mock = "name: w\ntaskRefToMockOutput: {retrieve_token: [{output: {response: {statusCode: 403}}}]}\n";
    let test = test.file("mock.test.yaml", mock);
    test.keytide(&["run", "--dry-run", name, "--mock", "mock.test.yaml"])
        .fails(1)
        .prints("would be FAILED")
        .prints("403");
    assert!(read(&test) == before, "no file was touched");
    assert!(!test.path(".keytide/journal.db").exists(), "and none was made");
    test.keytide(&["run", "--dry-run", "nothing"]).fails(3).tells("there is no workflow `nothing`");
}
