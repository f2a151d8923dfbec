//! Schedules over restarts, pauses and long runs; timers.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::ManualClock;
use crate::daemon::{Hold, Queue};
use crate::engine::WorkerUpdate;
use crate::journal::SlotOutcome;
use crate::words::{Owner, Payload, RunNumber, TaskStatus, WorkflowStatus};

use super::world::{Served, World, single, worker_task};

const NOON: &str = "2026-11-20T12:00:00Z";
const MINUTE: Duration = Duration::from_mins(1);

fn each_minute(task: &Value, more: &Value) -> String {
    let mut definition = single("tick", task);
    let mut schedule = json!({"name": "ticking", "cronExpression": "0 * * * * *", "zoneId": "UTC"});
    schedule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    definition["schedules"] = json!([schedule]);
    definition.to_string()
}

fn noop() -> Value {
    json!({"name": "nothing", "taskReferenceName": "nothing", "type": "NOOP"})
}

pub(super) fn pass(served: &Served<'_>, clock: &Arc<ManualClock>, time: Duration) {
    clock.advance(time);
    served.nudge();
}

#[test]
fn a_slot_is_skipped_while_the_run_before_goes_and_names_it() {
    let (world, clock) = World::standing_still(NOON);
    world.write("workflows/tick.json", each_minute(&worker_task(&json!({})), &json!({})));
    let served = world.serve();
    served.nudge();
    for _ in 0..4 {
        pass(&served, &clock, MINUTE);
    }
    let slots = served.slots();
    assert_eq!(slots[0].outcome, SlotOutcome::Fired);
    let blocked_by = slots[0].execution;
    assert_eq!(slots.len(), 4, "{slots:?}");
    assert!(slots[1..].iter().all(|slot| slot.outcome == SlotOutcome::Skipped { blocked_by }), "{slots:?}");
    served.problem(&["ticking", "skipped", &blocked_by.to_string()]);
    served.operate(blocked_by, crate::engine::Operation::Terminate { reason: None }).unwrap();
    pass(&served, &clock, MINUTE);
    assert_eq!(served.slots().last().unwrap().outcome, SlotOutcome::Fired);
    served.has_no_problem();
    served.stop();
}

#[test]
fn a_schedule_fires_the_definition_that_it_brings() {
    let (world, clock) = World::standing_still(NOON);
    world.write("workflows/named.json", single("tick", &worker_task(&json!({}))).to_string());
    let schedule = json!({"name": "ticking", "cronExpression": "0 * * * * *", "zoneId": "UTC",
        "startWorkflowRequest": {"name": "tick", "workflowDef": single("brought", &noop())}});
    world.write("workflows/ticking.json", schedule.to_string());
    let served = world.serve();
    served.nudge();
    pass(&served, &clock, MINUTE);
    let slots = served.slots();
    assert_eq!((slots.len(), &slots[0].outcome), (1, &SlotOutcome::Fired), "{slots:?}");
    let view = served.view(slots[0].execution);
    assert_eq!((&view["workflowName"], &view["status"]), (&json!("brought"), &json!("COMPLETED")));
    assert_eq!(slots[0].workflow, "brought");
    served.has_no_problem();
    served.stop();
}

#[test]
fn missed_slots_are_caught_up_with_one_after_another_where_asked() {
    let (world, clock) = World::standing_still(NOON);
    world.write("workflows/tick.json", each_minute(&noop(), &json!({"runCatchupScheduleInstances": true})));
    let served = world.serve();
    pass(&served, &clock, MINUTE);
    assert_eq!(served.slots().len(), 1);
    served.stop();
    clock.advance(4 * MINUTE);
    let served = world.serve();
    let slots = served.until("every missed slot", || Some(served.slots()).filter(|slots| slots.len() >= 5));
    assert!(slots.iter().all(|slot| slot.outcome == SlotOutcome::Fired), "{slots:?}");
    assert!(slots.windows(2).all(|pair| pair[1].due.since(pair[0].due) == MINUTE), "{slots:?}");
    served.stop();
}

#[test]
fn missed_slots_are_one_late_run_where_nothing_is_said() {
    let (world, clock) = World::standing_still(NOON);
    world.write("workflows/tick.json", each_minute(&noop(), &json!({})));
    let served = world.serve();
    pass(&served, &clock, MINUTE);
    served.stop();
    clock.advance(4 * MINUTE);
    let served = world.serve();
    served.nudge();
    served.nudge();
    let slots = served.slots();
    assert_eq!(slots.len(), 2, "{slots:?}");
    assert_eq!(slots[1].due.since(slots[0].due), MINUTE, "the late run keeps its time");
    served.stop();
}

