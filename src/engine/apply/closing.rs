//! Runs that end, and what comes after their end.

use super::{Applying, Illegal};
use crate::engine::answer::Answer;
use crate::engine::event::{Completion, Failure};
use crate::engine::execution::Run;
use crate::engine::limits::size_bytes;
use crate::engine::operators::{http, join};
use crate::engine::view;
use crate::words::{RunNumber, TaskStatus};
use crate::workflow::definition::TaskType;

impl Applying<'_> {
    pub(super) fn answered(&mut self, number: RunNumber, answer: &Answer) -> Result<(), Illegal> {
        let stores = self.task_type(number) == Some(&TaskType::UpdateSecret);
        let live = self.execution.is_live();
        if !live && matches!(answer, Answer::Response(_)) {
            // Who dismissed it before cannot have meant what nobody had yet.
            self.execution.dismissed = false;
        }
        self.change(number, |run| {
            run.answered_late = run.status.is_terminal() || !live;
            match answer {
                Answer::Response(response) => {
                    run.response = Some(response.clone());
                    run.in_doubt = false;
                }
                Answer::Done { .. } => run.stored = stores,
                Answer::Failed { .. } | Answer::NotSent { .. } => run.in_doubt = false,
                Answer::Ready | Answer::Unknown { .. } | Answer::Evaluated { .. } | Answer::Trouble { .. } => {}
            }
        })
    }

    pub(super) fn completed(&mut self, completion: &Completion) -> Result<(), Illegal> {
        let stores = self.task_type(completion.run) == Some(&TaskType::UpdateSecret);
        let is_early = self.is_early(completion.run);
        self.close(completion.run, "completed", |run| {
            run.status = if completion.errors { TaskStatus::CompletedWithErrors } else { TaskStatus::Completed };
            run.stored = stores;
            match (&completion.output, &run.response) {
                (Some(output), _) => run.output = output.clone(),
                (None, Some(response)) => run.output = http::output(response),
                (None, None) => {}
            }
            if completion.reason.is_some() || run.poll_count > 0 {
                run.reason.clone_from(&completion.reason);
            }
            if completion.worker_id.is_some() {
                run.worker_id.clone_from(&completion.worker_id);
            }
            if run.poll_count > 0 || is_early {
                run.callback_after_seconds = 0;
            }
        })?;
        self.weigh(completion.run);
        self.through(completion.run);
        Ok(())
    }

    pub(super) fn failed(&mut self, failure: &Failure) -> Result<(), Illegal> {
        let is_early = self.is_early(failure.run);
        self.close(failure.run, "failed", |run| {
            run.status = failure.status;
            run.reason.clone_from(&failure.reason);
            run.in_doubt = failure.in_doubt;
            if let Some(output) = &failure.output {
                run.output = output.clone();
            }
            if failure.worker_id.is_some() {
                run.worker_id.clone_from(&failure.worker_id);
            }
            if run.poll_count > 0 || is_early {
                run.callback_after_seconds = 0;
            }
        })?;
        self.weigh(failure.run);
        Ok(())
    }

    /// Returns whether a WAIT ends before its time: somebody says so.
    fn is_early(&self, number: RunNumber) -> bool {
        let waits = self.task_type(number) == Some(&TaskType::Wait);
        waits && self.execution.run(number).and_then(|run| run.wake).is_some_and(|wake| self.at < wake)
    }

    /// Counts what a run gave.
    fn weigh(&mut self, number: RunNumber) {
        let bytes = self.execution.run(number).map_or(0, |run| size_bytes(run.output.expose()));
        self.execution.index.bytes += bytes;
    }

    /// Conductor names each failed task when an execution ends, once, and keeps it named whatever happens later. What is
    /// optional has not failed.
    pub(super) fn note_failures(&mut self) {
        let execution = &mut *self.execution;
        let is_failed = |run: &&Run| matches!(run.status, TaskStatus::Failed | TaskStatus::FailedWithTerminalError);
        let names =
            |run: &Run| (execution.reference(run).into_owned(), view::task_def_name(execution.planned(run)).to_owned());
        let failed: Vec<_> = execution.shown_runs().filter(is_failed).map(names).collect();
        for (reference, name) in failed {
            if !execution.failed_references.contains(&reference) {
                execution.failed_references.push(reference);
            }
            if !execution.failed_tasks.contains(&name) {
                execution.failed_tasks.push(name);
            }
        }
    }

    pub(super) fn excused(&mut self, number: RunNumber) -> Result<(), Illegal> {
        self.unsuccessful(number, "excused")?;
        self.change(number, |run| run.status = TaskStatus::CompletedWithErrors)?;
        self.through(number);
        Ok(())
    }

    pub(super) fn permitted(&mut self, number: RunNumber) -> Result<(), Illegal> {
        self.unsuccessful(number, "permitted")?;
        self.change(number, |run| run.permitted = true)?;
        self.execution.index.permitted = true;
        self.through(number);
        Ok(())
    }

    pub(super) fn unsuccessful(&self, number: RunNumber, fact: &'static str) -> Result<(), Illegal> {
        match self.execution.run(number) {
            Some(run) if run.status.is_terminal() && !run.status.is_successful() => Ok(()),
            Some(run) => Err(self.out_of_state(fact, run.status)),
            None => Err(Illegal::UnknownRun { seq: self.seq(), run: number }),
        }
    }

    pub(super) fn canceled(&mut self, number: RunNumber) -> Result<(), Illegal> {
        let in_doubt = self.execution.run(number).is_some_and(|run| http::is_cut_in_doubt(self.execution, run));
        let at = self.at;
        let gathered = join::gathered(self.execution, number, at);
        let has_gathered = gathered.is_some();
        self.open(number, "canceled", |run| {
            run.status = TaskStatus::Canceled;
            run.ended = Some(at);
            run.in_doubt = in_doubt;
            if let Some(gathered) = gathered {
                run.output = gathered;
            }
        })?;
        if has_gathered {
            self.weigh(number);
        }
        Ok(())
    }

    pub(super) fn task_type(&self, number: RunNumber) -> Option<&TaskType> {
        let run = self.execution.run(number)?;
        self.execution.plan.task(run.task).map(|planned| &planned.task.task_type)
    }
}
