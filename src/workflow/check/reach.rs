//! Tasks that no run comes to: behind a TERMINATE, in a case that is never taken.

use crate::workflow::definition::TaskType;
use crate::workflow::problem;
use crate::workflow::tree::{Node, Tree};

use super::outline::Task;
use super::{Findings, Workflow};

/// Reports the first task of each list that is never reached.
pub(super) fn check(workflow: &Workflow<'_>, found: &mut Findings) {
    for task in &workflow.outline.tasks {
        match task.kind {
            TaskType::Terminate => behind(workflow, task, found),
            TaskType::Switch => cases(workflow, task, found),
            _ => {}
        }
    }
}

fn behind(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let Some(next) = task.next else { return };
    let message = format!("no run comes to what follows TERMINATE `{}`", task.name());
    found.push(
        problem::warning(workflow.source, Some(next.head()), "W0422", message)
            .label("never reached")
            .help("remove it, or put the TERMINATE into a case of a SWITCH"),
    );
}

/// Looks at a SWITCH whose input stands there as it is: it takes the same case each time.
fn cases(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    if task.node.get("evaluatorType").and_then(Node::text) != Some("value-param") {
        return;
    }
    let value = task.node.get("expression").and_then(Node::text).and_then(|name| task.input(name));
    let taken = match value.map(|value| &value.value) {
        Some(Tree::Text(text)) if !text.contains("${") => text.to_string(),
        Some(Tree::Number(number)) => number.to_string(),
        Some(Tree::Bool(flag)) => flag.to_string(),
        _ => return,
    };
    for case in task.node.get("decisionCases").map(Node::entries).unwrap_or_default() {
        if *case.key != *taken {
            let message = format!("SWITCH `{}` never takes the case `{}`", task.name(), case.key);
            found.push(
                problem::warning(workflow.source, Some(case.key_span), "W0422", message)
                    .label("its input is always the same")
                    .help("give the input a `${…}`, or remove the case"),
            );
        }
    }
}
