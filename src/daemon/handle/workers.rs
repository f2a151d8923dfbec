use std::time::Duration;

use serde_json::Value;

use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::message::{Message, Poll, Polled};
use crate::daemon::offers::Queue;
use crate::engine::{Input, WorkerUpdate, view};
use crate::executor;
use crate::words::{ExecutionId, Owner, Payload, RunNumber, TaskStatus};

/// How many tasks one poll takes at most.
const POLL_COUNT_MAX: usize = 1_000;
/// How long one poll waits at most.
const POLL_WAIT_MAX: Duration = Duration::from_mins(1);

impl Handle {
    /// Gives a worker the next tasks of a queue, waiting for the first one; their secrets are real values.
    pub async fn poll(
        &self,
        who: &Owner,
        queue: Queue,
        worker_id: Option<String>,
        count: usize,
        patience: Duration,
    ) -> Result<Vec<Value>, Error> {
        if *who != Owner::Local {
            return Err(Error::Denied(format!("{who} may not poll for {}", queue.name)));
        }
        let until = self.now().plus(patience.min(POLL_WAIT_MAX));
        let count = count.clamp(1, POLL_COUNT_MAX);
        let polled = self.ask(|reply| Message::Poll(Poll { queue, worker_id, count, until, reply })).await?;
        let mut tasks = Vec::with_capacity(polled.len());
        for polled in &polled {
            tasks.extend(self.hand_off(polled).await?);
        }
        Ok(tasks)
    }

    /// Returns a task as its worker gets it: the references to secrets have become values, and before it leaves, the
    /// execution knows them and hides them. A task whose secrets its owner may not read fails, as it would here.
    async fn hand_off(&self, polled: &Polled) -> Result<Option<Value>, Error> {
        let execution = &polled.execution;
        let Some(run) = execution.run(polled.run) else { return Ok(None) };
        let mut task = view::task_json(execution, run);
        let snapshot = self.fresh();
        let owner = &execution.plan.pinned.owner;
        let name = &execution.plan.pinned.workflow.name;
        match executor::hand_off(execution.input(run).expose(), owner, name, &snapshot, &self.0.authority.policy()) {
            Ok(handed) => {
                if !handed.resolved.is_empty() {
                    self.step_on(execution.id, Input::Disclosed { values: handed.resolved }).await?;
                }
                if let Some(fields) = task.as_object_mut() {
                    fields.insert("inputData".to_owned(), handed.input);
                }
                Ok(Some(task))
            }
            Err(missing) => {
                let update = WorkerUpdate {
                    status: TaskStatus::Failed,
                    output: Payload::empty(),
                    reason: Some(missing.to_string()),
                    callback_after_seconds: 0,
                    worker_id: None,
                };
                self.step_on(execution.id, Input::Updated { run: polled.run, update }).await?;
                Ok(None)
            }
        }
    }

    /// Takes what a worker, or somebody in its place, says of a run.
    pub async fn update_task(
        &self,
        who: &Owner,
        execution: ExecutionId,
        run: RunNumber,
        update: WorkerUpdate,
    ) -> Result<(), Error> {
        if *who != Owner::Local {
            return Err(Error::Denied(format!("{who} may not update tasks")));
        }
        self.step(execution, Input::Updated { run, update }).await
    }

    /// Returns how many runs wait in each queue.
    pub async fn queue_sizes(&self) -> Result<Vec<(Queue, usize)>, Error> {
        self.ask(|reply| Message::Sizes { reply }).await
    }
}
