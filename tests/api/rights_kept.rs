//! Whose rights count where one thing leads to another: children, events, failures, task definitions, the environment, and what
//! happens when a right is taken.

use keytide::words::Permission;
use serde_json::{Value, json};

use crate::rights::{APPS, DENIED, MAY, SECRETS, Scene, VALUE, grant, plain, task, work};
use crate::server::Server;

#[test]
fn a_child_acts_as_its_own_owner_and_its_parent_sees_no_value() {
    let scene = Scene::new();
    let child = json!([{"name": "owners_child", "version": 1, "schemaVersion": 2, "outputParameters": {"t": "${script.output.result}"},
        "tasks": [task("script", "INLINE", &json!({"evaluatorType": "javascript", "expression": "$.t", "t": "${workflow.secrets.vault}"}))]}]);
    assert_eq!(scene.server.json("PUT", "/api/metadata/workflow", &child).status, 200);
    let mut run = task("run", "SUB_WORKFLOW", &json!({}));
    run["subWorkflowParam"] = json!({"name": "owners_child"});
    for (app, _) in APPS {
        let own = format!("{app}_parent");
        // What the child gave it would hand to its own worker.
        scene.register(app, &own, &json!([run]), &json!({"outputParameters": {"t": "${run.output.t}"}}));
        let execution = scene.start(app, &own, "vault");
        assert_eq!(scene.outcome(app, &own, &execution), "COMPLETED null", "{app}");
    }
}

#[test]
fn a_right_that_is_taken_is_missed_by_the_next_attempt_and_the_next_task() {
    let scene = Scene::new();
    let tag = json!([{"key": "team", "value": "vault"}]);
    let reference = "${workflow.secrets.vault}";
    let mut second = work(reference);
    second["taskReferenceName"] = json!("second");
    scene.register("tagged", "tagged_twice", &json!([work(reference), second]), &json!({}));
    let execution = scene.start("tagged", "tagged_twice", "vault");
    let outcome = || plain(&scene.outcome("tagged", "tagged_twice", &execution), "tagged_twice", "vault");
    assert_eq!(outcome(), format!("given {VALUE}").replace("vault", "NAME"));
    assert_eq!(scene.server.json("DELETE", "/api/secrets/vault/tags", &tag).status, 200);
    assert!(outcome().contains(DENIED), "the tag is gone in mid-run");
    for path in ["retry", "restart"] {
        let again = scene.ask("tagged", "POST", &format!("/api/workflow/{execution}/{path}"), &json!({}));
        assert!(again.status < 300, "{path}: {again:?}");
        assert!(outcome().contains(DENIED), "{path}");
    }
    assert_eq!(scene.ask("tagged", "POST", &format!("/api/workflow/{execution}/rerun"), &json!({})).status, 200);
    assert!(outcome().contains(DENIED), "rerun");
    assert_eq!(scene.server.json("PUT", "/api/secrets/vault/tags", &tag).status, 200);
    let again = scene.ask("tagged", "POST", &format!("/api/workflow/{execution}/retry"), &json!({}));
    assert!(again.status < 300, "{again:?}");
    assert_eq!(outcome(), format!("given {VALUE}").replace("vault", "NAME"));
}

#[test]
fn a_workflow_for_a_failure_has_the_rights_of_its_owner_and_no_others() {
    let scene = Scene::new();
    let fails = task("end", "TERMINATE", &json!({"terminationStatus": "FAILED", "terminationReason": "broken"}));
    for (app, _) in APPS {
        let own = format!("{app}_failing");
        scene.register(app, &own, &json!([fails]), &json!({"failureWorkflow": format!("{own}_cleaning")}));
        let cleaning = json!([{"name": format!("{own}_cleaning"), "version": 1, "schemaVersion": 2,
            "tasks": [work("${workflow.secrets.vault}")]}]);
        let cleaning = serde_json::from_str(&cleaning.to_string().replace("OWN", &own)).unwrap();
        assert_eq!(scene.ask(app, "PUT", "/api/metadata/workflow", &cleaning).status, 200);
        let failed = scene.start(app, &own, "vault");
        let path = format!("/api/workflow/{failed}");
        let view = scene.server.until(&path, |view| view["output"]["conductor.failure_workflow"].is_string());
        let cleans = view["output"]["conductor.failure_workflow"].as_str().unwrap();
        let said = scene.outcome(app, &own, cleans);
        let expected = if MAY.contains(&app) { format!("given {VALUE}") } else { "missing or not granted".to_owned() };
        assert!(said.contains(&expected), "{app}: {said}");
    }
}

