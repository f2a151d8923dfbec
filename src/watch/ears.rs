use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::disk::Stamp;

use super::mailbox::Mailbox;

/// The errno of inotify where there are too many watches.
const ENOSPC: i32 = 28;

/// The errno of inotify where there are too many watchers.
const EMFILE: i32 = 24;

/// What hears of changes in folders and tells the mailbox.
pub(super) trait Ears: Send {
    /// Listens to exactly these folders, each by itself, and returns whether one was not listened to before. A folder that
    /// was replaced by another of the same name is a new one. An error says why nothing can be heard.
    fn listen(&mut self, folders: &BTreeMap<PathBuf, Stamp>) -> Result<bool, String>;
}

/// The system's file events.
pub(super) struct NotifyEars {
    mailbox: Arc<Mailbox>,
    notify: Option<RecommendedWatcher>,
    folders: BTreeMap<PathBuf, Stamp>,
}

impl NotifyEars {
    pub(super) const fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox, notify: None, folders: BTreeMap::new() }
    }

    fn started(&mut self) -> notify::Result<&mut RecommendedWatcher> {
        if self.notify.is_none() {
            let mailbox = Arc::clone(&self.mailbox);
            self.notify = Some(notify::recommended_watcher(move |event| tell(&mailbox, event))?);
        }
        Ok(self.notify.as_mut().expect("it was just started"))
    }

    fn add(&mut self, folder: &Path) -> notify::Result<()> {
        match self.started()?.watch(folder, RecursiveMode::NonRecursive) {
            // It went between the scan and now: the next scan does not find it either.
            Err(error) if matches!(error.kind, ErrorKind::PathNotFound) => Ok(()),
            other => other,
        }
    }

    fn drop_gone(&mut self, folders: &BTreeMap<PathBuf, Stamp>) {
        let is_there = |path: &Path, stamp: &Stamp| folders.get(path).is_some_and(|now| now.is_of_same(stamp));
        let gone: Vec<PathBuf> =
            self.folders.iter().filter(|(path, stamp)| !is_there(path, stamp)).map(|(path, _)| path.clone()).collect();
        for path in gone {
            self.folders.remove(&path);
            if let Some(notify) = &mut self.notify {
                // The system forgets a folder that is gone by itself.
                drop(notify.unwatch(&path));
            }
        }
    }
}

impl Ears for NotifyEars {
    fn listen(&mut self, folders: &BTreeMap<PathBuf, Stamp>) -> Result<bool, String> {
        self.drop_gone(folders);
        let mut is_new = false;
        for (path, stamp) in folders {
            if !self.folders.contains_key(path) {
                self.add(path).map_err(|error| advice(&error))?;
                self.folders.insert(path.clone(), *stamp);
                is_new = true;
            }
        }
        Ok(is_new)
    }
}

/// Passes on what an event names; our own reading is no news.
fn tell(mailbox: &Mailbox, event: notify::Result<Event>) {
    match event {
        Ok(event) if event.need_rescan() => mailbox.tell_rescan(),
        Ok(event) if is_change(event.kind) => mailbox.tell_paths(event.paths),
        Ok(_) => {}
        Err(_) => mailbox.tell_rescan(),
    }
}

const fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => matches!(access, AccessKind::Close(AccessMode::Write)),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => true,
    }
}

/// Says what is wrong, and what to do about the two limits that people meet.
fn advice(error: &notify::Error) -> String {
    let code = match &error.kind {
        ErrorKind::MaxFilesWatch => Some(ENOSPC),
        ErrorKind::Io(io) => io.raw_os_error(),
        ErrorKind::Generic(_) | ErrorKind::PathNotFound | ErrorKind::WatchNotFound | ErrorKind::InvalidConfig(_) => {
            None
        }
    };
    match code {
        Some(ENOSPC) => "too many folders are watched on this machine; raise fs.inotify.max_user_watches".to_owned(),
        Some(EMFILE) => "too many programs watch on this machine; raise fs.inotify.max_user_instances".to_owned(),
        Some(_) | None => error.to_string(),
    }
}
