//! `serve`, and commands beside it.

use keytide::api::Limits;
use rustix::process::Signal;

use super::rig::{Running, Test};

const ECHO: &str = r#"{"name": "echo", "version": 1, "tasks": [
  {"name": "n", "taskReferenceName": "n", "type": "NOOP"}], "outputParameters": {"x": "${workflow.input.x}"}}"#;

#[test]
fn a_daemon_stops_with_code_0_when_it_is_asked_to() {
    for signal in [Signal::TERM, Signal::INT] {
        let test = Test::new().file("workflows/echo.json", ECHO);
        let mut serving = Running::serve(&test, &[]);
        serving.until("1 workflow");
        serving.signal(signal);
        assert_eq!(serving.code(), Some(0));
    }
}

#[test]
fn commands_beside_a_daemon_are_its_clients() {
    let test = Test::new().file("workflows/echo.json", ECHO).file("other.json", &ECHO.replace("echo", "other"));
    let mut serving = Running::serve(&test, &[]);
    serving.until("1 workflow");
    test.keytide(&["run", "echo", "-p", "x=1"]).success().prints("\"x\": 1");
    test.keytide(&["run", "other.json", "-p", "x=2"]).success().prints("\"x\": 2");
    let runs = test.keytide(&["runs", "-o", "json"]).success().json();
    assert_eq!(runs.as_array().unwrap().len(), 2);
    test.keytide(&["show", runs[0]["workflowId"].as_str().unwrap()]).success().prints("other COMPLETED");
    test.keytide(&["run", "nope"]).fails(3);
    test.keytide(&["schedule", "list"]).success();
    let test = test.secret("beside", "some-value");
    test.keytide(&["secret", "get", "beside", "--reveal"]).success().stdout("some-value");
}

#[test]
fn a_broken_file_is_reported_and_mended_while_it_runs() {
    let test = Test::new().file("workflows/echo.json", ECHO);
    let mut serving = Running::serve(&test, &[]);
    serving.until("1 workflow");
    let test = test.file("workflows/echo.json", "{\"name\": }");
    serving.until("its last good version goes on");
    test.keytide(&["run", "echo", "-p", "x=1"]).success();
    let _test = test.file("workflows/echo.json", ECHO);
    serving.until("mended: workflows/echo.json");
}

#[test]
fn a_second_daemon_is_a_conflict() {
    let test = Test::new();
    let mut serving = Running::serve(&test, &[]);
    serving.until("0 workflows");
    test.keytide(&["serve"]).fails(4);
}

#[test]
fn a_port_has_to_be_asked_for_and_is_loopback_only() {
    let test = Test::new();
    test.keytide(&["serve", "--listen", "0.0.0.0:0"]).fails(2).tells("--insecure-listen");
    test.keytide(&["serve", "--listen", "0.0.0.0:0", "--open"]).fails(1).tells("loopback");
    let mut serving = Running::serve(&test, &["--open", "--listen", "127.0.0.1:0"]);
    serving.until("listening on http://127.0.0.1:");
}

/// Starts a daemon whose limit of open files a shell has changed.
fn serve_with_files(test: &Test, ulimit: &str) -> Running {
    let script = format!("ulimit {ulimit} && exec \"$0\" serve");
    Running::of(test.command_of("sh", &["-c", &script, env!("CARGO_BIN_EXE_keytide")]))
}

#[test]
#[cfg(target_os = "linux")]
fn a_daemon_takes_the_files_that_it_may_have() {
    let test = Test::new();
    let mut serving = serve_with_files(&test, "-S -n 64");
    serving.until("0 workflows");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", serving.id())).unwrap();
    let files: Vec<_> = limits.lines().find(|line| line.starts_with("Max open files")).unwrap().split(' ').collect();
    let numbers: Vec<usize> = files.iter().filter_map(|word| word.parse().ok()).collect();
    assert_eq!(numbers[0], numbers.get(1).map_or(Limits::FILES, |hard| Limits::FILES.min(*hard)), "{limits}");
}

