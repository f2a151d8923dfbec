//! From a definition to a plan: indexes, `next` pointers, and what feeds which secret.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::growth::Growth;
use super::{Malformed, Pinned, Plan, PlannedTask, TaskIndex, Ways};
use crate::engine::limits::FORK_WIDTH;
use crate::workflow::definition::{TaskType, WorkflowDef, WorkflowTask};
use crate::workflow::flow::{Feeding, feeding};
use crate::workflow::taken::Lent;

impl Plan {
    /// Prepares a definition.
    pub fn compile(pinned: Pinned) -> Result<Self, Malformed> {
        let mut compiler = Compiler::new(&pinned);
        let first =
            compiler.list(&pinned.workflow.tasks)?.ok_or_else(|| Malformed::NoTasks(pinned.workflow.name.clone()))?;
        compiler.join();
        compiler.feed(&pinned.workflow);
        let Compiler { tasks, by_reference, input_leaves, .. } = compiler;
        Ok(Self {
            hash: pinned.hash(),
            rotates: tasks.iter().any(|task| !task.rotates.is_empty()),
            limited: tasks.iter().any(|task| task.quota().is_some()),
            tasks: tasks.into(),
            first,
            by_reference: Arc::new(by_reference),
            input_leaves: input_leaves.into(),
            growth: Growth::default(),
            began: None,
            pinned: Arc::new(pinned),
        })
    }

    /// Returns the plan with another definition in its place: its tasks come after those of this one, which runs from before
    /// still name. Tasks of one reference stand for one another.
    pub fn with_definition(self: &Arc<Self>, pinned: Pinned) -> Result<Self, Malformed> {
        let next = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let mut compiler = Compiler { before: Some(self), first: next, ..Compiler::new(&pinned) };
        let first =
            compiler.list(&pinned.workflow.tasks)?.ok_or_else(|| Malformed::NoTasks(pinned.workflow.name.clone()))?;
        compiler.join();
        compiler.feed(&pinned.workflow);
        let input_leaves = std::mem::take(&mut compiler.input_leaves).into();
        let mut by_reference = HashMap::clone(&self.by_reference);
        by_reference.extend(compiler.by_reference.iter().map(|(reference, index)| (reference.clone(), *index)));
        let mut plan = self.grown(compiler);
        plan.began = Some(self.began.clone().unwrap_or_else(|| Arc::clone(self).without_growth()));
        plan.first = first;
        plan.by_reference = Arc::new(by_reference);
        plan.input_leaves = input_leaves;
        plan.pinned = Arc::new(pinned);
        Ok(plan)
    }
}

/// Makes the tasks of a plan, or of what one grows by.
pub(super) struct Compiler<'a> {
    pinned: &'a Pinned,
    /// The plan that grows.
    before: Option<&'a Plan>,
    /// The index of the first task that is made.
    pub(super) first: u32,
    pub(super) tasks: Vec<PlannedTask>,
    pub(super) by_reference: HashMap<String, TaskIndex>,
    /// The loop whose tasks are made.
    pub(super) in_loop: Option<TaskIndex>,
    input_leaves: Vec<String>,
}

impl<'a> Compiler<'a> {
    fn new(pinned: &'a Pinned) -> Self {
        Self {
            pinned,
            before: None,
            first: 0,
            tasks: Vec::new(),
            by_reference: HashMap::new(),
            in_loop: None,
            input_leaves: Vec::new(),
        }
    }

    /// Makes tasks that follow those of a plan.
    pub(super) fn after(plan: &'a Plan, first: u32) -> Self {
        Self { before: Some(plan), first, ..Self::new(&plan.pinned) }
    }

    fn at(&mut self, index: TaskIndex) -> &mut PlannedTask {
        &mut self.tasks[(index.0 - self.first) as usize]
    }

    /// Takes a branch of one task.
    pub(super) fn branch(&mut self, task: &WorkflowTask) -> Result<TaskIndex, Malformed> {
        let first = self.list(std::slice::from_ref(task))?;
        Ok(first.expect("a list of one task has a first"))
    }

    /// Takes a list of tasks and returns the first.
    fn list(&mut self, tasks: &[WorkflowTask]) -> Result<Option<TaskIndex>, Malformed> {
        let mut first = None;
        let mut previous: Option<TaskIndex> = None;
        for (position, task) in tasks.iter().enumerate() {
            let fork_ends_badly = matches!(task.task_type, TaskType::ForkJoin)
                && tasks.get(position + 1).is_none_or(|next| next.task_type != TaskType::Join);
            if fork_ends_badly {
                return Err(Malformed::ForkWithoutJoin(task.task_reference_name.clone()));
            }
            let index = self.task(task)?;
            match previous {
                Some(previous) => self.at(previous).next = Some(index),
                None => first = Some(index),
            }
            previous = Some(index);
        }
        Ok(first)
    }

