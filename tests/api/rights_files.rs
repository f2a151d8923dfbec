//! Whether a workflow of a file gets or writes a secret, where `access.workflows` is `granted`: each way to it × how the right was
//! given; and whose rights count where an application starts it, where a file runs what another has, and for a schedule.

use std::collections::BTreeMap;

use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::live::Listening;
use crate::rights::{APPS, DENIED, MAY, SECRETS, Scene, VALUE, defined, plain, task, ways, work};
use crate::server::Server;

/// Who is granted something by the name of its workflows, and not by that of its file.
const FLOWED: &str = "flowed";
/// What a reference to the secret looks like.
const REFERENCE: &str = "${workflow.secrets.vault}";

fn granted(to: &str, on: &str, access: &[Permission]) -> Grant {
    Grant { to: Grantee::parse(to).unwrap(), on: GrantTarget::parse(on).unwrap(), access: access.to_vec() }
}

/// The files are named as the applications are, and granted the same.
fn settings(settings: &mut Settings) {
    settings.access.workflows_granted = true;
    let grants = &mut settings.access.grants;
    for (who, on) in APPS {
        let file = format!("file:workflows/{who}.json");
        grants.push(granted(&file, &format!("workflow:{who}_*"), &[Permission::Execute, Permission::Read]));
        grants.extend(on.map(|on| granted(&file, on, &[Permission::Read, Permission::Update])));
    }
    grants.push(granted("workflow:flowed_*", "secret:vault*", &[Permission::Read, Permission::Update]));
    grants.push(granted("workflow:flowed_*", "workflow:flowed_*", &[Permission::Execute]));
    for app in ["poor", "rich"] {
        grants.push(granted(&format!("app:{app}"), "workflow:*", &[Permission::Execute, Permission::Read]));
    }
    grants.push(granted("app:rich", "secret:*", &Permission::ALL));
}

/// Returns everybody, with whether the secret is granted.
fn everybody() -> impl Iterator<Item = (&'static str, bool)> {
    APPS.into_iter().map(|(who, _)| (who, MAY.contains(&who))).chain([(FLOWED, true)])
}

/// Returns a server whose folder holds these definitions, by file, once they are in force.
fn serving(files: &BTreeMap<String, Vec<Value>>) -> Scene {
    let server = Server::with(settings);
    let mut listening = Listening::to(&server, None, "?kinds=definition", None);
    for (name, definitions) in files {
        let path = server.folder().join(format!("workflows/{name}.json"));
        std::fs::write(path, json!(definitions).to_string()).unwrap();
    }
    let names = || files.values().flatten().filter_map(|one| one["name"].as_str().filter(|_| one["tasks"].is_array()));
    while names().any(|name| server.get(&format!("/api/metadata/workflow/{name}")).status != 200) {
        listening.until(|_| true);
    }
    drop(listening);
    Scene::without_applications(server)
}

fn list(definitions: &Value) -> Vec<Value> {
    definitions.as_array().unwrap().clone()
}

#[test]
fn each_way_of_a_file_to_a_secret_asks_for_the_grant_where_the_secret_is_resolved() {
    let mut files = BTreeMap::<String, Vec<Value>>::new();
    for way in ways() {
        for (who, _) in everybody() {
            let all = SECRETS.map(|secret| list(&way.defined(who, secret).1)).concat();
            files.entry(who.to_owned()).or_default().extend(all);
        }
    }
    let scene = serving(&files);
    for way in ways() {
        for (who, may) in everybody() {
            let said = SECRETS.map(|secret| {
                let (own, _) = way.defined(who, secret);
                plain(&scene.outcome(who, &own, &scene.start(who, &own, secret)), &own, secret)
            });
            way.holds(who, may, said);
        }
    }
}