#[test]
fn a_daemon_that_may_open_too_few_files_says_what_to_do_and_serves() {
    let test = Test::new();
    let mut serving = serve_with_files(&test, "-n 256");
    serving.until("this process may have 256 files open, so 64 clients at once are served");
    serving.until("0 workflows");
    test.keytide(&["status"]).fails(1).tells("LimitNOFILE=");
    test.keytide(&["secret", "list"]).success();
}

#[test]
fn a_certificate_is_asked_for_whole_and_a_hang_up_has_it_read_again() {
    let test = Test::new();
    test.keytide(&["serve", "--tls-cert", "cert.pem"]).fails(2).tells("--tls-key");
    let tls = ["serve", "--listen", "0.0.0.0:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    test.keytide(&tls).fails(2).tells("key.pem");
    test.keytide(&[&tls[..], &["--open"]].concat()).fails(2).tells("an open server has no certificate");
    let mut serving = Running::serve(&test, &[]);
    serving.until("0 workflows");
    serving.signal(Signal::HUP);
    serving.until("reading the certificate again");
    test.keytide(&["secret", "list"]).success();
}

#[test]
fn a_file_beside_a_daemon_brings_its_task_definitions_along() {
    // Its one task fails, and is retried only where the task definition in the same file is known.
    let file = r#"
taskDefs:
  - {name: fails, retryCount: 1, retryDelaySeconds: 0}
---
name: twice
version: 1
tasks:
  - {name: fails, taskReferenceName: f, type: HTTP, inputParameters: {uri: "http://127.0.0.1:1/", method: GET}}
"#;
    let test = Test::new().file("twice.yaml", file);
    let attempts = |test: &Test| {
        let workflow = test.keytide(&["run", "twice.yaml", "-o", "json"]).fails(1).json();
        workflow["tasks"].as_array().unwrap().len()
    };
    let alone = attempts(&test);
    let mut serving = Running::serve(&test, &[]);
    serving.until("0 workflows");
    assert_eq!((alone, attempts(&test)), (2, 2));
}

#[test]
fn a_log_for_machines_is_a_json_object_a_line_with_nothing_secret_in_it() {
    let canary = "canary-9f3b17c2-\"quoted\"-value";
    let workflow = r#"{"name": "fails", "version": 1, "tasks": [
      {"name": "t", "taskReferenceName": "t", "type": "TERMINATE", "inputParameters": {
        "terminationStatus": "FAILED", "terminationReason": "the issuer said ${workflow.input.said}"}}],
      "schedules": [{"name": "s", "cronExpression": "0/1 * * * * *", "zoneId": "UTC",
        "input": {"said": "canary-9f3b17c2-\"quoted\"-value"}}]}"#;
    let test = Test::new().secret("token", canary).file("workflows/fails.json", workflow);
    let mut serving = Running::serve(&test, &["--log-format", "json"]);
    let line = serving.until("a run did not complete");
    let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let fields: Vec<&String> = said.as_object().unwrap().keys().collect();
    assert_eq!(fields[..4], ["ts", "level", "target", "message"]);
    assert_eq!((&said["level"], &said["workflow"]), (&"WARN".into(), &"fails".into()));
    assert!(said["run"].is_string() && said["ts"].as_str().unwrap().ends_with('Z'), "{line}");
    assert_eq!(said["reason"], "the issuer said ***");
    assert!(!line.contains("9f3b17c2"), "{line}");
}

#[test]
fn a_run_that_fails_is_told_with_its_reason_masked() {
    let workflow = r#"{"name": "fails", "version": 1, "tasks": [
      {"name": "t", "taskReferenceName": "t", "type": "TERMINATE", "inputParameters": {
        "terminationStatus": "FAILED", "terminationReason": "the issuer said ${workflow.input.said}"}}],
      "schedules": [{"name": "s", "cronExpression": "0/1 * * * * *", "zoneId": "UTC", "input": {"said": "canary-9f3b17c2-value"}}]}"#;
    let test = Test::new().secret("token", "canary-9f3b17c2-value").file("workflows/fails.json", workflow);
    let mut serving = Running::serve(&test, &[]);
    let line = serving.until("a run did not complete");
    assert!(line.contains("the issuer said ***") && line.contains("fails"), "{line}");
}
