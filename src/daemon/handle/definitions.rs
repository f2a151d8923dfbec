use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{OwnedMutexGuard, watch};

use crate::access::{Tagged, TargetKind};
use crate::catalog::{self, Catalog, Definition, Name, Owned, Registration};
use crate::daemon::definitions::Changing;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::message::Message;
use crate::engine::Plan;
use crate::journal::{self, Action, Entry, Object, ObjectKind, OwnedChange, OwnedKind};
use crate::words::{Owner, Permission};
use crate::workflow::definition::{EventHandler, StartWorkflowRequest, TaskDef, WorkflowDef};
use crate::workflow::registration::registration_errors;
use crate::workflow::shown::{holds_mask, shown_definition};
use crate::workflow::taken::Taken;

impl Handle {
    /// Returns the catalog in force.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.definitions.current()
    }

    /// Returns what tells of every catalog that comes into force.
    pub fn catalogs(&self) -> watch::Receiver<Arc<Catalog>> {
        self.0.definitions.follow()
    }

    /// Returns a workflow: the version that is asked for, or the highest.
    pub fn definition(&self, who: &Owner, name: &str, version: Option<i32>) -> Result<Arc<Definition>, Error> {
        let missing = || no_such_workflow(name, version);
        self.permit_known(who, Permission::Read, TargetKind::Workflow, name, missing)?;
        self.catalog().workflow(name, version).cloned().ok_or_else(|| no_such_workflow(name, version))
    }

    /// Returns a definition as people may see it: its literals below `_secrets` and `_masked` are masked, and every value of
    /// the store.
    pub fn shown_workflow(&self, definition: &Definition) -> Value {
        self.0.views.masker().mask_value(&shown_definition(&json(&definition.pinned.workflow)))
    }

    /// Returns a definition as who changes it writes it; nothing where a value of the store stands in it, which must be in no
    /// page and which a mask would overwrite.
    pub fn editable_workflow(&self, definition: &Definition) -> Option<Value> {
        let shown = shown_definition(&json(&definition.pinned.workflow));
        (self.shown_workflow(definition) == shown).then_some(shown)
    }

    /// Registers workflows over the API: all of them, or none. Without `overwrite` one that exists is a conflict.
    pub async fn register_workflows(
        &self,
        who: &Owner,
        workflows: Vec<WorkflowDef>,
        overwrite: bool,
    ) -> Result<(), Error> {
        let turn = self.turn_to_register().await;
        let catalog = self.catalog();
        for workflow in &workflows {
            let (name, version) = (&workflow.name, workflow.version);
            let problems = registration_errors(workflow);
            if !problems.is_empty() {
                let message = "Validation failed, check below errors for detail.".to_owned();
                return Err(Error::Invalid { message, problems });
            }
            let known = catalog.workflow(name, Some(version));
            // A further version is what starts next, wherever none is said: it changes the workflow, and makes no new one.
            self.permit_write(who, TargetKind::Workflow, name, catalog.workflow(name, None).is_some())?;
            // One of a file is refused with the file's name, further down: `overwrite` would be no way out.
            if known.is_some_and(|known| !matches!(known.pinned.owner, Owner::File(_))) && !overwrite {
                return Err(Error::Conflict(format!("Workflow with {name}.{version} already exists!")));
            }
        }
        self.register(who, workflows.into_iter().map(Box::new).map(Registration::Workflow).collect(), turn).await
    }

    /// Registers task definitions over the API, replacing those of the same names.
    pub async fn register_task_defs(&self, who: &Owner, task_defs: Vec<TaskDef>) -> Result<(), Error> {
        if let Some(nameless) = task_defs.iter().find(|def| def.name.trim().is_empty()) {
            return Err(Error::invalid(format!("a task definition has no name: {:?}", nameless.description)));
        }
        let turn = self.turn_to_register().await;
        // It changes what the workflows that name it take and how they are retried.
        for def in &task_defs {
            let exists = self.catalog().task_def(&def.name).is_some();
            self.permit_write(who, TargetKind::Workflow, &def.name, exists)?;
            self.permit_taken(who, def)?;
        }
        self.register(who, task_defs.into_iter().map(Registration::TaskDef).collect(), turn).await
    }

    /// Fails where a task definition takes what `who` may not READ: it is resolved with the rights of each workflow that uses
    /// it, and those that choose their tasks at run time use whatever they are told.
    fn permit_taken(&self, who: &Owner, def: &TaskDef) -> Result<(), Error> {
        if *who == Owner::Local {
            return Ok(());
        }
        let taken = Taken::by(def);
        if taken.computes {
            let advice = "say outright what it takes, or compute it in the workflow";
            let reason = "its inputTemplate makes up a reference, or takes the whole environment";
            return Err(Error::invalid(format!("{}: {reason}: {advice}", def.name)));
        }
        let environment = self.variables();
        let named = taken.names.iter().map(|name| {
            let is_variable = environment.contains_key(name) && !self.0.store.snapshot().contains(name);
            (if is_variable { TargetKind::Environment } else { TargetKind::Secret }, name)
        });
        let variables = taken.variables.iter().map(|name| (TargetKind::Environment, name));
        for (kind, name) in named.chain(variables) {
            if !self.may(who, Permission::Read, kind, name) {
                self.denied(who, Permission::Read, kind, name);
                return Err(Error::Denied(format!("{who} may not READ {name}, which {} takes", def.name)));
            }
        }
        Ok(())
    }

    /// Replaces a task definition that is there.
    pub async fn replace_task_def(&self, who: &Owner, def: TaskDef) -> Result<(), Error> {
        let missing = || no_such_task_def(&def.name);
        self.permit_known(who, Permission::Update, TargetKind::Workflow, &def.name, missing)?;
        self.catalog().task_def(&def.name).ok_or_else(missing)?;
        self.register_task_defs(who, vec![def]).await
    }

    /// Returns the task definitions that somebody may see, by name, with whose they are.
    pub fn task_defs(&self, who: &Owner) -> Vec<Arc<Owned<TaskDef>>> {
        let catalog = self.catalog();
        let seen =
            |owned: &&Arc<Owned<TaskDef>>| self.may(who, Permission::Read, TargetKind::Workflow, &owned.def.name);
        catalog.task_defs().filter(seen).cloned().collect()
    }

    /// Returns a task definition with whose it is.
    pub fn task_def(&self, who: &Owner, name: &str) -> Result<Arc<Owned<TaskDef>>, Error> {
        let missing = || no_such_task_def(name);
        self.permit_known(who, Permission::Read, TargetKind::Workflow, name, missing)?;
        self.catalog().task_def(name).cloned().ok_or_else(missing)
    }

    /// Registers a handler of events over the API; one of this name is a conflict, unless it is to be replaced.
    pub async fn register_event_handler(
        &self,
        who: &Owner,
        handler: EventHandler,
        replaces: bool,
    ) -> Result<(), Error> {
        if let Some(problem) = handler.problem() {
            return Err(Error::invalid(problem));
        }
        let turn = self.turn_to_register().await;
        let name = &handler.name;
        let catalog = self.catalog();
        let known = catalog.event_handler(name);
        self.permit_write(who, TargetKind::Workflow, name, known.is_some())?;
        match (known, replaces) {
            // One of a file is refused with the file's name, further down.
            (Some(known), false) if !matches!(known.owner, Owner::File(_)) => {
                Err(Error::Conflict(format!("EventHandler with name {name} already exists!")))
            }
            (None, true) => Err(Error::NotFound(format!("EventHandler with name {name} not found!"))),
            (Some(_), _) | (None, false) => {
                self.register(who, vec![Registration::EventHandler(Box::new(handler))], turn).await
            }
        }
    }

    /// Returns the handlers of events that somebody may see, by name, with whose they are; of one event, or of all.
    pub fn event_handlers(&self, who: &Owner, event: Option<&str>) -> Vec<Arc<Owned<EventHandler>>> {
        let catalog = self.catalog();
        let seen = |known: &&Arc<Owned<EventHandler>>| {
            event.is_none_or(|event| known.def.event == event)
                && self.may(who, Permission::Read, TargetKind::Workflow, &known.def.name)
        };
        catalog.event_handlers().filter(seen).cloned().collect()
    }

    /// Removes what was registered over the API.
    pub async fn unregister(&self, who: &Owner, name: &Name) -> Result<(), Error> {
        let (kind, text) = match name {
            Name::Workflow { name, .. } | Name::TaskDef(name) | Name::EventHandler(name) => {
                (TargetKind::Workflow, name)
            }
            Name::Schedule(name) => (TargetKind::Schedule, name),
        };
        self.permit_known(who, Permission::Delete, kind, text, || catalog::Error::Unknown(name.clone()).into())?;
        let entry = self.entry(who, Action::Remove, object(name));
        let (handle, name, who) = (self.clone(), name.clone(), who.clone());
        let turn = self.turn_to_register().await;
        self.to_the_end(async move {
            let _turn = turn;
            let next = handle.catalog().unregister(&name)?;
            if let Some((tagged, name)) = left_untagged(&name, &next) {
                // Before it goes, so that a crash leaves less granted and not more.
                handle.forget_tags(&who, tagged, name).await?;
            }
            handle.change_catalog(vec![entry], vec![removal(&name)], |catalog| Ok(catalog.unregister(&name)?)).await?;
            // Somebody else may have removed the other versions meanwhile.
            match left_untagged(&name, &handle.catalog()) {
                Some((tagged, name)) => handle.forget_tags(&who, tagged, name).await,
                None => Ok(()),
            }
        })
        .await
    }

    /// Waits for the turn of who changes what the API made. One after another they look at what is there and change it, so that
    /// nobody overwrites what came in between, and the catalog is what the journal says.
    pub(super) async fn turn_to_register(&self) -> OwnedMutexGuard<()> {
        self.0.registering.clone().lock_owned().await
    }

    /// Registers something in a turn that lasts until it is in force.
    pub(super) async fn register(
        &self,
        who: &Owner,
        registrations: Vec<Registration>,
        turn: OwnedMutexGuard<()>,
    ) -> Result<(), Error> {
        registrations.iter().try_for_each(without_masks)?;
        let owned: Vec<_> = registrations.iter().map(|registration| self.kept(who, registration)).collect();
        let changes = owned.into_iter().map(OwnedChange::Put).collect();
        let entries: Vec<_> = registrations.iter().map(|one| self.registering(who, one)).collect();
        let registrations: Vec<_> = registrations.into_iter().map(|one| (one, who.clone())).collect();
        let handle = self.clone();
        self.to_the_end(async move {
            let _turn = turn;
            handle.change_catalog(entries, changes, |catalog| Ok(catalog.register(registrations.clone())?)).await
        })
        .await
    }

    /// Changes the catalog once the journal has the change: the journal is the truth about what the API owns. For who is not
    /// stopped halfway: what the journal has must come into force.
    async fn change_catalog(
        &self,
        entries: Vec<Entry>,
        changes: Vec<OwnedChange>,
        next: impl Fn(&Catalog) -> Result<Catalog, Error>,
    ) -> Result<(), Error> {
        // Refused before anything is kept; and decided again on the catalog that is there when it is put in force.
        next(&self.catalog())?;
        self.ask_told(entries, |reply| Message::Own { changes, reply }).await??;
        let changing = self.0.definitions.begin();
        let catalog = next(&self.catalog())?;
        self.publish(&changing, catalog);
        Ok(())
    }

    pub(in crate::daemon) fn publish(&self, changing: &Changing<'_>, catalog: Catalog) {
        let before = self.catalog();
        let scheduled = self.0.definitions.replace(changing, catalog);
        self.0.onlookers.feed.tell_catalog(&before, &self.catalog());
        // A dispatcher that has stopped starts nothing any more.
        self.0.inbox.tell(Message::Schedules(scheduled));
    }

    /// Returns what the audit says of a registration.
    fn registering(&self, who: &Owner, registration: &Registration) -> Entry {
        let name = match registration {
            Registration::Workflow(def) => Name::Workflow { name: def.name.clone(), version: def.version },
            Registration::Schedule(def) => Name::Schedule(def.name.clone()),
            Registration::TaskDef(def) => Name::TaskDef(def.name.clone()),
            Registration::EventHandler(def) => Name::EventHandler(def.name.clone()),
        };
        let entry = self.entry(who, Action::Write, object(&name));
        match name {
            Name::Workflow { version, .. } => entry.detailed(&format!("version {version}")),
            Name::Schedule(_) | Name::TaskDef(_) | Name::EventHandler(_) => entry,
        }
    }

    fn kept(&self, who: &Owner, registration: &Registration) -> journal::Owned {
        let (kind, name, version, definition) = match registration {
            Registration::Workflow(def) => (OwnedKind::Workflow, &def.name, def.version, json(def)),
            Registration::Schedule(def) => (OwnedKind::Schedule, &def.name, 0, json(def)),
            Registration::TaskDef(def) => (OwnedKind::Task, &def.name, 0, json(def)),
            Registration::EventHandler(def) => (OwnedKind::EventHandler, &def.name, 0, json(def)),
        };
        let app = match who {
            Owner::App(app) => app.clone().into(),
            Owner::Local | Owner::File(_) => String::new(),
        };
        let now = self.now();
        journal::Owned { kind, name: name.clone(), version, app, created: now, updated: now, definition }
    }

    /// Returns what a start request runs: a definition of the catalog, or the one it brings along.
    pub(super) fn plan_for(&self, who: &Owner, request: &StartWorkflowRequest) -> Result<Arc<Plan>, Error> {
        if let Some(workflow) = &request.workflow_def {
            // It acts as whoever brings it, and runs under the name of a workflow that others may see.
            self.permit(who, Permission::Execute, TargetKind::Workflow, &workflow.name)?;
            let problems = registration_errors(workflow);
            if !problems.is_empty() {
                let message = "Validation failed, check below errors for detail.".to_owned();
                return Err(Error::Invalid { message, problems });
            }
            return self.plan_of((**workflow).clone(), who.clone());
        }
        let missing = || no_such_workflow(&request.name, request.version);
        self.permit_known(who, Permission::Execute, TargetKind::Workflow, &request.name, missing)?;
        let catalog = self.catalog();
        let definition = catalog.workflow(&request.name, request.version).ok_or_else(missing)?;
        if let Some(reason) = self.0.authority.policy().security_error(&definition.pinned.owner) {
            return Err(Error::Denied(reason));
        }
        self.0.definitions.plan(definition).map_err(Error::invalid)
    }

    /// Returns a definition that is no part of the catalog, ready to run.
    pub fn plan_of(&self, workflow: WorkflowDef, owner: Owner) -> Result<Arc<Plan>, Error> {
        let pinned = self.catalog().pin(workflow, owner);
        Plan::compile(pinned).map(Arc::new).map_err(|error| Error::invalid(error.to_string()))
    }
}

