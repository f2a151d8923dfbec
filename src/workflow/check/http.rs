//! HTTP: where to, how, and what is kept of the answer.

use crate::words::nearest;
use crate::workflow::definition::TaskType;
use crate::workflow::problem;
use crate::workflow::shape::{HTTP_METHODS, input_names};
use crate::workflow::tree::{Entry, Node};

use super::outline::Task;
use super::{Findings, Workflow};

/// Reports what keeps the call from being made, and inputs that are nearly what the task reads.
pub(super) fn check(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let inputs = task.node.get("inputParameters");
    let entries = inputs.map(Node::entries).unwrap_or_default();
    let request = inputs.and_then(|inputs| inputs.get("http_request"));
    misspelt(workflow, &task.kind, entries, found);
    misspelt(workflow, &task.kind, request.map(Node::entries).unwrap_or_default(), found);
    // A whole `${…}` is known only when the task starts.
    if request.or(inputs).is_some_and(|request| request.text().is_some()) {
        return;
    }
    let fields = request.filter(|request| request.is_map()).or(inputs);
    let get = |name: &str| fields.and_then(|fields| fields.get(name)).filter(|value| is_given(value));
    for (name, example) in [("uri", "https://host/path"), ("method", "GET")] {
        match get(name) {
            Some(value) => valued(workflow, name, value, found),
            None => missing(workflow, task, fields, name, example, found),
        }
    }
}

fn is_given(value: &Node) -> bool {
    !value.is_null() && value.text().is_none_or(|text| !text.trim().is_empty())
}

fn missing(
    workflow: &Workflow<'_>,
    task: &Task<'_>,
    fields: Option<&Node>,
    name: &str,
    example: &str,
    found: &mut Findings,
) {
    let message = format!("`{name}` is missing in HTTP `{}`", task.name());
    let slip = fields.and_then(|fields| fields.entry("url")).filter(|_| name == "uri");
    let diagnostic = if let Some(entry) = slip {
        let quote = if workflow.source.text[entry.key_span.start..].starts_with('"') { "\"" } else { "" };
        problem::error(workflow.source, Some(entry.key_span), "E0404", message)
            .label("Conductor's name for it is `uri`")
            .help("write `uri`")
            .fix(entry.key_span, format!("{quote}uri{quote}"))
    } else {
        let place = fields.map_or_else(|| task.node.head(), Node::head);
        problem::error(workflow.source, Some(place), "E0404", message)
            .help(format!("add `{name}: {example}` to `inputParameters`"))
    };
    found.push(diagnostic);
}

fn valued(workflow: &Workflow<'_>, name: &str, value: &Node, found: &mut Findings) {
    let Some(text) = value.text() else { return };
    if text.contains("${") {
        return;
    }
    if name == "uri" && !text.starts_with("http://") && !text.starts_with("https://") {
        let message = "a `uri` starts with `http://` or `https://`".to_owned();
        found.push(problem::error(workflow.source, Some(value.span), "E0404", message).label("no scheme"));
    }
    if name == "method" && !HTTP_METHODS.contains(&text.to_ascii_uppercase().as_str()) {
        let message = "this is no HTTP method".to_owned();
        let diagnostic = problem::error(workflow.source, Some(value.span), "E0404", message);
        found.push(diagnostic.help(format!("write one of {}", HTTP_METHODS.join(", "))));
    }
}

fn misspelt(workflow: &Workflow<'_>, kind: &TaskType, entries: &[Entry], found: &mut Findings) {
    // Other inputs are allowed: only a slip of one of these is told.
    let known = input_names(kind);
    let is_known = |name: &str| name == "url" || known.clone().any(|known| known == name);
    for entry in entries.iter().filter(|entry| !is_known(&entry.key)) {
        let Some(near) = nearest(&entry.key, known.clone()) else { continue };
        let message = format!("{} does not read `{}`", kind.as_str(), entry.key);
        found.push(
            problem::warning(workflow.source, Some(entry.key_span), "W0412", message)
                .label("nobody reads this")
                .help(format!("did you mean `{near}`?")),
        );
    }
}
