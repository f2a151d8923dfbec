//! The store of one machine: what it knows of the file, and the only way to change it.
//!
//! Theory of operation. `known` is what readers see: a snapshot, the anchor that a file must descend from, and the bytes
//! they came from. `working` is held while the file is judged or rewritten, so that nobody adopts a file between its
//! rename and its sync. Callers of [`Store::update`] queue; one of them writes for all that wait (see `rewrite`).

mod beside;
mod fork;
mod problem;
mod rewrite;
#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::anchor::Anchor;
use super::contents::Contents;
use super::envelope::Blank;
use super::identity::check_guarded;
use super::paths::lock_beside;
use super::sealing::{Sealer, load_or_make_keys};
use super::{Error, ForkReason, Identity, Paths, Snapshot, envelope};
use crate::clock::Clock;
use crate::disk::{Disk, ReplaceError, Stamp, folder_of, remove_stale_temporaries, replace};
use crate::words::Sensitive;

pub use fork::{Conflict, Difference, Side};
pub use problem::Problem;

use beside::{first_recipients, read_last, read_whole, remembered};
use rewrite::wait_for_lock;

/// The room that a rewrite needs beside twice the store: temporary file, last good copy and the journal's next commits.
const ROOM_BYTES_NEEDED: u64 = 1 << 20;

/// The edges that a store works through.
#[derive(Clone)]
pub struct Edges {
    /// The files.
    pub disk: Arc<dyn Disk>,
    /// The time of new versions.
    pub clock: Arc<dyn Clock>,
}

/// What a look at the file found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// Nothing new.
    Unchanged,
    /// A descendant, which is the store now.
    Adopted,
    /// A fork: reads go on from the last good copy.
    Forked,
}

/// The secret store. Reading is cheap and never waits for a write.
pub struct Store {
    edges: Edges,
    paths: Paths,
    identity: Identity,
    own_recipients: Vec<String>,
    versions_kept: usize,
    known: RwLock<Known>,
    working: Mutex<()>,
    queue: Mutex<rewrite::Queue>,
    turn: Condvar,
    sealer: OnceLock<Arc<Sealer>>,
    /// The next file, prepared while nobody waits.
    blank: Mutex<Option<Blank>>,
}

struct Known {
    snapshot: Arc<Snapshot>,
    /// What the file must descend from.
    anchor: Anchor,
    /// The revision that the state folder remembers.
    anchored_id: Option<String>,
    /// The file that the snapshot came from.
    bytes: Vec<u8>,
    /// The file that was looked at last, good or not.
    stamp: Option<Stamp>,
    fork: Option<ForkReason>,
    /// Whether the file is in place and may not survive a power cut.
    unsettled: bool,
    /// Whether the last good copy is not this revision yet.
    copy_due: bool,
    recipients_differ: bool,
    not_kept: Option<String>,
}

/// What the file is, beside what is known.
enum Found {
    Same,
    Descendant { contents: Contents, bytes: Vec<u8> },
    Fork(ForkReason),
}

impl Store {
    /// Returns the age file.
    pub fn file(&self) -> &Path {
        &self.paths.store
    }

    /// Opens the store that is there.
    pub fn open(edges: Edges, paths: Paths, identity: Identity, versions_kept: usize) -> Result<Self, Error> {
        let disk = &*edges.disk;
        disk.create_folder(&paths.state).map_err(Error::disk("create", &paths.state))?;
        check_guarded(disk, &paths.state, "go-w")?;
        let anchor = Anchor::read(disk, &paths.anchor())?;
        let last = read_last(disk, &paths, &identity);
        let stamp = stamp(disk, &paths.store)?;
        let known = match (stamp, anchor) {
            (None, None) => return Err(Error::Missing { path: paths.store }),
            (Some(_), None) => Known::new(read_whole(disk, &paths.store, &identity)?),
            (_, Some(anchor)) => remembered(disk, &paths, &identity, anchor, last)?,
        };
        let store = Self::new(edges, paths, identity, versions_kept, known);
        store.settle_in()?;
        Ok(store)
    }

