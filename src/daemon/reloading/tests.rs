use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::clock::SystemClock;
use crate::daemon::{Batch, Dispatcher, Message, Rules, Scheduled, Slots, Unwritten};
use crate::disk::SystemDisk;
use crate::engine::{Answer, Command, Input, Operation, Origin, Outcome, Pinned, Plan, Response, Start};
use crate::journal::{Log as _, SqliteLog};
use crate::scheduler::{Defaults, Schedule};
use crate::secret::{Edges, Identity, Paths, Store};
use crate::words::{ExecutionId, Map, Owner, Payload, RunNumber, Timestamp, WorkflowStatus};

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const ID: ExecutionId = ExecutionId::new(Uuid::from_u128(7));

/// A dispatcher, and the journal that its batches do or do not get into.
struct World {
    folder: tempfile::TempDir,
    dispatcher: Dispatcher,
    log: SqliteLog,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::new(&folder.path().join("secrets"), &folder.path().join("state"), None);
        let edges = Edges { disk: Arc::new(SystemDisk), clock: Arc::new(SystemClock) };
        let (store, _) = Store::create(edges, paths, Identity::generate(), "test", 5).unwrap();
        let log = SqliteLog::open(&folder.path().join("journal.db"), store.sealer().unwrap()).unwrap();
        Self { folder, dispatcher: dispatcher(), log }
    }

    fn commit(&mut self, batch: Batch) -> Vec<Command> {
        let transaction = batch.transaction(|id| self.dispatcher.read(id));
        self.log.commit(&transaction).unwrap();
        let commands = batch.commands(|id| self.dispatcher.read(id));
        self.dispatcher.committed(batch, commands)
    }

    fn turn(&mut self, messages: Vec<Message>) -> Vec<Command> {
        let batch = self.dispatcher.turn(messages, NOW, &self.log);
        self.commit(batch)
    }

    fn fail(&mut self, batch: Batch) {
        self.dispatcher.rolled_back(batch, "the disk is full", NOW, &self.log);
    }

    /// Starts a call whose outcome nobody knows once the process is gone.
    fn start_call(&mut self) {
        let tasks = json!([{"name": "call", "taskReferenceName": "call", "type": "HTTP",
            "inputParameters": {"uri": "http://issuer/token", "method": "POST"}}]);
        let workflow = serde_json::from_value(json!({"name": "w", "tasks": tasks})).unwrap();
        let pinned = Pinned::new(workflow, BTreeMap::new(), Owner::Local);
        let start = Start {
            execution: ID,
            input: Map::new(),
            correlation_id: None,
            priority: 0,
            started_by: "owner".to_owned(),
            slot: None,
            task_to_domain: BTreeMap::new(),
            timeout: None,
            origin: Origin::default(),
        };
        let plan = Arc::new(Plan::compile(pinned).unwrap());
        let (reply, _answer) = oneshot::channel();
        let released = self.turn(vec![Message::Start { plan, start: Box::new(start), reply }]);
        assert!(matches!(released[..], [Command::Perform(_)]), "the call begins");
    }

    fn status(&self) -> Option<WorkflowStatus> {
        Some(self.log.load(ID).unwrap()?.head.status)
    }

    /// Makes the journal's rows unreadable, or readable again.
    fn rename(&self, from: &str, to: &str) {
        let connection = rusqlite::Connection::open(self.folder.path().join("journal.db")).unwrap();
        connection.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
    }
}

fn dispatcher() -> Dispatcher {
    let rules = Rules { environment: Map::new(), store_retry: Duration::from_hours(72) };
    Dispatcher::new(rules, Slots::new("store".to_owned(), false))
}

fn step(operation: Operation) -> Message {
    let (reply, _answer) = oneshot::channel();
    Message::Step { execution: ID, input: Box::new(Input::Operation(operation)), reply }
}

fn response() -> Outcome {
    let response = Response {
        status_code: 200,
        reason_phrase: "OK".to_owned(),
        headers: Payload::empty(),
        body: Payload::new(json!({"token": "t-1"})),
        raw: None,
        request: "POST http://issuer/token".to_owned(),
    };
    Outcome { execution: ID, run: RunNumber(1), answer: Answer::Response(response), resolved: Vec::new() }
}

#[test]
fn a_recovery_that_could_not_be_kept_is_made_again() {
    let mut world = World::new();
    world.start_call();
    world.dispatcher = dispatcher();
    let batch = world.dispatcher.recover(&[ID], &world.log, NOW);
    world.fail(batch);
    assert!(world.dispatcher.awaits_journal(), "it is tried again without being asked");
    world.turn(Vec::new());
    assert_eq!(world.status(), Some(WorkflowStatus::Failed), "the call of the process before is not waited for");
}

#[test]
fn an_execution_that_cannot_be_read_after_a_failed_commit_comes_back() {
    let mut world = World::new();
    world.start_call();
    let batch = world.dispatcher.turn(vec![step(Operation::Pause)], NOW, &world.log);
    world.rename("records", "away");
    world.fail(batch);
    assert_eq!(world.dispatcher.live_count(), 0);
    world.rename("away", "records");
    world.turn(Vec::new());
    assert_eq!(world.dispatcher.read(ID).unwrap().status, WorkflowStatus::Running);
    world.turn(vec![Message::Outcome(response())]);
    assert_eq!(world.status(), Some(WorkflowStatus::Completed), "its call was ours and is not in doubt");
}

