//! A journal of each format stays here and must replay: what one release wrote, every later one reads.
//!
//! `KEYTIDE_RECORD_JOURNAL=tests/vectors/journal-N cargo test --lib recorded` writes a new one.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{at, id, owned, slot, watermark};
use crate::engine::{
    Answer, Command, Event, Execution, Input, Operation, Origin, Others, Outcome, Pinned, Plan, Response, Start, Turn,
    WorkerUpdate, outstanding, replay, start, step,
};
use crate::journal::{
    History, Log, OwnedChange, Query, Reader, Record, SlotOutcome, SqliteLog, TaskLog, Transaction, Wiped,
};
use crate::secret::Sealer;
use crate::words::{Map, Owner, RunNumber, Sensitive, TaskStatus, Timestamp};

const FORMATS: &[&str] = &["journal-1"];

/// The key of the recorded journals. It protects nothing: what they hold is made up.
fn sealer() -> Arc<Sealer> {
    Arc::new(Sealer::from_key(Sha256::digest("the key of the recorded journals").into()))
}

fn folder(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(format)
}

/// Returns what a replay must come to, in words that do not depend on how views look.
fn digest(execution: &Execution) -> Value {
    let runs = execution.runs.iter().map(|run| {
        json!({
            "ref": execution.planned(run).task.task_reference_name,
            "attempt": run.attempt,
            "status": run.status,
            "scheduled": run.scheduled,
            "started": run.started,
            "ended": run.ended,
            "input": run.input.expose(),
            "output": run.output.expose(),
            "reason": run.reason,
            "response": run.response.as_ref().map(|response| response.status_code),
            "worker": run.worker_id,
            "gone": run.gone,
        })
    });
    json!({
        "status": execution.status,
        "seq": execution.seq,
        "created": execution.created,
        "ended": execution.ended,
        "input": execution.input.expose(),
        "output": execution.output.expose(),
        "variables": execution.variables.expose(),
        "reason": execution.reason,
        "correlationId": execution.correlation_id,
        "startedBy": execution.started_by,
        "masks": execution.masks.iter().map(Sensitive::expose).collect::<Vec<_>>(),
        "unstored": execution.unstored(),
        "outstanding": outstanding(execution).len(),
        "runs": runs.collect::<Vec<_>>(),
    })
}

/// Returns what a journal says: every execution that can be found in it, by id.
fn digests(path: &Path) -> BTreeMap<String, Value> {
    let log = SqliteLog::open(path, sealer()).unwrap();
    let heads = Reader::open(path, sealer()).unwrap().search(&Query::default()).unwrap().rows;
    let digests = heads.into_iter().map(|head| {
        let stored = log.load(head.execution).unwrap().unwrap();
        let value = match stored.history {
            History::Events(events) => {
                let pinned = log.definition(&head.definition).unwrap().unwrap();
                digest(&replay(head.execution, Arc::new(Plan::compile(pinned).unwrap()), events).unwrap())
            }
            History::Archived(snapshot) => json!({ "archived": snapshot }),
            History::Unreadable(unreadable) => panic!("{unreadable}"),
        };
        (head.execution.to_string(), value)
    });
    digests.collect()
}

#[test]
fn journals_of_every_format_replay() {
    for format in FORMATS {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("journal.db");
        std::fs::write(&path, std::fs::read(folder(format).join("journal.db")).unwrap()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let expected: BTreeMap<String, Value> =
            serde_json::from_slice(&std::fs::read(folder(format).join("expected.json")).unwrap()).unwrap();
        let found = digests(&path);
        for (execution, expected) in &expected {
            assert_eq!(found.get(execution), Some(expected), "{format}, execution {execution}");
        }
        assert_eq!(found.len(), expected.len(), "{format}");
        let log = SqliteLog::open(&path, sealer()).unwrap();
        assert_eq!(log.watermarks().unwrap().rows, [watermark("nightly", "0 0 3 * * ? UTC")]);
        assert_eq!(log.owned().unwrap().rows, [owned("owned", "definition")]);
        assert_eq!(log.task_logs(id(2), RunNumber(1)).unwrap().len(), 1);
        let slots = Reader::open(&path, sealer()).unwrap().slots(&Query::default()).unwrap().rows;
        assert_eq!(slots, [slot(2, SlotOutcome::Skipped { blocked_by: id(1) })]);
    }
}

#[test]
fn a_life_that_was_kept_replays_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let lived = live(&path);
    assert_eq!(digests(&path), lived);
    if let Some(target) = std::env::var_os("KEYTIDE_RECORD_JOURNAL") {
        record_to(Path::new(&target), &path, &lived);
    }
}

