//! The tasks that an execution's plan grows by: those of dynamic forks, and what a DYNAMIC task becomes.

use std::collections::HashMap;
use std::sync::Arc;

use super::compile::Compiler;
use super::{Malformed, Plan, PlannedTask, TaskIndex, Ways};
use crate::engine::limits::FORK_WIDTH;
use crate::workflow::definition::{TaskType, WorkflowTask};
use crate::workflow::flow::{feeding_inside, names_outside};

/// Tasks that were made at run time, in blocks of growing size: so a copy shares all of them, and adding to one costs what
/// is added.
#[derive(Clone, Default)]
pub(super) struct Growth(Vec<Arc<Block>>);

#[derive(Clone)]
struct Block {
    first: u32,
    tasks: Vec<Arc<PlannedTask>>,
    by_reference: HashMap<String, TaskIndex>,
}

impl Growth {
    pub(super) fn task(&self, index: TaskIndex) -> Option<&PlannedTask> {
        let after = self.0.partition_point(|block| block.first <= index.0);
        let block = self.0.get(after.checked_sub(1)?)?;
        block.tasks.get((index.0 - block.first) as usize).map(Arc::as_ref)
    }

    pub(super) fn by_reference(&self, reference: &str) -> Option<TaskIndex> {
        self.0.iter().rev().find_map(|block| block.by_reference.get(reference).copied())
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|block| block.tasks.len()).sum()
    }

    /// Adds a block, together with those before it that are no larger: there are never more than a few.
    fn add(&mut self, mut block: Block) {
        while let Some(last) = self.0.pop_if(|last| last.tasks.len() <= block.tasks.len()) {
            let mut merged = Arc::unwrap_or_clone(last);
            merged.tasks.append(&mut block.tasks);
            merged.by_reference.extend(block.by_reference.drain());
            block = merged;
        }
        self.0.push(Arc::new(block));
    }
}

/// Under which name a [`Block`] finds what a DYNAMIC task became.
fn became(reference: &str, name: &str) -> String {
    format!("{reference}\u{0}{name}")
}

impl Plan {
    /// Returns the plan with the branches of a dynamic fork, and the fork as it is now: followed by a JOIN of its own that
    /// waits for them.
    ///
    /// Tasks with the reference of an earlier one are left out, as Conductor leaves them out.
    pub fn with_branches(&self, fork: TaskIndex, branches: &[WorkflowTask]) -> Result<(Self, TaskIndex), Malformed> {
        let known = &self.task(fork).expect("the fork is a task of this plan");
        let reference = &known.task.task_reference_name;
        if branches.len() > FORK_WIDTH {
            let width = branches.len();
            return Err(Malformed::ForkTooWide { reference: reference.clone(), width, max: FORK_WIDTH });
        }
        let join = known.next.and_then(|next| self.task(next));
        let join = join.ok_or_else(|| Malformed::ForkWithoutJoin(reference.clone()))?;
        let first = self.next_index();
        let (fork_at, join_at) = (first, TaskIndex(first.0 + 1));
        let mut compiler = Compiler::after(self, first.0);
        compiler.in_loop = known.in_loop;
        compiler.tasks.push(PlannedTask { index: fork_at, next: Some(join_at), ..(*known).clone() });
        compiler.tasks.push(PlannedTask { index: join_at, ..join.clone() });
        let mut on = Vec::new();
        let references: Vec<_> = branches.iter().map(|task| task.task_reference_name.clone()).collect();
        let outside = names_outside(branches, |name| self.by_reference(name).is_some());
        for branch in branches {
            if compiler.by_reference.contains_key(&branch.task_reference_name) {
                continue;
            }
            let start = compiler.tasks.len();
            let index = compiler.branch(branch)?;
            on.push(index);
            compiler.tasks[index.position() - first.position()].joined_by.push(join_at);
            compiler.inherit(start, known, branch, outside);
        }
        compiler.join();
        compiler.tasks[0].ways = Ways::Fork(on.clone());
        compiler.tasks[1].ways = Ways::Join { on, unknown: 0, fork: Some(fork_at) };
        compiler.tasks[1].task.join_on = references;
        Ok((self.grown(compiler), fork_at))
    }

