use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Clock;
use crate::disk::{Disk, Lock, folder_of};
use crate::journal::Error;
use crate::journal::audit::Entry;
use crate::journal::codec::{Codec, Place};
use crate::secret::Sealer;

/// The longest file of notes: ten thousand commands that no daemon has taken into the audit.
const BYTES_MAX: u64 = 8 << 20;
/// How long another command's note is waited for: a thousand of them.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// The pause between two looks at a lock that is held.
const LOCK_PAUSE: Duration = Duration::from_millis(1);

/// The file beside the journal in which commands note what they do to the store; whoever holds the journal takes them into the
/// audit.
///
/// The first line names the file's generation, each other one is an entry that is sealed for its place in that generation.
pub struct Notes {
    path: PathBuf,
    codec: Codec,
}

/// How much of which file of notes is in the audit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::journal) struct Taken {
    pub(in crate::journal) generation: Uuid,
    pub(in crate::journal) lines: u64,
}

/// What the file holds.
pub(in crate::journal) struct Noted {
    pub(in crate::journal) taken: Taken,
    pub(in crate::journal) entries: Vec<Entry>,
    /// Whether none is missing among them.
    pub(in crate::journal) is_whole: bool,
    _lock: Lock,
}

impl Notes {
    /// Returns the notes beside a journal.
    pub fn beside(journal: &Path, sealer: Arc<Sealer>) -> Self {
        Self::with(journal, Codec::new(sealer))
    }

    pub(in crate::journal) fn with(journal: &Path, codec: Codec) -> Self {
        Self { path: journal.with_file_name("audit.notes"), codec }
    }

    /// Notes entries, synced, before what they are about is done, and returns how long the file is now.
    pub fn add(&self, disk: &dyn Disk, clock: &dyn Clock, entries: &[Entry]) -> Result<u64, Error> {
        let _lock = self.wait_for_lock(disk, clock)?;
        let (before, mut next, mut text) = if let Some(lines) = self.lines(disk)? {
            (lines.bytes, lines.next(), String::new())
        } else {
            let generation = Uuid::new_v4();
            (0, Taken { generation, lines: 0 }, format!("\n{generation}\n"))
        };
        for entry in entries {
            let sealed = STANDARD.encode(self.codec.seal(next.place(), entry));
            // A line stands on its own even after a torn one.
            let _ = write!(text, "\n{} {sealed}\n", next.lines);
            next.lines += 1;
        }
        let after = before.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        if after > BYTES_MAX {
            return Err(Error::Write(io::Error::other(format!(
                "{} is full: whoever holds the journal has not taken it into the audit",
                self.path.display()
            ))));
        }
        let mut file = disk.append(&self.path).map_err(Error::Write)?;
        file.write(text.as_bytes()).and_then(|()| file.sync()).map_err(Error::Write)?;
        if before == 0 {
            disk.sync_folder(folder_of(&self.path)).map_err(Error::Write)?;
        }
        Ok(after)
    }

    /// Reads what is not in the audit yet, and keeps others from noting more; `None` where there is nothing, or where somebody
    /// is at it right now.
    pub(in crate::journal) fn take(&self, disk: &dyn Disk, before: &Taken) -> Result<Option<Noted>, Error> {
        if disk.facts(&self.path).is_err() {
            return Ok(None);
        }
        let Some(lock) = disk.try_lock(&self.lock_path()).map_err(Error::Write)? else { return Ok(None) };
        let Some(lines) = self.lines(disk)? else { return Ok(None) };
        let taken = lines.next();
        let known = if taken.generation == before.generation { before.lines } else { 0 };
        let is_whole = (0..).zip(&lines.opened).all(|(number, (opened, _))| number == *opened);
        let new = lines.opened.into_iter().filter(|(number, _)| *number >= known);
        Ok(Some(Noted { taken, entries: new.map(|(_, entry)| entry).collect(), is_whole, _lock: lock }))
    }

    /// Removes what is in the audit.
    pub(in crate::journal) fn clear(&self, disk: &dyn Disk) -> io::Result<()> {
        disk.remove(&self.path)
    }

    /// Puts aside what cannot be read, for whoever looks into it.
    pub(in crate::journal) fn put_aside(&self, disk: &dyn Disk) -> io::Result<()> {
        disk.rename(&self.path, &self.path.with_extension("notes.damaged"))
    }

    /// Reads the lines that open in their places; `None` where there is no file, or none that anybody was told of.
    fn lines(&self, disk: &dyn Disk) -> Result<Option<Lines>, Error> {
        let bytes = match disk.read(&self.path, BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::Write(error)),
        };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut texts = bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let Some(generation) = texts.find_map(|line| line.parse().ok()) else { return Ok(None) };
        let opened = texts.filter_map(|line| self.open(generation, line));
        Ok(Some(Lines { generation, opened: opened.collect(), bytes: length }))
    }

    /// A line that a crash tore does not open, and nobody was told of it.
    fn open(&self, generation: Uuid, line: &str) -> Option<(u64, Entry)> {
        let (number, sealed) = line.split_once(' ')?;
        let place = Taken { generation, lines: number.parse().ok()? };
        let sealed = STANDARD.decode(sealed).ok()?;
        Some((place.lines, self.codec.open(place.place(), &sealed).ok()?))
    }

    fn wait_for_lock(&self, disk: &dyn Disk, clock: &dyn Clock) -> Result<Lock, Error> {
        let mut waited = Duration::ZERO;
        loop {
            if let Some(lock) = disk.try_lock(&self.lock_path()).map_err(Error::Write)? {
                return Ok(lock);
            }
            if waited >= LOCK_WAIT {
                return Err(Error::Busy);
            }
            clock.sleep(LOCK_PAUSE);
            waited += LOCK_PAUSE;
        }
    }

    fn lock_path(&self) -> PathBuf {
        self.path.with_file_name(".audit.notes.lock")
    }
}

struct Lines {
    generation: Uuid,
    opened: Vec<(u64, Entry)>,
    bytes: u64,
}

impl Lines {
    /// Returns the place of the next line.
    fn next(&self) -> Taken {
        Taken { generation: self.generation, lines: self.opened.last().map_or(0, |(number, _)| number + 1) }
    }
}

impl Taken {
    fn place(&self) -> Place<'static> {
        Place::AuditNote { generation: self.generation.into_bytes(), line: self.lines }
    }
}
