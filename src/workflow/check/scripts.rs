//! What tasks need that evaluate a script.

use crate::words::nearest;
use crate::workflow::problem;
use crate::workflow::shape::EVALUATORS;
use crate::workflow::tree::Node;

use super::outline::Task;
use super::{Findings, Workflow};

pub(super) fn inline(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    needs(workflow, task, "expression", "a script whose last value is the result; its inputs are `$.name`", found);
    evaluator(workflow, task, task.input("evaluatorType"), found);
}

pub(super) fn lambda(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    needs(workflow, task, "scriptExpression", "the body of a function: `return $.name`", found);
}

pub(super) fn jq(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    needs(workflow, task, "queryExpression", "a jq filter; the other inputs are `.`", found);
}

pub(super) fn decision(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let given = |field: &str| task.node.get(field).is_some_and(|node| !node.is_null());
    if !given("caseValueParam") && !given("caseExpression") {
        let message = format!("DECISION `{}` has neither `caseValueParam` nor `caseExpression`", task.name());
        let help = "add `caseValueParam: NAME`, where NAME is an input that holds the value, or use SWITCH";
        found.push(problem::error(workflow.source, Some(task.node.head()), "E0411", message).help(help));
    }
}

/// Reports an evaluator that there is not.
pub(super) fn evaluator(workflow: &Workflow<'_>, task: &Task<'_>, given: Option<&Node>, found: &mut Findings) {
    let Some((node, name)) = given.and_then(|node| Some((node, node.text()?))) else { return };
    if name.contains("${") || EVALUATORS.contains(&name) {
        return;
    }
    let message = format!("{} `{}` has an evaluator that is not here: `{name}`", task.kind.as_str(), task.name());
    let diagnostic = problem::error(workflow.source, Some(node.span), "E0416", message);
    found.push(match (name, nearest(name, EVALUATORS)) {
        ("python", _) => diagnostic.help("write the expression in JavaScript, or have a worker run it"),
        (_, Some(near)) => diagnostic.help(format!("did you mean `{near}`?")),
        (_, None) => diagnostic.help("use `javascript`, `graaljs` or `value-param`"),
    });
}

fn needs(workflow: &Workflow<'_>, task: &Task<'_>, field: &str, what: &str, found: &mut Findings) {
    let given = task.input(field);
    if given.is_some_and(|node| node.text().is_some_and(|text| !text.trim().is_empty())) {
        return;
    }
    let place = given.map_or_else(|| task.node.head(), |node| node.span);
    let message = format!("`inputParameters.{field}` is missing in {} `{}`", task.kind.as_str(), task.name());
    let diagnostic = problem::error(workflow.source, Some(place), "E0411", message);
    found.push(diagnostic.help(format!("add `{field}`: {what}")));
}
