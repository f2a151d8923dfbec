//! The end of the process, and what the next one finds.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli::demo::issuer::Fault;
use crate::daemon::{Daemon, Error, Recovery};
use crate::engine::Operation;
use crate::settings::Settings;
use crate::words::WorkflowStatus;

use super::world::{Served, TOKEN, World, rotation, single, worker_task};

/// How long the issuer thinks about it.
const THINKING: Duration = Duration::from_secs(1);
/// The same where a stop must not wait for it, on a machine that is busy too.
const LONG: Duration = Duration::from_secs(8);

/// Starts a rotation and waits until the issuer has issued the token and not said so.
fn start_slow_rotation(world: &World, served: &Served<'_>, thinking: Duration) -> crate::words::ExecutionId {
    world.issuer.fail_next(Fault::SlowReply(thinking));
    let id = served.start(rotation(&world.issuer.token_url()));
    served.until("the call", || (world.issuer.counts().issued == 1).then_some(()));
    id
}

#[test]
fn a_stop_waits_for_the_call_in_flight_and_its_token_is_stored() {
    let world = World::new();
    let served = world.serve();
    let id = start_slow_rotation(&world, &served, THINKING);
    assert!(served.is_busy());
    served.stop();
    let served = world.serve();
    assert_eq!(served.end_of(id), WorkflowStatus::Completed, "{:#}", served.view(id));
    assert_eq!(served.secret(TOKEN), Some(world.issued()));
    assert_eq!(world.issuer.counts().issued, 1);
    served.stop();
}

#[test]
fn a_stop_with_nothing_in_flight_is_quick_and_starts_nothing() {
    let world = World::new();
    let served = world.serve();
    let id = served.start(single("carrying", &worker_task(&json!({}))));
    let begin = Instant::now();
    served.stop();
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "half of what a call in flight would get: {:?}",
        begin.elapsed()
    );
    let served = world.serve();
    assert_eq!(served.view(id)["status"], "RUNNING");
    served.stop();
}

#[test]
fn a_stop_in_a_hurry_ends_at_once_and_the_call_is_in_doubt() {
    let world = World::new();
    let served = world.serve();
    let id = start_slow_rotation(&world, &served, LONG);
    let begin = Instant::now();
    served.hurry();
    assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
    let served = world.serve();
    assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    let reason = served.view(id)["reasonForIncompletion"].as_str().unwrap().to_owned();
    assert!(reason.contains("in doubt: keytide stopped"), "{reason}");
    served.problem(&[&id.to_string(), "in doubt", TOKEN]);
    assert_eq!(world.issuer.counts().issued, 1, "the call is not repeated");
    served.operate(id, Operation::Retry).unwrap();
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    served.has_no_problem();
    served.stop();
}

#[test]
fn a_terminated_run_is_not_cut_and_its_late_token_makes_it_unstored() {
    let world = World::new();
    let served = world.serve();
    let id = start_slow_rotation(&world, &served, THINKING);
    served.operate(id, Operation::Terminate { reason: Some("by hand".to_owned()) }).unwrap();
    assert_eq!(served.end_of(id), WorkflowStatus::Terminated);
    served.problem(&[&id.to_string(), "could not store it", TOKEN]);
    let allow = crate::secret::Allow::default();
    let rescue = served.handle.rescue(&crate::words::Owner::Local, id, "token", TOKEN, allow);
    served.ask(rescue).unwrap();
    assert_eq!(served.secret(TOKEN), Some(world.issued()));
    served.has_no_problem();
    served.stop();
}

#[test]
fn a_second_daemon_on_the_same_folder_is_a_conflict() {
    let world = World::new();
    let served = world.serve();
    let second = Daemon::start(&world.config(Settings::default(), Recovery::OwnOnly));
    assert!(matches!(second, Err(Error::Conflict(_))));
    served.stop();
    world.serve().stop();
}

#[test]
fn a_one_shot_leaves_what_others_started() {
    let world = World::new();
    let served = world.serve();
    let id = served.start(single("carrying", &worker_task(&json!({}))));
    served.stop();
    let one_shot = Daemon::start(&world.config(Settings::default(), Recovery::OwnOnly)).unwrap();
    assert_eq!(one_shot.left(), [id]);
    let watched = one_shot.runtime().block_on(one_shot.handle().watch(id, None, async || ()));
    assert_eq!(watched.unwrap(), None, "who waits for it waits in vain");
    one_shot.stop(|| false);
}

/// Lets the journal take no events, or take them again.
fn block_journal(world: &World, blocked: bool) {
    let journal = rusqlite::Connection::open(world.at(".keytide/journal.db")).unwrap();
    journal.busy_timeout(Duration::from_secs(5)).unwrap();
    let sql = if blocked {
        "CREATE TRIGGER blocked BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'no'); END"
    } else {
        "DROP TRIGGER blocked"
    };
    journal.execute_batch(sql).unwrap();
}

#[test]
fn a_stop_waits_for_a_journal_that_works_again() {
    let world = World::new();
    let served = world.serve();
    let id = start_slow_rotation(&world, &served, THINKING);
    block_journal(&world, true);
    let looks = std::cell::Cell::new(0);
    let lost = served.stop_unless(|| {
        looks.set(looks.get() + 1);
        // The call takes 15 looks: by then its answer has been refused.
        if looks.get() == 40 {
            block_journal(&world, false);
        }
        false
    });
    assert_eq!(lost, []);
    assert!(looks.get() >= 40, "it did not give up");
    let served = world.serve();
    assert_eq!(served.end_of(id), WorkflowStatus::Completed, "{:#}", served.view(id));
    assert_eq!(served.secret(TOKEN), Some(world.issued()));
    served.stop();
}

#[test]
fn a_stop_that_loses_an_answer_names_the_run_and_the_secret() {
    let world = World::new();
    let served = world.serve();
    let id = start_slow_rotation(&world, &served, THINKING);
    block_journal(&world, true);
    let looks = std::cell::Cell::new(0);
    let lost = served.stop_unless(|| {
        looks.set(looks.get() + 1);
        looks.get() > 400
    });
    assert_eq!(lost.len(), 1);
    let told = lost[0].to_string();
    assert!(told.contains(&id.to_string()) && told.contains(TOKEN) && told.contains("is lost"), "{told}");
    block_journal(&world, false);
    let served = world.serve();
    assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    served.problem(&[&id.to_string(), "in doubt", TOKEN]);
    served.stop();
}
