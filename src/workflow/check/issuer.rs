//! Calls that fetch what becomes a secret: repeating one may revoke what the one before gave.

use std::collections::BTreeMap;

use crate::workflow::flow::feeding;
use crate::workflow::load::Loaded;
use crate::workflow::problem;
use crate::workflow::tree::{Node, Tree};

use super::Findings;
use super::outline::{Outline, Task};

/// Reports calls that would be repeated although an earlier one may have been heard.
pub(super) fn check(files: &[&Loaded], found: &mut Findings) {
    let task_defs = files.iter().flat_map(|file| &file.task_defs);
    let retries: BTreeMap<&str, i32> = task_defs.map(|def| (def.def.name.as_str(), def.def.retry_count)).collect();
    for file in files {
        for workflow in &file.workflows {
            let feeding = feeding(&workflow.def.tasks, &workflow.def.output_parameters);
            let outline = Outline::of(&workflow.node);
            let calls = outline.tasks.iter().filter(|task| task.kind.is_http());
            for task in calls.filter(|task| feeding.refs.contains(task.reference) && may_change(task)) {
                issuer(file, task, &retries, found);
            }
        }
    }
}

fn request<'a>(task: &Task<'a>, name: &str) -> Option<&'a Node> {
    task.input("http_request").and_then(|request| request.get(name)).or_else(|| task.input(name))
}

fn may_change(task: &Task<'_>) -> bool {
    let method = request(task, "method").and_then(Node::text).unwrap_or_default().to_ascii_uppercase();
    !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS")
}

fn issuer(file: &Loaded, task: &Task<'_>, retries: &BTreeMap<&str, i32>, found: &mut Findings) {
    if let Some(node) = request(task, "onUnknownOutcome").filter(|node| node.text() == Some("retry")) {
        let message =
            format!("`{}` fetches a secret and is repeated where nobody knows whether it was heard", task.name());
        found.push(
            problem::warning(&file.source, Some(node.span), "W0413", message)
                .label("an issuer may revoke the token it gave first")
                .help("leave it out: the run then fails `in doubt` and says so"),
        );
    }
    let own = task.node.get("retryCount").or_else(|| task.node.get("taskDefinition")?.get("retryCount"));
    let named = task.node.get("name").and_then(Node::text).and_then(|name| retries.get(name));
    let is_retried = match own {
        Some(node) => !matches!(&node.value, Tree::Number(number) if number.as_i64() == Some(0)) && !node.is_null(),
        None => named.is_some_and(|count| *count > 0),
    };
    if is_retried {
        let place = own.map_or_else(|| task.node.head(), |node| node.span);
        let message = format!("`{}` fetches a secret and is asked again after an error", task.name());
        found.push(
            problem::note(&file.source, Some(place), "N0415", message)
                .label("each call may issue a token")
                .help("only answers that are errors are retried; `retryCount: 0` asks once"),
        );
    }
}
