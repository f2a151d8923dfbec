//! Every route × no token, an expired one, one of somebody with other rights, one of somebody with the right ones; from the
//! table of routes, so that no route is added without an answer for each.

use keytide::access::Signer;
use keytide::api::{Need, Route, table};
use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission, Timestamp};
use serde_json::{Value, json};

use crate::server::{Answer, Server};

/// A server with one thing of each kind, all named `right…`, and two applications: `right` may do everything to them, the
/// secret among them by its tag, and `wrong` to things of other names and tags.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) right: String,
    pub(crate) wrong: String,
    execution: String,
    task: String,
}

fn settings(settings: &mut Settings) {
    settings.environment.insert("right_stage".to_owned(), "canary".into());
    for (app, on) in [
        (
            "app:right",
            ["tag:team:right", "secret:right_new", "workflow:right*", "schedule:right*", "environment:right*"],
        ),
        ("app:wrong", ["tag:team:wrong", "secret:wrong", "workflow:wrong*", "schedule:wrong*", "environment:wrong*"]),
    ] {
        settings.access.grants.extend(on.map(|on| Grant {
            to: Grantee::parse(app).unwrap(),
            on: GrantTarget::parse(on).unwrap(),
            access: Permission::ALL.to_vec(),
        }));
    }
}

fn flow(name: &str) -> Value {
    let task = json!({"name": "right_work", "taskReferenceName": "work", "type": "SIMPLE"});
    json!({"name": name, "version": 1, "tasks": [task], "ownerEmail": "a@example.com", "timeoutSeconds": 0})
}

fn schedule(name: &str) -> Value {
    json!({"name": name, "cronExpression": "0 0 0 1 1 *", "startWorkflowRequest": {"name": "right_flow"}})
}

impl Scene {
    pub(crate) fn new() -> Self {
        let server = Server::with(settings);
        let made = |method: &str, path: &str, body: &Value| {
            let answer = server.json(method, path, body);
            assert!(answer.status < 300, "{method} {path}: {answer:?}");
            answer
        };
        made("PUT", "/api/secrets/right_secret", &json!("a-right-value"));
        made("PUT", "/api/secrets/right_secret", &json!("another-right-value"));
        made("PUT", "/api/secrets/right_secret/tags", &json!([{"key": "team", "value": "right"}]));
        made("POST", "/api/metadata/workflow", &flow("right_flow"));
        made("POST", "/api/metadata/taskdefs", &json!([{"name": "right_task"}]));
        made("POST", "/api/event", &handler("right_handler"));
        made("POST", "/api/scheduler/schedules", &schedule("right_schedule"));
        let execution = made("POST", "/api/workflow/right_flow", &json!({})).body;
        let workflow = server.until(&format!("/api/workflow/{execution}"), |one| one["tasks"][0]["taskId"].is_string());
        let task = workflow["tasks"][0]["taskId"].as_str().unwrap().to_owned();
        let (right, wrong) = (server.signed_in("right"), server.signed_in("wrong"));
        Self { server, right, wrong, execution, task }
    }

    /// Sends what a client would about the things named `name…`, of which the execution and the task are these.
    pub(crate) fn ask(&self, token: Option<&str>, route: &Route, things: &Things) -> Answer {
        self.server.client(token, route.method.as_str(), &things.path(route), &things.body(route))
    }

    pub(crate) fn execution(&self) -> &str {
        &self.execution
    }

    pub(crate) fn right_things(&self) -> Things {
        Things { prefix: "right", execution: self.execution.clone(), task: self.task.clone() }
    }
}

fn handler(name: &str) -> Value {
    let action = json!({"action": "start_workflow", "start_workflow": {"name": "right_flow"}});
    json!({"name": name, "event": "right_event", "active": true, "actions": [action]})
}

/// What requests are about.
#[derive(Clone)]
pub(crate) struct Things {
    pub(crate) prefix: &'static str,
    pub(crate) execution: String,
    pub(crate) task: String,
}

impl Things {
    /// Things that are not there.
    fn missing() -> Self {
        let execution = "00000000-0000-7000-8000-000000000001".to_owned();
        let task = "00000000-0000-7000-8000-000000000002".to_owned();
        Self { prefix: "gone", execution, task }
    }

    pub(crate) fn path(&self, route: &Route) -> String {
        let prefix = self.prefix;
        let name = match route.path.split('/').nth(2).unwrap_or_default() {
            "metadata" if route.path.contains("taskdefs") || route.path.contains("/task/") => format!("{prefix}_task"),
            "scheduler" => format!("{prefix}_schedule"),
            "event" if route.method == "DELETE" => format!("{prefix}_handler"),
            "event" => format!("{prefix}_event"),
            "environment" => format!("{prefix}_stage"),
            "keytide" if route.path.contains("schedules") => format!("{prefix}_schedule"),
            _ => format!("{prefix}_flow"),
        };
        let id = if route.path.starts_with("/api/tasks/{id}/{reference}") || !route.path.starts_with("/api/tasks") {
            // A workflow is started by its name where others have an id.
            if route.method == "POST" && route.path == "/api/workflow/{id}" { &name } else { &self.execution }
        } else {
            &self.task
        };
        let path = route.path.replace("{name}", &name).replace("{id}", id).replace("{version}", "1");
        let path = path.replace("{key}", &format!("{prefix}_secret")).replace("{type}", &format!("{prefix}_work"));
        // A signal names a status where others name a task.
        let reference = if path.contains("/{reference}/signal") { "COMPLETED" } else { "work" };
        let path = path.replace("{reference}", reference).replace("{status}", "COMPLETED");
        assert!(!path.contains('{'), "{path}: say in this test what stands there");
        path + query(route.path)
    }

