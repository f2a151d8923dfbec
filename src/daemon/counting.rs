//! What the dispatcher counts of a batch that is on disk.

use std::sync::Arc;

use crate::daemon::batch::Batch;
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::feed::Feed;
use crate::daemon::rendered::Rendered;
use crate::engine::{Event, Execution, Fact, Run};
use crate::journal::SlotOutcome;
use crate::observe::metrics::{Ended, Metrics};
use crate::words::{RunNumber, Timestamp, WorkflowStatus};
use crate::workflow::definition::TaskType;
use crate::workflow::flow;

/// Those who look on: what is told and counted of what was done, and what is kept of what it reads like.
#[derive(Clone)]
pub(super) struct Onlookers {
    pub(super) feed: Arc<Feed>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) rendered: Arc<Rendered>,
    /// Where traces are told.
    #[cfg(feature = "otel")]
    pub(super) traces: Option<Arc<crate::daemon::traces::Traces>>,
}

impl Dispatcher {
    /// Counts what ended in a batch, and the slots that started nothing.
    pub(super) fn count(&self, batch: &Batch, metrics: &Metrics) {
        for (id, events) in &batch.touched {
            let Some(live) = self.live.get(id) else { continue };
            for event in events {
                count(&live.execution, event, metrics);
            }
        }
        let missed = batch.slots.iter().filter(|slot| slot.outcome != SlotOutcome::Fired);
        missed.for_each(|slot| metrics.missed(&slot.schedule));
    }
}

fn count(execution: &Execution, event: &Event, metrics: &Metrics) {
    match &event.fact {
        Fact::Ended { status, .. } => count_end(execution, *status, event.at, metrics),
        Fact::Completed(completion) => count_run(execution, completion.run, metrics),
        Fact::Failed(failure) => count_run(execution, failure.run, metrics),
        Fact::Canceled { run } => count_run(execution, *run, metrics),
        _ => {}
    }
}

fn count_end(execution: &Execution, status: WorkflowStatus, at: Timestamp, metrics: &Metrics) {
    let trigger = match (&execution.slot, &execution.parent, &execution.event) {
        (Some(_), _, _) => "schedule",
        (None, Some(_), _) => "workflow",
        (None, None, Some(_)) => "event",
        (None, None, None) => "request",
    };
    metrics.ended(&Ended {
        workflow: execution.name(),
        status,
        trigger,
        took: at.since(execution.created),
        rotates: !flow::secrets_written(&execution.plan.pinned.workflow.tasks).is_empty(),
        schedule: execution.slot.as_ref().map(|(schedule, _)| (schedule.as_str(), at)),
    });
}

fn count_run(execution: &Execution, run: RunNumber, metrics: &Metrics) {
    let Some(run) = execution.run(run) else { return };
    let kind = match &execution.planned(run).task.task_type {
        // What workers call their tasks is no bounded set.
        TaskType::Other(_) => "SIMPLE",
        known => known.as_str(),
    };
    metrics.task(kind, run.status.as_str(), took(run));
}

fn took(run: &Run) -> std::time::Duration {
    run.ended.unwrap_or(run.updated).since(run.scheduled)
}
