//! What the API of one server has comes back the same from files, and from another server.

use keytide::client::{Client, Method, Request};
use serde_json::{Value, json};

use super::rig::{Running, Test};

/// A daemon with an open port, and who asks it.
struct Served {
    test: Test,
    _serving: Running,
    address: String,
    client: Client,
}

impl Served {
    fn of(test: Test) -> Self {
        let mut serving = Running::serve(&test, &["--open", "--listen", "127.0.0.1:0"]);
        let line = serving.until("listening on ");
        let address = line.split_whitespace().find(|word| word.starts_with("http")).unwrap().trim_end_matches(',');
        let client = Client::of_server(address, None).unwrap();
        Self { test, _serving: serving, address: address.to_owned(), client }
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path: Vec<&str> = path.split('/').collect();
        let query: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let reply = self.client.call(&Request { method, path: &path, query: &query, body }).unwrap();
        (reply.status, reply.body)
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Returns all that is defined, but for whose it is and when it was made.
    fn defined(&self) -> Value {
        const OF_A_SERVER: [&str; 6] = ["origin", "createTime", "updateTime", "updatedTime", "createdBy", "updatedBy"];
        let lists =
            ["metadata/workflow?metadata=true", "metadata/taskdefs?metadata=true", "scheduler/schedules", "event"];
        let lists = lists.map(|path| {
            let mut list = self.get(&format!("api/{path}"));
            for one in list.as_array_mut().unwrap() {
                one.as_object_mut().unwrap().retain(|name, _| !OF_A_SERVER.contains(&name.as_str()));
            }
            list
        });
        json!(lists)
    }

    /// Returns whose everything is.
    fn origins(&self) -> Vec<String> {
        let lists = ["metadata/workflow", "metadata/taskdefs", "scheduler/schedules", "event"];
        let lists = lists.map(|path| self.get(&format!("api/{path}")));
        let all = lists.iter().flat_map(|list| list.as_array().unwrap());
        all.map(|one| one["origin"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns how many executions of the workflow that the event starts there are.
    fn started(&self) -> Value {
        self.get("api/workflow/search?query=workflowType = started AND version = 1")["totalHits"].clone()
    }
}

/// A server on which something of every kind was made.
fn made() -> Served {
    let served = Served::of(Test::new());
    let started = |version: i32| {
        json!({"name": "started", "version": version, "ownerEmail": "a@example.com", "tasks": [
            {"name": "tool", "taskReferenceName": "tool", "type": "WAIT"}]})
    };
    let source = json!({"name": "source", "version": 1, "tasks": [
        {"name": "e", "taskReferenceName": "e", "type": "EVENT", "sink": "conductor:done", "inputParameters": {"of": 3}}]});
    let on_done = json!({"name": "on done", "event": "conductor:source:done", "condition": "$.of > 2", "active": true,
        "description": "ends with: a colon", "evaluatorType": "javascript", "actions": [
            {"action": "start_workflow", "start_workflow": {"name": "started", "version": 1, "input": {"of": "${of}"}}},
            {"action": "complete_task", "complete_task": {"workflowId": "${id}", "taskRefName": "w", "output": {"n": [1, null]}},
             "expandInlineJSON": true}]});
    let idle = json!({"name": "idle", "event": "conductor:source:done", "evaluatorType": "", "actions": [
        {"action": "terminate_workflow", "terminate_workflow": {"workflowId": "${id}", "terminationReason": "no"}}]});
    let tick = json!({"name": "tick", "cronExpression": "0 0 3 1 1 *", "zoneId": "Europe/Berlin",
        "startWorkflowRequest": {"name": "started", "input": {"a": 1}}});
    let tag = |value: &str| json!([{"key": "team", "value": value}, {"key": "stage", "value": ""}]);
    for (path, body) in [
        ("metadata/workflow", source),
        ("metadata/workflow", started(1)),
        ("metadata/workflow", started(2)),
        ("metadata/taskdefs", json!([{"name": "tool", "retryCount": 2}])),
        ("scheduler/schedules", tick),
        ("event", on_done),
        ("event", idle),
    ] {
        let (status, said) = served.ask(Method::POST, &format!("api/{path}"), Some(&body));
        assert_eq!(status, 200, "{path}: {said}");
    }
    for (path, value) in
        [("metadata/workflow/started", "yes"), ("metadata/task/tool", "7"), ("scheduler/schedules/tick", "a b")]
    {
        let (status, said) = served.ask(Method::PUT, &format!("api/{path}/tags"), Some(&tag(value)));
        assert_eq!(status, 200, "{path}: {said}");
    }
    served
}

/// Asserts that a server has from its files what the other one has, and that an event finds its handler there.
fn is_same(served: &Served, before: &Value, format: &str) {
    assert_eq!(served.defined(), *before, "{format}");
    assert!(served.origins().iter().all(|origin| origin.starts_with("file:workflows/")), "{:?}", served.origins());
    served.test.keytide(&["run", "source"]).success();
    assert_eq!(served.started(), 1, "the event starts what its handler says");
}

#[test]
fn what_the_api_made_is_exported_and_served_the_same() {
    let first = made();
    let mut before = first.defined();
    // An empty word says what an absent one says.
    assert_eq!(before[3][0]["evaluatorType"], "");
    before[3][0].as_object_mut().unwrap().remove("evaluatorType");
    for format in ["yaml", "json"] {
        let test = Test::new();
        let folder = test.path("workflows");
        let said = first.test.keytide(&["export", folder.to_str().unwrap(), "--format", format]).success();
        said.prints(&format!("on_done.event.{format}"));
        test.keytide(&["check", "--strict"]).success();
        is_same(&Served::of(test), &before, format);
    }
    assert_eq!(first.started(), 0);
}

#[test]
fn what_a_server_has_comes_home_and_is_served_the_same() {
    let first = made();
    let before = first.defined();
    let test = Test::new();
    test.keytide(&["import", "conductor", "--server", &first.address, "--active"]).success();
    let served = Served::of(test);
    let mut after = served.defined();
    after[3][0]["evaluatorType"] = json!("");
    assert_eq!(after, before);
    is_same(&served, &served.defined(), "import");
}

#[test]
fn files_take_over_an_event_handler_and_the_api_leaves_it_alone() {
    let first = made();
    let before = first.get("api/event");
    first.test.keytide(&["export", "--event", "on done", "--take-over"]).success().tells("event handler `on done` is");
    let Served { test, _serving: serving, .. } = first;
    drop(serving);
    let again = Served::of(test);
    let mut expected = before;
    expected[1]["origin"] = json!("file:workflows/on_done.event.yaml");
    assert_eq!(again.get("api/event"), expected);
    let (status, said) = again.ask(Method::DELETE, "api/event/on done", None);
    assert_eq!(status, 409, "{said}");
    again.test.keytide(&["export", "--event", "on done"]).fails(3);
}

#[test]
fn commands_that_register_a_file_bring_its_tags_along() {
    let test = Test::new()
        .file("w.yaml", "name: w\nversion: 2\ntasks:\n- {name: n, taskReferenceName: n, type: NOOP}\ntags:\n- {key: team, value: build}\n")
        .file("t.yaml", "taskDefs:\n- {name: bare}\n- {name: t, tags: [{key: stage, value: test}]}\n");
    let served = Served::of(test);
    served.test.keytide(&["workflow", "create", "w.yaml"]).success();
    served.test.keytide(&["task", "create", "t.yaml"]).success();
    let tags = |path: &str| served.get(&format!("api/metadata/{path}?metadata=true"))["tags"].clone();
    assert_eq!(tags("workflow/w"), json!([{"key": "team", "value": "build"}]));
    assert_eq!((tags("taskdefs/t"), tags("taskdefs/bare")), (json!([{"key": "stage", "value": "test"}]), json!([])));
}
