use std::collections::BTreeSet;
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many paths at once are more work to judge than the tree is to scan.
const PATHS_MAX: usize = 64;

/// What was heard since it was last asked; it never grows beyond a few paths, however slow the reader is.
#[derive(Default)]
pub(super) struct Mailbox {
    heard: Mutex<Heard>,
    wake: Condvar,
}

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The paths that events named.
    pub(super) paths: BTreeSet<PathBuf>,
    /// Something happened that no path tells.
    pub(super) rescan: bool,
    /// Nobody waits for this watcher any more.
    pub(super) stopped: bool,
}

/// Stops a watcher from another thread.
pub struct Stopper(Arc<Mailbox>);

impl Stopper {
    pub(super) const fn new(mailbox: Arc<Mailbox>) -> Self {
        Self(mailbox)
    }

    /// Makes the watcher's wait return at once, now and ever after.
    pub fn stop(&self) {
        self.0.tell(|heard| heard.stopped = true);
    }
}

impl Heard {
    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.rescan
    }

    pub(super) fn add(&mut self, other: Self) {
        self.paths.extend(other.paths);
        self.rescan |= other.rescan || self.paths.len() > PATHS_MAX;
        self.stopped |= other.stopped;
    }
}

impl Mailbox {
    /// Takes down the paths of an event; one without paths asks for a scan.
    pub(super) fn tell_paths(&self, paths: Vec<PathBuf>) {
        let rescan = paths.is_empty();
        self.tell(|heard| {
            if heard.paths.len() < PATHS_MAX {
                heard.paths.extend(paths);
            } else {
                heard.rescan = true;
            }
            heard.rescan |= rescan;
        });
    }

    /// Asks for a scan.
    pub(super) fn tell_rescan(&self) {
        self.tell(|heard| heard.rescan = true);
    }

    /// Waits until something was heard and takes it; after `timeout` there is nothing.
    pub(super) fn wait(&self, timeout: Duration) -> Heard {
        let is_nothing = |heard: &mut Heard| heard.is_empty() && !heard.stopped;
        let waited = self.wake.wait_timeout_while(self.locked(), timeout, is_nothing);
        let (mut heard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let stopped = heard.stopped;
        // A stop is for good, everything else is told once.
        mem::replace(&mut *heard, Heard { stopped, ..Heard::default() })
    }

    /// Returns whether somebody stopped the watcher.
    pub(super) fn is_stopped(&self) -> bool {
        self.locked().stopped
    }

    fn tell(&self, what: impl FnOnce(&mut Heard)) {
        what(&mut self.locked());
        self.wake.notify_all();
    }

    fn locked(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
