//! Whose rights count where a workflow uses a task definition that somebody else made, and what of a definition is data.

use keytide::words::Permission;
use serde_json::{Value, json};

use crate::live::Listening;
use crate::rights::{VALUE, grant, task, work};
use crate::server::{Answer, Server};

const REFERENCE: &str = "${workflow.secrets.vault}";
const NOT_LENT: &str = "secret \"vault\" is not available to the definition of task `lent_";

/// A server where `maker` makes task definitions, and what it may READ comes and goes.
struct Scene {
    server: Server,
    maker: String,
}

impl Scene {
    fn new() -> Self {
        let server = Server::with(|settings| {
            settings.environment.insert("hidden".to_owned(), "canary-of-the-environment".into());
            settings.access.grants.push(grant("maker", "workflow:lent_*", &Permission::ALL));
            settings.access.grants.push(grant("starter", "workflow:forks", &[Permission::Execute, Permission::Read]));
        });
        assert_eq!(server.json("PUT", "/api/secrets/vault", &json!(VALUE)).status, 200);
        let maker = server.signed_in("maker");
        let scene = Self { server, maker };
        scene.change("POST");
        scene
    }

    /// Grants `maker` READ on the secret, or takes it.
    fn change(&self, method: &str) {
        let grant = json!({"subject": {"type": "USER", "id": "app:maker"}, "target": {"type": "SECRET_NAME", "id": "vault"},
            "access": ["READ"]});
        assert_eq!(self.server.json(method, "/api/auth/authorization", &grant).status, 200);
    }

    fn lend(&self, def: &Value) -> Answer {
        self.server.client(Some(&self.maker), "POST", "/api/metadata/taskdefs", &json!([def]))
    }

    /// Has the owner, who may read everything, run a workflow of these tasks, and returns what its worker was given or why it
    /// ended.
    fn outcome(&self, name: &str, tasks: &Value) -> String {
        let flow = json!({"name": name, "version": 1, "schemaVersion": 2, "tasks": tasks});
        let child = json!({"name": "takes", "version": 1, "schemaVersion": 2, "tasks": [work("${workflow.input.t}")]});
        let both = json!([flow, child]).to_string().replace("OWN", "lent");
        let registered = self.server.json("PUT", "/api/metadata/workflow", &serde_json::from_str(&both).unwrap());
        assert_eq!(registered.status, 200, "{registered:?}");
        let execution = self.server.json("POST", &format!("/api/workflow/{name}"), &json!({})).body;
        for _ in 0..10_000 {
            let polled = self.server.get("/api/tasks/poll/batch/lent_work?timeout=1&count=1").json();
            if let Some(task) = polled.get(0) {
                let done = json!({"workflowInstanceId": task["workflowInstanceId"], "taskId": task["taskId"], "status": "COMPLETED"});
                assert_eq!(self.server.json("POST", "/api/tasks", &done).status, 200);
                return format!("given {}", task["inputData"]["t"].as_str().unwrap_or_default());
            }
            let view = self.server.get(&format!("/api/workflow/{execution}")).json();
            if view["status"] != "RUNNING" {
                return format!(
                    "{} {}",
                    view["status"].as_str().unwrap(),
                    view["reasonForIncompletion"].as_str().unwrap_or("")
                );
            }
            std::thread::yield_now();
        }
        panic!("{name}: {:?}", self.server.get(&format!("/api/workflow/{execution}")));
    }
}