#[test]
fn an_answer_whose_execution_cannot_be_read_is_kept() {
    let mut world = World::new();
    world.start_call();
    world.turn(vec![step(Operation::Terminate { reason: None })]);
    let before = world.log.load(ID).unwrap().unwrap().seq;
    world.rename("records", "away");
    world.turn(vec![Message::Outcome(response())]);
    assert!(world.dispatcher.awaits_journal());
    world.rename("away", "records");
    world.turn(Vec::new());
    assert!(world.log.load(ID).unwrap().unwrap().seq > before, "the late answer is evidence");
}

#[test]
fn who_watches_goes_on_watching_after_a_failed_commit() {
    let mut world = World::new();
    world.start_call();
    let (notices, mut inbox) = mpsc::unbounded_channel();
    world.turn(vec![Message::Watch { execution: ID, notices }]);
    let batch = world.dispatcher.turn(vec![step(Operation::Pause)], NOW, &world.log);
    world.fail(batch);
    world.turn(vec![Message::Outcome(response())]);
    assert_eq!(inbox.try_recv().ok(), Some(WorkflowStatus::Completed));
}

#[test]
fn a_retry_begins_no_call_while_an_earlier_one_is_under_way() {
    let mut world = World::new();
    world.start_call();
    world.turn(vec![step(Operation::Terminate { reason: None })]);
    let released = world.turn(vec![step(Operation::Retry)]);
    assert!(released.is_empty(), "the call of the run that was terminated is under way");
    let released = world.turn(vec![Message::Outcome(response())]);
    assert!(matches!(&released[..], [Command::Perform(work)] if work.run == RunNumber(2)), "its answer ends the wait");
}

#[test]
fn a_retry_waits_for_no_call_of_the_process_before() {
    let mut world = World::new();
    world.start_call();
    world.turn(vec![step(Operation::Terminate { reason: None })]);
    world.dispatcher = dispatcher();
    let released = world.turn(vec![step(Operation::Retry)]);
    assert!(matches!(released[..], [Command::Perform(_)]), "nobody will answer for it any more");
}

#[test]
fn an_answer_that_is_not_on_disk_is_named_with_its_run_until_it_is() {
    let mut world = World::new();
    world.start_call();
    let (reply, mut answer) = oneshot::channel();
    let messages = vec![Message::Outcome(response()), Message::Unwritten { reply }];
    let batch = world.dispatcher.turn(messages, NOW, &world.log);
    world.rename("records", "away");
    world.fail(batch);
    let lost = Unwritten { execution: ID, workflow: "w".to_owned(), secrets: Vec::new() };
    let told = answer.try_recv().unwrap();
    assert_eq!(told, [lost], "told though nothing could be written");
    assert_eq!(world.dispatcher.unwritten(), told, "and though its execution cannot be read");
    world.rename("away", "records");
    let (reply, mut answer) = oneshot::channel();
    world.turn(vec![Message::Unwritten { reply }]);
    assert_eq!(answer.try_recv().unwrap(), []);
    assert_eq!(world.status(), Some(WorkflowStatus::Completed));
}

#[test]
fn a_slot_of_which_nobody_can_tell_whether_it_fired_waits() {
    let mut world = World::new();
    let task = json!({"name": "n", "taskReferenceName": "n", "type": "NOOP"});
    let workflow = serde_json::from_value(json!({"name": "w", "tasks": [task]})).unwrap();
    let pinned = Pinned::new(workflow, BTreeMap::new(), Owner::Local);
    let definition = serde_json::from_value(json!({"name": "s", "cronExpression": "* * * * * *"})).unwrap();
    let scheduled = Scheduled {
        schedule: Arc::new(Schedule::from_definition(&definition, Defaults::default()).unwrap()),
        request: serde_json::from_value(json!({"name": "w"})).unwrap(),
        plan: Ok(Arc::new(Plan::compile(pinned).unwrap())),
    };
    let mut slots = Slots::new("store".to_owned(), true);
    slots.replace(vec![scheduled], NOW);
    slots.recover(&world.log, NOW).unwrap();
    let rules = Rules { environment: Map::new(), store_retry: Duration::from_hours(72) };
    world.dispatcher = Dispatcher::new(rules, slots);
    world.turn(Vec::new());
    let due = NOW.plus(Duration::from_secs(1));
    let turn = |world: &mut World| {
        let batch = world.dispatcher.turn(Vec::new(), due, &world.log);
        world.commit(batch);
        world.log.watermarks().unwrap().rows[0].considered
    };
    world.rename("executions", "away");
    assert_eq!(turn(&mut world), NOW, "the watermark does not pass it");
    assert!(world.dispatcher.awaits_journal());
    world.rename("away", "executions");
    assert_eq!(turn(&mut world), due);
    assert!(world.log.has_execution(ExecutionId::of_slot("store", "s", due)).unwrap());
}
