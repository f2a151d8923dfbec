use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::metadata::noop;
use crate::server::Server;

#[test]
fn a_schedule_is_saved_held_and_removed() {
    let server = Server::new();
    assert_eq!(server.json("POST", "/api/metadata/workflow", &noop("w", 1)).status, 200);
    let schedule = json!({
        "name": "s",
        "cronExpression": "0 0 3 ? * MON",
        "startWorkflowRequest": {"name": "w", "version": "", "priority": "", "input": {"a": 1}},
    });
    let saved = server.json("POST", "/api/scheduler/schedules", &schedule);
    assert_eq!(saved.status, 200, "{saved:?}");
    assert_eq!(saved.json()["zoneId"], "UTC");
    let path = "/api/scheduler/schedules/s";
    let until_next = |wanted: bool| server.until(path, |schedule| schedule["nextRunTime"].is_i64() == wanted);
    until_next(true);
    assert_eq!(server.get("/api/scheduler/schedules?workflowName=w").json()[0]["name"], "s");
    assert_eq!(server.get("/api/scheduler/schedules?workflowName=x").json(), json!([]));
    assert_eq!(server.get(&format!("{path}/pause?reason=holiday")).status, 200, "Orkes' verb");
    assert_eq!(until_next(false)["pausedReason"], "holiday");
    assert_eq!(server.get("/api/scheduler/schedules/search?paused=true").json()["totalHits"], 1);
    assert_eq!(server.send("PUT", &format!("{path}/resume"), &[], b"").status, 200, "Conductor's verb");
    assert_eq!(until_next(true)["paused"], false);
    let held = server.json("PUT", "/api/scheduler/bulk/pause", &json!(["s", "zz"])).json();
    assert_eq!(held["bulkSuccessfulResults"], json!(["s"]));
    assert!(held["bulkErrorResults"]["zz"].is_string());
    assert_eq!(server.get("/api/scheduler/schedules/zz/pause").status, 404);
    assert_eq!(server.get("/api/scheduler/search/executions?query=scheduleName%20IN%20(s)").json()["totalHits"], 0);

    let run = server.send("POST", "/api/keytide/schedules/s/trigger", &[], b"");
    assert_eq!(run.status, 200, "{run:?}");
    assert_eq!(server.get(&format!("/api/workflow/{}", run.body)).json()["input"]["a"], 1);
    assert_eq!(server.send("DELETE", path, &[], b"").status, 200);
    assert_eq!(server.send("DELETE", path, &[], b"").status, 200, "it is gone already");
    assert_eq!(server.get(path).status, 404);
}

#[test]
fn a_schedule_that_cannot_be_is_refused() {
    let server = Server::new();
    let start = json!({"name": "w"});
    for schedule in [
        json!({"name": "s", "cronExpression": "every tuesday", "startWorkflowRequest": start}),
        json!({"name": "s", "cronExpression": "0 3 * * *", "startWorkflowRequest": start}),
        json!({"name": "s", "cronExpression": "0 0 3 * * *", "zoneId": "Mars/Olympus", "startWorkflowRequest": start}),
        json!({"name": "s", "cronExpression": "0 0 3 * * *"}),
        json!({"cronExpression": "0 0 3 * * *", "startWorkflowRequest": start}),
        json!(7),
    ] {
        let refused = server.json("POST", "/api/scheduler/schedules", &schedule);
        assert_eq!(refused.status, 400, "{schedule} {refused:?}");
    }
}

#[test]
fn the_next_times_of_an_expression_are_told() {
    let server = Server::new();
    let times = |query: &str| server.get(&format!("/api/scheduler/nextFewSchedules?{query}"));
    let hours = times("cronExpression=0%200%20*%20*%20*%20*&scheduleStartTime=4102444800000").json();
    assert_eq!(hours, json!([4_102_444_800_000_i64, 4_102_448_400_000_i64, 4_102_452_000_000_i64]));
    assert_eq!(times("cronExpression=@hourly&limit=9").json().as_array().map(Vec::len), Some(5));
    assert_eq!(times("cronExpression=0%200%200%2031%202%20*").json(), json!([]));
    assert_eq!(times("cronExpression=nonsense").status, 400);
    assert_eq!(times("").status, 400);
    assert_eq!(times("cronExpression=@hourly&scheduleEndTime=soon").status, 400);
}

