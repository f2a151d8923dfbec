//! What somebody learns or changes beside what one right lets him do.

use keytide::words::Permission;
use serde_json::{Value, json};

use crate::rights::{grant, task};
use crate::server::Server;

#[test]
fn who_may_remove_a_variable_and_not_read_it_is_not_told_what_it_was() {
    let server = Server::with(|settings| {
        settings.access.grants.push(grant("remover", "environment:*", &[Permission::Delete]));
        settings.access.grants.push(grant("keeper", "environment:*", &[Permission::Delete, Permission::Read]));
    });
    for (app, told) in [("remover", ""), ("keeper", "canary-of-the-variable")] {
        assert_eq!(server.json("PUT", "/api/environment/made", &json!("canary-of-the-variable")).status, 200);
        let token = server.signed_in(app);
        let removed = server.client(Some(&token), "DELETE", "/api/environment/made", &Value::Null);
        assert_eq!((removed.status, removed.body.as_str()), (200, told), "{app}");
        assert_eq!(server.get("/api/environment/made").status, 404, "{app}");
    }
}

#[test]
fn a_request_holds_no_more_schedules_than_it_may_name() {
    let server = Server::new();
    for (count, status) in [(1_000, 200), (1_001, 400)] {
        let names: Vec<_> = (0..count).map(|number| format!("none_{number}")).collect();
        for path in ["/api/scheduler/bulk/pause", "/api/scheduler/bulk/resume"] {
            assert_eq!(server.json("PUT", path, &json!(names)).status, status, "{path} {count}");
        }
    }
}

/// A parent whose child waits, of which `ci` may work for the parent alone.
fn family(permissions: &'static [Permission]) -> (Server, String, String, String) {
    let server = Server::with(|settings| settings.access.grants.push(grant("ci", "workflow:parent", permissions)));
    let mut run = task("run", "SUB_WORKFLOW", &json!({}));
    run["subWorkflowParam"] = json!({"name": "child"});
    let flow = |name: &str, task: &Value| json!({"name": name, "version": 1, "schemaVersion": 2, "tasks": [task]});
    let both = json!([flow("parent", &run), flow("child", &task("wait", "WAIT", &json!({})))]);
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &both).status, 200);
    let ci = server.signed_in("ci");
    let parent = server.json("POST", "/api/workflow/parent", &json!({})).body;
    let has_child = |view: &Value| view["tasks"][0]["subWorkflowId"].as_str().is_some_and(|id| !id.is_empty());
    let view = server.until(&format!("/api/workflow/{parent}"), has_child);
    let child = view["tasks"][0]["subWorkflowId"].as_str().unwrap().to_owned();
    server.until(&format!("/api/workflow/{child}"), |view| view["tasks"][0]["status"] == "IN_PROGRESS");
    (server, ci, parent, child)
}

#[test]
fn a_signal_finds_no_child_that_its_sender_may_not_work_for() {
    let (server, ci, parent, child) = family(&[Permission::Execute, Permission::Read]);
    for path in ["signal", "signal/sync"] {
        let path = format!("/api/tasks/{parent}/COMPLETED/{path}");
        let refused = server.client(Some(&ci), "POST", &path, &json!({}));
        assert_eq!(refused.status, 404, "{refused:?}");
        assert!(refused.body.contains("no task that waits") && !refused.body.contains(&child), "{refused:?}");
    }
    assert_eq!(server.get(&format!("/api/workflow/{child}")).json()["status"], "RUNNING");
    let path = format!("/api/tasks/{parent}/COMPLETED/signal");
    assert_eq!(server.json("POST", &path, &json!({})).status, 200, "the owner's finds it");
}

#[test]
fn a_call_that_answers_with_an_execution_does_nothing_for_who_may_not_read_it() {
    let (server, ci, parent, child) = family(&[Permission::Execute]);
    let before = server.get(&format!("/api/workflow/{parent}")).body;
    for (path, body) in [
        (format!("/api/workflow/{parent}/variables"), json!({"set": true})),
        (format!("/api/workflow/{parent}/state"), json!({"variables": {"set": true}})),
        (format!("/api/tasks/{parent}/COMPLETED/signal/sync"), json!({})),
        (format!("/api/tasks/{parent}/run/COMPLETED/sync"), json!({})),
    ] {
        let answer = server.client(Some(&ci), "POST", &path, &body);
        assert!(answer.status == 404 || answer.status == 204 && answer.body.is_empty(), "{path}: {answer:?}");
    }
    assert_eq!(server.get(&format!("/api/workflow/{parent}")).body, before);
    assert_eq!(server.get(&format!("/api/workflow/{child}")).json()["status"], "RUNNING");
}

#[test]
fn a_trial_tells_nothing_of_a_child_that_its_asker_may_only_start() {
    let server = Server::with(|settings| {
        settings.access.grants.push(grant("ci", "workflow:ci_*", &Permission::ALL));
        settings.access.grants.push(grant("ci", "workflow:child", &[Permission::Execute]));
    });
    let call = task("call", "HTTP", &json!({"uri": "http://canary-of-the-child.example/", "method": "GET"}));
    let flow = |name: &str, task: &Value| json!({"name": name, "version": 1, "schemaVersion": 2, "tasks": [task]});
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &json!([flow("child", &call)])).status, 200);
    let ci = server.signed_in("ci");
    let mut run = task("run", "SUB_WORKFLOW", &json!({}));
    run["subWorkflowParam"] = json!({"name": "child"});
    let tried = |token: Option<&str>| {
        let test = json!({"name": "ci_parent", "workflowDef": flow("ci_parent", &run)});
        match token {
            Some(token) => server.client(Some(token), "POST", "/api/workflow/test", &test),
            None => server.json("POST", "/api/workflow/test", &test),
        }
    };
    assert!(tried(None).body.contains("canary-of-the-child"), "its owner is told what has no mock");
    let told = tried(Some(&ci));
    assert!(!told.body.contains("canary-of-the-child"), "{told:?}");
}
