mod compile;

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::workflow::definition::{TaskDef, WorkflowTask};
use crate::workflow::pinned::{DefinitionHash, Pinned};

/// A pinned definition, ready to run: every task has an index, and what comes after it is known.
pub struct Plan {
    /// The definition.
    pub pinned: Pinned,
    /// Its hash.
    pub hash: DefinitionHash,
    /// Its tasks, those inside of others too, in the order of the text.
    pub tasks: Vec<PlannedTask>,
    /// The first task.
    pub first: TaskIndex,
    by_reference: HashMap<String, TaskIndex>,
}

/// Where a task is in [`Plan::tasks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskIndex(pub u32);

impl TaskIndex {
    /// Returns the position in [`Plan::tasks`].
    pub const fn position(self) -> usize {
        self.0 as usize
    }
}

/// One task of a [`Plan`].
pub struct PlannedTask {
    /// Where it is.
    pub index: TaskIndex,
    /// The task.
    pub task: WorkflowTask,
    /// How it behaves: its own task definition, else the one with its name.
    pub def: Option<TaskDef>,
    /// What comes after it in its list.
    pub next: Option<TaskIndex>,
    /// What it holds.
    pub ways: Ways,
    /// The JOINs that wait for it.
    pub joined_by: Vec<TaskIndex>,
    /// Whether its output feeds a secret of this definition.
    pub feeds_secret: bool,
    /// Whether its output provably feeds no secret, here or elsewhere: a call of unknown outcome may be repeated.
    pub may_repeat: bool,
    /// Where in its output the values are that feed a secret, as far as the definition says.
    pub leaves: Vec<String>,
    /// The UPDATE_SECRET tasks that may store what it gives.
    pub stored_by: BTreeSet<TaskIndex>,
}

/// The ways that lead on from inside a task.
pub enum Ways {
    /// It holds nothing.
    None,
    /// Its branches, by their first tasks; empty ones are left out.
    Fork(Vec<TaskIndex>),
    /// The cases by value, by their first tasks.
    Switch {
        /// The cases.
        cases: IndexMap<String, Option<TaskIndex>>,
        /// Where no case matches.
        otherwise: Option<TaskIndex>,
    },
    /// What it waits for.
    Join {
        /// The tasks.
        on: Vec<TaskIndex>,
        /// How many of its references name no task: it waits for them for ever, as Conductor does.
        unknown: usize,
    },
}

impl Plan {
    /// Returns the task at an index of this plan.
    pub fn task(&self, index: TaskIndex) -> Option<&PlannedTask> {
        self.tasks.get(index.position())
    }

    /// Returns the task with a reference name.
    pub fn by_reference(&self, reference: &str) -> Option<&PlannedTask> {
        self.task(*self.by_reference.get(reference)?)
    }
}

/// A definition that cannot run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// There is nothing to do.
    #[error("workflow {0} has no tasks")]
    NoTasks(String),
    /// Two tasks have one name.
    #[error("taskReferenceName `{0}` is not unique: give each task its own")]
    DuplicateReference(String),
    /// A FORK_JOIN has no JOIN after it.
    #[error("fork task `{0}` is not followed by a JOIN: add one after it")]
    ForkWithoutJoin(String),
    /// A FORK_JOIN has too many branches.
    #[error("fork task `{reference}` has {width} branches, at most {max} can run: split it")]
    ForkTooWide {
        /// Its reference.
        reference: String,
        /// How many.
        width: usize,
        /// How many can be.
        max: usize,
    },
}
