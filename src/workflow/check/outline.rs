//! All tasks of a workflow in the order in which they stand, with what encloses and what follows them.

use std::collections::HashMap;

use crate::workflow::definition::TaskType;
use crate::workflow::tree::Node;

/// A workflow's tasks, outer before inner.
pub(super) struct Outline<'a> {
    pub(super) tasks: Vec<Task<'a>>,
    by_reference: HashMap<&'a str, usize>,
}

/// A task and where it stands.
pub(super) struct Task<'a> {
    pub(super) node: &'a Node,
    pub(super) kind: TaskType,
    /// The name that expressions use; empty where it is missing.
    pub(super) reference: &'a str,
    /// The task right after it in its list.
    pub(super) next: Option<&'a Node>,
    /// The outermost loop that it runs in, by its place in [`Outline::tasks`].
    enclosing_loop: Option<usize>,
    /// The innermost loop that it runs in.
    pub(super) inner_loop: Option<usize>,
    /// The innermost SWITCH that it runs in.
    pub(super) switch: Option<usize>,
}

/// What encloses a list of tasks.
#[derive(Clone, Copy, Default)]
struct Around {
    outer_loop: Option<usize>,
    inner_loop: Option<usize>,
    switch: Option<usize>,
}

impl<'a> Outline<'a> {
    pub(super) fn of(workflow: &'a Node) -> Self {
        let mut outline = Self { tasks: Vec::new(), by_reference: HashMap::new() };
        if let Some(list) = workflow.get("tasks") {
            outline.list(list, Around::default());
        }
        outline
    }

    fn list(&mut self, list: &'a Node, around: Around) {
        let items = list.items();
        for (index, node) in items.iter().enumerate().filter(|(_, node)| node.is_map()) {
            self.task(node, items.get(index + 1), around);
        }
    }

    fn task(&mut self, node: &'a Node, next: Option<&'a Node>, around: Around) {
        let place = self.tasks.len();
        let reference = node.get("taskReferenceName").and_then(Node::text).unwrap_or_default();
        let kind = TaskType::from(node.get("type").and_then(Node::text).unwrap_or_default());
        let is_loop = kind == TaskType::DoWhile;
        let Around { outer_loop, inner_loop, switch } = around;
        self.tasks.push(Task { node, kind, reference, next, enclosing_loop: outer_loop, inner_loop, switch });
        self.by_reference.entry(reference).or_insert(place);
        let in_case = Around { switch: Some(place), ..around };
        for case in node.get("decisionCases").map(Node::entries).unwrap_or_default() {
            self.list(&case.value, in_case);
        }
        for branch in node.get("forkTasks").map(Node::items).unwrap_or_default() {
            self.list(branch, around);
        }
        if let Some(list) = node.get("defaultCase") {
            self.list(list, in_case);
        }
        if let Some(list) = node.get("loopOver") {
            let repeated = Around { outer_loop: outer_loop.or(Some(place)), inner_loop: Some(place), switch };
            self.list(list, if is_loop { repeated } else { around });
        }
    }

    /// Returns the place of the first task with a reference.
    pub(super) fn place(&self, reference: &str) -> Option<usize> {
        if reference.is_empty() { None } else { self.by_reference.get(reference).copied() }
    }

    /// Returns the references of all tasks.
    pub(super) fn references(&self) -> impl Iterator<Item = &'a str> {
        self.tasks.iter().map(|task| task.reference).filter(|reference| !reference.is_empty())
    }

    /// Returns whether `reader` can never have seen an answer of `read`: it comes later and no loop leads back.
    pub(super) fn is_ahead(&self, reader: usize, read: usize) -> bool {
        let (Some(reading), Some(target)) = (self.tasks.get(reader), self.tasks.get(read)) else { return false };
        let same_loop = reading.enclosing_loop.is_some() && reading.enclosing_loop == target.enclosing_loop;
        // A loop takes its inputs anew for each look at its condition.
        let in_it = target.enclosing_loop == Some(reader) || target.inner_loop == Some(reader);
        read > reader && !same_loop && !in_it
    }
}

impl<'a> Task<'a> {
    /// Returns the task's input of a name.
    pub(super) fn input(&self, name: &str) -> Option<&'a Node> {
        self.node.get("inputParameters").and_then(|inputs| inputs.get(name))
    }

    /// Returns what people call it.
    pub(super) fn name(&self) -> &'a str {
        if self.reference.is_empty() { "?" } else { self.reference }
    }
}