#[test]
fn a_paused_schedule_stays_paused_over_a_restart() {
    let (world, clock) = World::standing_still(NOON);
    world.write("workflows/tick.json", each_minute(&noop(), &json!({})));
    let served = world.serve();
    let hold = Hold::Pause(Some("not now".to_owned()));
    served.ask(served.handle.hold_schedule(&Owner::Local, "ticking", hold)).unwrap();
    pass(&served, &clock, 2 * MINUTE);
    served.stop();
    let served = world.serve();
    pass(&served, &clock, 2 * MINUTE);
    let shown = served.schedule("ticking").unwrap();
    assert_eq!((&shown["paused"], &shown["pausedReason"]), (&json!(true), &json!("not now")), "{shown}");
    assert_eq!(served.slots(), []);
    served.ask(served.handle.hold_schedule(&Owner::Local, "ticking", Hold::Resume)).unwrap();
    pass(&served, &clock, MINUTE);
    assert_eq!(served.slots().len(), 1, "only what is due from now on");
    served.stop();
}

#[test]
fn a_wait_goes_on_over_a_restart_and_ends_at_its_time() {
    let (world, clock) = World::standing_still(NOON);
    let wait = json!({
        "name": "wait", "taskReferenceName": "wait", "type": "WAIT", "inputParameters": {"duration": "10 minutes"},
    });
    let served = world.serve();
    let id = served.start(single("waiting", &wait));
    pass(&served, &clock, 9 * MINUTE);
    served.stop();
    let served = world.serve();
    assert_eq!(served.view(id)["status"], "RUNNING");
    pass(&served, &clock, MINUTE);
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    served.stop();
    let served = world.serve();
    assert_eq!(served.view(id)["status"], "COMPLETED");
    served.stop();
}

#[test]
fn a_worker_gets_real_values_and_everybody_else_the_reference() {
    let world = World::new();
    let served = world.serve();
    let id = served.start(single("carrying", &worker_task(&json!({"key": "${workflow.secrets.appKeySecret}"}))));
    let queue = Queue { name: "carry".to_owned(), domain: None };
    let poll =
        served.handle.poll(&Owner::Local, Box::new(|| true), queue, Some("w1".to_owned()), 1, Duration::from_secs(5));
    let tasks = served.ask(poll).unwrap();
    assert_eq!(tasks[0]["inputData"]["key"], super::world::KEY_SECRET);
    assert_eq!(tasks[0]["workflowInstanceId"], id.to_string());
    let view = served.view(id);
    assert_eq!(view["tasks"][0]["inputData"]["key"], "${workflow.secrets.appKeySecret}");
    assert_eq!(view["tasks"][0]["status"], "IN_PROGRESS");
    let output = Payload::new(json!({"said": format!("the key is {}", super::world::KEY_SECRET)}));
    let update = WorkerUpdate {
        status: TaskStatus::Completed,
        output,
        reason: None,
        callback_after_seconds: 0,
        worker_id: Some("w1".to_owned()),
    };
    served.ask(served.handle.update_task(&Owner::Local, id, RunNumber(1), update)).unwrap();
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    assert_eq!(served.view(id)["tasks"][0]["outputData"]["said"], "the key is ***");
    served.stop();
    assert_eq!(world.file_with(super::world::KEY_SECRET), None);
}

#[test]
fn a_schedule_starts_what_its_own_file_defines_and_what_it_is_granted_and_nothing_else() {
    let (world, clock) = World::standing_still(NOON);
    world.write("workflows/own.json", each_minute(&noop(), &json!({"name": "own"})));
    world.write("workflows/other.json", single("secret_rotation", &noop()).to_string());
    let foreign = json!({"name": "foreign", "cronExpression": "0 * * * * *", "zoneId": "UTC",
        "startWorkflowRequest": {"name": "secret_rotation"}});
    world.write("workflows/foreign.json", foreign.to_string());
    world.write("keytide.toml", "[access]\nworkflows = \"granted\"\n");
    let served = world.serve();
    served.problem(&["schedule foreign", "file:workflows/foreign.json may not EXECUTE workflow `secret_rotation`"]);
    served.nudge();
    pass(&served, &clock, MINUTE);
    let became = |served: &Served<'_>, schedule: &str| {
        served.slots().iter().rfind(|slot| slot.schedule == schedule).unwrap().outcome.clone()
    };
    assert_eq!(became(&served, "own"), SlotOutcome::Fired);
    assert!(matches!(became(&served, "foreign"), SlotOutcome::Failed { .. }));
    served.stop();

    let grant = "[[grant]]\nto = \"file:workflows/foreign.json\"\non = \"workflow:secret_*\"\naccess = [\"EXECUTE\"]\n";
    world.write("keytide.toml", format!("[access]\nworkflows = \"granted\"\n{grant}"));
    let served = world.serve();
    served.problem(&["schedule foreign", "it is paused"]);
    served.ask(served.handle.hold_schedule(&Owner::Local, "foreign", Hold::Resume)).unwrap();
    served.has_no_problem();
    pass(&served, &clock, MINUTE);
    assert_eq!(became(&served, "foreign"), SlotOutcome::Fired);
    served.stop();
}