#[test]
fn a_file_that_may_not_update_a_secret_fails_for_good_with_403_whatever_names_it() {
    let ways = [("outright", "NAME"), ("by_input", "${workflow.input.n}")];
    let own = |who: &str, way: &str, secret: &str| format!("{who}_update_{way}_{secret}");
    let mut files = BTreeMap::<String, Vec<Value>>::new();
    for (way, key) in ways {
        for (who, _) in everybody() {
            for secret in SECRETS {
                let pair = json!({"secretKey": key.replace("NAME", secret), "secretValue": "another-value"});
                let mut update = task("u", "UPDATE_SECRET", &json!({"_secrets": pair}));
                update["optional"] = json!(true);
                update["retryCount"] = json!(3);
                let all = list(&defined(&own(who, way, secret), &json!([update]), &json!({})));
                files.entry(who.to_owned()).or_default().extend(all);
            }
        }
    }
    let scene = serving(&files);
    for (way, _) in ways {
        for (who, may) in everybody() {
            let [there, gone] = SECRETS.map(|secret| {
                let own = own(who, way, secret);
                let execution = scene.start(who, &own, secret);
                let said = plain(&scene.outcome(who, &own, &execution), &own, secret);
                let view = scene.server.get(&format!("/api/workflow/{execution}")).json();
                (said, view["tasks"].as_array().unwrap().len(), view["tasks"][0]["status"].clone())
            });
            if may {
                assert_eq!(there.0, "COMPLETED null", "{way} by {who}");
            } else {
                assert_eq!((there.1, &there.2), (1, &json!("FAILED_WITH_TERMINAL_ERROR")), "{way} by {who}");
                let reason = format!("403: file:workflows/{who}.json may not update the secret `NAME`");
                assert!(there.0.starts_with("FAILED") && there.0.contains(&reason), "{way} by {who}: {there:?}");
                assert_eq!(there, gone, "{way} by {who}: denied and missing read the same");
            }
        }
    }
    assert_eq!(scene.server.get("/api/secrets/absent").status, 404, "UPDATE makes no secret");
}

#[test]
fn a_file_starts_with_its_own_rights_whoever_asks_for_it() {
    let files = everybody().map(|(who, _)| {
        let own = format!("{who}_started");
        (who.to_owned(), list(&defined(&own, &json!([work(REFERENCE)]), &json!({}))))
    });
    let scene = serving(&files.collect());
    for app in ["poor", "rich"] {
        let token = scene.server.signed_in(app);
        for (who, may) in everybody() {
            let own = format!("{who}_started");
            let started = scene.server.client(Some(&token), "POST", &format!("/api/workflow/{own}"), &json!({}));
            assert_eq!(started.status, 200, "{started:?}");
            let said = plain(&scene.outcome(who, &own, &started.body), &own, "vault");
            assert!(
                if may { said == format!("given {VALUE}") } else { said.contains(DENIED) },
                "{own} by {app}: {said}"
            );
        }
    }
}

#[test]
fn a_child_in_another_file_has_the_rights_of_that_and_is_started_only_by_who_may() {
    let run = |child: &str, input: &Value| {
        let mut run = task("run", "SUB_WORKFLOW", input);
        run["subWorkflowParam"] = json!({"name": child});
        json!([run])
    };
    let child = |name: &str| {
        json!({"name": name, "version": 1, "schemaVersion": 2, "tasks": [{"name": format!("{name}_work"),
        "taskReferenceName": "work", "type": "SIMPLE", "inputParameters": {"t": REFERENCE}}]})
    };
    let mut files = BTreeMap::<String, Vec<Value>>::new();
    for (who, _) in everybody() {
        let all = files.entry(who.to_owned()).or_default();
        all.extend(list(&defined(&format!("{who}_parent"), &run("named_shared", &json!({})), &json!({}))));
        all.extend(list(&defined(&format!("{who}_barred"), &run("tagged_shut", &json!({})), &json!({}))));
    }
    files.entry("named".to_owned()).or_default().push(child("named_shared"));
    files.entry("tagged".to_owned()).or_default().push(child("tagged_shut"));
    let scene = serving(&files);
    for (who, _) in everybody().filter(|(who, _)| *who != "named") {
        let grant = json!({"subject": {"type": "USER", "id": format!("file:workflows/{who}.json")},
            "target": {"type": "WORKFLOW_DEF", "id": "named_shared"}, "access": ["EXECUTE"]});
        assert_eq!(scene.server.json("POST", "/api/auth/authorization", &grant).status, 200);
    }
    for (who, _) in everybody() {
        let execution = scene.start(who, &format!("{who}_parent"), "vault");
        assert_eq!(
            scene.outcome(who, "named_shared", &execution),
            format!("given {VALUE}"),
            "{who}: the child reads it itself"
        );
        let shown = scene.server.get(&format!("/api/workflow/{execution}")).body;
        assert!(!shown.contains(VALUE), "{who}: its parent is given no value");
        if who == "tagged" {
            continue;
        }
        let barred = scene.start(who, &format!("{who}_barred"), "vault");
        let said = scene.outcome(who, "tagged_shut", &barred);
        assert!(said.contains("No such workflow found by name: tagged_shut"), "{who}: {said}");
    }
}

