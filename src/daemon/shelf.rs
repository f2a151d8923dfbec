//! The catalog as the dispatcher's library.

use std::sync::Arc;

use serde_json::Value;

use crate::catalog::Owned;
use crate::daemon::handle::Handle;
use crate::daemon::library::{Asking, Library, Thing, allows, handlers_of, no_such_workflow, owner_of_brought};
use crate::engine::{Execution, Plan, Wanted};
use crate::words::{Owner, Permission};
use crate::workflow::definition::EventHandler;

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
                let owner = owner_of_brought(asking, definition, *from_data)?;
                self.0.plan_of((**definition).clone(), owner).map_err(|error| error.to_string())
            }
        }
    }

    fn allows(&self, asking: Asking<'_>, permission: Permission, thing: Thing, name: &str) -> bool {
        let shared = &self.0.0;
        allows(&shared.authority, &shared.store.snapshot(), asking, permission, thing, name)
    }

    fn may_store(&self, asking: Asking<'_>, secret: &str) -> bool {
        let is_new = !self.0.0.store.snapshot().contains(secret);
        let may = |permission| self.allows(asking, permission, Thing::Secret, secret);
        may(Permission::Update) || is_new && may(Permission::Create)
    }

    fn security_error(&self, owner: &Owner) -> Option<String> {
        self.0.0.authority.policy().security_error(owner)
    }

    fn handlers(&self, event: &str) -> Vec<Arc<Owned<EventHandler>>> {
        handlers_of(&self.0.catalog(), event)
    }

    fn view(&self, execution: &Execution, with_tasks: bool) -> Value {
        self.0.0.views.workflow(execution, with_tasks)
    }

    fn fingerprint_before(&self, secret: &str, version: u32) -> Option<String> {
        let versions = self.0.0.store.snapshot().history(secret)?;
        versions.into_iter().find(|one| one.version < version).map(|one| one.fingerprint)
    }
}
