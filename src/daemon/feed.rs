//! What goes on, for whoever wants to hear it as it happens: a ring of the last events, and those who listen.
//!
//! Whoever does something tells it here once it is on disk, and waits for nobody: it costs one lock that nobody holds for
//! long, and where nobody listens nothing else. Each listener has a place in the ring and takes what is behind it, so a slow
//! one makes nothing pile up; one that the ring has overtaken is told that it missed something.
//!
//! **Architecture Invariant:** an event holds names, ids, statuses and times, and never a payload. Who may hear it is asked
//! when it is sent, not when it happened.

mod committed;
mod herald;
mod listener;
mod told;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::catalog::Catalog;
use crate::secret::Snapshot;

pub use listener::{Listener, Next};
use told::{Event, Told, definitions, secrets};
pub use told::{Kind, Wanted};

/// How many events are kept for who was away for a moment: a few seconds of the busiest daemon, hours of a usual one.
const EVENTS_MAX: usize = 4_096;
/// How many bytes they have together at most; one about an execution has some 300.
const BYTES_MAX: usize = 4 << 20;
/// How many listen at once; each holds a connection.
const LISTENERS_MAX: usize = 1_024;
/// How many of them one caller is: a few pages in a browser, or every replica of a service that shares a key.
const LISTENERS_PER_CALLER_MAX: usize = 256;
/// How long events are kept on after the last listener left: it may be back, as a page that is loaded again is.
const LINGER: Duration = Duration::from_mins(2);

/// The last events, and who listens.
pub(super) struct Feed {
    /// Which process this is: a place in the ring of another one says nothing here.
    epoch: u64,
    ring: Mutex<Ring>,
    /// Rung for every event; one task hears it, so that whoever tells something does not wake a thousand.
    bell: Notify,
    /// The number of the last event, for those who wait.
    heard: watch::Sender<u64>,
}

#[derive(Default)]
struct Ring {
    events: VecDeque<Arc<Told>>,
    bytes: usize,
    /// The number of the last event.
    last: u64,
    /// Whether events are kept.
    awake: bool,
    /// Whether something was not kept since they were.
    missed: bool,
    listeners: HashMap<String, usize>,
    /// When the last listener left.
    left: Option<Instant>,
    /// The store as the listeners know it.
    store: Option<Arc<Snapshot>>,
}

/// Why somebody cannot listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// Too many listen.
    All,
    /// The caller listens too often.
    Caller,
}

/// What a listener finds behind its place.
enum Behind {
    /// Events, and the place behind them.
    Events(Vec<Arc<Told>>, u64),
    /// Nothing yet.
    Nothing,
    /// The ring does not hold what was there.
    Lost,
}

impl Feed {
    /// Returns a feed to which nobody listens; the epoch is this process's own.
    pub(super) fn new(epoch: u64) -> Arc<Self> {
        let heard = watch::Sender::new(0);
        Arc::new(Self { epoch, ring: Mutex::default(), bell: Notify::new(), heard })
    }

    /// Tells what happened; it is only looked at where somebody listens.
    pub(super) fn tell(&self, events: impl FnOnce() -> Vec<Event>) {
        if !self.is_heard() {
            return;
        }
        let events = events();
        self.add(&mut self.ring(), events);
    }

    /// Tells which secrets are others than before. The store that is handed over is on disk.
    pub(super) fn tell_store(&self, snapshot: &Arc<Snapshot>) {
        let mut ring = self.ring();
        if !ring.is_heard() {
            return;
        }
        let newer = |known: &Arc<Snapshot>| known.revision() < snapshot.revision();
        if let Some(known) = ring.store.take_if(|known| newer(known)) {
            ring.store = Some(snapshot.clone());
            let events = secrets(&known, snapshot);
            self.add(&mut ring, events);
        }
    }

    /// Tells which workflows are others than before.
    pub(super) fn tell_catalog(&self, before: &Catalog, now: &Catalog) {
        self.tell(|| definitions(before, now));
    }

    /// Returns whether somebody listens, or may be back at once; where not, something is missed now.
    fn is_heard(&self) -> bool {
        self.ring().is_heard()
    }

    fn add(&self, ring: &mut Ring, events: Vec<Event>) {
        // It may have fallen asleep since it was asked.
        if events.is_empty() || !ring.is_heard() {
            return;
        }
        for event in events {
            ring.push(event);
        }
        self.bell.notify_one();
    }

    /// Begins to keep events, where they are not kept yet; returns whether they were not.
    fn wake(ring: &mut Ring, store: &Arc<Snapshot>) -> bool {
        if ring.awake {
            return false;
        }
        ring.awake = true;
        if ring.store.replace(store.clone()).is_some_and(|known| known.revision() != store.revision()) {
            ring.missed = true;
        }
        if std::mem::take(&mut ring.missed) {
            // Whoever was there before must hear of the gap.
            ring.last += 1;
        }
        true
    }

    /// Stops to keep events where nobody has listened for a while; returns whether it did.
    fn fall_asleep(&self) -> bool {
        let mut ring = self.ring();
        let is_over = ring.left.is_some_and(|left| left.elapsed() >= LINGER);
        if is_over {
            ring.awake = false;
            ring.events = VecDeque::new();
            ring.bytes = 0;
        }
        is_over
    }

    /// Wakes those who wait.
    fn cry(&self) {
        let last = self.ring().last;
        self.heard.send_replace(last);
    }

    fn behind(&self, place: u64, count_max: usize) -> Behind {
        let ring = self.ring();
        let first = ring.last - ring.events.len() as u64;
        if place < first || place > ring.last {
            return Behind::Lost;
        }
        let skipped = usize::try_from(place - first).unwrap_or(usize::MAX);
        let events: Vec<_> = ring.events.iter().skip(skipped).take(count_max).cloned().collect();
        if events.is_empty() {
            return Behind::Nothing;
        }
        let place = place + events.len() as u64;
        Behind::Events(events, place)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn is_heard(&mut self) -> bool {
        self.missed |= !self.awake;
        self.awake
    }

    fn push(&mut self, event: Event) {
        self.last += 1;
        self.bytes += event.data.len();
        self.events.push_back(Arc::new(Told { number: self.last, event }));
        while self.events.len() > EVENTS_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= oldest.event.data.len();
        }
    }

    fn enter(&mut self, caller: &str) -> Result<(), Full> {
        if self.listeners.values().sum::<usize>() >= LISTENERS_MAX {
            return Err(Full::All);
        }
        let own = self.listeners.entry(caller.to_owned()).or_default();
        if *own >= LISTENERS_PER_CALLER_MAX {
            return Err(Full::Caller);
        }
        *own += 1;
        self.left = None;
        Ok(())
    }

    fn leave(&mut self, caller: &str) {
        if let Some(own) = self.listeners.get_mut(caller) {
            *own -= 1;
            if *own == 0 {
                self.listeners.remove(caller);
            }
        }
        if self.listeners.is_empty() {
            self.left = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests;
