//! The file system and its twin that fails on purpose.
//!
//! [`Disk`] has one operation for each step that a crash or a fault can hit, so that what must hold between two steps
//! can be tested there. [`replace`] is the one way to change a file that matters.
//!
//! **Architecture Invariant:** nothing else in the tree touches the file system, but `journal` for its database. Files
//! are born 0600 and folders 0700: the mode is given at creation, never mended afterwards.

mod faulty;
mod socket;
mod system;
mod temporary;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

pub use faulty::{Fault, FaultyDisk, Outage};
pub use socket::listen_private;
pub use system::SystemDisk;
pub use temporary::TemporaryFolder;

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, where links are not followed.
    Link,
    /// A FIFO, socket or device: never opened.
    Other,
}

/// What the disk knows of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Its size.
    pub bytes: u64,
    /// Its permission bits, as `0o600`.
    pub mode: u32,
    /// Whether it belongs to the user of this process, or to root.
    pub ours: bool,
    /// What changes when its content does.
    pub stamp: Stamp,
}

impl Facts {
    /// Returns whether only its owner may read, write or search it (`0o…00`), and the owner is this user or root.
    pub const fn is_private(&self) -> bool {
        self.ours && self.mode.trailing_zeros() >= 6
    }

    /// Returns whether other users cannot change it: they may not write, or it is sticky as `/tmp` is.
    pub const fn is_guarded(&self) -> bool {
        self.ours && (self.mode & 0o022 == 0 || self.mode & 0o1000 != 0)
    }
}

/// The identity of a file's content: it changes when the file is replaced or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    device: u64,
    inode: u64,
    modified_ns: i128,
    changed_ns: i128,
    bytes: u64,
}

impl Stamp {
    /// Returns whether both are of one file or folder, whatever was done to it in between.
    pub const fn is_of_same(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The folder's path with the name.
    pub path: PathBuf,
    /// What the name leads to; links are not followed.
    pub kind: Kind,
}

/// A lock file that is held; dropping it lets go.
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] Box<dyn Any + Send>);

/// A file that is being written.
pub trait Writing: Send {
    /// Writes all the bytes at the end.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Gives it permission bits, as `0o644`, for a file that others read too.
    fn permit(&mut self, mode: u32) -> io::Result<()>;

    /// Makes what was written survive a power cut. After an error nothing is known of it: write another file.
    fn sync(&mut self) -> io::Result<()>;
}

/// The operations that the product does on files.
pub trait Disk: Send + Sync {
    /// Reads a regular file, without blocking on anything else; a longer one than `bytes_max` is an error.
    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>>;

    /// Returns what a path leads to, through links.
    fn facts(&self, path: &Path) -> io::Result<Facts>;

    /// Returns what a path is, a link being a link.
    fn link_facts(&self, path: &Path) -> io::Result<Facts>;

    /// Lists a folder in the order of its names.
    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>>;

    /// Returns the path behind all links.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;

    /// Returns the bytes that this user can still write in a folder; a folder that cannot be written is an error.
    fn room_bytes(&self, folder: &Path) -> io::Result<u64>;

    /// Creates a folder and those above it, 0700; one that exists is left as it is.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Creates a file, 0600; one that exists is an error.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Writing>>;

    /// Opens a file for writing at its end; a new one is 0600.
    fn append(&self, path: &Path) -> io::Result<Box<dyn Writing>>;

    /// Gives a file another name, replacing what had it.
    fn rename(&self, source: &Path, target: &Path) -> io::Result<()>;

    /// Makes the names in a folder survive a power cut.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Takes the lock on a lock file, which is made where it is missing; nothing where another holds it.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Lock>>;
}

/// How far a [`replace`] came.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The old file is there, byte for byte.
    #[error("the file is unchanged: {0}")]
    Unchanged(#[source] io::Error),
    /// The new file is there, and whether it survives a power cut is unknown.
    #[error("the file was replaced but not made durable: {0}")]
    Unsettled(#[source] io::Error),
}

/// Replaces a file in one step that survives a power cut: whoever looks, at any time, finds all of the old one or all of
/// the new one.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
    let temporary = write_temporary(disk, path, bytes, Durability::Synced, None).map_err(ReplaceError::Unchanged)?;
    rename_temporary(disk, &temporary, path).map_err(ReplaceError::Unchanged)?;
    disk.sync_folder(folder_of(path)).map_err(ReplaceError::Unsettled)
}

/// Replaces a file of people as [`replace`] does; who could read and write it still can, and a link stays a link.
pub fn replace_alike(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
    let prepared = disk.resolve(path).and_then(|target| {
        let mode = disk.facts(&target)?.mode & 0o777;
        Ok((write_temporary(disk, &target, bytes, Durability::Synced, Some(mode))?, target))
    });
    let (temporary, target) = prepared.map_err(ReplaceError::Unchanged)?;
    rename_temporary(disk, &temporary, &target).map_err(ReplaceError::Unchanged)?;
    disk.sync_folder(folder_of(&target)).map_err(ReplaceError::Unsettled)
}

/// Replaces a file in one step that a power cut may undo or damage: for copies of what is safe elsewhere.
pub fn replace_unsynced(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(disk, path, bytes, Durability::Unsynced, None)?;
    rename_temporary(disk, &temporary, path)
}

/// Removes what a crash in the middle of [`replace`] left beside `path`. Only for who holds the lock of its writers.
pub fn remove_stale_temporaries(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let prefix = format!(".{}.", file_name(path));
    for entry in disk.list(folder_of(path))? {
        let name = file_name(&entry.path);
        if entry.kind == Kind::File && name.starts_with(&prefix) && name.ends_with(TEMPORARY_SUFFIX) {
            disk.remove(&entry.path)?;
        }
    }
    Ok(())
}

/// Returns the folder that a path's name is in; a bare name is in the current one.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

/// How a temporary file ends.
const TEMPORARY_SUFFIX: &str = ".tmp";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    Synced,
    Unsynced,
}

fn write_temporary(
    disk: &dyn Disk,
    path: &Path,
    bytes: &[u8],
    durability: Durability,
    mode: Option<u32>,
) -> io::Result<PathBuf> {
    let temporary = temporary_path(path)?;
    let mut file = disk.create(&temporary)?;
    let permitted = mode.map_or(Ok(()), |mode| file.permit(mode));
    let written = permitted.and_then(|()| file.write(bytes)).and_then(|()| match durability {
        Durability::Synced => file.sync(),
        Durability::Unsynced => Ok(()),
    });
    drop(file);
    written.map(|()| temporary.clone()).inspect_err(|_| discard(disk, &temporary))
}

fn rename_temporary(disk: &dyn Disk, temporary: &Path, path: &Path) -> io::Result<()> {
    disk.rename(temporary, path).inspect_err(|_| discard(disk, temporary))
}

/// Removes a temporary file as well as it can: the next open removes what stays.
fn discard(disk: &dyn Disk, temporary: &Path) {
    drop(disk.remove(temporary));
}

/// Returns a new name in the same folder. It is random, because a process id comes again after a restart of a container.
fn temporary_path(path: &Path) -> io::Result<PathBuf> {
    let mut name = format!(".{}.", file_name(path));
    let number = getrandom::u64().map_err(io::Error::other)?;
    write!(name, "{number:016x}{TEMPORARY_SUFFIX}").map_err(io::Error::other)?;
    Ok(path.with_file_name(name))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
