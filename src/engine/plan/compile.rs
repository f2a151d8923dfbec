//! From a definition to a plan: indexes, `next` pointers, and what feeds which secret.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Malformed, Pinned, Plan, PlannedTask, TaskIndex, Ways};
use crate::engine::limits::FORK_WIDTH;
use crate::workflow::definition::{TaskDef, TaskType, WorkflowDef, WorkflowTask};
use crate::workflow::flow::feeding;

impl Plan {
    /// Prepares a definition.
    pub fn compile(pinned: Pinned) -> Result<Self, Malformed> {
        let mut compiler = Compiler { task_defs: &pinned.task_defs, tasks: Vec::new(), by_reference: HashMap::new() };
        let first =
            compiler.list(&pinned.workflow.tasks)?.ok_or_else(|| Malformed::NoTasks(pinned.workflow.name.clone()))?;
        compiler.join();
        compiler.feed(&pinned.workflow);
        let Compiler { tasks, by_reference, .. } = compiler;
        Ok(Self { hash: pinned.hash(), tasks, first, by_reference, pinned })
    }
}

struct Compiler<'a> {
    task_defs: &'a BTreeMap<String, TaskDef>,
    tasks: Vec<PlannedTask>,
    by_reference: HashMap<String, TaskIndex>,
}

impl Compiler<'_> {
    /// Takes a list of tasks and returns the first.
    fn list(&mut self, tasks: &[WorkflowTask]) -> Result<Option<TaskIndex>, Malformed> {
        let mut first = None;
        let mut previous: Option<TaskIndex> = None;
        for (position, task) in tasks.iter().enumerate() {
            let fork_ends_badly = task.task_type == TaskType::ForkJoin
                && tasks.get(position + 1).is_none_or(|next| next.task_type != TaskType::Join);
            if fork_ends_badly {
                return Err(Malformed::ForkWithoutJoin(task.task_reference_name.clone()));
            }
            let index = self.task(task)?;
            match previous {
                Some(previous) => self.tasks[previous.position()].next = Some(index),
                None => first = Some(index),
            }
            previous = Some(index);
        }
        Ok(first)
    }

    fn task(&mut self, task: &WorkflowTask) -> Result<TaskIndex, Malformed> {
        let index = TaskIndex(u32::try_from(self.tasks.len()).unwrap_or(u32::MAX));
        if self.by_reference.insert(task.task_reference_name.clone(), index).is_some() {
            return Err(Malformed::DuplicateReference(task.task_reference_name.clone()));
        }
        self.tasks.push(PlannedTask {
            index,
            def: task.task_definition.clone().or_else(|| self.task_defs.get(&task.name).cloned()),
            task: task.clone(),
            next: None,
            ways: Ways::None,
            joined_by: Vec::new(),
            feeds_secret: false,
            may_repeat: true,
            leaves: Vec::new(),
            stored_by: BTreeSet::new(),
        });
        self.tasks[index.position()].ways = self.ways(task)?;
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
            TaskType::Join => Ways::Join { on: Vec::new(), unknown: 0 },
            TaskType::Simple
            | TaskType::Http
            | TaskType::UpdateSecret
            | TaskType::Inline
            | TaskType::Lambda
            | TaskType::JsonJqTransform
            | TaskType::ExclusiveJoin
            | TaskType::Human
            | TaskType::SetVariable
            | TaskType::Terminate
            | TaskType::Wait
            | TaskType::Noop
            | TaskType::Other(_) => Ways::None,
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
    fn join(&mut self) {
        for position in 0..self.tasks.len() {
            if self.tasks[position].task.task_type == TaskType::ExclusiveJoin {
                self.join_exclusively(position);
            }
            if self.tasks[position].task.task_type != TaskType::Join {
                continue;
            }
            let references: BTreeSet<_> = self.tasks[position].task.join_on.iter().collect();
            let on: Vec<_> =
                references.iter().filter_map(|name| self.by_reference.get(name.as_str()).copied()).collect();
            let unknown = references.len() - on.len();
            let join = self.tasks[position].index;
            for task in &on {
                self.tasks[task.position()].joined_by.push(join);
            }
            self.tasks[position].ways = Ways::Join { on, unknown };
        }
    }

    /// Tells the tasks that an EXCLUSIVE_JOIN may take to look at it when they end.
    fn join_exclusively(&mut self, position: usize) {
        let PlannedTask { index, task, .. } = &self.tasks[position];
        let references = task.join_on.iter().chain(&task.default_exclusive_join_task);
        let on: BTreeSet<_> = references.filter_map(|name| self.by_reference.get(name).copied()).collect();
        let join = *index;
        for task in on {
            self.tasks[task.position()].joined_by.push(join);
        }
    }

    /// Notes whose output feeds a secret, and which tasks store it.
    fn feed(&mut self, workflow: &WorkflowDef) {
        let flow = feeding(&workflow.tasks, &workflow.output_parameters);
        for planned in &mut self.tasks {
            let reference = &planned.task.task_reference_name;
            planned.feeds_secret = flow.refs.contains(reference);
            planned.may_repeat = flow.may_repeat(reference);
            planned.leaves = flow.leaves.get(reference).into_iter().flatten().cloned().collect();
        }
        let stores = self.tasks.iter().filter(|planned| planned.task.task_type == TaskType::UpdateSecret);
        let stores: Vec<_> = stores.map(|store| (store.index, store.task.task_reference_name.clone())).collect();
        for (index, reference) in stores {
            let mut tasks = workflow.tasks.clone();
            keep_one_store(&mut tasks, &reference);
            for source in feeding(&tasks, &workflow.output_parameters).refs {
                if let Some(source) = self.by_reference.get(&source) {
                    self.tasks[source.position()].stored_by.insert(index);
                }
            }
        }
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
