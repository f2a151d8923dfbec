//! What the dispatcher asks about definitions while it decides: what there is to start, and who may start it.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use crate::access::{Authority, Principal, TargetKind};
use crate::catalog::{Catalog, Owned};
use crate::engine::{Execution, Plan, Wanted};
use crate::secret::Snapshot;
use crate::words::{App, Map, Owner, Permission};
use crate::workflow::definition::{EventHandler, WorkflowDef};
use crate::workflow::registration::registration_errors;

/// Who asks: an execution, by its definition, or a handler of events.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Whose rights count.
    pub owner: &'a Owner,
    /// The name of the workflow that asks.
    pub workflow: Option<&'a str>,
}

impl<'a> Asking<'a> {
    /// Returns an execution that asks.
    pub fn of(execution: &'a Execution) -> Self {
        Self { owner: &execution.plan.pinned.owner, workflow: Some(execution.name()) }
    }
}

/// What something is wanted of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A workflow and its executions.
    Workflow,
    /// A secret.
    Secret,
    /// A variable of the environment.
    Environment,
}

/// The definitions in force. The daemon's is the catalog; a simulation brings its own.
pub trait Library: Send {
    /// Returns a workflow that whoever asks may start, ready to run. What may not be started reads like what is not there.
    fn plan(&self, asking: Asking<'_>, wanted: &Wanted) -> Result<Arc<Plan>, String>;
    /// Returns whether whoever asks may do that.
    fn allows(&self, asking: Asking<'_>, permission: Permission, thing: Thing, name: &str) -> bool;
    /// Returns whether whoever asks may give a secret a value.
    fn may_store(&self, asking: Asking<'_>, secret: &str) -> bool {
        self.allows(asking, Permission::Update, Thing::Secret, secret)
    }
    /// Returns why nothing may be done in the name of an application that is gone.
    fn security_error(&self, _owner: &Owner) -> Option<String> {
        None
    }
    /// Returns who handles an event.
    fn handlers(&self, event: &str) -> Vec<Arc<Owned<EventHandler>>>;
    /// Returns an execution as people see it, masked.
    fn view(&self, execution: &Execution, with_tasks: bool) -> Value;
    /// Returns the fingerprint of what a secret held before a version; none where that is not known.
    fn fingerprint_before(&self, _secret: &str, _version: u32) -> Option<String> {
        None
    }
}

/// Returns whether whoever asks may do that, by the rules and the tags in force.
pub fn allows(
    authority: &Authority,
    snapshot: &Snapshot,
    asking: Asking<'_>,
    permission: Permission,
    thing: Thing,
    name: &str,
) -> bool {
    let (kind, tags) = match thing {
        Thing::Workflow => (TargetKind::Workflow, None),
        Thing::Secret => (TargetKind::Secret, snapshot.tags(name)),
        Thing::Environment => (TargetKind::Environment, None),
    };
    let principal = Principal { owner: asking.owner, workflow: asking.workflow };
    authority.allows(principal, permission, kind, name, tags)
}

/// Returns what `${workflow.env.NAME}` gives to whoever asks: what an application makes sees there what the application may READ,
/// and files see all that is set.
pub(super) fn visible<'e>(environment: &'e Map, library: &dyn Library, asking: Asking<'_>) -> Cow<'e, Map> {
    match asking.owner {
        Owner::File(_) | Owner::Local => Cow::Borrowed(environment),
        Owner::App(_) => {
            let readable = |name: &str| library.allows(asking, Permission::Read, Thing::Environment, name);
            let seen = environment.iter().filter(|(name, _)| readable(name));
            Cow::Owned(seen.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
    }
}

/// Returns whose a definition is that an execution brings along, or why it cannot run.
pub fn owner_of_brought(asking: Asking<'_>, definition: &WorkflowDef, from_data: bool) -> Result<Owner, String> {
    if let Some(error) = registration_errors(definition).first() {
        return Err(format!("workflow `{}` cannot run: {}", definition.name, error.message));
    }
    Ok(if from_data { Owner::App(App::nobody()) } else { asking.owner.clone() })
}

/// Returns who of a catalog handles an event.
pub fn handlers_of(catalog: &Catalog, event: &str) -> Vec<Arc<Owned<EventHandler>>> {
    let handles = |handler: &&Arc<Owned<EventHandler>>| handler.def.active && handler.def.event == event;
    catalog.event_handlers().filter(handles).cloned().collect()
}

/// A library without definitions.
pub(super) struct Empty;

impl Library for Empty {
    fn plan(&self, _asking: Asking<'_>, wanted: &Wanted) -> Result<Arc<Plan>, String> {
        Err(no_such_workflow(wanted))
    }

    fn allows(&self, _asking: Asking<'_>, _permission: Permission, _thing: Thing, _name: &str) -> bool {
        false
    }

    fn handlers(&self, _event: &str) -> Vec<Arc<Owned<EventHandler>>> {
        Vec::new()
    }

    fn view(&self, _execution: &Execution, _with_tasks: bool) -> Value {
        Value::Null
    }
}

/// Conductor's words for a workflow that is not there.
pub fn no_such_workflow(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Named { name, version } => {
            let version = version.map_or_else(|| "null".to_owned(), |version| version.to_string());
            format!("No such workflow found by name: {name}, version: {version}")
        }
        Wanted::Inline { definition, .. } => format!("No such workflow found by name: {}", definition.name),
    }
}
