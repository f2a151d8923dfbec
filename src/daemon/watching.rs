//! The thread that follows the folder: what changed becomes the next catalog.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::catalog::Catalog;
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

/// The folder, read once and not followed yet.
pub(super) struct Opened {
    watcher: Watcher,
    first: Change,
}

impl Opened {
    /// Reads the folder.
    pub(super) fn read(config: &Config) -> Self {
        let places = Places { project: config.project.clone(), root: config.workflows.clone() };
        let (watcher, first) = Watcher::open(config.disk.clone(), config.clock.clone(), places);
        Self { watcher, first }
    }

    /// Returns a catalog with what was read: it is whole before the first slot is looked for.
    pub(super) fn catalog(&mut self, before: &Catalog) -> Catalog {
        next(before, std::mem::take(&mut self.first))
    }

    /// Follows the folder from now on.
    pub(super) fn follow(mut self, handle: Handle) -> Result<Watching, Error> {
        let stopper = self.watcher.stopper();
        let thread = thread::Builder::new().name("watch".to_owned());
        let thread = thread.spawn(move || {
            // It ends when it is stopped; a quiet folder is asked again.
            while !self.watcher.is_stopped() {
                if let Some(change) = self.watcher.next(PATIENCE) {
                    take(&handle, change);
                }
            }
        });
        Ok(Watching { stopper, thread: Some(thread.map_err(|error| Error::Unavailable(error.to_string()))?) })
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

fn take(handle: &Handle, mut change: Change) {
    if let Some(news) = change.settings.take() {
        handle.take_settings(&news);
    }
    let changing = handle.definitions().begin();
    let catalog = next(&handle.catalog(), change);
    handle.publish(&changing, catalog);
}

/// Returns the catalog after a change, and says what is wrong since then.
fn next(before: &Catalog, change: Change) -> Catalog {
    let catalog = before.next(change.files, change.troubles);
    let known = before.problems();
    for problem in catalog.problems().iter().filter(|problem| !known.contains(problem)) {
        tracing::info!(place = problem.place, "{}", problem.message);
    }
    catalog
}
