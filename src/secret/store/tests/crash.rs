use std::collections::BTreeSet;
use std::path::Path;

use super::{BYTES_MAX, Bench, attempt, current, put, put_by};
use crate::disk::{Disk, Fault, Outage, replace};
use crate::secret::{Error, Outcome};

#[test]
fn a_crash_at_every_step_leaves_old_or_new() {
    let mut crashes = 0;
    for outage in [Outage::Process, Outage::Power] {
        for step in 0..14 {
            for seed in 0..12 {
                let (bench, disk) = Bench::faulty(seed);
                let store = bench.create();
                store.update(vec![put("token", "old")]).unwrap();
                disk.fail_at(disk.steps() + step, Fault::Stop);
                let acknowledged = store.update(vec![put("token", "new")]).is_ok();
                crashes += usize::from(disk.has_stopped());
                disk.restart(outage);
                let again = bench.open();
                let found = current(&again, "token").unwrap();
                let case = format!("{outage:?} step {step} seed {seed}: {found}");
                assert!(found == "new" || (found == "old" && !acknowledged), "{case}");
                assert_eq!(again.problems(), [], "{case}");
                again.update(vec![put("token", "newer")]).unwrap();
                assert_eq!(current(&bench.open(), "token").as_deref(), Some("newer"), "{case}");
                let names = disk.list(Path::new("/project/secrets")).unwrap();
                assert_eq!(names.len(), 2, "{case}: {names:?}");
            }
        }
    }
    assert!(crashes > 150, "{crashes}");
}

#[test]
fn an_error_at_any_step_loses_nothing_that_was_acknowledged() {
    for fault in [Fault::NoSpace, Fault::Io] {
        for step in 0..10 {
            let (bench, disk) = Bench::faulty(step);
            let store = bench.create();
            store.update(vec![put("token", "old")]).unwrap();
            let before = bench.read_store();
            disk.fail_at(disk.steps() + step, fault);
            match store.update(vec![put_by("token", "new", attempt("run", 0))]) {
                Ok(_) => {}
                Err(Error::StateUnknown { .. }) => assert_ne!(bench.read_store(), before),
                Err(error) => {
                    assert!(error.is_transient(), "{error}");
                    assert_eq!(bench.read_store(), before, "step {step}");
                    assert_eq!(current(&store, "token").as_deref(), Some("old"));
                }
            }
            store.update(vec![put_by("token", "new", attempt("run", 0))]).unwrap();
            disk.restart(Outage::Power);
            assert_eq!(current(&bench.open(), "token").as_deref(), Some("new"), "{fault:?} step {step}");
        }
    }
}

#[test]
fn a_folder_that_was_not_synced_is_written_again_before_success() {
    for seed in 0..20 {
        let (bench, disk) = Bench::faulty(seed);
        let store = bench.create();
        disk.fail_at(disk.steps() + 4, Fault::Io);
        let unknown = store.update(vec![put_by("token", "new", attempt("run", 0))]).unwrap_err();
        assert!(matches!(unknown, Error::StateUnknown { .. }) && unknown.is_transient());
        let repeated = store.update(vec![put_by("token", "new", attempt("run", 0))]).unwrap();
        assert_eq!(repeated.secrets[0].outcome, Outcome::Repeated);
        disk.restart(Outage::Power);
        assert_eq!(current(&bench.open(), "token").as_deref(), Some("new"), "seed {seed}");
    }
}

#[test]
fn a_full_disk_is_seen_before_a_call_is_made() {
    let (bench, disk) = Bench::faulty(1);
    let store = bench.create();
    store.preflight().unwrap();
    disk.set_room_bytes(1000);
    assert!(matches!(store.preflight(), Err(Error::NoRoom { .. })));
}

#[test]
fn a_lost_copy_and_a_torn_anchor_are_no_fork() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put("token", "one")]).unwrap();
    store.update(vec![put("token", "two")]).unwrap();
    bench.disk.remove(&bench.paths.last()).unwrap();
    let anchor = bench.disk.read(&bench.paths.anchor(), BYTES_MAX).unwrap();
    replace(&*bench.disk, &bench.paths.anchor(), &anchor[..anchor.len() - 20]).unwrap();
    let store = bench.open();
    assert_eq!(store.problems(), []);
    store.update(vec![put("token", "three")]).unwrap();
    let names: BTreeSet<_> = bench.disk.list(&bench.paths.state).unwrap().into_iter().map(|one| one.path).collect();
    assert!(names.contains(&bench.paths.last()));
}