    pub(crate) fn body(&self, route: &Route) -> Value {
        let prefix = self.prefix;
        match (route.method.as_str(), route.path) {
            ("POST", "/api/metadata/workflow" | "/api/metadata/workflow/validate") => flow(&format!("{prefix}_new")),
            ("PUT", "/api/metadata/workflow") => json!([flow(&format!("{prefix}_flow"))]),
            ("POST", "/api/metadata/taskdefs") => json!([{"name": format!("{prefix}_task")}]),
            ("PUT", "/api/metadata/taskdefs") => json!({"name": format!("{prefix}_task")}),
            ("POST", "/api/event") => handler(&format!("{prefix}_new")),
            ("PUT", "/api/event") => handler(&format!("{prefix}_handler")),
            ("POST", "/api/scheduler/schedules") => schedule(&format!("{prefix}_schedule")),
            ("PUT", path) if path.starts_with("/api/scheduler/bulk") => json!([format!("{prefix}_schedule")]),
            ("PUT" | "POST" | "DELETE", path) if path.starts_with("/api/workflow/bulk") => json!([self.execution]),
            ("POST", "/api/workflow" | "/api/workflow/test") => json!({"name": format!("{prefix}_flow")}),
            ("POST", "/api/tasks" | "/api/tasks/update-v2") => {
                json!({"workflowInstanceId": self.execution, "taskId": self.task, "status": "COMPLETED"})
            }
            ("PUT" | "DELETE" | "POST", path) if path.ends_with("/tags") => json!([{"key": "team", "value": "right"}]),
            ("POST", "/api/workflow/{id}/correlated") => json!(["wanted"]),
            ("POST", "/api/workflow/correlated/batch") => {
                json!({"correlationIds": ["wanted"], "workflowNames": [format!("{prefix}_flow")]})
            }
            ("PUT", "/api/secrets/{key}" | "/api/environment/{name}") => json!("a-right-value"),
            ("POST", "/api/tasks/{id}/log") => json!("a line"),
            ("POST", "/api/keytide/secrets/{key}/rollback") => json!({"to": "previous"}),
            ("POST", "/api/keytide/executions/{id}/rescue") => json!({"path": "$", "secret": "right_new"}),
            ("POST" | "PUT", path) if path.starts_with("/api/applications") => json!({"name": "more"}),
            ("POST" | "PUT" | "DELETE", _) => json!({}),
            _ => Value::Null,
        }
    }

    /// Takes out of an answer what it was asked about, so that answers about different things can be compared.
    fn plain(&self, answer: &Answer) -> (u16, String) {
        let body = answer.body.replace(self.prefix, "*").replace(&self.execution, "*").replace(&self.task, "*");
        (answer.status, body)
    }
}

/// Returns what a route has to be asked with.
pub(crate) fn query(path: &str) -> &'static str {
    match path {
        "/api/scheduler/nextFewSchedules" => "?cronExpression=0%200%200%20*%20*%20*",
        "/api/tasks/queue/size" | "/api/tasks/queue/polldata" => "?taskType=right_work",
        "/api/events" => "?timeout=0",
        "/api/scheduler/schedules/tags" => "?tag=team:right",
        "/api/users/{key}/checkPermissions" => "?type=SECRET_NAME&id=right_secret",
        _ => "",
    }
}

pub(crate) fn named(route: &Route) -> String {
    format!("{} {} ({:?})", route.method, route.path, route.need)
}

#[test]
fn without_a_token_or_with_an_old_one_nothing_is_answered_but_what_is_open_to_all() {
    let scene = Scene::new();
    let key = scene.server.json("POST", "/api/applications/right/accessKeys", &json!({})).json();
    let signer = Signer::new(scene.server.store().snapshot().token_key());
    let old = signer.sign("right", key["id"].as_str().unwrap(), "one".to_owned(), Timestamp::EPOCH);
    let mut open = Vec::new();
    for route in table() {
        let things = scene.right_things();
        if route.need == Need::Nothing {
            open.push(route.path);
            continue;
        }
        for (token, code) in [(None, "INVALID_TOKEN"), (Some(old.expose()), "EXPIRED_TOKEN")] {
            let answer = scene.ask(token, &route, &things);
            assert_eq!((answer.status, answer.json()["error"].clone()), (401, code.into()), "{}", named(&route));
        }
    }
    assert_eq!(open, ["/health", "/api/health", "/api/version", "/api/token"]);
}

