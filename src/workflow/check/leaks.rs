//! Secrets that leave `_secrets`: into outputs, variables, queries, and the inputs of workers and scripts.

use std::collections::{BTreeMap, BTreeSet};

use crate::words::Source;
use crate::workflow::definition::{Nature, TaskType};
use crate::workflow::flow::feeding;
use crate::workflow::load::Loaded;
use crate::workflow::problem;
use crate::workflow::tree::{Node, Tree};

use super::Findings;
use super::outline::{Outline, Task};
use super::reference::{Reference, references};

/// What is masked wherever it is shown.
const MASKED: [&str; 2] = ["_secrets", "_masked"];
/// What a workflow gives.
const OUTPUT: &str = "the workflow's output";

/// Reports secrets of the store and values that are fetched to become one, where they stand in the open.
pub(super) fn check(files: &[&Loaded], found: &mut Findings) {
    for file in files {
        for workflow in &file.workflows {
            let fetched = feeding(&workflow.def.tasks, &workflow.def.output_parameters).leaves;
            let mut rule = Rule { source: &file.source, fetched: &fetched, found: &mut *found };
            for task in &Outline::of(&workflow.node).tasks {
                rule.task(task);
            }
            if let Some(output) = workflow.node.get("outputParameters") {
                rule.value(output, OUTPUT);
            }
        }
    }
}

struct Rule<'a> {
    source: &'a Source,
    fetched: &'a BTreeMap<String, BTreeSet<String>>,
    found: &'a mut Findings,
}

impl Rule<'_> {
    fn task(&mut self, task: &Task<'_>) {
        let inputs = task.node.get("inputParameters");
        let (node, place) = match (&task.kind, task.kind.nature()) {
            (TaskType::Http | TaskType::HttpPoll, _) => {
                let request = task.input("http_request").or(inputs);
                return request.and_then(|request| request.get("uri")).into_iter().for_each(|uri| self.query(uri));
            }
            (TaskType::Terminate, _) => (task.input("workflowOutput"), OUTPUT),
            (TaskType::SetVariable, _) => (inputs, "a variable"),
            (_, Nature::Worker) => (inputs, "a worker's input"),
            (_, Nature::Script) => (inputs, "a script's input"),
            _ => return,
        };
        if let Some(node) = node {
            self.value(node, place);
        }
    }

    /// Looks at what stands behind the `?`: servers and proxies keep it in their logs.
    fn query(&mut self, uri: &Node) {
        let text = uri.text().unwrap_or_default();
        let Some(mark) = text.find('?') else { return };
        for reference in references(text).iter().filter(|reference| reference.range.start > mark) {
            self.reference(uri, reference, "the query of a URL");
        }
    }

    fn value(&mut self, node: &Node, place: &'static str) {
        match &node.value {
            Tree::Text(text) => {
                for reference in &references(text) {
                    self.reference(node, reference, place);
                }
            }
            Tree::List(items) => items.iter().for_each(|item| self.value(item, place)),
            Tree::Map(entries) => {
                for entry in entries.iter().filter(|entry| !MASKED.contains(&&*entry.key)) {
                    self.value(&entry.value, place);
                }
            }
            Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
        }
    }

    fn reference(&mut self, node: &Node, reference: &Reference<'_>, place: &'static str) {
        if reference.is_escaped || !self.is_secret(reference) {
            return;
        }
        let message = format!("`${{{}}}` brings a secret into {place}", reference.path);
        let span = node.within(self.source, reference.range.clone());
        let help = match place {
            "the query of a URL" => "send it in a header or in the body",
            _ => "put it under `_secrets` there, or read it only where it is used",
        };
        self.found.push(
            problem::warning(self.source, Some(span), "W0315", message)
                .label("outside of `_secrets` it is data as any other")
                .help(help),
        );
    }

    fn is_secret(&self, reference: &Reference<'_>) -> bool {
        let names: Vec<&str> = reference.names().collect();
        if reference.head == Some("workflow") {
            return names.first() == Some(&"secrets");
        }
        let Some(below) = names.strip_prefix(&["output"]) else { return false };
        if below.first() == Some(&"_secrets") {
            return true;
        }
        let Some(leaves) = reference.head.and_then(|head| self.fetched.get(head)) else { return false };
        leaves.iter().any(|leaf| {
            // A part of the value, or what holds it.
            let leaf: Vec<&str> = leaf.split('.').filter(|name| !name.is_empty()).collect();
            below.len() < leaf.len() && leaf.starts_with(below) || !leaf.is_empty() && below.starts_with(&leaf)
        })
    }
}
