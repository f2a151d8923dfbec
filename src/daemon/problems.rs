//! What somebody has to look at: schedules and executions in trouble.

use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::loading::load;
use crate::engine::{Event, Execution, Fact};
use crate::journal::Log;
use crate::redact::Masker;
use crate::words::WorkflowStatus;
use crate::workflow::flow;

impl Dispatcher {
    /// Returns what is wrong with schedules and executions: what it is about, and a sentence.
    pub(super) fn problems(&self, log: &dyn Log) -> Vec<(String, String)> {
        let mut problems: Vec<_> =
            self.slots.problems().map(|(name, problem)| (format!("schedule {name}"), problem)).collect();
        for execution in self.live.values() {
            problems.extend(problem_of(&execution.execution));
        }
        match log.problems() {
            Ok(ids) => {
                problems.extend(ids.into_iter().filter_map(|id| match load(id, log, &self.plans) {
                    Ok(execution) => problem_of(&execution?),
                    // What is wrong with it cannot be told any more; that something is, can.
                    Err(refused) => Some((format!("run {id}"), refused.to_string())),
                }));
            }
            Err(error) => problems.push(("the journal".to_owned(), error.to_string())),
        }
        problems.extend(log.audit_trouble().map(|trouble| ("the audit".to_owned(), trouble.to_owned())));
        let quarantined = self.quarantined.iter();
        problems.extend(quarantined.map(|(id, reason)| (format!("run {id}"), format!("it is not run: {reason}"))));
        problems
    }
}

/// Logs that an execution which nobody follows ended otherwise than it should, and what somebody has to do about it.
pub(super) fn log_end(execution: &Execution, events: &[Event]) {
    let is_bad = matches!(execution.status, WorkflowStatus::Failed | WorkflowStatus::TimedOut);
    if !is_bad || !events.iter().any(|event| matches!(event.fact, Fact::Ended { .. })) {
        return;
    }
    let (run, workflow, status) = (execution.id, execution.name(), execution.status.as_str());
    // The log knows the store's values; those that this execution fetched are its own.
    let masked =
        || Masker::new(execution.masks.iter()).mask_text(execution.reason.as_deref().unwrap_or("")).into_owned();
    tracing::warn!(%run, workflow, status, reason = masked(), "a run did not complete");
    if let Some((_, problem)) = problem_of(execution) {
        tracing::error!(%run, "{problem}");
    }
}

/// Returns what somebody has to look at in an execution.
fn problem_of(execution: &Execution) -> Option<(String, String)> {
    let (id, name) = (execution.id, execution.name());
    let secrets = || {
        let mut names = flow::secrets_written(&execution.plan.pinned.workflow.tasks);
        names.extend(execution.parent.iter().flat_map(|parent| parent.stores.iter().cloned()));
        if names.is_empty() { "a secret".to_owned() } else { names.join(", ") }
    };
    let message = if !execution.unstored().is_empty() {
        format!(
            "{name} fetched a value for {} and could not store it: retry it, or run `keytide rescue {id} --path PATH --to SECRET`",
            secrets()
        )
    } else if !execution.in_doubt().is_empty() {
        format!("{name} is in doubt: whether {} changed at its issuer is unknown; look there, then retry it", secrets())
    } else if execution.overdue_store() {
        format!("{name} waits longer than its timeout to store {}", secrets())
    } else {
        return None;
    };
    Some((format!("run {id}"), message))
}
