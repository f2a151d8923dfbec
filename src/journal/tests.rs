use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use crate::engine::{DefinitionHash, Event, Fact, Pinned, Plan};
use crate::journal::{
    Bound, Condition, Direction, Error, Fault, Field, Head, History, Log, Operand, Owned, OwnedChange, OwnedKind,
    Query, Reader, Record, Slot, SlotField, SlotOutcome, SqliteLog, TaskLog, Transaction, Wiped,
};
use crate::scheduler::Watermark;
use crate::secret::Sealer;
use crate::words::{ExecutionId, Owner, RunNumber, Timestamp, WorkflowStatus};
use crate::workflow::definition::{WorkflowDef, WorkflowTask};

mod disk_log;
mod families;
mod finding;
mod recorded;
mod search;

const CANARY: &str = "canary-4f1c09";

fn sealer() -> Arc<Sealer> {
    Arc::new(Sealer::from_key([7; 32]))
}

fn id(number: u128) -> ExecutionId {
    ExecutionId::new(Uuid::from_u128(number))
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn noop() -> WorkflowTask {
    let task = json!({"name": "n", "taskReferenceName": "n", "type": "NOOP"});
    serde_json::from_value(task).unwrap()
}

fn plan(name: &str) -> Arc<Plan> {
    let workflow = WorkflowDef { name: name.to_owned(), version: 1, tasks: vec![noop()], ..WorkflowDef::default() };
    let pinned = Pinned::new(workflow, BTreeMap::new(), Owner::Local);
    Arc::new(Plan::compile(pinned).unwrap())
}

fn event(text: &str) -> Event {
    Event { at: at(0), fact: Fact::Masked { values: vec![text.to_owned()] } }
}

fn noted(event: &Event) -> &[String] {
    match &event.fact {
        Fact::Masked { values } => values,
        _ => panic!("the tests keep no other event"),
    }
}

fn texts(history: &History) -> Vec<String> {
    match history {
        History::Events(events) => events.iter().flat_map(|event| noted(event).to_vec()).collect(),
        History::Archived(value) => vec![value.to_string()],
        History::Unreadable(unreadable) => vec![unreadable.to_string()],
    }
}

fn head(number: u128, plan: &Plan) -> Head {
    Head {
        execution: id(number),
        definition: plan.hash,
        name: plan.pinned.workflow.name.clone(),
        version: 1,
        correlation_id: None,
        status: WorkflowStatus::Running,
        started: at(1_000),
        updated: at(1_000),
        ended: None,
        schedule: None,
        due: None,
        deadline: None,
        unstored: false,
        in_doubt: false,
        parent: None,
        idempotency_key: None,
    }
}

fn ended(head: Head, status: WorkflowStatus, when: i64) -> Head {
    Head { status, updated: at(when), ended: Some(at(when)), ..head }
}

fn record(head: Head, seq: u64, events: &[&str]) -> Record {
    Record { head, seq, events: events.iter().map(|text| event(text)).collect() }
}

/// A journal in its own folder.
struct Journal {
    folder: tempfile::TempDir,
    log: SqliteLog,
    plan: Arc<Plan>,
}

impl Journal {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(&folder.path().join("journal.db"), sealer()).unwrap();
        Self { folder, log, plan: plan("rotate") }
    }

    fn again(self) -> Self {
        let Self { folder, log, plan } = self;
        drop(log);
        let log = SqliteLog::open(&folder.path().join("journal.db"), sealer()).unwrap();
        Self { folder, log, plan }
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.folder.path().join("journal.db"), sealer()).unwrap()
    }

    fn keep(&mut self, records: Vec<Record>) -> Result<(), Error> {
        let definitions = vec![Arc::clone(&self.plan)];
        self.log.commit(&Transaction { definitions, records, ..Transaction::default() })
    }

    /// Keeps an execution that started with one event and ended with another.
    fn ran(&mut self, number: u128, texts: [&str; 2], status: WorkflowStatus, when: i64) {
        let head = head(number, &self.plan);
        let last = ended(head.clone(), status, when);
        self.keep(vec![record(head, 1, &texts[..1])]).unwrap();
        self.keep(vec![record(last, 2, &texts[1..])]).unwrap();
    }

    fn history(&self, number: u128) -> Vec<String> {
        texts(&self.log.load(id(number)).unwrap().unwrap().history)
    }

    fn sql(&self, sql: &str) -> usize {
        rusqlite::Connection::open(self.folder.path().join("journal.db")).unwrap().execute(sql, []).unwrap()
    }
}