#[test]
fn a_worker_is_given_by_a_task_definition_what_the_workflow_may_read() {
    let scene = Scene::new();
    for (app, _) in APPS {
        for secret in SECRETS {
            let (own, may) = (format!("{app}_meta_{secret}"), MAY.contains(&app));
            let def = |name: &str| json!([{"name": name, "runtimeMetadata": [secret], "retryCount": 0}]);
            // It is resolved for every workflow that uses it, so who makes it must be allowed itself.
            let template = json!([{"name": format!("{own}_x"), "inputTemplate": {"t": format!("${{workflow.secrets.{secret}}}")}}]);
            let made = [def(&format!("{own}_x")), template]
                .map(|def| scene.ask(app, "POST", "/api/metadata/taskdefs", &def).status);
            assert_eq!(made, [if may && secret == "vault" { 200 } else { 403 }; 2], "{own}");
            assert_eq!(scene.server.json("POST", "/api/metadata/taskdefs", &def(&format!("{own}_work"))).status, 200);
            scene.register(app, &own, &json!([work("x")]), &json!({}));
            let said = scene.outcome(app, &own, &scene.start(app, &own, secret));
            let given = said == "given x";
            assert_eq!(given, may && secret == "vault", "{own}: {said}");
            assert!(given || plain(&said, &own, secret).contains(DENIED), "{own}: {said}");
        }
    }
    let computed =
        json!([{"name": "named_computed", "inputTemplate": {"t": "${workflow.secrets.${workflow.input.n}}"}}]);
    let refused = scene.ask("named", "POST", "/api/metadata/taskdefs", &computed);
    assert!(refused.status == 400 && refused.body.contains("makes up a reference"), "{refused:?}");
}

#[test]
fn an_event_is_heard_by_who_may_read_the_workflow_that_tells_it_and_hands_on_no_secret() {
    let scene = Scene::new();
    let tell = json!({"name": "tell", "taskReferenceName": "tell", "type": "EVENT", "sink": "conductor:done",
        "inputParameters": {"word": "canary-of-the-event"}});
    let flow = json!([{"name": "owners_telling", "version": 1, "schemaVersion": 2, "tasks": [tell]}]);
    assert_eq!(scene.server.json("PUT", "/api/metadata/workflow", &flow).status, 200);
    for (app, _) in APPS {
        scene.register(app, &format!("{app}_own"), &json!([tell]), &json!({}));
        for (event, word) in [("owners_telling", "${word}"), (&*format!("{app}_own"), "${workflow.secrets.vault}")] {
            let name = format!("{app}_on_{event}");
            let starts = json!({"action": "start_workflow", "start_workflow": {"name": format!("{app}_own_child"), "input": {"t": word}}});
            let handler =
                json!({"name": name, "event": format!("conductor:{event}:done"), "active": true, "actions": [starts]});
            assert_eq!(scene.ask(app, "POST", "/api/event", &handler).status, 200);
        }
    }
    let told = scene.server.json("POST", "/api/workflow/owners_telling", &json!({})).body;
    scene.server.until(&format!("/api/workflow/{told}"), |view| view["status"] == "COMPLETED");
    for (app, _) in APPS {
        let own = format!("{app}_own");
        let children = format!("/api/workflow/search?query=workflowType%20%3D%20{own}_child");
        assert_eq!(scene.server.get(&children).json()["totalHits"], 0, "{app} heard what it may not read");
        let execution = scene.start(app, &own, "vault");
        scene.server.until(&format!("/api/workflow/{execution}"), |view| view["status"] == "COMPLETED");
        let found = scene.server.get(&children).json();
        for child in found["results"].as_array().unwrap() {
            let said = scene.outcome(app, &own, child["workflowId"].as_str().unwrap());
            let expected = said == format!("given {VALUE}") && MAY.contains(&app);
            assert!(expected || !said.contains(VALUE), "{app}: {said}");
        }
        assert!(MAY.contains(&app) || found["totalHits"] == 0, "{app} handed on what it may not read: {found}");
    }
}

