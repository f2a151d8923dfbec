use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::{ended, head, id, owned, plan, record, sealer, texts, watermark};
use crate::disk::{Fault, FaultyDisk, Outage};
use crate::journal::{DiskLog, Error, History, Log, OwnedChange, OwnedKind, SqliteLog, TaskLog, Transaction, Wiped};
use crate::words::{RunNumber, Timestamp, WorkflowStatus};

/// What a log says of everything that the tests keep.
#[derive(Debug, PartialEq)]
struct Said {
    live: Vec<u128>,
    problems: Vec<u128>,
    histories: Vec<Option<Vec<String>>>,
    definitions: Vec<bool>,
    watermarks: usize,
    owned: usize,
    lines: usize,
    to_archive: Vec<u128>,
    to_purge: Vec<u128>,
}

fn said(log: &dyn Log) -> Said {
    let numbers = |ids: Vec<crate::words::ExecutionId>| ids.iter().map(|id| id.uuid().as_u128()).collect();
    let before = Timestamp::from_millis(5_000);
    Said {
        live: numbers(log.live().unwrap()),
        problems: numbers(log.problems().unwrap()),
        histories: (1..=4).map(|number| log.load(id(number)).unwrap().map(|stored| texts(&stored.history))).collect(),
        definitions: ["a", "b"].map(|name| log.definition(&plan(name).hash).unwrap().is_some()).to_vec(),
        watermarks: log.watermarks().unwrap().rows.len(),
        owned: log.owned().unwrap().rows.len(),
        lines: log.task_logs(id(1), RunNumber(1)).unwrap().len(),
        to_archive: numbers(log.due_for_archive(before, 9).unwrap()),
        to_purge: numbers(log.due_for_purge(before, 9).unwrap()),
    }
}

type Act = fn(&mut dyn Log) -> Result<(), Error>;

/// A life of a journal, act by act; some acts are refused.
const LIFE: &[Act] = &[
    |log| {
        let records = vec![record(head(1, &plan("a")), 1, &["one"]), record(head(2, &plan("b")), 2, &["x", "y"])];
        log.commit(&Transaction { definitions: vec![plan("a"), plan("b")], records, ..Transaction::default() })
    },
    |log| {
        let unstored = crate::journal::Head { unstored: true, ..head(3, &plan("a")) };
        let records = vec![record(ended(unstored, WorkflowStatus::Failed, 2_000), 1, &["kept"])];
        let watermarks = vec![watermark("s", "t")];
        let owned = vec![OwnedChange::Put(owned("w", "one"))];
        log.commit(&Transaction { definitions: vec![plan("a")], records, watermarks, owned, ..Transaction::default() })
    },
    |log| {
        let line = |at| TaskLog {
            execution: id(1),
            run: RunNumber(1),
            at: Timestamp::from_millis(at),
            line: "line".to_owned(),
        };
        log.commit(&Transaction { task_logs: vec![line(1), line(2)], ..Transaction::default() })
    },
    |log| {
        let records = vec![record(head(1, &plan("a")), 5, &["gap"])];
        log.commit(&Transaction { records, ..Transaction::default() })
    },
    |log| {
        let records =
            vec![record(head(4, &plan("b")), 1, &["with a refused one"]), record(head(1, &plan("a")), 1, &["z"])];
        log.commit(&Transaction { definitions: vec![plan("b")], records, ..Transaction::default() })
    },
    |log| {
        let first = record(ended(head(1, &plan("a")), WorkflowStatus::Completed, 3_000), 2, &["two"]);
        let second = record(ended(head(2, &plan("b")), WorkflowStatus::Completed, 2_000), 3, &["z"]);
        log.commit(&Transaction { records: vec![first, second], ..Transaction::default() })
    },
    |log| log.archive(&[(id(1), json!("masked")), (id(3), json!("unstored"))], Timestamp::EPOCH),
    |log| log.wipe().map(drop),
    |log| {
        let records = vec![record(head(1, &plan("a")), 3, &["after the archive"])];
        log.commit(&Transaction { records, ..Transaction::default() })
    },
    |log| log.remove(&[id(2), id(3)]),
    |log| log.wipe().map(drop),
    |log| {
        let owned = vec![OwnedChange::Remove { kind: OwnedKind::Workflow, name: "w".to_owned(), version: 1 }];
        let schedules_gone = vec!["s".to_owned()];
        log.commit(&Transaction { schedules_gone, owned, ..Transaction::default() })
    },
];

fn path() -> PathBuf {
    PathBuf::from("/state/journal.log")
}

