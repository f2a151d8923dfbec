//! Calls that wait until an execution stands still: it has ended, or only somebody outside can make it go on.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::access::TargetKind;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::executions::Known;
use crate::daemon::message::Message;
use crate::engine::{Execution, Signaled, WorkerUpdate};
use crate::words::{ExecutionId, Owner, Permission, RunNumber, TaskId, WorkflowStatus};
use crate::workflow::definition::StartWorkflowRequest;

/// The longest that somebody may wait: less than the door gives a request.
const PATIENCE_MAX: Duration = Duration::from_mins(1);
/// How often it is looked, whatever is heard: what was loaded again tells nobody.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A pause between two looks is this part of the time that has passed.
const LOOKS_SHARE: u32 = 64;
/// A shorter one is none: clocks are not that fine.
const LOOK_PAUSE_MIN: Duration = Duration::from_millis(5);
/// How many executions of a family are looked at: what a screen shows, and no work without end.
const FAMILY_LOOKED_AT_MAX: usize = 1_000;

/// How an execution was found when a call had waited long enough; everything is masked.
pub struct Standstill {
    /// The execution, as Conductor's Workflow.
    pub target: Value,
    /// The execution of its family that stands still; itself where none does, or it has ended.
    pub blocking: Value,
    /// The runs at which that one stands still, as Conductor's Tasks.
    pub tasks: Vec<Value>,
    /// Whether the time was up before.
    pub timed_out: bool,
}

/// An execution that stands still, and where.
type Halt = (Arc<Execution>, Vec<RunNumber>);

impl Handle {
    /// Starts a workflow for somebody who waits for what comes of it, and so must be allowed to read it.
    pub async fn start_to_read(&self, who: &Owner, request: StartWorkflowRequest) -> Result<ExecutionId, Error> {
        let plan = self.plan_for(who, &request)?;
        self.permit(who, Permission::Read, TargetKind::Workflow, &plan.pinned.workflow.name)?;
        self.start_plan(who, plan, request).await
    }

    /// Waits until an execution or one below it stands still, or one of the named tasks has ended, or the time is up.
    pub async fn standstill(
        &self,
        who: &Owner,
        execution: ExecutionId,
        named: &[String],
        patience: Duration,
    ) -> Result<Standstill, Error> {
        let started = Instant::now();
        let until = started + patience.min(PATIENCE_MAX);
        loop {
            let (notices, mut heard) = mpsc::unbounded_channel();
            self.listen_with(execution, notices.clone())?;
            let known = self.read(who, execution).await?;
            let halt = match &known {
                Known::Whole(target) if target.is_live() => self.halt(who, target.clone(), named, &notices).await?,
                Known::Whole(_) | Known::Archived(_) => return Ok(self.found(&known, None, false)),
            };
            drop(notices);
            if halt.is_some() {
                return Ok(self.found(&known, halt, false));
            }
            if timeout_at(until.min(Instant::now() + LOOK_EVERY), heard.recv()).await == Ok(None) {
                // Nobody tells anything: it ended in between, or it is gone on with elsewhere.
                tokio::time::sleep_until(until.min(Instant::now() + LOOK_EVERY)).await;
            }
            // A look at an execution costs what it has done: the longer it goes on, the rarer they are.
            let pause = started.elapsed() / LOOKS_SHARE;
            if pause >= LOOK_PAUSE_MIN {
                tokio::time::sleep_until(until.min(Instant::now() + pause)).await;
            }
            if Instant::now() >= until {
                let known = self.read(who, execution).await?;
                return Ok(self.found(&known, None, true));
            }
        }
    }

    /// Tells the first run of an execution, or of one below it, that waits for somebody; returns the id of its task.
    pub async fn signal(&self, who: &Owner, execution: ExecutionId, update: WorkerUpdate) -> Result<TaskId, Error> {
        let Some((holder, run)) = self.signaled(who, execution).await? else {
            return Err(Error::NotFound(format!("workflow {execution} has no task that waits to be told")));
        };
        self.update_task(who, holder, run, update).await?;
        Ok(TaskId::of(holder, run))
    }

    async fn signaled(&self, who: &Owner, execution: ExecutionId) -> Result<Option<(ExecutionId, RunNumber)>, Error> {
        self.permit_on(who, execution).await?;
        let mut left = vec![(execution, None)];
        for _ in 0..FAMILY_LOOKED_AT_MAX {
            match left.pop() {
                None => break,
                Some((holder, Some(run))) => return Ok(Some((holder, run))),
                Some((id, None)) => {
                    let Ok(Known::Whole(found)) = self.known(id).await else { continue };
                    // A child that the caller may not work for waits for others, and is not told of.
                    if !self.may(who, Permission::Execute, TargetKind::Workflow, found.name()) {
                        continue;
                    }
                    // The last one is looked at next.
                    left.extend(found.signaled().into_iter().rev().map(|signaled| match signaled {
                        Signaled::Run(run) => (id, Some(run)),
                        Signaled::Child(child) => (child, None),
                    }));
                }
            }
        }
        Ok(None)
    }

    /// Returns where an execution or one below it stands still, and listens to what else could.
    async fn halt(
        &self,
        who: &Owner,
        target: Arc<Execution>,
        named: &[String],
        notices: &mpsc::UnboundedSender<WorkflowStatus>,
    ) -> Result<Option<Halt>, Error> {
        let mut left = vec![target];
        let mut seen = HashSet::new();
        while let Some(execution) = left.pop() {
            let runs: Vec<_> = execution.standing(named).into_iter().map(|run| run.number).collect();
            if !runs.is_empty() {
                return Ok(Some((execution, runs)));
            }
            let children = execution.live_children();
            for child in children.into_iter().rev() {
                if seen.len() >= FAMILY_LOOKED_AT_MAX {
                    return Ok(None);
                }
                if !seen.insert(child) {
                    continue;
                }
                self.listen_with(child, notices.clone())?;
                // One that the caller may not see, or that cannot be read, stands nowhere.
                // It was not asked for by its name, so that nobody is refused it.
                if let Ok(Known::Whole(child)) = self.known(child).await
                    && self.may(who, Permission::Read, TargetKind::Workflow, child.name())
                {
                    left.push(child);
                }
            }
        }
        Ok(None)
    }

    fn listen_with(&self, execution: ExecutionId, notices: mpsc::UnboundedSender<WorkflowStatus>) -> Result<(), Error> {
        self.request(Message::Watch { execution, notices })
    }

    fn found(&self, known: &Known, halt: Option<Halt>, timed_out: bool) -> Standstill {
        let views = &self.0.views;
        let target = known.workflow(views);
        let Some((execution, runs)) = halt else {
            return Standstill { blocking: target.clone(), target, tasks: Vec::new(), timed_out };
        };
        let tasks = runs.into_iter().filter_map(|run| views.task(&execution, run)).collect();
        Standstill { target, blocking: views.workflow(&execution, true), tasks, timed_out }
    }
}
