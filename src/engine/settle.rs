//! What follows from a run that has ended: the next task, another attempt, or the end of the execution.

use crate::engine::event::Fact;
use crate::engine::execution::Run;
use crate::engine::plan::PlannedTask;
use crate::engine::retry;
use crate::engine::schedule::Attempt;
use crate::engine::step::Step;
use crate::words::{Payload, RunNumber, TaskStatus, WorkflowStatus};
use crate::workflow::definition::TaskType;
use crate::workflow::expressions::LimitHit;

impl Step<'_> {
    /// Sees what follows from a run that has ended.
    pub(super) fn settle(&mut self, run: RunNumber) {
        let plan = self.plan();
        let planned = self.planned(&plan, run);
        let ended = self.at(run);
        if ended.status.is_successful() {
            return self.proceed(run);
        }
        let refused = refusal(planned, ended).map(ToOwned::to_owned);
        if let Some(delay) = retry::delay(self.id(), planned, ended, self.now()) {
            let carried = ended.reason.clone().filter(|_| planned.task.task_type == TaskType::Http);
            let scope = ended.scope;
            self.attempt(planned, Attempt { scope, retry_of: Some(run), delay, reason: carried });
        } else if let Some(reason) = refused {
            self.end_failed(run, WorkflowStatus::Failed, reason);
        } else if planned.task.optional && !ended.in_doubt {
            self.emit(Fact::Excused { run });
            self.proceed(run);
        } else if planned.task.permissive && !ended.in_doubt {
            self.emit(Fact::Permitted { run });
            self.proceed(run);
        } else {
            let status = match ended.status {
                TaskStatus::TimedOut => WorkflowStatus::TimedOut,
                TaskStatus::Canceled => WorkflowStatus::Terminated,
                _ => WorkflowStatus::Failed,
            };
            let reason = self.failure_reason(ended, status);
            self.end_failed(run, status, reason);
        }
    }

    /// Conductor's words.
    fn failure_reason(&self, run: &Run, status: WorkflowStatus) -> String {
        let reason = run.reason.as_deref().unwrap_or("null");
        format!("Task {} failed with status: {status} and reason: '{reason}'", run.id(self.id()))
    }

    fn end_failed(&mut self, run: RunNumber, status: WorkflowStatus, reason: String) {
        match self.output_or(self.at(run).output.clone()) {
            Ok(output) => self.end(status, Some(reason), Some(output)),
            Err(hit) => self.end(status, Some(format!("{reason}; the output: {hit}")), Some(Payload::empty())),
        }
    }

    /// Ends an execution in which everything is through.
    pub(super) fn complete(&mut self) {
        if !self.execution.index.permitted {
            return self.end(WorkflowStatus::Completed, None, None);
        }
        let failed = self.execution.index.latest.iter().flatten().filter_map(|number| self.execution.run(*number));
        let failed = failed.filter(|run| run.permitted).map(|run| run.number).next();
        match failed {
            Some(run) => {
                let reason = self.failure_reason(self.at(run), WorkflowStatus::Failed);
                self.end_failed(run, WorkflowStatus::Failed, reason);
            }
            None => self.end(WorkflowStatus::Completed, None, None),
        }
    }

    /// Ends the execution: what is open is canceled, and the output is what the definition says, else the last task's.
    pub(super) fn end(&mut self, status: WorkflowStatus, reason: Option<String>, output: Option<Payload>) {
        let output = output.map_or_else(|| self.own_output(), Ok);
        let (status, reason, output) = match output {
            Ok(output) => (status, reason, output),
            Err(hit) => {
                let completes = status == WorkflowStatus::Completed;
                let first = reason.map_or_else(String::new, |reason| format!("{reason}; "));
                let status = if completes { WorkflowStatus::Failed } else { status };
                (status, Some(format!("{first}the output: {hit}")), Payload::empty())
            }
        };
        let open: Vec<_> = self.execution.index.open.iter().copied().collect();
        for run in open {
            self.emit(Fact::Canceled { run });
        }
        self.emit(Fact::Ended { status, reason, output });
        self.todo.clear();
    }

    fn own_output(&self) -> Result<Payload, LimitHit> {
        let last = self.execution.runs.iter().rfind(|run| !run.gone);
        self.output_or(last.map(|run| run.output.clone()).unwrap_or_default())
    }

    fn output_or(&self, otherwise: Payload) -> Result<Payload, LimitHit> {
        let parameters = &self.execution.plan.pinned.workflow.output_parameters;
        if parameters.is_empty() { Ok(otherwise) } else { self.resolved(parameters) }
    }
}

/// Returns the reason of an UPDATE_SECRET that may not be: nothing rescues the execution from it, and its reason says so
/// first.
fn refusal<'a>(planned: &PlannedTask, run: &'a Run) -> Option<&'a str> {
    let refused = planned.task.task_type == TaskType::UpdateSecret && run.status == TaskStatus::FailedWithTerminalError;
    let reason = run.reason.as_deref().filter(|_| refused)?;
    (reason.starts_with("403: ") || reason.starts_with("400: ")).then_some(reason)
}
