use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::clock::ManualClock;
use crate::disk::SystemDisk;
use crate::journal::{
    Action, Actor, AuditPage, AuditQuery, Broken, DiskLog, Entry, Error, Log as _, Notes, Object, ObjectKind, Reader,
    SqliteLog, Transaction,
};
use crate::secret::Sealer;
use crate::words::{Owner, Timestamp};

/// A journal with an audit, and what somebody does to it who can write the files and has no key.
struct Journal {
    folder: tempfile::TempDir,
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn sealer() -> Arc<Sealer> {
    Arc::new(Sealer::from_key([7; 32]))
}

fn entry(name: &str) -> Entry {
    Entry::new(at(1_000), Actor::of(&Owner::Local), Action::Reveal, Object::secret(name))
}

fn all() -> AuditQuery {
    AuditQuery { since: None, secret: None, actor: None, run: None, before: None, count: 100, brief: false }
}

fn commit(log: &mut SqliteLog, entries: &[Entry]) {
    log.commit(&Transaction { audit: entries.to_vec(), ..Transaction::default() }).unwrap();
}

impl Journal {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A journal with the entries `s1` to `s5`, each of a commit of its own.
    fn with_five() -> Self {
        let journal = Self::new();
        let mut log = journal.open();
        (1..=5).for_each(|number| commit(&mut log, &[entry(&format!("s{number}"))]));
        journal
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    fn open(&self) -> SqliteLog {
        SqliteLog::open(&self.path(), sealer()).unwrap()
    }

    fn notes(&self, entries: &[Entry]) -> Result<u64, Error> {
        Notes::beside(&self.path(), sealer()).add(&SystemDisk, &ManualClock::new(at(0)), entries)
    }

    fn sql(&self, sql: &str) {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn verify(&self) -> Result<u64, Broken> {
        let checked = Reader::open(&self.path(), sealer()).unwrap().verify_audit().unwrap();
        checked.breaks.into_iter().next().map_or(Ok(checked.end.seq), Err)
    }

    /// Says that what is broken is known, and returns how many breaks that were.
    fn acknowledge(&self, reason: &str) -> usize {
        let breaks = Reader::open(&self.path(), sealer()).unwrap().verify_audit().unwrap().breaks;
        let entry = |broken: &Broken| {
            let object = Object::new(ObjectKind::Audit, "audit");
            Entry::new(at(2_000), Actor::of(&Owner::Local), Action::Acknowledge, object)
                .detailed(&broken.acknowledgement(reason))
        };
        let mut log = self.open();
        commit(&mut log, &breaks.iter().map(entry).collect::<Vec<_>>());
        assert_eq!(log.audit_trouble(), None, "what is known is no Problem any more");
        breaks.len()
    }

    fn page(&self, query: &AuditQuery) -> AuditPage {
        Reader::open(&self.path(), sealer()).unwrap().audit(query).unwrap()
    }

    fn names(&self, query: &AuditQuery) -> Vec<String> {
        let name = |row: &Value| row["object"]["name"].as_str().unwrap_or("?").to_owned();
        self.page(query).entries.iter().map(name).collect()
    }
}

fn swap(folder: &Path, one: &str, other: &str) {
    std::fs::rename(folder.join(one), folder.join("held")).unwrap();
    std::fs::rename(folder.join(other), folder.join(one)).unwrap();
    std::fs::rename(folder.join("held"), folder.join(other)).unwrap();
}

#[test]
fn a_whole_chain_is_verified_and_shows_the_newest_first() {
    let journal = Journal::with_five();
    assert_eq!(journal.verify(), Ok(5));
    assert_eq!(journal.names(&all()), ["s5", "s4", "s3", "s2", "s1"]);
    let two = AuditQuery { count: 2, ..all() };
    let page = journal.page(&two);
    assert_eq!((page.entries.len(), page.next), (2, Some(4)));
    assert_eq!(journal.names(&AuditQuery { before: page.next, ..two }), ["s3", "s2"]);
    assert_eq!(journal.page(&AuditQuery { before: Some(3), ..all() }).next, None);
    assert_eq!(journal.names(&AuditQuery { secret: Some("s3".to_owned()), ..all() }), ["s3"]);
    assert_eq!(journal.names(&AuditQuery { actor: Some("app:owner".to_owned()), ..all() }), [""; 0]);
    assert_eq!(journal.names(&AuditQuery { actor: Some("owner:owner".to_owned()), ..all() }).len(), 5);
    assert_eq!(journal.names(&AuditQuery { since: Some(at(1_001)), ..all() }), [""; 0]);
}

#[test]
fn the_hash_of_an_entry_is_found_again_from_what_is_shown_alone() {
    let page = Journal::with_five().page(&all());
    let mut prev = "0".repeat(64);
    for row in page.entries.iter().rev() {
        let line = row.to_string();
        let (canonical, hash) = line.rsplit_once(",\"hash\":\"").unwrap();
        let canonical = format!("{canonical}}}");
        let digest = Sha256::digest(format!("keytide-audit/1\n{canonical}").as_bytes());
        let digest = format!("{digest:x}");
        assert_eq!(hash.trim_end_matches("\"}"), digest);
        assert_eq!(row["prev"], prev.as_str());
        prev = digest;
    }
}

#[test]
fn nothing_of_an_entry_is_on_the_disk_in_clear() {
    let journal = Journal::new();
    let mut log = journal.open();
    journal.notes(&[entry("canary-name-1")]).unwrap();
    commit(&mut log, &[entry("canary-name-2")]);
    for file in std::fs::read_dir(journal.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"canary-name"));
    }
}

#[test]
fn a_changed_entry_is_found() {
    for seq in 1..=5 {
        let journal = Journal::with_five();
        journal.sql(&format!("UPDATE audit SET body = zeroblob(length(body)) WHERE seq = {seq}"));
        assert!(matches!(journal.verify(), Err(Broken::Entry { seq: found, .. }) if found == seq));
        assert_eq!(
            journal.page(&all()).entries.iter().filter(|row| row["fault"].is_string()).count(),
            1,
            "it is shown"
        );
    }
}

#[test]
fn an_entry_that_was_removed_is_found() {
    for (seq, broken) in [
        (1, Broken::Missing { first: 1, last: 1 }),
        (3, Broken::Missing { first: 3, last: 3 }),
        (5, Broken::Missing { first: 5, last: 5 }),
    ] {
        let journal = Journal::with_five();
        journal.sql(&format!("DELETE FROM audit WHERE seq = {seq}"));
        assert_eq!(journal.verify(), Err(broken));
    }
    let journal = Journal::with_five();
    journal.sql("DELETE FROM audit");
    assert_eq!(journal.verify(), Err(Broken::Missing { first: 1, last: 5 }));
}

#[test]
fn entries_that_were_exchanged_or_renumbered_are_found() {
    let journal = Journal::with_five();
    journal.sql("UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 99");
    assert!(matches!(journal.verify(), Err(Broken::Entry { seq: 2, .. })));
    let journal = Journal::with_five();
    journal.sql("DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3");
    assert!(matches!(journal.verify(), Err(Broken::Entry { seq: 3, .. })));
}

#[test]
fn an_entry_of_another_time_line_with_the_same_keys_is_found() {
    let (one, other) = (Journal::with_five(), Journal::new());
    let mut log = other.open();
    (1..=5).for_each(|number| commit(&mut log, &[entry(&format!("other{number}"))]));
    drop(log);
    let source = other.path().display().to_string();
    one.sql(&format!(
        "ATTACH '{source}' AS other; UPDATE audit SET body = (SELECT body FROM other.audit AS o WHERE o.seq = 3) WHERE seq = 3"
    ));
    assert_eq!(one.verify(), Err(Broken::Link(3)));
    one.sql(&format!("ATTACH '{source}' AS other; DELETE FROM audit; INSERT INTO audit SELECT * FROM other.audit"));
    assert_eq!(one.verify(), Err(Broken::Anchor(5)), "a whole chain of others");
}

#[test]
fn a_tail_that_was_cut_off_stays_a_gap_whatever_is_written_after_it() {
    let journal = Journal::with_five();
    journal.sql("DELETE FROM audit WHERE seq > 3");
    let mut log = journal.open();
    assert_eq!(log.audit_trouble(), Some("entries 4 to 5 of the audit are missing: they were removed"));
    commit(&mut log, &[entry("after")]);
    assert_eq!(journal.verify(), Err(Broken::Missing { first: 4, last: 5 }));
    let shown = journal.page(&all()).entries;
    assert_eq!((&shown[0]["seq"], &shown[0]["object"]["name"]), (&7.into(), &"after".into()));
    assert_eq!((&shown[1]["seq"], &shown[1]["action"]), (&6.into(), &"damage".into()), "the audit says so itself");
    commit(&mut log, &[entry("later")]);
    assert_eq!(journal.page(&all()).entries[0]["seq"], 8, "once");
}

#[test]
fn a_journal_that_was_put_back_is_found() {
    let journal = Journal::with_five();
    drop(journal.open());
    journal.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    std::fs::copy(journal.path(), journal.file("backup")).unwrap();
    let mut log = journal.open();
    commit(&mut log, &[entry("hidden")]);
    drop(log);
    journal.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    swap(journal.folder.path(), "journal.db", "backup");
    assert_eq!(journal.verify(), Err(Broken::Missing { first: 6, last: 6 }));
    std::fs::remove_file(journal.path()).unwrap();
    let log = journal.open();
    assert!(log.audit_trouble().unwrap().starts_with("entries 1 to 6"), "also where there is no journal left");
}

#[test]
fn an_anchor_that_is_gone_or_of_others_is_found_and_a_line_that_was_torn_is_not_missed() {
    let journal = Journal::with_five();
    std::fs::remove_file(journal.file("audit.anchor")).unwrap();
    assert_eq!(journal.verify(), Err(Broken::NoAnchor(5)));
    assert!(journal.open().audit_trouble().is_some());
    let journal = Journal::with_five();
    std::fs::remove_file(journal.file("audit.anchor")).unwrap();
    std::fs::create_dir(journal.file("audit.anchor")).unwrap();
    commit(&mut journal.open(), &[entry("s6")]);
    assert_eq!(journal.verify(), Err(Broken::NoAnchor(7)), "and it stops nothing");
    let journal = Journal::with_five();
    let anchor = journal.file("audit.anchor");
    let bytes = std::fs::read(&anchor).unwrap();
    for length in bytes.len() - 100..bytes.len() {
        std::fs::write(&anchor, &bytes[..length]).unwrap();
        assert_eq!(journal.verify(), Ok(5), "{length} bytes: an older end is still one");
        assert_eq!(journal.open().audit_trouble(), None);
    }
}

#[test]
fn a_crash_between_the_commit_and_its_anchor_is_no_damage() {
    let journal = Journal::with_five();
    let anchor = journal.file("audit.anchor");
    let before = std::fs::read(&anchor).unwrap();
    commit(&mut journal.open(), &[entry("s6")]);
    std::fs::write(&anchor, before).unwrap();
    let mut log = journal.open();
    assert_eq!((log.audit_trouble(), journal.verify()), (None, Ok(6)));
    commit(&mut log, &[entry("s7")]);
    assert_eq!(journal.verify(), Ok(7));
}

#[test]
fn a_commit_that_fails_leaves_the_chain_as_it_was() {
    let journal = Journal::with_five();
    let mut log = journal.open();
    journal.sql("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END");
    assert!(log.commit(&Transaction { audit: vec![entry("never")], ..Transaction::default() }).is_err());
    journal.sql("DROP TRIGGER full");
    commit(&mut log, &[entry("s6")]);
    assert_eq!((journal.verify(), journal.names(&all())[0].as_str()), (Ok(6), "s6"));
}

#[test]
fn notes_of_commands_come_into_the_chain_once_and_in_order() {
    let journal = Journal::with_five();
    let mut log = journal.open();
    journal.notes(&[entry("n1"), entry("n2")]).unwrap();
    journal.notes(&[entry("n3")]).unwrap();
    let kept = std::fs::read(journal.file("audit.notes")).unwrap();
    assert_eq!(log.take_notes(at(2_000)).unwrap(), 3);
    assert_eq!(journal.names(&AuditQuery { count: 3, ..all() }), ["n3", "n2", "n1"]);
    assert!(!journal.file("audit.notes").exists());
    // The file was not removed: a crash came between.
    std::fs::write(journal.file("audit.notes"), kept).unwrap();
    drop(log);
    let mut log = journal.open();
    assert_eq!(log.take_notes(at(2_000)).unwrap(), 0);
    std::fs::write(journal.file("audit.notes"), "").unwrap();
    journal.notes(&[entry("n4")]).unwrap();
    assert_eq!(log.take_notes(at(2_000)).unwrap(), 1);
    assert_eq!((journal.verify(), log.audit_trouble()), (Ok(9), None));
}

#[test]
fn a_note_that_a_crash_tore_is_skipped_and_one_that_was_changed_is_damage() {
    let journal = Journal::with_five();
    let mut log = journal.open();
    journal.notes(&[entry("n1")]).unwrap();
    let whole = std::fs::read(journal.file("audit.notes")).unwrap();
    journal.notes(&[entry("n2")]).unwrap();
    let longer = std::fs::read(journal.file("audit.notes")).unwrap();
    std::fs::write(journal.file("audit.notes"), &longer[..whole.len() + 20]).unwrap();
    journal.notes(&[entry("n3")]).unwrap();
    assert_eq!(log.take_notes(at(2_000)).unwrap(), 2, "n2 was never acknowledged");
    assert_eq!(
        (log.audit_trouble(), journal.names(&AuditQuery { count: 2, ..all() })),
        (None, vec!["n3".into(), "n1".into()])
    );

    journal.notes(&[entry("n4"), entry("n5")]).unwrap();
    let text = std::fs::read_to_string(journal.file("audit.notes")).unwrap();
    let without: Vec<_> = text.lines().filter(|line| !line.starts_with("0 ")).collect();
    std::fs::write(journal.file("audit.notes"), without.join("\n") + "\n").unwrap();
    assert_eq!(log.take_notes(at(2_000)).unwrap(), 2);
    assert!(log.audit_trouble().unwrap().contains("audit.notes"));
    let shown = journal.page(&AuditQuery { count: 2, ..all() }).entries;
    assert_eq!((&shown[0]["action"], &shown[1]["object"]["name"]), (&"damage".into(), &"n5".into()));
    assert!(journal.file("audit.notes.damaged").exists());
}

#[test]
fn what_is_purged_leaves_a_chain_that_holds_and_says_so() {
    let journal = Journal::new();
    let mut log = journal.open();
    let day = 24 * 60 * 60 * 1_000;
    for number in 0..5 {
        commit(&mut log, &[Entry { at: at(number * day), ..entry(&format!("s{number}")) }]);
    }
    assert_eq!(log.purge_audit(at(day), at(9 * day), 100).unwrap(), 0, "one day more is not worth an entry");
    assert_eq!(log.purge_audit(at(3 * day), at(9 * day), 100).unwrap(), 3);
    assert_eq!((journal.verify(), journal.names(&all())), (Ok(6), vec!["audit".into(), "s4".into(), "s3".into()]));
    drop(log);
    let mut log = journal.open();
    assert_eq!(log.audit_trouble(), None);
    assert_eq!(log.purge_audit(at(99 * day), at(99 * day), 100).unwrap(), 2, "the last one stays");
    assert_eq!((journal.verify(), log.purge_audit(at(99 * day), at(99 * day), 100).unwrap()), (Ok(7), 1));
    assert_eq!((journal.verify(), journal.page(&all()).entries.len()), (Ok(8), 2));
    journal.sql("DELETE FROM audit_state");
    assert!(matches!(journal.verify(), Err(Broken::Missing { first: 1, last: 6 })));
}

#[test]
fn the_anchor_is_written_anew_when_it_is_quiet_and_takes_no_sync_before() {
    let journal = Journal::new();
    let mut log = journal.open();
    for _ in 0..600 {
        commit(&mut log, &[entry("s")]);
    }
    let length = || std::fs::metadata(journal.file("audit.anchor")).unwrap().len();
    assert!(length() > 64 << 10);
    log.catch_up();
    assert!(length() < 1 << 10);
    assert_eq!(journal.verify(), Ok(600));
}

#[test]
fn the_simulators_journal_has_the_same_chain() {
    let folder = tempfile::tempdir().unwrap();
    let open = || DiskLog::open(Arc::new(SystemDisk), &folder.path().join("log"), sealer()).unwrap();
    let mut log = open();
    log.commit(&Transaction { audit: vec![entry("s1"), entry("s2")], ..Transaction::default() }).unwrap();
    drop(log);
    let mut log = open();
    log.commit(&Transaction { audit: vec![entry("s3")], ..Transaction::default() }).unwrap();
    let rows = log.audit().unwrap();
    assert_eq!(rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_break_that_is_acknowledged_is_shown_for_ever_and_covers_no_other_one() {
    let journal = Journal::with_five();
    let change = |sql: &str| rusqlite::Connection::open(journal.path()).unwrap().execute_batch(sql).unwrap();
    let known = || Reader::open(&journal.path(), sealer()).unwrap().verify_audit().unwrap().acknowledged;
    change("DELETE FROM audit WHERE seq = 2; UPDATE audit SET body = x'00' WHERE seq = 4");
    assert_eq!(journal.verify(), Err(Broken::Missing { first: 2, last: 2 }));
    assert_eq!(journal.acknowledge("the disk: was full"), 2);
    assert_eq!(journal.verify(), Ok(7));
    let told: Vec<_> = known().into_iter().map(|one| (one.seq, one.broken, one.reason)).collect();
    let reason = || "the disk: was full".to_owned();
    assert_eq!(told, [(6, "missing 2 to 2".to_owned(), reason()), (7, "entry 4".to_owned(), reason())]);
    // More at the same place, and what stood beside it, is not known.
    change("DELETE FROM audit WHERE seq = 3");
    assert_eq!(journal.verify(), Err(Broken::Missing { first: 2, last: 3 }));
    assert_eq!(journal.acknowledge("again"), 1);
    assert_eq!((journal.verify(), known().len()), (Ok(8), 3));
    // Who removes an acknowledgement is found by the gap, and what it said is not known any more.
    change("DELETE FROM audit WHERE seq = 7");
    assert!(matches!(journal.verify(), Err(Broken::Entry { seq: 4, .. })));
    // The end is cut off, and with it what said that this is known.
    change("DELETE FROM audit WHERE seq >= 6");
    assert_eq!(journal.verify(), Err(Broken::Missing { first: 2, last: 3 }));
    assert_eq!(journal.acknowledge("from a copy"), 3);
    assert_eq!((journal.verify(), known().len()), (Ok(12), 3), "one more says at the opening what is damaged");
}
