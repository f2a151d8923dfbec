//! What is done beside the work: archiving what has ended, purging what is old.

use std::time::Duration;

use serde_json::Value;

use crate::engine::Execution;
use crate::journal::{Log, Wiped};
use crate::words::Timestamp;

/// How often there is a look at what has ended.
const PERIOD: Duration = Duration::from_mins(1);
/// How many executions one look archives or purges, so that callers do not wait for it.
const EXECUTIONS_PER_LOOK_MAX: usize = 200;

/// How long executions are kept, and what their snapshot looks like.
pub(super) struct Housekeeping {
    /// How long a finished execution can be retried with its `_secrets`.
    pub retry_window: Duration,
    /// How long a finished execution is kept.
    pub keep: Duration,
    /// Returns an execution as Conductor's Workflow, masked.
    pub snapshot: Box<dyn Fn(&Execution) -> Value + Send>,
    /// When to look next.
    pub next: Timestamp,
}

impl Housekeeping {
    /// Returns when there is something to look at.
    pub(super) fn next(&self) -> Timestamp {
        self.next
    }

    /// Archives and purges what is due; what fails is tried again the next time.
    pub(super) fn tick(&mut self, log: &mut dyn Log, now: Timestamp) {
        if now < self.next {
            return;
        }
        self.next = now.plus(PERIOD);
        if let Err(error) = self.archive(log, now).and_then(|()| self.purge(log, now)) {
            tracing::warn!(%error, "finished executions could not be archived; it is tried again");
        }
    }

    /// Archives everything that is due.
    pub(super) fn archive(&self, log: &mut dyn Log, now: Timestamp) -> Result<(), crate::journal::Error> {
        let due = log.due_for_archive(now.minus(self.retry_window), EXECUTIONS_PER_LOOK_MAX)?;
        let mut snapshots = Vec::with_capacity(due.len());
        for id in due {
            match super::loading::load(id, log) {
                Ok(Some(execution)) => snapshots.push((id, (self.snapshot)(&execution))),
                Ok(None) => {}
                Err(refused) => tracing::warn!(execution = %id, %refused, "an execution could not be archived"),
            }
        }
        if !snapshots.is_empty() && log.archive(&snapshots, now)? == Wiped::Later {
            tracing::debug!("what was archived is wiped from the disk with the next archive");
        }
        Ok(())
    }

    fn purge(&self, log: &mut dyn Log, now: Timestamp) -> Result<(), crate::journal::Error> {
        let before = now.minus(self.keep);
        let due = log.due_for_purge(before, EXECUTIONS_PER_LOOK_MAX)?;
        if !due.is_empty() && log.remove(&due)? == Wiped::Later {
            tracing::debug!("what was purged is wiped from the disk with the next purge");
        }
        log.forget_slots(before)
    }
}
