//! Archiving and purging: what is gone is gone, and what nobody stored stays.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::demo::issuer::Fault;
use crate::clock::ManualClock;
use crate::daemon::{Error, Known};
use crate::engine::Operation;
use crate::settings::{History, Settings};
use crate::words::{App, ExecutionId, Owner, WorkflowStatus};

use serde_json::json;

use super::world::{KEY_SECRET, Served, TOKEN, World, rotation, single};

const HOUR: Duration = Duration::from_hours(1);

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.history = History { retry_window: Duration::ZERO, keep: 2 * HOUR };
    settings
}

fn pass(served: &Served<'_>, clock: &Arc<ManualClock>, time: Duration) {
    clock.advance(time);
    served.nudge();
}

fn is_archived(served: &Served<'_>, id: ExecutionId) -> bool {
    matches!(served.ask(served.handle.read(&Owner::Local, id)), Ok(Known::Archived(_)))
}

#[test]
fn an_archived_run_is_a_masked_snapshot_and_cannot_be_retried_and_is_purged_in_the_end() {
    let (world, clock) = World::standing_still("2026-11-20T12:00:00Z");
    let served = world.serve_with(settings());
    world.issuer.fail_next(Fault::ServerError);
    let failed = served.start(rotation(&world.issuer.token_url()));
    assert_eq!(served.end_of(failed), WorkflowStatus::Failed);
    let done = served.start(rotation(&world.issuer.token_url()));
    assert_eq!(served.end_of(done), WorkflowStatus::Completed);
    let before = served.view(done);
    pass(&served, &clock, HOUR);
    served.until("the archive", || (is_archived(&served, failed) && is_archived(&served, done)).then_some(()));
    assert_eq!(served.view(done), before, "people see what they saw");
    let retried = served.operate(failed, Operation::Retry).unwrap_err();
    assert!(matches!(retried, Error::Conflict(_)));
    assert!(retried.to_string().contains("is archived: its `_secrets` are gone"), "{retried}");
    let allow = crate::secret::Allow::default();
    let rescued = served.ask(served.handle.rescue(&Owner::Local, done, "token", TOKEN, allow)).unwrap_err();
    assert!(rescued.to_string().contains("is archived"), "{rescued}");
    let stranger = Owner::App(App::parse("stranger"));
    let removed = served.ask(served.handle.remove(&stranger, done)).unwrap_err();
    assert!(matches!(removed, Error::NotFound(_)), "an archive is as guarded as a run: {removed}");
    for canary in [world.issued().as_str(), KEY_SECRET] {
        assert_eq!(world.file_with(canary), None);
    }
    served.stop();

    clock.advance(2 * HOUR);
    let served = world.serve_with(settings());
    // The first look is when who waited for the start has been answered.
    pass(&served, &clock, Duration::from_secs(1));
    let gone = |id| matches!(served.ask(served.handle.read(&Owner::Local, id)), Err(Error::NotFound(_)));
    served.until("the purge", || (gone(failed) && gone(done)).then_some(()));
    served.stop();
}

#[test]
fn a_run_that_was_read_is_not_read_any_more_once_it_is_purged() {
    let (world, clock) = World::standing_still("2026-11-20T12:00:00Z");
    let served = world.serve_with(settings());
    let done = served.start(rotation(&world.issuer.token_url()));
    assert_eq!(served.end_of(done), WorkflowStatus::Completed);
    let text = || served.ask(served.handle.workflow_text(&Owner::Local, done, true));
    let before = text().unwrap();
    assert_eq!(text().unwrap(), before);
    pass(&served, &clock, HOUR);
    served.until("the archive", || is_archived(&served, done).then_some(()));
    assert_eq!(text().unwrap(), before, "people see what they saw");
    clock.advance(2 * HOUR);
    served.until("the purge", || {
        served.nudge();
        matches!(text(), Err(Error::NotFound(_))).then_some(())
    });
    served.stop();
}

#[test]
fn a_run_that_could_not_store_is_neither_archived_nor_purged_until_it_is_dismissed() {
    let (world, clock) = World::standing_still("2026-11-20T12:00:00Z");
    let served = world.serve_with(settings());
    let mut definition = rotation(&world.issuer.token_url());
    definition["tasks"][0]["inputParameters"]["outputFilter"]["_secrets"]["token"] =
        "$${retrieve_token.output.response.body.nothing}".into();
    let id = served.start(definition);
    assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    let witness = served.start(rotation(&world.issuer.token_url()));
    assert_eq!(served.end_of(witness), WorkflowStatus::Completed);
    pass(&served, &clock, HOUR);
    served.until("the archive", || is_archived(&served, witness).then_some(()));
    assert!(!is_archived(&served, id));
    served.problem(&[&id.to_string(), TOKEN]);
    served.ask(served.handle.dismiss(&Owner::Local, id)).unwrap();
    served.has_no_problem();
    pass(&served, &clock, HOUR / 2);
    served.until("the archive", || is_archived(&served, id).then_some(()));
    served.stop();
}

#[test]
fn a_quiet_moment_is_used_to_move_the_journals_log() {
    let world = World::new();
    let served = world.serve();
    let database = || std::fs::metadata(world.at(".keytide/journal.db")).unwrap().len();
    let before = database();
    let nothing = json!({"name": "nothing", "taskReferenceName": "nothing", "type": "NOOP"});
    for _ in 0..40 {
        served.end_of(served.start(single("idle", &nothing)));
    }
    // Far fewer pages than SQLite waits for.
    served.until("the move", || (database() > before).then_some(()));
    served.stop();
}

#[test]
fn what_was_removed_before_a_kill_is_wiped_by_the_next_process() {
    let world = World::new();
    let served = world.serve();
    let id = served.start(rotation(&world.issuer.token_url()));
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    let journal = rusqlite::Connection::open(world.at(".keytide/journal.db")).unwrap();
    let body = |row: &rusqlite::Row<'_>| row.get::<_, Vec<u8>>(0);
    let sealed = journal.query_row("SELECT body FROM records ORDER BY length(body) DESC LIMIT 1", [], body).unwrap();
    // What a reader looks at is wiped later, and the process is killed before: what it leaves is kept here, byte for byte.
    let moment = journal.unchecked_transaction().unwrap();
    let _seen: i64 = moment.query_row("SELECT COUNT(*) FROM records", [], |row| row.get(0)).unwrap();
    served.ask(served.handle.remove(&Owner::Local, id)).unwrap();
    let left = ["journal.db", "journal.db-wal"].map(|name| {
        let path = world.at(".keytide").join(name);
        (std::fs::read(&path).unwrap(), path)
    });
    drop(moment);
    drop(journal);
    served.stop();
    for (bytes, path) in left {
        std::fs::write(path, bytes).unwrap();
    }
    // A row goes over several pages of the file: its beginning is enough to know it by.
    let sealed = &sealed[..sealed.len().min(200)];
    assert!(world.file_with_bytes(sealed).is_some(), "the process that was killed left it");
    let served = world.serve();
    served.until("a wipe", || world.file_with_bytes(sealed).is_none().then_some(()));
    served.stop();
}
