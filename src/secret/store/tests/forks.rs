use std::path::PathBuf;

use super::{BYTES_MAX, Bench, Problem, Refreshed, Store, current, put, value};
use crate::disk::Outage;
use crate::secret::{Error, ForkReason, Side, Version};

/// Lets a file be a fork of the store, and checks that it is neither adopted nor overwritten, also after an open.
fn check_fork(bench: &Bench, store: &Store, expected: &ForkReason) {
    let before = bench.disk.read(&bench.paths.store, BYTES_MAX).ok();
    let known = current(store, "token");
    assert_eq!(store.refresh().unwrap(), Refreshed::Forked);
    for store in [store, &bench.open()] {
        let error = store.update(vec![put("token", "lost?")]).unwrap_err();
        let Error::Forked { reason } = &error else { panic!("{error}") };
        match (reason, expected) {
            (ForkReason::Unreadable(_), ForkReason::Unreadable(_)) => {}
            _ => assert_eq!(reason, expected),
        }
        assert!(error.is_transient());
        assert!(matches!(store.preflight(), Err(Error::Forked { .. })));
        assert_eq!(current(store, "token"), known, "reads go on from the last good copy");
        assert!(matches!(store.problems().first(), Some(Problem::Forked(_))));
        assert_eq!(bench.disk.read(&bench.paths.store, BYTES_MAX).ok(), before);
    }
}

#[test]
fn a_fork_is_neither_adopted_nor_overwritten() {
    let elsewhere = Bench::faulty(9).0;
    elsewhere.create();
    let another_store = elsewhere.read_store();
    let conflict = b"<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> branch\n".to_vec();
    let unreadable = || ForkReason::Unreadable(String::new());
    for (bytes, reason) in [
        (another_store, unreadable()),
        (conflict, unreadable()),
        (vec![], unreadable()),
        (b"x".repeat(9), unreadable()),
    ] {
        let (bench, _) = Bench::faulty(1);
        let store = bench.create();
        store.update(vec![put("token", "one")]).unwrap();
        bench.write_store(&bytes);
        check_fork(&bench, &store, &reason);
    }
}

#[test]
fn another_store_for_the_same_identity_is_a_fork() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put("token", "one")]).unwrap();
    let mut elsewhere = Bench::faulty(2).0;
    elsewhere.identity = bench.identity.clone();
    elsewhere.create();
    bench.write_store(&elsewhere.read_store());
    check_fork(&bench, &store, &ForkReason::AnotherStore);
}

#[test]
fn a_restored_backup_is_a_fork() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put("token", "one")]).unwrap();
    let backup = bench.read_store();
    store.update(vec![put("token", "two")]).unwrap();
    bench.write_store(&backup);
    check_fork(&bench, &store, &ForkReason::Older);
    let (conflict, _) = store.resolve().unwrap();
    assert_eq!(conflict.differences.len(), 1);
    assert_eq!(current(&bench.open(), "token").as_deref(), Some("two"));
    assert_eq!(bench.open().problems(), []);
}

#[test]
fn a_file_that_is_gone_is_a_fork_and_resolve_brings_it_back() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put("token", "one")]).unwrap();
    bench.disk.remove(&bench.paths.store).unwrap();
    check_fork(&bench, &store, &ForkReason::Missing);
    store.resolve().unwrap();
    assert_eq!(current(&bench.open(), "token").as_deref(), Some("one"));
    assert_eq!(store.problems(), []);
}

#[test]
fn a_file_that_comes_back_ends_the_fork() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    let good = bench.read_store();
    bench.write_store(b"garbage");
    assert_eq!(store.refresh().unwrap(), Refreshed::Forked);
    bench.write_store(&good);
    assert_eq!(store.refresh().unwrap(), Refreshed::Unchanged);
    store.update(vec![put("token", "one")]).unwrap();
}

#[test]
fn an_edited_payload_is_adopted_only_as_a_new_revision() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put("token", "one")]).unwrap();
    bench.edit(|payload| {
        payload["secrets"]["token"]["versions"][0]["value"] = "edited".into();
        payload["revision"] = 3.into();
        payload["id"] = "by-hand".into();
        payload["lineage"].as_array_mut().unwrap().push("by-hand".into());
    });
    assert_eq!(store.refresh().unwrap(), Refreshed::Adopted);
    assert_eq!(current(&store, "token").as_deref(), Some("edited"));
    bench.edit(|payload| payload["secrets"]["token"]["versions"][0]["value"] = "sneaked in".into());
    check_fork(&bench, &store, &ForkReason::Edited);
}

#[test]
fn parallel_edits_are_settled_by_what_was_written_last() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put("both", "start"), put("here", "start")]).unwrap();
    let base = bench.read_store();
    // The other machine starts from the same file with a state of its own.
    let there = Bench::faulty(2).0;
    let there = Bench { identity: bench.identity.clone(), ..there };
    there.write_store(&base);
    let their_store = there.open();
    bench.clock.advance(std::time::Duration::from_mins(1));
    store.update(vec![put("both", "ours"), put("here", "ours")]).unwrap();
    there.clock.advance(std::time::Duration::from_mins(2));
    their_store.update(vec![put("both", "theirs")]).unwrap();
    their_store.update(vec![put("there", "theirs")]).unwrap();
    bench.write_store(&there.read_store());

    assert_eq!(store.refresh().unwrap(), Refreshed::Forked);
    let conflict = store.conflict().unwrap().unwrap();
    let shown: Vec<_> = conflict.differences.iter().map(|one| (one.name.as_str(), one.winner)).collect();
    assert_eq!(shown, [("both", Side::Theirs), ("here", Side::Ours), ("there", Side::Theirs)]);
    store.resolve().unwrap();
    assert_eq!(current(&store, "both").as_deref(), Some("theirs"));
    assert_eq!(value(&store, "both", Version::Previous).as_deref(), Some("ours"), "the other side's value is kept");
    assert_eq!(current(&store, "here").as_deref(), Some("ours"));
    assert_eq!(current(&store, "there").as_deref(), Some("theirs"));
    assert!(store.conflict().unwrap().is_none());
    assert!(matches!(store.resolve(), Err(Error::NotForked)));

    there.write_store(&bench.read_store());
    assert_eq!(their_store.refresh().unwrap(), Refreshed::Adopted, "the result descends from both sides");
}

#[test]
fn a_file_that_cannot_be_read_is_put_aside_before_it_is_replaced() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put("token", "one")]).unwrap();
    bench.write_store(b"garbage");
    let (conflict, _) = store.resolve().unwrap();
    assert!(!conflict.is_mergeable);
    assert_eq!(bench.open().problems(), []);
    assert_eq!(current(&bench.open(), "token").as_deref(), Some("one"));
    let aside = bench.disk.list(&bench.paths.state).unwrap();
    let aside: Vec<PathBuf> = aside.into_iter().map(|entry| entry.path).collect();
    let aside = aside.iter().find(|path| path.to_string_lossy().contains("aside")).unwrap();
    assert_eq!(bench.disk.read(aside, BYTES_MAX).unwrap(), b"garbage");
}

#[test]
fn a_file_spoilt_after_a_kill_is_read_from_the_copy() {
    let (bench, disk) = Bench::faulty(1);
    let store = bench.create();
    for value in ["one", "two"] {
        store.update(vec![put("token", value)]).unwrap();
    }
    store.catch_up();
    disk.restart(Outage::Process);
    bench.write_store(b"garbage");
    let again = bench.open();
    assert_eq!(current(&again, "token").as_deref(), Some("two"));
    assert!(matches!(again.update(vec![put("token", "three")]), Err(Error::Forked { .. })));
}
