//! `POST /api/workflow/test`.

use serde_json::json;

use crate::server::Server;

#[test]
fn a_workflow_is_tested_with_the_mocks_of_the_request_and_leaves_nothing() {
    let server = Server::new();
    let get = json!({"name": "get", "taskReferenceName": "get", "type": "HTTP", "inputParameters":
        {"uri": "https://host.example/", "method": "GET", "headers": {"Authorization": "${workflow.secrets.key}"}}});
    let definition = json!({"name": "tried", "version": 1, "schemaVersion": 2, "ownerEmail": "a@example.com",
        "timeoutSeconds": 0, "tasks": [get], "outputParameters": {"n": "${get.output.response.body.n}"}});
    let mut request = json!({"name": "tried", "workflowDef": definition, "secrets": {"key": "canary-of-a-test"},
        "taskRefToMockOutput": {"get": [{"status": "COMPLETED", "output": {"response":
            {"statusCode": 200, "body": {"n": 7, "echo": "canary-of-a-test"}}}}]}});
    let answer = server.json("POST", "/api/workflow/test", &request);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!answer.body.contains("canary"), "{}", answer.body);
    let workflow = answer.json();
    assert_eq!((&workflow["status"], &workflow["output"]["n"]), (&"COMPLETED".into(), &7.into()));
    assert_eq!(workflow["tasks"][0]["referenceTaskName"], "get");
    let id = workflow["workflowId"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/workflow/{id}")).status, 404);

    request["taskRefToMockOutput"] = json!({});
    let answer = server.json("POST", "/api/workflow/test", &request);
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains("task `get` (HTTP) of `tried` calls GET https://host.example/ and has no mock"));
    assert_eq!(server.json("POST", "/api/workflow/test", &json!({"name": "nobody"})).status, 404);
}
