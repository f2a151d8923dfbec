use std::sync::Arc;

use serde_json::Value;

use super::Ground;
use crate::catalog::Owned;
use crate::daemon::{Asking, Library, Thing, Views, allows, handlers_of, no_such_workflow, owner_of_brought};
use crate::engine::{Execution, Plan, Wanted};
use crate::observe::Masking;
use crate::redact::Masker;
use crate::secret::Store;
use crate::words::Permission;
use crate::workflow::definition::EventHandler;

/// The definitions as the dispatcher's library, with the rights that they have in the daemon.
pub(super) struct Shelf {
    ground: Ground,
    store: Arc<Store>,
    views: Views,
}

impl Shelf {
    pub(super) fn new(ground: Ground, store: Arc<Store>) -> Self {
        let views = Views::new(store.clone(), Masking::new(Masker::default()));
        Self { ground, store, views }
    }
}

impl Library for Shelf {
    fn plan(&self, asking: Asking<'_>, wanted: &Wanted) -> Result<Arc<Plan>, String> {
        let pinned = match wanted {
            Wanted::Named { name, version } => {
                let reader = Asking { owner: &self.ground.reader, workflow: None };
                let permitted = self.allows(asking, Permission::Execute, Thing::Workflow, name)
                    && self.allows(reader, Permission::Read, Thing::Workflow, name);
                let definition = self.ground.catalog.workflow(name, *version).filter(|_| permitted);
                definition.ok_or_else(|| no_such_workflow(wanted))?.pinned.clone()
            }
            Wanted::Inline { definition, from_data } => {
                let owner = owner_of_brought(asking, definition, *from_data)?;
                self.ground.catalog.pin((**definition).clone(), owner)
            }
        };
        Plan::compile(pinned).map(Arc::new).map_err(|error| error.to_string())
    }

    fn allows(&self, asking: Asking<'_>, permission: Permission, thing: Thing, name: &str) -> bool {
        allows(&self.ground.authority, &self.store.snapshot(), asking, permission, thing, name)
    }

    fn handlers(&self, event: &str) -> Vec<Arc<Owned<EventHandler>>> {
        handlers_of(&self.ground.catalog, event)
    }

    fn view(&self, execution: &Execution, with_tasks: bool) -> Value {
        self.views.workflow(execution, with_tasks)
    }
}