/// Refuses what was read from a view: the value that a mask stands for would be lost.
fn without_masks(registration: &Registration) -> Result<(), Error> {
    let (name, definition) = match registration {
        Registration::Workflow(def) => (&def.name, json(def)),
        Registration::Schedule(def) => (&def.name, json(def)),
        Registration::TaskDef(def) => (&def.name, json(def)),
        Registration::EventHandler(def) => (&def.name, json(def)),
    };
    if !holds_mask(&definition) {
        return Ok(());
    }
    let advice = "put the value in its place, or better a reference as `${workflow.secrets.NAME}`";
    Err(Error::invalid(format!("`{name}` has the mask `***` where a value belongs, as a view shows it: {advice}")))
}

fn json<T: serde::Serialize>(definition: &T) -> Value {
    serde_json::to_value(definition).expect("a definition has only text keys")
}

/// Returns what has no more tags of the API when that is removed and this is left.
fn left_untagged<'a>(removed: &'a Name, left: &Catalog) -> Option<(Tagged, &'a str)> {
    match removed {
        Name::Workflow { name, .. } => {
            let is_gone = left.workflow(name, None).is_none() || left.tags().of(Tagged::Workflow, name).is_some();
            is_gone.then_some((Tagged::Workflow, name))
        }
        Name::Schedule(name) => Some((Tagged::Schedule, name)),
        Name::TaskDef(name) => Some((Tagged::TaskDef, name)),
        Name::EventHandler(_) => None,
    }
}

