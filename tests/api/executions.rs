use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::json;

use crate::metadata::noop;
use crate::server::Server;

/// A workflow that waits for somebody.
fn waiting() -> serde_json::Value {
    json!({
        "name": "waiting",
        "version": 1,
        "schemaVersion": 2,
        "tasks": [{"name": "w", "taskReferenceName": "w", "type": "WAIT"}],
        "outputParameters": {"said": "${w.output.said}", "of": "${workflow.input.of}", "stage": "${workflow.env.stage}"},
    })
}

pub(crate) fn started(server: &Server) -> String {
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &json!([waiting()])).status, 200);
    let body = json!({"name": "waiting", "input": {"of": 7}, "correlationId": "c", "version": "", "priority": 3});
    let id = server.json("POST", "/api/workflow", &body);
    assert_eq!(id.status, 200, "{id:?}");
    assert_eq!(id.headers["content-type"], "text/plain;charset=UTF-8");
    id.body
}

#[test]
fn a_run_is_started_read_and_completed_by_reference() {
    let server = Server::new();
    let id = started(&server);
    let path = format!("/api/workflow/{id}");
    let workflow = server.get(&path).json();
    assert_eq!(workflow["status"], "RUNNING");
    assert_eq!(workflow["priority"], 3);
    assert_eq!(workflow["tasks"][0]["status"], "IN_PROGRESS");
    assert_eq!(server.get(&format!("{path}?includeTasks=false")).json()["tasks"], json!([]));
    assert_eq!(server.get(&format!("{path}/tasks?status=IN_PROGRESS")).json()["totalHits"], 1);
    assert_eq!(server.get(&format!("{path}/tasks?status=FAILED")).json()["totalHits"], 0);

    let task = server.json("POST", &format!("/api/tasks/{id}/w/COMPLETED"), &json!({"said": "yes"}));
    assert_eq!(task.body, workflow["tasks"][0]["taskId"].as_str().unwrap());
    let status = server.get(&format!("{path}/status?includeOutput=true")).json();
    let output = json!({"said": "yes", "of": 7, "stage": "test"});
    assert_eq!(status, json!({"workflowId": id, "correlationId": "c", "status": "COMPLETED", "output": output}));
    // Nothing waits any more: nothing is answered, and nothing changes.
    let late = server.json("POST", &format!("/api/tasks/{id}/w/FAILED"), &json!({}));
    assert_eq!((late.status, late.body.as_str()), (200, ""));
    assert_eq!(server.get(&path).json()["status"], "COMPLETED");
}

#[test]
fn runs_are_ended_and_removed_in_one_request_unless_they_have_ended() {
    let server = Server::new();
    let [one, two, ended] = [(); 3].map(|()| started(&server));
    let path = |id: &str| format!("/api/workflow/{id}");
    assert_eq!(server.send("DELETE", &format!("{}/terminate-remove?reason=over", path(&one)), &[], b"").status, 200);
    assert_eq!(server.get(&path(&one)).status, 404);
    assert_eq!(server.json("POST", &format!("/api/tasks/{ended}/w/COMPLETED"), &json!({})).status, 200);
    let late = server.send("DELETE", &format!("{}/terminate-remove", path(&ended)), &[], b"");
    assert_eq!(late.status, 409, "{late:?}");
    let all = server.json("POST", "/api/workflow/bulk/terminate-remove?reason=over", &json!([two, ended])).json();
    assert_eq!(all["bulkSuccessfulResults"], json!([two]));
    assert!(all["bulkErrorResults"][&ended].is_string(), "{all}");
    assert_eq!((server.get(&path(&two)).status, server.get(&path(&ended)).status), (404, 200));
}

#[test]
fn a_run_is_held_and_ended() {
    let server = Server::new();
    let id = started(&server);
    let path = format!("/api/workflow/{id}");
    let send = |method: &str, rest: &str| server.send(method, &format!("{path}{rest}"), &[], b"").status;
    assert_eq!(send("POST", "/retry"), 409, "it goes on");
    assert_eq!(send("PUT", "/pause"), 200);
    assert_eq!(server.get(&path).json()["status"], "PAUSED");
    assert_eq!(send("PUT", "/resume"), 200);
    assert_eq!(send("DELETE", "?reason=enough"), 200);
    assert_eq!(server.get(&path).json()["reasonForIncompletion"], "enough");
    assert_eq!(send("DELETE", "?reason=again"), 200, "twice is as good as once");
    assert_eq!(server.get(&path).json()["reasonForIncompletion"], "enough");
    let other = started(&server);
    assert_eq!(server.send("DELETE", &format!("/api/workflow/{other}/remove"), &[], b"").status, 409, "it goes on");
    assert_eq!(server.send("DELETE", &format!("/api/workflow/{other}"), &[], b"").status, 200);
    assert_eq!(server.send("DELETE", &format!("/api/workflow/{other}/remove"), &[], b"").status, 200);
    assert_eq!(server.get(&format!("/api/workflow/{other}")).status, 404);
    assert_eq!(server.send("DELETE", &format!("/api/workflow/{other}/remove"), &[], b"").status, 404);
    assert_eq!(send("POST", "/restart"), 204);
    assert_eq!(server.get(&path).json()["status"], "RUNNING");
    let ended = server.json("POST", "/api/workflow/bulk/terminate", &json!([id, "nothing"])).json();
    assert_eq!(ended["bulkSuccessfulResults"], json!([id]));
    assert_eq!(ended["bulkErrorResults"], json!({"nothing": "No such workflow found by id: nothing"}));
    assert_eq!(server.send("PUT", &format!("/api/workflow/decide/{id}"), &[], b"").status, 200);
}

