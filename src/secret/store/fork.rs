//! What to do about a file that does not descend from the one known here: show both sides, and settle it.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::Arc;

use super::{Store, envelope, lock, of_replace, parse, wait_for_lock};
use crate::disk::replace;
use crate::secret::change::Written;
use crate::secret::contents::{Contents, Edition, Recipient, Secret};
use crate::secret::paths::lock_beside;
use crate::secret::snapshot::VersionInfo;
use crate::secret::{Error, ForkReason};

/// Both sides of a fork, by name and fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// How the file differs.
    pub reason: ForkReason,
    /// Whether the file can be read and is the same store. Where it is not, ours stays and the file is put aside.
    pub is_mergeable: bool,
    /// The secrets whose current values differ.
    pub differences: Vec<Difference>,
    /// Those whom only the file lists; they are not taken over.
    pub foreign_recipients: Vec<Recipient>,
}

/// One secret that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The secret.
    pub name: String,
    /// What is known here.
    pub ours: Option<VersionInfo>,
    /// What the file has.
    pub theirs: Option<VersionInfo>,
    /// Which one stays.
    pub winner: Side,
}

/// A side of a fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What is known here.
    Ours,
    /// What the file has.
    Theirs,
}

impl Store {
    /// Returns both sides of the fork; nothing where there is none.
    pub fn conflict(&self) -> Result<Option<Conflict>, Error> {
        let _working = lock(&self.working);
        self.look()?;
        let Some(reason) = self.known().fork.clone() else { return Ok(None) };
        Ok(Some(self.compare(reason, self.theirs()?.0.as_ref())))
    }

    /// Settles the fork: for each secret the version written last stays, and the other side's value is the version before
    /// it. A file that cannot be merged is put aside in the state folder before it is replaced.
    pub fn resolve(&self) -> Result<(Conflict, Written), Error> {
        let _working = lock(&self.working);
        let target = match self.target() {
            Ok(target) => target,
            Err(Error::Forked { reason: ForkReason::Missing }) => self.paths.store.clone(),
            Err(error) => return Err(error),
        };
        let _lock = wait_for_lock(&self.edges, &lock_beside(&target))?;
        self.look()?;
        let reason = self.known().fork.clone().ok_or(Error::NotForked)?;
        let (theirs, bytes) = self.theirs()?;
        let conflict = self.compare(reason, theirs.as_ref());
        if let (None, Some(bytes)) = (&theirs, bytes) {
            self.put_aside(&bytes)?;
        }
        let rewrite = self.persist(self.merge(theirs.as_ref()), &target)?;
        self.keep_after(&rewrite);
        Ok((conflict, Written { revision: rewrite.revision, secrets: vec![] }))
    }

    /// Returns the file's contents, where it is the same store, and its bytes, where it is there.
    fn theirs(&self) -> Result<(Option<Contents>, Option<Vec<u8>>), Error> {
        let path = &self.paths.store;
        let bytes = match self.disk().read(path, envelope::FILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((None, None)),
            Err(error) => return Err(Error::disk("read", path)(error)),
        };
        let contents = parse(&bytes, path, &self.identity).ok();
        let anchor = self.known().anchor.clone();
        Ok((contents.filter(|contents| anchor.is_same_store(contents)), Some(bytes)))
    }

    fn put_aside(&self, bytes: &[u8]) -> Result<(), Error> {
        let path = self.paths.state.join(format!("store.aside-{}.age", self.edges.clock.now().as_millis()));
        replace(self.disk(), &path, bytes).map_err(|error| of_replace(error, &path))
    }

    fn compare(&self, reason: ForkReason, theirs: Option<&Contents>) -> Conflict {
        let snapshot = self.snapshot();
        let ours = snapshot.contents();
        let Some(theirs) = theirs else {
            return Conflict { reason, is_mergeable: false, differences: vec![], foreign_recipients: vec![] };
        };
        let info = |secret: Option<&Arc<Secret>>| secret?.current().map(|edition| snapshot.info(edition));
        let differences = names(ours, theirs).into_iter().filter_map(|name| {
            let (our, their) = (ours.secrets.get(name), theirs.secrets.get(name));
            if current_value(our) == current_value(their) {
                return None;
            }
            Some(Difference { name: name.clone(), ours: info(our), theirs: info(their), winner: winner(our, their) })
        });
        let is_foreign = |one: &&Recipient| ours.recipients.iter().all(|own| own.recipient != one.recipient);
        Conflict {
            reason,
            is_mergeable: true,
            differences: differences.collect(),
            foreign_recipients: theirs.recipients.iter().filter(is_foreign).cloned().collect(),
        }
    }

    /// Returns ours with what was written last on either side. The result descends from both.
    fn merge(&self, theirs: Option<&Contents>) -> Contents {
        let known = self.known();
        let ours = known.snapshot.contents();
        let mut merged = Contents::clone(ours);
        merged.revision = merged.revision.max(known.anchor.revision);
        let mut ancestors = ours.lineage.clone();
        ancestors.push(known.anchor.id.clone());
        if let Some(theirs) = theirs {
            merged.revision = merged.revision.max(theirs.revision);
            ancestors.splice(0..0, theirs.lineage.iter().cloned());
            // What a side is called itself must not be the part that a full lineage forgets.
            ancestors.push(theirs.id.clone());
            for name in names(ours, theirs) {
                let secret = self.merge_secret(ours.secrets.get(name), theirs.secrets.get(name));
                merged.secrets.extend(secret.map(|secret| (name.clone(), secret)));
            }
        }
        merged.lineage = last_occurrences(ancestors);
        merged
    }

    fn merge_secret(&self, ours: Option<&Arc<Secret>>, theirs: Option<&Arc<Secret>>) -> Option<Arc<Secret>> {
        let (kept, lost) = match winner(ours, theirs) {
            Side::Ours => (ours.or(theirs)?, theirs),
            Side::Theirs => (theirs.or(ours)?, ours),
        };
        let Some(lost) = lost.and_then(|secret| secret.current()) else { return Some(kept.clone()) };
        let current = kept.current()?.clone();
        if kept.versions.iter().any(|edition| edition.value == lost.value) {
            return Some(kept.clone());
        }
        let mut merged = Secret::clone(kept);
        let number = kept.newest_number().max(lost.version);
        merged.push(Edition { version: number + 1, ..lost.clone() }, self.versions_kept.max(2));
        merged.push(Edition { version: number + 2, ..current }, self.versions_kept.max(2));
        Some(Arc::new(merged))
    }
}

fn names<'a>(ours: &'a Contents, theirs: &'a Contents) -> BTreeSet<&'a String> {
    ours.secrets.keys().chain(theirs.secrets.keys()).collect()
}

fn current_value(secret: Option<&Arc<Secret>>) -> Option<&crate::words::Sensitive> {
    secret?.current().map(|edition| &edition.value)
}

/// Returns the side that wrote last. A secret that one side lacks stays: a value too many is better than one lost.
fn winner(ours: Option<&Arc<Secret>>, theirs: Option<&Arc<Secret>>) -> Side {
    let written = |secret: Option<&Arc<Secret>>| secret.and_then(|secret| secret.current()).map(|one| one.created);
    if written(theirs) > written(ours) { Side::Theirs } else { Side::Ours }
}

fn last_occurrences(ids: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<String> = ids.into_iter().rev().filter(|id| seen.insert(id.clone())).collect();
    kept.reverse();
    kept
}
