use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::Error;
use super::contents::Contents;
use super::fingerprint::key_hash;
use crate::disk::{Disk, ReplaceError, replace};

/// How long the file of anchors grows before it is written anew with its last line: about 300 updates.
const ANCHOR_BYTES_COMPACTED: usize = 64 << 10;

/// The longest file of anchors that is read.
const ANCHOR_BYTES_MAX: u64 = 1 << 20;

/// What the state folder remembers of the store: only what descends from this is adopted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Anchor {
    store_id: String,
    key_hash: String,
    pub(super) revision: u64,
    pub(super) id: String,
}

/// How a file differs from a descendant of the one known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForkReason {
    /// It is another store: another id or key.
    AnotherStore,
    /// It is an earlier revision of ours, as a restored backup is.
    Older,
    /// It was changed without a new revision, or its revision was not raised.
    Edited,
    /// It was changed elsewhere while it was changed here.
    Parallel,
    /// It cannot be read: conflict markers, damage, other recipients.
    Unreadable(String),
    /// It is gone.
    Missing,
}

impl fmt::Display for ForkReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnotherStore => f.write_str("the file is another store, with another key"),
            Self::Older => f.write_str("the file is an older revision than the one written here"),
            Self::Edited => f.write_str("the file was edited without raising `revision` and adding a new `id`"),
            Self::Parallel => f.write_str("the file does not descend from the one written here"),
            Self::Unreadable(reason) => write!(f, "the file cannot be read ({reason})"),
            Self::Missing => f.write_str("the file is gone"),
        }
    }
}

impl Anchor {
    /// Returns what is remembered of a revision.
    pub(super) fn of(contents: &Contents) -> Self {
        Self {
            store_id: contents.store_id.clone(),
            key_hash: key_hash(&contents.store_key),
            revision: contents.revision,
            id: contents.id.clone(),
        }
    }

    /// Returns whether contents belong to the same store.
    pub(super) fn is_same_store(&self, contents: &Contents) -> bool {
        let same_key: bool = self.key_hash.as_bytes().ct_eq(key_hash(&contents.store_key).as_bytes()).into();
        same_key && self.store_id == contents.store_id
    }

    /// Returns whether contents are the remembered revision or descend from it; else how they differ.
    pub(super) fn judge(&self, contents: &Contents) -> Result<(), ForkReason> {
        if !self.is_same_store(contents) {
            return Err(ForkReason::AnotherStore);
        }
        if contents.id == self.id {
            return if contents.revision == self.revision { Ok(()) } else { Err(ForkReason::Edited) };
        }
        let descends = contents.lineage.contains(&self.id);
        match (descends, contents.revision > self.revision) {
            (true, true) => Ok(()),
            (true, false) => Err(ForkReason::Edited),
            (false, true) => Err(ForkReason::Parallel),
            (false, false) => Err(ForkReason::Older),
        }
    }

    /// Reads the last whole anchor; a torn line is skipped.
    pub(super) fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Self>, Error> {
        let bytes = match disk.read(path, ANCHOR_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::disk("read", path)(error)),
        };
        let lines = bytes.split(|byte| *byte == b'\n');
        let anchors = lines.filter_map(|line| serde_json::from_slice::<Self>(line).ok());
        Ok(anchors.max_by_key(|anchor| anchor.revision))
    }

    /// Remembers this. The line is not synced: one that is lost only makes the anchor an older ancestor.
    pub(super) fn append(&self, disk: &dyn Disk, path: &Path) -> Result<(), Error> {
        let line = self.line();
        let written = disk.append(path).and_then(|mut file| file.write(line.as_bytes()));
        written.map_err(Error::disk("write", path))?;
        match disk.facts(path) {
            Ok(facts) if facts.bytes > ANCHOR_BYTES_COMPACTED as u64 => self.replace(disk, path),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Remembers this alone, durably.
    pub(super) fn replace(&self, disk: &dyn Disk, path: &Path) -> Result<(), Error> {
        replace(disk, path, self.line().as_bytes()).map_err(|error| match error {
            ReplaceError::Unchanged(error) | ReplaceError::Unsettled(error) => Error::disk("write", path)(error),
        })
    }

    /// Returns a line that stands on its own even after a torn one.
    fn line(&self) -> String {
        let text = serde_json::to_string(self).expect("texts and numbers are JSON");
        format!("\n{text}\n")
    }
}
