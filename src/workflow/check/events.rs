//! Event handlers: what they act on, and what they start.

use crate::words::Source;
use crate::workflow::definition::EventHandler;
use crate::workflow::load::{Kind, Loaded};
use crate::workflow::problem;
use crate::workflow::tree::Node;

use super::Findings;
use super::children::Workflows;

/// Reports what keeps a handler from being registered or from ever acting, and what it starts that is not there.
pub(super) fn check(files: &[&Loaded], workflows: &Workflows<'_>, found: &mut Findings) {
    for file in files {
        for document in file.documents.iter().filter(|document| document.kind == Kind::EventHandler) {
            handler(&file.source, &document.node, workflows, found);
        }
    }
}

fn handler(source: &Source, node: &Node, workflows: &Workflows<'_>, found: &mut Findings) {
    let name = node.get("name").and_then(Node::text).unwrap_or_default();
    event(source, node, found);
    if node.get("active").is_none_or(Node::is_null) {
        let message = format!("the event handler `{name}` does not act: `active` is false where it is absent");
        let help = "write `active: true`, or `active: false` where that is meant";
        found.push(problem::warning(source, Some(node.head()), "W0605", message).help(help));
    }
    for action in node.get("actions").map(Node::items).unwrap_or_default() {
        let Some((said, kind)) = action.get("action").and_then(|said| Some((said, said.text()?))) else { continue };
        let part = action.get(kind).filter(|part| !part.is_null());
        match part {
            None if EventHandler::ACTIONS.contains(&kind) => {
                let message = format!("the action `{kind}` has no `{kind}`, which says what to do it with");
                let help = format!("add `{kind}: {{ … }}` beside `action`");
                found.push(problem::error(source, Some(said.span), "E0602", message).help(help));
            }
            Some(start) if kind == "start_workflow" => {
                workflows.look_up(start, source, "W0603", &format!("the event handler `{name}`"), found);
            }
            None | Some(_) => {}
        }
    }
}

/// Reports an event that no task can tell.
fn event(source: &Source, node: &Node, found: &mut Findings) {
    let Some((node, event)) = node.get("event").and_then(|node| Some((node, node.text()?))) else { return };
    let parts: Vec<&str> = event.splitn(3, ':').collect();
    let is_told = matches!(parts[..], ["conductor", workflow, name] if !workflow.is_empty() && !name.is_empty());
    if is_told || event.trim().is_empty() {
        return;
    }
    let message = format!("no task here tells the event `{event}`");
    let help = "an EVENT task whose sink is `conductor` tells `conductor:WORKFLOW:REFERENCE`";
    found.push(problem::warning(source, Some(node.span), "W0604", message).help(help));
}
