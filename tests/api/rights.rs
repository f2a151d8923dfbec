//! Whether a secret is got or written, decided where it is resolved: each way to it × how the right was given. What is denied
//! reads like what is not there.

use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::server::Server;

/// The applications, and what each was granted on the secrets; by name, by nothing, by their tag, and by another tag.
pub(crate) const APPS: [(&str, Option<&str>); 4] = [
    ("named", Some("secret:vault*")),
    ("none", None),
    ("tagged", Some("tag:team:vault")),
    ("wrong", Some("tag:team:other")),
];
/// Who has the right.
pub(crate) const MAY: [&str; 2] = ["named", "tagged"];
/// The secret that is there, and one that is not.
pub(crate) const SECRETS: [&str; 2] = ["vault", "absent"];
pub(crate) const VALUE: &str = "canary-of-the-secret";

pub(crate) fn grant(to: &str, on: &str, access: &[Permission]) -> Grant {
    Grant {
        to: Grantee::parse(&format!("app:{to}")).unwrap(),
        on: GrantTarget::parse(on).unwrap(),
        access: access.to_vec(),
    }
}

fn settings(settings: &mut Settings) {
    for (app, on) in APPS {
        let own = ["workflow", "schedule"].map(|kind| grant(app, &format!("{kind}:{app}_*"), &Permission::ALL));
        settings.access.grants.extend(own);
        settings.access.grants.push(grant(app, "workflow:owners_child", &[Permission::Execute]));
        settings.access.grants.extend(on.map(|on| grant(app, on, &[Permission::Read, Permission::Update])));
    }
}

/// What is expected of the four.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    /// Who has the right gets the value; to the others it reads as if it were not there.
    Reads,
    /// Who has the right gets on to what follows; the others hear what is said of a secret that is not there.
    Uses,
    /// It is text to everybody: a reference that came as data is none.
    Text,
}

/// A way to a secret, as tasks of a workflow: `NAME` is the secret, `OWN` what names of the application begin with.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) rule: Rule,
    tasks: Value,
}

impl Way {
    /// Returns what a workflow is called that goes this way, and its definition with the child that it may have.
    pub(crate) fn defined(&self, whose: &str, secret: &str) -> (String, Value) {
        let own = format!("{whose}_{}_{secret}", self.name);
        let tasks = serde_json::from_str(&self.tasks.to_string().replace("NAME", secret)).unwrap();
        let defined = defined(&own, &tasks, &json!({}));
        (own, defined)
    }
}

impl Way {
    /// Fails where what came of it, with a secret that is there and with one that is not, is not what the rule says.
    pub(crate) fn holds(&self, whose: &str, may: bool, [there, gone]: [String; 2]) {
        let text = "given ${workflow.secrets.NAME}";
        let said = format!("{} by {whose}: {there}", self.name);
        match self.rule {
            Rule::Text => assert_eq!((there.as_str(), gone.as_str()), (text, text), "{said}"),
            Rule::Reads | Rule::Uses if !may => {
                assert!(there.contains(DENIED), "{said}");
                assert_eq!(there, gone, "{said}: denied and missing read the same");
            }
            Rule::Reads => assert_eq!(there, format!("given {VALUE}"), "{said}"),
            Rule::Uses => assert!(!there.contains("not available"), "{said}"),
        }
        assert!(gone.contains(DENIED) || matches!(self.rule, Rule::Text), "{said}: {gone}");
    }
}

/// Returns a workflow, with the child that it may have.
pub(crate) fn defined(own: &str, tasks: &Value, more: &Value) -> Value {
    let mut flow = json!({"name": own, "version": 1, "schemaVersion": 2, "tasks": tasks});
    flow.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let child = json!({"name": format!("{own}_child"), "version": 1, "schemaVersion": 2, "tasks": [work("${workflow.input.t}")]});
    serde_json::from_str(&json!([flow, child]).to_string().replace("OWN", own)).unwrap()
}

pub(crate) fn task(reference: &str, kind: &str, input: &Value) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": kind, "inputParameters": input})
}

pub(crate) fn work(value: &str) -> Value {
    json!({"name": "OWN_work", "taskReferenceName": "work", "type": "SIMPLE", "inputParameters": {"t": value}})
}

fn child(input: &str) -> Value {
    let mut child = task("child", "SUB_WORKFLOW", &json!({"t": input}));
    child["subWorkflowParam"] = json!({"name": "OWN_child"});
    child
}

