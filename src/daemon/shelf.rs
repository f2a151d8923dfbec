//! The catalog as the dispatcher's library.

use std::sync::Arc;

use serde_json::Value;

use crate::access::{Principal, TargetKind};
use crate::catalog::Owned;
use crate::daemon::handle::Handle;
use crate::daemon::library::{Asking, Library, Thing, no_such_workflow};
use crate::engine::{Execution, Plan, Wanted};
use crate::words::{Owner, Permission};
use crate::workflow::definition::EventHandler;
use crate::workflow::registration::registration_errors;

/// Whose a definition is that came as data: nobody's, so that no grant is its. No application can have this name.
const NOBODY: &str = "";

/// The definitions in force.
pub(super) struct Shelf(pub(super) Handle);

impl Library for Shelf {
    fn plan(&self, asking: Asking<'_>, wanted: &Wanted) -> Result<Arc<Plan>, String> {
        match wanted {
            Wanted::Named { name, version } => {
                let missing = || no_such_workflow(wanted);
                if !self.allows(asking, Permission::Execute, Thing::Workflow, name) {
                    return Err(missing());
                }
                let catalog = self.0.catalog();
                let definition = catalog.workflow(name, *version).ok_or_else(missing)?;
                self.0.definitions().plan(definition)
            }
            Wanted::Inline { definition, from_data } => {
                if let Some(error) = registration_errors(definition).first() {
                    return Err(format!("workflow `{}` cannot run: {}", definition.name, error.message));
                }
                let owner = if *from_data { Owner::App(NOBODY.to_owned()) } else { asking.owner.clone() };
                self.0.plan_of((**definition).clone(), owner).map_err(|error| error.to_string())
            }
        }
    }

    fn allows(&self, asking: Asking<'_>, permission: Permission, thing: Thing, name: &str) -> bool {
        let shared = &self.0.0;
        let snapshot = shared.store.snapshot();
        let (kind, tags) = match thing {
            Thing::Workflow => (TargetKind::Workflow, None),
            Thing::Secret => (TargetKind::Secret, snapshot.tags(name)),
        };
        let principal = Principal { owner: asking.owner, workflow: asking.workflow };
        shared.authority.allows(principal, permission, kind, name, tags)
    }

    fn handlers(&self, event: &str) -> Vec<Arc<Owned<EventHandler>>> {
        let catalog = self.0.catalog();
        let handles = |handler: &&Arc<Owned<EventHandler>>| handler.def.active && handler.def.event == event;
        catalog.event_handlers().filter(handles).cloned().collect()
    }

    fn view(&self, execution: &Execution, with_tasks: bool) -> Value {
        self.0.0.views.workflow(execution, with_tasks)
    }
}
