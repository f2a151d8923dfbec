//! What an execution owes the world: from its state alone, or from the events that changed it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::command::{Assignment, Command, Offer};
use crate::engine::domains;
use crate::engine::event::{Event, Fact};
use crate::engine::execution::{Execution, Run};
use crate::engine::script;
use crate::words::{RunNumber, TaskStatus, TraceId, WorkflowStatus};
use crate::workflow::definition::Nature;

/// Returns what an execution owes, from its state alone.
pub fn outstanding(execution: &Execution) -> Vec<Command> {
    execution.open_runs().filter_map(|run| owed(execution, run)).collect()
}

/// Returns what these events owe, once they are on disk; they must be applied already.
pub fn commands(execution: &Execution, events: &[Event]) -> Vec<Command> {
    let mut begun = BTreeSet::new();
    let mut commands = Vec::new();
    for event in events {
        match &event.fact {
            Fact::Scheduled(scheduling) => {
                begun.insert(scheduling.run);
            }
            Fact::RunStarted { run, .. } | Fact::Due { run } | Fact::Updated { run, .. } | Fact::Asked { run, .. } => {
                begun.insert(*run);
            }
            Fact::Resumed => begun.extend(held(execution)),
            Fact::Paused => {
                let open = execution.open_runs().filter(|run| run.offered);
                commands.extend(open.map(|run| Command::Withdraw { execution: execution.id, run: run.number }));
            }
            Fact::Completed(completion) => commands.extend(withdrawal(execution, completion.run)),
            Fact::Failed(failure) => {
                commands.extend(withdrawal(execution, failure.run));
                if failure.status == TaskStatus::TimedOut {
                    commands.extend(abandonment(execution, failure.run));
                }
            }
            Fact::Canceled { run } => {
                commands.extend(withdrawal(execution, *run));
                commands.extend(abandonment(execution, *run));
            }
            Fact::Started(_)
            | Fact::Polled { .. }
            | Fact::Troubled { .. }
            | Fact::Answered { .. }
            | Fact::Leased { .. }
            | Fact::Shared { .. }
            | Fact::Admitted
            | Fact::Evaluated { .. }
            | Fact::Deferred { .. }
            | Fact::Released
            | Fact::Noted { .. }
            | Fact::Excused { .. }
            | Fact::Permitted { .. }
            | Fact::Reinstated { .. }
            | Fact::Iterated { .. }
            | Fact::Dropped { .. }
            | Fact::RunOverdue { .. }
            | Fact::Overdue
            | Fact::VariablesSet { .. }
            | Fact::Masked { .. }
            | Fact::Reopened { .. }
            | Fact::Restarted { .. }
            | Fact::Dismissed
            | Fact::ChildStarted { .. }
            | Fact::ChildReopened { .. }
            | Fact::Detached
            | Fact::FailureWorkflow { .. }
            | Fact::Removed { .. }
            | Fact::Rewound { .. }
            | Fact::Amended { .. }
            | Fact::Skipped { .. }
            | Fact::Passed { .. }
            | Fact::Ended { .. } => {}
        }
    }
    let begun = begun.iter().filter_map(|number| execution.run(*number));
    commands.extend(begun.filter_map(|run| owed(execution, run)));
    commands
}

/// Returns the runs that a pause held back. What had begun went on: a call is not made twice. A script is asked for again.
fn held(execution: &Execution) -> impl Iterator<Item = RunNumber> {
    let waits = |run: &&Run| run.status == TaskStatus::Scheduled || run.offered || run.asked.is_some();
    execution.open_runs().filter(waits).map(|run| run.number)
}

/// Returns what is owed for a run. A pause holds what has not begun.
fn owed(execution: &Execution, run: &Run) -> Option<Command> {
    let begins = execution.status == WorkflowStatus::Running;
    let performs = run.wake.is_none() && run.response.is_none() && execution.is_live();
    if run.gone {
        return None;
    }
    if run.asked.is_some() {
        return script::question(execution, run)
            .filter(|_| begins)
            .map(|question| Command::Evaluate(Box::new(question)));
    }
    let task_type = &execution.planned(run).task.task_type;
    match run.status {
        TaskStatus::Scheduled | TaskStatus::InProgress if task_type.is_worker() => {
            (run.offered && begins).then(|| Command::Offer(offer(execution, run)))
        }
        TaskStatus::Scheduled if task_type.is_http() => (performs && begins && execution.planned(run).feeds_secret)
            .then(|| Command::Preflight(assignment(execution, run))),
        TaskStatus::InProgress if task_type.nature() == Nature::Call => {
            performs.then(|| Command::Perform(assignment(execution, run)))
        }
        TaskStatus::Scheduled
        | TaskStatus::InProgress
        | TaskStatus::Canceled
        | TaskStatus::Failed
        | TaskStatus::FailedWithTerminalError
        | TaskStatus::Completed
        | TaskStatus::CompletedWithErrors
        | TaskStatus::TimedOut
        | TaskStatus::Skipped => None,
    }
}

impl Execution {
    /// Returns the trace that it belongs to.
    pub fn trace(&self) -> TraceId {
        self.begun.map_or_else(|| TraceId::of(self.root().unwrap_or(self.id)), |begun| begun.trace)
    }
}

fn assignment(execution: &Execution, run: &Run) -> Assignment {
    let planned = execution.planned(run);
    Assignment {
        execution: execution.id,
        trace: execution.trace(),
        run: run.number,
        plan: Arc::clone(&execution.plan),
        owner: execution.plan.pinned.owner.clone(),
        task: run.task,
        reference: execution.reference(run).into_owned(),
        // Runs of a restart count on, so that a write that is repeated is told from one that is made again.
        attempt: run.earlier,
        input: execution.input(run).into_owned(),
        feeds_secret: !planned.may_repeat,
        unresolved: run.unresolved,
    }
}

fn offer(execution: &Execution, run: &Run) -> Offer {
    let planned = execution.planned(run);
    let queue = planned.queue();
    Offer {
        execution: execution.id,
        run: run.number,
        task_id: run.id(execution.id),
        domains: domains::candidates(&execution.task_to_domain, queue),
        queue: queue.to_owned(),
        quota: planned.quota(),
        priority: execution.priority,
        not_before: run.not_before,
    }
}

fn withdrawal(execution: &Execution, number: RunNumber) -> Option<Command> {
    let run = execution.run(number).filter(|run| run.offered)?;
    Some(Command::Withdraw { execution: execution.id, run: run.number })
}

/// A call that may fetch a secret is never cut, and neither is a store.
fn abandonment(execution: &Execution, number: RunNumber) -> Option<Command> {
    let run = execution.run(number)?;
    let planned = execution.planned(run);
    let called = planned.task.task_type.is_http() && run.started.is_some() && run.response.is_none();
    (called && planned.may_repeat).then_some(Command::Abandon { execution: execution.id, run: number })
}
