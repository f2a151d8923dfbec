//! What the dispatcher asks about definitions while it decides: what there is to start, and who may start it.

use std::sync::Arc;

use crate::catalog::Owned;
use crate::engine::{Execution, Plan, Wanted};
use crate::words::{Owner, Permission};
use crate::workflow::definition::EventHandler;
use serde_json::Value;

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
}

/// The definitions in force. The daemon's is the catalog; a simulation brings its own.
pub trait Library: Send {
    /// Returns a workflow that whoever asks may start, ready to run. What may not be started reads like what is not there.
    fn plan(&self, asking: Asking<'_>, wanted: &Wanted) -> Result<Arc<Plan>, String>;
    /// Returns whether whoever asks may do that.
    fn allows(&self, asking: Asking<'_>, permission: Permission, thing: Thing, name: &str) -> bool;
    /// Returns who handles an event.
    fn handlers(&self, event: &str) -> Vec<Arc<Owned<EventHandler>>>;
    /// Returns an execution as people see it, masked.
    fn view(&self, execution: &Execution, with_tasks: bool) -> Value;
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
