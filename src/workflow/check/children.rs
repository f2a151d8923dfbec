//! What other workflows a task names, and what it needs to name them.

use std::collections::BTreeMap;

use crate::words::{Source, nearest};
use crate::workflow::load::{Kind, Loaded};
use crate::workflow::problem;
use crate::workflow::tree::{Node, Tree};

use super::outline::Task;
use super::{Findings, Known, Workflow};

/// The workflows that there are, with the versions that the files have; none: it is defined elsewhere.
pub(super) struct Workflows<'a>(BTreeMap<&'a str, Option<Vec<i64>>>);

impl<'a> Workflows<'a> {
    /// Collects the workflows of all files, and those that are defined elsewhere.
    pub(super) fn of(files: &[&'a Loaded], known: &'a Known) -> Self {
        let mut all: BTreeMap<&str, Option<Vec<i64>>> = BTreeMap::new();
        let documents =
            files.iter().flat_map(|file| &file.documents).filter(|document| document.kind == Kind::Workflow);
        for node in documents.map(|document| &document.node) {
            if let Some(name) = node.get("name").and_then(Node::text) {
                let version = node.get("version").and_then(integer).unwrap_or(1);
                if let Some(versions) = all.entry(name).or_insert_with(|| Some(Vec::new())) {
                    versions.push(version);
                }
            }
        }
        all.extend(known.workflows.iter().map(|name| (name.as_str(), None)));
        Self(all)
    }

    /// Reports the name of `parameter` that no workflow has, or its version that the workflow does not have.
    pub(super) fn look_up(
        &self,
        parameter: &Node,
        source: &Source,
        code: &'static str,
        who: &str,
        found: &mut Findings,
    ) {
        let Some((name, text)) = parameter.get("name").and_then(|name| Some((name, name.text()?))) else { return };
        let Some(versions) = self.0.get(text) else {
            let message = format!("{who} names the workflow `{text}`, which is not defined here");
            let diagnostic = problem::warning(source, Some(name.span), code, message).label("unknown");
            return found.push(match nearest(text, self.0.keys().copied()) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help("define it, or register it before this one runs"),
            });
        };
        let version = parameter.get("version").and_then(|node| Some((node, integer(node)?)));
        if let (Some((node, version)), Some(versions)) = (version, versions)
            && !versions.contains(&version)
        {
            let message = format!("`{text}` has no version {version}");
            let have: Vec<_> = versions.iter().map(ToString::to_string).collect();
            let help = format!("there is {}; leave `version` out for the highest", have.join(", "));
            found.push(problem::warning(source, Some(node.span), code, message).help(help));
        }
    }
}

/// Reports what is missing in a task that names another workflow, and names that nothing has.
pub(super) fn check(workflow: &Workflow<'_>, task: &Task<'_>, known: &Workflows<'_>, found: &mut Findings) {
    match task.kind.as_str() {
        "SUB_WORKFLOW" => match present(task.node.get("subWorkflowParam")) {
            Some(parameter) => named(workflow, task, parameter, "workflowDefinition", known, found),
            None => missing(workflow, task, "subWorkflowParam", "add `subWorkflowParam: {name: …}`", found),
        },
        "START_WORKFLOW" => match present(task.input("startWorkflow")) {
            Some(request) if request.text().is_some() => {}
            Some(request) => named(workflow, task, request, "workflowDef", known, found),
            None => missing(workflow, task, "inputParameters.startWorkflow", "add `startWorkflow: {name: …}`", found),
        },
        "GET_WORKFLOW" if present(task.input("id")).is_none() => {
            missing(workflow, task, "inputParameters.id", "add the id of the execution to read", found);
        }
        "UPDATE_TASK" => {
            let by_name = present(task.input("workflowId")).is_some() && present(task.input("taskRefName")).is_some();
            if present(task.input("taskId")).is_none() && !by_name {
                let help = "add `taskId`, or `workflowId` and `taskRefName`";
                missing(workflow, task, "inputParameters.taskId", help, found);
            }
        }
        _ => {}
    }
}

/// Reports an EVENT that goes nowhere.
pub(super) fn event(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let Some(sink) = present(task.node.get("sink")) else {
        return missing(workflow, task, "sink", "add `sink: conductor`", found);
    };
    let text = sink.text().unwrap_or_default();
    if text.contains("${") || text == "conductor" || text.starts_with("conductor:") {
        return;
    }
    let message = format!("EVENT `{}` goes to `{text}`, which is not served here", task.name());
    let help = "write `conductor` or `conductor:NAME`";
    found.push(problem::warning(workflow.source, Some(sink.span), "W0420", message).help(help));
}

fn named(
    workflow: &Workflow<'_>,
    task: &Task<'_>,
    parameter: &Node,
    inline: &str,
    known: &Workflows<'_>,
    found: &mut Findings,
) {
    if present(parameter.get(inline)).is_some() {
        return;
    }
    let Some(name) = present(parameter.get("name")) else {
        let help = format!("add `name`, or the whole workflow as `{inline}`");
        let message = format!("{} `{}` names no workflow", task.kind.as_str(), task.name());
        return found.push(problem::error(workflow.source, Some(parameter.head()), "E0411", message).help(help));
    };
    if name.text().is_some_and(|text| !text.contains("${")) {
        let who = format!("{} `{}`", task.kind.as_str(), task.name());
        known.look_up(parameter, workflow.source, "W0421", &who, found);
    }
}

fn missing(workflow: &Workflow<'_>, task: &Task<'_>, field: &str, help: &str, found: &mut Findings) {
    let message = format!("`{field}` is missing in {} `{}`", task.kind.as_str(), task.name());
    found.push(problem::error(workflow.source, Some(task.node.head()), "E0411", message).help(help.to_owned()));
}

fn present(node: Option<&Node>) -> Option<&Node> {
    node.filter(|node| !node.is_null())
}

fn integer(node: &Node) -> Option<i64> {
    match &node.value {
        Tree::Number(number) => number.as_i64(),
        Tree::Text(text) => text.trim().parse().ok(),
        Tree::Null | Tree::Bool(_) | Tree::List(_) | Tree::Map(_) => None,
    }
}
