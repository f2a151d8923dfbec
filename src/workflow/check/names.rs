//! Names that must be there once.

use std::collections::HashMap;

use crate::words::{Diagnostic, Span};
use crate::workflow::load::{Kind, Loaded, Named};
use crate::workflow::problem;
use crate::workflow::tree::{Node, Tree};

use super::{Findings, Workflow};

/// Reports references that two tasks of a workflow share, and a schema that nobody reads.
pub(super) fn within(workflow: &Workflow<'_>, found: &mut Findings) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for task in workflow.outline.tasks.iter().filter(|task| !task.reference.is_empty()) {
        let span = task.node.get("taskReferenceName").map_or_else(|| task.node.head(), |name| name.span);
        if let Some(first) = seen.get(task.reference) {
            let message = format!("two tasks have the reference `{}`", task.reference);
            found.push(
                problem::error(workflow.source, Some(span), "E0301", message)
                    .label("second")
                    .help("give it a name of its own: expressions could not tell the two apart")
                    .related(*first, "first here"),
            );
        } else {
            seen.insert(task.reference, span);
        }
    }
    schema_version(workflow, found);
}

fn schema_version(workflow: &Workflow<'_>, found: &mut Findings) {
    let Some(node) = workflow.node.get("schemaVersion") else { return };
    let version = integer(node);
    if version.is_some_and(|version| version != 2) {
        let message = "`schemaVersion` must be 2".to_owned();
        found.push(
            problem::error(workflow.source, Some(node.span), "E0206", message)
                .help("write 2: Conductor takes no other")
                .fix(node.span, "2"),
        );
    }
}

fn integer(node: &Node) -> Option<i64> {
    match &node.value {
        Tree::Number(number) => number.as_i64(),
        Tree::Text(text) => text.trim().parse().ok(),
        Tree::Null | Tree::Bool(_) | Tree::List(_) | Tree::Map(_) => None,
    }
}

/// Reports definitions of one name that stand in two places.
pub(super) fn across_files(files: &[&Loaded], found: &mut Findings) {
    let mut seen: HashMap<(Kind, String), (&Loaded, Span)> = HashMap::new();
    for file in files {
        for document in &file.documents {
            let Some((name, span)) = name_of(document) else { continue };
            match seen.get(&(document.kind, name.clone())) {
                Some((first, place)) => {
                    found.push(twice(document.kind, &name, (file, span), (first, *place)));
                    // The other file is wrong too: neither of the two is taken.
                    if !std::ptr::eq(*file, *first) {
                        found.push(twice(document.kind, &name, (first, *place), (file, span)));
                    }
                }
                None => {
                    seen.insert((document.kind, name), (file, span));
                }
            }
        }
    }
}

/// Returns what tells a definition from others of its kind: a workflow's name with its version.
fn name_of(document: &Named) -> Option<(String, Span)> {
    let node = document.node.get("name").filter(|name| name.text().is_some_and(|text| !text.is_empty()))?;
    let name = node.text()?;
    let name = match document.kind {
        Kind::Workflow => {
            format!("{name}.{}", document.node.get("version").and_then(integer).unwrap_or(1))
        }
        Kind::Schedule | Kind::TaskDef | Kind::EventHandler => name.to_owned(),
    };
    Some((name, node.span))
}

fn twice(kind: Kind, name: &str, here: (&Loaded, Span), other: (&Loaded, Span)) -> Diagnostic {
    let (what, code) = match kind {
        Kind::Workflow => ("workflow", "E0302"),
        Kind::Schedule => ("schedule", "E0505"),
        Kind::TaskDef => ("task definition", "E0303"),
        Kind::EventHandler => ("event handler", "E0601"),
    };
    let (file, span) = here;
    let message = format!("the {what} `{name}` is defined twice");
    let diagnostic = problem::error(&file.source, Some(span), code, message);
    let diagnostic = if std::ptr::eq(file, other.0) {
        diagnostic.label("second").related(other.1, "first here")
    } else {
        let (line, _) = other.0.source.position(other.1.start);
        diagnostic.label(format!("also in {}:{line}", other.0.source.name))
    };
    diagnostic.help(match kind {
        Kind::Workflow => "raise the `version` of one, or rename it",
        Kind::Schedule | Kind::TaskDef | Kind::EventHandler => "rename one of them",
    })
}
