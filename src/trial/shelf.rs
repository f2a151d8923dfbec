use std::sync::Arc;

use serde_json::Value;

use super::Ground;
use crate::access::{Principal, TargetKind};
use crate::catalog::Owned;
use crate::daemon::{Asking, Library, Thing, Views};
use crate::engine::{Execution, Plan, Wanted};
use crate::observe::Masking;
use crate::redact::Masker;
use crate::secret::Store;
use crate::words::{Owner, Permission};
use crate::workflow::definition::EventHandler;
use crate::workflow::registration::registration_errors;

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
                let permitted = self.allows(asking, Permission::Execute, Thing::Workflow, name);
                let definition = self.ground.catalog.workflow(name, *version).filter(|_| permitted);
                definition.ok_or_else(|| crate::daemon::no_such_workflow(wanted))?.pinned.clone()
            }
            Wanted::Inline { definition, from_data } => {
                if let Some(error) = registration_errors(definition).first() {
                    return Err(format!("workflow `{}` cannot run: {}", definition.name, error.message));
                }
                // What came as data is nobody's: no grant is its.
                let owner = if *from_data { Owner::App(String::new()) } else { asking.owner.clone() };
                self.ground.catalog.pin((**definition).clone(), owner)
            }
        };
        Plan::compile(pinned).map(Arc::new).map_err(|error| error.to_string())
    }

    fn allows(&self, asking: Asking<'_>, permission: Permission, thing: Thing, name: &str) -> bool {
        let snapshot = self.store.snapshot();
        let kind = match thing {
            Thing::Workflow => TargetKind::Workflow,
            Thing::Secret => TargetKind::Secret,
        };
        let principal = Principal { owner: asking.owner, workflow: asking.workflow };
        self.ground.authority.allows(principal, permission, kind, name, snapshot.tags(name))
    }

    fn handlers(&self, event: &str) -> Vec<Arc<Owned<EventHandler>>> {
        let handles = |handler: &&Arc<Owned<EventHandler>>| handler.def.active && handler.def.event == event;
        self.ground.catalog.event_handlers().filter(handles).cloned().collect()
    }

    fn view(&self, execution: &Execution, with_tasks: bool) -> Value {
        self.views.workflow(execution, with_tasks)
    }
}
