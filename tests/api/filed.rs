//! What files say beside workflows and schedules: event handlers and tags, over the API.

use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::live::Listening;
use crate::server::Server;

/// Writes files of the folder; the last one defines this workflow, and whoever sees it sees all of them.
fn write(server: &Server, files: &[(&str, Value)], last: &str) {
    let mut listening = Listening::to(server, None, "?kinds=definition", None);
    for (name, content) in files {
        std::fs::write(server.folder().join("workflows").join(name), content.to_string()).unwrap();
    }
    listening.until(|heard| heard.data["name"] == last);
}

/// A workflow that tells an event, one that it starts, and the handler between them.
fn source() -> Value {
    json!([
        {"name": "started", "version": 1, "tasks": [{"name": "w", "taskReferenceName": "w", "type": "WAIT"}]},
        {"name": "source", "version": 1, "tasks": [{"name": "e", "taskReferenceName": "e", "type": "EVENT",
            "sink": "conductor:done", "inputParameters": {"v": 3}}]},
    ])
}

fn handler(version: i32) -> Value {
    json!({"name": "filed", "event": "conductor:source:done", "active": true, "condition": "$.v > 2", "actions": [
        {"action": "start_workflow", "start_workflow": {"name": "started", "version": version, "input": {"v": "${v}"}}}]})
}

/// Tells the event, and returns what it started.
fn started_by(server: &Server) -> Vec<Value> {
    let source = server.json("POST", "/api/workflow", &json!({"name": "source"}));
    assert_eq!(source.status, 200, "{source:?}");
    server.until(&format!("/api/workflow/{}", source.body), |workflow| workflow["status"] == "COMPLETED");
    let found = server.get("/api/workflow/search?query=workflowType%20%3D%20started").json();
    found["results"].as_array().unwrap().clone()
}