#[test]
fn the_execution_of_another_is_neither_read_nor_worked_on_by_a_task() {
    let scene = Scene::new();
    let flow = json!([{"name": "owners_waiting", "version": 1, "schemaVersion": 2, "tasks": [task("wait", "WAIT", &json!({}))]}]);
    assert_eq!(scene.server.json("PUT", "/api/metadata/workflow", &flow).status, 200);
    let there = scene.server.json("POST", "/api/workflow/owners_waiting", &json!({})).body;
    let missing = "00000000-0000-7000-8000-000000000001";
    let look = |id: &str| task("look", "GET_WORKFLOW", &json!({"id": id, "includeTasks": true}));
    let update = |id: &str| {
        task("update", "UPDATE_TASK", &json!({"workflowId": id, "taskRefName": "wait", "taskStatus": "COMPLETED"}))
    };
    for (name, made) in [("look", &look as &dyn Fn(&str) -> Value), ("update", &update)] {
        let [there, gone] = [&*there, missing].map(|id| {
            let own = format!("none_{name}_{}", if id == missing { "gone" } else { "there" });
            let mut task = made(id);
            task["retryCount"] = json!(0);
            scene.register("none", &own, &json!([task]), &json!({}));
            plain(&scene.outcome("none", &own, &scene.start("none", &own, "vault")), &own, id)
        });
        assert!(there.starts_with("FAILED"), "{name}: {there}");
        assert_eq!(there, gone, "{name}");
    }
    assert_eq!(scene.server.get(&format!("/api/workflow/{there}")).json()["status"], "RUNNING");
}

#[test]
fn a_definition_of_an_application_sees_of_the_environment_what_the_application_may_read() {
    let server = Server::with(|settings| {
        for name in ["stage", "hidden"] {
            settings.environment.insert(name.to_owned(), "canary-of-the-environment".into());
        }
        settings.access.grants.push(grant("ci", "workflow:ci_*", &Permission::ALL));
        settings.access.grants.push(grant("ci", "environment:stage", &[Permission::Read]));
    });
    let ci = server.signed_in("ci");
    let flow = json!([{"name": "ci_looking", "version": 1, "schemaVersion": 2,
        "tasks": [{"name": "n", "taskReferenceName": "n", "type": "NOOP"}],
        "outputParameters": {"may": "${workflow.env.stage}", "may_not": "${workflow.env.hidden}", "gone": "${workflow.env.gone}",
            "all": "${workflow.env}"}}]);
    assert_eq!(server.client(Some(&ci), "PUT", "/api/metadata/workflow", &flow).status, 200);
    let id = server.client(Some(&ci), "POST", "/api/workflow/ci_looking", &json!({})).body;
    let output = server.until(&format!("/api/workflow/{id}"), |view| view["status"] == "COMPLETED")["output"].clone();
    let value = "canary-of-the-environment";
    assert_eq!(output, json!({"may": value, "may_not": null, "gone": null, "all": {"stage": value}}));
    for (name, status) in [("stage", 200), ("hidden", 403)] {
        let def = json!([{"name": "ci_work", "runtimeMetadata": [name]}]);
        assert_eq!(server.client(Some(&ci), "POST", "/api/metadata/taskdefs", &def).status, status, "{name}");
    }
}

#[test]
fn who_may_change_a_schedule_gets_nothing_of_what_it_hides_by_having_it_start_something_else() {
    let server = Server::with(|settings| {
        settings.access.grants.push(grant("ci", "workflow:*", &Permission::ALL));
        settings.access.grants.push(grant("ci", "schedule:*", &Permission::ALL));
    });
    let wait = task("w", "WAIT", &json!({}));
    let flow = |name: &str, masked: &[&str]| json!({"name": name, "version": 1, "schemaVersion": 2, "tasks": [wait], "maskedFields": masked});
    server.json("PUT", "/api/metadata/workflow", &json!([flow("hides", &["pin"]), flow("shows", &[])]));
    let schedule = |name: &str, pin: &str| {
        json!({"name": "nightly", "cronExpression": "0 0 0 1 1 *",
        "startWorkflowRequest": {"name": name, "input": {"pin": pin}}})
    };
    let path = "/api/scheduler/schedules";
    assert_eq!(server.json("POST", path, &schedule("hides", "canary-of-the-schedule")).status, 200);
    let ci = server.signed_in("ci");
    let shown = server.client(Some(&ci), "GET", &format!("{path}/nightly"), &Value::Null).json();
    assert_eq!(shown["startWorkflowRequest"]["input"]["pin"], "***");
    let started = |name: &str| {
        assert_eq!(server.client(Some(&ci), "POST", path, &schedule(name, "***")).status, 200);
        let started = server.client(Some(&ci), "POST", "/api/keytide/schedules/nightly/trigger", &json!({}));
        assert_eq!(started.status, 200, "{started:?}");
        server.client(Some(&ci), "GET", "/api/workflow/search", &Value::Null).body
    };
    assert!(!started("hides").contains("canary-of-the-schedule"));
    assert!(!started("shows").contains("canary-of-the-schedule"));
    // A definition that the request brings shows it as well.
    assert_eq!(server.json("POST", path, &schedule("hides", "canary-of-the-schedule")).status, 200);
    let mut brings = schedule("hides", "***");
    brings["startWorkflowRequest"]["workflowDef"] = flow("shows", &[]);
    assert_eq!(server.client(Some(&ci), "POST", path, &brings).status, 200);
    let started = server.client(Some(&ci), "POST", "/api/keytide/schedules/nightly/trigger", &json!({}));
    assert_eq!(started.status, 200, "{started:?}");
    let found = server.client(Some(&ci), "GET", "/api/workflow/search", &Value::Null).body;
    assert!(!found.contains("canary-of-the-schedule"), "{found}");
}

