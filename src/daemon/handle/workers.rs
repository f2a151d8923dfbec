use std::time::Duration;

use serde_json::Value;

use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::message::{Message, Poll, Polled};
use crate::daemon::offers::Queue;
use crate::engine::{Input, WorkerUpdate, view};
use crate::executor;
use crate::words::{ExecutionId, Owner, RunNumber};

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
        Ok(polled.iter().map(|polled| self.hand_off(polled)).collect())
    }

    /// Returns a task as its worker gets it: the references to secrets have become values.
    fn hand_off(&self, polled: &Polled) -> Value {
        let execution = &polled.execution;
        let Some(run) = execution.run(polled.run) else { return Value::Null };
        let mut task = view::task_json(execution, run);
        let snapshot = self.0.store.snapshot();
        let owner = &execution.plan.pinned.owner;
        let name = &execution.plan.pinned.workflow.name;
        let handed = executor::hand_off(run.input.expose(), owner, name, &snapshot, &self.0.policy);
        if let (Ok(handed), Some(fields)) = (handed, task.as_object_mut()) {
            fields.insert("inputData".to_owned(), handed.input);
        }
        task
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