    fn task(&mut self, task: &WorkflowTask) -> Result<TaskIndex, Malformed> {
        let index = TaskIndex(self.first + u32::try_from(self.tasks.len()).unwrap_or(u32::MAX));
        let reference = &task.task_reference_name;
        if self.by_reference.insert(reference.clone(), index).is_some() {
            return Err(Malformed::DuplicateReference(reference.clone()));
        }
        let earlier = self.before.and_then(|plan| plan.by_reference(reference));
        let named = self.pinned.task_defs.get(&task.name).filter(|_| task.task_definition.is_none());
        let lent = named.and_then(|def| Some(Lent::by(self.pinned.makers.get(&task.name)?, def)));
        self.tasks.push(PlannedTask {
            index,
            slot: earlier.map_or(index, |earlier| earlier.slot),
            def: task.task_definition.as_ref().or(named).cloned(),
            lent: lent.map(Arc::new),
            task: task.clone(),
            next: None,
            ways: Ways::None,
            joined_by: Vec::new(),
            in_loop: self.in_loop,
            is_generated: false,
            feeds_secret: false,
            may_repeat: true,
            leaves: Vec::new(),
            stored_by: BTreeSet::new(),
            rotates: Vec::new(),
        });
        let around = self.in_loop;
        if task.task_type == TaskType::DoWhile {
            self.in_loop = Some(index);
        }
        self.at(index).ways = self.ways(task)?;
        self.in_loop = around;
        Ok(index)
    }

    fn ways(&mut self, task: &WorkflowTask) -> Result<Ways, Malformed> {
        Ok(match &task.task_type {
            TaskType::ForkJoin => Ways::Fork(self.branches(task)?),
            TaskType::Switch | TaskType::Decision => {
                let mut cases = indexmap::IndexMap::new();
                for (value, tasks) in &task.decision_cases {
                    cases.insert(value.clone(), self.list(tasks)?);
                }
                Ways::Switch { cases, otherwise: self.list(&task.default_case)? }
            }
            TaskType::DoWhile => Ways::Loop(self.list(&task.loop_over)?),
            TaskType::Join => Ways::Join { on: Vec::new(), unknown: 0, fork: None },
            _ => Ways::None,
        })
    }

    fn branches(&mut self, task: &WorkflowTask) -> Result<Vec<TaskIndex>, Malformed> {
        let width = task.fork_tasks.len();
        if width > FORK_WIDTH {
            return Err(Malformed::ForkTooWide { reference: task.task_reference_name.clone(), width, max: FORK_WIDTH });
        }
        let mut branches = Vec::with_capacity(width);
        for tasks in &task.fork_tasks {
            branches.extend(self.list(tasks)?);
        }
        Ok(branches)
    }

    /// Tells each JOIN what it waits for, and each task who waits for it.
    pub(super) fn join(&mut self) {
        for position in 0..self.tasks.len() {
            if self.tasks[position].task.task_type == TaskType::ExclusiveJoin {
                self.join_exclusively(position);
            }
            if !matches!(self.tasks[position].ways, Ways::Join { .. }) {
                continue;
            }
            let references: BTreeSet<_> = self.tasks[position].task.join_on.iter().collect();
            let on: Vec<_> =
                references.iter().filter_map(|name| self.by_reference.get(name.as_str()).copied()).collect();
            let unknown = references.len() - on.len();
            let join = self.tasks[position].index;
            for task in &on {
                self.at(*task).joined_by.push(join);
            }
            self.tasks[position].ways = Ways::Join { on, unknown, fork: None };
        }
    }

    /// Tells the tasks that an EXCLUSIVE_JOIN may take to look at it when they end.
    fn join_exclusively(&mut self, position: usize) {
        let PlannedTask { index, task, .. } = &self.tasks[position];
        let references = task.join_on.iter().chain(&task.default_exclusive_join_task);
        let on: BTreeSet<_> = references.filter_map(|name| self.by_reference.get(name).copied()).collect();
        let join = *index;
        for task in on {
            self.at(task).joined_by.push(join);
        }
    }

    /// Notes whose output feeds a secret, and which tasks store it.
    fn feed(&mut self, workflow: &WorkflowDef) {
        let flow = feeding(&workflow.tasks, &workflow.output_parameters);
        self.input_leaves = flow.inputs.iter().cloned().collect();
        for planned in &mut self.tasks {
            let reference = &planned.task.task_reference_name;
            planned.feeds_secret = flow.refs.contains(reference);
            planned.may_repeat = flow.may_repeat(reference);
            planned.leaves = flow.leaves.get(reference).into_iter().flatten().cloned().collect();
            planned.rotate(&flow);
        }
        let stores = self.tasks.iter().filter(|planned| planned.task.task_type == TaskType::UpdateSecret);
        let stores: Vec<_> = stores.map(|store| (store.index, store.task.task_reference_name.clone())).collect();
        for (index, reference) in stores {
            let mut tasks = workflow.tasks.clone();
            keep_one_store(&mut tasks, &reference);
            for source in feeding(&tasks, &workflow.output_parameters).refs {
                if let Some(source) = self.by_reference.get(&source).copied() {
                    self.at(source).stored_by.insert(index);
                }
            }
        }
    }
}

impl PlannedTask {
    /// Notes the secrets that its call gives a new value.
    pub(super) fn rotate(&mut self, flow: &Feeding) {
        let is_call = self.task.task_type.is_http();
        let secrets = flow.secrets.get(&self.task.task_reference_name).filter(|_| is_call);
        self.rotates = secrets.into_iter().flatten().cloned().collect();
    }
}

/// Makes every UPDATE_SECRET but one a NOOP, so that what feeds that one can be told from what feeds the others.
fn keep_one_store(tasks: &mut [WorkflowTask], kept: &str) {
    for task in tasks {
        if task.task_type == TaskType::UpdateSecret && task.task_reference_name != kept {
            task.task_type = TaskType::Noop;
        }
        task.fork_tasks.iter_mut().for_each(|branch| keep_one_store(branch, kept));
        task.decision_cases.values_mut().for_each(|case| keep_one_store(case, kept));
        keep_one_store(&mut task.default_case, kept);
        keep_one_store(&mut task.loop_over, kept);
    }
}
