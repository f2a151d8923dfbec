mod beginning;
mod ending;

use serde::{Deserialize, Serialize};

use crate::engine::answer::Answer;
use crate::engine::looping::Pin;
use crate::engine::plan::TaskIndex;
use crate::engine::script::Script;
use crate::words::{ExecutionId, Payload, RunNumber, Timestamp, WorkflowStatus, journaled};
use crate::workflow::pinned::Pinned;

pub use beginning::Beginning;
pub(super) use ending::optional_payload;
pub use ending::{Completion, Failure};

/// The format of [`Event`]: a change of what is written raises it. A reader takes its own and every older one, and refuses
/// a newer one rather than lose what it does not know. 2 adds `Response::raw`, and what
/// parents, children and reruns say; 3 what is leased, shared, polled and deferred.
pub const FORMAT: u8 = 3;

/// Something that happened in an execution. It carries all that it changes, so that a replay needs no clock.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(rename = "did")]
    pub fact: Fact,
}

/// What an [`Event`] says.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Fact {
    /// The execution started.
    Started(Box<Beginning>),
    /// A run was planned: what it takes is fixed, nothing was done for it yet.
    Scheduled(Box<Scheduling>),
    /// Work for the run begins: after a crash its outcome is unknown.
    RunStarted {
        /// The run.
        run: RunNumber,
        /// The worker that took it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker_id: Option<String>,
        /// For a WAIT: when it ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wake: Option<Timestamp>,
        /// When it has taken too long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_limit: Option<Timestamp>,
        /// When the worker has been silent for too long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silence_limit: Option<Timestamp>,
    },
    /// The moment for which the run waited has come.
    Due {
        /// The run.
        run: RunNumber,
    },
    /// What the URL answered does not meet the condition: it is asked again.
    Polled {
        /// The run.
        run: RunNumber,
        /// When.
        again: Timestamp,
    },
    /// Trouble of our own: the work is tried again.
    Troubled {
        /// The run.
        run: RunNumber,
        /// Why.
        reason: String,
        /// When it is tried again.
        again: Timestamp,
    },
    /// What the world said, raw: evidence.
    Answered {
        /// The run.
        run: RunNumber,
        /// What came back.
        answer: Answer,
    },
    /// A worker reported and keeps the task.
    Updated {
        /// The run.
        run: RunNumber,
        /// What it gave; it replaces what it gave before.
        #[serde(with = "journaled")]
        output: Payload,
        /// What it said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Which worker.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker_id: Option<String>,
        /// After how long it is offered again.
        callback_after_seconds: i64,
        /// Whether, and from when, it is offered to workers again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offered_from: Option<Timestamp>,
        /// When the worker has been silent for too long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silence_limit: Option<Timestamp>,
    },
    /// A worker said that it still works for the run, and nothing else.
    Leased {
        /// The run.
        run: RunNumber,
        /// When it has been silent for too long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silence_limit: Option<Timestamp>,
    },
    /// It shares a limit with others of its workflow.
    Shared {
        /// What those have in common.
        key: String,
        /// Whether it waits until there is room.
        waits: bool,
    },
    /// There is room for it.
    Admitted,
    /// A script is to be evaluated for the run; the sequence number of this event is the token of the answer.
    Asked {
        /// The run.
        run: RunNumber,
        /// The script.
        script: Box<Script>,
    },
    /// The script's answer came; what follows from it follows in the same commit.
    Evaluated {
        /// The run.
        run: RunNumber,
    },
    /// The run has ended; what follows from it waits for the scripts that are open.
    Deferred {
        /// The run.
        run: RunNumber,
    },
    /// What was deferred is seen to, in the same commit.
    Released,
    /// Something was noted in the run's input, as Conductor shows it there.
    Noted {
        /// The run.
        run: RunNumber,
        /// The fields.
        #[serde(with = "journaled")]
        fields: Payload,
    },
    /// The run ended well.
    Completed(Box<Completion>),
    /// The run ended badly.
    Failed(Box<Failure>),
    /// The run failed for good and is optional: it counts as completed with errors.
    Excused {
        /// The run.
        run: RunNumber,
    },
    /// The run failed for good and is permissive: the flow goes on and the workflow fails at its end.
    Permitted {
        /// The run.
        run: RunNumber,
    },
    /// The run ended because the workflow did.
    Canceled {
        /// The run.
        run: RunNumber,
    },
    /// A JOIN or a loop that had ended goes on.
    Reinstated {
        /// The run.
        run: RunNumber,
    },
    /// A loop begins an iteration.
    Iterated {
        /// The run.
        run: RunNumber,
        /// Which, from 1.
        iteration: i32,
        /// The list that it goes through, where it is another than before.
        #[serde(default, with = "optional_payload", skip_serializing_if = "Option::is_none")]
        items: Option<Payload>,
    },
    /// A loop lets go of its first iterations, and of what was taken and given in them.
    Dropped {
        /// The run.
        run: RunNumber,
        /// The last of them.
        until: i32,
    },
    /// The run's time has passed and it goes on all the same.
    RunOverdue {
        /// The run.
        run: RunNumber,
    },
    /// The execution's time has passed and it goes on all the same.
    Overdue,
    /// Variables changed.
    VariablesSet {
        /// Those that changed.
        #[serde(with = "journaled")]
        variables: Payload,
    },
    /// Values became known that every view of this execution hides.
    Masked {
        /// The values.
        values: Vec<String>,
    },
    /// Somebody holds the execution.
    Paused,
    /// Somebody lets it go on.
    Resumed,
    /// The ended execution goes on: what failed is tried again.
    Reopened {
        /// When it has taken too long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
    },
    /// The ended execution starts from the beginning.
    Restarted {
        /// When it has taken too long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
        /// The definition that it has from now on; absent: the one it had.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<Box<Pinned>>,
    },
    /// What was fetched and not stored is no problem any more.
    Dismissed,
    /// The run's sub-workflow runs: it started in the same commit.
    ChildStarted {
        /// The run.
        run: RunNumber,
        /// The execution of the sub-workflow.
        child: ExecutionId,
        /// The version that it has, where the definition leaves it open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<i32>,
    },
    /// The run had ended badly, and its sub-workflow goes on: it waits again.
    ChildReopened {
        /// The run.
        run: RunNumber,
    },
    /// The parent waits for this execution no more: from here on it goes its own way.
    Detached,
    /// The workflow that the definition names for a failure was started, or could not be.
    FailureWorkflow {
        /// Its id, or why there is none.
        said: String,
    },
    /// Runs count as not made: what follows is made again.
    Removed {
        /// The runs.
        runs: Vec<RunNumber>,
    },
    /// A loop that had ended goes on in one of its iterations.
    Rewound {
        /// The run of the loop.
        run: RunNumber,
        /// The iteration.
        iteration: i32,
    },
    /// The execution goes on with other data, and what failed before is forgiven.
    Amended {
        /// What it takes from here on.
        #[serde(default, with = "optional_payload", skip_serializing_if = "Option::is_none")]
        input: Option<Payload>,
        /// The caller's name for what belongs together.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correlation_id: Option<String>,
    },
    /// Somebody wants a task passed over that the flow has not come to.
    Skipped {
        /// The run that stands for it.
        run: RunNumber,
        /// The task.
        task: TaskIndex,
        /// What it shows as its input.
        #[serde(with = "journaled")]
        input: Payload,
        /// What it gives.
        #[serde(with = "journaled")]
        output: Payload,
    },
    /// The flow has come to a task that is passed over.
    Passed {
        /// The run that stands for it.
        run: RunNumber,
        /// The run that holds it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<RunNumber>,
    },
    /// The execution ended.
    Ended {
        /// How.
        status: WorkflowStatus,
        /// Whether the workflow that the definition names for a failure is left out.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        quiet: bool,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// What it gives.
        #[serde(with = "journaled")]
        output: Payload,
        /// The runs that had ended well in the same step and were not gone on from: a retry does.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<RunNumber>,
    },
}