/// Writes the recorded journal as one small file, with what it must replay to.
fn record_to(target: &Path, path: &Path, lived: &BTreeMap<String, Value>) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
    connection.pragma_update(None, "page_size", 512).unwrap();
    connection.execute_batch("VACUUM").unwrap();
    drop(connection);
    std::fs::create_dir_all(target).unwrap();
    std::fs::write(target.join("journal.db"), std::fs::read(path).unwrap()).unwrap();
    std::fs::write(target.join("expected.json"), serde_json::to_string_pretty(lived).unwrap() + "\n").unwrap();
}

/// The workflow that the executions run: it calls, stores, branches, waits for a worker and waits for a person.
fn plan() -> Arc<Plan> {
    let workflow = json!({
        "name": "recorded",
        "version": 3,
        "timeoutSeconds": 600,
        "tasks": [
            {"name": "fetch", "taskReferenceName": "fetch", "type": "HTTP", "retryCount": 1,
             "inputParameters": {"uri": "https://issuer.test/token", "method": "POST", "onUnknownOutcome": "retry"}},
            {"name": "store", "taskReferenceName": "store", "type": "UPDATE_SECRET", "inputParameters": {
             "_secrets": {"secretKey": "token", "secretValue": "${fetch.output.response.body.token}"}}},
            {"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN", "forkTasks": [
             [{"name": "work", "taskReferenceName": "work", "type": "SIMPLE", "inputParameters": {"who": "${workflow.input.who}"}}],
             [{"name": "set", "taskReferenceName": "set", "type": "SET_VARIABLE", "inputParameters": {"seen": true}}]]},
            {"name": "join", "taskReferenceName": "join", "type": "JOIN", "joinOn": ["work", "set"]},
            {"name": "wait", "taskReferenceName": "wait", "type": "WAIT"}],
        "outputParameters": {"seen": "${workflow.variables.seen}"}
    });
    let task_def = json!({"name": "fetch", "retryCount": 1, "retryDelaySeconds": 0});
    let pinned = Pinned {
        workflow: serde_json::from_value(workflow).unwrap(),
        task_defs: [("fetch".to_owned(), serde_json::from_value(task_def).unwrap())].into(),
        owner: Owner::File("workflows/recorded.yaml".to_owned()),
        makers: BTreeMap::new(),
    };
    Arc::new(Plan::compile(pinned).unwrap())
}

/// An execution that is kept after every step.
struct Life<'a> {
    log: &'a mut SqliteLog,
    execution: Execution,
    now: Timestamp,
}

impl<'a> Life<'a> {
    fn start(log: &'a mut SqliteLog, number: u128) -> Self {
        let now = at(1_763_640_000_000).plus(Duration::from_secs(u64::try_from(number).unwrap()));
        let given = Start {
            execution: id(number),
            input: Map::from_iter([("who".to_owned(), json!("world"))]),
            correlation_id: Some(format!("order {number}")),
            priority: 7,
            started_by: "schedule:nightly".to_owned(),
            slot: Some(("nightly".to_owned(), now)),
            task_to_domain: BTreeMap::new(),
            timeout: None,
            origin: Origin::default(),
        };
        let (execution, events) = turn(now, |turn| start(plan(), given, turn));
        let mut life = Self { log, execution, now };
        life.keep(events);
        life
    }

    fn keep(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let definitions = vec![Arc::clone(&self.execution.plan)];
        let records = vec![Record::of(&self.execution, events)];
        self.log.commit(&Transaction { definitions, records, ..Transaction::default() }).unwrap();
    }

    fn give(&mut self, input: Input) -> &mut Self {
        self.now = self.now.plus(Duration::from_millis(1_500));
        let events = turn(self.now, |turn| step(&mut self.execution, input, turn)).unwrap();
        self.keep(events);
        self
    }

