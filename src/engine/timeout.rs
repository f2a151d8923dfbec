//! What is due: exact to the millisecond, whenever it is asked.

use crate::engine::event::Fact;
use crate::engine::execution::{Execution, Run};
use crate::engine::operators::http;
use crate::engine::step::Step;
use crate::words::{Payload, RunNumber, TaskStatus, Timestamp, WorkflowStatus};
use crate::workflow::definition::{TaskTimeoutPolicy, TaskType};

/// Returns when something is due by itself. A held execution waits; only a store in trouble is still tried again.
pub fn next_deadline(execution: &Execution) -> Option<Timestamp> {
    let index = &execution.index;
    let again = index.again.first().map(|(at, _)| *at);
    match execution.status {
        WorkflowStatus::Running => {
            let timer = index.timers.first().map(|(at, _)| *at);
            [again, timer, execution.deadline].into_iter().flatten().min()
        }
        WorkflowStatus::Paused => again,
        WorkflowStatus::Completed | WorkflowStatus::Failed | WorkflowStatus::TimedOut | WorkflowStatus::Terminated => {
            None
        }
    }
}

impl Step<'_> {
    /// Has everything happen that is due.
    pub(super) fn tick(&mut self) {
        let now = self.now();
        match self.execution.status {
            WorkflowStatus::Running => self.tick_running(now),
            WorkflowStatus::Paused => {
                let due: Vec<_> = self.execution.index.again.iter().take_while(|(at, _)| *at <= now).copied().collect();
                for (_, run) in due {
                    self.emit(Fact::Due { run });
                }
            }
            WorkflowStatus::Completed
            | WorkflowStatus::Failed
            | WorkflowStatus::TimedOut
            | WorkflowStatus::Terminated => {}
        }
    }

    fn tick_running(&mut self, now: Timestamp) {
        if self.execution.deadline.is_some_and(|deadline| deadline <= now) {
            self.emit(Fact::Overdue);
            if !self.execution.alert_only && !self.execution.waits_to_store() {
                return self.time_out_workflow();
            }
        }
        let due: Vec<_> = self.execution.index.timers.iter().take_while(|(at, _)| *at <= now).copied().collect();
        for (_, run) in due {
            if self.execution.status != WorkflowStatus::Running {
                return;
            }
            self.due(run, now);
        }
    }

    /// Ends an execution that took too long.
    pub(super) fn time_out_workflow(&mut self) {
        let since = self.execution.last_retried.unwrap_or(self.execution.created);
        let elapsed = self.now().since(since).as_secs();
        let configured = self.execution.timeout_seconds.unwrap_or_default();
        let reason = format!(
            "Workflow timed out after {elapsed} seconds. Timeout configured as {configured} seconds. Timeout policy \
             configured to TIME_OUT_WF"
        );
        self.end(WorkflowStatus::TimedOut, Some(reason), None);
    }

    fn due(&mut self, run: RunNumber, now: Timestamp) {
        let known = self.at(run);
        if known.status.is_terminal() {
            return;
        }
        let is_due = |limit: Option<Timestamp>| limit.is_some_and(|limit| limit <= now);
        let (wake, limits) = (is_due(known.wake), [known.time_limit, known.silence_limit, known.total_limit]);
        if wake {
            return self.wake(run);
        }
        if limits.iter().any(|limit| is_due(*limit)) {
            self.time_out(run, now);
        }
    }

    fn wake(&mut self, run: RunNumber) {
        let plan = self.plan();
        if self.planned(&plan, run).task.task_type == TaskType::Wait {
            self.complete_run(run, Some(Payload::empty()));
            return self.follow(run);
        }
        self.emit(Fact::Due { run });
        if self.at(run).status == TaskStatus::Scheduled {
            self.release(run);
        }
    }

    /// Ends a run that took too long, as its definition says. A value that waits to be stored is never given up.
    fn time_out(&mut self, run: RunNumber, now: Timestamp) {
        let plan = self.plan();
        let planned = self.planned(&plan, run);
        let Some(def) = planned.def.as_ref() else { return };
        let is_store = planned.task.task_type == TaskType::UpdateSecret;
        let known = self.at(run);
        let is_due = |limit: Option<Timestamp>| limit.is_some_and(|limit| limit <= now);
        let alerts = def.timeout_policy == TaskTimeoutPolicy::AlertOnly;
        let is_given_up = is_due(known.silence_limit) || is_due(known.total_limit);
        if (alerts && !is_given_up) || (is_store && self.execution.waits_to_store()) {
            return self.emit(Fact::RunOverdue { run });
        }
        let too_long = is_due(known.time_limit) && !alerts;
        let reason = self.time_out_reason(known, now, def, &planned.task.name);
        if http::is_in_flight(self.execution, known) {
            http::unknown(self, run, TaskStatus::TimedOut, &reason);
        } else {
            self.fail_run(run, TaskStatus::TimedOut, reason);
            self.follow(run);
        }
        if too_long && def.timeout_policy == TaskTimeoutPolicy::TimeOutWf {
            self.end_timed_out(run);
        }
    }

    fn time_out_reason(
        &self,
        run: &Run,
        now: Timestamp,
        def: &crate::workflow::definition::TaskDef,
        name: &str,
    ) -> String {
        let id = run.id(self.id());
        let is_due = |limit: Option<Timestamp>| limit.is_some_and(|limit| limit <= now);
        if is_due(run.time_limit) && def.timeout_policy != TaskTimeoutPolicy::AlertOnly {
            let elapsed = now.since(run.started.unwrap_or(run.scheduled)).as_secs();
            return format!(
                "Task timed out after {elapsed} seconds. Timeout configured as {} seconds. Timeout policy configured \
                 to {}",
                def.timeout_seconds,
                policy(def.timeout_policy)
            );
        }
        if is_due(run.total_limit) {
            return format!(
                "totalTimeout: {} exceeded for the taskId: {id} with Task Definition: {name}",
                def.total_timeout_seconds
            );
        }
        if run.status == TaskStatus::Scheduled {
            let timeout = def.poll_timeout_seconds.unwrap_or_default();
            return format!(
                "Task poll timed out after {timeout} seconds. Poll timeout configured as {timeout} seconds."
            );
        }
        let timeout = def.response_timeout_seconds;
        format!("responseTimeout: {timeout} exceeded for the taskId: {id} with Task Definition: {name}")
    }
}

const fn policy(policy: TaskTimeoutPolicy) -> &'static str {
    match policy {
        TaskTimeoutPolicy::Retry => "RETRY",
        TaskTimeoutPolicy::TimeOutWf => "TIME_OUT_WF",
        TaskTimeoutPolicy::AlertOnly => "ALERT_ONLY",
    }
}
