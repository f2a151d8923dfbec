//! Operations that concern more than one execution of a family.

use crate::daemon::batch::Batch;
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::family::{Failed, Scene};
use crate::daemon::message::Refused;
use crate::engine::{Execution, Input, Operation, Rejected};
use crate::journal::Log;
use crate::words::{ExecutionId, RunNumber, TaskId, Timestamp};
use crate::workflow::definition::TaskType;
use std::sync::Arc;

/// How many executions below one are looked through for a task.
const DESCENDANTS_MAX: usize = 1_000;

impl Dispatcher {
    /// Does what somebody asks of an execution: here, or in the one below it that is meant.
    pub(super) fn asked(
        &mut self,
        id: ExecutionId,
        input: Input,
        now: Timestamp,
        log: &dyn Log,
        batch: &mut Batch,
    ) -> Result<(), Refused> {
        let scene = Scene { now, log, batch };
        let target = match &input {
            Input::Operation(Operation::RetryLowest) => self.lowest(id, &scene)?,
            Input::Operation(Operation::Rerun(rerun)) => match rerun.from {
                Some(task) => self.holder_below(id, task, &scene)?,
                None => id,
            },
            _ => id,
        };
        let begins_again = matches!(
            &input,
            Input::Operation(
                Operation::Retry
                    | Operation::RetryLowest
                    | Operation::Restart
                    | Operation::RestartAs(_)
                    | Operation::Rerun(_)
            )
        );
        if begins_again {
            self.can_read_above(target, &scene)?;
        }
        self.step(target, input, now, log, batch).map(drop)
    }

    /// Fails where a parent cannot be read now: it must go on in the same transaction.
    fn can_read_above(&self, id: ExecutionId, scene: &Scene<'_>) -> Result<(), Refused> {
        let mut next = Some(id);
        while let Some(id) = next {
            if self.missing.contains_key(&id) {
                return Err(Refused::Unavailable("it could not be read".to_owned()));
            }
            let found = self.looked(id, scene)?;
            next = found.filter(|found| !found.detached).and_then(|found| Some(found.parent.as_ref()?.execution));
        }
        Ok(())
    }

    fn looked(&self, id: ExecutionId, scene: &Scene<'_>) -> Result<Option<Arc<Execution>>, Refused> {
        self.peek(id, scene).map_err(|failed| match failed {
            Failed::Now(refused) => refused,
            Failed::Refused(refusal) => Refused::Unavailable(refusal.reason),
        })
    }

    /// Returns the lowest sub-workflow that failed: as Conductor, by the first task that did.
    fn lowest(&self, id: ExecutionId, scene: &Scene<'_>) -> Result<ExecutionId, Refused> {
        let mut lowest = id;
        let mut failing = self.looked(id, scene)?.and_then(|found| failing_child(&found));
        while let Some(child) = failing {
            let Some(found) = self.looked(child, scene)?.filter(|found| has_failed(found)) else { break };
            lowest = child;
            failing = failing_child(&found);
        }
        Ok(lowest)
    }

    /// Returns the execution that has a task: this one, or one below it.
    fn holder_below(&self, id: ExecutionId, task: TaskId, scene: &Scene<'_>) -> Result<ExecutionId, Refused> {
        let mut open = vec![id];
        for _ in 0..DESCENDANTS_MAX {
            let Some(next) = open.pop() else { break };
            let Some(found) = self.looked(next, scene)? else { continue };
            if task.run_of(next).is_some_and(|run| has(&found, run)) {
                return Ok(next);
            }
            open.extend(found.shown_runs().filter_map(|run| run.child));
        }
        Err(Rejected::UnknownRun(id).into())
    }
}

fn has(execution: &Execution, run: RunNumber) -> bool {
    execution.run(run).is_some_and(|run| !run.gone)
}

fn has_failed(execution: &Execution) -> bool {
    !execution.is_live() && execution.shown_runs().any(|run| run.status.is_terminal() && !run.status.is_successful())
}

/// Returns the child of the first run that failed, where that is a sub-workflow's.
fn failing_child(execution: &Execution) -> Option<ExecutionId> {
    let failed = |run: &&crate::engine::Run| run.status.is_terminal() && !run.status.is_successful() && !run.retried;
    let first = execution.shown_runs().find(failed)?;
    first.child.filter(|_| execution.planned(first).task.task_type == TaskType::SubWorkflow)
}
