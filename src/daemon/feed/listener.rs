//! One who listens: its place in the ring, and what it is sent.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::access::{Principal, TargetKind};
use crate::daemon::error::Error;
use crate::daemon::feed::herald::herald;
use crate::daemon::feed::told::{Event, Right, Told, Wanted};
use crate::daemon::feed::{Behind, Feed, Full, LISTENERS_MAX, LISTENERS_PER_CALLER_MAX};
use crate::daemon::handle::Handle;
use crate::words::{Owner, Permission};

/// How many events are looked at for one listener at once.
const EVENTS_PER_LOOK_MAX: usize = 256;
/// How long a listener that was sent something hears nothing: what comes in between is sent together, and a thousand
/// listeners of a busy daemon cost it ten looks a second each.
const PAUSE: Duration = Duration::from_millis(100);

/// After how long without an event a listener is told that it is still heard: it keeps proxies from hanging up, finds
/// clients that are gone, and is when a token that has expired ends a stream where nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Somebody who listens; leaving is its drop.
pub struct Listener {
    handle: Handle,
    caller: String,
    wanted: Wanted,
    place: u64,
    /// Whether the place that it came back to is gone.
    lost: bool,
    heard: watch::Receiver<u64>,
    /// Not to be sent anything before.
    rests_until: Instant,
    /// When it is told that it is still heard.
    beats_at: Instant,
    /// When it has waited long enough.
    ends_at: Option<Instant>,
}

/// What a listener is sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Events, in the words of server-sent events.
    Told(String),
    /// That it is still heard.
    Beat,
    /// What it came back for is gone: it has to read everything again.
    Reset,
    /// Nothing more: it waited as long as it wanted, is nobody any more, or was too slow and has missed something.
    Over,
}

impl Handle {
    /// Begins to listen, for that long if not for ever: behind the place that a listener of before had, or from now on.
    pub fn hear(
        &self,
        who: &Owner,
        wanted: Wanted,
        last: Option<&str>,
        patience: Option<Duration>,
    ) -> Result<Listener, Error> {
        let feed = &self.0.onlookers.feed;
        let mut ring = feed.ring();
        let caller = who.to_string();
        ring.enter(&caller).map_err(|full| match full {
            Full::All => Error::Busy(format!("{LISTENERS_MAX} listen to the events already")),
            Full::Caller => Error::Impatient(format!("{who} listens to the events {LISTENERS_PER_CALLER_MAX} times")),
        })?;
        let was_asleep = Feed::wake(&mut ring, &self.0.store.snapshot());
        let now = ring.last;
        drop(ring);
        if was_asleep {
            tokio::spawn(herald(self.clone(), feed.clone()));
        }
        let place = last.map(|last| feed.place(last));
        let lost = place.is_some_and(|place| place.is_none_or(|place| feed.is_lost(place)));
        let place = place.flatten().filter(|_| !lost).unwrap_or(now);
        let heard = feed.heard.subscribe();
        let now = Instant::now();
        let ends_at = patience.and_then(|patience| now.checked_add(patience));
        let (rests_until, beats_at) = (now, now + HEARTBEAT);
        Ok(Listener { handle: self.clone(), caller, wanted, place, lost, heard, rests_until, beats_at, ends_at })
    }
}

impl Listener {
    /// Returns the name of the place up to which everything was sent: who comes back says it.
    pub fn place(&self) -> String {
        self.feed().name_of(self.place)
    }

    /// Waits for what it is sent next; whoever listens is asked again each time. A wait that is given up takes nothing.
    pub async fn next(&mut self, who: &(dyn Fn() -> Option<Owner> + Sync)) -> Next {
        loop {
            let Some(who) = who() else { return Next::Over };
            if let Some(next) = self.take(&who) {
                self.beats_at = Instant::now() + HEARTBEAT;
                return next;
            }
            let now = Instant::now();
            if self.ends_at.is_some_and(|end| end <= now) {
                return Next::Over;
            }
            if self.beats_at <= now {
                self.beats_at = now + HEARTBEAT;
                return Next::Beat;
            }
            self.wait(self.ends_at.map_or(self.beats_at, |end| end.min(self.beats_at))).await;
        }
    }

    /// Waits until something is told, or until then.
    async fn wait(&mut self, until: Instant) {
        sleep_until(self.rests_until.min(until)).await;
        while matches!(self.feed().behind(self.place, 1), Behind::Nothing) {
            if !matches!(timeout_at(until, self.heard.changed()).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// Returns what there is for it now, of what `who` may hear now.
    fn take(&mut self, who: &Owner) -> Option<Next> {
        if std::mem::take(&mut self.lost) {
            return Some(Next::Reset);
        }
        loop {
            let (events, place) = match self.feed().behind(self.place, EVENTS_PER_LOOK_MAX) {
                Behind::Nothing => return None,
                Behind::Lost => return Some(Next::Over),
                Behind::Events(events, place) => (events, place),
            };
            let heard = events.iter().filter(|told| self.wanted.includes(&told.event));
            let heard = heard.filter(|told| self.handle.may_hear(who, &told.event));
            let text: String = heard.map(|told| self.feed().text_of(told)).collect();
            self.place = place;
            if !text.is_empty() {
                self.rests_until = Instant::now() + PAUSE;
                return Some(Next::Told(text));
            }
        }
    }

    fn feed(&self) -> &Arc<Feed> {
        &self.handle.0.onlookers.feed
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.feed().ring().leave(&self.caller);
    }
}

impl Feed {
    /// Returns an event in the words of server-sent events.
    fn text_of(&self, told: &Told) -> String {
        let Event { kind, data, .. } = &told.event;
        format!("event: {}\nid: {}\ndata: {data}\n\n", kind.as_str(), self.name_of(told.number))
    }

    pub(super) fn name_of(&self, place: u64) -> String {
        format!("{:016x}-{place}", self.epoch)
    }

    /// Returns a place by its name, where it is one of this process.
    fn place(&self, name: &str) -> Option<u64> {
        let (epoch, place) = name.split_once('-')?;
        (u64::from_str_radix(epoch, 16) == Ok(self.epoch)).then(|| place.parse().ok())?
    }

    fn is_lost(&self, place: u64) -> bool {
        matches!(self.behind(place, 1), Behind::Lost)
    }
}

impl Handle {
    fn may_hear(&self, who: &Owner, event: &Event) -> bool {
        match &event.right {
            Right::Owner => *who == Owner::Local,
            Right::Read(kind, name) => self.may(who, Permission::Read, *kind, name),
            Right::ReadOfGone(name, tags) => {
                let principal = Principal { owner: who, workflow: None };
                self.0.authority.allows(principal, Permission::Read, TargetKind::Secret, name, Some(tags))
            }
        }
    }
}
