//! What workers poll for, and how many of it their task definitions let them have.

use std::time::Duration;

use crate::engine::command::Quota;
use crate::engine::execution::{Execution, Run};
use crate::engine::plan::PlannedTask;
use crate::workflow::definition::TaskType;

impl PlannedTask {
    /// Returns what workers poll for.
    pub(super) fn queue(&self) -> &str {
        match &self.task.task_type {
            TaskType::Other(name) => name,
            _ => &self.task.name,
        }
    }

    /// Returns the limits of its definition, where there are any and workers do it.
    pub(super) fn quota(&self) -> Option<Quota> {
        let def = self.def.as_ref().filter(|_| self.task.task_type.is_worker())?;
        let at_once = usize::try_from(def.concurrent_exec_limit.unwrap_or(0)).unwrap_or(0);
        let starts = usize::try_from(def.rate_limit_per_frequency).unwrap_or(0);
        let window = Duration::from_secs(u64::try_from(def.rate_limit_frequency_in_seconds).unwrap_or(0));
        let starts = if window.is_zero() { 0 } else { starts };
        (at_once > 0 || starts > 0).then(|| Quota { name: self.task.name.clone(), at_once, starts, window })
    }
}

impl Execution {
    /// Returns the runs that count for limits of their definitions, with these limits.
    pub fn limited_runs(&self) -> impl Iterator<Item = (&Run, Quota)> {
        self.runs.iter().filter_map(|run| Some((run, self.planned(run).quota()?)))
    }
}