fn named(name: &str, kind: &str, more: &Value) -> Value {
    let mut task = task("used", kind, &json!({}));
    task["name"] = json!(name);
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

/// The ways by which a task definition takes a secret, as the definition and the task that uses it; and what the worker is given.
fn ways() -> Vec<(&'static str, Value, Value, Option<&'static str>)> {
    let template = |template: Value| json!({"inputTemplate": template, "retryCount": 0});
    let starts = json!({"startWorkflow": {"name": "takes", "input": {"t": REFERENCE}}});
    let headers = json!({"headers": {"X": REFERENCE}});
    let call = json!({"type": "HTTP", "inputParameters": {"uri": "http://127.0.0.1:1/", "method": "GET"}});
    let pair = json!({"_secrets": {"secretKey": "other", "secretValue": REFERENCE}});
    let script = json!({"evaluatorType": "javascript", "expression": "$.t.length", "t": REFERENCE});
    let jwt = json!({"issuer": "one", "privateKey": REFERENCE, "ttlInSecond": 60});
    let takes = json!({"subWorkflowParam": {"name": "takes"}});
    vec![
        ("work", template(json!({"t": REFERENCE})), json!({}), Some(VALUE)),
        ("listed", json!({"runtimeMetadata": ["vault"], "retryCount": 0}), json!({}), Some("")),
        ("script", template(script), json!({"type": "INLINE"}), None),
        ("call", template(headers), call, None),
        ("sign", template(jwt), json!({"type": "GET_SIGNED_JWT"}), None),
        ("store", template(pair), json!({"type": "UPDATE_SECRET"}), None),
        (
            "child",
            template(json!({"t": REFERENCE})),
            json!({"type": "SUB_WORKFLOW", "subWorkflowParam": takes["subWorkflowParam"]}),
            Some(VALUE),
        ),
        ("start", template(starts), json!({"type": "START_WORKFLOW"}), Some(VALUE)),
    ]
}

#[test]
fn what_a_task_definition_takes_its_maker_must_be_allowed_whenever_it_is_used() {
    let scene = Scene::new();
    for (way, def, more, given) in ways() {
        // Workers poll for one name only.
        let name = if matches!(way, "work" | "listed") { "lent_work".to_owned() } else { format!("lent_{way}") };
        let mut def = def;
        def["name"] = json!(name);
        let made = scene.lend(&def);
        assert_eq!(made.status, 200, "{way}: {made:?}");
        let tasks = json!([named(&name, "SIMPLE", &more)]);
        let said = scene.outcome(&format!("uses_{way}"), &tasks);
        assert!(!said.contains("not available"), "{way}: {said}");
        assert!(given.is_none_or(|value| said == format!("given {value}")), "{way}: {said}");

        scene.change("DELETE");
        let said = scene.outcome(&format!("uses_{way}"), &tasks);
        assert!(said.contains(NOT_LENT), "{way}: {said}");
        assert!(!said.contains(VALUE), "{way}: {said}");
        scene.change("POST");
        if name == "lent_work" {
            assert_eq!(scene.server.send("DELETE", "/api/metadata/taskdefs/lent_work", &[], b"").status, 200);
        }
    }
    let entries = scene.server.get("/api/audit?secret=vault&n=200").json();
    let denied = |entry: &&Value| entry["outcome"] == "denied";
    let told = entries["entries"].as_array().unwrap().iter().filter(denied).count();
    assert!(told >= 6, "each refusal of a secret at its use is in the audit: {told}");
}

#[test]
fn a_workflow_that_names_the_secret_itself_needs_nothing_of_the_maker_of_its_task() {
    let scene = Scene::new();
    assert_eq!(scene.lend(&json!({"name": "lent_work", "retryCount": 0})).status, 200);
    scene.change("DELETE");
    let tasks = json!([named("lent_work", "SIMPLE", &json!({"inputParameters": {"t": REFERENCE}}))]);
    assert_eq!(scene.outcome("names", &tasks), format!("given {VALUE}"));
}

#[test]
fn a_task_definition_takes_no_variable_that_its_maker_may_not_read() {
    let scene = Scene::new();
    for (template, status) in [
        ("${workflow.env.hidden}", 403),
        ("${workflow.env}", 400),
        ("x ${workflow.env.hidden}", 403),
        ("${workflow.env.gone}", 403),
    ] {
        let made = scene.lend(&json!({"name": "lent_work", "inputTemplate": {"a": [template]}}));
        assert_eq!(made.status, status, "{template}: {made:?}");
    }
}

#[test]
fn a_task_definition_of_a_file_takes_what_the_file_is_granted() {
    let server = Server::with(|settings| {
        settings.access.workflows_granted = true;
        settings.access.grants.push(grant("ci", "workflow:ci_*", &Permission::ALL));
        settings.access.grants.push(grant("ci", "secret:vault", &[Permission::Read]));
    });
    assert_eq!(server.json("PUT", "/api/secrets/vault", &json!(VALUE)).status, 200);
    let mut listening = Listening::to(&server, None, "?kinds=definition", None);
    // It makes up the name too, which no application may.
    let defs = json!({"taskDefs": [{"name": "ci_work", "retryCount": 0, "inputTemplate": {"t": "${workflow.secrets.${workflow.input.n}}"}}]});
    let seen = json!({"name": "seen", "version": 1, "schemaVersion": 2, "tasks": [task("w", "WAIT", &json!({}))]});
    std::fs::write(server.folder().join("workflows/defs.json"), json!([defs, seen]).to_string()).unwrap();
    listening.until(|heard| heard.data["name"] == "seen");
    let ci = server.signed_in("ci");
    let flow = json!([{"name": "ci_flow", "version": 1, "schemaVersion": 2, "tasks": [named("ci_work", "SIMPLE", &json!({}))]}]);
    assert_eq!(server.client(Some(&ci), "PUT", "/api/metadata/workflow", &flow).status, 200);
    let start = || server.client(Some(&ci), "POST", "/api/workflow/ci_flow", &json!({"n": "vault"})).body;
    let polled =
        || server.client(Some(&ci), "GET", "/api/tasks/poll/batch/ci_work?timeout=1000&count=1", &Value::Null).json();
    let id = start();
    assert_eq!(polled(), json!([]));
    let view = server.until(&format!("/api/workflow/{id}"), |view| view["status"] == "FAILED");
    let reason = view["reasonForIncompletion"].as_str().unwrap();
    assert!(reason.contains("is not available to the definition of task `ci_work`"), "{reason}");
    let file = json!({"subject": {"type": "USER", "id": "file:workflows/defs.json"}, "target": {"type": "SECRET_NAME", "id": "vault"},
        "access": ["READ"]});
    assert_eq!(server.json("POST", "/api/auth/authorization", &file).status, 200);
    start();
    assert_eq!(polled()[0]["inputData"]["t"], VALUE);
}

#[test]
fn a_task_that_comes_as_data_takes_no_secret_by_a_definition_that_it_brings() {
    let scene = Scene::new();
    let fork = json!({"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "tasks",
        "dynamicForkTasksInputParamName": "inputs",
        "inputParameters": {"tasks": "${workflow.input.tasks}", "inputs": {}}});
    let join = json!({"name": "join", "taskReferenceName": "join", "type": "JOIN"});
    let flow = json!([{"name": "forks", "version": 1, "schemaVersion": 2, "tasks": [fork, join]}]);
    assert_eq!(scene.server.json("PUT", "/api/metadata/workflow", &flow).status, 200);
    let starter = scene.server.signed_in("starter");
    let brought = json!({"name": "x", "runtimeMetadata": ["vault"], "inputTemplate": {"t": REFERENCE}});
    let tasks = json!([{"name": "x", "taskReferenceName": "x", "type": "SIMPLE", "taskDefinition": brought}]);
    let started = scene.server.client(Some(&starter), "POST", "/api/workflow/forks", &json!({"tasks": tasks}));
    assert_eq!(started.status, 200, "{started:?}");
    let polled =
        scene.server.client(Some(&starter), "GET", "/api/tasks/poll/batch/x?timeout=1000&count=1", &Value::Null);
    assert!(!polled.body.contains(VALUE), "{polled:?}");
    assert_eq!(polled.json()[0]["inputData"]["t"], REFERENCE, "it is text");
}

#[test]
fn what_a_caller_or_a_worker_says_of_itself_is_no_reference() {
    let server = Server::with(|settings| {
        settings.access.grants.push(grant("ci", "workflow:names", &[Permission::Execute]));
        settings.access.grants.push(grant("ci", "environment:ci_said", &Permission::ALL));
    });
    assert_eq!(server.json("PUT", "/api/secrets/vault", &json!(VALUE)).status, 200);
    let mut first = task("first", "SIMPLE", &json!({}));
    first["optional"] = json!(true);
    let second = json!({"c": "${workflow.correlationId}", "d": "x ${first.correlationId}", "w": "${first.workerId}",
        "r": "${first.reasonForIncompletion}", "e": "${workflow.env.ci_said}", "all": "${first}", "env": "${workflow.env}",
        "workflow": "${workflow}", "t": "${tell.output.correlationId}", "domains": "${tell.output.taskToDomain}"});
    let mut tell = task("tell", "EVENT", &json!({}));
    tell["sink"] = json!("conductor");
    let tasks = json!([first, tell, task("second", "SIMPLE", &second)]);
    let flow = json!([{"name": "names", "version": 1, "schemaVersion": 2, "tasks": tasks}]);
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &flow).status, 200);
    let ci = server.signed_in("ci");
    let ask = |method: &str, path: &str, body: &Value| server.client(Some(&ci), method, path, body);
    assert_eq!(ask("PUT", "/api/environment/ci_said", &json!(REFERENCE)).status, 200);
    let id = ask(
        "POST",
        "/api/workflow",
        &json!({"name": "names", "correlationId": REFERENCE, "taskToDomain": {"other": REFERENCE}}),
    )
    .body;
    let as_worker = "workerid=%24%7Bworkflow.secrets.vault%7D";
    let polled = ask("GET", &format!("/api/tasks/poll/first?{as_worker}"), &Value::Null).json();
    let failed = json!({"workflowInstanceId": id, "taskId": polled["taskId"], "status": "FAILED", "workerId": REFERENCE,
        "reasonForIncompletion": REFERENCE});
    assert_eq!(ask("POST", "/api/tasks", &failed).status, 200);
    server.until(&format!("/api/workflow/{id}"), |view| view["tasks"].as_array().map(Vec::len) == Some(3));
    let polled = ask("GET", "/api/tasks/poll/second", &Value::Null);
    assert!(!polled.body.contains(VALUE), "{polled:?}");
    let input = &polled.json()["inputData"];
    for (name, said) in [("c", REFERENCE), ("w", REFERENCE), ("r", REFERENCE), ("e", REFERENCE), ("t", REFERENCE)] {
        assert_eq!(input[name], said, "{name}: {input}");
    }
    assert_eq!(input["d"], format!("x {REFERENCE}"));
    assert_eq!(input["env"]["ci_said"], REFERENCE);
}
