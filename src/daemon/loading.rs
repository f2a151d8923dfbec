//! Executions from the journal: what happened is applied again, and what does not fit is quarantined.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::daemon::message::Refused;
use crate::engine::{self, DefinitionHash, Execution, Plan, Rejected};
use crate::journal::{Error, History, Log, Stored};
use crate::words::ExecutionId;

/// The plans that executions in memory run, so that those of one definition share one.
#[derive(Default)]
pub(super) struct Plans(HashMap<DefinitionHash, Weak<Plan>>);

impl Plans {
    /// Remembers a plan for as long as somebody runs it.
    pub(super) fn add(&mut self, plan: &Arc<Plan>) {
        // An execution's own copy may have another definition by now.
        let plan = plan.clone().without_growth();
        if self.get(&plan.hash).is_none() {
            self.0.insert(plan.hash, Arc::downgrade(&plan));
        }
    }

    /// Forgets a plan that nobody runs any more.
    pub(super) fn release(&mut self, hash: &DefinitionHash) {
        if self.0.get(hash).is_some_and(|plan| plan.strong_count() == 0) {
            self.0.remove(hash);
        }
    }

    fn get(&self, hash: &DefinitionHash) -> Option<Arc<Plan>> {
        self.0.get(hash)?.upgrade()
    }
}

/// Returns an execution from the journal, where it is whole.
pub(super) fn load(id: ExecutionId, log: &dyn Log, plans: &Plans) -> Result<Option<Execution>, Refused> {
    log.load(id).map_err(unavailable)?.map(|stored| replayed(stored, log, plans)).transpose()
}

fn replayed(stored: Stored, log: &dyn Log, plans: &Plans) -> Result<Execution, Refused> {
    let execution = stored.head.execution;
    let quarantined = |reason: String| Refused::Quarantined { execution, reason };
    let events = match stored.history {
        History::Events(events) => events,
        History::Archived(_) => return Err(Rejected::Archived(execution).into()),
        History::Unreadable(unreadable) => return Err(quarantined(unreadable.to_string())),
    };
    let plan = match plans.get(&stored.head.definition) {
        Some(plan) => plan,
        None => Arc::new(compiled(&stored.head.definition, log, quarantined)?),
    };
    engine::replay(execution, plan, events).map_err(|illegal| quarantined(illegal.to_string()))
}

fn compiled(hash: &DefinitionHash, log: &dyn Log, quarantined: impl Fn(String) -> Refused) -> Result<Plan, Refused> {
    let pinned = log.definition(hash).map_err(|error| match error {
        Error::Unreadable(unreadable) => quarantined(unreadable.to_string()),
        error => unavailable(error),
    })?;
    let pinned = pinned.ok_or_else(|| quarantined("its definition is not in the journal".to_owned()))?;
    Plan::compile(pinned).map_err(|error| quarantined(error.to_string()))
}

pub(super) fn unavailable(error: impl std::fmt::Display) -> Refused {
    Refused::Unavailable(error.to_string())
}