fn removal(name: &Name) -> OwnedChange {
    let (kind, name, version) = match name {
        Name::Workflow { name, version } => (OwnedKind::Workflow, name, *version),
        Name::Schedule(name) => (OwnedKind::Schedule, name, 0),
        Name::TaskDef(name) => (OwnedKind::Task, name, 0),
        Name::EventHandler(name) => (OwnedKind::EventHandler, name, 0),
    };
    OwnedChange::Remove { kind, name: name.clone(), version }
}

fn object(name: &Name) -> Object {
    match name {
        Name::Workflow { name, .. } => Object::new(ObjectKind::Workflow, name),
        Name::Schedule(name) => Object::new(ObjectKind::Schedule, name),
        Name::TaskDef(name) => Object::new(ObjectKind::Task, name),
        Name::EventHandler(name) => Object::new(ObjectKind::EventHandler, name),
    }
}

fn no_such_task_def(name: &str) -> Error {
    Error::NotFound(format!("No such taskType found by name: {name}"))
}

pub(super) fn no_such_workflow(name: &str, version: Option<i32>) -> Error {
    let version = version.map_or_else(|| "null".to_owned(), |version| version.to_string());
    Error::NotFound(format!("No such workflow found by name: {name}, version: {version}"))
}

impl From<catalog::Error> for Error {
    fn from(error: catalog::Error) -> Self {
        let message = error.to_string();
        match error {
            catalog::Error::OwnedByFile { .. } => Self::Conflict(message),
            catalog::Error::Unknown(_) => Self::NotFound(message),
        }
    }
}
