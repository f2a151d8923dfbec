//! The only place that changes an execution; a replay is nothing else.

mod asking;
mod closing;
mod family;
mod looping;
mod opening;

use std::sync::Arc;

use crate::engine::concurrency::Share;
use crate::engine::event::{Beginning, Event, Fact};
use crate::engine::execution::{Execution, Index, Run};
use crate::engine::operators::http;
use crate::engine::plan::Plan;
use crate::words::{ExecutionId, Payload, RunNumber, Sensitive, TaskStatus, Timestamp, WorkflowStatus};

/// An event that cannot have happened: the journal and this build disagree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// There are no events.
    #[error("the execution has no events")]
    Nothing,
    /// The first event is not the start, or a later one is.
    #[error("event {seq} is out of place: an execution starts once, and first")]
    NotAStart {
        /// Which event.
        seq: u64,
    },
    /// The event names a run that does not exist or is out of turn.
    #[error("event {seq} names run {run}, which is not there")]
    UnknownRun {
        /// Which event.
        seq: u64,
        /// Which run.
        run: RunNumber,
    },
    /// The run or the execution is not in a state for it.
    #[error("event {seq} (`{fact}`) cannot follow: {status}")]
    OutOfState {
        /// Which event.
        seq: u64,
        /// What it says.
        fact: &'static str,
        /// What the state is.
        status: String,
    },
}

/// Rebuilds an execution from its events.
pub fn replay(id: ExecutionId, plan: Arc<Plan>, events: impl IntoIterator<Item = Event>) -> Result<Execution, Illegal> {
    let mut events = events.into_iter();
    let first = events.next().ok_or(Illegal::Nothing)?;
    let mut execution = begin(id, plan, &first)?;
    for event in events {
        apply(&mut execution, &event)?;
    }
    Ok(execution)
}

/// Makes the execution of a first event.
pub(super) fn begin(id: ExecutionId, plan: Arc<Plan>, event: &Event) -> Result<Execution, Illegal> {
    let Fact::Started(beginning) = &event.fact else { return Err(Illegal::NotAStart { seq: 1 }) };
    let plan = plan.without_growth();
    let Beginning { input, variables, correlation_id, priority, started_by, slot, .. } = beginning.as_ref();
    let index = Index { latest: vec![None; plan.tasks.len()], ..Index::default() };
    Ok(Execution {
        id,
        plan,
        status: WorkflowStatus::Running,
        input: input.clone(),
        output: Payload::empty(),
        variables: variables.clone(),
        reason: None,
        failed_references: Vec::new(),
        failed_tasks: Vec::new(),
        correlation_id: correlation_id.clone(),
        priority: *priority,
        started_by: started_by.clone(),
        slot: slot.clone(),
        task_to_domain: beginning.task_to_domain.clone(),
        created: event.at,
        updated: event.at,
        ended: None,
        last_retried: None,
        timeout_seconds: beginning.timeout_seconds,
        deadline: beginning.deadline,
        alert_only: beginning.alert_only,
        overdue: false,
        runs: Vec::new(),
        seq: 1,
        masks: Arc::default(),
        dismissed: false,
        parent: beginning.parent.clone(),
        detached: false,
        chain: beginning.chain,
        event: beginning.event.clone(),
        idempotency_key: beginning.idempotency_key.clone(),
        begun: beginning.begun,
        share: None,
        held: Vec::new(),
        made: Vec::new(),
        index,
    })
}

/// Applies one event. An illegal one changes nothing.
pub fn apply(execution: &mut Execution, event: &Event) -> Result<(), Illegal> {
    let comes_from_outside = comes_from_outside(execution, &event.fact);
    Applying { execution, at: event.at }.fact(&event.fact)?;
    if comes_from_outside {
        execution.index.moment = Some(event.at);
    }
    execution.seq += 1;
    execution.updated = event.at;
    Ok(())
}

fn comes_from_outside(execution: &Execution, fact: &Fact) -> bool {
    let run = match fact {
        Fact::Resumed | Fact::Reopened { .. } | Fact::Restarted { .. } => return true,
        Fact::Completed(completion) => completion.run,
        Fact::Failed(failure) => failure.run,
        _ => return false,
    };
    execution.run(run).is_some_and(|run| !execution.planned(run).task.task_type.is_of_the_flow())
}

struct Applying<'a> {
    execution: &'a mut Execution,
    at: Timestamp,
}

