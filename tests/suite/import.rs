//! `import`: the definitions of a server as files.

use super::rig::{Running, Test};
use super::scripted::scripted;

const SERVED: &str = r#"{"name": "rotate_it", "version": 2, "tasks": [
  {"name": "get", "taskReferenceName": "get", "type": "HTTP", "inputParameters": {
    "uri": "${workflow.env.issuer}/token", "method": "GET",
    "headers": {"Authorization": "Bearer ${workflow.secrets.key.id}"}}}]}"#;
const SCHEDULE: &str = r#"{"name": "daily", "cronExpression": "0 0 3 * * *", "zoneId": "Europe/Berlin",
  "startWorkflowRequest": {"name": "rotate_it", "version": 2}}"#;
const TASK_DEF: &str = r#"{"taskDefs": [{"name": "get", "retryCount": 2, "retryDelaySeconds": 5}]}"#;

/// A server with definitions, and its address.
fn server() -> (Test, Running, String) {
    let old = SERVED.replace("\"version\": 2", "\"version\": 1");
    let test = Test::new().file("workflows/a.json", SERVED).file("workflows/old.json", &old);
    let test = test.file("workflows/s.json", SCHEDULE).file("workflows/t.json", TASK_DEF);
    let mut serving = Running::serve(&test, &["--open", "--listen", "127.0.0.1:0"]);
    let line = serving.until("listening on ");
    let address = line.split_whitespace().find(|word| word.starts_with("http")).unwrap().trim_end_matches(',');
    (test, serving, address.to_owned())
}

#[test]
fn definitions_of_a_server_come_home_as_files_that_check() {
    let (_server, _serving, address) = server();
    let test = Test::new();
    let api = format!("{address}/api");
    let said = test.keytide(&["import", "conductor", "--server", &api]).success();
    let said =
        said.tells("secrets key,").tells("keytide secret set key").tells("they read issuer").tells("came paused");
    for name in ["rotate_it.json", "rotate_it.v1.json", "task-definitions.json", "schedules.json"] {
        assert!(said.stdout.contains(&format!("created    workflows/{name}")), "{}", said.stdout);
    }
    let test =
        test.secret("key", r#"{"id": "an-id-of-the-key"}"#).file("keytide.toml", "[environment]\nissuer = \"x\"\n");
    test.keytide(&["check", "--strict"]).success();
    let schedules = test.keytide(&["schedule", "list", "-o", "json"]).success().json();
    assert_eq!((&schedules[0]["name"], &schedules[0]["paused"]), (&"daily".into(), &true.into()));
    test.keytide(&["import", "conductor", "--server", &address])
        .success()
        .prints("unchanged  workflows/schedules.json");
}

#[test]
fn a_file_that_was_changed_is_replaced_only_when_asked() {
    let (_server, _serving, address) = server();
    let test = Test::new().file("workflows/rotate_it.json", "{}");
    let import = ["import", "conductor", "--server", &address];
    test.keytide(&import).fails(4).prints("kept       workflows/rotate_it.json").tells("--force");
    assert_eq!(std::fs::read_to_string(test.path("workflows/rotate_it.json")).unwrap(), "{}");
    let report = test.keytide(&[&import[..], &["--force", "--active", "-o", "json"]].concat()).success().json();
    assert_eq!(
        report["replaced"].as_array().unwrap().len(),
        2,
        "the workflow, and the schedule that fires now: {report}"
    );
    assert_eq!(report["missingSecrets"][0], "key");
}

#[test]
fn a_server_that_is_none_or_refuses_is_said() {
    let test = Test::new();
    test.keytide(&["import", "conductor", "--server", "ftp://x"]).fails(2).tells("http://localhost:8080");
    test.keytide(&["import", "conductor", "--server", "http://127.0.0.1:9"]).fails(6).tells("does not answer");
}

#[test]
fn a_key_signs_in_and_is_shown_nowhere() {
    let (address, asked) = scripted(&[
        ("200 OK", r#"{"token": "tok-41c2"}"#),
        ("200 OK", "[]"),
        ("200 OK", "[]"),
        ("404 Not Found", "{}"),
        ("404 Not Found", "{}"),
    ]);
    let test =
        Test::new().variable("CONDUCTOR_AUTH_KEY", "key-77").variable("CONDUCTOR_AUTH_SECRET", "canary-secret-90");
    let said = test.variable("CONDUCTOR_SERVER_URL", &address).keytide(&["import", "conductor", "-vv"]).success();
    assert!(!format!("{}{}", said.stdout, said.stderr).contains("canary-secret-90"));
    let asked = asked.join().unwrap();
    assert!(asked[0].starts_with("POST /api/token ") && asked[0].contains("canary-secret-90"), "{}", asked[0]);
    assert!(asked[1..].iter().all(|one| one.to_lowercase().contains("x-authorization: tok-41c2")), "{asked:?}");
}

#[test]
fn a_redirect_takes_no_token_along() {
    let (elsewhere, _untouched) = scripted(&[]);
    let redirect: &'static str =
        Box::leak(format!("302 Found\r\nlocation: {elsewhere}/api/metadata/workflow").into_boxed_str());
    let answers: &'static [(&str, &str)] = Box::leak(Box::new([("200 OK", r#"{"token": "t"}"#), (redirect, "")]));
    let (address, asked) = scripted(answers);
    let test = Test::new().variable("CONDUCTOR_AUTH_KEY", "k").variable("CONDUCTOR_AUTH_SECRET", "s-0123456789");
    test.keytide(&["import", "conductor", "--server", &address]).fails(6).tells("status 302");
    asked.join().unwrap();
}
