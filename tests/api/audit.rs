//! The audit, from the table of routes: whoever touches a secret, or is refused something, is in it; and what cannot be
//! written there is not done.

use keytide::access::TargetKind;
use keytide::api::{Need, Route, table};
use serde_json::{Value, json};

use crate::matrix::{Scene, named};
use crate::server::Server;

/// Returns the entries after one, the oldest first.
fn since(server: &Server, seq: u64) -> Vec<Value> {
    let answer = server.get("/api/audit?n=1000").json();
    let mut entries: Vec<Value> = answer["entries"].as_array().unwrap().clone();
    entries.retain(|entry| entry["seq"].as_u64().unwrap() > seq);
    entries.reverse();
    entries
}

fn head(server: &Server) -> u64 {
    server.get("/api/audit?n=1").json()["entries"][0]["seq"].as_u64().unwrap()
}

fn is_about_secrets(route: &Route) -> bool {
    let rescues = route.path.ends_with("/rescue");
    let kind = match route.need {
        Need::Each(_, kind) | Need::On(_, kind) | Need::Write(kind) => Some(kind),
        Need::Nothing | Need::SignIn | Need::Owner => None,
    };
    rescues || kind == Some(TargetKind::Secret)
}

/// Makes the audit refuse everything, as a full disk does.
fn break_audit(server: &Server) -> rusqlite::Connection {
    let journal = rusqlite::Connection::open(server.folder().join(".keytide/journal.db")).unwrap();
    journal.execute_batch("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END").unwrap();
    journal
}

#[test]
fn every_route_that_touches_a_secret_leaves_an_entry_for_who_may_and_for_who_may_not() {
    let read = Scene::new();
    let routes: Vec<_> = table().into_iter().filter(is_about_secrets).collect();
    assert!(routes.len() > 12, "the table says which these are");
    for route in routes {
        let changed = (route.method != "GET").then(Scene::new);
        let scene = changed.as_ref().unwrap_or(&read);
        for (who, token) in [("wrong", &scene.wrong), ("right", &scene.right)] {
            let before = head(&scene.server);
            let answer = scene.ask(Some(token), &route, &scene.right_things());
            let entries = since(&scene.server, before);
            let own = |entry: &&Value| entry["actor"]["kind"] == "app" && entry["actor"]["name"] == who;
            if answer.status == 404 && who == "right" && route.path.ends_with("/rescue") {
                // There is nothing to rescue, so nothing was done.
                continue;
            }
            let entry = entries.iter().find(own).unwrap_or_else(|| panic!("{} by {who}: {answer:?}", named(&route)));
            let is_list = entry["action"] == "list";
            let expected = if who == "wrong" && !is_list { "denied" } else { "allowed" };
            // Who may not rescue is refused the workflow.
            if !route.path.ends_with("/rescue") {
                assert_eq!(entry["object"]["kind"], "secret", "{}: {entry}", named(&route));
                assert_eq!(entry["outcome"], expected, "{}: {entry}", named(&route));
                let name = if is_list { "*" } else { "right_secret" };
                assert_eq!(entry["object"]["name"], name, "{}: {entry}", named(&route));
            }
        }
        let audit = scene.server.get("/api/audit?n=1000");
        assert!(!audit.body.contains("right-value"), "{}: a value is in the audit", named(&route));
    }
    assert_eq!(read.server.get("/api/audit/verify").json()["valid"], true);
}

#[test]
fn whoever_is_refused_by_a_route_is_in_the_audit_before_it_hears_so() {
    let scene = Scene::new();
    for route in table() {
        if !matches!(route.need, Need::On(..) | Need::Write(_) | Need::Owner) {
            continue;
        }
        let before = head(&scene.server);
        let answer = scene.ask(Some(&scene.wrong), &route, &scene.right_things());
        if !matches!(answer.status, 403 | 404) {
            continue;
        }
        let entries = since(&scene.server, before);
        let denied = entries.iter().any(|entry| entry["outcome"] == "denied" && entry["actor"]["name"] == "wrong");
        assert!(denied, "{}: {answer:?}: {entries:?}", named(&route));
    }
}

#[test]
fn no_value_is_handed_out_and_nothing_is_changed_while_the_audit_cannot_be_written() {
    let scene = Scene::new();
    let journal = break_audit(&scene.server);
    for route in table().iter().filter(|route| is_about_secrets(route) && !route.path.ends_with("/rescue")) {
        for token in [&scene.right, &scene.wrong] {
            let answer = scene.ask(Some(token), route, &scene.right_things());
            assert_eq!(answer.status, 503, "{}: {answer:?}", named(route));
            assert!(!answer.body.contains("right-value") && !answer.body.contains("right_secret"), "{answer:?}");
        }
    }
    let signed = scene.server.client(None, "POST", "/api/token", &json!({"keyId": "unknown", "keySecret": "unknown"}));
    assert_eq!(signed.status, 503, "who tries a key hears nothing of it: {signed:?}");
    assert_eq!(scene.server.json("POST", "/api/workflow/right_flow", &json!({})).status, 503);
    assert_eq!(scene.server.json("POST", "/api/applications", &json!({"name": "late"})).status, 503);
    journal.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(scene.server.get("/api/secrets/right_secret").body, "another-right-value", "nothing was changed");
    assert_eq!(scene.server.get("/api/secrets/right_secret/tags").json()[0]["value"], "right");
    assert!(!scene.server.get("/api/applications").body.contains("late"));
    assert_eq!(scene.server.get("/api/audit/verify").json()["valid"], true);
}