#[test]
fn who_has_no_right_to_a_thing_hears_what_is_said_of_a_thing_that_is_not_there() {
    let scene = Scene::new();
    let (right, missing) = (scene.right_things(), Things::missing());
    for route in table() {
        let answer = scene.ask(Some(&scene.wrong), &route, &right);
        let name = named(&route);
        match route.need {
            Need::Nothing => assert_ne!(answer.status, 403, "{name}: {answer:?}"),
            Need::SignIn => assert!(!matches!(answer.status, 401 | 403), "{name}: {answer:?}"),
            Need::Owner => assert_eq!(answer.status, 403, "{name}: {answer:?}"),
            Need::On(..) | Need::Write(_) | Need::Each(..) => {
                let gone = scene.ask(Some(&scene.wrong), &route, &missing);
                assert_eq!(right.plain(&answer), missing.plain(&gone), "{name}");
                let refused = matches!(answer.status, 403 | 404);
                // A log that is not there, and a task that waits for nobody, are nothing on Conductor.
                let nothing = matches!(answer.status, 200 | 204) && answer.body.is_empty();
                let is_each = matches!(route.need, Need::Each(..));
                assert!(is_each || refused || nothing, "{name}: {answer:?}");
                assert!(!answer.body.contains("canary") && !answer.body.contains("value"), "{name}: {answer:?}");
            }
        }
    }
    assert_eq!(scene.server.get("/api/secrets/right_secret").body, "another-right-value", "nothing was changed");
    let path = format!("/api/workflow/{}", scene.execution);
    let execution = scene.server.get(&path).json();
    assert_eq!((&execution["status"], &execution["tasks"][0]["status"]), (&"RUNNING".into(), &"SCHEDULED".into()));
    assert_eq!(scene.server.get("/api/scheduler/schedules/right_schedule").json()["paused"], false);
}

#[test]
fn who_has_the_right_is_not_refused() {
    // What reads changes nothing for the next one.
    let read = Scene::new();
    for route in table() {
        let changed = (route.method != "GET").then(Scene::new);
        let scene = changed.as_ref().unwrap_or(&read);
        let answer = scene.ask(Some(&scene.right), &route, &scene.right_things());
        let refused = matches!(answer.status, 401 | 403) || answer.status >= 500;
        // What there is to rescue is a matter of its own.
        let missing = answer.status == 404 && !route.path.ends_with("/rescue");
        match route.need {
            Need::Owner => assert_eq!(answer.status, 403, "{}", named(&route)),
            Need::Nothing => assert!(answer.status < 500, "{}: {answer:?}", named(&route)),
            Need::SignIn | Need::On(..) | Need::Write(_) | Need::Each(..) => {
                assert!(!refused && !missing, "{}: {answer:?}", named(&route));
            }
        }
    }
}

#[test]
fn a_worker_gets_the_tasks_of_the_workflows_that_it_may_execute() {
    let scene = Scene::new();
    let path = "/api/tasks/poll/batch/right_work?timeout=1&count=10";
    let polled = |token: &str| scene.server.client(Some(token), "GET", path, &Value::Null).json();
    let sizes = |token: &str| scene.server.client(Some(token), "GET", "/api/tasks/queue/all", &Value::Null).json();
    assert_eq!((sizes(&scene.wrong), sizes(&scene.right)), (json!({}), json!({"right_work": 1})));
    let verbose =
        |token: &str| scene.server.client(Some(token), "GET", "/api/tasks/queue/all/verbose", &Value::Null).json();
    let one = json!({"right_work": {"a": {"size": 1, "uacked": 0}}});
    assert_eq!((verbose(&scene.wrong), verbose(&scene.right)), (json!({}), one));
    assert_eq!(polled(&scene.wrong), json!([]));
    let tasks = polled(&scene.right);
    assert_eq!(tasks[0]["taskId"], scene.task.as_str());
    let result = json!({"workflowInstanceId": scene.execution, "taskId": scene.task, "status": "COMPLETED"});
    assert_eq!(scene.server.client(Some(&scene.wrong), "POST", "/api/tasks", &result).status, 404);
    assert_eq!(scene.server.client(Some(&scene.right), "POST", "/api/tasks", &result).status, 200);
    let path = format!("/api/workflow/{}", scene.execution);
    scene.server.until(&path, |workflow| workflow["status"] == "COMPLETED");
}

#[test]
fn a_search_counts_only_what_the_caller_may_read() {
    let scene = Scene::new();
    let found = |token: &str| {
        let answer = scene.server.client(Some(token), "GET", "/api/workflow/search", &Value::Null).json();
        (answer["totalHits"].clone(), answer["results"].as_array().unwrap().len())
    };
    assert_eq!((found(&scene.right), found(&scene.wrong)), ((1.into(), 1), (0.into(), 0)));
}
