//! When, where on earth, and what: crons, zones and the workflows that schedules start.

use std::collections::BTreeSet;

use crate::words::{Severity, Source, Span, nearest};
use crate::workflow::cron::{Cron, parse_zone};
use crate::workflow::load::{Kind, Loaded, Named};
use crate::workflow::problem;
use crate::workflow::tree::{Node, Tree};

use super::reference::references;
use super::{Findings, Known};

/// Reports what keeps a schedule from firing, or lets it fire into nothing.
pub(super) fn check(files: &[&Loaded], known: &Known, found: &mut Findings) {
    let documents = files.iter().flat_map(|file| &file.documents).filter(|document| document.kind == Kind::Workflow);
    let mut workflows: BTreeSet<&str> = documents.filter_map(|document| document.node.get("name")?.text()).collect();
    workflows.extend(known.workflows.iter().map(String::as_str));
    for file in files {
        for document in file.documents.iter().filter(|document| document.kind == Kind::Schedule) {
            schedule(&file.source, document, &workflows, found);
        }
    }
}

fn schedule(source: &Source, document: &Named, workflows: &BTreeSet<&str>, found: &mut Findings) {
    let node = &document.node;
    let list = node.get("cronSchedules").map(Node::items).unwrap_or_default();
    // A list that is not empty wins over the single expression.
    if list.is_empty() {
        if node.get("cronExpression").is_none_or(Node::is_null) {
            let message = "the schedule has no `cronExpression`".to_owned();
            let help = "add one of six fields, seconds first: `0 0 3 * * *` is every day at three";
            found.push(problem::error(source, Some(node.head()), "E0503", message).help(help));
        }
        times(source, node, found);
    }
    for item in list {
        times(source, item, found);
    }
    window(source, node, found);
    if document.beside.is_none() {
        target(source, node, workflows, found);
    }
    let input = node.get("input").or_else(|| node.get("startWorkflowRequest")?.get("input"));
    if let Some(input) = input {
        inert(source, input, found);
    }
}

fn times(source: &Source, node: &Node, found: &mut Findings) {
    if let Some((node, text)) = node.get("cronExpression").and_then(|node| Some((node, node.text()?))) {
        cron(source, node, text, found);
    }
    let Some((node, zone)) = node.get("zoneId").and_then(|node| Some((node, node.text()?))) else { return };
    if zone.trim().is_empty() {
        return;
    }
    if let Err(unknown) = parse_zone(zone) {
        let diagnostic = problem::error(source, Some(node.span), "E0502", unknown.to_string()).help(unknown.help());
        found.push(match unknown.nearest {
            Some(near) => diagnostic.suggest(node.span, quoted_like(source, node.span, &near)),
            None => diagnostic,
        });
    }
}

fn cron(source: &Source, node: &Node, text: &str, found: &mut Findings) {
    match Cron::parse(text) {
        Ok(cron) => {
            for advice in cron.advice() {
                let span = Some(node.within(source, advice.span.start..advice.span.end));
                let diagnostic = match advice.severity {
                    Severity::Note => problem::note(source, span, "N0507", advice.message),
                    Severity::Error | Severity::Warning => problem::warning(source, span, "W0506", advice.message),
                };
                found.push(match advice.help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                });
            }
        }
        Err(error) => {
            let span = node.within(source, error.span.start..error.span.end);
            let is_certain = error.is_fix_certain(text);
            let mut diagnostic = problem::error(source, Some(span), "E0501", error.message);
            diagnostic.help = error.help;
            found.push(match error.fix.map(|fix| quoted_like(source, node.span, &fix)) {
                Some(fix) if is_certain => diagnostic.fix(node.span, fix),
                Some(fix) => diagnostic.suggest(node.span, fix),
                None => diagnostic,
            });
        }
    }
}

/// Returns a text in the quotes that stand there now, in double quotes where there are none.
fn quoted_like(source: &Source, span: Span, text: &str) -> String {
    let quote = if source.text.get(span.start..).is_some_and(|rest| rest.starts_with('\'')) { '\'' } else { '"' };
    format!("{quote}{text}{quote}")
}

fn window(source: &Source, node: &Node, found: &mut Findings) {
    let time = |name: &str| match &node.get(name)?.value {
        Tree::Number(number) => number.as_i64().filter(|time| *time > 0),
        Tree::Null | Tree::Bool(_) | Tree::Text(_) | Tree::List(_) | Tree::Map(_) => None,
    };
    if let (Some(start), Some(end)) = (time("scheduleStartTime"), time("scheduleEndTime"))
        && end <= start
    {
        let span = node.get("scheduleEndTime").map(|node| node.span);
        let message = "the schedule ends before it starts".to_owned();
        found.push(problem::error(source, span, "E0508", message).label("not after `scheduleStartTime`"));
    }
}

fn target(source: &Source, node: &Node, workflows: &BTreeSet<&str>, found: &mut Findings) {
    let request = node.get("startWorkflowRequest");
    // A request may bring the definition itself.
    if request.is_some_and(|request| request.get("workflowDef").is_some()) {
        return;
    }
    let Some(name) = request.and_then(|request| request.get("name")) else { return };
    let Some(text) = name.text().filter(|text| !text.is_empty() && !workflows.contains(text)) else { return };
    let message = format!("no workflow is named `{text}`");
    let diagnostic = problem::warning(source, Some(name.span), "W0504", message).label("every start will fail");
    found.push(match nearest(text, workflows.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("add the workflow to the folder"),
    });
}

/// Reports references in a schedule's input: it is handed over as it is.
fn inert(source: &Source, node: &Node, found: &mut Findings) {
    match &node.value {
        Tree::Text(text) => {
            for reference in references(text).iter().filter(|reference| !reference.is_escaped) {
                let message = "a schedule's input is not evaluated".to_owned();
                let span = node.within(source, reference.range.clone());
                found.push(
                    problem::warning(source, Some(span), "W0509", message)
                        .label("stays text")
                        .help("put the reference into the workflow's tasks"),
                );
            }
        }
        Tree::List(items) => items.iter().for_each(|item| inert(source, item, found)),
        Tree::Map(entries) => entries.iter().for_each(|entry| inert(source, &entry.value, found)),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
    }
}
