//! What reaches the dispatcher, and what it answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::daemon::offers::{Queue, Queues};
use crate::daemon::slots::{Facts, Hold, Scheduled};
use crate::daemon::unwritten::Unwritten;
use crate::engine::{Execution, Input, Outcome, Plan, Rejected, Start};
use crate::journal::{Entry, OwnedChange, TaskLog};
use crate::words::{ExecutionId, Map, RunNumber, Timestamp, WorkflowStatus};

/// Where an answer goes. Nobody waiting for it any more is no error.
pub type Reply<T> = oneshot::Sender<T>;

/// Says of which workflows somebody may take runs.
pub type May = Box<dyn Fn(&str) -> bool + Send>;

/// Says whether who came in a while ago, and waits, would be let in again.
pub type Still = Box<dyn Fn() -> bool + Send>;

/// Something that the dispatcher must deal with.
pub enum Message {
    /// Somebody starts a workflow.
    Start {
        /// The definition.
        plan: Arc<Plan>,
        /// How it starts.
        start: Box<Start>,
        /// Told once the start is on disk.
        reply: Reply<Result<ExecutionId, Refused>>,
    },
    /// Something happened to an execution.
    Step {
        /// Which.
        execution: ExecutionId,
        /// What.
        input: Box<Input>,
        /// Told once the change is on disk.
        reply: Reply<Result<(), Refused>>,
    },
    /// The executor answered.
    Outcome(Outcome),
    /// A worker looks for work.
    Poll(Poll),
    /// Somebody reads a live execution; `None` where it is not live. A whole one that is read while it changes is copied for
    /// its next change, so who needs no runs says so.
    Read {
        /// Which.
        execution: ExecutionId,
        /// Whether with its runs.
        whole: bool,
        /// Told once everything before is on disk.
        reply: Reply<Option<Arc<Execution>>>,
    },
    /// Somebody wants to hear of every change of a live execution, until it has ended. Who went away makes room for the
    /// next, so that there are no more of them than doors have callers.
    Watch {
        /// Which.
        execution: ExecutionId,
        /// Gets the status after every commit that changes it; closed at once where it is not live.
        notices: mpsc::UnboundedSender<WorkflowStatus>,
    },
    /// Somebody asks which executions are live.
    Live {
        /// Their ids.
        reply: Reply<Vec<ExecutionId>>,
    },
    /// Somebody asks what the queues are like.
    Queues {
        /// For which workflows' runs.
        may: May,
        /// What they are like.
        reply: Reply<Queues>,
    },
    /// Somebody holds a schedule, or lets it go on.
    Hold {
        /// Which.
        schedule: String,
        /// What.
        hold: Hold,
        /// Told once it is on disk, whether there is such a schedule.
        reply: Reply<Result<bool, Refused>>,
    },
    /// Somebody asks when schedules fire next.
    Facts {
        /// Which.
        schedules: Vec<String>,
        /// In the same order.
        reply: Reply<Vec<Option<Facts>>>,
    },
    /// Somebody asks whose answers are not on disk; told whether or not the journal can be written.
    Unwritten {
        /// Whose.
        reply: Reply<Vec<Unwritten>>,
    },
    /// Somebody asks what is wrong with schedules and executions.
    Problems {
        /// What it is about, and a sentence.
        reply: Reply<Vec<(String, String)>>,
    },
    /// The schedules are these from now on.
    Schedules(Vec<Scheduled>),
    /// The API changes what it owns.
    Own {
        /// The changes.
        changes: Vec<OwnedChange>,
        /// Told once it is on disk.
        reply: Reply<Result<(), Refused>>,
    },
    /// The settings changed.
    Rules {
        /// What `${workflow.env.NAME}` gives.
        environment: Map,
        /// How long an `UPDATE_SECRET` tries a store that is in trouble.
        store_retry: Duration,
    },
    /// Somebody logs a line for a run.
    Log {
        /// The line.
        log: TaskLog,
        /// Told once it is on disk.
        reply: Reply<Result<(), Refused>>,
    },
    /// Somebody asks for something that the audit tells of, in the same commit.
    Audited {
        /// Where it is asked from.
        from: Option<String>,
        /// What the audit says; where it is not done, that it was not.
        entries: Vec<Entry>,
        /// What is asked.
        message: Box<Message>,
    },
    /// The audit says something before it is done, or that it was refused.
    Audit {
        /// What.
        entries: Vec<Entry>,
        /// Told once it is on disk.
        reply: Reply<Result<(), Refused>>,
    },
    /// Somebody wants in the audit what commands noted beside the journal.
    Notes {
        /// Told once it is on disk.
        reply: Reply<Result<(), Refused>>,
    },
    /// Somebody wants an ended execution gone.
    Remove(Removal),
    /// No new slots, no new tasks: the process is about to stop.
    Drain,
    /// The last message: the loop ends once it is dealt with.
    Stop,
}

/// A worker that looks for work and may wait for it.
pub struct Poll {
    /// Where it looks.
    pub queue: Queue,
    /// Which worker.
    pub worker_id: Option<String>,
    /// How many tasks it takes.
    pub count: usize,
    /// How long it waits.
    pub until: Timestamp,
    /// For which workflows it works.
    pub may: May,
    /// The tasks it got.
    pub reply: Reply<Vec<Polled>>,
}

/// An execution that somebody wants gone.
pub struct Removal {
    /// Which.
    pub execution: ExecutionId,
    /// Told once it is gone.
    pub reply: Reply<Result<(), Refused>>,
}

/// A task that a worker took.
pub struct Polled {
    /// Its execution.
    pub execution: Arc<Execution>,
    /// Its run.
    pub run: RunNumber,
}

/// Why a request was not taken; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such execution.
    #[error("no such workflow found by id: {0}")]
    NoSuchExecution(ExecutionId),
    /// The execution does not take it.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The execution holds what nothing else holds.
    #[error("workflow {0} fetched something that could not be stored: rescue it, or dismiss it first")]
    Unstored(ExecutionId),
    /// The execution waits for somebody to find out what its call did; the answer may still come.
    #[error("workflow {0} is in doubt: look at the issuer, then retry it, or dismiss it first")]
    InDoubt(ExecutionId),
    /// There is an execution with this id already.
    #[error("workflow {0} has been started already")]
    AlreadyStarted(ExecutionId),
    /// The idempotency key of the start has been used.
    #[error("workflow {0} was started with this idempotency key already")]
    KeyUsed(ExecutionId),
    /// The execution's rows cannot be read or do not fit.
    #[error("workflow {execution} is quarantined: {reason}")]
    Quarantined {
        /// Which.
        execution: ExecutionId,
        /// What is wrong with it.
        reason: String,
    },
    /// The journal did not take it: it is not done.
    #[error("the journal cannot be written, so nothing was done: {0}")]
    Unavailable(String),
    /// The process is about to stop.
    #[error("keytide is stopping; try again when it runs")]
    Stopping,
}