/// How a run was planned.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// The run: the next number.
    pub run: RunNumber,
    /// Its task.
    pub task: TaskIndex,
    /// The run of the fork, SWITCH or loop that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<RunNumber>,
    /// Which attempt, from 0.
    #[serde(default)]
    pub attempt: u32,
    /// The attempt that failed before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<RunNumber>,
    /// Not before.
    pub not_before: Timestamp,
    /// The delay before it, in whole seconds, as Conductor shows it.
    #[serde(default)]
    pub delay_seconds: i64,
    /// What it takes, in stored form.
    #[serde(with = "journaled")]
    pub input: Payload,
    /// The reason of the attempt before it, which Conductor keeps showing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it has waited for a worker for too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_limit: Option<Timestamp>,
    /// When all its attempts together have taken too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_limit: Option<Timestamp>,
    /// For an UPDATE_SECRET: whether a part of what it is to store led to nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unresolved: bool,
    /// For a DYNAMIC: the name of the task that it becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<String>,
    /// For a dynamic fork: the list of the tasks that it starts, as templates.
    #[serde(default, with = "optional_payload", skip_serializing_if = "Option::is_none")]
    pub branches: Option<Payload>,
    /// For a loop: the list that it goes through.
    #[serde(default, with = "optional_payload", skip_serializing_if = "Option::is_none")]
    pub items: Option<Payload>,
    /// Where the input shows what a loop has given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pin>,
}
