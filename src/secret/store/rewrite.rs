//! The one way to change the store: callers queue, one of them leads and rewrites the file once for all that wait.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Edges, Refreshed, Store, lock, of_replace, stamp};
use crate::disk::{Lock, replace};
use crate::secret::Error;
use crate::secret::change::{Change, Rules, Written, WrittenSecret, apply};
use crate::secret::contents::{Contents, Recipient};
use crate::secret::envelope::Blank;
use crate::secret::paths::lock_beside;

/// How long a rewrite of another process is waited for: a hundred of them, on a slow disk.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// The pause between two looks at a lock that is held: far below what a rewrite takes.
const LOCK_PAUSE: Duration = Duration::from_millis(1);

/// Who waits for a rewrite, and whether somebody is at it.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Vec<Arc<Ticket>>,
    is_led: bool,
}

/// One caller's changes and what became of them.
struct Ticket {
    changes: Vec<Change>,
    result: Mutex<Option<Result<Written, Error>>>,
}

impl Ticket {
    fn finish(&self, result: Result<Written, Error>) {
        lock(&self.result).get_or_insert(result);
    }

    fn take(&self) -> Option<Result<Written, Error>> {
        lock(&self.result).take()
    }
}

/// Holds the lead; dropping it, whatever happened, lets the next one lead and leaves nobody without an answer.
struct Lead<'a> {
    store: &'a Store,
    tickets: Vec<Arc<Ticket>>,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        for ticket in &self.tickets {
            ticket.finish(Err(Error::Interrupted));
        }
        lock(&self.store.queue).is_led = false;
        self.store.turn.notify_all();
    }
}

/// The right to rewrite: the lock, and the file that it is for.
pub(super) struct Session {
    pub(super) target: PathBuf,
    _lock: Lock,
}

impl Store {
    /// Makes all the changes or none, durably: when this returns success, they survive a power cut. Updates that wait for
    /// one another share one rewrite; one that is refused fails alone.
    pub fn update(&self, changes: Vec<Change>) -> Result<Written, Error> {
        let mut results = self.update_together(vec![changes]);
        results.pop().unwrap_or(Err(Error::Interrupted))
    }