#[test]
fn an_event_handler_of_a_file_acts_and_is_the_files_alone() {
    let server = Server::new();
    write(&server, &[("on_done.json", handler(1)), ("source.json", source())], "source");
    let shown = |origin: &str| {
        let mut shown = handler(1);
        shown["actions"][0]["expandInlineJSON"] = json!(false);
        shown["origin"] = json!(origin);
        json!([shown])
    };
    assert_eq!(server.get("/api/event").json(), shown("file:workflows/on_done.json"));
    assert_eq!(server.get("/api/event/conductor:source:done").json(), shown("file:workflows/on_done.json"));
    for (method, path, body) in [
        ("POST", "/api/event", handler(1)),
        ("PUT", "/api/event", handler(2)),
        ("DELETE", "/api/event/filed", Value::Null),
    ] {
        let refused = server.json(method, path, &body);
        assert_eq!(refused.status, 409, "{method}: {refused:?}");
        assert!(refused.body.contains("workflows/on_done.json; change it there"), "{method}: {refused:?}");
    }
    let started = started_by(&server);
    assert_eq!(started.len(), 1, "{started:?}");
    let id = started[0]["workflowId"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/workflow/{id}")).json()["input"]["v"], 3);
    // The folder is the truth about it, also while the daemon runs.
    let mut silent = handler(1);
    silent["active"] = json!(false);
    let after = json!({"name": "after", "version": 1, "tasks": source()[0]["tasks"]});
    write(&server, &[("on_done.json", silent), ("z.json", after)], "after");
    assert_eq!(server.get("/api/event").json()[0]["active"], false);
    assert_eq!(server.get("/api/event/conductor:source:done").json(), json!([]), "only those that act, unless asked");
    assert_eq!(started_by(&server).len(), 1, "nothing more was started");
}

#[test]
fn a_handler_of_a_file_hears_and_starts_what_its_file_may() {
    let grant = |on: &str, access| {
        let to = Grantee::parse("file:workflows/on_done.json").unwrap();
        Grant { to, on: GrantTarget::parse(on).unwrap(), access: vec![access] }
    };
    for (heard, starts, count) in [
        ("workflow:source", "workflow:other", 0),
        ("workflow:other", "workflow:started", 0),
        ("workflow:source", "workflow:started", 1),
    ] {
        let server = Server::with(|settings: &mut Settings| {
            settings.access.workflows_granted = true;
            settings.access.grants.push(grant(heard, Permission::Read));
            settings.access.grants.push(grant(starts, Permission::Execute));
        });
        write(&server, &[("on_done.json", handler(1)), ("source.json", source())], "source");
        assert_eq!(started_by(&server).len(), count, "{heard} {starts}");
    }
}

#[test]
fn two_handlers_of_one_name_are_a_problem_and_what_the_api_made_goes_on() {
    let server = Server::new();
    assert_eq!(server.json("POST", "/api/event", &handler(7)).status, 200);
    write(&server, &[("on_done.json", handler(1)), ("source.json", source())], "source");
    let problems = |part: &str| {
        let problems = server.get("/api/keytide/problems").json();
        problems.as_array().unwrap().iter().filter(|one| one["message"].as_str().unwrap().contains(part)).count()
    };
    assert_eq!(server.get("/api/event").json()[0]["origin"], "owner");
    assert_eq!(problems("event handler `filed` was made over the API by owner"), 1);
    assert_eq!(server.send("DELETE", "/api/event/filed", &[], b"").status, 200);
    assert_eq!(server.get("/api/event").json()[0]["origin"], "file:workflows/on_done.json", "the file takes over");
    let after = json!({"name": "after", "version": 1, "tasks": source()[0]["tasks"]});
    write(&server, &[("twin.json", handler(2)), ("z.json", after)], "after");
    assert_eq!(problems("event handler `filed` is defined in"), 2);
    let shown = server.get("/api/event").json();
    assert_eq!(shown[0]["actions"][0]["start_workflow"]["version"], 1, "the one that was there goes on: {shown}");
}

/// Two versions of a workflow, and what its tags are in each.
fn tagged(first: &Value, second: &Value) -> Value {
    let task = json!({"name": "w", "taskReferenceName": "w", "type": "WAIT"});
    let version = |version: i32, tags: &Value| {
        let mut one = json!({"name": "flow", "version": version, "tasks": [task]});
        if !tags.is_null() {
            one["tags"] = tags.clone();
        }
        one
    };
    json!([version(1, first), version(2, second)])
}

fn by_tag(settings: &mut Settings, access: &[Permission]) {
    let (to, on) = (Grantee::parse("app:ci").unwrap(), GrantTarget::parse("tag:team:build").unwrap());
    settings.access.grants.push(Grant { to, on, access: access.to_vec() });
}

const FLOW: &str = "/api/metadata/workflow/flow/tags";
const TICK: &str = "/api/scheduler/schedules/tick/tags";
const TOOL: &str = "/api/metadata/task/tool/tags";

#[test]
fn tags_of_a_file_grant_as_those_of_the_api_do_and_are_the_files_alone() {
    let server = Server::with(|settings| by_tag(settings, &[Permission::Read, Permission::Execute]));
    let ci = server.signed_in("ci");
    let build = json!([{"key": "team", "value": "build"}]);
    let tick = json!({"name": "tick", "cronExpression": "0 0 3 1 1 *", "startWorkflowRequest": {"name": "flow"}, "tags": build});
    let files = [
        ("tick.json", tick),
        ("tool.json", json!({"taskDefs": [{"name": "tool", "tags": [{"key": "stage", "value": "test"}]}]})),
        ("flow.json", tagged(&json!([{"key": "old", "value": "1"}]), &build)),
    ];
    write(&server, &files, "flow");
    let start = || server.client(Some(&ci), "POST", "/api/workflow/flow", &json!({})).status;
    assert_eq!(start(), 200);
    assert_eq!(server.client(Some(&ci), "GET", "/api/scheduler/schedules", &Value::Null).json()[0]["tags"], build);
    assert_eq!(
        server.get("/api/metadata/workflow/flow?version=1&metadata=true").json()["tags"],
        build,
        "the highest one's"
    );
    let found = server.get("/api/metadata/tags/resources?tagKey=team&tagValue=build").json();
    assert_eq!(found.as_array().unwrap().len(), 2, "{found}");
    for (path, file) in [(FLOW, "flow.json"), (TICK, "tick.json"), (TOOL, "tool.json")] {
        for method in ["PUT", "POST", "DELETE"] {
            let refused = server.json(method, path, &build);
            assert_eq!(refused.status, 409, "{method} {path}: {refused:?}");
            assert!(refused.body.contains(&format!("stand in workflows/{file}; change them there")), "{refused:?}");
        }
    }
    let all = server.get("/api/metadata/workflow?metadata=true").json();
    assert_eq!((&all[0]["tags"], &all[1]["tags"]), (&build, &build));
    assert_eq!(server.get("/api/metadata/taskdefs?metadata=true").json()[0]["tags"][0]["key"], "stage");
    assert_eq!(server.get("/api/metadata/workflow").json()[0].get("tags"), None);
    // The file takes the tag away, and with it what it granted.
    let after = json!({"name": "after", "version": 1, "tasks": source()[0]["tasks"]});
    write(&server, &[("flow.json", tagged(&Value::Null, &json!([]))), ("z.json", after.clone())], "after");
    assert_eq!((start(), server.get(FLOW).json()), (404, json!([])));
    assert_eq!(server.json("PUT", FLOW, &build).status, 409, "it says that there are none");
    // It says nothing of them any more, so they are the API's again.
    let last = json!({"name": "last", "version": 1, "tasks": source()[0]["tasks"]});
    write(&server, &[("flow.json", tagged(&Value::Null, &Value::Null)), ("zz.json", last)], "last");
    assert_eq!(server.json("PUT", FLOW, &build).status, 200);
    assert_eq!((start(), server.get(FLOW).json()), (200, build));
}

#[test]
fn a_tag_of_a_file_grants_nobody_what_the_file_may_not_do_itself() {
    let file = |on: &str| {
        let (to, on) = (Grantee::parse("file:workflows/**").unwrap(), GrantTarget::parse(on).unwrap());
        Grant { to, on, access: vec![Permission::Execute] }
    };
    let build = json!([{"key": "team", "value": "build"}]);
    // What the file has by its own tag does not count.
    for (on, status) in [("tag:team:build", 404), ("workflow:flow", 200)] {
        let server = Server::with(|settings| {
            settings.access.workflows_granted = true;
            settings.access.grants.push(file(on));
            by_tag(settings, &[Permission::Execute]);
        });
        let ci = server.signed_in("ci");
        write(&server, &[("flow.json", tagged(&Value::Null, &build))], "flow");
        assert_eq!(server.get(FLOW).json(), build);
        assert_eq!(server.client(Some(&ci), "POST", "/api/workflow/flow", &json!({})).status, status, "{on}");
        let problems = server.get("/api/keytide/problems").json();
        let told = problems.as_array().unwrap().iter().filter(|one| one["place"] == "workflows/flow.json");
        let told: Vec<_> = told.map(|one| one["message"].as_str().unwrap()).collect();
        let said = "the tag `team:build` of workflow `flow` grants nothing: more is granted by it than \
            file:workflows/flow.json may do; set it over the API";
        assert_eq!(told, if status == 200 { vec![] } else { vec![said] });
    }
}

#[test]
fn tags_of_the_api_end_where_a_file_takes_over() {
    let server = Server::new();
    let all = tagged(&Value::Null, &Value::Null);
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &all).status, 200);
    assert_eq!(server.json("PUT", FLOW, &json!([{"key": "team", "value": "build"}])).status, 200);
    let after = json!({"name": "after", "version": 1, "tasks": source()[0]["tasks"]});
    let files = [("flow.json", tagged(&Value::Null, &json!([{"key": "a", "value": "1"}]))), ("z.json", after)];
    write(&server, &files, "after");
    assert_eq!(server.get(FLOW).json()[0]["key"], "team", "what the API made goes on as it is");
    for version in [1, 2] {
        let path = format!("/api/metadata/workflow/flow/{version}");
        assert_eq!(server.send("DELETE", &path, &[], b"").status, 200);
    }
    assert_eq!(server.get(FLOW).json(), json!([{"key": "a", "value": "1"}]));
    let last = json!({"name": "last", "version": 1, "tasks": source()[0]["tasks"]});
    write(&server, &[("flow.json", all), ("zz.json", last)], "last");
    assert_eq!(server.get(FLOW).json(), json!([]), "the next one of the name inherits nothing");
}