fn bytes_on_disk(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap();
    files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let mut journal = Journal::new();
    let head = Head { deadline: Some(at(9)), correlation_id: Some("c".to_owned()), ..head(1, &journal.plan) };
    journal.keep(vec![record(head.clone(), 2, &["a", "b"])]).unwrap();
    journal.keep(vec![record(head.clone(), 3, &["c"])]).unwrap();
    let journal = journal.again();
    let stored = journal.log.load(id(1)).unwrap().unwrap();
    assert_eq!(stored.head, head);
    assert_eq!(stored.seq, 3);
    assert_eq!(texts(&stored.history), ["a", "b", "c"]);
    assert_eq!(journal.log.live().unwrap(), [id(1)]);
    assert_eq!(journal.log.definition(&journal.plan.hash).unwrap().unwrap(), *journal.plan.pinned);
    assert!(journal.log.definition(&DefinitionHash([0; 32])).unwrap().is_none());
}

#[test]
fn what_was_put_off_is_moved_whole_and_changes_nothing() {
    let mut journal = Journal::new();
    for number in 1..=32 {
        assert!(!journal.log.is_behind());
        let head = head(number, &journal.plan);
        journal.keep(vec![record(head, 1, &["one"])]).unwrap();
    }
    assert!(journal.log.is_behind());
    journal.log.catch_up();
    assert!(!journal.log.is_behind());
    let moved = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    let (pages, moved) = journal.log.connection().query_row("PRAGMA wal_checkpoint(PASSIVE)", [], moved).unwrap();
    assert!(pages > 0 && moved == pages, "{moved} of {pages} pages are in the database");
    assert_eq!(journal.again().history(32), ["one"]);
}

#[test]
fn a_torn_write_ahead_log_loses_its_last_commits_and_no_other() {
    let mut journal = Journal::new();
    for number in 1..=5 {
        let pair = [number * 2, number * 2 + 1].map(|number| record(head(number, &journal.plan), 1, &["a"]));
        journal.keep(pair.into()).unwrap();
    }
    let [database, log] =
        ["journal.db", "journal.db-wal"].map(|name| std::fs::read(journal.folder.path().join(name)).unwrap());
    let mut counts = Vec::new();
    for length in (0..=log.len()).step_by(2_003).chain([log.len()]) {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("journal.db");
        std::fs::write(&path, &database).unwrap();
        std::fs::write(copy.path().join("journal.db-wal"), &log[..length]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let torn = SqliteLog::open(&path, sealer()).unwrap();
        let live = torn.live().unwrap();
        assert_eq!(live, (2..2 + u128::try_from(live.len()).unwrap()).map(id).collect::<Vec<_>>());
        assert!(live.len().is_multiple_of(2), "half a commit at {length}");
        assert!(live.iter().all(|id| texts(&torn.load(*id).unwrap().unwrap().history) == ["a"]));
        counts.push(live.len());
    }
    assert!(counts.is_sorted());
    assert_eq!(counts.last(), Some(&10));
}

#[test]
fn only_what_has_not_ended_is_live() {
    let mut journal = Journal::new();
    journal.ran(1, ["a", "b"], WorkflowStatus::Completed, 2_000);
    let running = head(2, &journal.plan);
    journal.keep(vec![record(running, 1, &["a"])]).unwrap();
    assert_eq!(journal.log.live().unwrap(), [id(2)]);
    assert!(journal.log.has_execution(id(1)).unwrap());
    assert!(!journal.log.has_execution(id(3)).unwrap());
}

#[test]
fn a_batch_is_kept_whole_or_not_at_all() {
    let mut journal = Journal::new();
    let (first, second) = (head(1, &journal.plan), head(2, &journal.plan));
    let refused = journal.keep(vec![record(first, 1, &["a"]), record(second, 5, &["b"])]);
    assert!(matches!(refused, Err(Error::Illegal { execution, seq: 5 }) if execution == id(2)));
    assert!(!journal.log.has_execution(id(1)).unwrap());
    assert!(journal.log.definition(&journal.plan.hash).unwrap().is_none());
    let first = head(1, &journal.plan);
    journal.keep(vec![record(first, 1, &["a"])]).unwrap();
    assert_eq!(journal.history(1), ["a"]);
}

#[test]
fn events_that_do_not_follow_are_refused() {
    let mut journal = Journal::new();
    let head = head(1, &journal.plan);
    journal.keep(vec![record(head.clone(), 2, &["a", "b"])]).unwrap();
    for (seq, events) in [(1, vec!["x"]), (2, vec!["x"]), (4, vec!["x"]), (3, vec!["x", "y"]), (2, vec![]), (0, vec![])]
    {
        let refused = journal.keep(vec![record(head.clone(), seq, &events)]);
        assert!(matches!(refused, Err(Error::Illegal { .. })), "seq {seq} {events:?}");
    }
    assert_eq!(journal.history(1), ["a", "b"]);
}

/// How many pages a commit writes.
fn pages_of(journal: &mut Journal, record: Record) -> i64 {
    let moved = |journal: &Journal| -> i64 {
        journal.log.connection().query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1)).unwrap()
    };
    moved(journal);
    journal.keep(vec![record]).unwrap();
    moved(journal)
}

