use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::words::Owner;
use crate::workflow::definition::{EventHandler, TaskDef, WorkflowDef, WorkflowSchedule};

use super::Owned;

/// A definition that the API makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Registration {
    /// A workflow in one version.
    Workflow(Box<WorkflowDef>),
    /// A schedule.
    Schedule(WorkflowSchedule),
    /// A task definition.
    TaskDef(TaskDef),
    /// A handler of events.
    EventHandler(Box<EventHandler>),
}

/// What a definition is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A workflow in one version.
    Workflow {
        /// Its name.
        name: String,
        /// Its version.
        version: i32,
    },
    /// A schedule.
    Schedule(String),
    /// A task definition.
    TaskDef(String),
    /// A handler of events.
    EventHandler(String),
}

/// Why a definition is not registered or removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A file defines it, so the API does not.
    #[error("{name} is defined in {file}; change it there")]
    OwnedByFile {
        /// What it is called.
        name: Name,
        /// The file that defines it.
        file: String,
    },
    /// There is no such definition.
    #[error("{0} is not defined")]
    Unknown(Name),
}

/// What the API made.
#[derive(Clone, Default)]
pub(super) struct Registered {
    pub(super) workflows: BTreeMap<(String, i32), Arc<Owned<WorkflowDef>>>,
    pub(super) schedules: BTreeMap<String, Arc<Owned<WorkflowSchedule>>>,
    pub(super) task_defs: BTreeMap<String, Arc<Owned<TaskDef>>>,
    pub(super) event_handlers: BTreeMap<String, Arc<Owned<EventHandler>>>,
}

impl Registration {
    /// Returns what it is called.
    pub fn name(&self) -> Name {
        match self {
            Self::Workflow(def) => Name::Workflow { name: def.name.clone(), version: def.version },
            Self::Schedule(def) => Name::Schedule(def.name.clone()),
            Self::TaskDef(def) => Name::TaskDef(def.name.clone()),
            Self::EventHandler(def) => Name::EventHandler(def.name.clone()),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workflow { name, version } => write!(f, "workflow `{name}` version {version}"),
            Self::Schedule(name) => write!(f, "schedule `{name}`"),
            Self::TaskDef(name) => write!(f, "task definition `{name}`"),
            Self::EventHandler(name) => write!(f, "event handler `{name}`"),
        }
    }
}

impl Registered {
    pub(super) fn put(&mut self, registration: Registration, owner: Owner) {
        match registration {
            Registration::Workflow(def) => {
                let key = (def.name.clone(), def.version);
                self.workflows.insert(key, Arc::new(Owned { def: *def, owner }));
            }
            Registration::Schedule(def) => {
                self.schedules.insert(def.name.clone(), Arc::new(Owned { def, owner }));
            }
            Registration::TaskDef(def) => {
                self.task_defs.insert(def.name.clone(), Arc::new(Owned { def, owner }));
            }
            Registration::EventHandler(def) => {
                self.event_handlers.insert(def.name.clone(), Arc::new(Owned { def: *def, owner }));
            }
        }
    }

    /// Removes a definition and returns whether it was there.
    pub(super) fn remove(&mut self, name: &Name) -> bool {
        match name {
            Name::Workflow { name, version } => self.workflows.remove(&(name.clone(), *version)).is_some(),
            Name::Schedule(name) => self.schedules.remove(name).is_some(),
            Name::TaskDef(name) => self.task_defs.remove(name).is_some(),
            Name::EventHandler(name) => self.event_handlers.remove(name).is_some(),
        }
    }

    pub(super) fn all(&self) -> Vec<(Registration, Owner)> {
        let workflows =
            self.workflows.values().map(|one| (Registration::Workflow(Box::new(one.def.clone())), &one.owner));
        let schedules = self.schedules.values().map(|one| (Registration::Schedule(one.def.clone()), &one.owner));
        let task_defs = self.task_defs.values().map(|one| (Registration::TaskDef(one.def.clone()), &one.owner));
        let handlers = self.event_handlers.values();
        let handlers = handlers.map(|one| (Registration::EventHandler(Box::new(one.def.clone())), &one.owner));
        let all = workflows.chain(schedules).chain(task_defs).chain(handlers);
        all.map(|(made, owner)| (made, owner.clone())).collect()
    }

    /// Returns who made what is called so; a workflow is called by its name, whatever its version.
    pub(super) fn owner_of(&self, name: &Name) -> Option<&Owner> {
        match name {
            Name::Workflow { name, .. } => {
                let mut all = self.workflows.values();
                all.find(|owned| owned.def.name == *name).map(|owned| &owned.owner)
            }
            Name::Schedule(name) => self.schedules.get(name).map(|owned| &owned.owner),
            Name::TaskDef(name) => self.task_defs.get(name).map(|owned| &owned.owner),
            Name::EventHandler(name) => self.event_handlers.get(name).map(|owned| &owned.owner),
        }
    }
}