    /// Makes several updates in one rewrite, each of them as [`Store::update`] would, and answers in their order.
    pub fn update_together(&self, updates: Vec<Vec<Change>>) -> Vec<Result<Written, Error>> {
        let ticket = |changes| Arc::new(Ticket { changes, result: Mutex::new(None) });
        let tickets: Vec<_> = updates.into_iter().map(ticket).collect();
        let mut queue = lock(&self.queue);
        queue.waiting.extend(tickets.iter().cloned());
        loop {
            if tickets.iter().all(|ticket| lock(&ticket.result).is_some()) {
                drop(queue);
                let results = tickets.iter().map(|ticket| ticket.take());
                return results.map(|result| result.unwrap_or(Err(Error::Interrupted))).collect();
            }
            if !queue.is_led {
                queue.is_led = true;
                let lead = Lead { store: self, tickets: std::mem::take(&mut queue.waiting) };
                drop(queue);
                self.rewrite_for(&lead.tickets);
                drop(lead);
                queue = lock(&self.queue);
                continue;
            }
            queue = self.turn.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Does what an acknowledged update left for later: the costly part of the next file, and the last good copy. Worth
    /// calling when the answer is on its way; the next update, or dropping the store, makes the copy otherwise.
    pub fn catch_up(&self) {
        let Ok(_working) = self.working.try_lock() else { return };
        // The copy comes last. Its rename makes the file system write all of it out, and a journal on the same disk, which
        // is syncing that the secret is stored, would wait for that.
        self.prepare();
        self.keep_copy_due();
    }

    /// Makes the costly part of the next file ready, where it is not: worth calling beside what must come before an update.
    pub fn prepare(&self) {
        let snapshot = self.snapshot();
        let recipients = &snapshot.contents().recipients;
        let mut blank = lock(&self.blank);
        if blank.as_ref().is_none_or(|blank| !blank.is_for(recipients)) {
            // Without it the next update prepares its own, and reports what fails.
            *blank = Blank::new(recipients).ok();
        }
    }

    /// Returns how many wait behind the one who leads.
    #[cfg(test)]
    pub(super) fn waiting_count(&self) -> usize {
        let queue = lock(&self.queue);
        if queue.is_led { queue.waiting.len() } else { 0 }
    }

    fn rewrite_for(&self, tickets: &[Arc<Ticket>]) {
        let _working = lock(&self.working);
        let session = match self.begin() {
            Ok(session) => session,
            Err(error) => return tickets.iter().for_each(|ticket| ticket.finish(Err(error.clone()))),
        };
        let (next, accepted) = self.decide(tickets);
        let result = self.persist(next, &session.target);
        for (ticket, secrets) in accepted {
            ticket.finish(result.clone().map(|rewrite| Written { revision: rewrite.revision, secrets }));
        }
        self.announce();
        if let Ok(rewrite) = result {
            self.keep_after(&rewrite);
        }
    }

    /// Takes the lock, looks at the file under it, and refuses where it is a fork.
    pub(super) fn begin(&self) -> Result<Session, Error> {
        self.keep_copy_due();
        let target = self.target()?;
        let session = Session { _lock: wait_for_lock(&self.edges, &lock_beside(&target))?, target };
        match self.look()? {
            Refreshed::Forked => Err(self.fork_error()),
            Refreshed::Adopted | Refreshed::Unchanged => Ok(session),
        }
    }

    /// Applies the changes in order; who is refused is told so, and changes nothing.
    fn decide<'a>(&self, tickets: &'a [Arc<Ticket>]) -> (Contents, Vec<(&'a Ticket, Vec<WrittenSecret>)>) {
        let snapshot = self.snapshot();
        let rules = Rules {
            now: self.edges.clock.now(),
            versions_kept: self.versions_kept,
            fingerprints: snapshot.fingerprints(),
            own: &self.own_recipients,
        };
        let mut contents = Contents::clone(snapshot.contents());
        let mut accepted = Vec::new();
        for ticket in tickets {
            match apply(&mut contents, &ticket.changes, &rules) {
                Ok(written) => accepted.push((&**ticket, written)),
                Err(error) => ticket.finish(Err(error)),
            }
        }
        (contents, accepted)
    }

    /// Rewrites the file where the contents are new, or where the last rewrite may not have reached the disk: a second
    /// sync of the same file proves nothing.
    pub(super) fn persist(&self, mut next: Contents, target: &Path) -> Result<Rewrite, Error> {
        let before = self.snapshot();
        if next == **before.contents() && self.is_settled() {
            return Ok(Rewrite { revision: next.revision, is_new: false, recipients_changed: false });
        }
        let recipients_changed = next.recipients != before.contents().recipients;
        next.advance()?;
        let revision = next.revision;
        let bytes = self.blank_for(&next.recipients)?.fill(&next.to_text()?)?;
        match replace(self.disk(), target, &bytes).map_err(|error| of_replace(error, target)) {
            Ok(()) => self.know(next, bytes),
            Err(error @ Error::StateUnknown { .. }) => {
                self.know(next, bytes);
                self.known_mut().unsettled = true;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        self.known_mut().stamp = stamp(self.disk(), &self.paths.store).ok().flatten();
        Ok(Rewrite { revision, is_new: true, recipients_changed })
    }

    fn blank_for(&self, recipients: &[Recipient]) -> Result<Blank, Error> {
        let prepared = lock(&self.blank).take().filter(|blank| blank.is_for(recipients));
        prepared.map_or_else(|| Blank::new(recipients), Ok)
    }

    /// Returns whether the file is what is known here, and durably so.
    fn is_settled(&self) -> bool {
        let known = self.known();
        !known.unsettled && known.fork.is_none()
    }

    /// Wakes those who wait for their answer, before the files beside the store are written.
    fn announce(&self) {
        drop(lock(&self.queue));
        self.turn.notify_all();
    }

    pub(super) fn keep_after(&self, rewrite: &Rewrite) {
        if !rewrite.is_new {
            return;
        }
        if !rewrite.recipients_changed {
            return self.keep_later();
        }
        let listed = self.write_recipients(&self.snapshot().contents().recipients);
        self.keep_beside();
        if let Err(error) = listed {
            self.known_mut().not_kept = Some(error.to_string());
        }
        self.renew_data_key();
    }
}

/// What a rewrite came to.
#[derive(Clone, Copy)]
pub(super) struct Rewrite {
    pub(super) revision: u64,
    is_new: bool,
    recipients_changed: bool,
}

/// Takes a lock file, waiting for another process's rewrite to end.
pub(super) fn wait_for_lock(edges: &Edges, path: &Path) -> Result<Lock, Error> {
    let mut waited = Duration::ZERO;
    loop {
        if let Some(lock) = edges.disk.try_lock(path).map_err(Error::disk("lock", path))? {
            return Ok(lock);
        }
        if waited >= LOCK_WAIT {
            let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
            return Err(Error::Busy { path: path.to_owned(), waited_ms });
        }
        edges.clock.sleep(LOCK_PAUSE);
        waited += LOCK_PAUSE;
    }
}
