use std::sync::{Arc, Barrier};

use super::super::lock;
use super::{Bench, Edges, Refreshed, Store, UnwrapOk, VERSIONS_KEPT, current, put};
use crate::clock::{Clock, SystemClock};
use crate::disk::SystemDisk;
use crate::secret::Error;

#[test]
fn group_of_updates_shares_one_rewrite() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::on(Arc::new(SystemDisk), folder.path());
    let store = bench.create();
    let before = store.snapshot().revision();
    // While this is held nobody can rewrite, so that the others have to queue.
    let working = lock(&store.working);
    std::thread::scope(|scope| {
        let updates: Vec<_> = (0..64)
            .map(|number| {
                let store = &store;
                scope.spawn(move || store.update(vec![put(&format!("token_{number}"), "x")]))
            })
            .collect();
        let refused = scope.spawn(|| store.update(vec![put("not a name", "x")]));
        while store.waiting_count() < 64 {
            std::thread::yield_now();
        }
        drop(working);
        assert!(updates.into_iter().all(|update| update.join().unwrap().is_ok()));
        assert!(matches!(refused.join().unwrap(), Err(Error::BadName { .. })), "one that is refused fails alone");
    });
    assert_eq!(bench.open().snapshot().names().count(), 64);
    assert!(store.snapshot().revision() - before <= 2, "the first one alone, then all the others");
}

#[test]
fn two_stores_on_one_folder_lose_no_update() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::on(Arc::new(SystemDisk), folder.path());
    bench.create();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let edges = Edges { disk: bench.disk.clone(), clock };
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for process in 0..2 {
            let store = Store::open(edges.clone(), bench.paths.clone(), bench.identity.clone(), VERSIONS_KEPT);
            let store = Arc::new(store.unwrap_ok());
            for thread in 0..4 {
                let (store, start) = (store.clone(), &start);
                scope.spawn(move || {
                    start.wait();
                    for number in 0..10 {
                        store.update(vec![put(&format!("p{process}t{thread}n{number}"), "x")]).unwrap();
                    }
                });
            }
        }
    });
    let store = bench.open();
    assert_eq!(store.snapshot().names().count(), 80);
    assert_eq!(store.problems(), []);
}

#[test]
fn a_store_that_another_process_wrote_is_adopted() {
    let (bench, _) = Bench::faulty(1);
    let (here, there) = (bench.create(), bench.open());
    there.update(vec![put("token", "one")]).unwrap();
    assert_eq!(current(&here, "token"), None);
    assert_eq!(here.refresh().unwrap(), Refreshed::Adopted);
    assert_eq!(here.refresh().unwrap(), Refreshed::Unchanged);
    assert_eq!(current(&here, "token").as_deref(), Some("one"));
}

#[test]
fn a_reader_while_it_is_rewritten_sees_whole_stores_only() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::on(Arc::new(SystemDisk), folder.path());
    let (store, reader) = (bench.create(), bench.open());
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..50 {
                store.update(vec![put("a", &number.to_string()), put("b", &number.to_string())]).unwrap();
            }
        });
        while !writer.is_finished() {
            assert_ne!(reader.refresh().unwrap(), Refreshed::Forked);
            assert_eq!(current(&reader, "a"), current(&reader, "b"));
        }
    });
}
