//! Parents and children, operations on what has ended, and events, as clients ask for them.

use serde_json::{Value, json};

use crate::server::Server;

fn register(server: &Server, definitions: &Value) {
    assert_eq!(server.json("PUT", "/api/metadata/workflow", definitions).status, 200);
}

fn start(server: &Server, body: &Value) -> String {
    let started = server.json("POST", "/api/workflow", body);
    assert_eq!(started.status, 200, "{started:?}");
    started.body
}

fn family() -> Value {
    json!([
        {"name": "parent", "version": 1, "schemaVersion": 2, "outputParameters": {"v": "${s.output.v}"}, "tasks": [
            {"name": "s", "taskReferenceName": "s", "type": "SUB_WORKFLOW", "inputParameters": {"x": 1},
             "subWorkflowParam": {"name": "child"}},
            {"name": "last", "taskReferenceName": "last", "type": "WAIT"}]},
        {"name": "child", "version": 2, "schemaVersion": 2, "outputParameters": {"v": "${w.output.v}"}, "tasks": [
            {"name": "w", "taskReferenceName": "w", "type": "WAIT"}]},
    ])
}

fn workflow(server: &Server, id: &str) -> Value {
    server.get(&format!("/api/workflow/{id}")).json()
}

#[test]
fn a_child_is_found_from_its_parent_and_the_other_way_round() {
    let server = Server::new();
    register(&server, &family());
    let parent = start(&server, &json!({"name": "parent"}));
    let task = workflow(&server, &parent)["tasks"][0].clone();
    let child = task["subWorkflowId"].as_str().unwrap().to_owned();
    assert_eq!(task["inputData"]["subWorkflowVersion"], 2);
    let shown = workflow(&server, &child);
    assert_eq!((&shown["parentWorkflowId"], &shown["parentWorkflowTaskId"]), (&json!(parent), &task["taskId"]));
    let found = server.get(&format!("/api/workflow/search?query=parentWorkflowId%20%3D%20%22{parent}%22")).json();
    assert_eq!((&found["totalHits"], &found["results"][0]["workflowId"]), (&json!(1), &json!(child)));
    assert_eq!(found["results"][0]["parentWorkflowId"], json!(parent));
    let reason = "/api/workflow/".to_owned() + &parent + "?reason=enough";
    assert_eq!(server.send("DELETE", &reason, &[], b"").status, 200);
    assert_eq!(
        workflow(&server, &child)["reasonForIncompletion"],
        "Parent workflow has been terminated with reason: enough"
    );
}

#[test]
fn a_failed_family_goes_on_where_it_failed() {
    let server = Server::new();
    register(&server, &family());
    let parent = start(&server, &json!({"name": "parent"}));
    let child = workflow(&server, &parent)["tasks"][0]["subWorkflowId"].as_str().unwrap().to_owned();
    assert_eq!(server.json("POST", &format!("/api/tasks/{child}/w/FAILED"), &json!({})).status, 200);
    assert_eq!(workflow(&server, &parent)["status"], "FAILED");
    let retry = format!("/api/workflow/{parent}/retry?resumeSubworkflowTasks=true");
    assert_eq!(server.send("POST", &retry, &[], b"").status, 204);
    assert_eq!(
        (workflow(&server, &parent)["status"].as_str(), workflow(&server, &child)["status"].as_str()),
        (Some("RUNNING"), Some("RUNNING"))
    );
    assert_eq!(server.json("POST", &format!("/api/tasks/{child}/w/COMPLETED"), &json!({"v": 4})).status, 200);
    let skip = format!("/api/workflow/{parent}/skiptask/last");
    assert_eq!(server.send("PUT", &skip, &[], b"").status, 409, "it has been processed");
    assert_eq!(server.json("POST", &format!("/api/tasks/{parent}/last/COMPLETED"), &json!({})).status, 200);
    assert_eq!(workflow(&server, &parent)["output"], json!({"v": 4}));
}

#[test]
fn what_has_ended_is_made_again_from_a_task_on() {
    let server = Server::new();
    register(&server, &family());
    let child = start(&server, &json!({"name": "child", "input": {"k": 1}}));
    let rerun = format!("/api/workflow/{child}/rerun");
    assert_eq!(server.json("POST", &rerun, &json!({})).status, 409, "it goes on");
    server.json("POST", &format!("/api/tasks/{child}/w/COMPLETED"), &json!({"v": 1}));
    let task = workflow(&server, &child)["tasks"][0]["taskId"].clone();
    let again = server.json("POST", &rerun, &json!({"reRunFromTaskId": task, "workflowInput": {"k": 2}}));
    assert_eq!((again.status, again.body.as_str()), (200, child.as_str()));
    let shown = workflow(&server, &child);
    assert_eq!((&shown["status"], &shown["input"]), (&json!("RUNNING"), &json!({"k": 2})));
    let variables = server.json("POST", &format!("/api/workflow/{child}/variables"), &json!({"a": 1}));
    assert_eq!(variables.json()["variables"], json!({"a": 1}));
    server.json("POST", &format!("/api/tasks/{child}/w/COMPLETED"), &json!({"v": 2}));
    assert_eq!(workflow(&server, &child)["output"], json!({"v": 2}));
    let nothing = server.json("POST", &rerun, &json!({"reRunFromTaskId": "nothing"}));
    assert_eq!(nothing.status, 404);
}

