use serde_json::{Value, json};

use crate::server::{Answer, Server};

fn text(server: &Server, method: &str, path: &str, body: &str) -> Answer {
    server.send(method, path, &[("content-type", "text/plain")], body.as_bytes())
}

/// A workflow whose output is the variable.
fn reader(name: &str, variable: &str) -> Value {
    json!({
        "name": name, "version": 1, "ownerEmail": "a@example.com", "timeoutSeconds": 0,
        "tasks": [{"name": "nothing", "taskReferenceName": "nothing", "type": "NOOP"}],
        "outputParameters": {"value": format!("${{workflow.env.{variable}}}")},
    })
}

fn read_by_a_run(server: &Server, variable: &str) -> Value {
    server.json("PUT", "/api/metadata/workflow", &json!([reader("reads", variable)]));
    let id = server.json("POST", "/api/workflow/reads", &json!({})).body;
    let ended = server.until(&format!("/api/workflow/{id}"), |workflow| workflow["status"] == "COMPLETED");
    ended["output"]["value"].clone()
}

#[test]
fn a_variable_that_is_put_is_read_by_the_next_run_and_outlives_a_restart() {
    let server = Server::new();
    assert_eq!(server.get("/api/environment/region").status, 404);
    assert_eq!(text(&server, "PUT", "/api/environment/region", "eu \"west\"").status, 200);
    assert_eq!(server.get("/api/environment/region").body, "eu \"west\"");
    assert_eq!(read_by_a_run(&server, "region"), "eu \"west\"");
    assert_eq!(server.json("PUT", "/api/environment/region", &json!("us")).status, 200);
    let server = server.restarted();
    assert_eq!(read_by_a_run(&server, "region"), "us");
    assert_eq!(
        server.get("/api/environment").json(),
        json!([{"name": "region", "value": "us"}, {"name": "stage", "value": "test"}])
    );
    let removed = text(&server, "DELETE", "/api/environment/region", "");
    assert_eq!((removed.status, removed.body.as_str()), (200, "us"));
    assert_eq!(text(&server, "DELETE", "/api/environment/region", "").status, 404);
    assert_eq!(read_by_a_run(&server, "region"), Value::Null);
}

#[test]
fn a_variable_of_the_settings_is_changed_in_their_file_alone() {
    let server = Server::new();
    for (method, path) in [("PUT", "/api/environment/stage"), ("DELETE", "/api/environment/stage")] {
        let answer = text(&server, method, path, "production");
        assert_eq!(answer.status, 409, "{method}");
        assert!(answer.json()["message"].as_str().unwrap().contains("change it there"), "{answer:?}");
    }
    assert_eq!(server.get("/api/environment/stage").body, "test");
}

#[test]
fn what_is_no_name_or_no_text_is_refused() {
    let server = Server::new();
    for name in ["a.b", "%20", "a%2Fb", "%F0%9F%94%91"] {
        assert_eq!(text(&server, "PUT", &format!("/api/environment/{name}"), "x").status, 400, "{name}");
    }
    assert_eq!(server.json("PUT", "/api/environment/a", &Value::Null).status, 400);
    assert_eq!(text(&server, "PUT", "/api/environment/a", &"x".repeat((64 << 10) + 1)).status, 400);
    assert_eq!(server.get("/api/environment/a").status, 404);
}

#[test]
fn tags_of_a_variable_go_with_it_and_all_tags_are_found_by_what_has_them() {
    let server = Server::new();
    text(&server, "PUT", "/api/environment/region", "eu");
    let tag = json!([{"key": "team", "value": "build"}]);
    assert_eq!(server.json("PUT", "/api/environment/region/tags", &tag).status, 200);
    assert_eq!(server.json("PUT", "/api/environment/gone/tags", &tag).status, 404);
    server.json("PUT", "/api/secrets/token", &json!("a-value-of-it"));
    server.json("PUT", "/api/secrets/token/tags", &tag);
    assert_eq!(server.get("/api/metadata/tags").json(), tag);
    let counted = server.get("/api/metadata/tags/grouped").json();
    let kinds: Vec<_> = counted.as_array().unwrap().iter().map(|one| one["resourceType"].clone()).collect();
    assert_eq!(kinds, ["ENV_VARIABLE", "SECRET_NAME"]);
    let found = |query: &str| server.get(&format!("/api/metadata/tags/resources?{query}")).json();
    assert_eq!(
        found("tagKey=team&tagValue=build&resourceType=SECRET_NAME"),
        json!([{"id": "token", "displayName": "token"}])
    );
    assert_eq!(found("tagKey=team&tagValue=other"), json!([]));
    let token = server.signed_in("stranger");
    assert_eq!(server.client(Some(&token), "GET", "/api/metadata/tags", &Value::Null).json(), json!([]));
    text(&server, "DELETE", "/api/environment/region", "");
    text(&server, "PUT", "/api/environment/region", "eu");
    assert_eq!(server.get("/api/environment/region/tags").json(), json!([]));
}
