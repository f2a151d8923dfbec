//! A definition as a picture: what follows what, what is beside it, what is inside.
//!
//! The structure of a definition is nested, and so is its picture: nothing has to be searched for a good layout. One model
//! serves them all: lines for a terminal, Mermaid, and boxes with places for SVG.
//!
//! **Architecture Invariant:** a picture shows names, kinds and what leads the flow, never what a task takes.

mod layout;
mod mermaid;
mod svg;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::HashMap;

use serde_json::Value;
use unicode_width::UnicodeWidthChar as _;

use super::definition::{TaskType, WorkflowDef, WorkflowTask};
pub use layout::{Edge, Frame, Label, NODE_HEIGHT, Picture, Placed};
pub use mermaid::mermaid;
pub use svg::{Look, svg};
pub use tree::{Lines, tree};

/// How wide a text of a node may be, in columns: what is longer is cut, and whole in the title.
const TEXT_COLUMNS_MAX: usize = 40;

/// A workflow as a picture.
pub struct Graph {
    /// The workflow's name.
    pub name: String,
    /// Its version.
    pub version: i32,
    /// What it does, in order.
    pub steps: Vec<Step>,
}

/// One task, with what it holds.
pub struct Step {
    /// The task.
    pub node: Node,
    /// The ways that lead on from it, beside each other; they meet again after it.
    pub ways: Vec<Way>,
    /// What it repeats.
    pub body: Option<Vec<Step>>,
}

/// What is shown of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its reference.
    pub reference: String,
    /// Its kind.
    pub kind: String,
    /// What leads the flow there, in a few words.
    pub note: String,
    /// Whether the workflow ends there.
    pub ends: bool,
    /// How it stands in a run.
    pub status: Option<String>,
}

/// One of several ways.
pub struct Way {
    /// When it is taken, or which it is.
    pub label: String,
    /// What is done on it.
    pub steps: Vec<Step>,
}

impl Graph {
    /// Makes the picture of a definition.
    pub fn of(workflow: &WorkflowDef) -> Self {
        Self { name: workflow.name.clone(), version: workflow.version, steps: steps(&workflow.tasks) }
    }

    /// Shows how the tasks stand in a run: for each reference, one word. In a loop the last iteration counts.
    pub fn with_statuses(mut self, statuses: &HashMap<String, String>) -> Self {
        mark(&mut self.steps, statuses);
        self
    }
}

fn mark(steps: &mut [Step], statuses: &HashMap<String, String>) {
    for step in steps {
        step.node.status = statuses.get(&step.node.reference).cloned();
        step.ways.iter_mut().for_each(|way| mark(&mut way.steps, statuses));
        step.body.iter_mut().for_each(|body| mark(body, statuses));
    }
}

fn steps(tasks: &[WorkflowTask]) -> Vec<Step> {
    tasks.iter().map(step).collect()
}

fn step(task: &WorkflowTask) -> Step {
    let cases = || {
        let cases = task.decision_cases.iter();
        let cases = cases.map(|(case, tasks)| Way { label: case.clone(), steps: steps(tasks) });
        // What no case names goes on as well, with or without tasks of its own.
        cases.chain([Way { label: "otherwise".to_owned(), steps: steps(&task.default_case) }]).collect()
    };
    let ways = match &task.task_type {
        TaskType::Switch | TaskType::Decision => cases(),
        TaskType::ForkJoin => {
            let branches = task.fork_tasks.iter().enumerate();
            branches.map(|(at, tasks)| Way { label: (at + 1).to_string(), steps: steps(tasks) }).collect()
        }
        _ => Vec::new(),
    };
    let body = (task.task_type == TaskType::DoWhile).then(|| steps(&task.loop_over));
    let kind = task.task_type.as_str().to_owned();
    let ends = task.task_type == TaskType::Terminate;
    let reference = task.task_reference_name.clone();
    Step { node: Node { reference, kind, note: note(task), ends, status: None }, ways, body }
}

