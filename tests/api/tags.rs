use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::server::Server;

fn grant(on: &str, access: &[Permission]) -> impl FnOnce(&mut Settings) + use<> {
    let grant =
        Grant { to: Grantee::parse("app:ci").unwrap(), on: GrantTarget::parse(on).unwrap(), access: access.to_vec() };
    move |settings| settings.access.grants.push(grant)
}

fn server(set: impl FnOnce(&mut Settings)) -> Server {
    let server = Server::with(set);
    let task = json!({"name": "wait", "taskReferenceName": "wait", "type": "WAIT"});
    for version in [1, 2] {
        let flow = json!({"name": "flow", "version": version, "tasks": [task]});
        assert_eq!(server.json("POST", "/api/metadata/workflow", &flow).status, 200);
    }
    let schedule = json!({"name": "tick", "cronExpression": "0 0 0 1 1 *", "startWorkflowRequest": {"name": "flow"}});
    assert_eq!(server.json("POST", "/api/scheduler/schedules", &schedule).status, 200);
    assert_eq!(server.json("POST", "/api/metadata/taskdefs", &json!([{"name": "tool"}])).status, 200);
    server
}

fn tag(key: &str, value: &str) -> Value {
    json!({"key": key, "value": value, "type": "METADATA"})
}

const FLOW: &str = "/api/metadata/workflow/flow/tags";
const TICK: &str = "/api/scheduler/schedules/tick/tags";
const WORK: &str = "/api/metadata/task/tool/tags";

