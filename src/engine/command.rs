use std::sync::Arc;
use std::time::Duration;

use crate::engine::plan::{Plan, TaskIndex};
use crate::engine::script::Question;
use crate::words::{ExecutionId, Owner, Payload, RunNumber, TaskId, Timestamp, TraceId};
use crate::workflow::definition::TaskType;
use crate::workflow::taken::Lent;

/// What an execution owes the world. It is released after the commit that holds its reason, and found again by
/// [`outstanding`](crate::engine::outstanding).
pub enum Command {
    /// See whether what the run will fetch could be stored; answered by `Ready` or `Trouble`.
    Preflight(Assignment),
    /// Do the work; answered by an [`Outcome`](crate::engine::Outcome).
    Perform(Assignment),
    /// Have the run wait in its queue until a worker polls for it.
    Offer(Offer),
    /// Evaluate a script; answered by `Evaluated` with the question's token.
    Evaluate(Box<Question>),
    /// Stop what is done for the run: its answer matters to nobody. Never given for a call that may fetch a secret.
    Abandon {
        /// The execution.
        execution: ExecutionId,
        /// Its run.
        run: RunNumber,
    },
    /// Take the run out of its queue.
    Withdraw {
        /// The execution.
        execution: ExecutionId,
        /// Its run.
        run: RunNumber,
    },
}

/// Work for the executor.
#[derive(Clone)]
pub struct Assignment {
    /// The execution that asks.
    pub execution: ExecutionId,
    /// The trace that its calls belong to.
    pub trace: TraceId,
    /// The run that asks: the token of the answer.
    pub run: RunNumber,
    /// The definition it runs, with its owner, whose rights count.
    pub plan: Arc<Plan>,
    /// Whose rights count.
    pub owner: Owner,
    /// Which task of the plan.
    pub task: TaskIndex,
    /// The reference of the task; in a loop with its iteration.
    pub reference: String,
    /// Which attempt, from 0.
    pub attempt: u32,
    /// The input in stored form: secrets are references.
    pub input: Payload,
    /// Whether what it fetches feeds a secret, here or perhaps elsewhere: such a call is never cut.
    pub feeds_secret: bool,
    /// Whether a part of the value that is to be stored led to nothing.
    pub unresolved: bool,
}

impl Assignment {
    /// Returns what kind of work it is.
    pub fn task_type(&self) -> &TaskType {
        let planned = self.plan.task(self.task).expect("it was made from this plan");
        &planned.task.task_type
    }

    /// Returns the definition of the task, where somebody else made it than the owner of the workflow.
    pub fn lent(&self) -> Option<&Lent> {
        self.plan.task(self.task).expect("it was made from this plan").lent.as_deref()
    }

    /// Returns the name of the workflow.
    pub fn workflow_name(&self) -> &str {
        &self.plan.pinned.workflow.name
    }
}

/// A run that waits for a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The execution.
    pub execution: ExecutionId,
    /// Its run.
    pub run: RunNumber,
    /// The id that the worker answers with.
    pub task_id: TaskId,
    /// What workers poll for.
    pub queue: String,
    /// The domains that the start request chose for it: the first in which a worker is, else the last. `None` is no domain.
    pub domains: Vec<Option<String>>,
    /// What its definition limits.
    pub quota: Option<Quota>,
    /// Higher goes first.
    pub priority: i32,
    /// Not before.
    pub not_before: Timestamp,
}

/// How many tasks of one definition workers may have at once and get in a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The definition.
    pub name: String,
    /// How many at once; 0: any number.
    pub at_once: usize,
    /// How many in each window; 0: any number.
    pub starts: usize,
    /// The length of the window.
    pub window: Duration,
}
