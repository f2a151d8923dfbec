use axum::body::Body;
use axum::http::{Request, StatusCode};
use keytide::api::router;
use keytide::door::Door;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::live::Listening;
use crate::server::Server;

pub(crate) fn noop(name: &str, version: i32) -> Value {
    json!({
        "name": name,
        "version": version,
        "schemaVersion": 2,
        "tasks": [{"name": "n", "taskReferenceName": "n", "type": "NOOP"}],
    })
}

#[test]
fn of_several_who_register_one_workflow_at_once_one_does() {
    let server = Server::new();
    let runtime = server.daemon().runtime();
    let asked: Vec<_> = (0..8)
        .map(|number| {
            let mut workflow = noop("w", 1);
            workflow["description"] = json!(number.to_string());
            let request = Request::post("/api/metadata/workflow").header("host", "127.0.0.1:8321");
            let request = request.body(Body::from(workflow.to_string())).unwrap();
            let door = Door::Loopback("127.0.0.1:8321".parse().unwrap());
            runtime.spawn(router(server.daemon().handle().clone(), door).oneshot(request))
        })
        .collect();
    let statuses: Vec<_> = asked.into_iter().map(|one| runtime.block_on(one).unwrap().unwrap().status()).collect();
    let made = statuses.iter().position(StatusCode::is_success).unwrap();
    let others = statuses.iter().enumerate().filter(|(number, _)| *number != made);
    assert!(others.into_iter().all(|(_, status)| *status == 409), "{statuses:?}");
    let described = |server: &Server| server.get("/api/metadata/workflow/w").json()["description"].clone();
    assert_eq!(described(&server), made.to_string());
    assert_eq!(described(&server.restarted()), made.to_string(), "the journal says the same");
}

#[test]
fn a_workflow_is_registered_read_and_removed() {
    let server = Server::new();
    let created = server.json("POST", "/api/metadata/workflow", &noop("w", 1));
    assert_eq!((created.status, created.body.as_str()), (200, ""));
    let again = server.json("POST", "/api/metadata/workflow", &noop("w", 1));
    assert_eq!(again.status, 409);
    assert_eq!(again.json()["message"], "Workflow with w.1 already exists!");
    assert_eq!(server.json("POST", "/api/metadata/workflow?overwrite=true", &noop("w", 1)).status, 200);
    let both = server.json("PUT", "/api/metadata/workflow", &json!([noop("w", 2), noop("v", 1)]));
    assert_eq!(both.json(), json!({"bulkErrorResults": {}, "bulkSuccessfulResults": ["w", "v"]}));

    assert_eq!(server.get("/api/metadata/workflow/w").json()["version"], 2);
    assert_eq!(server.get("/api/metadata/workflow/w?version=1").json()["version"], 1);
    assert_eq!(server.get("/api/metadata/workflow").json().as_array().map(Vec::len), Some(3));
    assert_eq!(server.get("/api/metadata/workflow/latest-versions").json().as_array().map(Vec::len), Some(2));
    assert_eq!(server.get("/api/metadata/workflow/names").json(), json!(["v", "w"]));
    assert_eq!(server.get("/api/metadata/workflow/w/versions").json()[1]["version"], 2);
    assert_eq!(server.get("/api/metadata/workflow/names-and-versions").json()["w"][0]["version"], 1);

    assert_eq!(server.send("DELETE", "/api/metadata/workflow/w/2", &[], b"").status, 200);
    assert_eq!(server.get("/api/metadata/workflow/w").json()["version"], 1);
    let missing = server.get("/api/metadata/workflow/x");
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json()["message"], "No such workflow found by name: x, version: null");
}

#[test]
fn what_the_api_registered_is_there_after_a_restart() {
    let server = Server::new();
    assert_eq!(server.json("POST", "/api/metadata/workflow", &noop("w", 1)).status, 200);
    assert_eq!(server.json("POST", "/api/metadata/taskdefs", &json!([{"name": "t", "retryCount": 7}])).status, 200);
    let server = server.restarted();
    assert_eq!(server.get("/api/metadata/workflow/w").json()["name"], "w");
    assert_eq!(server.get("/api/metadata/taskdefs/t").json()["retryCount"], 7);
}

#[test]
fn a_definition_that_means_nothing_is_refused_in_conductors_words() {
    let server = Server::new();
    let refused = server.json("PUT", "/api/metadata/workflow", &json!([{"name": "w", "schemaVersion": 2}]));
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["message"], "Validation failed, check below errors for detail.");
    let problem = json!({"path": "updateWorkflowDef.arg0[0].tasks", "message": "WorkflowTask list cannot be empty"});
    assert_eq!(refused.json()["validationErrors"], json!([problem]));
    assert_eq!(
        server.json("POST", "/api/metadata/workflow/validate", &json!({"name": "w", "tasks": null})).status,
        400
    );
    assert_eq!(server.json("POST", "/api/metadata/workflow/validate", &noop("w", 1)).status, 200);
    assert_eq!(server.get("/api/metadata/workflow").json(), json!([]));
}

#[test]
fn task_definitions_are_registered_read_and_removed() {
    let server = Server::new();
    let path = "/api/metadata/taskdefs";
    assert_eq!(server.json("POST", path, &json!([{"name": "a"}, {"name": "b"}])).status, 200);
    assert_eq!(server.json("PUT", path, &json!({"name": "a", "retryCount": 1})).status, 200);
    assert_eq!(server.json("PUT", path, &json!({"name": "c"})).status, 404);
    assert_eq!(server.get(path).json().as_array().map(Vec::len), Some(2));
    assert_eq!(server.get("/api/metadata/taskdefs/a").json()["retryCount"], 1);
    assert_eq!(server.send("DELETE", "/api/metadata/taskdefs/a", &[], b"").status, 200);
    assert_eq!(server.get("/api/metadata/taskdefs/a").status, 404);
    assert_eq!(server.send("DELETE", "/api/metadata/taskdefs/a", &[], b"").status, 404);
}