#[test]
fn an_execution_that_goes_on_writes_no_index() {
    let mut journal = Journal::new();
    let head = head(1, &journal.plan);
    journal.keep(vec![record(head.clone(), 1, &["a"])]).unwrap();
    let later = Head { updated: at(2_000), deadline: Some(at(9_000)), ..head.clone() };
    assert_eq!(pages_of(&mut journal, record(later.clone(), 2, &["b"])), 2, "its row and its events");
    let paused = Head { status: WorkflowStatus::Paused, ..later.clone() };
    assert!(pages_of(&mut journal, record(paused, 3, &["c"])) > 2, "a status is searched");
    assert_eq!(journal.history(1), ["a", "b", "c"]);
}

#[test]
fn whatever_changes_of_a_head_is_kept() {
    let mut journal = Journal::new();
    let first = head(1, &journal.plan);
    journal.keep(vec![record(first.clone(), 1, &["a"])]).unwrap();
    let changed = [
        Head { updated: at(1_001), ..first.clone() },
        Head { deadline: Some(at(5)), ..first.clone() },
        Head { status: WorkflowStatus::Paused, ..first.clone() },
        Head { started: at(999), ..first.clone() },
        Head { ended: Some(at(7)), ..first.clone() },
        Head { ended: Some(at(8)), ..first.clone() },
        Head { unstored: true, ..first.clone() },
        Head { in_doubt: true, ..first.clone() },
    ];
    // Each follows another one, and goes back to what it was.
    let heads = changed.iter().flat_map(|head| [head, &first]);
    for (seq, head) in (2..).zip(heads) {
        journal.keep(vec![record(head.clone(), seq, &["b"])]).unwrap();
        let stored = journal.log.load(id(1)).unwrap().unwrap();
        assert_eq!((&stored.head, stored.seq), (head, seq));
    }
}

#[test]
fn a_row_that_was_changed_spoils_only_its_execution() {
    let mut journal = Journal::new();
    let records = (1..=3).map(|number| record(head(number, &journal.plan), 1, &["a"])).collect();
    journal.keep(records).unwrap();
    assert_eq!(journal.sql("UPDATE records SET body = zeroblob(90) WHERE execution = 2"), 1);
    let journal = journal.again();
    assert_eq!(journal.log.live().unwrap().len(), 3);
    assert_eq!(journal.history(1), ["a"]);
    let stored = journal.log.load(id(2)).unwrap().unwrap();
    assert!(matches!(stored.history, History::Unreadable(unreadable) if unreadable.fault == Fault::Sealed));
    assert_eq!(journal.history(3), ["a"]);
}

#[test]
fn a_row_that_was_moved_does_not_open() {
    let mut journal = Journal::new();
    let records = (1..=2).map(|number| record(head(number, &journal.plan), 1, &["a"])).collect();
    journal.keep(records).unwrap();
    journal.sql("UPDATE records SET body = (SELECT body FROM records WHERE execution = 1) WHERE execution = 2");
    let stored = journal.log.load(id(2)).unwrap().unwrap();
    assert!(matches!(stored.history, History::Unreadable(unreadable) if unreadable.fault == Fault::Sealed));
}

