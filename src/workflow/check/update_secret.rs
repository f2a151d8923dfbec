//! UPDATE_SECRET: a `_secrets` with the name and the value, or a list of such pairs.

use std::collections::BTreeSet;

use crate::words::Span;
use crate::workflow::definition::TaskType;
use crate::workflow::load::{Kind, Loaded};
use crate::workflow::problem;
use crate::workflow::tree::{Node, Tree};

use super::outline::{Outline, Task};
use super::{Findings, Workflow};

const FIELDS: [&str; 2] = ["secretKey", "secretValue"];

/// Returns the names of the secrets that the files write, where they stand there in plain text.
pub(super) fn names_written(files: &[&Loaded]) -> BTreeSet<String> {
    let workflows = files.iter().flat_map(|file| &file.documents).filter(|document| document.kind == Kind::Workflow);
    let mut names = BTreeSet::new();
    for workflow in workflows {
        for task in Outline::of(&workflow.node).tasks.iter().filter(|task| task.kind == TaskType::UpdateSecret) {
            let pairs = task.input("_secrets").map(pairs).unwrap_or_default();
            names.extend(pairs.iter().filter_map(|pair| pair.get("secretKey")?.text()).map(str::to_owned));
        }
    }
    names
}

fn pairs(secrets: &Node) -> &[Node] {
    match &secrets.value {
        Tree::List(items) => items,
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) | Tree::Map(_) => std::slice::from_ref(secrets),
    }
}

/// Reports what keeps the task from writing.
pub(super) fn check(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let Some(secrets) = task.input("_secrets").filter(|secrets| !secrets.is_null()) else {
        return no_secrets(workflow, task, found);
    };
    outside(workflow, task, found);
    // A whole `${…}` is known only when the task starts.
    if secrets.text().is_some_and(|text| text.starts_with("${")) {
        return;
    }
    if let (Tree::List(items), true) = (&secrets.value, secrets.items().is_empty()) {
        debug_assert!(items.is_empty());
        missing(workflow, task, secrets.span, "secretKey", found);
    }
    for pair in pairs(secrets) {
        self::pair(workflow, task, pair, found);
    }
}

fn pair(workflow: &Workflow<'_>, task: &Task<'_>, pair: &Node, found: &mut Findings) {
    if !pair.is_map() {
        let message = format!("`_secrets` of `{}` must be a map of `secretKey` and `secretValue`", task.name());
        found.push(problem::error(workflow.source, Some(pair.span), "E0402", message).help("or a list of such maps"));
        return;
    }
    for field in FIELDS {
        let value =
            pair.get(field).filter(|value| !value.is_null() && value.text().is_none_or(|text| !text.is_empty()));
        if value.is_none() {
            let place = pair.entry(field).map_or_else(|| pair.head(), |entry| entry.key_span);
            missing(workflow, task, place, field, found);
        }
    }
    if let Some(key) = pair.get("secretKey") {
        name(workflow, key, found);
    }
    if let Some(value) = pair.get("secretValue") {
        self::value(workflow, value, found);
    }
}

fn name(workflow: &Workflow<'_>, key: &Node, found: &mut Findings) {
    let Some(text) = key.text().filter(|text| !text.is_empty() && !text.contains("${")) else { return };
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        return;
    }
    let message = "a secret's name holds letters, digits, `_` and `-` only".to_owned();
    found.push(problem::error(workflow.source, Some(key.span), "E0403", message).label("no name of a secret"));
}

fn value(workflow: &Workflow<'_>, value: &Node, found: &mut Findings) {
    let Some(text) = value.text() else { return };
    if text == "***" {
        let message = "`***` is what masked values look like, not a value".to_owned();
        found.push(
            problem::error(workflow.source, Some(value.span), "E0402", message)
                .help("write the expression that gives the value, as `${task.output._secrets.token}`"),
        );
    } else if !text.is_empty() && !text.contains("${") {
        let message = "the secret's value stands in the file in clear".to_owned();
        found.push(
            problem::warning(workflow.source, Some(value.span), "W0414", message)
                .label("everybody who reads the file reads the secret")
                .help("take it from an expression, or set it with `keytide secret set`"),
        );
    }
}

fn no_secrets(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    if outside(workflow, task, found) {
        return;
    }
    let place = task.node.entry("inputParameters").map_or_else(|| task.node.head(), |entry| entry.key_span);
    let message = format!("`_secrets` is missing in UPDATE_SECRET `{}`", task.name());
    found.push(
        problem::error(workflow.source, Some(place), "E0402", message)
            .label("nothing to write")
            .help("add `_secrets` with `secretKey` and `secretValue` to `inputParameters`"),
    );
}

/// Reports fields beside `_secrets` that belong into it: there they would be shown in clear.
fn outside(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) -> bool {
    let inputs = task.node.get("inputParameters");
    let stray = inputs.into_iter().flat_map(Node::entries).find(|entry| FIELDS.contains(&&*entry.key));
    let stray = stray.or_else(|| task.node.entries().iter().find(|entry| FIELDS.contains(&&*entry.key)));
    let Some(entry) = stray else { return false };
    let message = format!("`{}` stands outside of `_secrets` in UPDATE_SECRET `{}`", entry.key, task.name());
    found.push(
        problem::error(workflow.source, Some(entry.key_span), "E0401", message)
            .label("must sit inside `_secrets`")
            .help("move `secretKey` and `secretValue` under `inputParameters._secrets`: only there they are masked"),
    );
    true
}

fn missing(workflow: &Workflow<'_>, task: &Task<'_>, place: Span, field: &str, found: &mut Findings) {
    let message = format!("`{field}` is missing in UPDATE_SECRET `{}`", task.name());
    found.push(
        problem::error(workflow.source, Some(place), "E0402", message)
            .label(format!("needs `{field}`"))
            .help("`_secrets` takes `secretKey` and `secretValue`, or a list of such pairs"),
    );
}
