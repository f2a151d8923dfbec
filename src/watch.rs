//! The folder of definitions and `keytide.toml`, watched: what changed, as bytes.
//!
//! # Theory of operation
//!
//! File events are hints. A checkout of 2,000 files is 11,000 of them with every file removed and made again, a swapped
//! symbolic link is none, and a root that is made again goes silent. So an event starts a short quiet period; then a path
//! that it names and that still exists is read again alone, and anything else is a scan of the tree: by stamp, then by
//! content. A scan also runs every 30 s, whatever was heard, and more often where nothing can be heard. A file counts as
//! removed when two scans half a second apart miss it; a root that is missing or empty removes nothing.
//!
//! **Architecture Invariant:** nothing here knows what a definition is. It never waits for a FIFO, socket or device, never
//! reads outside of the root, and has no thread: whoever owns one calls [`Watcher::next`].

mod ears;
mod folder;
mod mailbox;
mod name;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{News, Trouble};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::words::Timestamp;
use ears::{Ears, NotifyEars};
use folder::{Folder, Meaning};
pub use mailbox::Stopper;
use mailbox::{Heard, Mailbox};

/// An editor saves in a few steps, git and sync tools in many; this long without an event is the end of them.
const QUIET: Duration = Duration::from_millis(50);

/// However much goes on, a change is looked at after this long: it is to take effect within a second.
const QUIET_MAX: Duration = Duration::from_millis(400);

/// The tree is scanned this often, whatever was heard: network file systems and swapped links tell nothing.
const RESCAN_EVERY: Duration = Duration::from_secs(30);

/// The tree is scanned this often where the system has no events to give.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// A scan that finds new folders may have come before their events; a tree that grows all the time is not followed for ever.
const SETTLING_SCANS_MAX: usize = 4;

/// What is to be watched, as absolute paths: a link above a relative one would not be seen.
#[derive(Clone, Debug)]
pub struct Places {
    /// The project folder.
    pub project: PathBuf,
    /// The folder of the definitions.
    pub root: PathBuf,
}

/// What changed since the last look.
#[derive(Debug, Default)]
pub struct Change {
    /// The definition files that changed, by their name below the project folder.
    pub files: BTreeMap<String, News>,
    /// `keytide.toml`, where it changed.
    pub settings: Option<News>,
    /// All that is wrong with the folder itself, now.
    pub troubles: Vec<Trouble>,
}

/// Reads the folder once, without watching it.
pub fn read_once(disk: &dyn Disk, places: &Places, now: Timestamp) -> Change {
    let mut folder = Folder::new(places.clone());
    let scan = folder.scan(disk, now);
    folder.change(scan.news, scan.troubles)
}

/// Finds the files below the root that hold tests of workflows, each with its name as it is shown, and tells what could not
/// be looked at.
pub fn find_tests(disk: &dyn Disk, places: &Places) -> (Vec<(String, PathBuf)>, Vec<Trouble>) {
    let shown_root = places.root.strip_prefix(&places.project).unwrap_or(&places.root);
    let walked = match walk::walk(disk, &places.root, shown_root, name::is_test) {
        Ok(walked) => walked,
        Err(error) => {
            let message = format!("cannot be looked at: {error}");
            return (Vec::new(), vec![Trouble { place: name::shown(shown_root), message }]);
        }
    };
    let mut troubles = walked.troubles;
    let mut files = Vec::new();
    for (shown, found) in walked.files {
        match found {
            walk::Found::File(path, _) => files.push((shown, path)),
            walk::Found::Refused(message) => troubles.push(Trouble { place: shown, message }),
        }
    }
    (files, troubles)
}

/// Watches the folder.
pub struct Watcher {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    folder: Folder,
    ears: Box<dyn Ears>,
    mailbox: Arc<Mailbox>,
    troubles: Vec<Trouble>,
    /// Why nothing can be heard.
    deaf: Option<String>,
    last_scan: Timestamp,
    /// When a file that was missed is looked for again.
    confirm_at: Option<Timestamp>,
}

impl Watcher {
    /// Reads the folder and begins to listen; the first change holds every file.
    pub fn open(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, places: Places) -> (Self, Change) {
        let mailbox = Arc::new(Mailbox::default());
        let ears = Box::new(NotifyEars::new(Arc::clone(&mailbox)));
        Self::with_ears(disk, clock, places, ears, mailbox)
    }