#[test]
fn the_input_of_a_schedule_is_masked_and_survives_being_sent_back() {
    let server = Server::new();
    let mut workflow = noop("w", 1);
    workflow["maskedFields"] = json!(["pin"]);
    assert_eq!(server.json("POST", "/api/metadata/workflow", &workflow).status, 200);
    assert_eq!(server.send("PUT", "/api/secrets/token", &[], b"canary-stored-77aa").status, 200);
    let input = json!({
        "_secrets": {"key": "canary-structure-01"},
        "pin": 4242,
        "header": "Bearer canary-stored-77aa",
        "plain": "seen",
    });
    let request = json!({"name": "w", "input": input});
    let schedule = json!({"name": "s", "cronExpression": "0 0 3 ? * MON", "startWorkflowRequest": request});
    let saved = server.json("POST", "/api/scheduler/schedules", &schedule);
    assert_eq!(saved.status, 200, "{saved:?}");
    let path = "/api/scheduler/schedules/s";
    for seen in [
        &saved,
        &server.get(path),
        &server.get("/api/scheduler/schedules"),
        &server.get("/api/scheduler/schedules/search"),
    ] {
        assert!(!seen.body.contains("canary") && !seen.body.contains("4242"), "{}", seen.body);
        assert!(seen.body.contains("seen"), "{}", seen.body);
    }
    // A client that changes one field sends all of them back, as it was shown them.
    let mut edited = server.get(path).json();
    assert_eq!(edited["startWorkflowRequest"]["input"]["header"], "Bearer ***");
    edited["startWorkflowRequest"]["input"]["plain"] = json!("changed");
    assert_eq!(server.json("POST", "/api/scheduler/schedules", &edited).status, 200);
    let catalog = server.daemon().handle().catalog();
    let kept = catalog.schedule("s").unwrap().def.start_workflow_request.as_ref().unwrap().input.clone();
    let expected = json!({
        "_secrets": {"key": "canary-structure-01"},
        "pin": 4242,
        "header": "Bearer canary-stored-77aa",
        "plain": "changed",
    });
    assert_eq!(serde_json::Value::Object(kept), expected);
}

#[test]
fn all_schedules_are_held_at_once_and_those_held_before_stay_held() {
    let server = Server::with(|settings| {
        settings.access.grants.push(Grant {
            to: Grantee::parse("app:ci").unwrap(),
            on: GrantTarget::parse("schedule:own").unwrap(),
            access: vec![Permission::Read, Permission::Update],
        });
    });
    assert_eq!(server.json("POST", "/api/metadata/workflow", &noop("w", 1)).status, 200);
    for name in ["own", "other", "held"] {
        let schedule = json!({"name": name, "cronExpression": "0 0 3 ? * MON", "startWorkflowRequest": {"name": "w"}});
        assert_eq!(server.json("POST", "/api/scheduler/schedules", &schedule).status, 200);
    }
    server.send("PUT", "/api/scheduler/schedules/held/pause?reason=holiday", &[], b"");
    let paused = || {
        let found = server.get("/api/scheduler/schedules/search?paused=true").json();
        let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
        found["results"].as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    let ask = |verb: &str| {
        let answer = server.get(&format!("/api/scheduler/admin/{verb}"));
        assert_eq!((answer.status, answer.json()), (200, json!({"status": "done"})));
    };
    ask("pause");
    assert_eq!(paused(), ["held", "other", "own"]);
    assert_eq!(server.get("/api/scheduler/schedules/held").json()["pausedReason"], "holiday");
    let ci = server.signed_in("ci");
    assert_eq!(server.client(Some(&ci), "GET", "/api/scheduler/admin/resume", &Value::Null).status, 200);
    assert_eq!(paused(), ["held", "other"], "who may not hold the others does not let them go");
    ask("resume");
    ask("requeue");
    assert_eq!(paused(), ["held"]);
}
