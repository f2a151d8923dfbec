//! What is shown of one task beside the execution: its runs, and each of them whole.

use maud::{Markup, html};
use serde_json::Value;

use crate::ui::failure::sentence;
use crate::ui::pages::execution::Seen;
use crate::ui::pages::execution_forms::form;
use crate::ui::pages::execution_tabs::{TASKS_MAX, attempt};
use crate::ui::parts::json::json;
use crate::ui::parts::view::{self, text};
use crate::ui::parts::{link, moment, status, tabs};
use crate::words::{WorkflowStatus, percent_encoded};

/// The parts of the panel: the word in the address, and what people read.
const PARTS: [(&str, &str); 5] =
    [("summary", "Summary"), ("input", "Input"), ("output", "Output"), ("logs", "Logs"), ("definition", "Definition")];

/// Returns the panel of the task that is asked for; nothing where none is, or where there is no such task.
pub(super) fn panel(seen: &Seen<'_>) -> Option<Markup> {
    let run = seen.task();
    let reference = run.map_or(seen.asked.task.as_str(), view::reference);
    let planned = run.map(|run| &run["workflowTask"]);
    let planned = planned.or_else(|| view::planned(&seen.workflow["workflowDefinition"]["tasks"], reference))?;
    if reference.is_empty() {
        return None;
    }
    Some(html! {
        aside.panel #panel aria-labelledby="panel-title" tabindex="-1" {
            div.head {
                h2 #panel-title { (run.map_or(reference, |run| text(run, "referenceTaskName"))) }
                a.button.quiet.end href="?" aria-label="Close the task" { "Close" }
            }
            @match run {
                Some(run) => (of_run(seen, run)),
                None => (not_yet(seen, reference, planned)),
            }
        }
    })
}

/// Returns what there is of a task that has not begun.
fn not_yet(seen: &Seen<'_>, reference: &str, planned: &Value) -> Markup {
    let skip = html! {
        input type="hidden" name="reference" value=(reference);
        button { "Skip this task" }
    };
    html! {
        p.none { "It has not begun." }
        @if seen.may_execute && seen.status() == Some(WorkflowStatus::Running) { (form(seen, "skip", &skip)) }
        h3 { "Definition" }
        (json("Definition", planned))
    }
}

fn of_run(seen: &Seen<'_>, run: &Value) -> Markup {
    let (reference, id) = (percent_encoded(view::reference(run)), percent_encoded(text(run, "taskId")));
    let shown = PARTS.iter().map(|(part, _)| *part).find(|part| *part == seen.asked.show).unwrap_or("summary");
    let all = PARTS.map(|(part, name)| (name, format!("?task={reference}&run={id}&show={part}#panel"), part == shown));
    let rerun = html! {
        input type="hidden" name="task" value=(text(run, "taskId"));
        button { "Rerun from here" }
    };
    html! {
        (attempts(seen, run))
        (tabs::tabs("Parts of the task", all))
        @match shown {
            "input" => (json("Input", &run["inputData"])),
            "output" => (json("Output", &run["outputData"])),
            "logs" => (logs(seen)),
            "definition" => {
                (json("Task", &run["workflowTask"]))
                @if !run["taskDefinition"].is_null() { h3 { "Task definition" } (json("Task definition", &run["taskDefinition"])) }
            }
            _ => (summary(seen, run)),
        }
        @if seen.may_execute && !seen.is_going_on() { (form(seen, "rerun", &rerun)) }
    }
}

/// Returns links to the runs of the same task, where there are several.
fn attempts(seen: &Seen<'_>, run: &Value) -> Markup {
    let of_task = |task: &&Value| view::reference(task) == view::reference(run);
    let runs: Vec<&Value> = view::tasks(seen.workflow).iter().filter(of_task).collect();
    let hidden = runs.len().saturating_sub(TASKS_MAX);
    html! {
        @if runs.len() > 1 {
            nav.attempts aria-label="Attempts" {
                @if hidden > 0 { span.none { "The last " (TASKS_MAX) " of " (runs.len()) ":" } }
                @for other in &runs[hidden..] {
                    a href=(Seen::run_link(other)) aria-current=[(text(other, "taskId") == text(run, "taskId")).then_some("true")] {
                        "Attempt " (attempt(other)) " " (status::task_word(text(other, "status")))
                    }
                }
            }
        }
    }
}

fn summary(seen: &Seen<'_>, run: &Value) -> Markup {
    let reason = text(run, "reasonForIncompletion");
    let child = text(run, "subWorkflowId");
    html! {
        @if !reason.is_empty() {
            // As on Conductor an attempt carries why the one before it failed.
            @if matches!(text(run, "status"), "COMPLETED" | "SCHEDULED" | "IN_PROGRESS") {
                p.message { "The attempt before: " (reason) }
            } @else {
                p.message.bad { (sentence(reason)) }
            }
        }
        dl.facts {
            div { dt { "Status" } dd { (status::task_word(text(run, "status"))) } }
            div { dt { "Type" } dd { (text(run, "taskType")) } }
            div { dt { "Attempt" } dd { (attempt(run)) } }
            @for (field, name) in [("scheduledTime", "Scheduled"), ("startTime", "Started"), ("endTime", "Ended")] {
                @if let Some(at) = view::moment(run, field) { div { dt { (name) } dd { (moment::moment(at, seen.now)) } } }
            }
            @if let Some(took) = view::took(run, "startTime", "endTime", seen.now) {
                div { dt { "Took" } dd { (moment::took(took)) } }
            }
            @if !text(run, "workerId").is_empty() { div { dt { "Worker" } dd { (text(run, "workerId")) } } }
            @if !child.is_empty() { div { dt { "Sub-workflow" } dd { (link::execution(child)) } } }
            div { dt { "Task id" } dd { code { (text(run, "taskId")) } } }
        }
    }
}

fn logs(seen: &Seen<'_>) -> Markup {
    html! {
        @if seen.logs.is_empty() { p.none { "It has logged nothing." } }
        @if !seen.logs.is_empty() {
            ol.logs tabindex="0" aria-label="Logs" {
                @for (at, line) in &seen.logs { li { span.none { (moment::exact(*at)) } " " (line) } }
            }
        }
    }
}
