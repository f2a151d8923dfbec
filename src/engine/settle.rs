//! What follows from a run that has ended: the next task, another attempt, or the end of the execution.

use std::borrow::Cow;

use serde_json::Value;

use crate::engine::event::Fact;
use crate::engine::execution::Run;
use crate::engine::operators::terminate;
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
            return match planned.task.task_type {
                TaskType::Terminate if ended.status != TaskStatus::Skipped => terminate::end(self, run),
                _ => self.proceed(run),
            };
        }
        let refused = refusal(planned, ended).map(ToOwned::to_owned);
        if let Some(delay) = retry::delay(self.id(), planned, ended, self.now()) {
            let carried = ended.reason.clone().filter(|_| planned.task.task_type.is_http());
            let scope = ended.scope;
            self.attempt(planned, Attempt { scope, retry_of: Some(run), delay, reason: carried, input: None });
        } else if let Some(reason) = refused {
            self.end(WorkflowStatus::Failed, Some(reason), None);
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
            self.end(status, Some(reason), None);
        }
    }

    /// Returns whether a run has failed and nothing rescues the execution from it.
    pub(super) fn is_fatal(&self, run: RunNumber) -> bool {
        let plan = self.plan();
        let (planned, ended) = (self.planned(&plan, run), self.at(run));
        if !ended.status.is_terminal() || ended.status.is_successful() || ended.permitted {
            return false;
        }
        if retry::delay(self.id(), planned, ended, self.now()).is_some() {
            return false;
        }
        let is_rescued = (planned.task.optional || planned.task.permissive) && !ended.in_doubt;
        !is_rescued || refusal(planned, ended).is_some()
    }

    /// Conductor's words.
    fn failure_reason(&self, run: &Run, status: WorkflowStatus) -> String {
        self.failure_text(run, status.as_str())
    }

    fn failure_text(&self, run: &Run, status: &str) -> String {
        let reason = run.reason.as_deref().unwrap_or("null");
        format!("Task {} failed with status: {status} and reason: '{reason}'", run.id(self.id()))
    }

    /// Ends an execution in which everything is through.
    pub(super) fn complete(&mut self) {
        match self.let_fail() {
            None => self.end(WorkflowStatus::Completed, None, None),
            Some(reason) => self.end(WorkflowStatus::Failed, Some(reason), None),
        }
    }

    /// Returns why an execution fails whose flow is at its end: tasks were let fail on the way.
    pub(super) fn let_fail(&self) -> Option<String> {
        if !self.execution.index.permitted {
            return None;
        }
        // In a loop the latest run of a task does not tell of those of the iterations before it.
        let failed = self.execution.shown_runs().filter(|run| run.permitted && !run.retried);
        let reasons: Vec<_> = failed.map(|run| self.failure_text(run, run.status.as_str())).collect();
        (!reasons.is_empty()).then(|| reasons.join(". "))
    }

    /// Ends the execution: what is open is canceled, and the output is what the definition says, else the last task's.
    pub(super) fn end(&mut self, status: WorkflowStatus, reason: Option<String>, output: Option<Payload>) {
        let output = output.map_or_else(|| self.own_output(status), Ok);
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
        let quiet = self.quiet;
        let left = self.left_behind();
        self.emit(Fact::Ended { status, quiet, reason, output, left });
    }

    /// Returns the runs that have ended well and of which the step has not come to what follows.
    fn left_behind(&mut self) -> Vec<RunNumber> {
        self.work.clear();
        self.later.clear();
        let mut left = std::mem::take(&mut self.ended);
        left.extend(std::mem::take(&mut self.seen));
        left.into_iter().filter(|run| self.at(*run).status.is_successful()).collect()
    }

    fn own_output(&self, status: WorkflowStatus) -> Result<Payload, LimitHit> {
        let parameters = &self.execution.plan.pinned.workflow.output_parameters;
        if parameters.is_empty() {
            // What is passed over comes first, as in every view; what a SWITCH begins with once its script has said the way
            // counts as made with it.
            let place = |run: &&Run| match run.retry_of {
                None => self.place(run.number),
                Some(_) => vec![run.number],
            };
            let last = self.execution.shown_runs().filter(|run| run.status != TaskStatus::Skipped).max_by_key(place);
            return Ok(last.map(|run| self.given(run)).unwrap_or_default());
        }
        let mut scope = self.scope();
        // As on Conductor, which knows by then that it ends badly, and does not yet know that it ends well.
        scope.ending = Some(status).filter(|status| *status != WorkflowStatus::Completed);
        scope.resolve(&Value::Object(parameters.clone())).map(Payload::new)
    }

    fn given(&self, run: &Run) -> Payload {
        match self.execution.output(run) {
            Cow::Borrowed(_) => run.output.clone(),
            Cow::Owned(output) => Payload::new(output),
        }
    }
}

/// Returns the reason of an UPDATE_SECRET that may not be: nothing rescues the execution from it, and its reason says so
/// first.
fn refusal<'a>(planned: &PlannedTask, run: &'a Run) -> Option<&'a str> {
    let refused = planned.task.task_type == TaskType::UpdateSecret && run.status == TaskStatus::FailedWithTerminalError;
    let reason = run.reason.as_deref().filter(|_| refused)?;
    (reason.starts_with("403: ") || reason.starts_with("400: ")).then_some(reason)
}
