//! What is written beside the store: the last good copy, the anchor, the list for people, the sealing keys. None of it is
//! needed for the store to be right, so that a failure is a problem to show and never fails an update.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::{Known, Store, lock_beside, of_replace, parse, stamp, wait_for_lock};
use crate::disk::{Disk, replace, replace_unsynced};
use crate::secret::anchor::Anchor;
use crate::secret::contents::{Contents, Recipient};
use crate::secret::sealing::load_or_make_keys;
use crate::secret::{Error, ForkReason, Identity, Paths, envelope};

/// The longest list of recipients that is read.
const RECIPIENTS_BYTES_MAX: u64 = 1 << 20;

impl Store {
    /// Writes what the state folder remembers, after the acknowledgement and not synced, and compares the list for people.
    pub(super) fn keep_beside(&self) {
        let anchor = self.known().anchor.clone();
        let snapshot = self.snapshot();
        let kept = self.keep_last().and_then(|()| self.keep_anchor(&anchor));
        let differ = self.recipients_differ(&snapshot.contents().recipients);
        let mut known = self.known_mut();
        known.not_kept = kept.err().map(|error| error.to_string());
        known.recipients_differ = differ;
        known.copy_due = false;
    }

    /// Remembers the revision, and leaves the copy for when nobody waits.
    pub(super) fn keep_later(&self) {
        let anchor = self.known().anchor.clone();
        let kept = self.keep_anchor(&anchor);
        let mut known = self.known_mut();
        known.not_kept = kept.err().map(|error| error.to_string());
        known.copy_due = true;
    }

    /// Makes the copy that was left for later.
    pub(super) fn keep_copy_due(&self) {
        if !self.known().copy_due {
            return;
        }
        let kept = self.keep_last();
        let mut known = self.known_mut();
        known.copy_due = false;
        if let Err(error) = kept {
            known.not_kept = Some(error.to_string());
        }
    }

    fn keep_anchor(&self, anchor: &Anchor) -> Result<(), Error> {
        if self.known().anchored_id.as_ref() != Some(&anchor.id) {
            anchor.append(self.disk(), &self.paths.anchor())?;
            self.known_mut().anchored_id = Some(anchor.id.clone());
        }
        Ok(())
    }

    fn keep_last(&self) -> Result<(), Error> {
        let path = self.paths.last();
        let bytes = self.known().bytes.clone();
        if self.disk().read(&path, envelope::FILE_BYTES_MAX).is_ok_and(|last| last == bytes) {
            return Ok(());
        }
        replace_unsynced(self.disk(), &path, &bytes).map_err(Error::disk("write", &path))
    }

    /// Compares the list for people with the one inside; a list that is missing is written.
    fn recipients_differ(&self, recipients: &[Recipient]) -> bool {
        let Ok(bytes) = self.disk().read(&self.paths.recipients, RECIPIENTS_BYTES_MAX) else {
            return self.write_recipients(recipients).is_err();
        };
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let listed: BTreeSet<&str> = lines.collect();
        listed != recipients.iter().map(|one| one.recipient.as_str()).collect()
    }

    pub(super) fn write_recipients(&self, recipients: &[Recipient]) -> Result<(), Error> {
        let store = self.paths.store.file_name().unwrap_or_default().to_string_lossy();
        let mut text =
            format!("# Who can read {store}. Written by keytide: the list inside the store is what counts.\n");
        for Recipient { recipient, name } in recipients {
            let name = name.replace(['\n', '\r'], " ");
            writeln!(text, "# {name}\n{recipient}").expect("a text takes all that is written");
        }
        let path = &self.paths.recipients;
        replace(self.disk(), path, text.as_bytes()).map_err(|error| of_replace(error, path))
    }

    /// Encrypts the sealing keys to the recipients of now. A new key follows where somebody lost access.
    pub(super) fn renew_data_key(&self) {
        let path = self.paths.data_key();
        if !matches!(stamp(self.disk(), &path), Ok(Some(_))) {
            return;
        }
        let renewed = wait_for_lock(&self.edges, &lock_beside(&path))
            .and_then(|_lock| load_or_make_keys(self.disk(), &path, &self.identity, self.snapshot().contents()));
        match (renewed, self.sealer.get()) {
            (Ok(keys), Some(sealer)) => sealer.renew(keys),
            (Ok(_), None) => {}
            (Err(error), _) => self.known_mut().not_kept = Some(error.to_string()),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.keep_copy_due();
    }
}

pub(super) fn first_recipients(own: &Identity, name: &str, recovery: &Identity) -> Vec<Recipient> {
    let own = own.recipients().into_iter().map(|recipient| Recipient { recipient, name: name.to_owned() });
    let recovery = recovery.recipients().into_iter();
    own.chain(recovery.map(|recipient| Recipient { recipient, name: "recovery".to_owned() })).collect()
}

/// Returns what to start from where an anchor is: the last good copy, else the file itself if it is the same store.
pub(super) fn remembered(
    disk: &dyn Disk,
    paths: &Paths,
    identity: &Identity,
    anchor: Anchor,
    last: Option<(Contents, Vec<u8>)>,
) -> Result<Known, Error> {
    // A crash may have kept the copy and not the anchor of the same revision.
    let is_ours = |last: &Contents| anchor.is_same_store(last) && last.revision <= anchor.revision;
    let last = last.filter(|(last, _)| is_ours(last) || anchor.judge(last).is_ok());
    let (contents, bytes) = match last {
        Some(last) => last,
        None => read_whole(disk, &paths.store, identity)?,
    };
    if !anchor.is_same_store(&contents) {
        return Err(Error::Forked { reason: ForkReason::AnotherStore });
    }
    // Without the bytes of the anchor's own revision, the file is judged by what the anchor says.
    let known_bytes = if contents.id == anchor.id { bytes } else { Vec::new() };
    let anchored_id = Some(anchor.id.clone());
    Ok(Known { anchor, anchored_id, ..Known::new((contents, known_bytes)) })
}

pub(super) fn read_last(disk: &dyn Disk, paths: &Paths, identity: &Identity) -> Option<(Contents, Vec<u8>)> {
    read_whole(disk, &paths.last(), identity).ok()
}

pub(super) fn read_whole(disk: &dyn Disk, path: &Path, identity: &Identity) -> Result<(Contents, Vec<u8>), Error> {
    let bytes = disk.read(path, envelope::FILE_BYTES_MAX).map_err(Error::disk("read", path))?;
    Ok((parse(&bytes, path, identity)?, bytes))
}
