//! What answers, polls and updates mean for a run.

use std::time::Duration;

use crate::engine::answer::{Answer, Outcome, WorkerUpdate};
use crate::engine::event::{Completion, Fact, Failure};
use crate::engine::execution::Run;
use crate::engine::input::Rejected;
use crate::engine::limits::{PAYLOAD_BYTES, TROUBLE_DELAY, TROUBLE_DELAY_MAX, is_too_deep, size_bytes};
use crate::engine::operators::{http, update_secret};
use crate::engine::schedule::seconds;
use crate::engine::step::Step;
use crate::words::{Payload, RunNumber, Sensitive, TaskStatus, WorkflowStatus};
use crate::workflow::definition::TaskType;
use crate::workflow::expressions::inert;

impl Step<'_> {
    /// Takes an answer of the executor.
    pub(super) fn outcome(&mut self, outcome: Outcome) -> Result<(), Rejected> {
        let Outcome { run, answer, resolved, .. } = outcome;
        let found = self.execution.run(run).ok_or(Rejected::UnknownRun(self.id()))?;
        let late = found.status.is_terminal() || found.gone;
        self.mask(resolved.iter().map(|value| value.expose().to_owned()).collect());
        if let Answer::Evaluated { token, verdict } = answer {
            return self.evaluated(run, token, verdict);
        }
        if late {
            self.late(run, answer);
            self.give_way(run);
        } else {
            self.answer(run, answer);
        }
        Ok(())
    }

    /// Notes values that every view hides; those that are known already are left out.
    pub(super) fn mask(&mut self, mut values: Vec<String>) {
        values.sort_unstable();
        values.dedup();
        let known: Vec<&Sensitive> = self.execution.masks.iter().collect();
        values.retain(|value| !value.is_empty() && !known.iter().any(|mask| mask.expose() == value));
        if !values.is_empty() {
            self.emit(Fact::Masked { values });
        }
    }

    /// The answer to a run that has ended changes nothing and is kept: it may hold what nobody else has.
    fn late(&mut self, run: RunNumber, answer: Answer) {
        let known = self.at(run);
        match &answer {
            Answer::Response(_) if known.response.is_none() => {
                self.emit(Fact::Answered { run, answer });
                http::mask_late(self, run);
            }
            Answer::Done { .. } if !known.stored => self.emit(Fact::Answered { run, answer }),
            Answer::Failed { .. } | Answer::NotSent { .. } if known.in_doubt => {
                self.emit(Fact::Answered { run, answer });
            }
            Answer::Response(_)
            | Answer::Done { .. }
            | Answer::Failed { .. }
            | Answer::NotSent { .. }
            | Answer::Ready
            | Answer::Unknown { .. }
            | Answer::Evaluated { .. }
            | Answer::Trouble { .. } => {}
        }
    }

    fn answer(&mut self, run: RunNumber, answer: Answer) {
        let plan = self.plan();
        let planned = self.planned(&plan, run);
        let is_http = planned.task.task_type.is_http();
        let known = self.at(run);
        let is_store = planned.task.task_type == TaskType::UpdateSecret;
        let started = known.status == TaskStatus::InProgress;
        let waits = known.wake.is_some();
        let is_signing = planned.task.task_type == TaskType::GetSignedJwt;
        if known.response.is_some() || !(is_http || is_store || is_signing) {
            return;
        }
        match answer {
            // What was fetched or stored counts whenever it comes.
            Answer::Response(response) if started && is_http => http::answered(self, run, response),
            Answer::Done { output } if started && (is_store || is_signing) => {
                self.complete_run(run, Some(Payload::new(inert(output.into_value()))));
                self.follow(run);
            }
            _ if waits => {}
            Answer::Ready
                if !started && is_http && self.turn.may_start && self.execution.status == WorkflowStatus::Running =>
            {
                if !self.waits_its_turn(run) && !self.held_by_limit(run) {
                    self.start_run(run, None);
                }
            }
            Answer::Failed { reason, terminal } => {
                let status = if terminal { TaskStatus::FailedWithTerminalError } else { TaskStatus::Failed };
                self.fail_run(run, status, reason);
                self.follow(run);
            }
            Answer::NotSent { reason } if is_http => http::not_sent(self, run, &reason),
            // Trouble belongs to the preflight: of a call that has begun nobody knows what it did.
            Answer::Unknown { reason } | Answer::Trouble { reason } if started && is_http => {
                http::unknown(self, run, TaskStatus::Failed, &reason);
            }
            Answer::Trouble { reason } | Answer::Unknown { reason } | Answer::NotSent { reason } => {
                self.trouble(run, reason);
            }
            Answer::Ready | Answer::Response(_) | Answer::Done { .. } | Answer::Evaluated { .. } => {}
        }
    }

    /// Has the work tried again, for as long as the store may be in trouble.
    fn trouble(&mut self, run: RunNumber, reason: String) {
        let known = self.at(run);
        let since = known.started.unwrap_or(known.not_before);
        if self.now().since(since) >= self.turn.store_retry {
            let reason = format!("{reason} (tried for {} s)", self.turn.store_retry.as_secs());
            self.fail_run(run, TaskStatus::Failed, reason);
            return self.follow(run);
        }
        let again = self.now().plus(trouble_delay(known));
        self.emit(Fact::Troubled { run, reason, again });
    }

    /// A worker takes a run. No event: it is not there to be taken, and the worker gets nothing.
    pub(super) fn polled(&mut self, run: RunNumber, worker_id: Option<String>) -> Result<(), Rejected> {
        let found = self.execution.run(run).ok_or(Rejected::UnknownRun(self.id()))?;
        let free = found.offered && !found.status.is_terminal() && !found.gone && found.not_before <= self.now();
        if free && self.execution.status == WorkflowStatus::Running {
            self.start_run(run, worker_id);
        }
        Ok(())
    }

    /// Takes what a worker, or somebody in its place, says of a run. A run that has ended stays as it is.
    pub(super) fn updated(&mut self, run: RunNumber, update: WorkerUpdate) -> Result<(), Rejected> {
        let found = self.execution.run(run).ok_or(Rejected::UnknownRun(self.id()))?;
        let plan = self.plan();
        let planned = self.planned(&plan, run);
        if found.status.is_terminal() || found.gone || !takes_updates(&planned.task.task_type, found) {
            return Ok(());
        }
        let leaves = planned.leaves.clone();
        let mut values = Vec::new();
        update_secret::leaves(&leaves, update.output.expose(), &mut values);
        self.mask(values);
        if size_bytes(update.output.expose()) > PAYLOAD_BYTES {
            let reason = format!("the output is over the limit of {PAYLOAD_BYTES} bytes");
            self.fail_run(run, TaskStatus::FailedWithTerminalError, reason);
            self.follow(run);
        } else if is_too_deep(update.output.expose()) {
            let reason = "the output nests too deep".to_owned();
            self.fail_run(run, TaskStatus::FailedWithTerminalError, reason);
            self.follow(run);
        } else {
            self.take_update(run, update);
        }
        Ok(())
    }

    /// Gives a worker as much time again as when it took the run; where nobody works for it, nothing changes.
    pub(super) fn leased(&mut self, run: RunNumber) -> Result<(), Rejected> {
        let found = self.execution.run(run).ok_or(Rejected::UnknownRun(self.id()))?;
        let is_taken = found.status == TaskStatus::InProgress && !found.offered && !found.gone;
        if is_taken && self.execution.planned(found).task.task_type.is_worker() {
            let silence_limit = self.silence_limit(run, Duration::ZERO);
            self.emit(Fact::Leased { run, silence_limit });
        }
        Ok(())
    }

    fn take_update(&mut self, run: RunNumber, update: WorkerUpdate) {
        let WorkerUpdate { status, output, reason, callback_after_seconds, worker_id } = update;
        let output = Payload::new(inert(output.into_value()));
        match status {
            TaskStatus::Scheduled | TaskStatus::InProgress => {
                let pause = seconds(callback_after_seconds).unwrap_or(Duration::ZERO);
                let worker = self.execution.planned(self.at(run)).task.task_type.is_worker();
                let offered_from = worker.then(|| self.now().plus(pause));
                let silence_limit = self.silence_limit(run, pause);
                self.emit(Fact::Updated {
                    run,
                    output,
                    reason,
                    worker_id,
                    callback_after_seconds,
                    offered_from,
                    silence_limit,
                });
                return;
            }
            TaskStatus::Completed | TaskStatus::CompletedWithErrors | TaskStatus::Skipped => {
                let errors = status == TaskStatus::CompletedWithErrors;
                let completion = Completion { run, errors, output: Some(output), reason, worker_id };
                self.emit(Fact::Completed(Box::new(completion)));
            }
            TaskStatus::Canceled | TaskStatus::Failed | TaskStatus::FailedWithTerminalError | TaskStatus::TimedOut => {
                let failure = Failure { run, status, reason, output: Some(output), in_doubt: false, worker_id };
                self.emit(Fact::Failed(Box::new(failure)));
            }
        }
        self.follow(run);
    }

    /// The process that did the work is gone: what was started has an unknown outcome, unless it can be done again.
    pub(super) fn recovered(&mut self) {
        let in_flight = self.execution.open_runs().filter(|run| http::is_in_flight(self.execution, run));
        let lost = in_flight.filter(|run| !http::is_idempotent(run) || http::is_doubtful(self.execution, run));
        let lost: Vec<_> = lost.map(|run| run.number).collect();
        for run in lost {
            http::unknown(self, run, TaskStatus::Failed, "keytide stopped while the call was under way");
        }
        // What the process before left to the next begins now.
        let left = self.execution.open_runs().filter(|run| run.status == TaskStatus::Scheduled);
        let calls = left.filter(|run| self.execution.planned(run).task.task_type.is_http());
        let calls: Vec<_> = calls.map(|run| run.number).collect();
        if self.execution.status == WorkflowStatus::Running {
            for run in calls {
                self.release(run);
            }
        }
    }

    /// Ends a run badly.
    pub(super) fn fail_run(&mut self, run: RunNumber, status: TaskStatus, reason: String) {
        self.fail_run_with(run, status, reason, None);
    }

    /// Ends a run badly, with what it gave.
    pub(super) fn fail_run_with(
        &mut self,
        run: RunNumber,
        status: TaskStatus,
        reason: String,
        output: Option<Payload>,
    ) {
        self.emit(Fact::Failed(Box::new(Failure {
            run,
            status,
            reason: Some(reason),
            output,
            in_doubt: false,
            worker_id: None,
        })));
    }
}

/// Returns whether somebody other than us reports on a run.
fn takes_updates(task_type: &TaskType, run: &Run) -> bool {
    task_type.is_worker()
        || matches!(task_type, TaskType::Wait | TaskType::Human)
        || (*task_type == TaskType::Event && run.status == TaskStatus::InProgress)
        || (*task_type == TaskType::Http && run.response.is_some())
}

/// The pause doubles with each trouble in a row.
fn trouble_delay(run: &Run) -> Duration {
    TROUBLE_DELAY.saturating_mul(1 << run.troubles.min(16)).min(TROUBLE_DELAY_MAX)
}