#[test]
fn a_workflow_for_a_failure_and_a_worker_named_by_a_task_definition_have_the_rights_of_their_file() {
    let fails = task("end", "TERMINATE", &json!({"terminationStatus": "FAILED", "terminationReason": "broken"}));
    let mut files = BTreeMap::<String, Vec<Value>>::new();
    for (who, _) in everybody() {
        let all = files.entry(who.to_owned()).or_default();
        let cleaning = format!("{who}_cleaning");
        let own = format!("{who}_failing");
        all.extend(list(&defined(&own, &json!([fails]), &json!({"failureWorkflow": cleaning}))));
        all.extend(list(&defined(&cleaning, &json!([work(REFERENCE)]), &json!({}))));
        let meta = format!("{who}_meta");
        all.push(
            json!({"taskDefs": [{"name": format!("{meta}_work"), "runtimeMetadata": ["vault"], "retryCount": 0}]}),
        );
        all.extend(list(&defined(&meta, &json!([work("x")]), &json!({}))));
    }
    let scene = serving(&files);
    for (who, may) in everybody() {
        let failed = scene.start(who, &format!("{who}_failing"), "vault");
        let path = format!("/api/workflow/{failed}");
        let view = scene.server.until(&path, |view| view["output"]["conductor.failure_workflow"].is_string());
        let cleans = view["output"]["conductor.failure_workflow"].as_str().unwrap();
        let said = scene.outcome(who, &format!("{who}_cleaning"), cleans);
        let given = said == format!("given {VALUE}");
        assert!(if may { given } else { said.contains("missing or not granted") }, "{who}: {said}");

        let meta = format!("{who}_meta");
        let said = scene.outcome(who, &meta, &scene.start(who, &meta, "vault"));
        assert!(if may { said == "given x" } else { plain(&said, &meta, "vault").contains(DENIED) }, "{who}: {said}");
    }
}

#[test]
fn a_grant_to_a_file_that_is_taken_is_missed_by_the_next_attempt_and_the_next_task() {
    let mut second = work(REFERENCE);
    second["taskReferenceName"] = json!("second");
    let twice = list(&defined("late_twice", &json!([work(REFERENCE), second]), &json!({})));
    let scene = serving(&BTreeMap::from([("late".to_owned(), twice)]));
    let grant = json!({"subject": {"type": "USER", "id": "file:workflows/late.json"},
        "target": {"type": "SECRET_NAME", "id": "vault"}, "access": ["READ"]});
    let change = |method: &str| assert_eq!(scene.server.json(method, "/api/auth/authorization", &grant).status, 200);
    change("POST");
    let execution = scene.start("late", "late_twice", "vault");
    let outcome = || scene.outcome("late", "late_twice", &execution);
    assert_eq!(outcome(), format!("given {VALUE}"));
    change("DELETE");
    assert!(outcome().contains("missing or not granted"), "the grant is gone in mid-run");
    for path in ["retry", "restart", "rerun", "restart?useLatestDefinitions=true"] {
        let again = scene.server.json("POST", &format!("/api/workflow/{execution}/{path}"), &json!({}));
        assert!(again.status < 300, "{path}: {again:?}");
        assert!(outcome().contains("missing or not granted"), "{path}");
    }
    change("POST");
    assert!(scene.server.json("POST", &format!("/api/workflow/{execution}/retry"), &json!({})).status < 300);
    assert_eq!(outcome(), format!("given {VALUE}"));
}

