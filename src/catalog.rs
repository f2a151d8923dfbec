//! What is defined now: an immutable snapshot of the folder's files and of what the API made.
//!
//! A file counts as a whole. While it has errors, or cannot be read, its last good version goes on, and it shows as a
//! [`Problem`]; nothing else notices. What two files define, both are a Problem for, and what served before goes on.
//!
//! **Architecture Invariant:** pure, and never changed in place: [`Catalog::next`] and its like return another one, so that
//! who reads a snapshot sees one moment.

mod file;
mod news;
mod problem;
mod registered;
mod served;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::FiledTags;
use crate::words::Owner;
use crate::workflow::definition::{EventHandler, TaskDef, WorkflowDef, WorkflowSchedule};
use crate::workflow::load::Loaded;
use crate::workflow::pinned::{DefinitionHash, Pinned};

use file::File;
pub use news::{News, Trouble};
pub use problem::Problem;
use registered::Registered;
pub use registered::{Error, Name, Registration};
use served::Served;

/// What is defined at one moment.
#[derive(Clone, Default)]
pub struct Catalog {
    files: BTreeMap<String, File>,
    registered: Registered,
    served: Served,
    troubles: Vec<Trouble>,
}

/// A definition with who owns it.
#[derive(Clone, Debug, PartialEq)]
pub struct Owned<T> {
    /// The definition.
    pub def: T,
    /// The file it is in, or the application that made it.
    pub owner: Owner,
}

/// A workflow, as an execution of it is started.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The workflow with the task definitions that it names, and its owner.
    pub pinned: Pinned,
    /// The hash of it.
    pub hash: DefinitionHash,
}

impl Catalog {
    /// Returns the catalog after something happened to files; the troubles are all that there are now.
    pub fn next(&self, news: BTreeMap<String, News>, troubles: Vec<Trouble>) -> Self {
        let mut files = self.files.clone();
        for (name, news) in news {
            let before = files.remove(&name);
            files.extend(File::after(&name, news, before).map(|file| (name, file)));
        }
        Self { files, troubles, ..self.clone() }.settled(&self.served)
    }

    /// Returns the catalog after the API made or changed definitions: all of them, or none.
    pub fn register(&self, registrations: Vec<(Registration, Owner)>) -> Result<Self, Error> {
        let mut next = self.clone();
        for (registration, owner) in registrations {
            self.is_free(&registration.name())?;
            next.registered.put(registration, owner);
        }
        Ok(next.settled(&self.served))
    }

    /// Returns the catalog with what the API made in an earlier life: each definition by itself. Where a file has come to
    /// define the same, that is a Problem of the file, and what the API made goes on.
    #[must_use]
    pub fn restore(&self, registrations: Vec<(Registration, Owner)>) -> Self {
        let mut next = self.clone();
        for (registration, owner) in registrations {
            next.registered.put(registration, owner);
        }
        next.settled(&self.served)
    }

    /// Returns the catalog after the API removed a definition.
    pub fn unregister(&self, name: &Name) -> Result<Self, Error> {
        let mut next = self.clone();
        if !next.registered.remove(name) {
            self.is_free(name)?;
            return Err(Error::Unknown(name.clone()));
        }
        Ok(next.settled(&self.served))
    }

    /// Returns a workflow: the version that is asked for, or the highest.
    pub fn workflow(&self, name: &str, version: Option<i32>) -> Option<&Arc<Definition>> {
        let versions = self.served.workflows.get(name)?;
        match version {
            Some(version) => versions.get(&version),
            None => versions.last_key_value().map(|(_, definition)| definition),
        }
    }

    /// Returns a workflow that is no part of the catalog with the task definitions that it names.
    pub fn pin(&self, workflow: WorkflowDef, owner: Owner) -> Pinned {
        self.served.pinned(workflow, owner)
    }

    /// Returns every workflow in every version, by name and version.
    pub fn workflows(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.served.workflows.values().flat_map(BTreeMap::values)
    }

    /// Returns a schedule.
    pub fn schedule(&self, name: &str) -> Option<&Arc<Owned<WorkflowSchedule>>> {
        self.served.schedules.get(name)
    }

    /// Returns every schedule, by name.
    pub fn schedules(&self) -> impl Iterator<Item = &Arc<Owned<WorkflowSchedule>>> {
        self.served.schedules.values()
    }

    /// Returns a task definition.
    pub fn task_def(&self, name: &str) -> Option<&Arc<Owned<TaskDef>>> {
        self.served.task_defs.get(name)
    }

    /// Returns every task definition, by name.
    pub fn task_defs(&self) -> impl Iterator<Item = &Arc<Owned<TaskDef>>> {
        self.served.task_defs.values()
    }

    /// Returns a handler of events.
    pub fn event_handler(&self, name: &str) -> Option<&Arc<Owned<EventHandler>>> {
        self.served.event_handlers.get(name)
    }

    /// Returns every handler of events, by name.
    pub fn event_handlers(&self) -> impl Iterator<Item = &Arc<Owned<EventHandler>>> {
        self.served.event_handlers.values()
    }

    /// Returns the tags that files say of what is served of them.
    pub const fn tags(&self) -> &FiledTags {
        &self.served.tags
    }

    /// Returns everything that the API made, with whom it acts as.
    pub fn made(&self) -> Vec<(Registration, Owner)> {
        self.registered.all()
    }

    /// Returns the files as they are now, readable ones, whether they are taken or not.
    pub fn files(&self) -> Vec<&Loaded> {
        self.files.values().filter_map(File::loaded).collect()
    }

    /// Returns how many files have nothing wrong in them, and how many have.
    pub fn file_counts(&self) -> [usize; 2] {
        let broken = self.files.iter().filter(|(name, file)| file.problem(name).is_some()).count();
        [self.files.len() - broken, broken]
    }

    /// Returns everything that is wrong now and that somebody has to mend.
    pub fn problems(&self) -> Vec<Problem> {
        let troubles = self.troubles.iter().map(Problem::of_trouble);
        let files = self.files.iter().filter_map(|(name, file)| file.problem(name));
        troubles.chain(files).chain(self.served.clashes.iter().cloned()).collect()
    }

    /// Returns whether the API may make or remove this: what a file defines is the file's alone.
    fn is_free(&self, name: &Name) -> Result<(), Error> {
        let defines = |file: &File| file.defines(name);
        match self.files.iter().find(|(_, file)| defines(file)) {
            Some((file, _)) => Err(Error::OwnedByFile { name: name.clone(), file: file.clone() }),
            None => Ok(()),
        }
    }

    /// Finds out what is served now.
    fn settled(mut self, before: &Served) -> Self {
        self.served = Served::of(&self.files, &self.registered, before);
        self
    }
}