#[test]
fn a_missing_row_is_a_fault_of_its_execution() {
    for removed in [1, 2, 3] {
        let mut journal = Journal::new();
        let head = head(1, &journal.plan);
        for seq in 1..=3 {
            journal.keep(vec![record(head.clone(), seq, &["a"])]).unwrap();
        }
        assert_eq!(journal.sql(&format!("DELETE FROM records WHERE seq = {removed}")), 1);
        let stored = journal.log.load(id(1)).unwrap().unwrap();
        assert!(matches!(stored.history, History::Unreadable(unreadable) if unreadable.fault == Fault::Gap));
    }
}

#[test]
fn another_data_key_opens_nothing_and_says_so() {
    let mut journal = Journal::new();
    journal.ran(1, ["a", "b"], WorkflowStatus::Completed, 2_000);
    let Journal { folder, log, .. } = journal;
    drop(log);
    let other = SqliteLog::open(&folder.path().join("journal.db"), Arc::new(Sealer::from_key([8; 32]))).unwrap();
    let text = texts(&other.load(id(1)).unwrap().unwrap().history);
    assert!(text[0].ends_with("does not open: it was changed, or its data key is missing"), "{text:?}");
}

#[test]
fn files_are_for_their_owner_alone() {
    let mut journal = Journal::new();
    journal.ran(1, ["a", "b"], WorkflowStatus::Completed, 2_000);
    let _reader = journal.reader();
    let files: Vec<_> = std::fs::read_dir(journal.folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 4);
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
}

