//! What people ask of an execution.

use std::time::Duration;

use serde_json::Value;

use crate::engine::event::Fact;
use crate::engine::execution::Run;
use crate::engine::input::{Operation, Rejected};
use crate::engine::limits::{VARIABLES_BYTES, is_too_deep, size_bytes};
use crate::engine::operators::terminate;
use crate::engine::schedule::Attempt;
use crate::engine::step::{Step, inert_input};
use crate::words::{Map, Payload, RunNumber, TaskStatus, Timestamp, WorkflowStatus};
use crate::workflow::definition::TaskType;
use crate::workflow::pinned::Pinned;

impl Step<'_> {
    /// Does what somebody asks, or says why not.
    pub(super) fn operation(&mut self, operation: Operation) -> Result<(), Rejected> {
        match operation {
            Operation::Pause => self.pause(),
            Operation::Resume => self.resume(),
            Operation::Terminate { reason } => self.terminate(reason),
            Operation::TerminateFailing { reason } => {
                self.live()?;
                self.end(WorkflowStatus::Terminated, reason, None);
                Ok(())
            }
            // Whoever holds the executions has looked for the lowest one.
            Operation::Retry | Operation::RetryLowest => self.retry(),
            Operation::Rerun(rerun) => self.rerun(*rerun),
            Operation::Skip(skip) => self.skip(*skip),
            Operation::ResetCallbacks => self.reset_callbacks(),
            Operation::SetVariables { variables } => self.set_variables(variables),
            Operation::Restart => self.restart(None),
            Operation::RestartAs(definition) => self.restart(Some(definition)),
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
        self.ended.extend(held);
        self.tick();
        Ok(())
    }

    /// Asking twice is as good as once.
    fn terminate(&mut self, reason: Option<String>) -> Result<(), Rejected> {
        if self.execution.status == WorkflowStatus::Terminated {
            return Ok(());
        }
        self.live()?;
        self.quiet = true;
        self.end(WorkflowStatus::Terminated, reason, None);
        Ok(())
    }

    pub(super) fn live(&self) -> Result<(), Rejected> {
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
        if self.reopen(None) { Ok(()) } else { Err(Rejected::NothingToRetry(self.id())) }
    }

    /// Has an ended execution go on, where there is anything to go on with; a run whose sub-workflow goes on waits again.
    pub(super) fn reopen(&mut self, waiting: Option<RunNumber>) -> bool {
        let plan = self.plan();
        let latest = self.execution.index.latest.iter().flatten().filter_map(|number| self.execution.run(*number));
        let failed = latest.filter(|run| !run.status.is_successful() && run.status.is_terminal());
        // A call in doubt is repeated by who asks this execution for it, not by who has a child go on.
        let again = |run: &&Run| waiting.is_none_or(|waiting| waiting != run.number && !run.in_doubt);
        let failed = failed.filter(again);
        let mut failed: Vec<_> = failed.filter(|run| !run.gone).map(|run| (run.number, self.kept(run))).collect();
        failed.sort_unstable_by_key(|(run, _)| *run);
        let held: Vec<_> =
            self.execution.held.iter().copied().filter(|run| self.at(*run).status.is_successful()).collect();
        if failed.is_empty() && held.is_empty() && waiting.is_none() {
            return false;
        }
        let deadline = self.new_deadline();
        self.emit(Fact::Reopened { deadline });
        if let Some(run) = waiting {
            self.emit(Fact::Amended { input: None, correlation_id: None });
            self.emit(Fact::ChildReopened { run });
        }
        // What holds runs keeps its identity: they name it.
        for (run, kept) in &failed {
            if *kept == Some(TaskType::DoWhile) {
                self.emit(Fact::Reinstated { run: *run });
            }
        }
        for (run, _) in failed.iter().filter(|(_, kept)| kept.is_none()) {
            let planned = self.planned(&plan, *run);
            // As in Conductor, the children beside one that goes on go on as well.
            if waiting.is_some() && self.at(*run).child.is_some() && !planned.task.optional {
                self.emit(Fact::ChildReopened { run: *run });
                continue;
            }
            let scope = self.at(*run).scope;
            self.attempt(planned, Attempt { scope, retry_of: Some(*run), ..Attempt::default() });
        }
        // A JOIN counts what is not through by now.
        for (run, kept) in &failed {
            if kept.as_ref().is_some_and(is_join) {
                self.emit(Fact::Reinstated { run: *run });
                self.work.push_back(*run);
            }
        }
        self.ended.extend(held);
        // One that has ended the execution still does: it comes to the same end again, as on Conductor, before anything else
        // is done.
        let over = self.execution.shown_runs().filter(|run| terminate::has_ended(self.execution, run));
        if let Some(run) = over.last().map(|run| run.number) {
            self.settle(run);
        }
        true
    }

    /// Returns the type of a run that goes on as it is when its execution is retried.
    fn kept(&self, run: &Run) -> Option<TaskType> {
        let task_type = &self.execution.planned(run).task.task_type;
        (is_join(task_type) || *task_type == TaskType::DoWhile).then(|| task_type.clone())
    }

    /// Starts from the beginning, as the definition says that it has or is given.
    fn restart(&mut self, definition: Option<Box<Pinned>>) -> Result<(), Rejected> {
        if self.execution.is_live() {
            return Err(Rejected::StillRunning(self.id()));
        }
        let plan = self.plan();
        let workflow = definition.as_ref().map_or(&plan.pinned.workflow, |pinned| &pinned.workflow);
        if !workflow.restartable {
            return Err(Rejected::NotRestartable(self.id()));
        }
        if let Some(pinned) = &definition {
            plan.with_definition((**pinned).clone()).map_err(|error| Rejected::Malformed(error.to_string()))?;
        }
        let timeout = match &definition {
            Some(pinned) => pinned.workflow.own_timeout().0,
            None => self.execution.timeout_seconds,
        };
        let deadline = timeout.map(|seconds| self.now().plus(Duration::from_secs(seconds)));
        self.emit(Fact::Restarted { deadline, definition });
        let plan = self.plan();
        self.hide_input(&plan.input_leaves, &[]);
        self.begin_flow();
        Ok(())
    }

    /// Offers at once what workers gave back for later.
    fn reset_callbacks(&mut self) -> Result<(), Rejected> {
        self.live()?;
        let now = self.now();
        let later = |run: &&Run| run.offered && run.callback_after_seconds > 0 && run.not_before > now;
        let waiting: Vec<_> = self.execution.open_runs().filter(later).map(|run| run.number).collect();
        for number in waiting {
            let run = self.at(number);
            let (output, reason) = (run.output.clone(), run.reason.clone());
            self.emit(Fact::Updated {
                run: number,
                output,
                reason,
                worker_id: None,
                callback_after_seconds: 0,
                offered_from: Some(now),
                silence_limit: self.silence_limit(number, Duration::ZERO),
            });
        }
        Ok(())
    }

    /// Sets variables that somebody gives.
    fn set_variables(&mut self, variables: Map) -> Result<(), Rejected> {
        self.live()?;
        let variables = Value::Object(inert_input(variables));
        let limit = VARIABLES_BYTES;
        if size_bytes(&variables) + size_bytes(self.execution.variables.expose()) > limit || is_too_deep(&variables) {
            return Err(Rejected::TooLarge(format!(
                "the variables are over the limit of {limit} bytes, or nest too deep"
            )));
        }
        self.emit(Fact::VariablesSet { variables: Payload::new(variables) });
        Ok(())
    }

    pub(super) fn new_deadline(&self) -> Option<Timestamp> {
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