#[test]
fn a_definition_that_a_schedule_brings_acts_as_who_made_the_schedule_whoever_starts_it() {
    let server = Server::with(|settings| {
        settings.access.grants.push(grant("ci", "workflow:ci_*", &Permission::ALL));
        settings.access.grants.push(grant("ci", "schedule:*", &Permission::ALL));
    });
    assert_eq!(server.json("PUT", "/api/secrets/vault", &json!(VALUE)).status, 200);
    let ci = server.signed_in("ci");
    let takes = task(
        "t",
        "INLINE",
        &json!({"evaluatorType": "javascript", "expression": "$.t.length", "t": "${workflow.secrets.vault}"}),
    );
    let schedule = |workflow: &str| {
        let brought = json!({"name": workflow, "version": 1, "schemaVersion": 2, "tasks": [takes]});
        json!({"name": "nightly", "cronExpression": "0 0 0 1 1 *", "startWorkflowRequest": {"name": "ci_named", "workflowDef": brought}})
    };
    let save =
        |workflow: &str| server.client(Some(&ci), "POST", "/api/scheduler/schedules", &schedule(workflow)).status;
    assert_eq!((save("others"), save("ci_brought")), (403, 200), "it runs under a name that others may see");
    let started = server.json("POST", "/api/keytide/schedules/nightly/trigger", &json!({})).body;
    let view = server.until(&format!("/api/workflow/{started}"), |view| view["status"] != "RUNNING");
    let reason = view["reasonForIncompletion"].to_string();
    assert!(view["status"] == "FAILED" && reason.contains("missing or not granted"), "{view}");
    assert_eq!(view["workflowName"], "ci_brought");
}

