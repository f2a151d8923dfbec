//! What is not somebody's to see makes no difference to him: each route of the table, as somebody who has one right, answers the
//! same in a world where hidden things are as in one where they are not, whether it is asked about his own things or about
//! those; and nothing of it changes them.

use std::collections::BTreeMap;

use keytide::api::{Need, Route, table};
use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::live::Listening;
use crate::matrix::{Things, named};
use crate::server::{Answer, Server};

/// What the names of all hidden things begin with, and no other text has.
const HIDDEN: &str = "hddn7";
/// The longest run of digits that is a count; a time in milliseconds has thirteen.
const COUNT_DIGITS_MAX: usize = 8;
/// How long a fingerprint is, which another store has another one of.
const FINGERPRINT_DIGITS: usize = 12;

/// Who asks, and the one right that each has.
const ASKING: [(&str, &str, &[Permission]); 7] = [
    ("nobody", "secret:none", &[Permission::Read]),
    ("tagged", "tag:team:open", &[Permission::Read]),
    ("starter", "workflow:open_flow", &[Permission::Execute]),
    ("reader", "workflow:open_flow", &[Permission::Read]),
    ("changer", "workflow:open*", &Permission::ALL),
    ("timer", "schedule:open*", &Permission::ALL),
    ("setter", "environment:open*", &Permission::ALL),
];

fn settings(settings: &mut Settings) {
    for (app, on, access) in ASKING {
        let to = Grantee::parse(&format!("app:{app}")).unwrap();
        settings.access.grants.push(Grant { to, on: GrantTarget::parse(on).unwrap(), access: access.to_vec() });
    }
}

struct World {
    server: Server,
    tokens: BTreeMap<&'static str, String>,
    open: Things,
}

impl World {
    fn new() -> Self {
        let server = Server::with(settings);
        let tokens = ASKING.map(|(app, ..)| (app, server.signed_in(app))).into();
        let open = made(&server, "open");
        Self { server, tokens, open }
    }

    /// Asks as somebody, and takes out of the answer what is another one each time.
    fn ask(&self, app: &str, method: &str, path: &str, body: &Value) -> (u16, String) {
        let answer = self.server.client(Some(&self.tokens[app]), method, path, body);
        (answer.status, self.plain(path, &answer))
    }

    fn plain(&self, path: &str, answer: &Answer) -> String {
        let own = answer.body.replace(&self.open.execution, "EXECUTION").replace(&self.open.task, "TASK");
        if path == "/metrics" { of_things(&own) } else { without_moments(&own) }
    }
}

/// Makes one thing of each kind, with a name that begins so, and has it used.
fn made(server: &Server, prefix: &'static str) -> Things {
    let ask = |method: &str, path: &str, body: &Value| {
        let answer = server.json(method, path, body);
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer
    };
    let name = |what: &str| format!("{prefix}_{what}");
    let at = |path: &str, what: &str, rest: &str| format!("/api/{path}/{prefix}_{what}{rest}");
    let tag = |key: &str| json!([{"key": key, "value": prefix}]);
    let work = json!({"name": name("work"), "taskReferenceName": "work", "type": "SIMPLE"});
    let flow = |version: i32, task: &Value| json!({"name": name("flow"), "version": version, "tasks": [task], "ownerEmail": format!("{prefix}@example.com")});
    for value in ["a-first-value", "a-second-value"] {
        ask("PUT", &at("secrets", "secret", ""), &json!(format!("{prefix}-{value}")));
    }
    ask("PUT", &at("secrets", "secret", "/tags"), &tag("team"));
    ask(
        "POST",
        "/api/metadata/taskdefs",
        &json!([{"name": name("task"), "description": name("said")}, {"name": name("work")}]),
    );
    let ended = json!({"name": "n", "taskReferenceName": "n", "type": "NOOP"});
    ask("POST", "/api/metadata/workflow", &flow(1, &ended));
    let done = ask("POST", &at("workflow", "flow", ""), &json!({"said": name("input")})).body;
    server.until(&format!("/api/workflow/{done}"), |view| view["status"] == "COMPLETED");
    ask("POST", "/api/metadata/workflow", &flow(2, &work));
    let handler = json!({"name": name("handler"), "event": name("event"), "active": true,
        "actions": [{"action": "start_workflow", "start_workflow": {"name": name("flow")}}]});
    ask("POST", "/api/event", &handler);
    let schedule = json!({"name": name("schedule"), "cronExpression": "0 0 0 1 1 *",
        "startWorkflowRequest": {"name": name("flow"), "version": 1, "input": {"said": name("input")}}});
    ask("POST", "/api/scheduler/schedules", &schedule);
    ask("PUT", &at("environment", "stage", ""), &json!(name("value")));
    for (kind, what) in [
        ("metadata/workflow", "flow"),
        ("metadata/task", "task"),
        ("scheduler/schedules", "schedule"),
        ("environment", "stage"),
    ] {
        ask("PUT", &at(kind, what, "/tags"), &tag("kind"));
    }
    let request = json!({"name": name("flow"), "correlationId": name("order"), "idempotencyKey": "the-key", "input": {"said": name("input")}});
    let execution = ask("POST", "/api/workflow", &request).body;
    let view = server.until(&format!("/api/workflow/{execution}"), |view| view["tasks"][0]["taskId"].is_string());
    let task = view["tasks"][0]["taskId"].as_str().unwrap().to_owned();
    let poll = format!("/api/tasks/poll/batch/{prefix}_work?workerid={prefix}_worker&timeout=1000&count=1");
    assert_eq!(server.get(&poll).json()[0]["taskId"], task.as_str());
    ask("POST", &format!("/api/tasks/{task}/log"), &json!(name("line")));
    let waits = json!({"workflowInstanceId": execution, "taskId": task, "status": "IN_PROGRESS", "callbackAfterSeconds": 0,
        "workerId": name("worker"), "outputData": {"said": name("output")}});
    ask("POST", "/api/tasks", &waits);
    Things { prefix, execution, task }
}