    /// Returns the plan with a DYNAMIC task as the one that its input names, and where that is.
    pub fn with_named(&self, dynamic: TaskIndex, name: &str) -> (Self, TaskIndex) {
        let known = self.task(dynamic).expect("the task is one of this plan");
        let key = became(&known.task.task_reference_name, name);
        if let Some(index) = self.growth.by_reference(&key) {
            return (self.clone(), index);
        }
        let index = self.next_index();
        let mut planned = PlannedTask { index, ..known.clone() };
        planned.task.task_type = named_type(name);
        name.clone_into(&mut planned.task.name);
        let mut compiler = Compiler::after(self, index.0);
        compiler.tasks.push(planned);
        compiler.by_reference.insert(key, index);
        (self.grown(compiler), index)
    }

    /// Returns the plan as it was before an execution made it grow.
    pub fn without_growth(self: Arc<Self>) -> Arc<Self> {
        if let Some(began) = &self.began {
            return began.clone();
        }
        if self.growth.0.is_empty() {
            return self;
        }
        Arc::new(Self { growth: Growth::default(), ..Self::clone(&self) })
    }

    fn next_index(&self) -> TaskIndex {
        TaskIndex(u32::try_from(self.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn grown(&self, compiler: Compiler<'_>) -> Self {
        let Compiler { tasks, by_reference, first, .. } = compiler;
        let mut plan = self.clone();
        plan.rotates |= tasks.iter().any(|task| !task.rotates.is_empty());
        plan.limited |= tasks.iter().any(|task| task.quota().is_some());
        plan.growth.add(Block { first, tasks: tasks.into_iter().map(Arc::new).collect(), by_reference });
        plan
    }
}

/// Returns the type of a task that is known by a name only: a type of ours, or a worker's task. Containers have no tasks to
/// hold then, so they are left to workers, but for those that choose a way: as on Conductor, they end without one.
fn named_type(name: &str) -> TaskType {
    match TaskType::from(name) {
        TaskType::Other(_) => TaskType::Simple,
        known @ (TaskType::Switch | TaskType::Decision) => known,
        known if known.is_structure() => TaskType::Simple,
        known => known,
    }
}

impl Compiler<'_> {
    /// Notes what the tasks of a branch feed: what the fork's branches are known to feed, and what they feed each other. A
    /// branch that reads tasks nobody knows here may feed anything.
    fn inherit(&mut self, start: usize, fork: &PlannedTask, branch: &WorkflowTask, outside: bool) {
        let flow = feeding_inside(branch);
        let stores: Vec<_> = self.tasks[start..]
            .iter()
            .filter(|planned| planned.task.task_type == TaskType::UpdateSecret)
            .map(|planned| planned.index)
            .collect();
        for planned in &mut self.tasks[start..] {
            let reference = planned.task.task_reference_name.clone();
            let inside = flow.refs.contains(&reference);
            planned.is_generated = true;
            if let Some(def) = planned.def.as_mut().filter(|_| planned.task.task_definition.is_some()) {
                // It came as data with its task: what data names is nobody's to take.
                def.runtime_metadata.clear();
            }
            planned.feeds_secret = inside || outside || fork.feeds_secret;
            planned.may_repeat = !outside && fork.may_repeat && flow.may_repeat(&reference);
            planned.leaves = flow.leaves.get(&reference).into_iter().flatten().cloned().collect();
            planned.leaves.extend(fork.leaves.iter().filter_map(|leaf| below(leaf, &reference)));
            planned.rotate(&flow);
            planned.stored_by.clone_from(&fork.stored_by);
            if inside || outside {
                planned.stored_by.extend(&stores);
            }
        }
    }
}

/// Returns what a leaf of a fork's branches is in the output of one of them.
fn below(leaf: &str, reference: &str) -> Option<String> {
    if leaf.is_empty() {
        return Some(String::new());
    }
    let rest = leaf.strip_prefix(reference)?;
    if rest.is_empty() { Some(String::new()) } else { rest.strip_prefix('.').map(str::to_owned) }
}