impl Applying<'_> {
    fn fact(&mut self, fact: &Fact) -> Result<(), Illegal> {
        match fact {
            Fact::Started(_) => Err(Illegal::NotAStart { seq: self.seq() }),
            Fact::Scheduled(scheduling) => self.scheduled(scheduling),
            Fact::RunStarted { run, worker_id, wake, time_limit, silence_limit } => {
                let at = self.at;
                self.open(*run, "runStarted", |run| {
                    run.status = TaskStatus::InProgress;
                    run.started.get_or_insert(at);
                    if run.offered {
                        run.poll_count += 1;
                        run.callback_after_seconds = 0;
                    }
                    run.offered = false;
                    run.worker_id.clone_from(worker_id);
                    run.wake = *wake;
                    run.time_limit = run.time_limit.or(*time_limit);
                    run.silence_limit = *silence_limit;
                    run.troubles = 0;
                    run.trouble = None;
                    if let Some(wake) = wake {
                        run.callback_after_seconds = seconds_between(at, *wake);
                    }
                })
            }
            Fact::Due { run } => self.open(*run, "due", |run| run.wake = None),
            Fact::Polled { run, again } => {
                let at = self.at;
                self.open(*run, "polled", |run| {
                    if let Some(response) = run.response.take() {
                        run.output = http::output(&response);
                    }
                    run.poll_count += 1;
                    run.wake = Some(*again);
                    run.callback_after_seconds = seconds_between(at, *again);
                })
            }
            Fact::Troubled { run, reason, again } => self.open(*run, "troubled", |run| {
                run.troubles += 1;
                run.trouble = Some(reason.clone());
                run.wake = Some(*again);
            }),
            Fact::Answered { run, answer } => self.answered(*run, answer),
            Fact::Updated { run, output, reason, worker_id, callback_after_seconds, offered_from, silence_limit } => {
                let at = self.at;
                self.open(*run, "updated", |run| {
                    run.status = TaskStatus::InProgress;
                    run.started.get_or_insert(at);
                    run.output = output.clone();
                    run.reason.clone_from(reason);
                    run.callback_after_seconds = *callback_after_seconds;
                    run.silence_limit = *silence_limit;
                    if worker_id.is_some() {
                        run.worker_id.clone_from(worker_id);
                    }
                    if let Some(from) = offered_from {
                        run.offered = true;
                        run.not_before = *from;
                    }
                })
            }
            Fact::Leased { run, silence_limit } => self.open(*run, "leased", |run| run.silence_limit = *silence_limit),
            Fact::Shared { key, waits } => self.live("shared", |execution, _| {
                execution.share = Some(Share { key: key.clone(), waits: *waits });
            }),
            Fact::Admitted => self.live("admitted", |execution, _| {
                if let Some(share) = &mut execution.share {
                    share.waits = false;
                }
            }),
            Fact::Asked { run, script } => self.asked(*run, script),
            Fact::Evaluated { run } => self.evaluated(*run),
            Fact::Deferred { run } => self.deferred(*run),
            Fact::Released => self.live("released", |execution, _| execution.held.clear()),
            Fact::Noted { run, fields } => self.open(*run, "noted", |run| run.input = merged(&run.input, fields)),
            Fact::Completed(completion) => self.completed(completion),
            Fact::Failed(failure) => self.failed(failure),
            Fact::Excused { run } => self.excused(*run),
            Fact::Permitted { run } => self.permitted(*run),
            Fact::Canceled { run } => self.canceled(*run),
            Fact::Reinstated { run } => self.reinstated(*run),
            Fact::Iterated { run, iteration, items } => self.iterated(*run, *iteration, items.as_ref()),
            Fact::Dropped { run, until } => self.dropped(*run, *until),
            Fact::RunOverdue { run } => {
                let at = self.at;
                self.open(*run, "runOverdue", |run| {
                    // What is not over yet still holds: a worker that falls silent later is given up all the same.
                    for limit in [&mut run.time_limit, &mut run.total_limit, &mut run.silence_limit] {
                        limit.take_if(|limit| *limit <= at);
                    }
                    run.overdue = true;
                })
            }
            Fact::Overdue => self.live("overdue", |execution, _| {
                execution.overdue = true;
                execution.deadline = None;
            }),
            Fact::VariablesSet { variables } => self.live("variablesSet", |execution, _| {
                execution.variables = merged(&execution.variables, variables);
            }),
            Fact::Masked { values } => {
                let masks = Arc::make_mut(&mut self.execution.masks);
                masks.extend(values.iter().map(Sensitive::new));
                Ok(())
            }
            Fact::Paused => self.turn("paused", WorkflowStatus::Running, WorkflowStatus::Paused),
            Fact::Resumed => {
                self.turn("resumed", WorkflowStatus::Paused, WorkflowStatus::Running)?;
                self.execution.held.clear();
                Ok(())
            }
            Fact::Reopened { deadline } => self.reopened(*deadline),
            Fact::Restarted { deadline, definition } => self.restarted(*deadline, definition.as_deref()),
            Fact::Dismissed => {
                self.execution.dismissed = true;
                Ok(())
            }
            Fact::ChildStarted { run, child, version } => self.child_started(*run, *child, *version),
            Fact::ChildReopened { run } => self.child_reopened(*run),
            Fact::Detached => {
                self.execution.detached = true;
                Ok(())
            }
            Fact::FailureWorkflow { said } => self.failure_workflow(said),
            Fact::Removed { runs } => self.removed(runs),
            Fact::Rewound { run, iteration } => self.rewound(*run, *iteration),
            Fact::Amended { input, correlation_id } => self.amended(input.as_ref(), correlation_id.as_ref()),
            Fact::Skipped { run, task, input, output } => self.skipped(*run, *task, input, output),
            Fact::Passed { run, scope } => self.passed(*run, *scope),
            Fact::Ended { status, reason, output, left, .. } => {
                self.live("ended", |execution, at| {
                    execution.status = *status;
                    execution.reason.clone_from(reason);
                    execution.output = output.clone();
                    execution.ended = Some(at);
                    execution.deadline = None;
                    execution.held.extend(left);
                })?;
                self.note_failures();
                Ok(())
            }
        }
    }

    fn seq(&self) -> u64 {
        self.execution.seq + 1
    }

    fn out_of_state(&self, fact: &'static str, status: impl std::fmt::Display) -> Illegal {
        Illegal::OutOfState { seq: self.seq(), fact, status: status.to_string() }
    }

    fn live(&mut self, fact: &'static str, change: impl FnOnce(&mut Execution, Timestamp)) -> Result<(), Illegal> {
        if !self.execution.is_live() {
            return Err(self.out_of_state(fact, self.execution.status));
        }
        change(self.execution, self.at);
        Ok(())
    }

    fn turn(&mut self, fact: &'static str, from: WorkflowStatus, to: WorkflowStatus) -> Result<(), Illegal> {
        if self.execution.status != from {
            return Err(self.out_of_state(fact, self.execution.status));
        }
        self.execution.status = to;
        Ok(())
    }

    /// Changes a run whatever its state, keeping the indexes true.
    fn change(&mut self, number: RunNumber, change: impl FnOnce(&mut Run)) -> Result<(), Illegal> {
        let unknown = Illegal::UnknownRun { seq: self.seq(), run: number };
        let position = (number.0 as usize).checked_sub(1).ok_or_else(|| unknown.clone())?;
        let run = self.execution.runs.get_mut(position).ok_or(unknown)?;
        let index = &mut self.execution.index;
        if let Some(timer) = run.timer() {
            index.timers.remove(&(timer, number));
        }
        if let Some(again) = run.again() {
            index.again.remove(&(again, number));
        }
        let was_open = !run.status.is_terminal();
        index.asking -= usize::from(run.asked.is_some());
        change(run);
        run.updated = self.at;
        if run.status.is_terminal() {
            run.asked = None;
            index.open.remove(&number);
            index.joins.remove(&number);
        }
        index.asking += usize::from(run.asked.is_some());
        if let Some(timer) = run.timer() {
            index.timers.insert((timer, number));
        }
        if let Some(again) = run.again() {
            index.again.insert((again, number));
        }
        self.note_open(number, was_open);
        Ok(())
    }

    /// Changes a run that has not ended.
    fn open(&mut self, number: RunNumber, fact: &'static str, change: impl FnOnce(&mut Run)) -> Result<(), Illegal> {
        match self.execution.run(number) {
            Some(run) if run.status.is_terminal() => Err(self.out_of_state(fact, run.status)),
            Some(_) if !self.execution.is_live() => Err(self.out_of_state(fact, self.execution.status)),
            Some(_) | None => self.change(number, change),
        }
    }

    /// Ends a run.
    fn close(&mut self, number: RunNumber, fact: &'static str, change: impl FnOnce(&mut Run)) -> Result<(), Illegal> {
        let at = self.at;
        self.open(number, fact, |run| {
            change(run);
            run.started.get_or_insert(at);
            run.ended = Some(at);
        })?;
        if self.execution.status == WorkflowStatus::Paused {
            self.execution.held.push(number);
        }
        Ok(())
    }
}

fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    if to == Timestamp::MAX {
        return i64::from(i32::MAX);
    }
    i64::try_from(to.since(from).as_millis().div_ceil(1000)).unwrap_or(i64::MAX)
}

fn merged(fields: &Payload, changes: &Payload) -> Payload {
    let mut fields = fields.clone().into_value();
    if let (Some(all), Some(new)) = (fields.as_object_mut(), changes.expose().as_object()) {
        all.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    Payload::new(fields)
}