fn open(disk: &FaultyDisk) -> DiskLog {
    DiskLog::open(Arc::new(disk.clone()), &path(), sealer()).unwrap()
}

fn new_disk(seed: u64) -> FaultyDisk {
    let disk = FaultyDisk::new(seed);
    crate::disk::Disk::create_folder(&disk, &PathBuf::from("/state")).unwrap();
    crate::disk::Disk::sync_folder(&disk, &PathBuf::from("/")).unwrap();
    disk
}

#[test]
fn both_logs_live_the_same_life() {
    let folder = tempfile::tempdir().unwrap();
    let mut sqlite = SqliteLog::open(&folder.path().join("journal.db"), sealer()).unwrap();
    let disk = new_disk(1);
    let mut twin = open(&disk);
    for (number, act) in LIFE.iter().enumerate() {
        let (ours, theirs) = (act(&mut sqlite), act(&mut twin));
        assert_eq!(ours.map_err(|error| error.to_string()), theirs.map_err(|error| error.to_string()), "act {number}");
        assert_eq!(said(&sqlite), said(&twin), "act {number}");
        assert_eq!(said(&open(&disk)), said(&twin), "act {number}, opened again");
    }
    assert_eq!(said(&twin).histories, [Some(vec!["\"masked\"".to_owned()]), None, Some(vec!["kept".to_owned()]), None]);
}

/// Lives until the first act that fails with something else than a refusal.
fn live(log: &mut DiskLog) -> (Said, Option<usize>) {
    let mut last = said(log);
    for (number, act) in LIFE.iter().enumerate() {
        match act(log) {
            Ok(()) | Err(Error::Illegal { .. }) => last = said(log),
            Err(_) => return (last, Some(number)),
        }
    }
    (last, None)
}

#[test]
fn a_crash_at_any_step_loses_nothing_that_was_acknowledged() {
    let mut crashes = 0;
    for outage in [Outage::Process, Outage::Power] {
        for step in 0.. {
            let disk = new_disk(step);
            let begin = disk.steps();
            disk.fail_at(begin + step, Fault::Stop);
            let (acknowledged, failed) = live(&mut open(&disk));
            let Some(act) = failed else { break };
            disk.restart(outage);
            let mut after = open(&disk);
            let found = said(&after);
            if found != acknowledged {
                // The act that failed may have happened, whole.
                let mut whole = open(&new_disk(0));
                for act in &LIFE[..=act] {
                    let _refused = act(&mut whole);
                }
                assert_eq!(found, said(&whole), "{outage:?} at step {step}, act {act}");
            }
            for act in &LIFE[act..] {
                assert!(matches!(act(&mut after), Ok(()) | Err(Error::Illegal { .. })), "{outage:?} at step {step}");
            }
            crashes += 1;
        }
    }
    assert!(crashes > 40, "{crashes}");
}

#[test]
fn a_failed_write_keeps_nothing_and_passes() {
    for fault in [Fault::NoSpace, Fault::Io] {
        for step in 0.. {
            let disk = new_disk(step);
            let mut log = open(&disk);
            let begin = disk.steps();
            disk.fail_at(begin + step, fault);
            let (before, failed) = live(&mut log);
            let Some(act) = failed else { break };
            if act != 6 && act != 8 {
                // An archive and a removal are kept before their bytes are wiped.
                assert_eq!(said(&log), before, "{fault:?} at step {step}");
            }
            for act in &LIFE[act..] {
                assert!(matches!(act(&mut log), Ok(()) | Err(Error::Illegal { .. })), "{fault:?} at step {step}");
            }
            assert_eq!(said(&open(&disk)), said(&log), "{fault:?} at step {step}");
        }
    }
}

#[test]
fn an_archived_byte_is_in_the_file_no_more() {
    let disk = new_disk(3);
    let mut log = open(&disk);
    let records = vec![record(ended(head(1, &plan("a")), WorkflowStatus::Completed, 1), 1, &["one"])];
    log.commit(&Transaction { definitions: vec![plan("a")], records, ..Transaction::default() }).unwrap();
    let bytes = || crate::disk::Disk::read(&disk, &path(), 1 << 20).unwrap();
    assert!(super::contains(&bytes(), "\"Record\""));
    log.archive(&[(id(1), json!("masked"))], Timestamp::EPOCH).unwrap();
    assert_eq!(log.wipe().unwrap(), Wiped::Now);
    assert!(!super::contains(&bytes(), "\"Record\""));
    assert!(matches!(log.load(id(1)).unwrap().unwrap().history, History::Archived(_)));
}
