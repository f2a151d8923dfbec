//! People and workers: what they ask, in the middle of everything.

use std::collections::BTreeMap;

use keytide::daemon::{Hold, Message, Poll, Queue};
use keytide::engine::{Input, Operation, Origin, Start, WorkerUpdate};
use keytide::words::{ExecutionId, Map, Payload, TaskStatus};
use serde_json::json;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::plans::{QUEUE, SKIPPING, startable};
use crate::world::{Waiting, World};

impl World {
    pub(crate) fn start(&mut self) {
        self.starts += 1;
        let id = ExecutionId::new(Uuid::from_u128((u128::from(self.seed) << 64) | u128::from(self.starts)));
        let plan = startable()[self.dice.roll(startable().len())].clone();
        self.say(|| format!("start {} {id}", plan.pinned.workflow.name));
        let start = Box::new(Start {
            execution: id,
            input: Map::new(),
            correlation_id: None,
            priority: 0,
            started_by: "owner".to_owned(),
            slot: None,
            task_to_domain: BTreeMap::new(),
            timeout: None,
            origin: Origin::default(),
        });
        let (reply, answer) = oneshot::channel();
        self.waiting.push(Waiting::Start(answer));
        self.inbox.push(Message::Start { plan, start, reply });
    }

    pub(crate) fn step(&mut self, execution: ExecutionId, input: Input) {
        let (reply, _) = oneshot::channel();
        self.inbox.push(Message::Step { execution, input: Box::new(input), reply });
    }

    pub(crate) fn operate(&mut self) {
        let Some(execution) = self.any_execution() else { return };
        let operation = match self.dice.roll(15) {
            0..=2 => Operation::Pause,
            3..=5 => Operation::Resume,
            6 => Operation::Terminate { reason: None },
            7..=9 => Operation::Retry,
            10 => Operation::Restart,
            11 => Operation::RetryLowest,
            12 => Operation::Rerun(Box::default()),
            13 => self.changed(execution),
            _ => Operation::Dismiss,
        };
        self.say(|| format!("{operation:?} {execution}"));
        match operation {
            Operation::Retry
            | Operation::RetryLowest
            | Operation::Restart
            | Operation::RestartAs(_)
            | Operation::Rerun(_) => {
                *self.asked.entry(self.root_of(execution)).or_default() += 1;
            }
            Operation::Dismiss => drop(self.dismissed.insert(execution)),
            Operation::Pause
            | Operation::Resume
            | Operation::Terminate { .. }
            | Operation::TerminateFailing { .. }
            | Operation::Skip(_)
            | Operation::ResetCallbacks
            | Operation::SetVariables { .. } => {}
        }
        self.step(execution, Input::Operation(operation));
    }

    /// A restart with a definition that has one task more by now.
    fn changed(&self, execution: ExecutionId) -> Operation {
        let Some(known) = self.on_disk(execution) else { return Operation::Restart };
        let mut pinned = (*known.plan.pinned).clone();
        let reference = format!("new_{}", pinned.workflow.tasks.len());
        let task = json!({"name": reference, "taskReferenceName": reference, "type": "NOOP"});
        pinned.workflow.tasks.push(serde_json::from_value(task).unwrap());
        Operation::RestartAs(Box::new(pinned))
    }

    fn any_execution(&mut self) -> Option<ExecutionId> {
        let at = self.dice.roll(self.seen.len());
        self.seen.iter().nth(at).copied()
    }

    pub(crate) fn hold(&mut self) {
        let hold = if self.dice.once_in(2) { Hold::Pause(None) } else { Hold::Resume };
        let (reply, _) = oneshot::channel();
        self.inbox.push(Message::Hold { schedule: SKIPPING.to_owned(), hold, reply });
    }

    /// A worker looks for work, or reports on what it holds.
    pub(crate) fn visit(&mut self) {
        if self.taken.is_empty() || (self.dice.once_in(3) && !self.kind) {
            let (reply, answer) = oneshot::channel();
            self.waiting.push(Waiting::Poll(answer));
            let queue = Queue { name: QUEUE.to_owned(), domain: None };
            return self.inbox.push(Message::Poll(Poll {
                queue,
                worker_id: None,
                count: 2,
                until: self.now,
                may: Box::new(|_| true),
                reply,
            }));
        }
        let at = self.dice.roll(self.taken.len());
        let (execution, run) = self.taken.swap_remove(at);
        let status = match self.dice.roll(8) {
            _ if self.kind => TaskStatus::Completed,
            0 => TaskStatus::Failed,
            1 => TaskStatus::InProgress,
            2 => TaskStatus::FailedWithTerminalError,
            _ => TaskStatus::Completed,
        };
        if status == TaskStatus::InProgress {
            self.given.remove(&(execution, run));
        }
        self.say(|| format!("worker reports {status} on {execution} {run}"));
        let output = Payload::new(json!({"v": self.dice.roll(3)}));
        let update = WorkerUpdate { status, output, reason: None, callback_after_seconds: 3, worker_id: None };
        self.step(execution, Input::Updated { run, update });
    }
}
