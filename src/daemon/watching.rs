//! The thread that follows the folder: what changed becomes the next catalog.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::daemon::assembly::Config;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::watch::{Change, Places, Stopper, Watcher};

/// How long the watcher waits before it is asked again; it looks by itself every 30 s.
const PATIENCE: Duration = Duration::from_hours(1);

/// The folder, followed.
pub(super) struct Watching {
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Watching {
    /// Reads the folder, then follows it.
    pub(super) fn start(config: &Config, handle: Handle) -> Result<Self, Error> {
        let places = Places { project: config.project.clone(), root: config.workflows.clone() };
        let (mut watcher, first) = Watcher::open(config.disk.clone(), config.clock.clone(), places);
        take(&handle, first);
        let stopper = watcher.stopper();
        let thread = thread::Builder::new().name("watch".to_owned());
        let thread = thread.spawn(move || {
            // It ends when it is stopped; a quiet folder is asked again.
            while !watcher.is_stopped() {
                if let Some(change) = watcher.next(PATIENCE) {
                    take(&handle, change);
                }
            }
        });
        Ok(Self { stopper, thread: Some(thread.map_err(|error| Error::Unavailable(error.to_string()))?) })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the watcher had stopped by itself");
        }
    }
}

fn take(handle: &Handle, change: Change) {
    if let Some(news) = &change.settings {
        handle.take_settings(news);
    }
    let changing = handle.definitions().begin();
    let before = handle.catalog();
    let catalog = before.next(change.files, change.troubles);
    for problem in catalog.problems() {
        if !before.problems().contains(&problem) {
            tracing::warn!(place = problem.place, "{}", problem.message);
        }
    }
    handle.publish(&changing, catalog);
}
