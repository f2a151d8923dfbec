use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::disk::{Disk, ReplaceError, replace};
use crate::journal::audit::Link;
use crate::journal::codec::{Codec, Place};

/// How long the file grows before it is written anew with its last line: some 300 commits.
const BYTES_COMPACTED: u64 = 64 << 10;
/// From how many bytes on it is written anew at the opening: commands append to it, and have no quiet moment.
const BYTES_SHORTENED: u64 = 4 * BYTES_COMPACTED;
/// The longest file that is read: a daemon that is never quiet appends for hours.
const BYTES_MAX: u64 = 256 << 20;

/// The file beside the journal that remembers the end of the audit's chain, so that cutting it off is noticed.
///
/// A line is appended after the commit that it is about, and not synced: a line that is lost remembers an older end, which the
/// chain still contains. Lines are sealed, so that only we can write one.
pub(in crate::journal) struct Anchor {
    path: PathBuf,
    bytes: u64,
    /// The last link that could not be remembered.
    owed: Option<Link>,
}

/// What the file remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) enum Remembered {
    /// This end of the chain.
    End(Link),
    /// Nothing: there is no file, or no line of it is ours.
    Nothing,
}

impl Anchor {
    /// Returns the file beside a journal.
    pub(in crate::journal) fn beside(journal: &Path) -> Self {
        Self { path: journal.with_file_name("audit.anchor"), bytes: 0, owed: None }
    }

    /// Reads what is remembered: of all lines that open the furthest, whatever a crash left of the last one. A file that
    /// cannot be read remembers nothing, which is told where there are entries: nobody's tokens wait for it.
    pub(in crate::journal) fn read(&mut self, disk: &dyn Disk, codec: &Codec) -> Remembered {
        let bytes = match disk.read(&self.path, BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::error!(%error, "audit.anchor cannot be read");
                }
                return Remembered::Nothing;
            }
        };
        self.bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| open(codec, line));
        lines.max_by_key(|link| link.seq).map_or(Remembered::Nothing, Remembered::End)
    }

    /// Remembers this. Where it cannot be written now the next one makes up for it.
    pub(in crate::journal) fn append(&mut self, disk: &dyn Disk, codec: &Codec, link: Link) {
        let line = line(codec, link);
        let written = disk.append(&self.path).and_then(|mut file| file.write(line.as_bytes()));
        self.owed = written.is_err().then_some(link);
        self.bytes = self.bytes.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        if let Err(error) = written {
            tracing::warn!(%error, "the end of the audit could not be remembered beside the journal; the next entry does it");
        }
    }

    /// Remembers this alone, durably.
    pub(in crate::journal) fn replace(&mut self, disk: &dyn Disk, codec: &Codec, link: Link) -> io::Result<()> {
        let line = line(codec, link);
        replace(disk, &self.path, line.as_bytes()).map_err(|error| match error {
            ReplaceError::Unchanged(error) | ReplaceError::Unsettled(error) => error,
        })?;
        self.bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
        self.owed = None;
        Ok(())
    }

    /// Writes the file anew where it has grown far more than a quiet moment would have let it.
    pub(in crate::journal) fn shorten(&mut self, disk: &dyn Disk, codec: &Codec, link: Link) {
        if self.bytes > BYTES_SHORTENED {
            self.settle(disk, codec, link);
        }
    }

    /// Writes the file anew where it has grown, or where something is owed. For a quiet moment: it takes syncs.
    pub(in crate::journal) fn settle(&mut self, disk: &dyn Disk, codec: &Codec, link: Link) {
        if (self.bytes > BYTES_COMPACTED || self.owed.is_some())
            && let Err(error) = self.replace(disk, codec, link)
        {
            tracing::warn!(%error, "the audit's anchor could not be written anew; it is tried again");
        }
    }
}

/// Returns a line that stands on its own even after a torn one.
fn line(codec: &Codec, link: Link) -> String {
    format!("\n{}\n", STANDARD.encode(codec.seal(Place::AuditAnchor, &link)))
}

fn open(codec: &Codec, line: &[u8]) -> Option<Link> {
    let sealed = STANDARD.decode(line).ok().filter(|sealed| !sealed.is_empty())?;
    codec.open(Place::AuditAnchor, &sealed).ok()
}