    /// Makes a new store for this machine and a recovery key, and returns both. The recovery key is nowhere else.
    pub fn create(
        edges: Edges,
        paths: Paths,
        identity: Identity,
        name: &str,
        versions_kept: usize,
    ) -> Result<(Self, Sensitive), Error> {
        let disk = &*edges.disk;
        for folder in [folder_of(&paths.store), &paths.state] {
            disk.create_folder(folder).map_err(Error::disk("create", folder))?;
            check_guarded(disk, folder, "go-w")?;
        }
        let recovery = Identity::generate();
        let contents = Contents::new(first_recipients(&identity, name, &recovery))?;
        let bytes = envelope::seal(&contents.to_text()?, &contents.recipients)?;

        let lock = wait_for_lock(&edges, &lock_beside(&paths.store))?;
        if stamp(disk, &paths.store)?.is_some() {
            return Err(Error::Exists { path: paths.store });
        }
        if Anchor::read(disk, &paths.anchor())?.is_some() {
            return Err(Error::Forked { reason: ForkReason::Missing });
        }
        replace(disk, &paths.store, &bytes).map_err(|error| of_replace(error, &paths.store))?;
        Anchor::of(&contents).replace(disk, &paths.anchor())?;
        drop(lock);

        let store = Self::new(edges, paths, identity, versions_kept, Known::new((contents, bytes)));
        store.settle_in()?;
        Ok((store, recovery.to_text()))
    }