/// Makes hidden things that meet open ones: they wait in the same queue, and start the same workflow.
fn meet(server: &Server) {
    let work = json!({"name": "open_work", "taskReferenceName": "work", "type": "SIMPLE"});
    let flow = json!([{"name": format!("{HIDDEN}_more"), "version": 1, "tasks": [work]}]);
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &flow).status, 200);
    let request = json!({"name": format!("{HIDDEN}_more"), "correlationId": "open_order", "priority": 9});
    let id = server.json("POST", "/api/workflow", &request).body;
    server.until(&format!("/api/workflow/{id}"), |view| view["tasks"][0]["status"] == "SCHEDULED");
    let schedule = json!({"name": format!("{HIDDEN}_starts"), "cronExpression": "0 0 0 1 1 *",
        "startWorkflowRequest": {"name": "open_flow"}});
    assert_eq!(server.json("POST", "/api/scheduler/schedules", &schedule).status, 200);
}

/// Returns what a page of metrics says of things that have names. How much this process does in all, without a name, everybody is
/// told who may sign in.
fn of_things(page: &str) -> String {
    let of_names = |line: &&str| ["workflow=", "schedule=", "secret="].iter().any(|label| line.contains(label));
    let lines = page.lines().filter(of_names).filter(|line| !line.contains("_seconds"));
    without_moments(&lines.collect::<Vec<_>>().join("\n"))
}

/// Takes out ids and times.
fn without_moments(text: &str) -> String {
    let mut plain = String::new();
    let text =
        &["queueWaitTime", "executionTime"].iter().fold(text.to_owned(), |text, field| without_number(&text, field));
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let word: String = rest.chars().take_while(|c| is_part(*c)).collect();
        let is_id = word.len() == 36 && word.matches('-').count() == 4;
        let is_place = word.find('-') == Some(16) && word.matches('-').count() == 1;
        let is_fingerprint = word.len() == FINGERPRINT_DIGITS && !word.contains('-');
        let is_moment = word.len() > COUNT_DIGITS_MAX && word.bytes().all(|byte| byte.is_ascii_digit());
        let (taken, shown) = match word.len() {
            0 => (first.len_utf8(), first.to_string()),
            length if is_id => (length, "ID".to_owned()),
            length if is_place => (length, "PLACE".to_owned()),
            length if is_fingerprint => (length, "FINGERPRINT".to_owned()),
            length if is_moment => (length, "MOMENT".to_owned()),
            length => (length, word),
        };
        plain.push_str(&shown);
        rest = &rest[taken..];
    }
    // A time as text: its digits are no counts.
    let mut lines = plain.split('T').map(str::to_owned).collect::<Vec<_>>();
    for part in 1..lines.len() {
        let is_time = lines[part - 1].ends_with(|c: char| c.is_ascii_digit())
            && lines[part].starts_with(|c: char| c.is_ascii_digit());
        if is_time {
            let end = lines[part].find(['"', ',', '}']).unwrap_or(lines[part].len());
            lines[part].replace_range(..end, "IME");
        }
    }
    lines.join("T")
}

