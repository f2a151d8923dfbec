//! The catalog in force, and what follows when it changes: compiled plans, schedules of the dispatcher.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::access::{Authority, Principal, SECURITY_ERROR, TargetKind};
use crate::catalog::{Catalog, Definition, Owned};
use crate::daemon::slots::{Barred, Scheduled};
use crate::daemon::uses::Uses;
use crate::engine::Plan;
use crate::scheduler::{Defaults, Schedule};
use crate::words::{Owner, Permission};
use crate::workflow::definition::{StartWorkflowRequest, WorkflowDef, WorkflowSchedule};
use crate::workflow::pinned::DefinitionHash;
use crate::workflow::registration::registration_errors;

/// The definitions in force. Readers see one moment; one change at a time is made.
pub(super) struct Definitions {
    current: watch::Sender<Arc<Catalog>>,
    changing: Mutex<()>,
    plans: Mutex<HashMap<DefinitionHash, Arc<Plan>>>,
    uses: Mutex<HashMap<DefinitionHash, Arc<Uses>>>,
    defaults: Mutex<Defaults>,
    authority: Authority,
}

/// The right to change the catalog.
pub(super) struct Changing<'a>(#[expect(dead_code, reason = "held for its drop")] MutexGuard<'a, ()>);

impl Definitions {
    /// Starts with a catalog.
    pub(super) fn new(catalog: Catalog, defaults: Defaults, authority: Authority) -> Self {
        Self {
            current: watch::Sender::new(Arc::new(catalog)),
            changing: Mutex::new(()),
            plans: Mutex::default(),
            uses: Mutex::default(),
            defaults: Mutex::new(defaults),
            authority,
        }
    }

    /// Returns the catalog in force.
    pub(super) fn current(&self) -> Arc<Catalog> {
        self.current.borrow().clone()
    }

    /// Returns what tells of every catalog that comes into force.
    pub(super) fn follow(&self) -> watch::Receiver<Arc<Catalog>> {
        self.current.subscribe()
    }

    /// Waits until nobody else changes the catalog.
    pub(super) fn begin(&self) -> Changing<'_> {
        Changing(self.changing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets what schedules do where they do not say.
    pub(super) fn set_defaults(&self, defaults: Defaults) {
        *self.defaults.lock().unwrap_or_else(PoisonError::into_inner) = defaults;
    }

    /// Puts a catalog in force and returns the schedules that follow from it.
    pub(super) fn replace(&self, _changing: &Changing<'_>, catalog: Catalog) -> Vec<Scheduled> {
        let catalog = Arc::new(catalog);
        let live: std::collections::HashSet<_> = catalog.workflows().map(|definition| definition.hash).collect();
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).retain(|hash, _| live.contains(hash));
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).retain(|hash, _| live.contains(hash));
        // In between, nothing is granted by a tag that is not there before and after.
        self.authority.file(self.current().tags().shared_with(catalog.tags()));
        self.current.send_replace(catalog.clone());
        self.authority.file(catalog.tags().clone());
        self.scheduled(&catalog)
    }

    /// Returns a definition, ready to run.
    pub(super) fn plan(&self, definition: &Definition) -> Result<Arc<Plan>, String> {
        if let Some(reason) = self.authority.policy().security_error(&definition.pinned.owner) {
            return Err(reason);
        }
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&definition.hash) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(Plan::compile(definition.pinned.clone()).map_err(|error| error.to_string())?);
        plans.insert(definition.hash, plan.clone());
        Ok(plan)
    }

    /// Returns what a definition does to secrets and which workflows it starts.
    pub(super) fn uses(&self, definition: &Definition) -> Arc<Uses> {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.entry(definition.hash).or_insert_with(|| Arc::new(Uses::of(&definition.pinned.workflow))).clone()
    }

    /// Returns what schedules do where they do not say.
    pub(super) fn defaults(&self) -> Defaults {
        *self.defaults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what the schedules of a catalog start. A schedule that cannot be planned is a problem of its file already.
    pub(super) fn scheduled(&self, catalog: &Catalog) -> Vec<Scheduled> {
        let defaults = self.defaults();
        let scheduled = |owned: &Owned<WorkflowSchedule>| {
            let definition = &owned.def;
            let schedule = Schedule::from_definition(definition, defaults).ok()?;
            let request = definition.start_workflow_request.clone()?;
            let plan = match &request.workflow_def {
                Some(brought) => self.brought(catalog, &owned.owner, brought),
                None => self.named(catalog, &owned.owner, &request),
            };
            Some(Scheduled { schedule: Arc::new(schedule), request, plan })
        };
        catalog.schedules().filter_map(|owned| scheduled(owned)).collect()
    }

    fn named(&self, catalog: &Catalog, owner: &Owner, request: &StartWorkflowRequest) -> Result<Arc<Plan>, Barred> {
        let missing = || Barred::Missing(format!("there is no workflow `{}`", request.name));
        let definition = catalog.workflow(&request.name, request.version).ok_or_else(missing)?;
        self.may_start(owner, definition).map_err(Barred::Denied)?;
        self.plan(definition).map_err(Barred::Missing)
    }

    /// Returns the definition that a schedule brings along, ready to run. It acts as the schedule's owner, whoever starts it, and
    /// runs under the name of a workflow that others may see.
    pub(super) fn brought(&self, catalog: &Catalog, owner: &Owner, brought: &WorkflowDef) -> Result<Arc<Plan>, Barred> {
        if let Some(problem) = registration_errors(brought).first() {
            return Err(Barred::Missing(format!("its workflow `{}` cannot run: {}", brought.name, problem.message)));
        }
        let reason = self.authority.policy().security_error(owner);
        let reason = reason.or_else(|| (!self.may_execute(owner, &brought.name)).then(|| denied(owner, &brought.name)));
        if let Some(reason) = reason {
            return Err(Barred::Denied(reason));
        }
        let plan = Plan::compile(catalog.pin(brought.clone(), owner.clone()));
        plan.map(Arc::new).map_err(|error| Barred::Missing(error.to_string()))
    }

    /// Fails where a schedule of `who` may not start a workflow. Whoever owns both starts what is its own: it gets no rights
    /// by it that it does not have.
    fn may_start(&self, who: &Owner, definition: &Definition) -> Result<(), String> {
        let policy = self.authority.policy();
        let owners = [who, &definition.pinned.owner];
        if let Some(reason) = owners.into_iter().find_map(|owner| policy.security_error(owner)) {
            return Err(reason);
        }
        let name = &definition.pinned.workflow.name;
        if *who == definition.pinned.owner || self.may_execute(who, name) { Ok(()) } else { Err(denied(who, name)) }
    }

    fn may_execute(&self, who: &Owner, workflow: &str) -> bool {
        let principal = Principal { owner: who, workflow: None };
        self.authority.allows(principal, Permission::Execute, TargetKind::Workflow, workflow, None)
    }
}

fn denied(who: &Owner, workflow: &str) -> String {
    let advice = "grant it, or put the schedule into the workflow's file";
    format!("{SECURITY_ERROR}: {who} may not EXECUTE workflow `{workflow}`; {advice}")
}