    /// Returns the store as it is known here: it never waits for the disk.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.known().snapshot.clone()
    }

    /// Looks whether the file changed, and adopts it where it descends from the one known here.
    pub fn refresh(&self) -> Result<Refreshed, Error> {
        let _working = lock(&self.working);
        self.keep_copy_due();
        if stamp(self.disk(), &self.paths.store)? == self.known().stamp {
            return Ok(if self.known().fork.is_some() { Refreshed::Forked } else { Refreshed::Unchanged });
        }
        self.look()
    }

    /// Returns what is wrong although the store works.
    pub fn problems(&self) -> Vec<Problem> {
        let known = self.known();
        let forked = known.fork.clone().map(Problem::Forked);
        let differ = known.recipients_differ.then(|| Problem::RecipientsDiffer(self.paths.recipients.clone()));
        let not_kept = known.not_kept.clone().map(Problem::NotKept);
        forked.into_iter().chain(differ).chain(not_kept).collect()
    }

    /// Checks that an update would find the store open, writable and with room: before a call whose answer must be kept.
    pub fn preflight(&self) -> Result<(), Error> {
        if self.refresh()? == Refreshed::Forked {
            return Err(self.fork_error());
        }
        let target = self.target()?;
        let folder = folder_of(&target);
        let room_bytes = self.disk().room_bytes(folder).map_err(Error::disk("write", folder))?;
        let needed_bytes = 2 * self.known().bytes.len() as u64 + ROOM_BYTES_NEEDED;
        if room_bytes < needed_bytes {
            return Err(Error::NoRoom { path: folder.to_owned(), room_bytes, needed_bytes });
        }
        Ok(())
    }

    /// Returns the keys that seal the journal, made on first use.
    pub fn sealer(&self) -> Result<Arc<Sealer>, Error> {
        if let Some(sealer) = self.sealer.get() {
            return Ok(sealer.clone());
        }
        let _working = lock(&self.working);
        let _lock = wait_for_lock(&self.edges, &lock_beside(&self.paths.data_key()))?;
        let snapshot = self.snapshot();
        let keys = load_or_make_keys(self.disk(), &self.paths.data_key(), &self.identity, snapshot.contents())?;
        let sealer = Arc::new(Sealer::new(keys)?);
        Ok(self.sealer.get_or_init(|| sealer).clone())
    }

    fn new(edges: Edges, paths: Paths, identity: Identity, versions_kept: usize, known: Known) -> Self {
        Self {
            own_recipients: identity.recipients(),
            edges,
            paths,
            identity,
            versions_kept,
            known: RwLock::new(known),
            working: Mutex::new(()),
            queue: Mutex::default(),
            turn: Condvar::new(),
            sealer: OnceLock::new(),
            blank: Mutex::new(None),
        }
    }

    /// Does what an open owes: clears what a crash left, looks at the file and remembers it.
    fn settle_in(&self) -> Result<(), Error> {
        let _working = lock(&self.working);
        let disk = self.disk();
        if let Ok(target) = self.target() {
            check_guarded(disk, folder_of(&target), "go-w")?;
            check_guarded(disk, &target, "go-w")?;
            // Where another writes, its temporary file is alive, and it clears the dead ones. A folder that cannot be
            // written is no reason not to read.
            if let Ok(Some(_lock)) = disk.try_lock(&lock_beside(&target)) {
                drop(remove_stale_temporaries(disk, &target));
            }
        }
        if self.look()? != Refreshed::Forked {
            self.keep_beside();
        }
        Ok(())
    }

    /// Judges the file and takes over what it is. Only for who holds `working`.
    fn look(&self) -> Result<Refreshed, Error> {
        let stamp = stamp(self.disk(), &self.paths.store)?;
        let found = self.examine()?;
        let refreshed = match found {
            Found::Same => {
                let mut known = self.known_mut();
                known.fork = None;
                Refreshed::Unchanged
            }
            Found::Fork(reason) => {
                self.known_mut().fork = Some(reason);
                Refreshed::Forked
            }
            Found::Descendant { contents, bytes } => {
                self.adopt(contents, bytes);
                Refreshed::Adopted
            }
        };
        self.known_mut().stamp = stamp;
        Ok(refreshed)
    }

    fn examine(&self) -> Result<Found, Error> {
        let path = &self.paths.store;
        let bytes = match self.disk().read(path, envelope::FILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Fork(ForkReason::Missing)),
            Err(error) => return Err(Error::disk("read", path)(error)),
        };
        let known = self.known();
        if bytes == known.bytes {
            return Ok(Found::Same);
        }
        let contents = match parse(&bytes, path, &self.identity) {
            Ok(contents) => contents,
            Err(error) => return Ok(Found::Fork(ForkReason::Unreadable(why_unreadable(error)))),
        };
        if let Err(reason) = known.anchor.judge(&contents) {
            return Ok(Found::Fork(reason));
        }
        let ours = known.snapshot.contents();
        if contents.id == ours.id && contents != **ours {
            return Ok(Found::Fork(ForkReason::Edited));
        }
        Ok(Found::Descendant { contents, bytes })
    }

    /// Takes over a file that another wrote, once it is sure to stay.
    fn adopt(&self, contents: Contents, bytes: Vec<u8>) {
        let recipients_changed = contents.recipients != self.known().snapshot.contents().recipients;
        self.know(contents, bytes);
        // The other may stand between its rename and its sync: an anchor that outlives the file would be a false fork.
        let settled = self.target().is_ok_and(|target| self.disk().sync_folder(folder_of(&target)).is_ok());
        if settled {
            self.keep_beside();
        }
        if recipients_changed {
            self.renew_data_key();
        }
    }

    fn know(&self, contents: Contents, bytes: Vec<u8>) {
        let mut known = self.known_mut();
        known.anchor = Anchor::of(&contents);
        known.snapshot = Arc::new(Snapshot::new(Arc::new(contents)));
        known.bytes = bytes;
        known.fork = None;
        known.unsettled = false;
    }

    /// Returns the file behind the links: what is replaced, so that a link stays one.
    fn target(&self) -> Result<PathBuf, Error> {
        self.disk().resolve(&self.paths.store).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::Forked { reason: ForkReason::Missing },
            _ => Error::disk("find", &self.paths.store)(error),
        })
    }

    fn fork_error(&self) -> Error {
        let reason = self.known().fork.clone();
        Error::Forked { reason: reason.unwrap_or(ForkReason::Parallel) }
    }

    fn disk(&self) -> &dyn Disk {
        &*self.edges.disk
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn new((contents, bytes): (Contents, Vec<u8>)) -> Self {
        Self {
            anchor: Anchor::of(&contents),
            anchored_id: None,
            snapshot: Arc::new(Snapshot::new(Arc::new(contents))),
            bytes,
            stamp: None,
            fork: None,
            unsettled: false,
            copy_due: false,
            recipients_differ: false,
            not_kept: None,
        }
    }
}

fn parse(bytes: &[u8], path: &Path, identity: &Identity) -> Result<Contents, Error> {
    Contents::parse(&envelope::open(bytes, identity, path)?, path)
}

fn why_unreadable(error: Error) -> String {
    match error {
        Error::Unreadable { reason, .. } => reason,
        Error::NotARecipient { .. } => "it is not encrypted to this identity".to_owned(),
        other => other.to_string(),
    }
}

fn stamp(disk: &dyn Disk, path: &Path) -> Result<Option<Stamp>, Error> {
    match disk.facts(path) {
        Ok(facts) => Ok(Some(facts.stamp)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::disk("read", path)(error)),
    }
}

fn of_replace(error: ReplaceError, path: &Path) -> Error {
    match error {
        ReplaceError::Unchanged(source) => Error::disk("write", path)(source),
        ReplaceError::Unsettled(source) => Error::StateUnknown { path: path.to_owned(), source: Arc::new(source) },
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
