use std::sync::Arc;

use super::{BYTES_MAX, Behind, EVENTS_MAX, Event, Feed, LINGER, LISTENERS_MAX, LISTENERS_PER_CALLER_MAX, Next};
use crate::catalog::Problem;
use crate::daemon::feed::Full;
use crate::daemon::tests::world::World;
use crate::words::Owner;

fn event(message: &str) -> Event {
    let problem = Problem { place: "here".to_owned(), message: message.to_owned(), diagnostics: Vec::new() };
    Event::of_problem(&problem, false)
}

/// A feed that is awake, without a task that looks for more.
fn awake() -> Arc<Feed> {
    let feed = Feed::new(7);
    feed.ring().awake = true;
    feed
}

fn count_behind(feed: &Feed, place: u64) -> Option<usize> {
    match feed.behind(place, usize::MAX) {
        Behind::Events(events, _) => Some(events.len()),
        Behind::Nothing => Some(0),
        Behind::Lost => None,
    }
}

#[test]
fn the_ring_holds_so_many_events_and_bytes() {
    let feed = awake();
    feed.tell(|| (0..EVENTS_MAX + 10).map(|number| event(&number.to_string())).collect());
    assert_eq!(count_behind(&feed, 9), None, "it was overtaken");
    assert_eq!(count_behind(&feed, 10), Some(EVENTS_MAX));
    assert_eq!(count_behind(&feed, EVENTS_MAX as u64 + 10), Some(0));
    assert_eq!(count_behind(&feed, EVENTS_MAX as u64 + 11), None, "a place that is not there yet");
    let large = "x".repeat(1 << 20);
    feed.tell(|| (0..5).map(|_| event(&large)).collect());
    let ring = feed.ring();
    assert!(ring.bytes <= BYTES_MAX && ring.events.len() == 3, "{} bytes, {} events", ring.bytes, ring.events.len());
}

#[test]
fn where_nobody_listens_nothing_is_looked_at_and_who_comes_back_hears_of_the_gap() {
    let world = World::new();
    let store = world.store().snapshot();
    let feed = Feed::new(7);
    let wake = || Feed::wake(&mut feed.ring(), &store);
    assert!(wake());
    assert!(!wake(), "it is awake");
    feed.tell(|| vec![event("one")]);
    assert_eq!(count_behind(&feed, 0), Some(1));
    assert!(!feed.fall_asleep(), "somebody listens");
    feed.ring().left = Some(super::Instant::now());
    assert!(!feed.fall_asleep(), "it may be back");
    feed.ring().left = super::Instant::now().checked_sub(LINGER);
    assert!(feed.fall_asleep());
    // Nothing has happened since: who was there before goes on.
    assert!(wake());
    assert_eq!(count_behind(&feed, 1), Some(0));
    assert!(feed.fall_asleep());
    feed.tell(|| panic!("nobody listens"));
    assert!(wake());
    assert_eq!(count_behind(&feed, 1), None, "something was not kept");
    assert_eq!(count_behind(&feed, 2), Some(0));
}

#[test]
fn a_store_that_was_written_while_nobody_listened_is_a_gap() {
    let world = World::new();
    let (store, feed) = (world.store(), Feed::new(7));
    Feed::wake(&mut feed.ring(), &store.snapshot());
    feed.ring().left = super::Instant::now().checked_sub(LINGER);
    assert!(feed.fall_asleep());
    store.update(vec![crate::daemon::tests::world::put("new", "some-value")]).unwrap();
    Feed::wake(&mut feed.ring(), &store.snapshot());
    assert_eq!(count_behind(&feed, 0), None);
}

#[test]
fn so_many_listen_and_no_more() {
    let feed = awake();
    let mut ring = feed.ring();
    for caller in 0..LISTENERS_MAX / LISTENERS_PER_CALLER_MAX {
        let caller = format!("app:{caller}");
        assert!((0..LISTENERS_PER_CALLER_MAX).all(|_| ring.enter(&caller).is_ok()));
        if caller == "app:0" {
            assert_eq!(ring.enter(&caller), Err(Full::Caller));
        }
    }
    assert_eq!(ring.enter("app:x"), Err(Full::All));
    ring.leave("app:0");
    assert_eq!(ring.enter("app:x"), Ok(()));
    assert_eq!(ring.left, None);
}

#[test]
fn who_takes_nothing_is_cut_off_and_holds_nobody_up() {
    let world = World::new();
    let served = world.serve();
    let handle = served.handle.clone();
    let _context = served.daemon.runtime().enter();
    let mut slow = handle.hear(&Owner::Local, super::Wanted::default(), None, None).unwrap();
    let mut quick = handle.hear(&Owner::Local, super::Wanted::default(), None, None).unwrap();
    let owner = || Some(Owner::Local);
    let next = |listener: &mut super::Listener| served.daemon.runtime().block_on(listener.next(&owner));
    let last = slow.place();
    for number in 0..=EVENTS_MAX {
        handle.0.onlookers.feed.tell(|| vec![event(&number.to_string())]);
        if number == EVENTS_MAX / 2 {
            while quick.place() != handle.0.onlookers.feed.name_of(handle.0.onlookers.feed.ring().last) {
                assert!(matches!(next(&mut quick), Next::Told(_)));
            }
        }
    }
    assert_eq!(next(&mut slow), Next::Over);
    assert!(matches!(next(&mut quick), Next::Told(_)));
    let mut back = handle.hear(&Owner::Local, super::Wanted::default(), Some(&last), None).unwrap();
    assert_eq!(next(&mut back), Next::Reset);
    drop((slow, quick, back));
    served.stop();
}
