mod compile;
mod growth;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::workflow::definition::{TaskDef, WorkflowTask};
use crate::workflow::pinned::{DefinitionHash, Pinned};
use crate::workflow::taken::Lent;
use growth::Growth;

/// A pinned definition, ready to run: every task has an index, and what comes after it is known.
///
/// An execution's own copy grows by the tasks that are known only at run time. A copy is cheap: it shares what it has.
#[derive(Clone)]
pub struct Plan {
    /// The definition.
    pub pinned: Arc<Pinned>,
    /// The hash of the definition that its executions begin with.
    pub hash: DefinitionHash,
    /// Its tasks, those inside of others too, in the order of the text.
    pub tasks: Arc<[PlannedTask]>,
    /// The first task.
    pub first: TaskIndex,
    /// Where in its input the values are that feed a secret, as far as the definition says.
    pub input_leaves: Arc<[String]>,
    /// Whether a call of it gives a secret a new value whose name is known.
    pub rotates: bool,
    /// Whether definitions of its tasks limit how many are under way or begin.
    pub limited: bool,
    by_reference: Arc<HashMap<String, TaskIndex>>,
    growth: Growth,
    /// What the execution began with, where a restart took another definition.
    began: Option<Arc<Plan>>,
}

/// Where a task is in [`Plan::tasks`], or after them where it was made at run time.
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
#[derive(Clone)]
pub struct PlannedTask {
    /// Where it is.
    pub index: TaskIndex,
    /// Under which index its runs are found: tasks of one reference share it.
    pub slot: TaskIndex,
    /// The task.
    pub task: WorkflowTask,
    /// How it behaves: its own task definition, else the one with its name.
    pub def: Option<TaskDef>,
    /// That definition as its maker lends it, where somebody else made it than the owner of the workflow.
    pub lent: Option<Arc<Lent>>,
    /// What comes after it in its list.
    pub next: Option<TaskIndex>,
    /// What it holds.
    pub ways: Ways,
    /// The JOINs that wait for it.
    pub joined_by: Vec<TaskIndex>,
    /// The innermost loop that holds it.
    pub in_loop: Option<TaskIndex>,
    /// Whether it is no task of the definition: a dynamic fork made it.
    pub is_generated: bool,
    /// Whether its output feeds a secret of this definition.
    pub feeds_secret: bool,
    /// Whether its output provably feeds no secret, here or elsewhere: a call of unknown outcome may be repeated.
    pub may_repeat: bool,
    /// Where in its output the values are that feed a secret, as far as the definition says.
    pub leaves: Vec<String>,
    /// The UPDATE_SECRET tasks that may store what it gives.
    pub stored_by: BTreeSet<TaskIndex>,
    /// The secrets that its call gives a new value, as far as the definition names them.
    pub rotates: Vec<String>,
}

/// The ways that lead on from inside a task.
#[derive(Clone)]
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
    /// The tasks of an iteration, by the first; none where there are none.
    Loop(Option<TaskIndex>),
    /// What it waits for.
    Join {
        /// The tasks.
        on: Vec<TaskIndex>,
        /// How many of its references name no task: it waits for them for ever, as Conductor does.
        unknown: usize,
        /// The dynamic fork whose branches it waits for to their ends.
        fork: Option<TaskIndex>,
    },
}

impl Plan {
    /// Returns the task at an index of this plan.
    pub fn task(&self, index: TaskIndex) -> Option<&PlannedTask> {
        self.tasks.get(index.position()).or_else(|| self.growth.task(index))
    }

    /// Returns the task with a reference name; of several that were made at run time, the last.
    pub fn by_reference(&self, reference: &str) -> Option<&PlannedTask> {
        let index = self.by_reference.get(reference).copied().or_else(|| self.growth.by_reference(reference));
        self.task(index?)
    }

    /// Returns how many tasks there are, with those that were made at run time.
    pub fn len(&self) -> usize {
        self.tasks.len() + self.growth.len()
    }

    /// Returns whether there are no tasks, which no plan is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
