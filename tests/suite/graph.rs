//! `graph`.

use super::rig::Test;

const FLOW: &str = r#"{"name": "flow", "version": 1, "schemaVersion": 2, "tasks": [
  {"name": "first", "taskReferenceName": "first", "type": "NOOP"},
  {"name": "stop", "taskReferenceName": "stop", "type": "TERMINATE", "inputParameters": {"terminationStatus": "FAILED"}}]}"#;

#[test]
fn a_workflow_is_drawn_by_its_name_or_its_file() {
    let second = FLOW.replace("\"version\": 1", "\"version\": 2").replace("first", "later");
    let test = Test::new().file("workflows/a.json", FLOW).file("workflows/b.json", &second).file("c.json", FLOW);
    test.keytide(&["graph", "flow"]).success().stdout("flow v2\n|- later  NOOP\n`- stop   TERMINATE  FAILED\n");
    test.keytide(&["graph", "flow", "--version", "1"]).success().prints("|- first  NOOP");
    test.keytide(&["graph", "c.json", "--format", "mermaid"]).success().prints("flowchart TD").prints("t0 --> t1");
    test.keytide(&["graph", "c.json", "--format", "svg"]).success().prints("<svg xmlns=").prints("</svg>");
    test.keytide(&["graph", "flows"]).fails(3).tells("did you mean `flow`?");
    test.keytide(&["graph", "flow", "--version", "7"]).fails(3).tells("version 7");
    test.keytide(&["graph"]).fails(2);
}

#[test]
fn a_run_is_drawn_with_how_its_tasks_stand() {
    let test = Test::new().file("workflows/a.json", FLOW);
    let run = test.keytide(&["run", "flow", "-o", "json"]).json();
    let id = run["workflowId"].as_str().unwrap().to_owned();
    test.keytide(&["graph", "--run", &id[..13]]).success().prints("NOOP (COMPLETED)").prints("TERMINATE (COMPLETED)");
    test.keytide(&["graph", "--run", &id, "--format", "svg"]).success().prints("class=\"task COMPLETED\"");
    test.keytide(&["graph", "--run", "ffffffff"]).fails(3);
}
