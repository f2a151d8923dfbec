//! An application that is removed, and one that has its name afterwards.

use std::time::Duration;

use serde_json::{Value, json};

use super::timing::pass;
use super::world::{Served, World, put, single, worker_task};
use crate::daemon::Error;
use crate::engine::Operation;
use crate::words::{ExecutionId, Grant, GrantTarget, Grantee, Owner, Permission, WorkflowStatus};
use crate::workflow::definition::StartWorkflowRequest;

const CANARY: &str = "canary-of-what-was-granted";
const GONE: &str = "Security Error: app:ci was removed";

/// Makes an application `ci` that may do everything.
fn all_powerful(served: &Served<'_>) -> Owner {
    let ci = served.ask(served.handle.create_application(&Owner::Local, "ci".to_owned())).unwrap().as_owner();
    for on in ["secret:*", "workflow:*", "schedule:*"] {
        let (to, on) = (Grantee::parse("app:ci").unwrap(), GrantTarget::parse(on).unwrap());
        served.ask(served.handle.grant(&Owner::Local, Grant { to, on, access: Permission::ALL.to_vec() })).unwrap();
    }
    ci
}

fn remove(served: &Served<'_>) {
    served.ask(served.handle.remove_application(&Owner::Local, "ci".to_owned())).unwrap();
}

fn register(served: &Served<'_>, who: &Owner, definition: Value) {
    let definition = serde_json::from_value(definition).unwrap();
    served.ask(served.handle.register_workflows(who, vec![definition], true)).unwrap();
}

fn start(served: &Served<'_>, who: &Owner, name: &str) -> Result<ExecutionId, Error> {
    let request: StartWorkflowRequest = serde_json::from_value(json!({"name": name})).unwrap();
    served.ask(served.handle.start(who, request))
}

fn polled(served: &Served<'_>, who: &Owner) -> Vec<Value> {
    let queue = crate::daemon::Queue { name: "carry".to_owned(), domain: None };
    served.ask(served.handle.poll(who, Box::new(|| true), queue, None, 10, Duration::ZERO)).unwrap()
}

#[test]
fn what_a_removed_application_left_never_acts_with_the_rights_of_one_that_has_its_name() {
    let world = World::new();
    world.store().update(vec![put("token", CANARY)]).unwrap();
    let served = world.serve();
    let ci = all_powerful(&served);
    register(&served, &ci, single("carries", &worker_task(&json!({"token": "${workflow.secrets.token}"}))));
    let id = start(&served, &ci, "carries").unwrap();

    remove(&served);
    let another = all_powerful(&served);
    assert_ne!(ci, another);
    assert_eq!(ci.to_string(), another.to_string(), "people see the name");
    assert_eq!(polled(&served, &another), Vec::<Value>::new());
    assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    let view = served.view(id);
    assert!(view["reasonForIncompletion"].as_str().unwrap().contains(GONE), "{view:#}");
    for who in [&Owner::Local, &another] {
        let refused = start(&served, who, "carries").unwrap_err();
        assert!(refused.to_string().contains(GONE), "{refused}");
        served.ask(served.handle.operate(who, id, Operation::Restart)).unwrap();
        assert_eq!(polled(&served, who), Vec::<Value>::new());
        assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    }
    assert!(start(&served, &ci, "carries").is_err(), "a token that is still good for a moment");

    register(&served, &another, single("carries", &worker_task(&json!({"token": "${workflow.secrets.token}"}))));
    start(&served, &another, "carries").unwrap();
    assert_eq!(polled(&served, &another)[0]["inputData"]["token"], CANARY, "what is its own it may do");
    served.stop();
}

#[test]
fn grants_go_with_the_application_that_they_name() {
    let world = World::new();
    let served = world.serve();
    all_powerful(&served);
    remove(&served);
    assert_eq!(served.ask(async { served.handle.grants(&Owner::Local) }).unwrap(), []);
    let another = served.ask(served.handle.create_application(&Owner::Local, "ci".to_owned())).unwrap().as_owner();
    assert!(matches!(start(&served, &another, "anything"), Err(Error::NotFound(_) | Error::Denied(_))));
    served.stop();
}

#[test]
fn a_schedule_of_a_removed_application_is_paused_at_its_next_slot() {
    let (world, clock) = World::standing_still("2026-11-20T12:00:00Z");
    let noop = json!({"name": "nothing", "taskReferenceName": "nothing", "type": "NOOP"});
    let served = world.serve();
    let ci = all_powerful(&served);
    register(&served, &ci, single("tick", &noop));
    let schedule = json!({"name": "ticking", "cronExpression": "0 * * * * *", "zoneId": "UTC",
        "startWorkflowRequest": {"name": "tick"}});
    served.ask(served.handle.save_schedule(&ci, serde_json::from_value(schedule).unwrap())).unwrap();
    remove(&served);
    all_powerful(&served);
    pass(&served, &clock, Duration::from_mins(1));
    let paused = served.schedule("ticking").unwrap();
    assert_eq!(paused["paused"], true);
    assert!(paused["pausedReason"].as_str().unwrap().starts_with(GONE), "{paused:#}");
    served.problem(&["schedule ticking", "it is paused", GONE]);
    served.stop();
}