#[test]
fn what_a_schedule_of_a_file_starts_has_the_rights_of_the_file_of_the_workflow() {
    let script =
        task("script", "INLINE", &json!({"evaluatorType": "javascript", "expression": "$.t.length", "t": REFERENCE}));
    let every = |name: &str, workflow: &str| {
        json!({"name": name, "cronExpression": "* * * * * *", "zoneId": "UTC",
        "startWorkflowRequest": {"name": workflow}})
    };
    let ticks = |who: &str| format!("{who}_ticks");
    let mut files: BTreeMap<String, Vec<Value>> = everybody()
        .map(|(who, _)| {
            let mut all = list(&defined(&ticks(who), &json!([script]), &json!({})));
            all.push(every(&ticks(who), &ticks(who)));
            (who.to_owned(), all)
        })
        .collect();
    // It may read the secret and has nothing to do with the other file's workflow.
    files.get_mut("named").unwrap().push(every("named_reaches", "none_ticks"));
    let scene = serving(&files);
    for (who, may) in everybody() {
        let mut listening =
            Listening::to(&scene.server, None, &format!("?kinds=execution&workflow={}", ticks(who)), None);
        let ended = |status: &Value| status == "COMPLETED" || status == "FAILED";
        let heard = listening.until(|heard| ended(&heard.data["status"])).pop().unwrap();
        let view = scene.server.get(&format!("/api/workflow/{}", heard.data["workflowId"].as_str().unwrap())).json();
        let (status, reason) = (&view["status"], view["reasonForIncompletion"].as_str().unwrap_or_default());
        assert_eq!(
            (status == "COMPLETED", reason.contains("not available to workflow:")),
            (may, !may),
            "{who}: {view}"
        );
    }
    let mut listening = Listening::to(&scene.server, None, "?kinds=schedule", None);
    let paused = || scene.server.get("/api/scheduler/schedules/named_reaches").json();
    while paused()["paused"] != true {
        listening.until(|_| true);
    }
    let reason = paused()["pausedReason"].as_str().unwrap().to_owned();
    assert!(reason.contains("file:workflows/named.json may not EXECUTE workflow `none_ticks`"), "{reason}");
}

#[test]
fn a_handler_of_a_file_hears_what_the_file_may_read_and_hands_on_no_secret() {
    let tell = json!({"name": "tell", "taskReferenceName": "tell", "type": "EVENT", "sink": "conductor:done",
        "inputParameters": {"word": "heard"}});
    let handler = |who: &str, of: &str, starts: &str, word: &str| {
        let start = json!({"name": format!("{who}_{starts}"), "input": {"t": word}});
        json!({"name": format!("{who}_on_{of}"), "event": format!("conductor:{of}_tells:done"), "active": true,
            "actions": [{"action": "start_workflow", "start_workflow": start}]})
    };
    let mut files = BTreeMap::<String, Vec<Value>>::new();
    for (who, _) in everybody() {
        let all = files.entry(who.to_owned()).or_default();
        all.extend(list(&defined(&format!("{who}_tells"), &json!([tell]), &json!({}))));
        for heard in ["own", "stole"] {
            let done = json!({"name": "n", "taskReferenceName": "n", "type": "NOOP"});
            all.extend(list(&defined(&format!("{who}_{heard}"), &json!([done]), &json!({}))));
        }
        all.push(handler(who, who, "own", REFERENCE));
        if who != "named" {
            all.push(handler(who, "named", "stole", "${word}"));
        }
    }
    let scene = serving(&files);
    let ended = |id: &str| scene.server.until(&format!("/api/workflow/{id}"), |view| view["status"] == "COMPLETED");
    for (who, _) in everybody() {
        ended(&scene.start(who, &format!("{who}_tells"), "vault"));
        let started = |heard: &str| {
            let path = format!("/api/workflow/search?query=workflowType%20%3D%20{who}_{heard}");
            scene.server.get(&path).json()["results"].as_array().unwrap().clone()
        };
        // A handler is no workflow, so what workflows are granted it is not. The reference is one of its file: where that may not
        // read the secret nothing is started.
        let may = ["named", "tagged"].contains(&who);
        let own = started("own");
        assert_eq!(own.len(), usize::from(may), "{who}: {own:?}");
        for one in own {
            let view = ended(one["workflowId"].as_str().unwrap());
            assert!(!view.to_string().contains(VALUE), "{who}: {view}");
        }
        assert_eq!(started("stole"), Vec::<Value>::new(), "{who} heard what its file may not read");
    }
}
