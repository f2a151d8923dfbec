//! What people ask of an execution.

use std::time::Duration;

use crate::engine::event::Fact;
use crate::engine::execution::Run;
use crate::engine::input::{Operation, Rejected};
use crate::engine::schedule::Attempt;
use crate::engine::step::{Step, Todo};
use crate::words::{RunNumber, TaskStatus, Timestamp, WorkflowStatus};
use crate::workflow::definition::TaskType;

impl Step<'_> {
    /// Does what somebody asks, or says why not.
    pub(super) fn operation(&mut self, operation: Operation) -> Result<(), Rejected> {
        match operation {
            Operation::Pause => self.pause(),
            Operation::Resume => self.resume(),
            Operation::Terminate { reason } => self.terminate(reason),
            Operation::Retry => self.retry(),
            Operation::Restart => self.restart(),
            Operation::Dismiss => {
                if !self.execution.dismissed {
                    self.emit(Fact::Dismissed);
                }
                Ok(())
            }
        }
    }

    /// Asking twice is as good as once.
    fn pause(&mut self) -> Result<(), Rejected> {
        self.live()?;
        if self.execution.status == WorkflowStatus::Running {
            self.emit(Fact::Paused);
        }
        Ok(())
    }

    fn resume(&mut self) -> Result<(), Rejected> {
        self.live()?;
        if self.execution.status != WorkflowStatus::Paused {
            return Err(Rejected::NotPaused(self.id()));
        }
        let held = self.execution.held.clone();
        self.emit(Fact::Resumed);
        self.todo.extend(held.into_iter().map(Todo::Settle));
        self.tick();
        Ok(())
    }

    fn terminate(&mut self, reason: Option<String>) -> Result<(), Rejected> {
        self.live()?;
        self.end(WorkflowStatus::Terminated, reason, None);
        Ok(())
    }

    fn live(&self) -> Result<(), Rejected> {
        if self.execution.is_live() {
            return Ok(());
        }
        Err(Rejected::Ended { execution: self.id(), status: self.execution.status })
    }

    /// Gives what failed another attempt, lets JOINs and loops go on, and goes on with what a pause had held.
    fn retry(&mut self) -> Result<(), Rejected> {
        if self.execution.is_live() {
            return Err(Rejected::StillRunning(self.id()));
        }
        let plan = self.plan();
        let latest = self.execution.index.latest.iter().flatten().filter_map(|number| self.execution.run(*number));
        let failed = latest.filter(|run| !run.status.is_successful() && run.status.is_terminal());
        let mut failed: Vec<_> = failed.filter(|run| !run.gone).map(|run| (run.number, self.kept(run))).collect();
        failed.sort_unstable_by_key(|(run, _)| *run);
        let held: Vec<_> =
            self.execution.held.iter().copied().filter(|run| self.at(*run).status.is_successful()).collect();
        if failed.is_empty() && held.is_empty() {
            return Err(Rejected::NothingToRetry(self.id()));
        }
        let deadline = self.new_deadline();
        self.emit(Fact::Reopened { deadline });
        // What holds runs keeps its identity: they name it.
        for (run, kept) in &failed {
            if *kept == Some(TaskType::DoWhile) {
                self.emit(Fact::Reinstated { run: *run });
            }
        }
        for (run, _) in failed.iter().filter(|(_, kept)| kept.is_none()) {
            let planned = self.planned(&plan, *run);
            let scope = self.at(*run).scope;
            self.attempt(planned, Attempt { scope, retry_of: Some(*run), ..Attempt::default() });
        }
        // A JOIN counts what is not through by now.
        for (run, kept) in &failed {
            if kept.as_ref().is_some_and(is_join) {
                self.emit(Fact::Reinstated { run: *run });
                self.todo.push_back(Todo::Execute(*run));
            }
        }
        self.todo.extend(held.into_iter().map(Todo::Continue));
        Ok(())
    }

    /// Returns the type of a run that goes on as it is when its execution is retried.
    fn kept(&self, run: &Run) -> Option<TaskType> {
        let task_type = &self.execution.planned(run).task.task_type;
        (is_join(task_type) || *task_type == TaskType::DoWhile).then(|| task_type.clone())
    }

    fn restart(&mut self) -> Result<(), Rejected> {
        if self.execution.is_live() {
            return Err(Rejected::StillRunning(self.id()));
        }
        let plan = self.plan();
        if !plan.pinned.workflow.restartable {
            return Err(Rejected::NotRestartable(self.id()));
        }
        let deadline = self.new_deadline();
        self.emit(Fact::Restarted { deadline });
        self.schedule(plan.first, None);
        Ok(())
    }

    fn new_deadline(&self) -> Option<Timestamp> {
        self.execution.timeout_seconds.map(|seconds| self.now().plus(Duration::from_secs(seconds)))
    }

    /// Ends the execution because a run took too long.
    pub(super) fn end_timed_out(&mut self, run: RunNumber) {
        let ended = self.at(run);
        debug_assert_eq!(ended.status, TaskStatus::TimedOut, "only a run that timed out ends the execution so");
        let reason = ended.reason.clone();
        self.end(WorkflowStatus::TimedOut, reason, None);
    }
}

/// Returns whether tasks of a type wait for others, and wait again where those are tried again.
fn is_join(task_type: &TaskType) -> bool {
    matches!(task_type, TaskType::Join | TaskType::ExclusiveJoin)
}