pub(crate) fn ways() -> Vec<Way> {
    let reference = "${workflow.secrets.NAME}";
    let inline = |expression: &str, input: Value| {
        let mut all = json!({"evaluatorType": "javascript", "expression": expression});
        all.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        task("script", "INLINE", &all)
    };
    let dynamic = json!({"name": "d", "taskReferenceName": "work", "type": "DYNAMIC", "dynamicTaskNameParam": "kind",
        "inputParameters": {"kind": "OWN_work", "t": reference}});
    let generated = json!([{"name": "OWN_work", "taskReferenceName": "made", "type": "SIMPLE"}]);
    let fork = |inputs: Value| {
        let join = json!({"name": "join", "taskReferenceName": "join", "type": "JOIN"});
        json!([{"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "tasks",
            "dynamicForkTasksInputParamName": "inputs", "inputParameters": {"tasks": generated, "inputs": inputs}}, join])
    };
    let called = |input: Value| {
        let mut request = json!({"uri": "http://127.0.0.1:1/", "method": "GET"});
        request.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        json!([task("call", "HTTP", &json!({"http_request": request}))])
    };
    let jwt = json!({"issuer": "one", "privateKey": reference, "ttlInSecond": 60});
    let starts = json!({"startWorkflow": {"name": "OWN_child", "input": {"t": reference}}});
    let way = |name, rule, tasks| Way { name, rule, tasks };
    vec![
        way("worker", Rule::Reads, json!([work(reference)])),
        way("named_by_input", Rule::Reads, json!([work("${workflow.secrets.${workflow.input.n}}")])),
        way(
            "named_by_script",
            Rule::Reads,
            json!([
                inline("$.n", json!({"n": "${workflow.input.n}"})),
                work("${workflow.secrets.${script.output.result}}")
            ]),
        ),
        way("whole_path_by_input", Rule::Text, json!([work("${workflow.input.text}")])),
        way(
            "text_by_script",
            Rule::Text,
            json!([inline("'$' + '{workflow.secrets.NAME}'", json!({})), work("${script.output.result}")]),
        ),
        way("script", Rule::Uses, json!([inline("$.t.length", json!({"t": reference})), work("done")])),
        way(
            "variable",
            Rule::Reads,
            json!([task("set", "SET_VARIABLE", &json!({"v": reference})), work("${workflow.variables.v}")]),
        ),
        way("dynamic", Rule::Reads, json!([dynamic])),
        way("fork_of_data", Rule::Text, fork(json!({"made": {"t": "${workflow.input.text}"}}))),
        way("fork_of_references", Rule::Reads, fork(json!({"made": {"t": reference}}))),
        way("sub_workflow", Rule::Reads, json!([child(reference)])),
        way("sub_workflow_of_data", Rule::Text, json!([child("${workflow.input.text}")])),
        way("start_workflow", Rule::Reads, json!([task("start", "START_WORKFLOW", &starts)])),
        way("header", Rule::Uses, called(json!({"headers": {"Authorization": "Bearer ${workflow.secrets.NAME}"}}))),
        way("client_key", Rule::Uses, called(json!({"clientCertificate": "none", "clientKey": reference}))),
        way("signing_key", Rule::Uses, json!([task("sign", "GET_SIGNED_JWT", &jwt)])),
    ]
}

fn put_secrets(server: &Server) {
    for (name, value) in [("vault", VALUE), ("vault_2", VALUE)] {
        assert_eq!(server.json("PUT", &format!("/api/secrets/{name}"), &json!(value)).status, 200);
        let tag = json!([{"key": "team", "value": "vault"}]);
        assert_eq!(server.json("PUT", &format!("/api/secrets/{name}/tags"), &tag).status, 200);
    }
}

pub(crate) struct Scene {
    pub(crate) server: Server,
    tokens: Vec<(&'static str, String)>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let server = Server::with(settings);
        put_secrets(&server);
        let tokens = APPS.map(|(app, _)| (app, server.signed_in(app))).to_vec();
        Self { server, tokens }
    }

    /// Returns a scene where the owner works for everybody, since nobody there is an application.
    pub(crate) fn without_applications(server: Server) -> Self {
        put_secrets(&server);
        Self { server, tokens: Vec::new() }
    }
    pub(crate) fn ask(&self, app: &str, method: &str, path: &str, body: &Value) -> crate::server::Answer {
        match self.tokens.iter().find(|(name, _)| *name == app) {
            Some((_, token)) => self.server.client(Some(token), method, path, body),
            None => self.server.json(method, path, body),
        }
    }

    /// Registers a workflow of an application, and the child that it may have.
    pub(crate) fn register(&self, app: &str, own: &str, tasks: &Value, more: &Value) {
        self.put(app, &defined(own, tasks, more));
    }

    fn put(&self, app: &str, definitions: &Value) {
        let registered = self.ask(app, "PUT", "/api/metadata/workflow", definitions);
        assert_eq!(registered.status, 200, "{app}: {registered:?}");
    }

