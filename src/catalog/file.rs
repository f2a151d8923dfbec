use std::sync::Arc;

use crate::words::{Diagnostic, Severity};
use crate::workflow::check::{Known, check};
use crate::workflow::load::{Loaded, load};

use super::{Name, News, Problem};

/// A file of the folder: as it is, and as it was good last.
#[derive(Clone)]
pub(super) struct File {
    latest: Latest,
    pub(super) good: Option<Arc<Loaded>>,
}

/// A file as it is.
#[derive(Clone)]
enum Latest {
    Good,
    /// It has these errors.
    Bad(Arc<Loaded>, Vec<Diagnostic>),
    Unreadable(String),
}

impl File {
    /// Returns the file after the news of it; one that is gone is none.
    pub(super) fn after(name: &str, news: News, before: Option<Self>) -> Option<Self> {
        let good = before.and_then(|file| file.good);
        match news {
            News::Written(bytes) => Some(Self::written(Arc::new(load(name, &bytes)), good)),
            News::Unreadable(why) => Some(Self { latest: Latest::Unreadable(why), good }),
            News::Removed => None,
        }
    }

    /// Judges a file by itself: what two files define is found out by who serves it.
    fn written(loaded: Arc<Loaded>, good: Option<Arc<Loaded>>) -> Self {
        let found = check(&[&loaded], &Known::default());
        let mut errors: Vec<_> = loaded.diagnostics.iter().cloned().chain(found).collect();
        errors.retain(|diagnostic| diagnostic.severity == Severity::Error);
        if errors.is_empty() {
            Self { latest: Latest::Good, good: Some(loaded) }
        } else {
            Self { latest: Latest::Bad(loaded, errors), good }
        }
    }

    /// Returns the file as it is, where it can be read.
    pub(super) fn loaded(&self) -> Option<&Loaded> {
        match &self.latest {
            Latest::Good => self.good.as_deref(),
            Latest::Bad(loaded, _) => Some(loaded),
            Latest::Unreadable(_) => None,
        }
    }

    /// Returns what somebody has to mend.
    pub(super) fn problem(&self, name: &str) -> Option<Problem> {
        let (what, diagnostics) = match &self.latest {
            Latest::Good => return None,
            Latest::Bad(_, errors) => (count(errors.len()), errors.clone()),
            Latest::Unreadable(why) => (why.clone(), Vec::new()),
        };
        let rest = if self.good.is_some() { "its last good version goes on" } else { "nothing of it is taken" };
        Some(Problem { place: name.to_owned(), message: format!("{what}; {rest}"), diagnostics })
    }

    /// Returns whether this file speaks for a name, in its latest or its last good version.
    pub(super) fn defines(&self, name: &Name) -> bool {
        self.loaded().into_iter().chain(self.good.as_deref()).any(|loaded| match name {
            Name::Workflow { name, .. } => loaded.workflows.iter().any(|located| located.def.name == *name),
            Name::Schedule(name) => loaded.schedules.iter().any(|located| located.def.name == *name),
            Name::TaskDef(name) => loaded.task_defs.iter().any(|located| located.def.name == *name),
            Name::EventHandler(name) => loaded.event_handlers.iter().any(|located| located.def.name == *name),
        })
    }
}

fn count(errors: usize) -> String {
    match errors {
        1 => "has an error".to_owned(),
        errors => format!("has {errors} errors"),
    }
}