#[test]
fn a_reader_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Reader::open(&folder.path().join("journal.db"), sealer()).err().unwrap();
    assert!(matches!(refused, Error::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_journal_that_others_can_read_is_refused() {
    let Journal { folder, log, .. } = Journal::new();
    drop(log);
    let path = folder.path().join("journal.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = SqliteLog::open(&path, sealer()).err().unwrap().to_string();
    assert!(refused.starts_with("others can read the journal") && refused.contains("chmod 600"), "{refused}");
}

#[test]
fn a_later_format_is_refused_and_left_alone() {
    let journal = Journal::new();
    journal.sql("PRAGMA user_version = 99");
    let Journal { folder, log, .. } = journal;
    drop(log);
    let path = folder.path().join("journal.db");
    let before = std::fs::read(&path).unwrap();
    for refused in [SqliteLog::open(&path, sealer()).err(), Reader::open(&path, sealer()).err()] {
        assert!(matches!(refused, Some(Error::Newer { found: 99, known: 5, .. })));
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs(x)").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(SqliteLog::open(&path, sealer()), Err(Error::Foreign(_))));
    drop(other);
    std::fs::write(&path, "this is text, and long enough to be read as the head of a database: ".repeat(9)).unwrap();
    assert!(matches!(SqliteLog::open(&path, sealer()), Err(Error::Foreign(_))));
}

#[test]
fn payloads_reach_the_disk_sealed_only() {
    let mut journal = Journal::new();
    journal.plan = {
        let mut pinned = (*journal.plan.pinned).clone();
        pinned.workflow.description = Some(CANARY.to_owned());
        Arc::new(Plan::compile(pinned).unwrap())
    };
    journal.ran(1, [CANARY, "b"], WorkflowStatus::Failed, 2_000);
    let slot = slot(1, SlotOutcome::Failed { reason: CANARY.to_owned() });
    let log = TaskLog { execution: id(1), run: RunNumber(1), at: at(1), line: CANARY.to_owned() };
    let transaction = Transaction {
        watermarks: vec![watermark("s", CANARY)],
        owned: vec![OwnedChange::Put(owned("w", CANARY))],
        slots: vec![slot],
        task_logs: vec![log],
        ..Transaction::default()
    };
    journal.log.commit(&transaction).unwrap();
    assert!(!contains(&bytes_on_disk(journal.folder.path()), CANARY));
    assert!(contains(&bytes_on_disk(journal.folder.path()), "rotate"));
}

fn slot(number: u128, outcome: SlotOutcome) -> Slot {
    Slot {
        execution: id(number),
        schedule: "nightly".to_owned(),
        workflow: "rotate".to_owned(),
        due: at(i64::try_from(number).unwrap()),
        at: at(10),
        outcome,
    }
}

fn watermark(schedule: &str, timing: &str) -> Watermark {
    Watermark {
        schedule: schedule.to_owned(),
        considered: at(1),
        timing: timing.to_owned(),
        paused: false,
        hold: None,
        backlog: Vec::new(),
        fired: None,
        skipped: 0,
    }
}

fn owned(name: &str, definition: &str) -> Owned {
    Owned {
        kind: OwnedKind::Workflow,
        name: name.to_owned(),
        version: 1,
        app: "ci".to_owned(),
        created: at(1),
        updated: at(2),
        definition: json!(definition),
    }
}

#[test]
fn a_full_disk_keeps_nothing_and_passes() {
    let mut journal = Journal::new();
    journal.ran(1, ["a", "b"], WorkflowStatus::Completed, 2_000);
    let pages: i64 = journal.log.connection().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    journal.log.connection().pragma_update(None, "max_page_count", pages + 2).unwrap();
    let (small, big) = (head(2, &journal.plan), head(3, &journal.plan));
    let refused = journal.keep(vec![record(small, 1, &["a"]), record(big, 1, &[&"x".repeat(1 << 20)])]);
    assert!(matches!(refused, Err(Error::Full)));
    assert!(!journal.log.has_execution(id(2)).unwrap());
    journal.log.connection().pragma_update(None, "max_page_count", 1 << 30).unwrap();
    let small = head(2, &journal.plan);
    journal.keep(vec![record(small, 1, &["a"])]).unwrap();
    assert_eq!(journal.again().history(2), ["a"]);
}

#[test]
fn archiving_leaves_one_snapshot_and_no_byte_of_the_rest() {
    let mut journal = Journal::new();
    journal.ran(1, [&"x".repeat(20_000), "b"], WorkflowStatus::Completed, 2_000);
    let log = TaskLog { execution: id(1), run: RunNumber(1), at: at(1), line: "l".to_owned() };
    journal.log.commit(&Transaction { task_logs: vec![log], ..Transaction::default() }).unwrap();
    let body: Vec<u8> =
        journal.log.connection().query_row("SELECT body FROM records WHERE seq = 1", [], |row| row.get(0)).unwrap();
    let part = &body[10_000..10_016];
    let has_part = |journal: &Journal| bytes_on_disk(journal.folder.path()).windows(16).any(|window| window == part);
    assert!(has_part(&journal));
    journal.log.archive(&[(id(1), json!({"output": "***"}))], at(3_000)).unwrap();
    assert_eq!(journal.log.wipe().unwrap(), Wiped::Now);
    assert!(!has_part(&journal));
    assert_eq!(journal.history(1), [r#"{"output":"***"}"#]);
    assert!(journal.log.task_logs(id(1), RunNumber(1)).unwrap().is_empty());
    assert!(journal.log.due_for_archive(at(9_000), 10).unwrap().is_empty());
    let refused = {
        let head = head(1, &journal.plan);
        journal.keep(vec![record(head, 3, &["c"])])
    };
    assert!(matches!(refused, Err(Error::Illegal { .. })));
}

#[test]
fn what_is_unstored_or_live_is_never_archived_or_removed() {
    let mut journal = Journal::new();
    let (live, unstored) = (head(1, &journal.plan), head(2, &journal.plan));
    let unstored = Head { unstored: true, ..ended(unstored, WorkflowStatus::Failed, 2_000) };
    journal.keep(vec![record(live, 1, &["a"]), record(unstored, 1, &["b"])]).unwrap();
    assert!(journal.log.due_for_archive(at(9_000), 10).unwrap().is_empty());
    assert!(journal.log.due_for_purge(at(9_000), 10).unwrap().is_empty());
    journal.log.archive(&[(id(1), json!(1)), (id(2), json!(2))], at(9_000)).unwrap();
    journal.log.remove(&[id(1), id(2)]).unwrap();
    assert_eq!((journal.history(1), journal.history(2)), (vec!["a".to_owned()], vec!["b".to_owned()]));
}

#[test]
fn what_is_unstored_or_in_doubt_is_a_problem() {
    let mut journal = Journal::new();
    journal.ran(1, ["a", "b"], WorkflowStatus::Completed, 2_000);
    for (number, unstored) in [(2, true), (3, false)] {
        let head = Head { unstored, in_doubt: !unstored, ..head(number, &journal.plan) };
        journal.keep(vec![record(ended(head, WorkflowStatus::Failed, 2_000), 1, &["a"])]).unwrap();
    }
    assert_eq!(journal.log.problems().unwrap(), [id(2), id(3)]);
    let dismissed = ended(head(2, &journal.plan), WorkflowStatus::Failed, 2_000);
    journal.keep(vec![record(dismissed, 2, &["b"])]).unwrap();
    assert_eq!(journal.log.problems().unwrap(), [id(3)]);
}

#[test]
fn what_is_in_doubt_is_not_archived_and_is_purged_in_the_end() {
    let mut journal = Journal::new();
    let head = Head { in_doubt: true, ..head(1, &journal.plan) };
    journal.keep(vec![record(ended(head, WorkflowStatus::Failed, 2_000), 1, &["a"])]).unwrap();
    assert!(journal.log.due_for_archive(at(9_000), 10).unwrap().is_empty());
    journal.log.archive(&[(id(1), json!(1))], at(9_000)).unwrap();
    assert_eq!(journal.history(1), ["a"], "it can still be retried");
    assert_eq!(journal.log.due_for_purge(at(9_000), 10).unwrap(), [id(1)]);
}

#[test]
fn what_ended_long_ago_is_due_oldest_first() {
    let mut journal = Journal::new();
    for (number, when) in [(1, 5_000), (2, 3_000), (3, 4_000), (4, 9_000)] {
        journal.ran(number, ["a", "b"], WorkflowStatus::Completed, when);
    }
    assert_eq!(journal.log.due_for_archive(at(5_000), 2).unwrap(), [id(2), id(3)]);
    assert_eq!(journal.log.due_for_purge(at(5_000), 9).unwrap(), [id(2), id(3), id(1)]);
}

#[test]
fn removal_takes_everything_and_the_definition_that_nobody_uses() {
    let mut journal = Journal::new();
    journal.ran(1, ["a", "b"], WorkflowStatus::Completed, 2_000);
    journal.ran(2, ["a", "b"], WorkflowStatus::Completed, 2_000);
    journal.log.remove(&[id(1)]).unwrap();
    assert!(journal.log.definition(&journal.plan.hash).unwrap().is_some());
    journal.log.remove(&[id(2)]).unwrap();
    assert!(journal.log.definition(&journal.plan.hash).unwrap().is_none());
    assert!(journal.log.load(id(1)).unwrap().is_none());
    let rows: i64 = journal.log.connection().query_row("SELECT COUNT(*) FROM records", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
    journal.ran(3, ["a", "b"], WorkflowStatus::Completed, 2_000);
    assert!(journal.log.definition(&journal.plan.hash).unwrap().is_some());
}

#[test]
fn watermarks_and_owned_definitions_are_replaced_and_forgotten() {
    let mut journal = Journal::new();
    for timing in ["one", "two"] {
        let watermarks = vec![watermark("nightly", timing)];
        let owned = vec![OwnedChange::Put(owned("w", timing))];
        journal.log.commit(&Transaction { watermarks, owned, ..Transaction::default() }).unwrap();
    }
    let mut journal = journal.again();
    assert_eq!(journal.log.watermarks().unwrap().rows, [watermark("nightly", "two")]);
    assert_eq!(journal.log.owned().unwrap().rows, [owned("w", "two")]);
    let gone = OwnedChange::Remove { kind: OwnedKind::Workflow, name: "w".to_owned(), version: 1 };
    let (schedules_gone, owned) = (vec!["nightly".to_owned()], vec![gone]);
    journal.log.commit(&Transaction { schedules_gone, owned, ..Transaction::default() }).unwrap();
    assert!(journal.log.watermarks().unwrap().rows.is_empty());
    assert!(journal.log.owned().unwrap().rows.is_empty());
}

#[test]
fn a_spoilt_watermark_definition_or_slot_leaves_the_others() {
    let mut journal = Journal::new();
    let transaction = Transaction {
        watermarks: vec![watermark("a", "t"), watermark("b", "t")],
        owned: vec![OwnedChange::Put(owned("a", "one")), OwnedChange::Put(owned("b", "two"))],
        slots: vec![slot(1, SlotOutcome::Fired), slot(2, SlotOutcome::Fired)],
        ..Transaction::default()
    };
    journal.log.commit(&transaction).unwrap();
    journal.sql("UPDATE watermarks SET body = zeroblob(50) WHERE schedule = 'a'");
    journal.sql("UPDATE owned SET body = zeroblob(50) WHERE name = 'a'");
    journal.sql("UPDATE slots SET body = zeroblob(50) WHERE due = 1");
    let watermarks = journal.log.watermarks().unwrap();
    assert_eq!(watermarks.rows, [watermark("b", "t")]);
    assert_eq!(watermarks.unreadable[0].row, "watermark of schedule \"a\"");
    let kept = journal.log.owned().unwrap();
    assert_eq!(kept.rows, [owned("b", "two")]);
    assert_eq!(kept.unreadable[0].row, "workflow \"a\" version 1");
    let slots = journal.reader().slots(&Query::default()).unwrap().rows;
    assert_eq!(slots[0].outcome, SlotOutcome::Fired);
    assert!(matches!(&slots[1].outcome, SlotOutcome::Failed { reason } if reason.contains("does not open")));
}

#[test]
fn a_log_of_a_run_ends_where_it_is_full_and_says_so() {
    let mut journal = Journal::new();
    let head = head(1, &journal.plan);
    journal.keep(vec![record(head, 1, &["a"])]).unwrap();
    let line = |number| TaskLog { execution: id(1), run: RunNumber(1), at: at(number), line: format!("line {number}") };
    let task_logs = (0..1_200).map(line).collect();
    journal.log.commit(&Transaction { task_logs, ..Transaction::default() }).unwrap();
    let logs = journal.log.task_logs(id(1), RunNumber(1)).unwrap();
    assert_eq!(logs.len(), 1_000);
    assert_eq!(logs[998].line, "line 998");
    assert_eq!(logs[999].line, "the log of a run holds 1000 lines, the rest is dropped");
    assert!(journal.log.task_logs(id(1), RunNumber(2)).unwrap().is_empty());
}

#[test]
fn a_reader_sees_what_was_committed_and_changes_nothing() {
    let mut journal = Journal::new();
    let reader = journal.reader();
    assert_eq!(reader.search(&Query::default()).unwrap().total, 0);
    journal.ran(1, ["a", "b"], WorkflowStatus::Completed, 2_000);
    assert_eq!(reader.search(&Query::default()).unwrap().total, 1);
    assert_eq!(texts(&reader.load(id(1)).unwrap().unwrap().history), ["a", "b"]);
    let changed = crate::journal::schema::open_reader(&journal.folder.path().join("journal.db"))
        .unwrap()
        .execute("DELETE FROM executions", []);
    assert!(changed.is_err());
}

#[test]
fn readers_do_not_disturb_the_writer_nor_each_other() {
    let mut journal = Journal::new();
    let reader = journal.reader();
    std::thread::scope(|scope| {
        let search = || (0..50).map(|_| reader.search(&Query::default()).unwrap().total).is_sorted();
        let searches: Vec<_> = (0..6).map(|_| scope.spawn(search)).collect();
        for number in 1..=50 {
            journal.ran(number, ["a", "b"], WorkflowStatus::Completed, 2_000);
        }
        assert!(searches.into_iter().all(|search| search.join().unwrap()));
    });
    assert_eq!(reader.search(&Query::default()).unwrap().total, 50);
}

#[test]
fn what_a_reader_still_looks_at_is_wiped_later() {
    let mut journal = Journal::new();
    journal.ran(1, ["a", "b"], WorkflowStatus::Completed, 2_000);
    journal.ran(2, ["a", "b"], WorkflowStatus::Completed, 2_000);
    let looking = crate::journal::schema::open_reader(&journal.folder.path().join("journal.db")).unwrap();
    let moment = looking.unchecked_transaction().unwrap();
    let _seen: i64 = moment.query_row("SELECT COUNT(*) FROM records", [], |row| row.get(0)).unwrap();
    journal.log.archive(&[(id(1), json!(1))], at(3_000)).unwrap();
    assert_eq!(journal.log.wipe().unwrap(), Wiped::Later);
    assert_eq!(journal.history(1), ["1"]);
    drop(moment);
    assert_eq!(journal.log.wipe().unwrap(), Wiped::Now);
}

/// Keeps six executions: ids 1 to 6, started at 100 to 600.
fn six() -> Journal {
    let mut journal = Journal::new();
    let other = plan("backup");
    let mut records = Vec::new();
    for number in 1..=6_u8 {
        let plan = if number % 2 == 0 { &other } else { &journal.plan };
        let started = i64::from(number) * 100;
        let mut head = Head { started: at(started), updated: at(started), ..head(number.into(), plan) };
        if number > 2 {
            head = ended(head, WorkflowStatus::Completed, started + 7);
        }
        if number == 3 {
            head.correlation_id = Some("order 12".to_owned());
            head.schedule = Some("nightly".to_owned());
        }
        records.push(record(head, 1, &["a"]));
    }
    let definitions = vec![Arc::clone(&journal.plan), other];
    journal.log.commit(&Transaction { definitions, records, ..Transaction::default() }).unwrap();
    journal
}

fn found(journal: &Journal, conditions: Vec<Condition<Field>>) -> Vec<u128> {
    let page = journal.reader().search(&Query { conditions, ..Query::default() }).unwrap();
    assert_eq!(page.total, u64::try_from(page.rows.len()).unwrap());
    page.rows.iter().map(|head| head.execution.uuid().as_u128()).collect()
}

#[test]
fn searches_find_what_they_ask_for_newest_first() {
    let journal = six();
    let text = |text: &str| Operand::Text(text.to_owned());
    assert_eq!(found(&journal, vec![]), [6, 5, 4, 3, 2, 1]);
    assert_eq!(found(&journal, vec![Condition::OneOf(Field::Name, vec![text("rotate")])]), [5, 3, 1]);
    assert_eq!(found(&journal, vec![Condition::OneOf(Field::Status, vec![text("RUNNING"), text("PAUSED")])]), [2, 1]);
    assert_eq!(found(&journal, vec![Condition::OneOf(Field::CorrelationId, vec![text("order 12")])]), [3]);
    assert_eq!(found(&journal, vec![Condition::OneOf(Field::Schedule, vec![text("nightly")])]), [3]);
    assert_eq!(found(&journal, vec![Condition::OneOf(Field::Id, vec![text(&id(4).to_string())])]), [4]);
    assert_eq!(found(&journal, vec![Condition::OneOf(Field::Id, vec![])]), []);
    let between = vec![
        Condition::Bounded(Field::Started, Bound::Above, Operand::Number(200)),
        Condition::Bounded(Field::Ended, Bound::Below, Operand::Number(507)),
    ];
    assert_eq!(found(&journal, between), [4, 3]);
    assert_eq!(found(&journal, vec![Condition::Mentions("back".to_owned())]), [6, 4, 2]);
    assert_eq!(found(&journal, vec![Condition::Mentions("ord%".to_owned())]), []);
}

#[test]
fn pages_follow_each_other_and_know_the_total() {
    let reader = six().reader();
    let sort = vec![(Field::Name, Direction::Ascending), (Field::Started, Direction::Descending)];
    let mut seen = Vec::new();
    for start in [0, 2, 4, 6] {
        let page = reader.search(&Query { sort: sort.clone(), start, size: 2, ..Query::default() }).unwrap();
        assert_eq!(page.total, 6);
        seen.extend(page.rows.iter().map(|head| head.execution.uuid().as_u128()));
    }
    assert_eq!(seen, [6, 4, 2, 5, 3, 1]);
}

#[test]
fn slots_are_found_and_forgotten() {
    let mut journal = Journal::new();
    let skipped = SlotOutcome::Skipped { blocked_by: id(1) };
    let slots = vec![slot(1, SlotOutcome::Fired), slot(2, skipped.clone()), slot(2, skipped)];
    journal.log.commit(&Transaction { slots: slots.clone(), ..Transaction::default() }).unwrap();
    let page = journal.reader().slots(&Query::default()).unwrap();
    assert_eq!((page.total, page.rows), (2, vec![slots[1].clone(), slots[0].clone()]));
    let fired = Condition::OneOf(SlotField::State, vec![Operand::Text("EXECUTED".to_owned())]);
    let page = journal.reader().slots(&Query { conditions: vec![fired], ..Query::default() }).unwrap();
    assert_eq!(page.rows, [slots[0].clone()]);
    assert_eq!(journal.log.forget_slots(at(9), 1).unwrap(), 1, "the oldest, and no more than it was told");
    assert_eq!(journal.reader().slots(&Query::default()).unwrap().rows, [slots[1].clone()]);
    assert_eq!(journal.log.forget_slots(at(2), 9).unwrap(), 0);
}