/// Returns what of a task leads the flow, or leads out of it.
fn note(task: &WorkflowTask) -> String {
    let input = |name: &str| text(task.input_parameters.get(name));
    let part = |value: &Option<String>| value.clone().unwrap_or_default();
    match &task.task_type {
        TaskType::Http | TaskType::HttpPoll => {
            let nested = task.input_parameters.get("http_request").and_then(Value::as_object);
            let request = nested.unwrap_or(&task.input_parameters);
            format!("{} {}", text(request.get("method")), place(&text(request.get("uri"))))
        }
        TaskType::UpdateSecret => secrets(task).join(", "),
        TaskType::Switch => part(&task.expression),
        TaskType::Decision => task.case_expression.clone().or(task.case_value_param.clone()).unwrap_or_default(),
        TaskType::DoWhile => match (&task.loop_condition, task.items.is_some()) {
            (Some(condition), _) if !condition.trim().is_empty() => format!("while {condition}"),
            (_, true) => "for each of its items".to_owned(),
            _ => String::new(),
        },
        TaskType::Join | TaskType::ExclusiveJoin => task.join_on.join(", "),
        TaskType::ForkJoinDynamic => "branches known when it runs".to_owned(),
        TaskType::SubWorkflow => text(task.sub_workflow_param.as_ref().and_then(|param| param.get("name"))),
        TaskType::StartWorkflow => {
            text(task.input_parameters.get("startWorkflow").and_then(|request| request.get("name")))
        }
        TaskType::Wait => format!("{}{}", input("duration"), input("until")),
        TaskType::Terminate => input("terminationStatus"),
        TaskType::Event => part(&task.sink),
        TaskType::Dynamic => part(&task.dynamic_task_name_param),
        TaskType::Simple | TaskType::Other(_) if task.name != task.task_reference_name => task.name.clone(),
        _ => String::new(),
    }
    .trim()
    .to_owned()
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Returns where a call goes: without a query and credentials, which may be secrets that somebody wrote down.
fn place(uri: &str) -> String {
    // An expression may hold any character.
    let end = outside_of_expressions(uri, |c| matches!(c, '?' | '#')).unwrap_or(uri.len());
    let uri = &uri[..end];
    let (scheme, rest) = uri.split_once("://").map_or(("", uri), |(scheme, rest)| (scheme, rest));
    let host_end = outside_of_expressions(rest, |c| c == '/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(host_end);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if scheme.is_empty() { format!("{host}{path}") } else { format!("{scheme}://{host}{path}") }
}

fn outside_of_expressions(text: &str, is_end: impl Fn(char) -> bool) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if depth == 0 && is_end(c) => return Some(at),
            _ => {}
        }
    }
    None
}

/// Returns the names of the secrets that a task writes.
fn secrets(task: &WorkflowTask) -> Vec<String> {
    let Some(given) = task.input_parameters.get("_secrets") else { return Vec::new() };
    let pairs = match given {
        Value::Array(pairs) => pairs.iter().collect(),
        one => vec![one],
    };
    pairs.into_iter().map(|pair| text(pair.get("secretKey"))).filter(|key| !key.is_empty()).collect()
}

/// Returns how many columns a text takes.
fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Returns a text in one line without control characters, cut where it is longer than a node may be.
fn fitted(text: &str) -> String {
    let text = plain(text);
    if columns(&text) <= TEXT_COLUMNS_MAX {
        return text;
    }
    let mut width = 0;
    let kept = text.chars().take_while(|c| {
        width += c.width().unwrap_or(0);
        width < TEXT_COLUMNS_MAX
    });
    format!("{}…", kept.collect::<String>().trim_end())
}

/// Returns a text in one line without control characters, and without those that turn the direction of what is around them.
fn plain(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let turns = |c: &char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept: String = spaced.chars().filter(|c| !turns(c)).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}
