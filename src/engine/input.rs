use crate::engine::answer::{Outcome, WorkerUpdate};
use crate::engine::command::Quota;
use crate::engine::execution::{Execution, Run};
use crate::engine::family::{Kin, Origin};
use crate::engine::plan::PlannedTask;
use crate::words::{ExecutionId, Map, RunNumber, Sensitive, TaskId, Timestamp};
use crate::workflow::pinned::Pinned;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Something that happened and that an execution must deal with.
pub enum Input {
    /// Time passed: whatever is due happens.
    Tick,
    /// The executor answered.
    Outcome(Outcome),
    /// A worker took the run.
    Polled {
        /// The run.
        run: RunNumber,
        /// Which worker.
        worker_id: Option<String>,
    },
    /// Secrets are about to be handed to a worker: every view hides their values from now on.
    Disclosed {
        /// The values.
        values: Vec<Sensitive>,
    },
    /// A worker, or somebody in its place, reported on the run.
    Updated {
        /// The run.
        run: RunNumber,
        /// What it said.
        update: WorkerUpdate,
    },
    /// A worker still works for the run.
    Leased {
        /// The run.
        run: RunNumber,
    },
    /// Somebody asked for a change.
    Operation(Operation),
    /// The process that did the run's work is gone: a started call has an unknown outcome. Given once to every execution
    /// that is replayed at start, before its commands are released.
    Recovered,
    /// Another execution did something that concerns this one.
    Kin(Kin),
    /// A secret is free for which a call of this execution waits.
    Freed,
    /// There is room for this execution, which waits for others of its workflow.
    Admitted,
    /// There is a place for a run that waits for one.
    Placed {
        /// The run.
        run: RunNumber,
    },
}

impl Input {
    /// Returns the run that somebody reports on.
    pub const fn reported(&self) -> Option<RunNumber> {
        if let Self::Updated { run, .. } = self { Some(*run) } else { None }
    }
}

/// A change that somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Hold the execution.
    Pause,
    /// Let it go on.
    Resume,
    /// End it.
    Terminate {
        /// Why.
        reason: Option<String>,
    },
    /// End it as if it had failed: the workflow that the definition names for that starts.
    TerminateFailing {
        /// Why.
        reason: Option<String>,
    },
    /// Try the failed tasks of an ended execution again.
    Retry,
    /// The same, in the lowest sub-workflow that failed: what is above it goes on with it.
    RetryLowest,
    /// Make what an ended execution did again: from a task on, or all of it.
    Rerun(Box<Rerun>),
    /// Pass over a task that the flow has not come to.
    Skip(Box<Skip>),
    /// Offer at once what workers wanted back later.
    ResetCallbacks,
    /// Set variables.
    SetVariables {
        /// Those that change.
        variables: Map,
    },
    /// Start an ended execution from the beginning.
    Restart,
    /// The same, with another definition from now on.
    RestartAs(Box<Pinned>),
    /// Stop naming what was fetched and not stored as a problem.
    Dismiss,
}

/// How an ended execution is made again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rerun {
    /// The task to begin with; absent: all of it.
    pub from: Option<TaskId>,
    /// What that task takes.
    pub task_input: Option<Map>,
    /// What the execution takes.
    pub workflow_input: Option<Map>,
    /// The caller's name for what belongs together.
    pub correlation_id: Option<String>,
}

/// How a task is passed over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Skip {
    /// The task.
    pub reference: String,
    /// What it shows as its input.
    pub input: Map,
    /// What it gives.
    pub output: Map,
}

/// How an execution starts.
pub struct Start {
    /// Its id.
    pub execution: ExecutionId,
    /// What it takes, as it came from outside.
    pub input: Map,
    /// The caller's name for what belongs together.
    pub correlation_id: Option<String>,
    /// 0 to 99.
    pub priority: i32,
    /// Who started it, as people read it: `schedule:NAME`, `owner`, `app:NAME`.
    pub started_by: String,
    /// The schedule and the due time of the slot, where a schedule started it.
    pub slot: Option<(String, Timestamp)>,
    /// The workers' domains by task name.
    pub task_to_domain: BTreeMap<String, String>,
    /// A timeout where the definition has none.
    pub timeout: Option<Duration>,
    /// Where it comes from besides.
    pub origin: Origin,
}

/// What a turn of the dispatcher gives to the engine besides the input.
pub struct Turn<'a> {
    /// What time it is.
    pub now: Timestamp,
    /// What `${workflow.env.NAME}` gives.
    pub environment: &'a Map,
    /// How long an `UPDATE_SECRET` tries a store that is in trouble.
    pub store_retry: Duration,
    /// Whether calls may start: a process that is about to stop leaves them to the next.
    pub may_start: bool,
    /// The runs of the execution whose calls are under way in this process and are never cut, whatever became of the runs.
    pub under_way: &'a BTreeSet<RunNumber>,
    /// What it must know of other executions.
    pub others: Others<'a>,
}

/// What an execution must know of others.
#[derive(Clone, Copy)]
pub struct Others<'a> {
    /// The one, where there is one, whose call must be answered, and its value stored, before a call of a task.
    pub taken: &'a dyn Fn(&PlannedTask) -> Option<ExecutionId>,
    /// Whether another execution of a workflow, with a key, may run where so many may.
    pub has_room: &'a dyn Fn(&str, &str, usize) -> bool,
    /// Whether the limit of its definition lets a run begin now; it has its place then.
    pub admits: &'a dyn Fn(&Execution, &Run, &Quota) -> bool,
}

impl Others<'_> {
    /// There are none.
    pub const NONE: Others<'static> = Others { taken: &|_| None, has_room: &|_, _, _| true, admits: &|_, _, _| true };
}

/// A change that an execution does not take; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The execution has ended.
    #[error("workflow {execution} is {status}")]
    Ended {
        /// Which.
        execution: ExecutionId,
        /// How it ended.
        status: crate::words::WorkflowStatus,
    },
    /// The execution has not ended.
    #[error("workflow {0} is still running")]
    StillRunning(ExecutionId),
    /// The execution is not paused.
    #[error("workflow {0} is not paused")]
    NotPaused(ExecutionId),
    /// Nothing failed that could be tried again.
    #[error("There are no retryable tasks! Use restart if you want to attempt entire workflow execution again.")]
    NothingToRetry(ExecutionId),
    /// Its definition does not let it be restarted.
    #[error("workflow {0} is not restartable: its definition says so")]
    NotRestartable(ExecutionId),
    /// There is no such run.
    #[error("workflow {0} has no such task")]
    UnknownRun(ExecutionId),
    /// The execution is paused, or has ended, and only a running one takes it.
    #[error("workflow {0} is not running, so no task of it can be skipped")]
    NotRunning(ExecutionId),
    /// There is no such task.
    #[error("the workflow `{workflow}` has no task `{reference}`")]
    UnknownTask {
        /// The workflow.
        workflow: String,
        /// What was asked for.
        reference: String,
    },
    /// The flow has come to the task already.
    #[error("task `{0}` has already been processed, so it cannot be skipped")]
    AlreadyRun(String),
    /// The definition cannot run.
    #[error("{0}")]
    Malformed(String),
    /// The data are over a limit.
    #[error("{0}")]
    TooLarge(String),
    /// The data that it needs are gone.
    #[error("workflow {0} is archived: its `_secrets` are gone, so it cannot go on; start it anew")]
    Archived(ExecutionId),
}
