//! From a file's bytes to definitions, with every problem of the file at once.
//!
//! **Architecture Invariant:** loading never stops at the first problem, and no file can take it down.

mod document;
mod tags;
mod trial;
mod walk;

use std::sync::Arc;

use crate::words::{Diagnostic, Severity, Source};

use super::definition::{EventHandler, TaskDef, WorkflowDef, WorkflowSchedule};
use super::problem;
use super::tree::{self, Entry, Node, Syntax, Tree, decode};

pub(super) use document::{Kind, Named};
pub use tags::TagsOf;
pub use trial::{LoadedTests, TEST_ENDINGS, TESTS_MAX, is_test_file, load_tests};

/// A file, read as far as it goes.
#[derive(Debug)]
pub struct Loaded {
    /// The file.
    pub source: Source,
    /// The workflows that could be read.
    pub workflows: Vec<Located<WorkflowDef>>,
    /// The schedules that could be read: of their own, and beside a workflow.
    pub schedules: Vec<Located<WorkflowSchedule>>,
    /// The task definitions that could be read.
    pub task_defs: Vec<Located<TaskDef>>,
    /// The event handlers that could be read.
    pub event_handlers: Vec<Located<EventHandler>>,
    /// The tags that the file says of them.
    pub tags: Vec<TagsOf>,
    /// What is wrong with the file by itself; [`super::check`] finds what is wrong with its meaning.
    pub diagnostics: Vec<Diagnostic>,
    /// What the file holds, readable or not.
    pub(super) documents: Vec<Named>,
    bare_task: Option<Node>,
}

/// A definition and its place.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// The definition.
    pub def: T,
    /// Its place, with the places of all its parts.
    pub node: Node,
}

impl Loaded {
    /// Returns whether the file must not be taken.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|problem| problem.severity == Severity::Error)
    }

    fn empty(source: Source) -> Self {
        Self {
            source,
            workflows: Vec::new(),
            schedules: Vec::new(),
            task_defs: Vec::new(),
            event_handlers: Vec::new(),
            tags: Vec::new(),
            diagnostics: Vec::new(),
            documents: Vec::new(),
            bare_task: None,
        }
    }
}

/// Reads the bytes of a file; its name tells the syntax.
pub fn load(name: &str, bytes: &[u8]) -> Loaded {
    let source = match decode(name, bytes) {
        Ok(source) => source,
        Err(problem) => {
            let mut loaded = Loaded::empty(problem.source.clone());
            loaded.diagnostics.push(*problem);
            return loaded;
        }
    };
    let parsed = tree::parse(&source, Syntax::of(&source));
    let mut loaded = Loaded::empty(source);
    loaded.diagnostics = parsed.diagnostics;
    if parsed.documents.iter().all(Node::is_null) && loaded.diagnostics.is_empty() {
        let message = "the file holds no definition".to_owned();
        loaded.diagnostics.push(problem::warning(&loaded.source, None, "W0202", message));
    }
    for node in parsed.documents {
        document::read(&mut loaded, node);
    }
    settle(&mut loaded);
    loaded
}

/// Returns what is told of a file whose bytes cannot be had.
pub fn unreadable(name: &str, why: &str) -> Loaded {
    let mut loaded = Loaded::empty(Source { name: name.into(), text: "".into() });
    loaded.diagnostics.push(problem::error(&loaded.source, None, "E0101", format!("the file {why}")));
    loaded
}

/// Returns the file as a workflow of one task, where the file is a bare task as documentation pages show them.
pub fn bare_task_as_workflow(loaded: &Loaded) -> Option<Loaded> {
    let task = loaded.bare_task.clone()?;
    let name = task.get("name").or_else(|| task.get("taskReferenceName"))?.clone();
    let entry = |key: &str, value: Node| Entry { key: key.into(), key_span: task.head(), value };
    let tasks = Node { span: task.span, value: Tree::List(Arc::from([task.clone()])) };
    let entries = [entry("name", name), entry("tasks", tasks)];
    let mut workflow = Loaded::empty(loaded.source.clone());
    document::read(&mut workflow, Node { span: task.span, value: Tree::Map(Arc::from(entries)) });
    settle(&mut workflow);
    Some(workflow)
}

/// Brings the problems into the order of the file, without traps that an error already explains.
fn settle(loaded: &mut Loaded) {
    let wrong: Vec<_> = loaded.diagnostics.iter().filter(|p| p.severity == Severity::Error).map(|p| p.span).collect();
    loaded.diagnostics.retain(|problem| problem.code != "W0101" || !wrong.contains(&problem.span));
    loaded.diagnostics.sort_by_key(|problem| problem.span.map_or(0, |span| span.start));
    if loaded.diagnostics.len() > walk::DIAGNOSTICS_MAX {
        loaded.diagnostics.sort_by_key(|problem| problem.severity);
        loaded.diagnostics.truncate(walk::DIAGNOSTICS_MAX);
        let message = format!("only the first {} problems are told", walk::DIAGNOSTICS_MAX);
        loaded.diagnostics.push(problem::note(&loaded.source, None, "N0203", message));
    }
}

#[cfg(test)]
mod tests;
