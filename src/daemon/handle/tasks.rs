use std::sync::Arc;

use crate::access::TargetKind;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::executions::Known;
use crate::daemon::message::Message;
use crate::engine::Execution;
use crate::journal::{Condition, Field, Query, TaskLog};
use crate::words::{ExecutionId, Owner, Permission, RunNumber, TaskId, Timestamp};

/// The longest line that is logged for a run; longer ones are cut, not refused.
const LINE_BYTES_MAX: usize = 64 << 10;
/// How many lines a run keeps: a worker that logs without end fills no disk.
const LINES_MAX: usize = 1_000;

impl Handle {
    /// Returns the run that a task id names.
    pub async fn find_task(&self, who: &Owner, task: TaskId) -> Result<Option<(ExecutionId, RunNumber)>, Error> {
        let conditions = vec![Condition::Begins(Field::Id, task.prefix())];
        for head in self.heads(&Query { conditions, ..Query::default() })? {
            if let (Some(run), Some(execution)) = (task.run_of(head.execution), self.worked(who, head.execution).await?)
                && execution.run(run).is_some()
            {
                return Ok(Some((head.execution, run)));
            }
        }
        Ok(None)
    }

    /// Returns the latest run of a task that has not ended, by the task's reference name.
    pub async fn pending_run(
        &self,
        who: &Owner,
        execution: ExecutionId,
        reference: &str,
    ) -> Result<Option<RunNumber>, Error> {
        let Some(execution) = self.worked(who, execution).await? else { return Ok(None) };
        let run = execution.task_by_reference(reference).filter(|run| !run.status.is_terminal());
        Ok(run.map(|run| run.number))
    }

    /// Keeps a line for a run.
    pub async fn log_task(
        &self,
        who: &Owner,
        execution: ExecutionId,
        run: RunNumber,
        mut line: String,
    ) -> Result<(), Error> {
        self.permit_on(who, execution).await?;
        if self.lines_logged(execution, run)? >= LINES_MAX {
            return Err(Error::invalid(format!("the task has {LINES_MAX} lines in its log, and takes no more")));
        }
        line.truncate(line.floor_char_boundary(LINE_BYTES_MAX));
        let log = TaskLog { execution, run, at: self.now(), line };
        Ok(self.ask(|reply| Message::Log { log, reply }).await??)
    }

    /// Returns what was logged for a run, masked, oldest first.
    pub async fn task_logs(
        &self,
        who: &Owner,
        execution: ExecutionId,
        run: RunNumber,
    ) -> Result<Vec<(Timestamp, String)>, Error> {
        let Some(known) = self.whole(who, execution).await? else { return Ok(Vec::new()) };
        let logs = self.0.reader.task_logs(execution, run).map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(logs.into_iter().map(|log| (log.at, self.0.views.line(&known, &log.line))).collect())
    }

    fn lines_logged(&self, execution: ExecutionId, run: RunNumber) -> Result<usize, Error> {
        let logs = self.0.reader.task_logs(execution, run);
        Ok(logs.map_err(|error| Error::Unavailable(error.to_string()))?.len())
    }

    /// Returns an execution that is not archived, for one who may see it or who works for it; for others there is none.
    pub(super) async fn worked(&self, who: &Owner, execution: ExecutionId) -> Result<Option<Arc<Execution>>, Error> {
        let known = match self.known_to(who, execution, true).await {
            Err(Error::NotFound(_)) => return Ok(None),
            known => known?,
        };
        let may = |permission| self.may(who, permission, TargetKind::Workflow, known.workflow_name());
        let allowed = may(Permission::Read) || may(Permission::Execute);
        if !allowed {
            self.denied(who, Permission::Read, TargetKind::Workflow, known.workflow_name());
        }
        Ok(match known {
            Known::Whole(execution) if allowed => Some(execution),
            Known::Whole(_) | Known::Archived(_) => None,
        })
    }

    /// Returns an execution that is not archived.
    pub(super) async fn whole(&self, who: &Owner, execution: ExecutionId) -> Result<Option<Arc<Execution>>, Error> {
        match self.read(who, execution).await? {
            Known::Whole(execution) => Ok(Some(execution)),
            Known::Archived(_) => Ok(None),
        }
    }
}