#[test]
fn what_has_ended_is_read_as_it_is_now_however_often_it_was_read() {
    let server = Server::with(|settings| {
        let (to, on) = (Grantee::parse("app:reader").unwrap(), GrantTarget::parse("workflow:waiting").unwrap());
        settings.access.grants.push(Grant { to, on, access: vec![Permission::Read] });
    });
    let id = started(&server);
    assert_eq!(
        server.json("POST", &format!("/api/tasks/{id}/w/COMPLETED"), &json!({"said": "a-value-7f3a"})).status,
        200
    );
    let path = format!("/api/workflow/{id}");
    let read = || [(); 3].map(|()| server.get(&path)).map(|answer| (answer.status, answer.body));
    let [first, rest @ ..] = read();
    assert_eq!(rest, [first.clone(), first.clone()]);
    assert!(first.1.contains("a-value-7f3a"), "{first:?}");
    assert_eq!(server.get(&format!("{path}?includeTasks=false")).json()["tasks"], json!([]));
    // Who may not read it does not, nor who may not any more.
    let (reader, stranger) = (server.signed_in("reader"), server.signed_in("stranger"));
    let by = |token: &str| server.client(Some(token), "GET", &path, &serde_json::Value::Null).status;
    assert_eq!((by(&reader), by(&stranger)), (200, 404));
    assert_eq!(server.send("DELETE", "/api/applications/reader", &[], b"").status, 200);
    assert_eq!(by(&reader), 401);
    // What is a secret from now on is hidden from now on.
    assert_eq!(server.json("PUT", "/api/secrets/late", &json!("a-value-7f3a")).status, 200);
    let [hidden, ..] = read();
    assert!(!hidden.1.contains("a-value-7f3a"), "{hidden:?}");
    assert_eq!(server.send("POST", &format!("{path}/restart"), &[], b"").status, 204);
    assert_eq!(server.get(&path).json()["status"], "RUNNING");
    assert_eq!(server.send("DELETE", &format!("{path}?reason=over"), &[], b"").status, 200);
    assert!(read().iter().all(|(_, body)| body.contains("TERMINATED")));
    assert_eq!(server.send("DELETE", &format!("{path}/remove"), &[], b"").status, 200);
    assert!(read().iter().all(|(status, _)| *status == 404));
}

#[test]
fn what_is_not_there_is_404_and_what_is_wrong_is_400() {
    let server = Server::new();
    assert_eq!(server.json("POST", "/api/metadata/workflow", &noop("n", 1)).status, 200);
    for id in ["nothing", "01920000-0000-7000-8000-000000000000"] {
        let missing = server.get(&format!("/api/workflow/{id}"));
        assert_eq!(missing.status, 404);
        assert_eq!(
            missing.json()["message"].as_str().map(str::to_lowercase),
            Some(format!("no such workflow found by id: {id}"))
        );
        assert_eq!(server.send("PUT", &format!("/api/workflow/{id}/pause"), &[], b"").status, 404);
    }
    for (status, body) in [
        (404, json!({"name": "x"})),
        (404, json!({"name": "n", "version": 2})),
        (400, json!({})),
        (400, json!({"name": "n", "priority": 100})),
        (400, json!({"name": "n", "input": [1]})),
        (400, json!([])),
    ] {
        assert_eq!(server.json("POST", "/api/workflow", &body).status, status, "{body}");
    }
}

#[test]
fn a_definition_comes_along_with_the_start() {
    let server = Server::new();
    let id = server.json("POST", "/api/workflow", &json!({"workflowDef": noop("inline", 1)}));
    assert_eq!(id.status, 200, "{id:?}");
    server.until(&format!("/api/workflow/{}", id.body), |workflow| workflow["status"] == "COMPLETED");
    assert_eq!(server.get("/api/metadata/workflow").json(), json!([]));
}

#[test]
fn executions_that_go_on_are_named_and_ended_ones_removed_at_once() {
    let server = Server::new();
    server.json("POST", "/api/metadata/workflow", &noop("ends", 1));
    let mut waits = noop("waits", 1);
    waits["tasks"][0]["type"] = "HUMAN".into();
    server.json("POST", "/api/metadata/workflow", &waits);
    let start = |name: &str| server.json("POST", &format!("/api/workflow/{name}"), &json!({})).body;
    let (ended, going) = (start("ends"), start("waits"));
    server.until(&format!("/api/workflow/{ended}"), |workflow| workflow["status"] == "COMPLETED");
    assert_eq!(server.get("/api/workflow/running/waits").json(), json!([going]));
    assert_eq!(server.get("/api/workflow/running/waits?version=2").json(), json!([]));
    assert_eq!(server.get("/api/workflow/running/waits?endTime=1").json(), json!([]));
    assert_eq!(server.get("/api/workflow/running/ends").json(), json!([]));
    for (method, path) in [("POST", "/api/workflow/bulk/delete"), ("DELETE", "/api/workflow/bulk/remove")] {
        let ended = start("ends");
        server.until(&format!("/api/workflow/{ended}"), |workflow| workflow["status"] == "COMPLETED");
        let done = server.json(method, path, &json!([ended, going, "no-id"])).json();
        assert_eq!(done["bulkSuccessfulResults"], json!([ended]), "{done}");
        let failed: Vec<_> = done["bulkErrorResults"].as_object().unwrap().keys().cloned().collect();
        assert_eq!((failed.len(), failed.contains(&going)), (2, true), "{done}");
        assert_eq!(server.get(&format!("/api/workflow/{ended}")).status, 404);
    }
}
