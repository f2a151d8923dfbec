//! Calls that answer when a workflow stands still.

use serde_json::{Value, json};

use crate::server::Server;

/// A workflow whose sub-workflow waits for somebody between two tasks of its own.
fn family(server: &Server) {
    let wait = json!({"name": "ask", "taskReferenceName": "ask", "type": "WAIT", "inputParameters": {"why": "${workflow.input.why}"}});
    let child = json!({
        "name": "child", "version": 1, "timeoutSeconds": 0, "ownerEmail": "a@example.com", "tasks": [wait],
        "outputParameters": {"said": "${ask.output.said}"},
    });
    let below = json!({
        "name": "below", "taskReferenceName": "below", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "child"},
        "inputParameters": {"why": "${workflow.input.why}"},
    });
    let first = json!({"name": "first", "taskReferenceName": "first", "type": "NOOP"});
    let parent = json!({
        "name": "parent", "version": 2, "timeoutSeconds": 0, "ownerEmail": "a@example.com", "tasks": [first, below],
        "outputParameters": {"said": "${below.output.said}"},
    });
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &json!([child, parent])).status, 200);
}

fn executed(server: &Server, query: &str) -> Value {
    let answer =
        server.json("POST", &format!("/api/workflow/execute/parent/2?{query}"), &json!({"input": {"why": "x"}}));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn execute_answers_when_the_family_stands_still_with_what_the_strategy_names() {
    let server = Server::new();
    family(&server);
    let target = executed(&server, "requestId=r1");
    assert_eq!(target["responseType"], "TARGET_WORKFLOW");
    assert_eq!(
        (&target["requestId"], &target["status"], &target["input"]),
        (&json!("r1"), &json!("RUNNING"), &json!({"why": "x"}))
    );
    assert_eq!(target["targetWorkflowId"], target["workflowId"]);
    assert_eq!((&target["signalTimeout"], target["tasks"].as_array().unwrap().len()), (&json!(false), 2));

    let blocking = executed(&server, "returnStrategy=BLOCKING_WORKFLOW");
    assert_eq!(blocking["responseType"], "BLOCKING_WORKFLOW");
    assert_ne!(blocking["targetWorkflowId"], blocking["workflowId"]);
    assert_eq!(blocking["tasks"][0]["referenceTaskName"], "ask");

    for strategy in ["BLOCKING_TASK", "BLOCKING_TASK_INPUT"] {
        let task = executed(&server, &format!("returnStrategy={strategy}"));
        assert_eq!((&task["responseType"], &task["referenceTaskName"]), (&json!(strategy), &json!("ask")));
        assert_eq!((&task["input"]["why"], &task["taskType"]), (&json!("x"), &json!("WAIT")));
        assert_eq!(task["targetWorkflowStatus"], "RUNNING");
    }
    let wrong = server.json("POST", "/api/workflow/execute/parent/2?returnStrategy=ALL", &json!({}));
    assert_eq!(wrong.status, 400, "{wrong:?}");
    assert!(wrong.body.contains("BLOCKING_TASK_INPUT"), "{wrong:?}");
    assert_eq!(server.json("POST", "/api/workflow/execute/nobody/1", &json!({})).status, 404);
}

#[test]
fn execute_answers_at_the_end_or_when_a_named_task_has_ended_or_the_time_is_up() {
    let server = Server::new();
    family(&server);
    let simple = json!({"name": "work", "taskReferenceName": "work", "type": "SIMPLE"});
    let noop = |name: &str| json!({"name": name, "taskReferenceName": name, "type": "NOOP"});
    let flow = |name: &str, tasks: Value| json!({"name": name, "version": 1, "timeoutSeconds": 0, "ownerEmail": "a@example.com", "tasks": tasks});
    let flows = json!([flow("ends", json!([noop("a")])), flow("works", json!([noop("a"), simple]))]);
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &flows).status, 200);
    // As the Python client sends it.
    let ended = server.json("POST", "/api/workflow/execute/ends/1?waitUntilTaskRef=None&version=1", &json!({})).json();
    assert_eq!((&ended["status"], &ended["signalTimeout"]), (&json!("COMPLETED"), &json!(false)));
    let latest = server.json("POST", "/api/workflow/execute/ends", &json!({})).json();
    assert_eq!(latest["status"], "COMPLETED");
    let named = server
        .json("POST", "/api/workflow/execute/works/1?waitUntilTaskRef=work,a&waitForSeconds=50", &json!({}))
        .json();
    assert_eq!((&named["status"], &named["signalTimeout"]), (&json!("RUNNING"), &json!(false)));
    let late =
        server.json("POST", "/api/workflow/execute/works/1?waitForSeconds=0&waitUntilTaskRef=gone", &json!({})).json();
    assert_eq!((&late["status"], &late["signalTimeout"]), (&json!("RUNNING"), &json!(true)));
}

