//! What each part of an execution's page shows.

use std::collections::HashMap;

use maud::{Markup, html};
use serde_json::Value;

use crate::ui::failure::sentence;
use crate::ui::pages::execution::{Seen, Tab};
use crate::ui::pages::timeline::timeline;
use crate::ui::parts::diagram::diagram;
use crate::ui::parts::json::json;
use crate::ui::parts::moment;
use crate::ui::parts::status;
use crate::ui::parts::view::{self, text};

/// How many tasks a list or a timeline shows at once: a few screens.
pub(super) const TASKS_MAX: usize = 200;

/// What a summary says: Conductor's field, and what people call it.
const SUMMARY: [(&str, &str); 14] = [
    ("workflowName", "Workflow"),
    ("workflowVersion", "Version"),
    ("workflowId", "Id"),
    ("status", "Status"),
    ("createdBy", "Started by"),
    ("event", "Started by event"),
    ("correlationId", "Correlation id"),
    ("idempotencyKey", "Idempotency key"),
    ("priority", "Priority"),
    ("parentWorkflowId", "Part of"),
    ("failedReferenceTaskNames", "Failed tasks"),
    ("taskToDomain", "Tasks to domains"),
    ("rateLimitKey", "Rate limit key"),
    ("reasonForIncompletion", "Why it did not complete"),
];

/// The moments of a summary.
const MOMENTS: [(&str, &str); 4] =
    [("startTime", "Started"), ("updateTime", "Changed"), ("endTime", "Ended"), ("lastRetriedTime", "Last retried")];

pub(super) fn content(seen: &Seen<'_>, tab: Tab) -> Markup {
    let workflow = seen.workflow;
    match tab {
        Tab::Diagram => picture(workflow),
        Tab::TaskList => task_list(seen),
        Tab::Timeline => timeline(seen),
        Tab::Summary => summary(seen),
        Tab::InputOutput => html! {
            h2 { "Input" } (json("Input", &workflow["input"]))
            h2 { "Output" } (json("Output", &workflow["output"]))
        },
        Tab::Json => html! {
            p { a.button href={ (seen.path()) "/raw" } { "The whole of it, as a file" } }
            (json("JSON", workflow))
        },
        Tab::Variables => json("Variables", &workflow["variables"]),
    }
}

fn picture(workflow: &Value) -> Markup {
    // The tasks are in the order in which they began: the last attempt, of the last iteration, counts.
    let statuses: HashMap<_, _> = view::tasks(workflow)
        .iter()
        .map(|task| (view::reference(task).to_owned(), text(task, "status").to_owned()))
        .collect();
    diagram(&workflow["workflowDefinition"], &statuses)
}

/// Returns the tasks that are shown at once, with links to those before and after.
pub(super) fn window<'v>(seen: &'v Seen<'_>) -> (&'v [Value], Markup) {
    let tasks = view::tasks(seen.workflow);
    let start = seen.asked.start.min(tasks.len());
    let end = start.saturating_add(TASKS_MAX).min(tasks.len());
    let links = html! {
        @if tasks.len() > TASKS_MAX {
            nav.pages aria-label="Pages of tasks" {
                span { "Tasks " (start + 1) " to " (end) " of " (tasks.len()) }
                @if start > 0 { a.button href={ "?start=" (start.saturating_sub(TASKS_MAX)) } { "Before" } }
                @if end < tasks.len() { a.button href={ "?start=" (end) } { "After" } }
            }
        }
    };
    (&tasks[start..end], links)
}

fn task_list(seen: &Seen<'_>) -> Markup {
    let (tasks, links) = window(seen);
    if tasks.is_empty() {
        return html! { p.none { "No task has begun." } };
    }
    html! {
        (links)
        table data-filter {
            caption.hidden { "The tasks, in the order in which they began" }
            thead {
                tr {
                    th scope="col" { "Task" }
                    th scope="col" { "Type" }
                    th scope="col" { "Status" }
                    th scope="col" { "Scheduled" }
                    th scope="col" { "Took" }
                    th scope="col" { "Attempt" }
                }
            }
            tbody { @for task in tasks { (row(seen, task)) } }
        }
    }
}

fn row(seen: &Seen<'_>, task: &Value) -> Markup {
    let reason = text(task, "reasonForIncompletion");
    html! {
        tr {
            th scope="row" { a href=(Seen::run_link(task)) { (text(task, "referenceTaskName")) } }
            td data-label="Type" { (text(task, "taskType")) }
            td data-label="Status" {
                (status::task_word(text(task, "status")))
                @if !reason.is_empty() { span.why { (sentence(reason)) } }
            }
            td data-label="Scheduled" {
                @if let Some(at) = view::moment(task, "scheduledTime") { (moment::moment(at, seen.now)) }
            }
            td data-label="Took" {
                @match view::took(task, "startTime", "endTime", seen.now) {
                    Some(took) => (moment::took(took)),
                    None => span.none.dash { "–" },
                }
            }
            td data-label="Attempt" { (attempt(task)) }
        }
    }
}

/// Returns which attempt of its task a run is, counted from 1, and in which iteration.
pub(super) fn attempt(task: &Value) -> String {
    let attempt = task["retryCount"].as_u64().unwrap_or(0) + 1;
    match task["iteration"].as_u64() {
        Some(iteration) if iteration > 0 => format!("{attempt}, iteration {iteration}"),
        _ => attempt.to_string(),
    }
}

fn summary(seen: &Seen<'_>) -> Markup {
    let workflow = seen.workflow;
    let said = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Array(items) if items.is_empty() => None,
        Value::Object(fields) if fields.is_empty() => None,
        other => Some(other.to_string()),
    };
    html! {
        dl.facts {
            @for (field, name) in SUMMARY {
                @if let Some(said) = said(&workflow[field]) { div { dt { (name) } dd { (said) } } }
            }
            @for (field, name) in MOMENTS {
                @if let Some(at) = view::moment(workflow, field) {
                    div { dt { (name) } dd { (moment::exact(at)) } }
                }
            }
            div { dt { "Tasks" } dd { (view::tasks(workflow).len()) } }
        }
    }
}
