//! What repeats, and what is known only at run time: DO_WHILE, FORK_JOIN_DYNAMIC, DYNAMIC.

use crate::workflow::problem;
use crate::workflow::tree::{Node, Tree};

use super::outline::Task;
use super::tasks::{error, missing};
use super::{Findings, Workflow};

/// Reports loops that cannot begin, cannot go on, or do not do what they look like.
pub(super) fn do_while(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    missing(workflow, task, "loopCondition", found);
    if task.node.get("loopOver").is_none_or(|list| list.items().is_empty()) {
        let message = format!("DO_WHILE `{}` has no tasks to repeat", task.name());
        found.push(error(workflow, task.node.head(), "E0417", message).help("add `loopOver`, a list of tasks"));
    }
    condition(workflow, task, found);
    keep_last(workflow, task, found);
}

fn condition(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let Some((node, text)) = task.node.get("loopCondition").and_then(|node| Some((node, node.text()?))) else { return };
    let is_given = |node: &&Node| !node.is_null() && node.text().is_none_or(|text| !text.trim().is_empty());
    let items = task.node.get("items").filter(is_given).or_else(|| task.input("_items").filter(is_given));
    if text.trim().is_empty() && items.is_none() {
        let message = format!("DO_WHILE `{}` runs once: its condition is empty and it has no `items`", task.name());
        found.push(
            problem::warning(workflow.source, Some(node.span), "W0417", message)
                .label("never true")
                .help("write a condition, as `$.NAME['iteration'] < 3`, or give `items` a list"),
        );
    }
    let names =
        [format!("$.{}", task.reference), format!("$['{}']", task.reference), format!("$[\"{}\"]", task.reference)];
    let own = names.iter().find(|name| names_it(text, name)).filter(|_| task.inner_loop.is_some());
    if let Some(own) = own {
        let message = format!("inside of another loop the condition of `{}` does not know it as `{own}`", task.name());
        found.push(
            problem::warning(workflow.source, Some(node.span), "W0418", message)
                .label("the condition throws, and the loop fails")
                .help("decide on a task of the loop, on `$.loopIndex`, or on a variable"),
        );
    }
}

/// Returns whether a condition has this name, and not one that only begins so.
fn names_it(condition: &str, name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$');
    let mut ends = condition.match_indices(name).map(|(at, _)| at + name.len());
    ends.any(|end| name.ends_with(']') || !condition[end..].starts_with(is_letter))
}

fn keep_last(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let Some(node) = task.input("keepLastN") else { return };
    let is_good = match &node.value {
        Tree::Number(number) => number.as_i64().is_some_and(|kept| kept >= 0),
        Tree::Text(text) => text.contains("${"),
        Tree::Null | Tree::Bool(_) | Tree::List(_) | Tree::Map(_) => false,
    };
    if !is_good {
        let message = format!("`keepLastN` of DO_WHILE `{}` is no number", task.name());
        found.push(
            error(workflow, node.span, "E0417", message).help("write how many iterations to keep, without quotes"),
        );
    }
}

/// Reports dynamic forks that cannot start their branches.
pub(super) fn dynamic_fork(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let given = |name: &str| task.node.get(name).is_some_and(|node| !node.is_null());
    let is_simple = task.input("forkTaskInputs").is_some();
    if !is_simple && !given("dynamicForkJoinTasksParam") {
        for (field, example) in [("dynamicForkTasksParam", "tasks"), ("dynamicForkTasksInputParamName", "inputs")] {
            if !given(field) {
                let message = format!("`{field}` is missing in FORK_JOIN_DYNAMIC `{}`", task.name());
                let help = format!("add `{field}: {example}`, the name of an input; or give `forkTaskInputs` a list");
                found.push(error(workflow, task.node.head(), "E0418", message).help(help));
            }
        }
    }
    for field in ["dynamicForkTasksParam", "dynamicForkTasksInputParamName", "dynamicForkJoinTasksParam"] {
        named_input(workflow, task, field, found);
    }
    for field in ["forkTaskName", "forkTaskType", "forkTaskWorkflow", "forkTaskWorkflowVersion"] {
        let Some(node) = task.input(field).filter(|node| !node.is_null() && node.text().is_none()) else { continue };
        let message = format!("`{field}` of FORK_JOIN_DYNAMIC `{}` must be a text", task.name());
        let text = workflow.source.text.get(node.span.start..node.span.end).unwrap_or_default().trim();
        let diagnostic = error(workflow, node.span, "E0418", message).label("Conductor fails to start the workflow");
        found.push(match &node.value {
            Tree::Number(_) => diagnostic.fix(node.span, format!("\"{text}\"")),
            _ => diagnostic,
        });
    }
    if task.next.and_then(|next| next.get("type")).and_then(Node::text) != Some("JOIN") {
        let message = format!("FORK_JOIN_DYNAMIC `{}` is not followed by a JOIN", task.name());
        found.push(
            error(workflow, task.node.head(), "E0418", message)
                .label("the workflow fails here")
                .help("add a JOIN right after it; it waits for all branches without a `joinOn`"),
        );
    }
}

/// Reports a field that names an input which the task does not have.
fn named_input(workflow: &Workflow<'_>, task: &Task<'_>, field: &str, found: &mut Findings) {
    let Some((node, name)) = task.node.get(field).and_then(|node| Some((node, node.text()?))) else { return };
    // Inputs that are one expression are known only when the task starts.
    let is_whole = task.node.get("inputParameters").is_some_and(|inputs| inputs.text().is_some());
    if is_whole || task.input(name).is_some() || task.input("forkTaskInputs").is_some() {
        return;
    }
    let message = format!("`{field}` of `{}` names the input `{name}`, which it does not have", task.name());
    found.push(
        error(workflow, node.span, "E0418", message)
            .label("no input of this name")
            .help(format!("add `{name}: ${{…}}` to `inputParameters`")),
    );
}

/// Reports a DYNAMIC that cannot say what it becomes.
pub(super) fn dynamic(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    missing(workflow, task, "dynamicTaskNameParam", found);
    named_input(workflow, task, "dynamicTaskNameParam", found);
}
