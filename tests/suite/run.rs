//! `run`, `runs`, `show`, `rescue`.

use serde_json::{Value, json};

use super::rig::{Issued, Test, files, rotation};

const ECHO: &str = r#"name: echo
version: 1
tasks:
  - name: keep
    taskReferenceName: keep
    type: SET_VARIABLE
    inputParameters: {kept: "${workflow.input.x}"}
outputParameters: {kept: "${workflow.variables.kept}", y: "${workflow.input.y}"}
"#;

const WAITS: &str = r#"{"name": "waits", "version": 1, "tasks": [
  {"name": "w", "taskReferenceName": "w", "type": "WAIT", "inputParameters": {"duration": "1 hours"}}]}"#;

#[test]
fn a_file_runs_to_its_end_and_prints_its_output() {
    let test = Test::new().file("echo.yaml", ECHO);
    let ran = test.keytide(&["run", "echo.yaml", "-i", "{\"x\": 1}", "-p", "y=text"]).success();
    assert_eq!(ran.json(), json!({"kept": 1, "y": "text"}));
    assert!(ran.stderr.contains("✓ keep") && ran.stderr.contains("echo COMPLETED"), "{}", ran.stderr);
}

#[test]
fn a_workflow_of_the_folder_runs_by_its_name() {
    let test = Test::new().file("workflows/echo.yaml", ECHO).file("in.json", "{\"x\": [true]}");
    let workflow = test.keytide(&["run", "echo", "-i", "@in.json", "-o", "json"]).success().json();
    assert_eq!((&workflow["status"], &workflow["output"]["kept"]), (&"COMPLETED".into(), &json!([true])));
    assert_eq!(workflow["workflowName"], "echo");
    let test = test.stdin("{\"x\": null}");
    test.keytide(&["run", "echo", "-i", "-"]).success();
    test.keytide(&["run", "ecko"]).fails(3).tells("did you mean `echo`?");
    test.keytide(&["run", "echo", "-i", "[1]"]).fails(2);
}

#[test]
fn a_file_with_errors_is_shown_and_not_run() {
    let test = Test::new().file("bad.yaml", "name: bad\ntasks:\n  - taskReferenceName: x\n");
    test.keytide(&["run", "bad.yaml"]).fails(1).tells("bad.yaml:").tells("nothing was started");
    assert_eq!(test.keytide(&["runs", "-o", "json"]).success().json(), json!([]));
}

#[test]
fn a_bare_task_runs_as_a_workflow_of_one_task() {
    let task = r#"{"name": "keep", "taskReferenceName": "keep", "type": "UPDATE_SECRET", // as the page shows it
      "inputParameters": {"_secrets": {"secretKey": "kept", "secretValue": "bare-task-value"}}}"#;
    let test = Test::new().file("task.json", task);
    test.keytide(&["run", "task.json"]).success().tells("single task");
    test.keytide(&["secret", "get", "kept", "--reveal"]).success().stdout("bare-task-value");
}

#[test]
fn a_project_without_a_store_says_what_to_do() {
    Test::empty().file("echo.yaml", ECHO).keytide(&["run", "echo.yaml"]).fails(5).tells("keytide init");
}

#[test]
fn a_wait_that_is_over_leaves_the_run_running() {
    let test = Test::new().file("waits.json", WAITS);
    test.keytide(&["run", "waits.json", "--timeout", "1s"]).fails(124).tells("left RUNNING");
    let runs = test.keytide(&["runs", "--status", "running", "-o", "json"]).success().json();
    assert_eq!((&runs[0]["workflowType"], runs.as_array().unwrap().len()), (&"waits".into(), 1));
}

#[test]
fn a_run_is_listed_and_shown_by_the_beginning_of_its_id() {
    let test = Test::new().file("workflows/echo.yaml", ECHO);
    let run = test.keytide(&["run", "echo", "-o", "json"]).success().json();
    let id = run["workflowId"].as_str().unwrap();
    test.keytide(&["runs", "-w", "echo"]).success().prints(id);
    assert_eq!(test.keytide(&["show", id, "-o", "json"]).success().json(), run);
    test.keytide(&["show", &id[..20]]).success().prints("echo COMPLETED");
    test.keytide(&["show", "ffffffff"]).fails(3);
    assert_eq!(test.keytide(&["runs", "-w", "other", "-o", "json"]).success().json(), json!([]));
}

#[test]
fn a_rotation_stores_the_token_and_shows_it_nowhere() {
    let issued = Issued::new();
    let test = Issued::project().file("workflows/rotate.json", &rotation(&issued.issuer.token_url()));
    let ran = test.keytide(&["run", "update_rotate_secrets_tracker_app", "-o", "json", "-vv"]).success();
    let token = issued.issuer.issued_last().unwrap();
    test.keytide(&["secret", "get", "my_secret_holding_a_token", "--reveal"]).success().stdout(token.expose());
    let shown = test.keytide(&["show", ran.json()["workflowId"].as_str().unwrap(), "-o", "json"]).success();
    for secret in [token.expose(), Issued::KEY_SECRET] {
        for text in [&ran.stdout, &ran.stderr, &shown.stdout] {
            assert!(!text.contains(secret), "{text}");
        }
        for (path, bytes) in files(&test.path("")) {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", path.display());
        }
    }
}

#[test]
fn what_was_fetched_and_not_stored_is_rescued() {
    let issued = Issued::new();
    let wrong = rotation(&issued.issuer.token_url()).replace("_secrets.token}", "_secrets.tokn}");
    let test = Issued::project().file("workflows/rotate.json", &wrong);
    let ran = test.keytide(&["run", "update_rotate_secrets_tracker_app", "-o", "json"]).fails(1);
    let workflow: Value = ran.json();
    let id = workflow["workflowId"].as_str().unwrap();
    test.keytide(&["show", id]).success().prints("problem:");
    test.keytide(&["rescue", id, "--path", "tokn", "--to", "rescued"]).fails(3).tells("token");
    test.keytide(&["rescue", id, "--path", "token", "--to", "rescued"]).success();
    let token = issued.issuer.issued_last().unwrap();
    test.keytide(&["secret", "get", "rescued", "--reveal"]).success().stdout(token.expose());
    assert!(!test.keytide(&["show", id]).success().stdout.contains("problem:"));
}

#[test]
fn an_error_text_quotes_no_piece_of_the_input() {
    let test = Test::new().file("echo.yaml", ECHO);
    let ran = test.keytide(&["run", "echo.yaml", "-i", "\"canary-in-input\""]).fails(2).tells("invalid type: string");
    assert!(!ran.stderr.contains("canary"), "{}", ran.stderr);
}

#[test]
fn a_version_that_is_not_there_is_named() {
    let test = Test::new().file("workflows/echo.yaml", ECHO);
    test.keytide(&["run", "echo", "--version", "9"]).fails(3).tells("has no version 9");
}

#[test]
fn a_run_that_lacks_a_secret_says_how_to_keep_it() {
    let lacking = r#"{"name": "lacking", "version": 1, "tasks": [{"name": "n", "taskReferenceName": "n", "type": "HTTP",
        "inputParameters": {"uri": "http://127.0.0.1:9/", "method": "GET", "headers": {"A": "${workflow.secrets.admin_key}"}}}]}"#;
    let test = Test::new().file("lacking.json", lacking);
    test.keytide(&["run", "lacking.json"]).fails(1).tells("`keytide secret set admin_key`");
}
