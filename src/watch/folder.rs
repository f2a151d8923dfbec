use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::catalog::{News, Trouble};
use crate::disk::{Disk, Kind, Stamp, folder_of};
use crate::settings;
use crate::words::Timestamp;

use super::name::{is_definition, is_hidden, shown};
use super::walk::{Found, Walk, walk};
use super::{Change, Places, is_within};

/// A definition file is written by people; generated ones stay far below as well.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A file that is missing now may be on its way (git removes and creates, editors rename): it is looked for again after this.
const MISSED_FOR: Duration = Duration::from_millis(500);

/// What is known of the files, and what changed since.
pub(super) struct Folder {
    places: Places,
    files: BTreeMap<String, Known>,
    settings: BTreeMap<String, Known>,
    /// The folders of the last scan.
    folders: BTreeSet<PathBuf>,
    /// The troubles that were told last.
    told: Vec<Trouble>,
}

/// What is known of one file.
struct Known {
    content: Content,
    stamp: Option<Stamp>,
    /// Whether the content was still the same at a later look: a file that is written twice within a tick of its clock
    /// keeps its stamp.
    is_confirmed: bool,
    missed_since: Option<Timestamp>,
}

#[derive(PartialEq, Eq)]
enum Content {
    Hash([u8; 32]),
    Unreadable(String),
}

/// What a scan found.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) news: BTreeMap<String, News>,
    pub(super) troubles: Vec<Trouble>,
    /// The folders in which changes are to be listened for.
    pub(super) listen: BTreeMap<PathBuf, Stamp>,
    /// When to look again for what was missed.
    pub(super) confirm_at: Option<Timestamp>,
}

/// What a path in an event means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing here depends on it.
    Nothing,
    /// A file that can be read again alone.
    Alone,
    /// Only a scan can tell.
    Anything,
}

impl Folder {
    pub(super) fn new(places: Places) -> Self {
        let (files, settings) = (BTreeMap::new(), BTreeMap::new());
        Self { places, files, settings, folders: BTreeSet::new(), told: Vec::new() }
    }

    /// Returns the name of the root as it is shown.
    pub(super) fn shown_root(&self) -> String {
        shown(self.root_below_project())
    }

    /// Returns whether the troubles are others than those told last.
    pub(super) fn told(&self, troubles: &[Trouble]) -> bool {
        self.told != troubles
    }

    /// Makes a change of what was found.
    pub(super) fn change(&mut self, mut news: BTreeMap<String, News>, troubles: Vec<Trouble>) -> Change {
        self.told.clone_from(&troubles);
        let settings = news.remove(settings::FILE_NAME);
        Change { files: news, settings, troubles }
    }

    /// Judges a path that an event named.
    pub(super) fn meaning(&self, disk: &dyn Disk, path: &Path) -> Meaning {
        if path == self.settings_path() {
            return Meaning::Anything;
        }
        let Ok(below) = path.strip_prefix(&self.places.root) else {
            // The root itself, or a folder or link above that leads to it.
            return if is_within(&self.places.root, path) { Meaning::Anything } else { Meaning::Nothing };
        };
        let name = path.file_name().unwrap_or_default();
        let is_hidden_below = below.parent().is_some_and(|folder| folder.iter().any(is_hidden));
        match disk.link_facts(path).map(|facts| facts.kind) {
            _ if is_hidden_below => Meaning::Nothing,
            Ok(Kind::File) if is_definition(name) && self.folders.contains(folder_of(path)) => Meaning::Alone,
            Ok(Kind::File) if !is_definition(name) => Meaning::Nothing,
            Err(_) if !is_definition(name) && !self.folders.contains(path) => Meaning::Nothing,
            Ok(Kind::File | Kind::Folder | Kind::Link | Kind::Other) | Err(_) => Meaning::Anything,
        }
    }

    /// Reads one file again.
    pub(super) fn reread(&mut self, disk: &dyn Disk, path: &Path, news: &mut BTreeMap<String, News>) {
        let below = path.strip_prefix(&self.places.root).unwrap_or(path);
        let name = shown(&self.root_below_project().join(below));
        if let Ok(facts) = disk.link_facts(path)
            && facts.kind == Kind::File
        {
            let found = Found::File(path.to_owned(), facts.stamp);
            observe(&mut self.files, disk, name, found, Trust::Nothing, news);
        }
    }

    /// Looks at everything.
    pub(super) fn scan(&mut self, disk: &dyn Disk, now: Timestamp) -> Scan {
        let mut scan = Scan { listen: self.outer_folders(disk), ..Scan::default() };
        self.scan_settings(disk, now, &mut scan);
        let root = self.root_below_project().to_owned();
        match walk(disk, &self.places.root, &root, is_definition) {
            Ok(walk) if walk.files.is_empty() && walk.blind.is_empty() && !self.files.is_empty() => {
                self.lost(&mut scan, "is empty");
                scan.listen.extend(walk.folders);
            }
            Ok(walk) => self.take(disk, walk, now, &mut scan),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.lost(&mut scan, "is not there"),
            Err(error) => self.lost(&mut scan, &format!("cannot be looked at: {error}")),
        }
        self.folders = scan.listen.keys().cloned().collect();
        scan
    }

