//! A schedule whose owner loses the right to what it starts.

use std::time::Duration;

use serde_json::{Value, json};

use super::timing::pass;
use super::world::{Served, World, single};
use crate::daemon::Hold;
use crate::journal::{AuditQuery, SlotOutcome};
use crate::words::{Grant, GrantTarget, Grantee, Owner, Permission};

const MINUTE: Duration = Duration::from_mins(1);
const REASON: &str = "Security Error: app:ci may not EXECUTE workflow `tick`";

fn grant(on: &str, access: &[Permission]) -> Grant {
    let (to, on) = (Grantee::parse("app:ci").unwrap(), GrantTarget::parse(on).unwrap());
    Grant { to, on, access: access.to_vec() }
}

fn may_execute() -> Grant {
    grant("workflow:tick", &[Permission::Execute])
}

/// Has an application own a schedule that it may start.
fn schedule(served: &Served<'_>) {
    let ci = served.ask(served.handle.create_application(&Owner::Local, "ci".to_owned())).unwrap().as_owner();
    served.ask(served.handle.grant(&Owner::Local, may_execute())).unwrap();
    let all = grant("schedule:ticking", &[Permission::Create, Permission::Update, Permission::Read]);
    served.ask(served.handle.grant(&Owner::Local, all)).unwrap();
    let schedule = json!({"name": "ticking", "cronExpression": "0 * * * * *", "zoneId": "UTC",
        "startWorkflowRequest": {"name": "tick"}});
    served.ask(served.handle.save_schedule(&ci, serde_json::from_value(schedule).unwrap())).unwrap();
}

fn fired(served: &Served<'_>) -> usize {
    served.slots().iter().filter(|slot| slot.outcome == SlotOutcome::Fired).count()
}

/// Returns who paused the schedule by the audit, each time.
fn paused_by(served: &Served<'_>) -> Vec<Value> {
    let query =
        AuditQuery { since: None, secret: None, actor: None, run: None, before: None, count: 1_000, brief: false };
    let entries = served.ask(served.handle.audit(&Owner::Local, query)).unwrap().entries;
    entries.iter().filter(|entry| entry["action"] == "pause").map(|entry| entry["actor"]["name"].clone()).collect()
}

#[test]
fn a_schedule_whose_owner_loses_the_right_is_paused_until_a_person_resumes_it() {
    let (world, clock) = World::standing_still("2026-11-20T12:00:00Z");
    let noop = json!({"name": "nothing", "taskReferenceName": "nothing", "type": "NOOP"});
    world.write("workflows/tick.json", single("tick", &noop).to_string());
    let served = world.serve();
    schedule(&served);
    pass(&served, &clock, MINUTE);
    assert_eq!(fired(&served), 1);

    served.ask(served.handle.revoke(&Owner::Local, may_execute())).unwrap();
    assert_eq!(served.schedule("ticking").unwrap()["paused"], false, "it waits for what is due");
    served.problem(&["schedule ticking", "it cannot start", REASON]);
    pass(&served, &clock, MINUTE);
    let paused = served.schedule("ticking").unwrap();
    assert_eq!(paused["paused"], true);
    assert!(paused["pausedReason"].as_str().unwrap().starts_with(REASON), "{paused:#}");
    let slot = served.slots().pop().unwrap();
    assert!(matches!(&slot.outcome, SlotOutcome::Failed { reason } if reason.starts_with(REASON)), "{slot:?}");
    served.problem(&["schedule ticking", "it is paused", REASON, "keytide schedule resume ticking"]);
    let slots = served.slots().len();
    pass(&served, &clock, MINUTE);
    assert_eq!(served.slots().len(), slots, "a paused schedule has no slots");
    assert_eq!(paused_by(&served), [json!("keytide")]);
    served.stop();

    let served = world.serve();
    assert_eq!(served.schedule("ticking").unwrap()["paused"], true, "the journal knows");
    served.ask(served.handle.grant(&Owner::Local, may_execute())).unwrap();
    pass(&served, &clock, MINUTE);
    assert_eq!(fired(&served), 1, "it is a person who lets it go on");
    served.problem(&["schedule ticking", "it is paused", REASON]);
    served.ask(served.handle.hold_schedule(&Owner::Local, "ticking", Hold::Resume)).unwrap();
    pass(&served, &clock, MINUTE);
    assert_eq!(fired(&served), 2);
    served.has_no_problem();
    served.stop();
}

#[test]
fn one_that_is_resumed_without_the_right_is_paused_again_and_one_without_a_workflow_is_not() {
    let (world, clock) = World::standing_still("2026-11-20T12:00:00Z");
    let noop = json!({"name": "nothing", "taskReferenceName": "nothing", "type": "NOOP"});
    world.write("workflows/tick.json", single("tick", &noop).to_string());
    let missing = json!({"name": "gone", "cronExpression": "0 * * * * *", "zoneId": "UTC",
        "startWorkflowRequest": {"name": "never_there"}});
    world.write("workflows/gone.json", missing.to_string());
    let served = world.serve();
    schedule(&served);
    served.ask(served.handle.revoke(&Owner::Local, may_execute())).unwrap();
    for round in 1..3 {
        pass(&served, &clock, MINUTE);
        assert_eq!(served.schedule("ticking").unwrap()["paused"], true);
        assert_eq!(paused_by(&served).len(), round);
        served.ask(served.handle.hold_schedule(&Owner::Local, "ticking", Hold::Resume)).unwrap();
    }
    assert_eq!(served.schedule("gone").unwrap()["paused"], false, "a file that comes late must not stop a rotation");
    served.stop();
}