    pub(crate) fn start(&self, app: &str, own: &str, secret: &str) -> String {
        let text = format!("${{workflow.secrets.{secret}}}");
        let started = self.ask(app, "POST", &format!("/api/workflow/{own}"), &json!({"n": secret, "text": text}));
        assert_eq!(started.status, 200, "{app}: {started:?}");
        started.body
    }

    /// Works for an application until its worker was given something, or its execution has ended; says what was given, or why
    /// it ended.
    pub(crate) fn outcome(&self, app: &str, own: &str, execution: &str) -> String {
        let poll = format!("/api/tasks/poll/batch/{own}_work?timeout=1&count=1");
        for _ in 0..10_000 {
            let task = self.ask(app, "GET", &poll, &Value::Null).json().get_mut(0).map(Value::take);
            if let Some(task) = task {
                let done = json!({"workflowInstanceId": task["workflowInstanceId"], "taskId": task["taskId"], "status": "COMPLETED"});
                assert_eq!(self.ask(app, "POST", "/api/tasks", &done).status, 200);
                return format!("given {}", task["inputData"]["t"].as_str().unwrap_or_default());
            }
            let view = self.server.get(&format!("/api/workflow/{execution}")).json();
            if !["RUNNING", "PAUSED"].contains(&view["status"].as_str().unwrap()) {
                let shown = self.ask(app, "GET", &format!("/api/workflow/{execution}"), &Value::Null);
                assert!(!shown.body.contains(VALUE), "{app} {own}: {shown:?}");
                return format!("{} {}", view["status"].as_str().unwrap(), view["reasonForIncompletion"]);
            }
            std::thread::yield_now();
        }
        panic!("{app} {own}: {:?}", self.server.get(&format!("/api/workflow/{execution}")));
    }

    /// Goes one way to a secret.
    fn go(&self, app: &str, way: &Way, secret: &str) -> String {
        let (own, definitions) = way.defined(app, secret);
        self.put(app, &definitions);
        plain(&self.outcome(app, &own, &self.start(app, &own, secret)), &own, secret)
    }
}

/// Takes out of what was said what differs from one way to another.
pub(crate) fn plain(said: &str, own: &str, secret: &str) -> String {
    let said = said.replace(own, "OWN").replace(secret, "NAME");
    let is_id = |word: &str| word.len() == 36 && word.matches('-').count() == 4;
    said.split(' ').map(|word| if is_id(word) { "ID" } else { word }).collect::<Vec<_>>().join(" ")
}

pub(crate) const DENIED: &str = "secret \\\"NAME\\\" is not available to workflow:OWN (missing or not granted)";

#[test]
fn each_way_to_a_secret_asks_for_the_right_where_the_secret_is_resolved() {
    let scene = Scene::new();
    for way in ways() {
        for (app, _) in APPS {
            way.holds(app, MAY.contains(&app), SECRETS.map(|secret| scene.go(app, &way, secret)));
        }
    }
}

#[test]
fn who_may_not_update_a_secret_fails_for_good_with_403_whatever_names_it() {
    let scene = Scene::new();
    let ways = [("outright", "NAME"), ("by_input", "${workflow.input.n}")];
    for (name, key) in ways {
        for (app, _) in APPS {
            let [there, gone] = ["vault", "absent"].map(|secret| {
                let own = format!("{app}_update_{name}_{secret}");
                let mut update = task(
                    "u",
                    "UPDATE_SECRET",
                    &json!({"_secrets": {"secretKey": key, "secretValue": "another-value"}}),
                );
                // Neither rescues it.
                update["optional"] = json!(true);
                update["retryCount"] = json!(3);
                let tasks = json!([update]).to_string().replace("NAME", secret);
                scene.register(app, &own, &serde_json::from_str(&tasks).unwrap(), &json!({}));
                let execution = scene.start(app, &own, secret);
                let said = plain(&scene.outcome(app, &own, &execution), &own, secret);
                let view = scene.server.get(&format!("/api/workflow/{execution}")).json();
                let tasks = view["tasks"].as_array().unwrap();
                (said, tasks.len(), tasks[0]["status"].as_str().unwrap().to_owned())
            });
            if MAY.contains(&app) {
                assert_eq!(there.0, "COMPLETED null", "{name} by {app}");
            } else {
                assert_eq!((there.1, there.2.as_str()), (1, "FAILED_WITH_TERMINAL_ERROR"), "{name} by {app}");
                let reason = format!("403: app:{app} may not update the secret `NAME`");
                assert!(there.0.starts_with("FAILED") && there.0.contains(&reason), "{name} by {app}: {there:?}");
                assert_eq!(there, gone, "{name} by {app}: denied and missing read the same");
            }
        }
    }
    assert_eq!(scene.server.get("/api/secrets/absent").status, 404, "UPDATE on a tag makes no secret");
}