#[test]
fn who_may_run_a_workflow_of_somebody_else_gives_its_tasks_no_data() {
    let server = Server::with(|settings| {
        settings.access.grants.push(grant(
            "ci",
            "workflow:*",
            &[Permission::Execute, Permission::Read, Permission::Create],
        ));
    });
    let ci = server.signed_in("ci");
    let fetch = task("fetch", "INLINE", &json!({"evaluatorType": "javascript", "expression": "'fetched-value'"}));
    let store = |value: &str| {
        task("store", "UPDATE_SECRET", &json!({"_secrets": {"secretKey": "vault", "secretValue": value}}))
    };
    let flow = |name: &str, tasks: Value| json!([{"name": name, "version": 1, "schemaVersion": 2, "tasks": tasks}]);
    let rotate = flow("rotate", json!([task("wait", "WAIT", &json!({})), fetch, store("${fetch.output.result}")]));
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &rotate).status, 200);
    let own = flow("own", json!([fetch]));
    assert_eq!(server.client(Some(&ci), "PUT", "/api/metadata/workflow", &own).status, 200);
    let ask = |method: &str, path: &str, body: &Value| server.client(Some(&ci), method, path, body);
    let start = |name: &str| ask("POST", &format!("/api/workflow/{name}"), &json!({})).body;
    let ended = |id: &str| server.until(&format!("/api/workflow/{id}"), |view| view["status"] != "RUNNING");

    let id = start("rotate");
    let skip = format!("/api/workflow/{id}/skiptask/fetch");
    for data in [json!({"taskOutput": {"result": "evil-value"}}), json!({"taskInput": {"result": "evil-value"}})] {
        assert_eq!(ask("PUT", &skip, &data).status, 403, "{data}");
    }
    assert_eq!(ask("POST", &format!("/api/tasks/{id}/wait/COMPLETED"), &json!({})).status, 200);
    let view = ended(&id);
    assert_eq!(view["status"], "COMPLETED", "{view}");
    let from = &view["tasks"][2]["taskId"];
    let evil = json!({"_secrets": {"secretKey": "another", "secretValue": "evil-value"}});
    let rerun = format!("/api/workflow/{id}/rerun");
    let refused = ask("POST", &rerun, &json!({"reRunFromTaskId": from, "taskInput": evil}));
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(
        ask("POST", &rerun, &json!({"reRunFromTaskId": from, "taskInput": {}})).status,
        200,
        "nothing is no data"
    );
    ended(&id);
    assert_eq!(server.get("/api/secrets/another").status, 404);
    assert_eq!(server.get("/api/secrets/vault").body, "fetched-value");

    let id = start("own");
    let from = &ended(&id)["tasks"][0]["taskId"];
    let given = json!({"reRunFromTaskId": from, "taskInput": {"evaluatorType": "javascript", "expression": "'given'"}});
    assert_eq!(ask("POST", &format!("/api/workflow/{id}/rerun"), &given).status, 200, "what it made itself");
    assert_eq!(ended(&id)["tasks"][0]["outputData"]["result"], "given");
    let skip = json!({"taskOutput": {"result": "given"}});
    let waits = start("rotate");
    assert_eq!(server.json("PUT", &format!("/api/workflow/{waits}/skiptask/fetch"), &skip).status, 200, "the owner");
}

#[test]
fn a_further_version_of_a_workflow_changes_it_and_takes_update() {
    let server = Server::with(|settings| settings.access.grants.push(grant("ci", "workflow:*", &[Permission::Create])));
    let flow = |name: &str, version: i32| json!([{"name": name, "version": version, "tasks": [task("w", "WAIT", &json!({}))]}]);
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &flow("rotate", 1)).status, 200);
    let ci = server.signed_in("ci");
    let put = |name: &str, version: i32| {
        server.client(Some(&ci), "PUT", "/api/metadata/workflow", &flow(name, version)).status
    };
    assert_eq!((put("rotate", 2), put("own", 1), put("own", 2)), (403, 200, 403));
    assert_eq!(server.get("/api/metadata/workflow/rotate").json()["version"], 1);
}

#[test]
fn that_an_execution_is_quarantined_is_told_to_who_may_read_it() {
    let server =
        Server::with(|settings| settings.access.grants.push(grant("reader", "workflow:broken", &[Permission::Read])));
    let flow = json!([{"name": "broken", "version": 1, "tasks": [task("w", "WAIT", &json!({}))]}]);
    server.json("PUT", "/api/metadata/workflow", &flow);
    let id = server.json("POST", "/api/workflow/broken", &json!({})).body;
    let tokens = ["reader", "stranger"].map(|name| server.signed_in(name));
    let journal = rusqlite::Connection::open(server.folder().join(".keytide/journal.db")).unwrap();
    journal.execute_batch("UPDATE records SET body = x'00'").unwrap();
    drop(journal);
    let server = server.restarted_with(|settings| {
        settings.access.grants.push(grant("reader", "workflow:broken", &[Permission::Read]));
    });
    for (method, path) in
        [("GET", ""), ("PUT", "/pause"), ("POST", "/restart?useLatestDefinitions=true"), ("DELETE", "/remove")]
    {
        let ask = |token: &str, id: &str| {
            server.client(Some(token), method, &format!("/api/workflow/{id}{path}"), &Value::Null)
        };
        let missing = "00000000-0000-7000-8000-000000000001";
        let (there, gone) = (ask(&tokens[1], &id), ask(&tokens[1], missing));
        assert_eq!((there.status, there.body.replace(&id, missing)), (404, gone.body), "{method} {path}");
        assert_ne!(ask(&tokens[0], &id).status, 404, "{method} {path}");
    }
    assert!(ask_body(&server, &tokens[0], &id).contains("quarantined"));
}

fn ask_body(server: &Server, token: &str, id: &str) -> String {
    server.client(Some(token), "GET", &format!("/api/workflow/{id}"), &Value::Null).body
}