    /// Answers the one run that waits for an answer.
    fn answer(&mut self, answer: Answer) -> &mut Self {
        let run = outstanding(&self.execution).iter().find_map(asking).unwrap();
        let resolved = vec![Sensitive::new("made-up-password")];
        self.give(Input::Outcome(Outcome { execution: self.execution.id, run, answer, resolved }))
    }

    fn fetch(&mut self, status_code: u16) -> &mut Self {
        self.answer(Answer::Ready).answer(Answer::Response(Response {
            status_code,
            reason_phrase: "made up".to_owned(),
            headers: json!({"content-type": ["application/json"]}).into(),
            body: json!({"token": "made-up-token"}).into(),
            raw: None,
            request: "POST https://issuer.test/token".to_owned(),
        }))
    }

    fn store(&mut self) -> &mut Self {
        self.answer(Answer::Trouble { reason: "the store is held".to_owned() });
        let later = crate::engine::next_deadline(&self.execution).unwrap();
        self.now = later;
        self.give(Input::Tick).answer(Answer::Done { output: json!({"version": 2}).into() })
    }

    fn work(&mut self) -> &mut Self {
        let run = self.execution.task_by_reference("work").unwrap().number;
        self.give(Input::Polled { run, worker_id: Some("worker-1".to_owned()) });
        self.update(run, TaskStatus::InProgress).update(run, TaskStatus::Completed)
    }

    fn finish(&mut self) -> &mut Self {
        let run = self.execution.task_by_reference("wait").unwrap().number;
        self.update(run, TaskStatus::Completed)
    }

    fn update(&mut self, run: RunNumber, status: TaskStatus) -> &mut Self {
        let output = json!({"said": status.as_str()}).into();
        let update = WorkerUpdate {
            status,
            output,
            reason: None,
            callback_after_seconds: 0,
            worker_id: Some("worker-1".to_owned()),
        };
        self.give(Input::Updated { run, update })
    }
}

fn asking(command: &Command) -> Option<RunNumber> {
    match command {
        Command::Preflight(assignment) | Command::Perform(assignment) => Some(assignment.run),
        Command::Evaluate(_) | Command::Offer(_) | Command::Abandon { .. } | Command::Withdraw { .. } => None,
    }
}

fn turn<T>(now: Timestamp, act: impl FnOnce(&Turn<'_>) -> T) -> T {
    act(&Turn {
        now,
        environment: &Map::new(),
        store_retry: Duration::from_hours(1),
        may_start: true,
        under_way: &BTreeSet::new(),
        others: Others::NONE,
    })
}

/// Lives through what executions meet, and returns what each came to.
fn live(path: &Path) -> BTreeMap<String, Value> {
    let mut log = SqliteLog::open(path, sealer()).unwrap();
    let mut lived = BTreeMap::new();
    let mut note = |life: &Life<'_>| lived.insert(life.execution.id.to_string(), digest(&life.execution));
    note(Life::start(&mut log, 1).fetch(200).store().work().finish());
    note(Life::start(&mut log, 2).fetch(500).fetch(200).store().give(Input::Operation(Operation::Pause)));
    note(Life::start(&mut log, 3).fetch(200).answer(Answer::Failed { reason: "403: no".to_owned(), terminal: true }));
    note(Life::start(&mut log, 4).answer(Answer::Ready));
    note(Life::start(&mut log, 5).fetch(200).store().give(Input::Operation(Operation::Terminate { reason: None })));
    note(Life::start(&mut log, 6).answer(Answer::Ready).give(Input::Recovered));
    Life::start(&mut log, 7).fetch(200).store().work().finish();
    let snapshot = json!({"status": "COMPLETED", "output": "***"});
    log.archive(&[(id(7), snapshot.clone())], at(1_763_650_000_000)).unwrap();
    assert_eq!(log.wipe().unwrap(), Wiped::Now);
    lived.insert(id(7).to_string(), json!({ "archived": snapshot }));
    let line = TaskLog { execution: id(2), run: RunNumber(1), at: at(1), line: "a line".to_owned() };
    let transaction = Transaction {
        watermarks: vec![watermark("nightly", "0 0 3 * * ? UTC")],
        owned: vec![OwnedChange::Put(owned("owned", "definition"))],
        slots: vec![slot(2, SlotOutcome::Skipped { blocked_by: id(1) })],
        task_logs: vec![line],
        ..Transaction::default()
    };
    log.commit(&transaction).unwrap();
    lived
}