/// Takes out how long something took.
fn without_number(text: &str, field: &str) -> String {
    let name = format!("\"{field}\":");
    let mut parts = text.split(&name);
    let digits = |part: &'_ str| part.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
    let first = parts.next().map(str::to_owned);
    first.into_iter().chain(parts.map(digits)).collect::<Vec<_>>().join(&name)
}

/// Further requests: what one may search for, and what of his own one may make name a hidden thing.
fn searches() -> Vec<(&'static str, String, Value)> {
    let get = |path: &str| ("GET", path.replace("HIDDEN", HIDDEN), Value::Null);
    let flow = |name: &str, task: Value| json!({"name": name, "version": 1, "tasks": [task]});
    let child = json!({"name": "c", "taskReferenceName": "c", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": format!("{HIDDEN}_flow")}});
    let schedule = json!({"name": "open_other", "cronExpression": "0 0 0 1 1 *", "startWorkflowRequest": {"name": format!("{HIDDEN}_flow")}});
    vec![
        get("/api/workflow/search?freeText=HIDDEN"),
        get("/api/workflow/search?query=workflowType%20%3D%20HIDDEN_flow"),
        get("/api/workflow/search?query=correlationId%20%3D%20HIDDEN_order"),
        get("/api/workflow/search?sort=workflowType:ASC&size=1"),
        get("/api/workflow/search?start=1&size=1"),
        get("/api/workflow/search-v2?freeText=HIDDEN"),
        get("/api/workflow/search-by-tasks?freeText=HIDDEN"),
        get("/api/tasks/search?freeText=HIDDEN"),
        get("/api/tasks/search?query=taskDefName%20%3D%20HIDDEN_work"),
        get("/api/tasks/queue/size?taskType=HIDDEN_work"),
        get("/api/tasks/queue/sizes?taskType=HIDDEN_work&taskType=open_work"),
        get("/api/tasks/queue/polldata?taskType=HIDDEN_work"),
        get("/api/tasks/poll/HIDDEN_work"),
        get("/api/scheduler/schedules?workflowName=HIDDEN_flow"),
        get("/api/scheduler/schedules?workflowName=open_flow"),
        get("/api/workflow/search?query=correlationId%20%3D%20open_order"),
        get("/api/scheduler/schedules/search?freeText=HIDDEN"),
        get("/api/scheduler/schedules/search?workflowName=HIDDEN_flow"),
        get("/api/scheduler/search/executions?query=workflowType%20%3D%20HIDDEN_flow"),
        get("/api/metadata/tags/resources?tagKey=kind&tagValue=HIDDEN"),
        get("/api/metadata/tags/resources?tagKey=team"),
        get("/api/event/HIDDEN_event?activeOnly=false"),
        get("/api/secrets?access=READ,UPDATE"),
        get("/api/workflow/running/HIDDEN_flow"),
        get("/api/workflow/HIDDEN_flow/correlated/HIDDEN_order?includeClosed=true"),
        (
            "POST",
            "/api/workflow/correlated/batch?includeClosed=true".to_owned(),
            json!({"correlationIds": [format!("{HIDDEN}_order"), "open_order"], "workflowNames": [format!("{HIDDEN}_flow"), "open_flow"]}),
        ),
        ("POST", "/api/scheduler/schedules".to_owned(), schedule),
        ("POST", "/api/workflow".to_owned(), json!({"name": format!("{HIDDEN}_flow"), "idempotencyKey": "the-key"})),
        (
            "POST",
            "/api/workflow".to_owned(),
            json!({"name": format!("{HIDDEN}_flow"), "workflowDef": flow(&format!("{HIDDEN}_flow"), child.clone())}),
        ),
        ("POST", "/api/metadata/workflow".to_owned(), flow("open_parent", child)),
        ("POST", "/api/workflow/open_parent".to_owned(), json!({})),
        (
            "POST",
            "/api/metadata/taskdefs".to_owned(),
            json!([{"name": "open_takes", "runtimeMetadata": [format!("{HIDDEN}_secret")]}]),
        ),
        (
            "POST",
            "/api/metadata/taskdefs".to_owned(),
            json!([{"name": "open_takes", "inputTemplate": {"a": format!("${{workflow.env.{HIDDEN}_stage}}")}}]),
        ),
        ("PUT", "/api/workflow/bulk/pause".to_owned(), json!(["not-an-id", "00000000-0000-7000-8000-000000000001"])),
        ("PUT", "/api/scheduler/bulk/pause".to_owned(), json!([format!("{HIDDEN}_schedule"), "none"])),
    ]
}

/// Returns all that the owner sees of the hidden things.
fn seen_by_owner(world: &World, hidden: &Things) -> BTreeMap<String, (u16, String)> {
    // Lists hold what is made meanwhile too; all in them has a route of its own.
    let gets = table().into_iter().filter(|route| route.method == "GET" && route.path.contains('{'));
    let all = gets.filter(|route| !changes(route));
    all.map(|route| {
        let path = hidden.path(&route);
        let answer = world.server.get(&path);
        let seen = (answer.status, world.plain(&path, &answer));
        (path, seen)
    })
    .collect()
}

/// Some clients send a GET to change something, or to take something.
fn changes(route: &Route) -> bool {
    ["/pause", "/resume", "/poll/"].iter().any(|part| route.path.contains(part))
}

#[test]
fn what_is_hidden_makes_no_difference_to_who_may_not_see_it_and_nothing_that_he_sends_changes_it() {
    let (with, without) = (World::new(), World::new());
    let listen = |app: &str| Listening::to(&with.server, Some(&with.tokens[app]), "", None);
    let listening = ["reader", "changer"].map(listen);
    let hidden = made(&with.server, HIDDEN);
    meet(&with.server);
    let before = seen_by_owner(&with, &hidden);
    assert!(before.values().any(|(_, body)| body.contains(HIDDEN)), "this test sees nothing of what is hidden");
    let both = |app: &str, method: &str, path: &dyn Fn(&World) -> String, body: &Value| {
        [&with, &without].map(|world| world.ask(app, method, &path(world), body))
    };
    let mut differences = Vec::new();
    let mut differ = |said: String, [there, gone]: [(u16, String); 2]| {
        if there != gone {
            differences.push(format!("{said}\n  with: {there:?}\n  without: {gone:?}"));
        }
    };
    for (app, ..) in ASKING {
        for route in table() {
            // What is the owner's alone refuses all others alike.
            if route.need == Need::Owner && app != ASKING[0].0 {
                continue;
            }
            let (name, method) = (format!("{} as {app}", named(&route)), route.method.as_str());
            // What is his own, one route after another would change.
            if method == "GET" && !changes(&route) && route.need != Need::Nothing {
                let said = both(app, method, &|world| world.open.path(&route), &Value::Null);
                assert!(!said[0].1.contains(HIDDEN), "{name}: {:?}", said[0]);
                differ(format!("{name}, of his own"), said);
            }
            let said = both(app, method, &|_| hidden.path(&route), &hidden.body(&route));
            differ(format!("{name}, of what is hidden"), said);
        }
        for (method, path, body) in searches() {
            differ(format!("{method} {path} {body} as {app}"), both(app, method, &|_| path.clone(), &body));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(seen_by_owner(&with, &hidden), before, "it is as it was");
    let polled = |app: &str| with.ask(app, "GET", "/api/tasks/poll/batch/open_work?timeout=1&count=10", &Value::Null).1;
    let own = polled("starter");
    assert!(own.contains(r#""taskId":"TASK""#) && !own.contains(HIDDEN), "{own}");
    assert_eq!(ASKING.map(|(app, ..)| polled(app)), ASKING.map(|_| "[]".to_owned()));
    let noop = json!({"name": "n", "taskReferenceName": "n", "type": "NOOP"});
    let last = json!([{"name": "open_flow", "version": 9, "tasks": [noop]}]);
    assert_eq!(with.server.json("PUT", "/api/metadata/workflow", &last).status, 200);
    for mut listening in listening {
        let heard = listening.until(|heard| heard.data["version"] == 9);
        assert!(heard.iter().all(|heard| !format!("{heard:?}").contains(HIDDEN)), "{heard:?}");
    }
}
