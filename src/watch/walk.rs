use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use crate::catalog::Trouble;
use crate::disk::{Disk, Entry, Kind, Stamp};

use super::is_within;
use super::name::{is_hidden, shown};

/// More files than anyone writes by hand; a scan of them takes less than a tenth of a second.
const FILES_MAX: usize = 10_000;

/// Names looked at in all, so that a tree of something else ends the scan and not the memory.
const ENTRIES_MAX: usize = 200_000;

/// Folders in folders: no project is deeper, and a mount in itself is.
const DEPTH_MAX: usize = 32;

/// All definition files together.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What a look at the tree found.
#[derive(Default)]
pub(super) struct Walk {
    /// The definition files, by the name that is shown.
    pub(super) files: BTreeMap<String, Found>,
    /// The folders that were listed.
    pub(super) folders: BTreeMap<PathBuf, Stamp>,
    /// Where something could not be looked at, by the name that is shown: what was known below stays.
    pub(super) blind: Vec<String>,
    pub(super) troubles: Vec<Trouble>,
    is_full: bool,
    entries: usize,
    bytes: u64,
}

/// A definition file.
pub(super) enum Found {
    /// One that can be read at this path.
    File(PathBuf, Stamp),
    /// One that must not be read, and why.
    Refused(String),
}

/// Where a walk is.
struct Place<'a> {
    disk: &'a dyn Disk,
    root: &'a Path,
    /// The root behind all links: nothing outside of it is read.
    real_root: PathBuf,
    /// How the root is shown.
    shown_root: &'a Path,
    /// Which files are looked for, by their names.
    is_wanted: fn(&OsStr) -> bool,
}

/// Looks at every folder below `root`. An error is one of the root itself.
pub(super) fn walk(disk: &dyn Disk, root: &Path, shown_root: &Path, is_wanted: fn(&OsStr) -> bool) -> io::Result<Walk> {
    let place = Place { disk, root, real_root: disk.resolve(root)?, shown_root, is_wanted };
    let mut walk = Walk::default();
    let entries = disk.list(root)?;
    walk.folders.insert(root.to_owned(), disk.facts(root)?.stamp);
    let mut open = vec![(entries, 0)];
    while let Some((entries, depth)) = open.pop() {
        for entry in entries {
            walk.entries += 1;
            if walk.entries > ENTRIES_MAX {
                let message = format!("holds more than {ENTRIES_MAX} names; the rest is not looked at");
                walk.is_blind(place.shown(root), message);
                return Ok(walk);
            }
            open.extend(walk.enter(&place, &entry, depth));
        }
    }
    if walk.is_full {
        walk.is_blind(place.shown(root), format!("holds more than {FILES_MAX} definition files; the rest is not read"));
    }
    Ok(walk)
}

impl Walk {
    /// Takes an entry; a folder's own entries are returned.
    fn enter(&mut self, place: &Place<'_>, entry: &Entry, depth: usize) -> Option<(Vec<Entry>, usize)> {
        let name = entry.path.file_name().unwrap_or_default();
        if is_hidden(name) {
            return None;
        }
        match entry.kind {
            Kind::Folder => return self.list(place, &entry.path, depth + 1).map(|entries| (entries, depth + 1)),
            Kind::Link => self.link(place, &entry.path),
            Kind::File if (place.is_wanted)(name) => self.file(place, &entry.path, &entry.path),
            Kind::Other if (place.is_wanted)(name) => {
                self.refuse(place, &entry.path, "is not a regular file".to_owned());
            }
            Kind::File | Kind::Other => {}
        }
        None
    }

    fn list(&mut self, place: &Place<'_>, folder: &Path, depth: usize) -> Option<Vec<Entry>> {
        if depth > DEPTH_MAX {
            self.is_blind(place.shown(folder), format!("is deeper than {DEPTH_MAX} folders; it is not looked at"));
            return None;
        }
        let listed = place.disk.facts(folder).and_then(|facts| Ok((facts.stamp, place.disk.list(folder)?)));
        match listed {
            Ok((stamp, entries)) => {
                self.folders.insert(folder.to_owned(), stamp);
                Some(entries)
            }
            // It went while we looked; its files are missed as others are.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.is_blind(place.shown(folder), format!("cannot be looked at: {error}"));
                None
            }
        }
    }

    /// Follows a link to a file inside of the root; one to a folder would show its files twice.
    fn link(&mut self, place: &Place<'_>, link: &Path) {
        let is_wanted = (place.is_wanted)(link.file_name().unwrap_or_default());
        let target = match place.disk.resolve(link) {
            Ok(target) => target,
            // A link to nothing is nothing, as long as it is.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) if is_wanted => return self.refuse(place, link, format!("cannot be followed: {error}")),
            Err(_) => return,
        };
        if is_wanted && !is_within(&target, &place.real_root) {
            self.refuse(place, link, "is a link that leads out of the folder; put the file here".to_owned());
        } else if is_wanted {
            self.file(place, link, &target);
        }
    }

    fn file(&mut self, place: &Place<'_>, path: &Path, target: &Path) {
        match place.disk.link_facts(target) {
            Ok(facts) if facts.kind != Kind::File => self.refuse(place, path, "is not a regular file".to_owned()),
            Ok(facts) if self.bytes.saturating_add(facts.bytes) > BYTES_MAX => {
                self.refuse(place, path, format!("is too much: all files together are over {BYTES_MAX} bytes"));
            }
            Ok(_) if self.files.len() >= FILES_MAX => self.is_full = true,
            Ok(facts) => {
                self.bytes += facts.bytes;
                self.files.insert(place.shown(path), Found::File(target.to_owned(), facts.stamp));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.refuse(place, path, format!("cannot be looked at: {error}")),
        }
    }

    fn refuse(&mut self, place: &Place<'_>, path: &Path, why: String) {
        self.files.insert(place.shown(path), Found::Refused(why));
    }

    fn is_blind(&mut self, shown: String, message: String) {
        self.blind.push(shown.clone());
        self.troubles.push(Trouble { place: shown, message });
    }
}

impl Place<'_> {
    fn shown(&self, path: &Path) -> String {
        shown(&self.shown_root.join(path.strip_prefix(self.root).unwrap_or(path)))
    }
}