#[test]
fn tags_are_added_replaced_and_removed_as_clients_do_it() {
    let server = server(|_| ());
    for (method, path, body, left) in [
        ("POST", FLOW, tag("a", "1"), json!([{"key": "a", "value": "1"}])),
        (
            "PUT",
            FLOW,
            json!([tag("b", "2"), tag("c", "3")]),
            json!([{"key": "b", "value": "2"}, {"key": "c", "value": "3"}]),
        ),
        ("DELETE", FLOW, tag("b", "another"), json!([{"key": "b", "value": "2"}, {"key": "c", "value": "3"}])),
        ("DELETE", FLOW, tag("b", "2"), json!([{"key": "c", "value": "3"}])),
        ("PUT", TICK, json!([tag("a", "1")]), json!([{"key": "a", "value": "1"}])),
        ("PUT", TICK, json!([tag("b", "2")]), json!([{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])),
        ("DELETE", TICK, json!([tag("a", ""), tag("x", "y")]), json!([{"key": "b", "value": "2"}])),
        ("PUT", WORK, json!([tag("a", "1")]), json!([{"key": "a", "value": "1"}])),
    ] {
        assert_eq!(server.json(method, path, &body).status, 200, "{method} {path}");
        assert_eq!(server.get(path).json(), left, "{method} {path} {body}");
    }
    let found = server.get("/api/scheduler/schedules/tags?tag=b:2").json();
    assert_eq!((&found[0]["name"], &found[0]["tags"]), (&"tick".into(), &json!([{"key": "b", "value": "2"}])));
    assert_eq!(server.get("/api/scheduler/schedules/tags?tag=a:1").json(), json!([]));
    assert_eq!(server.get("/api/scheduler/schedules/tags").status, 400);
    for gone in [FLOW, TICK, WORK].map(|path| path.replace("flow", "x").replace("tick", "x").replace("tool", "x")) {
        assert_eq!(server.get(&gone).status, 404, "{gone}");
    }
}

#[test]
fn tags_are_kept_over_a_restart_and_go_with_the_last_version() {
    let server = server(|_| ());
    server.json("PUT", FLOW, &json!([tag("team", "build")]));
    let server = server.restarted();
    assert_eq!(server.get(FLOW).json(), json!([{"key": "team", "value": "build"}]));
    assert_eq!(server.send("DELETE", "/api/metadata/workflow/flow/1", &[], b"").status, 200);
    assert_eq!(server.get(FLOW).json(), json!([{"key": "team", "value": "build"}]));
    assert_eq!(server.send("DELETE", "/api/metadata/workflow/flow/2", &[], b"").status, 200);
    let task = json!({"name": "wait", "taskReferenceName": "wait", "type": "WAIT"});
    server.json("POST", "/api/metadata/workflow", &json!({"name": "flow", "version": 1, "tasks": [task]}));
    assert_eq!(server.get(FLOW).json(), json!([]), "the next one of the name inherits nothing");
    assert_eq!(server.restarted().get(FLOW).json(), json!([]));
}

#[test]
fn what_is_granted_by_a_tag_is_granted_on_what_carries_it() {
    let server = server(grant("tag:team:build", &[Permission::Read, Permission::Execute]));
    let ci = server.signed_in("ci");
    let start = || server.client(Some(&ci), "POST", "/api/workflow/flow", &json!({})).status;
    let schedules = || server.client(Some(&ci), "GET", "/api/scheduler/schedules", &Value::Null).json();
    assert_eq!((start(), schedules()), (404, json!([])));
    server.json("PUT", FLOW, &json!([tag("team", "build")]));
    server.json("PUT", TICK, &json!([tag("team", "build")]));
    assert_eq!((start(), schedules()[0]["name"].clone()), (200, "tick".into()));
    server.json("DELETE", FLOW, &tag("team", "build"));
    assert_eq!(start(), 404);
}

#[test]
fn nobody_gives_by_a_tag_what_it_does_not_have() {
    let server = server(|settings| {
        grant("workflow:flow", &[Permission::Read, Permission::Update])(settings);
        grant("secret:key", &[Permission::Update])(settings);
        grant("tag:team:build", &[Permission::Read, Permission::Execute])(settings);
    });
    server.json("PUT", "/api/secrets/key", &json!("a-secret-value"));
    let ci = server.signed_in("ci");
    let tagged = |path: &str, tag: Value| server.client(Some(&ci), "PUT", path, &json!([tag])).status;
    assert_eq!(tagged(FLOW, tag("team", "build")), 403, "EXECUTE would follow from it");
    assert_eq!(tagged("/api/secrets/key/tags", tag("team", "build")), 403, "READ would follow from it");
    assert_eq!(server.client(Some(&ci), "GET", "/api/secrets/key", &Value::Null).status, 404);
    assert_eq!(tagged(FLOW, tag("stage", "test")), 200, "nothing follows from it");
    assert_eq!(server.get(FLOW).json(), json!([{"key": "stage", "value": "test"}]));
}

#[test]
fn a_tag_that_cannot_be_is_refused_with_the_reason() {
    let server = server(|_| ());
    let many: Vec<_> = (0..51).map(|n| tag(&n.to_string(), "x")).collect();
    for (body, part) in [
        (json!([tag("", "x")]), "needs one"),
        (json!([tag("a:b", "x")]), "`:`"),
        (json!([tag(&"k".repeat(129), "x")]), "128 bytes"),
        (json!([tag("k", "a\u{1}")]), "control characters"),
        (json!(many), "51 tags are more than 50"),
        (json!("text"), "the body is not what is expected"),
    ] {
        let answer = server.json("PUT", FLOW, &body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.body.contains(part), "{part}: {answer:?}");
    }
    for batch in many.chunks(25) {
        server.json("PUT", TICK, &json!(batch));
    }
    assert_eq!(server.get(TICK).json().as_array().unwrap().len(), 50, "the last of them is one too many");
    server.json("PUT", "/api/secrets/key", &json!("a-secret-value"));
    assert_eq!(server.json("PUT", "/api/secrets/key/tags", &json!([tag("a:b", "x")])).status, 400);
    assert_eq!(server.json("PUT", "/api/secrets/key/tags", &json!(many[..50])).status, 200);
    let answer = server.json("PUT", "/api/secrets/key/tags", &json!([tag("one", "more")]));
    assert!(answer.status == 400 && answer.body.contains("more than 50"), "{answer:?}");
    assert_eq!(server.json("PUT", "/api/secrets/key/tags", &json!([tag("0", "other")])).status, 200);
    assert_eq!(server.get(FLOW).json(), json!([]));
}

#[test]
fn a_definition_that_comes_over_the_api_brings_its_tags_along() {
    let server = server(|settings| {
        grant("workflow:flow", &[Permission::Read, Permission::Update])(settings);
        grant("tag:team:build", &[Permission::Execute])(settings);
        grant("workflow:flow_2", &[Permission::Create])(settings);
    });
    let task = json!({"name": "wait", "taskReferenceName": "wait", "type": "WAIT"});
    let flow = |tags: Value, all: bool| json!({"name": "flow", "version": 2, "tasks": [task], "tags": tags, "overwriteTags": all});
    let put = |body: Value| server.json("PUT", "/api/metadata/workflow", &json!([body])).status;
    let tags = || server.get("/api/metadata/workflow/flow?metadata=true").json()["tags"].clone();
    assert_eq!((put(flow(json!([tag("a", "1")]), true)), tags()), (200, json!([{"key": "a", "value": "1"}])));
    assert_eq!(put(flow(json!([tag("b", "2")]), false)), 200);
    assert_eq!(tags(), json!([{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]));
    assert_eq!((put(flow(Value::Null, true)), tags()[1]["key"].clone()), (200, "b".into()), "left out, left alone");
    assert_eq!((put(flow(json!([]), true)), tags()), (200, json!([])));
    assert_eq!(server.get("/api/metadata/workflow/flow").json().get("tags"), None);

    let ci = server.signed_in("ci");
    let mut more = flow(json!([tag("team", "build")]), true);
    more["description"] = "by ci".into();
    assert_eq!(server.client(Some(&ci), "PUT", "/api/metadata/workflow", &json!([more])).status, 403);
    assert_eq!(server.get("/api/metadata/workflow/flow").json().get("description"), None, "none of it is done");

    let new = json!({"name": "flow_2", "version": 1, "tasks": [task], "tags": [tag("a", "1")]});
    assert_eq!(server.client(Some(&ci), "POST", "/api/metadata/workflow", &new).status, 403);
    assert_eq!(server.get("/api/metadata/workflow/flow_2").status, 404, "who may only CREATE cannot tag what it makes");
    let bare = json!({"name": "flow_2", "version": 1, "tasks": [task], "tags": []});
    assert_eq!(server.client(Some(&ci), "POST", "/api/metadata/workflow", &bare).status, 200);

    let numbered = json!({"name": 5, "version": 1, "tasks": [task], "tags": [tag("a", "1")], "overwriteTags": "true"});
    assert_eq!(put(numbered), 200, "a number is a name here as in the definition");
    let shown = server.get("/api/metadata/workflow/5?metadata=true").json();
    assert_eq!(shown["tags"], json!([{"key": "a", "value": "1"}]));

    let tool = json!({"name": "tool", "tags": [tag("a", "1")], "overwriteTags": true});
    assert_eq!(server.json("PUT", "/api/metadata/taskdefs", &tool).status, 200);
    let shown = server.get("/api/metadata/taskdefs/tool?metadata=true").json();
    assert_eq!(shown["tags"], json!([{"key": "a", "value": "1"}]));
    let limit = json!({"key": "flow", "type": "RATE_LIMIT", "value": 3});
    let answer = server.json("POST", FLOW, &limit);
    assert!(answer.status == 400 && answer.body.contains("rateLimitConfig"), "{answer:?}");
}

#[test]
fn a_tag_of_a_secret_is_taken_off_by_its_key_and_its_value() {
    let server = Server::new();
    let path = "/api/secrets/token/tags";
    server.json("PUT", "/api/secrets/token", &json!("a-secret-value"));
    let tag = |key: &str, value: &str| json!({"key": key, "value": value, "type": "METADATA"});
    server.json("PUT", path, &json!([tag("team", "red"), tag("stage", "test")]));
    for (taken, left) in [
        (tag("team", "blue"), vec!["stage", "team"]),
        (tag("nothing", "red"), vec!["stage", "team"]),
        (tag("team", "red"), vec!["stage"]),
        (json!({"key": "stage"}), vec![]),
    ] {
        let answer = server.json("DELETE", path, &json!([taken]));
        assert_eq!(answer.status, 200, "{taken}: {answer:?}");
        let tags = server.get(path).json();
        let keys: Vec<_> = tags.as_array().unwrap().iter().map(|tag| tag["key"].as_str().unwrap()).collect();
        assert_eq!(keys, left, "{taken}");
    }
}