#[test]
fn a_signal_finds_who_waits_in_the_whole_family() {
    let server = Server::new();
    family(&server);
    let target = executed(&server, "");
    let id = target["workflowId"].as_str().unwrap();
    let signal = |status: &str, rest: &str, said: &str| {
        server.json("POST", &format!("/api/tasks/{id}/{status}/signal{rest}"), &json!({"said": said}))
    };
    assert_eq!(signal("DONE", "", "no").status, 400);
    let ended = signal("COMPLETED", "/sync?returnStrategy=BLOCKING_TASK", "yes");
    assert_eq!(ended.status, 200, "{ended:?}");
    // Nothing stands still any more: it is answered with the workflow.
    let ended = ended.json();
    assert_eq!((&ended["responseType"], &ended["status"]), (&json!("TARGET_WORKFLOW"), &json!("COMPLETED")));
    assert_eq!(ended["output"], json!({"said": "yes"}));
    assert_eq!(signal("COMPLETED", "", "again").status, 404);

    let other = executed(&server, "returnStrategy=BLOCKING_TASK");
    let other_id = other["targetWorkflowId"].as_str().unwrap();
    let told = server.json("POST", &format!("/api/tasks/{other_id}/FAILED/signal"), &json!({}));
    assert_eq!((told.status, told.body.as_str()), (200, other["taskId"].as_str().unwrap()));
    assert_eq!(server.get(&format!("/api/workflow/{other_id}")).json()["status"], "FAILED");
}

#[test]
fn a_signal_goes_to_who_waits_for_somebody_before_a_worker_gets_it() {
    let server = Server::new();
    let branch = |name: &str, kind: &str| json!([{"name": name, "taskReferenceName": name, "type": kind}]);
    let fork = json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [branch("work", "SIMPLE"), branch("ask", "HUMAN")]});
    let join = json!({"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["work", "ask"]});
    let flow = json!({"name": "both", "version": 1, "timeoutSeconds": 0, "ownerEmail": "a@example.com", "tasks": [fork, join]});
    assert_eq!(server.json("POST", "/api/metadata/workflow", &flow).status, 200);
    let id = server.json("POST", "/api/workflow/both", &json!({})).body;
    let status = |reference: &str| {
        let workflow = server.get(&format!("/api/workflow/{id}")).json();
        let task =
            workflow["tasks"].as_array().unwrap().iter().find(|task| task["referenceTaskName"] == reference).cloned();
        task.unwrap()["status"].as_str().unwrap().to_owned()
    };
    let signal = || server.json("POST", &format!("/api/tasks/{id}/COMPLETED/signal"), &json!({})).status;
    assert_eq!((signal(), status("ask"), status("work")), (200, "COMPLETED".to_owned(), "SCHEDULED".to_owned()));
    assert_eq!((signal(), status("work")), (200, "COMPLETED".to_owned()));
}

#[test]
fn an_update_that_waits_and_a_new_state_answer_with_the_workflow() {
    let server = Server::new();
    let ask = |name: &str| json!({"name": name, "taskReferenceName": name, "type": "WAIT"});
    let flow = json!({"name": "two", "version": 1, "timeoutSeconds": 0, "ownerEmail": "a@example.com", "tasks": [ask("one"), ask("two")]});
    assert_eq!(server.json("POST", "/api/metadata/workflow", &flow).status, 200);
    let id = server.json("POST", "/api/workflow/two", &json!({})).body;
    let told = server.json("POST", &format!("/api/tasks/{id}/one/COMPLETED/sync"), &json!({"a": 1})).json();
    assert_eq!(
        (&told["tasks"][0]["outputData"], &told["tasks"][1]["status"]),
        (&json!({"a": 1}), &json!("IN_PROGRESS"))
    );
    let nothing = server.json("POST", &format!("/api/tasks/{id}/one/COMPLETED/sync"), &json!({}));
    assert_eq!((nothing.status, nothing.body.as_str()), (204, ""));
    let half = server.json("POST", &format!("/api/workflow/{id}/state"), &json!({"taskReferenceName": "two"}));
    assert_eq!(half.status, 400);
    let body = json!({
        "variables": {"v": 2}, "taskReferenceName": "two", "taskResult": {"status": "COMPLETED", "outputData": {"b": 2}},
    });
    let state = server.json("POST", &format!("/api/workflow/{id}/state?requestId=r&waitForSeconds=5"), &body).json();
    assert_eq!(
        (&state["status"], &state["variables"], &state["requestId"]),
        (&json!("COMPLETED"), &json!({"v": 2}), &json!("r"))
    );
    let late = server.json("POST", &format!("/api/workflow/{id}/state"), &body);
    assert_eq!(late.status, 409, "{late:?}");
}
