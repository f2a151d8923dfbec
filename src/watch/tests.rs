mod heard;
mod told;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::ears::Ears;
use super::mailbox::Mailbox;
use super::{Change, Places, Watcher};
use crate::catalog::News;
use crate::clock::ManualClock;
use crate::disk::{Stamp, SystemDisk};
use crate::words::Timestamp;

/// A project with a `workflows` folder.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(TempDir::new().unwrap());
        fs::create_dir(project.path("workflows")).unwrap();
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    fn link(&self, target: impl AsRef<Path>, name: &str) {
        symlink(target, self.path(name)).unwrap();
    }

    fn places(&self) -> Places {
        Places { project: self.0.path().to_owned(), root: self.path("workflows") }
    }
}

/// What the ears of a test were asked to listen to; they hear nothing by themselves.
#[derive(Default)]
struct Silent {
    deaf: Option<String>,
}

impl Ears for Silent {
    fn listen(&mut self, _: &BTreeMap<PathBuf, Stamp>) -> Result<bool, String> {
        self.deaf.clone().map_or(Ok(false), Err)
    }
}

/// A watcher whose events and time are the test's.
struct Told {
    project: Project,
    clock: Arc<ManualClock>,
    mailbox: Arc<Mailbox>,
    watcher: Watcher,
    first: Change,
}

impl Told {
    fn new(project: Project) -> Self {
        let places = project.places();
        Self::at(project, places, Silent::default())
    }

    fn at(project: Project, places: Places, ears: Silent) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        let mailbox = Arc::new(Mailbox::default());
        let disk = Arc::new(SystemDisk);
        let (watcher, first) = Watcher::with_ears(disk, clock.clone(), places, Box::new(ears), Arc::clone(&mailbox));
        Self { project, clock, mailbox, watcher, first }
    }

    /// Tells of an event and returns what changed.
    fn hear(&mut self, name: &str) -> Option<Change> {
        self.mailbox.tell_paths(vec![self.project.path(name)]);
        self.watcher.next(Duration::ZERO)
    }

    /// Lets time go by and returns what changed.
    fn after(&mut self, millis: u64) -> Option<Change> {
        self.clock.advance(Duration::from_millis(millis));
        self.watcher.next(Duration::ZERO)
    }
}

/// The names of what changed, with a sign: `+` written, `!` unreadable, `-` removed.
fn signs(change: Option<&Change>) -> Vec<String> {
    let sign = |news: &News| match news {
        News::Written(_) => '+',
        News::Unreadable(_) => '!',
        News::Removed => '-',
    };
    change.iter().flat_map(|change| &change.files).map(|(name, news)| format!("{}{name}", sign(news))).collect()
}

fn written(change: &Change, name: &str) -> String {
    match &change.files[name] {
        News::Written(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        other => panic!("{other:?}"),
    }
}
