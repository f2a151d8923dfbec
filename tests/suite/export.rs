//! `export`: what the API made, as files that define the same.

use serde_json::json;

use super::rig::{Running, Test, files};

const FIRST: &str = r#"{"name": "made", "version": 1, "ownerEmail": "a@example.com", "timeoutSeconds": 60, "tasks": [
  {"name": "script", "taskReferenceName": "script", "type": "INLINE", "inputParameters": {
    "evaluatorType": "javascript", "expression": "function f() {\n  return 1;\n}\nf();", "x": "${workflow.input.x}"}}]}"#;

/// A project with a daemon, over which two versions of a workflow, a task definition and a schedule were made.
fn made() -> (Test, Running) {
    let test = Test::new().file("one.json", FIRST).file("two.json", &FIRST.replace("\"version\": 1", "\"version\": 2"));
    let test = test.file("task.json", r#"{"name": "script", "retryCount": 2, "retryDelaySeconds": 1}"#);
    let mut serving = Running::serve(&test, &[]);
    serving.until("0 workflows");
    for command in [
        &["workflow", "create", "one.json"][..],
        &["workflow", "create", "two.json"],
        &["task", "create", "task.json"],
        &[
            "schedule",
            "create",
            "-n",
            "nightly",
            "-c",
            "0 0 3 * * *",
            "-w",
            "made",
            "-p",
            "x=1",
            "--zone",
            "Europe/Berlin",
        ],
    ] {
        test.keytide(command).success();
    }
    (test, serving)
}

/// Returns what is defined, without when and by whom.
fn defined(test: &Test) -> serde_json::Value {
    let definition = |version: &str| {
        let mut definition = test.keytide(&["workflow", "get", "made", version]).success().json();
        for field in ["createTime", "updateTime", "createdBy", "updatedBy", "origin"] {
            definition.as_object_mut().unwrap().remove(field);
        }
        definition
    };
    let schedule = test.keytide(&["schedule", "get", "nightly"]).success().json();
    let schedule = ["cronExpression", "zoneId", "startWorkflowRequest", "paused"].map(|field| schedule[field].clone());
    let task = test.keytide(&["task", "get", "script"]).success().json();
    json!([definition("1"), definition("2"), schedule, [task["retryCount"], task["retryDelaySeconds"]]])
}

#[test]
fn files_of_what_the_api_made_define_the_same_and_take_over() {
    for format in ["yaml", "json"] {
        let (test, serving) = made();
        let before = defined(&test);
        let said = test.keytide(&["export", "--format", format]).success();
        for name in ["made", "made.v1", "nightly.schedule", "task-definitions"] {
            assert!(said.stdout.contains(&format!("created    workflows/{name}.{format}")), "{}", said.stdout);
        }
        test.keytide(&["check", "--strict"]).success();
        let written = files(&test.path("workflows"));
        let again = test.keytide(&["export", "--format", format, "--take-over"]).success();
        again.prints("unchanged  workflows/made.").tells("workflow `made` version 2 is the file's now");
        assert_eq!(files(&test.path("workflows")), written);
        drop(serving);
        assert_eq!(defined(&test), before, "{format}");
        let origin = test.keytide(&["schedule", "get", "nightly"]).success().json()["origin"].clone();
        assert!(origin.as_str().unwrap().ends_with(&format!("nightly.schedule.{format}")), "{origin}");
        test.keytide(&["export"]).success().tells("made nothing").stdout("");
    }
}

#[test]
fn one_thing_is_exported_by_its_name_and_no_file_is_replaced_unasked() {
    let (test, _serving) = made();
    let folder = test.path("elsewhere");
    let export = ["export", folder.to_str().unwrap(), "--schedule", "nightly"];
    test.keytide(&export).success();
    assert_eq!(files(&folder).len(), 1);
    let text = std::fs::read_to_string(folder.join("nightly.schedule.yaml")).unwrap();
    assert!(text.starts_with("# schedule `nightly`, made over the API by "), "{text}");
    std::fs::write(folder.join("nightly.schedule.yaml"), "mine").unwrap();
    test.keytide(&export).fails(4).prints("kept").tells("--force");
    test.keytide(&[&export[..], &["--take-over"]].concat()).fails(4);
    assert_eq!(std::fs::read_to_string(folder.join("nightly.schedule.yaml")).unwrap(), "mine");
    test.keytide(&["schedule", "get", "nightly"]).success();
    test.keytide(&[&export[..], &["--force"]].concat()).success().prints("replaced");
    assert_eq!(std::fs::read_to_string(folder.join("nightly.schedule.yaml")).unwrap(), text);
    test.keytide(&["export", "--workflow", "nothing"]).fails(3);
}

#[test]
fn a_value_that_stands_in_a_definition_is_never_written_to_a_file() {
    let (test, _serving) = made();
    let test = test.secret("known", "canary-known-value");
    let holds = |name: &str, inputs: &str| {
        FIRST.replace("\"made\"", &format!("\"{name}\"")).replace("\"x\": \"${workflow.input.x}\"", inputs)
    };
    let test = test.file("clear.json", &holds("clear", r#""_secrets": {"k": "canary-in-clear"}"#));
    let test = test.file("known.json", &holds("known", r#""header": "Bearer canary-known-value""#));
    test.keytide(&["workflow", "create", "clear.json"]).success();
    test.keytide(&["workflow", "create", "known.json"]).success();
    let said = test.keytide(&["export"]).fails(1).tells("workflow `clear`").tells("workflow `known`");
    assert!(!format!("{}{}", said.stdout, said.stderr).contains("canary"));
    for (path, bytes) in files(&test.path("workflows")) {
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"), "{}", path.display());
    }
    assert!(test.path("workflows/made.yaml").is_file(), "the others are written");
}