#[test]
fn the_audit_is_the_owners_and_filters_and_pages() {
    let scene = Scene::new();
    for path in ["/api/audit", "/api/audit/verify"] {
        assert_eq!(scene.server.client(Some(&scene.right), "GET", path, &Value::Null).status, 403);
    }
    let asked = |query: &str| scene.server.get(&format!("/api/audit?{query}")).json();
    let all = asked("n=1000")["entries"].as_array().unwrap().len();
    let (mut before, mut seen) = (String::new(), 0);
    loop {
        let page = asked(&format!("n=3{before}"));
        seen += page["entries"].as_array().unwrap().len();
        match page["next"].as_u64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert!(seen >= all, "every entry comes once: {seen} of {all}");
    let secret = asked("secret=right_secret&n=1000");
    assert!(secret["entries"].as_array().unwrap().iter().all(|entry| entry["object"]["name"] == "right_secret"));
    let by_right = asked("actor=app:right&n=1000");
    let by_right = by_right["entries"].as_array().unwrap();
    let words = |entry: &Value| format!("{} {}", entry["action"].as_str().unwrap(), entry["outcome"].as_str().unwrap());
    assert_eq!(by_right.iter().map(words).collect::<Vec<_>>(), ["look denied", "look denied", "signIn allowed"]);
    let run = asked(&format!("run={}", scene.execution()));
    assert_eq!(
        (&run["entries"][0]["action"], &run["entries"][0]["object"]["name"]),
        (&json!("start"), &json!("right_flow"))
    );
    assert_eq!(scene.server.get("/api/secrets").status, 200);
    let brief = asked("brief=true&n=1000");
    let looks = |page: &Value| {
        page["entries"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["action"] == "list" && one["outcome"] == "allowed")
            .count()
    };
    assert!(looks(&brief) == 0 && looks(&asked("n=1000")) > 0);
    assert_eq!(asked("since=2999-01-01T00:00:00Z")["entries"], json!([]));
    for wrong in ["n=0", "n=1001", "n=x", "since=soon", "before=-1"] {
        assert_eq!(scene.server.get(&format!("/api/audit?{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn who_changes_rights_and_runs_is_in_the_audit_with_what_was_changed() {
    let scene = Scene::new();
    let server = &scene.server;
    let told = |method: &str, path: &str, body: &Value| {
        let before = head(server);
        let answer = server.json(method, path, body);
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        let entries = since(server, before);
        let words = |entry: &Value| {
            let text = |path: &str| entry.pointer(path).and_then(Value::as_str).unwrap_or("-").to_owned();
            format!("{} {}:{} {}", text("/action"), text("/object/kind"), text("/object/name"), text("/outcome"))
        };
        entries.iter().map(words).collect::<Vec<_>>()
    };
    assert_eq!(told("POST", "/api/applications", &json!({"name": "ci"})), ["create application:ci allowed"]);
    let grant = json!({"subject": {"type": "USER", "id": "app:ci"}, "target": {"type": "SECRET_NAME", "id": "right_secret"}, "access": ["READ"]});
    assert_eq!(told("POST", "/api/auth/authorization", &grant), ["grant grant:app:ci on secret:right_secret allowed"]);
    assert_eq!(
        told("DELETE", "/api/auth/authorization", &grant),
        ["revoke grant:app:ci on secret:right_secret allowed"]
    );
    assert_eq!(told("DELETE", "/api/applications/ci", &json!({})), ["remove application:ci allowed"]);
    let run = format!("/api/workflow/{}", scene.execution());
    assert_eq!(told("PUT", &format!("{run}/pause"), &json!({})), ["pause workflow:right_flow allowed"]);
    assert_eq!(told("DELETE", &run, &json!({})), ["terminate workflow:right_flow allowed"]);
    let before = head(server);
    assert_eq!(server.json("PUT", &format!("{run}/pause"), &json!({})).status, 409);
    assert_eq!(since(server, before)[0]["outcome"], "failed", "what was not done is told as such");
    assert_eq!(
        told("PUT", "/api/scheduler/schedules/right_schedule/pause", &json!({})),
        ["pause schedule:right_schedule allowed"]
    );
    assert_eq!(told("POST", "/api/metadata/taskdefs", &json!([{"name": "new"}])), ["write task:new allowed"]);
    assert_eq!(told("DELETE", "/api/metadata/taskdefs/new", &json!({})), ["remove task:new allowed"]);
}

#[test]
fn a_worker_that_gets_a_secret_is_in_the_audit_before_it_has_it() {
    let scene = Scene::new();
    let server = &scene.server;
    let task = json!({"name": "carry", "taskReferenceName": "carry", "type": "SIMPLE",
        "inputParameters": {"key": "${workflow.secrets.right_secret}"}});
    let flow = json!({"name": "right_carrying", "version": 1, "tasks": [task]});
    let path = "/api/tasks/poll/carry";
    let start = || server.json("POST", "/api/workflow", &json!({"name": "right_carrying", "workflowDef": flow})).body;
    let id = start();
    let journal = break_audit(server);
    let refused = server.client(Some(&scene.right), "GET", path, &Value::Null);
    assert!(refused.status == 503 && !refused.body.contains("right-value"), "{refused:?}");
    journal.execute_batch("DROP TRIGGER full").unwrap();
    let before = head(server);
    let polled = server.client(Some(&scene.right), "GET", path, &Value::Null);
    let polled = if polled.status == 204 {
        start();
        server.client(Some(&scene.right), "GET", path, &Value::Null)
    } else {
        polled
    };
    assert_eq!(polled.json()["inputData"]["key"], "another-right-value");
    let entries = since(server, before);
    let entry = entries.iter().find(|entry| entry["action"] == "read").unwrap_or_else(|| panic!("{id}: {entries:?}"));
    assert_eq!(
        (&entry["actor"]["name"], &entry["object"]["name"], &entry["outcome"], &entry["run"]["task"]),
        (&json!("right"), &json!("right_secret"), &json!("allowed"), &json!("carry"))
    );
    assert_eq!(entry["run"]["workflow"], "right_carrying");
}

#[test]
fn what_is_said_of_a_task_is_in_the_audit_with_who_said_it() {
    let scene = Scene::new();
    let server = &scene.server;
    let own = |before: u64| {
        let report = |entry: &&Value| entry["action"] == "report";
        let all: Vec<Value> = since(server, before).iter().filter(report).cloned().collect();
        assert_eq!(all.len(), 1, "{all:?}");
        let text = |path: &str| all[0].pointer(path).and_then(Value::as_str).unwrap_or("-").to_owned();
        [
            text("/actor/kind"),
            text("/actor/name"),
            text("/object/name"),
            text("/detail"),
            text("/outcome"),
            text("/run/task"),
        ]
    };
    let before = head(server);
    let path = format!("/api/tasks/{}/{}/IN_PROGRESS", scene.execution(), "work");
    assert_eq!(scene.server.client(Some(&scene.right), "POST", &path, &json!({})).status, 200);
    assert_eq!(own(before), ["app", "right", "right_flow", "IN_PROGRESS", "allowed", "work"]);
    let update = json!({"name": "u", "taskReferenceName": "u", "type": "UPDATE_TASK", "inputParameters":
        {"workflowId": scene.execution(), "taskRefName": "work", "taskStatus": "COMPLETED"}});
    let flow = json!({"name": "right_telling", "version": 1, "tasks": [update]});
    let before = head(server);
    let id = server.json("POST", "/api/workflow", &json!({"name": "right_telling", "workflowDef": flow})).body;
    server.until(&format!("/api/workflow/{id}"), |view| view["status"] == "COMPLETED");
    assert_eq!(own(before), ["workflow", "right_telling", "right_flow", "COMPLETED", "allowed", "work"]);
}

#[test]
fn a_removal_that_is_not_done_is_told_as_such() {
    let scene = Scene::new();
    let before = head(&scene.server);
    let path = format!("/api/workflow/{}/remove", scene.execution());
    assert_eq!(scene.server.client(Some(&scene.right), "DELETE", &path, &Value::Null).status, 409);
    let entries = since(&scene.server, before);
    assert!(entries.iter().any(|one| one["action"] == "remove" && one["outcome"] == "failed"), "{entries:?}");
}

#[test]
fn a_key_that_is_wrong_is_in_the_audit_without_what_was_tried() {
    let scene = Scene::new();
    let before = head(&scene.server);
    let tried = json!({"keyId": "a-secret-by-mistake", "keySecret": "another"});
    assert_eq!(scene.server.client(None, "POST", "/api/token", &tried).status, 401);
    let entries = since(&scene.server, before);
    assert_eq!(
        (&entries[0]["action"], &entries[0]["outcome"], &entries[0]["actor"]["kind"]),
        (&json!("signIn"), &json!("denied"), &json!("nobody"))
    );
    assert!(!entries[0].to_string().contains("by-mistake"), "{}", entries[0]);
}

#[test]
fn a_token_that_is_none_of_ours_is_in_the_audit_and_a_flood_of_them_is_not() {
    let scene = Scene::new();
    let before = head(&scene.server);
    for _ in 0..100 {
        assert_eq!(scene.server.client(Some("by-mistake"), "GET", "/api/secrets", &Value::Null).status, 401);
    }
    let entries = since(&scene.server, before);
    assert!((30..100).contains(&entries.len()), "{}", entries.len());
    assert!(entries.iter().all(|entry| entry["outcome"] == "denied" && !entry.to_string().contains("by-mistake")));
}