    fn take(&mut self, disk: &dyn Disk, walk: Walk, now: Timestamp, scan: &mut Scan) {
        let found: BTreeSet<String> = walk.files.keys().cloned().collect();
        for (name, file) in walk.files {
            observe(&mut self.files, disk, name, file, Trust::Stamp, &mut scan.news);
        }
        let is_blind = |name: &str| walk.blind.iter().any(|blind| is_within(Path::new(name), Path::new(blind)));
        miss(&mut self.files, |name| found.contains(name) || is_blind(name), now, scan);
        scan.listen.extend(walk.folders);
        scan.troubles.extend(walk.troubles);
    }

    /// The root cannot be the folder that was meant: whatever was known stays.
    fn lost(&mut self, scan: &mut Scan, what: &str) {
        for known in self.files.values_mut() {
            known.missed_since = None;
        }
        let message = match self.files.len() {
            0 => format!(
                "{what}; make the folder and put workflow files into it, or name another one as `[folders] workflows` in keytide.toml"
            ),
            files => format!("{what}; the {files} files last seen go on. Put one back, or restart if all are to go"),
        };
        scan.troubles.push(Trouble { place: self.shown_root(), message });
    }

    fn scan_settings(&mut self, disk: &dyn Disk, now: Timestamp, scan: &mut Scan) {
        let path = self.settings_path();
        let found = match disk.facts(&path) {
            Ok(facts) if facts.kind == Kind::File => Some(Found::File(path, facts.stamp)),
            Ok(_) => Some(Found::Refused("is not a regular file".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(Found::Refused(format!("cannot be looked at: {error}"))),
        };
        let is_there = found.is_some();
        if let Some(found) = found {
            let name = settings::FILE_NAME.to_owned();
            observe(&mut self.settings, disk, name, found, Trust::Stamp, &mut scan.news);
        }
        miss(&mut self.settings, |_| is_there, now, scan);
    }

    /// The folders around the root: where the root itself, and the links that lead to it, are made and replaced.
    fn outer_folders(&self, disk: &dyn Disk) -> BTreeMap<PathBuf, Stamp> {
        let is_link = |path: &&Path| disk.link_facts(path).is_ok_and(|facts| facts.kind == Kind::Link);
        let links = self.places.root.ancestors().filter(is_link).map(folder_of);
        let above = self.places.root.ancestors().skip(1).find(|path| disk.facts(path).is_ok());
        let outer = links.chain(above).chain([self.places.project.as_path()]);
        outer.filter_map(|path| Some((path.to_owned(), disk.facts(path).ok()?.stamp))).collect()
    }

    fn settings_path(&self) -> PathBuf {
        self.places.project.join(settings::FILE_NAME)
    }

    fn root_below_project(&self) -> &Path {
        self.places.root.strip_prefix(&self.places.project).unwrap_or(&self.places.root)
    }
}

/// What tells that a file is as it was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Its stamp, once confirmed.
    Stamp,
    /// Only its content.
    Nothing,
}

/// Takes in what a file is now, and tells it where that is new.
fn observe(
    files: &mut BTreeMap<String, Known>,
    disk: &dyn Disk,
    name: String,
    found: Found,
    trust: Trust,
    news: &mut BTreeMap<String, News>,
) {
    let known = files.get_mut(&name);
    let (stamp, read) = match found {
        Found::Refused(why) => (None, Err(why)),
        Found::File(path, stamp) => {
            if let Some(known) = known.filter(|known| trust == Trust::Stamp && known.is_settled_at(stamp)) {
                known.missed_since = None;
                return;
            }
            match disk.read(&path, FILE_BYTES_MAX) {
                Ok(bytes) => (Some(stamp), Ok(bytes)),
                // It went between the look and the reading.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return,
                Err(error) => (None, Err(format!("cannot be read: {error}"))),
            }
        }
    };
    let content = match &read {
        Ok(bytes) => Content::Hash(Sha256::digest(bytes).into()),
        Err(why) => Content::Unreadable(why.clone()),
    };
    let is_confirmed = files.get(&name).is_some_and(|known| known.content == content);
    files.insert(name.clone(), Known { content, stamp, is_confirmed, missed_since: None });
    if !is_confirmed {
        news.insert(name, read.map_or_else(News::Unreadable, News::Written));
    }
}

/// Takes in which files were not found; one that is missed for long enough is removed.
fn miss(files: &mut BTreeMap<String, Known>, is_there: impl Fn(&str) -> bool, now: Timestamp, scan: &mut Scan) {
    files.retain(|name, known| {
        if is_there(name) {
            return true;
        }
        let since = *known.missed_since.get_or_insert(now);
        if now.since(since) >= MISSED_FOR {
            scan.news.insert(name.clone(), News::Removed);
            return false;
        }
        // A clock that was set back starts the wait again.
        let since = since.min(now);
        known.missed_since = Some(since);
        let confirm_at = since.plus(MISSED_FOR);
        scan.confirm_at = Some(scan.confirm_at.map_or(confirm_at, |other| other.min(confirm_at)));
        true
    });
}

impl Known {
    fn is_settled_at(&self, stamp: Stamp) -> bool {
        self.is_confirmed && self.stamp == Some(stamp)
    }
}
