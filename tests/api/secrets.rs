use serde_json::json;

use crate::server::Server;

#[test]
fn a_secret_is_written_read_listed_and_removed() {
    let server = Server::new();
    assert_eq!(server.get("/api/secrets/key").status, 404);
    assert_eq!(server.get("/api/secrets/key/exists").body, "false");
    for (agent, body) in
        [("Go-http-client/1.1", "a \"b\""), ("curl/8", "\"a \\\"b\\\"\""), ("python-httpx/0.28.1", "a \\\"b\\")]
    {
        let put = server.send(
            "PUT",
            "/api/secrets/key",
            &[("user-agent", agent), ("content-type", "application/json")],
            body.as_bytes(),
        );
        assert_eq!((put.status, put.body.as_str()), (200, ""), "{agent}");
        let value = server.send("GET", "/api/secrets/key", &[("accept", "application/json")], b"");
        assert_eq!(value.headers["content-type"], "text/plain;charset=UTF-8");
        assert_eq!(value.headers["cache-control"], "no-store");
        assert_eq!(value.body, "a \"b\"", "{agent}");
    }
    assert_eq!(server.get("/api/secrets/key/exists").body, "true");
    assert_eq!(server.send("POST", "/api/secrets", &[], b"{}").json(), json!(["key"]));
    assert_eq!(server.get("/api/secrets?access=READ&access=UPDATE").json(), json!(["key"]));
    assert_eq!(server.get("/api/secrets?access=OWN").status, 400);
    let tag = json!([{"key": "team", "value": "build", "type": "METADATA"}]);
    assert_eq!(server.json("PUT", "/api/secrets/key/tags", &tag).status, 200);
    assert_eq!(server.get("/api/secrets/key/tags").json(), json!([{"key": "team", "value": "build"}]));
    assert_eq!(
        server.get("/api/secrets-v2").json(),
        json!([{"name": "key", "tags": [{"key": "team", "value": "build"}]}])
    );
    assert_eq!(server.get("/api/secrets/v2").json()[0]["partial"], "...");
    assert_eq!(server.json("DELETE", "/api/secrets/key/tags", &json!([{"key": "team"}])).status, 200);
    assert_eq!(server.get("/api/secrets/key/tags").json(), json!([]));
    assert_eq!(server.get("/api/keytide/secrets").json()[0]["version"], 1, "the same value makes no version");
    assert_eq!(server.get("/api/keytide/secrets/key/history").json()[0]["stage"], "current");
    assert_eq!(server.send("DELETE", "/api/secrets/key", &[], b"").status, 200);
    assert_eq!(server.send("DELETE", "/api/secrets/key", &[], b"").status, 404);
}

#[test]
fn garbage_is_refused_unless_it_is_forced() {
    let server = Server::new();
    for body in ["\"***\"", "***", "\"\"", "", "null", "\"${login.output.token}\"", "<html><body>Sign in</body></html>"]
    {
        let refused = server.send("PUT", "/api/secrets/key", &[("content-type", "application/json")], body.as_bytes());
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.json()["message"].as_str().unwrap().contains("?force=true"), "{refused:?}");
    }
    assert_eq!(server.send("PUT", "/api/secrets/key?force=true", &[], b"***").status, 200);
    assert_eq!(server.send("PUT", "/api/secrets/key", &[("x-keytide-force", "true")], b"\"\"").status, 200);
    assert_eq!(server.get("/api/secrets/key").body, "");
    assert_eq!(server.json("POST", "/api/keytide/secrets/key/rollback", &json!({"to": "previous"})).status, 200);
    assert_eq!(server.get("/api/secrets/key").body, "***");
}

#[test]
fn a_name_or_value_that_cannot_be_is_refused() {
    let server = Server::new();
    for key in ["a.b", "a%20b", "%C3%A9", "a%2Fb"] {
        assert_eq!(server.send("PUT", &format!("/api/secrets/{key}"), &[], b"v").status, 400, "{key}");
    }
    assert_eq!(server.send("PUT", "/api/secrets/v2", &[], b"v").status, 405);
    assert_eq!(server.send("PUT", "/api/secrets/k", &[], &vec![b'x'; (64 << 10) + 1]).status, 400);
    assert_eq!(server.send("PUT", "/api/secrets/k", &[], &[0xff, 0xfe]).status, 400);
    assert_eq!(server.get("/api/secrets/k/tags").status, 404);
}

#[test]
fn a_name_at_whose_path_something_else_is_answered_is_refused() {
    let server = Server::new();
    for name in ["v2", "clearLocalCache", "clearRedisCache"] {
        assert_eq!(server.json("PUT", &format!("/api/secrets/{name}"), &json!("a-value")).status, 405, "{name}");
        assert_eq!(server.get(&format!("/api/secrets/{name}")).status, 200, "{name}");
    }
    assert_eq!(server.get("/api/secrets/clearLocalCache").json()["message"], "nothing is cached");
}
