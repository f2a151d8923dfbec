//! How many executions of a workflow run beside each other: those beyond the limit begin when there is room.

use serde_json::json;

use crate::engine::event::Fact;
use crate::engine::execution::Execution;
use crate::engine::step::Step;
use crate::words::WorkflowStatus;
use crate::workflow::expressions::java_text;

/// The place of an execution among those that share a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// What those have in common, besides the workflow.
    pub key: String,
    /// Whether it waits until there is room.
    pub waits: bool,
}

impl Execution {
    /// Returns whether it has not begun because others run.
    pub fn waits_for_room(&self) -> bool {
        self.is_live() && self.share.as_ref().is_some_and(|share| share.waits)
    }

    /// Returns the workflow and the key of those with which it shares a limit, and the limit.
    pub fn shared_limit(&self) -> Option<(&str, &str, usize)> {
        let share = self.share.as_ref()?;
        Some((self.name(), &share.key, self.plan.pinned.workflow.concurrent_limit()?.1))
    }
}

impl Step<'_> {
    /// Begins with the first task, where there is room for another execution.
    pub(super) fn begin_flow(&mut self) {
        let plan = self.plan();
        if let Some((key, limit)) = plan.pinned.workflow.concurrent_limit() {
            let key = match self.scope().resolve(&json!(key)) {
                Ok(serde_json::Value::Null) => String::new(),
                Ok(key) => java_text(&key),
                Err(hit) => return self.end(WorkflowStatus::Failed, Some(format!("rateLimitKey: {hit}")), None),
            };
            let waits = !(self.turn.others.has_room)(&plan.pinned.workflow.name, &key, limit);
            self.emit(Fact::Shared { key, waits });
            if waits {
                return;
            }
        }
        self.schedule(plan.first, None);
    }

    /// There is room for it.
    pub(super) fn admitted(&mut self) {
        if self.execution.waits_for_room() && self.execution.status == WorkflowStatus::Running {
            self.emit(Fact::Admitted);
            let first = self.plan().first;
            self.schedule(first, None);
        }
    }
}
