use serde_json::{Value, json};

use crate::server::Server;

fn register(server: &Server) -> String {
    let workflow = json!({
        "name": "w",
        "version": 1,
        "schemaVersion": 2,
        "tasks": [{
            "name": "simple",
            "taskReferenceName": "s",
            "type": "SIMPLE",
            "inputParameters": {"token": "${workflow.secrets.token}", "n": "${workflow.input.n}"},
        }],
        "outputParameters": {"got": "${s.output.got}"},
    });
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &json!([workflow])).status, 200);
    let put = server.send("PUT", "/api/secrets/token", &[("content-type", "text/plain")], b"tok-9f3a77-canary");
    assert_eq!(put.status, 200, "{put:?}");
    server.json("POST", "/api/workflow", &json!({"name": "w", "input": {"n": 1}})).body
}

fn report(task: &Value, status: &str, output: &Value) -> Value {
    json!({
        "workflowInstanceId": task["workflowInstanceId"],
        "taskId": task["taskId"],
        "status": status,
        "outputData": output,
        "workerId": "me",
    })
}

#[test]
fn a_worker_gets_real_values_and_views_do_not() {
    let server = Server::new();
    let id = register(&server);
    assert_eq!(
        server.get("/api/tasks/queue/sizes?taskType=simple&taskType=other").json(),
        json!({"simple": 1, "other": 0})
    );
    assert_eq!(server.get("/api/tasks/queue/all").json(), json!({"simple": 1}));
    let polled = server.get("/api/tasks/poll/batch/simple?workerid=me&count=10&timeout=1").json();
    let task = &polled[0];
    assert_eq!(task["inputData"], json!({"token": "tok-9f3a77-canary", "n": 1}));
    assert_eq!(server.get("/api/tasks/poll/batch/simple?timeout=1").json(), json!([]));
    assert_eq!(server.get("/api/tasks/poll/simple").status, 204);

    let shown = server.get(&format!("/api/tasks/{}", task["taskId"].as_str().unwrap())).json();
    assert_eq!(shown["taskId"], task["taskId"]);
    assert_eq!(shown["status"], "IN_PROGRESS");
    let done =
        server.json("POST", "/api/tasks", &report(task, "COMPLETED", &json!({"got": "it is tok-9f3a77-canary"})));
    assert_eq!((done.status, done.body.as_str()), (200, task["taskId"].as_str().unwrap()));
    let workflow = server.get(&format!("/api/workflow/{id}"));
    assert_eq!(workflow.json()["output"], json!({"got": "it is ***"}));
    assert!(!workflow.body.contains("9f3a77"), "{}", workflow.body);
    assert!(!server.get("/api/workflow/search").body.contains("9f3a77"));
    assert!(!server.get(&format!("/api/tasks/{}", task["taskId"].as_str().unwrap())).body.contains("9f3a77"));
    // A late word is taken and changes nothing.
    assert_eq!(server.json("POST", "/api/tasks", &report(task, "FAILED", &json!({}))).status, 200);
    assert_eq!(server.get(&format!("/api/workflow/{id}")).json()["status"], "COMPLETED");
}

#[test]
fn a_report_on_nothing_is_refused() {
    let server = Server::new();
    register(&server);
    let task = server.get("/api/tasks/poll/simple").json();
    let other = "01920000-0000-7000-8000-000000000000";
    for (status, result) in [
        (400, report(&task, "DONE", &json!({}))),
        (400, report(&task, "SCHEDULED", &json!({}))),
        (404, json!({"workflowInstanceId": other, "taskId": task["taskId"], "status": "COMPLETED"})),
        (404, json!({"workflowInstanceId": task["workflowInstanceId"], "taskId": other, "status": "COMPLETED"})),
        (404, json!({"taskId": "nothing", "status": "COMPLETED"})),
        (200, json!({"taskId": task["taskId"], "status": "COMPLETED"})),
    ] {
        assert_eq!(server.json("POST", "/api/tasks", &result).status, status, "{result}");
    }
    assert_eq!(server.get(&format!("/api/tasks/{other}")).status, 404);
}

