//! Executions from the journal: what happened is applied again, and what does not fit is quarantined.

use std::sync::Arc;

use crate::daemon::message::Refused;
use crate::engine::{self, Execution, Plan, Rejected};
use crate::journal::{History, Log, Stored};
use crate::words::ExecutionId;

/// Returns an execution from the journal, where it is whole.
pub(super) fn load(id: ExecutionId, log: &dyn Log) -> Result<Option<Execution>, Refused> {
    log.load(id).map_err(unavailable)?.map(|stored| replayed(stored, log)).transpose()
}

fn replayed(stored: Stored, log: &dyn Log) -> Result<Execution, Refused> {
    let execution = stored.head.execution;
    let quarantined = |reason: String| Refused::Quarantined { execution, reason };
    let events = match stored.history {
        History::Events(events) => events,
        History::Archived(_) => return Err(Rejected::Archived(execution).into()),
        History::Unreadable(unreadable) => return Err(quarantined(unreadable.to_string())),
    };
    let pinned = log.definition(&stored.head.definition).map_err(|error| quarantined(error.to_string()))?;
    let pinned = pinned.ok_or_else(|| quarantined("its definition is not in the journal".to_owned()))?;
    let plan = Plan::compile(pinned).map_err(|error| quarantined(error.to_string()))?;
    engine::replay(execution, Arc::new(plan), events).map_err(|illegal| quarantined(illegal.to_string()))
}

pub(super) fn unavailable(error: impl std::fmt::Display) -> Refused {
    Refused::Unavailable(error.to_string())
}