    fn with_ears(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        places: Places,
        ears: Box<dyn Ears>,
        mailbox: Arc<Mailbox>,
    ) -> (Self, Change) {
        let folder = Folder::new(places);
        let (troubles, last_scan) = (Vec::new(), clock.now());
        let mut watcher =
            Self { disk, clock, folder, ears, mailbox, troubles, deaf: None, last_scan, confirm_at: None };
        let news = watcher.scan();
        let change = watcher.folder.change(news, watcher.troubles.clone());
        (watcher, change)
    }

    /// Returns what makes [`Watcher::next`] return at once and for good, from any thread.
    pub fn stopper(&self) -> Stopper {
        Stopper::new(Arc::clone(&self.mailbox))
    }

    /// Returns whether somebody stopped it.
    pub fn is_stopped(&self) -> bool {
        self.mailbox.is_stopped()
    }

    /// Waits for a change, `timeout` at most.
    pub fn next(&mut self, timeout: Duration) -> Option<Change> {
        let until = self.clock.now().plus(timeout);
        loop {
            let now = self.clock.now();
            let (due_in, left) = (self.due_in(now), until.since(now));
            let heard = self.mailbox.wait(due_in.min(left));
            if heard.stopped || heard.is_empty() && due_in > left {
                return None;
            }
            let is_due = heard.is_empty();
            let heard = self.quiet(heard);
            let change = self.look(&heard, is_due);
            if change.is_some() {
                return change;
            }
        }
    }

    /// Returns how long nothing needs to be done.
    fn due_in(&self, now: Timestamp) -> Duration {
        if now < self.last_scan {
            // The clock was set back: what is due cannot be told.
            return Duration::ZERO;
        }
        let period = if self.deaf.is_some() { POLL_EVERY } else { RESCAN_EVERY };
        let next = self.last_scan.plus(period);
        self.confirm_at.map_or(next, |confirm| confirm.min(next)).since(now)
    }

    /// Listens on until nothing was heard for a while.
    fn quiet(&self, mut heard: Heard) -> Heard {
        let start = self.clock.now();
        let mut more = !heard.is_empty();
        while more && self.clock.now().since(start) < QUIET_MAX {
            let next = self.mailbox.wait(QUIET);
            more = !next.is_empty() && !next.stopped;
            heard.add(next);
        }
        heard
    }

    /// Looks at what was heard, or at everything.
    fn look(&mut self, heard: &Heard, is_due: bool) -> Option<Change> {
        let meanings: Vec<_> = heard.paths.iter().map(|path| self.folder.meaning(&*self.disk, path)).collect();
        let everything = is_due || heard.rescan || meanings.contains(&Meaning::Anything);
        let news = if everything { self.scan() } else { self.reread(&heard.paths, &meanings) };
        let troubles_changed = self.folder.told(&self.troubles);
        (!news.is_empty() || troubles_changed).then(|| self.folder.change(news, self.troubles.clone()))
    }

    fn reread<'a>(
        &mut self,
        paths: impl IntoIterator<Item = &'a PathBuf>,
        meanings: &[Meaning],
    ) -> BTreeMap<String, News> {
        let alone = paths.into_iter().zip(meanings).filter(|(_, meaning)| **meaning == Meaning::Alone);
        let mut news = BTreeMap::new();
        for (path, _) in alone {
            self.folder.reread(&*self.disk, path, &mut news);
        }
        news
    }

    /// Scans the tree, listens to what it found, and scans again where something new came before its ears.
    fn scan(&mut self) -> BTreeMap<String, News> {
        let mut news = BTreeMap::new();
        for _ in 0..SETTLING_SCANS_MAX {
            let now = self.clock.now();
            let scan = self.folder.scan(&*self.disk, now);
            (self.last_scan, self.confirm_at) = (now, scan.confirm_at);
            self.troubles = scan.troubles;
            news.extend(scan.news);
            let listening = self.ears.listen(&scan.listen);
            self.deaf = listening.as_ref().err().cloned();
            if !listening.is_ok_and(|is_new| is_new) {
                break;
            }
        }
        let deaf = self.deaf.as_ref().map(|why| self.deaf_trouble(why));
        self.troubles.extend(deaf);
        news
    }

    fn deaf_trouble(&self, why: &str) -> Trouble {
        let every = POLL_EVERY.as_secs();
        let message = format!("file events are not to be had, so it is looked at every {every} s: {why}");
        Trouble { place: self.folder.shown_root(), message }
    }
}

/// Returns whether a path is `folder` or below it.
fn is_within(path: &Path, folder: &Path) -> bool {
    path.starts_with(folder)
}