#[test]
fn a_key_gives_one_run() {
    let server = Server::new();
    register(&server, &family());
    let body = |strategy: &str| json!({"name": "child", "idempotencyKey": "k", "idempotencyStrategy": strategy});
    let first = start(&server, &body("FAIL"));
    assert_eq!(start(&server, &body("RETURN_EXISTING")), first);
    assert_eq!(server.json("POST", "/api/workflow", &body("FAIL")).status, 409);
    assert_eq!(server.json("POST", "/api/workflow", &body("FAIL_ON_RUNNING")).status, 409);
    assert_eq!(server.json("POST", "/api/workflow", &body("SOMETIMES")).status, 400);
    assert_eq!(workflow(&server, &first)["idempotencyKey"], "k");
}

#[test]
fn an_event_handler_is_registered_acts_and_survives_a_restart() {
    let server = Server::new();
    register(
        &server,
        &json!([
            {"name": "source", "version": 1, "schemaVersion": 2, "tasks": [
                {"name": "e", "taskReferenceName": "e", "type": "EVENT", "sink": "conductor:done", "inputParameters": {"v": 3}}]},
            {"name": "started", "version": 1, "schemaVersion": 2, "tasks": [
                {"name": "w", "taskReferenceName": "w", "type": "WAIT"}]},
        ]),
    );
    let handler = json!({"name": "h", "event": "conductor:source:done", "active": true, "actions": [
        {"action": "start_workflow", "start_workflow": {"name": "started", "input": {"v": "${v}"}}}]});
    assert_eq!(server.json("POST", "/api/event", &handler).status, 200);
    assert_eq!(server.json("POST", "/api/event", &handler).status, 409);
    assert_eq!(server.json("PUT", "/api/event", &handler).status, 200);
    let mut scripted = handler.clone();
    scripted["condition"] = json!("$.v > 2");
    scripted["evaluatorType"] = json!("python");
    assert_eq!(server.json("PUT", "/api/event", &scripted).status, 400);
    scripted["evaluatorType"] = json!("javascript");
    assert_eq!(server.json("PUT", "/api/event", &scripted).status, 200);
    let mut silent = handler.clone();
    silent["name"] = json!("silent");
    silent["condition"] = json!("$.v > 3");
    silent["actions"][0]["start_workflow"]["input"]["v"] = json!("never");
    assert_eq!(server.json("POST", "/api/event", &silent).status, 200);
    let server = server.restarted();
    assert_eq!(server.get("/api/event/conductor:source:done").json().as_array().unwrap().len(), 2);
    let source = start(&server, &json!({"name": "source"}));
    server.until(&format!("/api/workflow/{source}"), |workflow| workflow["status"] == "COMPLETED");
    let found = server.get("/api/workflow/search?query=workflowType%20%3D%20started").json();
    assert_eq!(found["totalHits"], 1);
    let started = found["results"][0]["workflowId"].as_str().unwrap().to_owned();
    assert_eq!(workflow(&server, &started)["input"]["v"], 3);
    assert_eq!(server.send("DELETE", "/api/event/silent", &[], b"").status, 200);
    assert_eq!(server.send("DELETE", "/api/event/h", &[], b"").status, 200);
    assert_eq!(server.get("/api/event").json(), json!([]));
    assert_eq!(server.send("DELETE", "/api/event/h", &[], b"").status, 404);
}

#[test]
fn a_restart_takes_the_latest_definition_where_it_is_asked_to() {
    let server = Server::new();
    let version = |version: i32, reference: &str| {
        json!([{"name": "w", "version": version, "schemaVersion": 2, "tasks": [
            {"name": reference, "taskReferenceName": reference, "type": "WAIT"}]}])
    };
    register(&server, &version(1, "old"));
    let ids: Vec<String> = (0..2).map(|_| start(&server, &json!({"name": "w"}))).collect();
    for id in &ids {
        assert_eq!(server.send("DELETE", &format!("/api/workflow/{id}"), &[], b"").status, 200);
    }
    register(&server, &version(2, "new"));
    let shown = |id: &str| {
        let workflow = workflow(&server, id);
        (workflow["workflowVersion"].clone(), workflow["tasks"][0]["referenceTaskName"].clone())
    };
    assert_eq!(server.send("POST", &format!("/api/workflow/{}/restart", ids[0]), &[], b"").status, 204);
    assert_eq!(shown(&ids[0]), (json!(1), json!("old")));
    assert_eq!(server.send("DELETE", &format!("/api/workflow/{}", ids[0]), &[], b"").status, 200);
    let bulk = server.json("POST", "/api/workflow/bulk/restart?useLatestDefinitions=true", &json!(ids)).json();
    assert_eq!(bulk["bulkSuccessfulResults"], json!(ids), "{bulk}");
    assert!(ids.iter().all(|id| shown(id) == (json!(2), json!("new"))));
    let found = server.get("/api/workflow/search?query=workflowType%20%3D%20w").json();
    assert_eq!(found["results"].as_array().map_or(0, Vec::len), 2, "{found}");
    let server = server.restarted();
    assert_eq!(workflow(&server, &ids[1])["tasks"][0]["status"], "IN_PROGRESS", "also after a restart of the daemon");
}