#[test]
fn a_literal_where_secrets_belong_is_shown_masked_and_its_mask_is_not_taken_back() {
    let server = Server::new();
    let task = json!({"name": "u", "taskReferenceName": "u", "type": "UPDATE_SECRET", "inputParameters": {
        "_secrets": {"secretKey": "my_token", "secretValue": "abcd-literal"}}});
    let def = json!({"name": "w", "version": 1, "schemaVersion": 2, "tasks": [task]});
    assert_eq!(server.json("POST", "/api/metadata/workflow", &def).status, 200);
    let schedule = json!({"name": "s", "cronExpression": "0 0 3 * * *", "zoneId": "UTC",
        "startWorkflowRequest": {"name": "w", "input": {"_secrets": {"pin": "pin-literal"}}}});
    assert_eq!(server.json("POST", "/api/scheduler/schedules", &schedule).status, 200);
    let task_def = json!([{"name": "u", "inputTemplate": {"_masked": {"pin": "pin-literal"}}}]);
    assert_eq!(server.json("POST", "/api/metadata/taskdefs", &task_def).status, 200);
    for path in [
        "/api/metadata/workflow/w",
        "/api/metadata/workflow",
        "/api/metadata/workflow/latest-versions",
        "/api/metadata/taskdefs",
        "/api/metadata/taskdefs/u",
        "/api/scheduler/schedules",
        "/api/scheduler/schedules/s",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.contains("***") && !answer.body.contains("-literal"), "{path}: {}", answer.body);
    }
    let shown = server.get("/api/metadata/workflow/w").json();
    assert_eq!(shown["tasks"][0]["inputParameters"]["_secrets"]["secretKey"], "my_token");
    let refused = server.json("PUT", "/api/metadata/workflow", &json!([shown]));
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("has the mask `***` where a value belongs"), "{}", refused.body);
    // A schedule that comes back as it was shown keeps what was hidden; under another name there is nothing to keep.
    let mut shown = server.get("/api/scheduler/schedules/s").json();
    assert_eq!(server.json("POST", "/api/scheduler/schedules", &shown).status, 200);
    shown["name"] = json!("another");
    assert_eq!(server.json("POST", "/api/scheduler/schedules", &shown).status, 400);
}

#[test]
fn what_a_file_defines_says_so_and_is_changed_by_no_route() {
    let server = Server::new();
    let schedule = json!({"name": "filed_tick", "cronExpression": "0 0 3 1 1 *", "zoneId": "UTC",
        "startWorkflowRequest": {"name": "filed"}});
    // Whoever sees the last of them sees all.
    let files = [
        ("tick.json", schedule.clone()),
        ("tasks.json", json!({"taskDefs": [{"name": "filed_task"}]})),
        ("filed.json", noop("filed", 1)),
    ];
    let mut listening = Listening::to(&server, None, "?kinds=definition", None);
    for (name, content) in files {
        std::fs::write(server.folder().join("workflows").join(name), content.to_string()).unwrap();
    }
    listening.until(|heard| heard.data["name"] == "filed");
    assert_eq!(server.json("POST", "/api/metadata/workflow", &noop("made", 1)).status, 200);
    let origins = [
        ("/api/metadata/workflow/filed", "workflows/filed.json"),
        ("/api/metadata/taskdefs/filed_task", "workflows/tasks.json"),
        ("/api/scheduler/schedules/filed_tick", "workflows/tick.json"),
    ];
    for (path, file) in origins {
        assert_eq!(server.get(path).json()["origin"], format!("file:{file}"), "{path}");
    }
    assert_eq!(server.get("/api/metadata/workflow/made").json()["origin"], "owner");
    let writes = [
        ("POST", "/api/metadata/workflow", noop("filed", 1), "filed.json"),
        ("POST", "/api/metadata/workflow?overwrite=true", noop("filed", 1), "filed.json"),
        ("PUT", "/api/metadata/workflow", json!([noop("made", 2), noop("filed", 1)]), "filed.json"),
        ("DELETE", "/api/metadata/workflow/filed/1", Value::Null, "filed.json"),
        ("POST", "/api/metadata/taskdefs", json!([{"name": "other"}, {"name": "filed_task"}]), "tasks.json"),
        ("PUT", "/api/metadata/taskdefs", json!({"name": "filed_task"}), "tasks.json"),
        ("DELETE", "/api/metadata/taskdefs/filed_task", Value::Null, "tasks.json"),
        ("POST", "/api/scheduler/schedules", schedule, "tick.json"),
        ("DELETE", "/api/scheduler/schedules/filed_tick", Value::Null, "tick.json"),
    ];
    for (method, path, body, file) in writes {
        let refused = server.json(method, path, &body);
        let message = refused.json()["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(refused.status, 409, "{method} {path}: {refused:?}");
        assert!(
            message.contains(&format!("is defined in workflows/{file}; change it there")),
            "{method} {path}: {message}"
        );
    }
    assert_eq!(server.get("/api/metadata/workflow/made").json()["version"], 1, "all or none");
    // It can be held and run all the same.
    assert_eq!(server.send("PUT", "/api/scheduler/schedules/filed_tick/pause", &[], b"").status, 200);
    assert_eq!(server.get("/api/scheduler/schedules/filed_tick").json()["paused"], true);
    assert_eq!(server.json("POST", "/api/workflow/filed", &json!({})).status, 200);
}