#[test]
fn what_a_worker_logs_is_kept_and_masked() {
    let server = Server::new();
    register(&server);
    let id = server.get("/api/tasks/poll/simple").json()["taskId"].as_str().unwrap().to_owned();
    let path = format!("/api/tasks/{id}/log");
    assert_eq!(server.send("POST", &path, &[], b"with tok-9f3a77-canary").status, 200);
    assert_eq!(server.json("POST", &path, &json!("quoted")).status, 200);
    assert_eq!(server.send("POST", &path, &[], b"").status, 400);
    let server = server.restarted();
    let lines = server.get(&path).json();
    assert_eq!((&lines[0]["log"], &lines[1]["log"]), (&json!("with ***"), &json!("quoted")));
    assert_eq!(server.get("/api/tasks/01920000-0000-7000-8000-000000000000/log").status, 204);
}

#[test]
fn a_report_brings_the_next_task_of_the_same_domain_and_its_log_lines_are_kept() {
    let server = Server::new();
    register(&server);
    for _ in 0..2 {
        let start = json!({"name": "w", "taskToDomain": {"simple": "blue,NO_DOMAIN"}});
        assert_eq!(server.json("POST", "/api/workflow", &start).status, 200);
    }
    assert_eq!(server.get("/api/tasks/queue/all").json(), json!({"simple": 3}), "nobody is in the domain yet");
    let task = server.get("/api/tasks/poll/simple?workerid=me&domain=blue").json();
    assert_eq!(task["domain"], "blue");
    assert_eq!(server.get("/api/tasks/queue/all").json(), json!({"simple": 1, "blue:simple": 1}));
    assert_eq!(server.get("/api/tasks/queue/size?taskType=simple&domain=blue").json(), json!(1));
    assert_eq!(server.get("/api/tasks/queue/size").status, 400);

    let mut result = report(&task, "COMPLETED", &json!({}));
    result["logs"] = json!([{"log": "with tok-9f3a77-canary"}, {"log": ""}, {}]);
    let next = server.json("POST", "/api/tasks/update-v2", &result);
    assert_eq!((next.status, &next.json()["domain"]), (200, &json!("blue")));
    let lines = server.get(&format!("/api/tasks/{}/log", task["taskId"].as_str().unwrap())).json();
    assert_eq!((lines.as_array().unwrap().len(), &lines[0]["log"]), (1, &json!("with ***")));
    let last = server.json("POST", "/api/tasks/update-v2", &report(&next.json(), "COMPLETED", &json!({})));
    assert_eq!(last.status, 204);

    let polls = server.get("/api/tasks/queue/polldata?taskType=simple").json();
    assert_eq!(
        (&polls[0]["queueName"], &polls[0]["domain"], &polls[0]["workerId"]),
        (&json!("simple"), &json!("blue"), &json!("me"))
    );
    assert_eq!(server.get("/api/tasks/queue/polldata/all").json(), polls);
    assert_eq!(server.get("/api/tasks/queue/polldata?taskType=other").json(), json!([]));
}

#[test]
fn an_application_sees_who_polled_where_it_may_work_also_when_nothing_waits() {
    let server = Server::with(|settings| {
        settings.access.grants.push(keytide::words::Grant {
            to: keytide::words::Grantee::App("worker".to_owned()),
            on: keytide::words::GrantTarget::Workflow("works".to_owned()),
            access: vec![keytide::words::Permission::Execute],
        });
    });
    let task = json!({"name": "simple", "taskReferenceName": "s", "type": "SIMPLE"});
    let decision = json!({
        "name": "choose", "taskReferenceName": "c", "type": "SWITCH", "evaluatorType": "value-param",
        "expression": "x", "decisionCases": {"a": [task]},
    });
    server.json("POST", "/api/metadata/workflow", &json!({"name": "works", "version": 1, "tasks": [decision]}));
    let (worker, stranger) = (server.signed_in("worker"), server.signed_in("stranger"));
    let ask = |token: &str, path: &str| server.client(Some(token), "GET", path, &serde_json::Value::Null);
    assert_eq!(ask(&worker, "/api/tasks/poll/simple?workerid=w1").status, 204);
    let polls = ask(&worker, "/api/tasks/queue/polldata?taskType=simple").json();
    assert_eq!(polls[0]["workerId"], "w1");
    assert_eq!(ask(&worker, "/api/tasks/queue/polldata/all").json(), polls);
    assert_eq!(ask(&stranger, "/api/tasks/queue/polldata?taskType=simple").json(), json!([]));
    assert_eq!(ask(&worker, "/api/tasks/queue/all").json(), json!({}));
}
