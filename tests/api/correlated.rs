use serde_json::{Value, json};

use crate::server::Server;

fn server() -> (Server, Vec<String>) {
    let server = Server::new();
    let task = json!({"name": "wait", "taskReferenceName": "wait", "type": "WAIT"});
    for name in ["one", "two"] {
        let flow = json!({"name": name, "version": 1, "tasks": [task]});
        assert_eq!(server.json("POST", "/api/metadata/workflow", &flow).status, 200);
    }
    let runs = [("one", "a"), ("one", "b"), ("two", "a")].map(|(name, id)| {
        let started = server.json("POST", &format!("/api/workflow/{name}?correlationId={id}"), &json!({}));
        assert_eq!(started.status, 200);
        started.body
    });
    assert_eq!(server.send("DELETE", &format!("/api/workflow/{}", runs[0]), &[], b"").status, 200);
    (server, runs.to_vec())
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["workflowId"].as_str().unwrap()).collect()
}

#[test]
fn executions_are_found_by_correlation_id_open_ones_unless_all_are_asked_for() {
    let (server, runs) = server();
    let found = server.json("POST", "/api/workflow/one/correlated", &json!(["a", "b", "none"])).json();
    assert_eq!(found, json!({"a": [], "b": found["b"], "none": []}));
    assert_eq!((ids(&found["b"]), found["b"][0]["tasks"].as_array().map_or(0, Vec::len)), (vec![runs[1].as_str()], 0));
    let path = "/api/workflow/one/correlated?includeClosed=true&includeTasks=true";
    let found = server.json("POST", path, &json!(["a", "b"])).json();
    assert_eq!((ids(&found["a"]), ids(&found["b"])), (vec![runs[0].as_str()], vec![runs[1].as_str()]));
    assert_eq!(found["b"][0]["tasks"][0]["referenceTaskName"], "wait");
    assert_eq!(ids(&server.get("/api/workflow/two/correlated/a").json()), [runs[2].as_str()]);
    assert_eq!(ids(&server.get("/api/workflow/one/correlated/a").json()), Vec::<&str>::new());
    let wanted = json!({"correlationIds": ["a"], "workflowNames": ["one", "two"]});
    let found = server.json("POST", "/api/workflow/correlated/batch?includeClosed=true", &wanted).json();
    let mut both = ids(&found["a"]);
    both.sort_unstable();
    let mut wanted = [runs[0].as_str(), &runs[2]];
    wanted.sort_unstable();
    assert_eq!(both, wanted);
}

#[test]
fn too_much_or_nothing_is_refused() {
    let (server, _) = server();
    let many: Vec<_> = (0..51).map(|n| n.to_string()).collect();
    for body in [json!([]), json!(many), json!({})] {
        assert_eq!(server.json("POST", "/api/workflow/one/correlated", &body).status, 400, "{body}");
    }
    let nameless = json!({"correlationIds": ["a"]});
    let answer = server.json("POST", "/api/workflow/correlated/batch", &nameless);
    assert!(answer.status == 400 && answer.body.contains("workflowNames"), "{answer:?}");
}
