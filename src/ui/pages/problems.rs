//! What somebody has to look at, all in one place; and what is wrong with one file.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use maud::{Markup, html};
use serde::Deserialize;

use crate::catalog::Problem;
use crate::ui::failure::sentence;
use crate::ui::parts::badge::{Tone, badge};
use crate::ui::parts::empty::empty;
use crate::ui::parts::icon::Icon;
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::link;
use crate::ui::routes::Routes;
use crate::ui::{Answer, House, Visitor};
use crate::words::{Diagnostic, ExecutionId, Owner, Severity, percent_encoded};

/// How many problems a page shows: who has more mends the first ones first.
const PROBLEMS_MAX: usize = 500;
/// How many lines of a file it shows: a browser lays out more only slowly.
const LINES_MAX: usize = 5_000;

pub(super) fn routes() -> Routes {
    Routes::default().page("/problems", show)
}

/// What of the page somebody asks to see.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// The file whose text is shown.
    #[serde(default)]
    file: String,
}

async fn show(State(house): State<Arc<House>>, visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let problems = house.handle.problems(&visitor.who).await?;
    let text = house.handle.faulty_text(&visitor.who, &asked.file)?;
    let content = html! {
        div.head { h1 { "Problems" } }
        div data-live="problem,definition,schedule,execution" {
            @if problems.is_empty() {
                (empty("Nothing needs a look.", "keytide check", ("Back to the overview", "/")))
            } @else {
                table {
                    caption.hidden { "What somebody has to look at" }
                    thead { tr { th scope="col" { "Where" } th scope="col" { "What is wrong, and what to do" } } }
                    tbody {
                        @for problem in problems.iter().take(PROBLEMS_MAX) {
                            tr {
                                th scope="row" { (place(&problem.place)) }
                                td data-label="What" {
                                    div {
                                        span.lines { (sentence(&problem.message)) }
                                        @if !problem.diagnostics.is_empty() { (linked_findings(&problem.diagnostics)) }
                                    }
                                }
                            }
                        }
                    }
                }
                @if problems.len() > PROBLEMS_MAX { p.hint { "These are the first " (PROBLEMS_MAX) " of " (problems.len()) "." } }
                @if !asked.file.is_empty() { (source(&asked.file, text.as_deref())) }
            }
        }
    };
    Ok(layout::page(&visitor, Place::Problems, "Problems", &content).into_response())
}

/// Returns what is wrong with the file that defines something, for who may see the problems.
pub(super) async fn of_file(house: &House, visitor: &Visitor, owner: &Owner) -> Markup {
    let Owner::File(file) = owner else { return html! {} };
    // Who administers nothing sees none of it.
    let problems = house.handle.problems(&visitor.who).await.unwrap_or_default();
    html! { @for problem in problems.iter().filter(|problem| problem.place == *file) { div.message.bad { (shown(problem)) } } }
}

fn shown(problem: &Problem) -> Markup {
    html! {
        strong { (place(&problem.place)) } " " (sentence(&problem.message))
        @if !problem.diagnostics.is_empty() { (linked_findings(&problem.diagnostics)) }
    }
}

/// Returns the place of a problem, as a link where there is a page for it.
fn place(place: &str) -> Markup {
    let named = place.split_once(' ');
    match named {
        Some(("run", id)) if id.parse::<ExecutionId>().is_ok() => {
            html! { a href=(link::execution_path(id)) { (place) } }
        }
        Some(("schedule", name)) => html! { a href=(link::schedule_path(name)) { (place) } },
        _ => html! { (place) },
    }
}

/// Returns a file's text with a mark at each line, or why there is none.
fn source(file: &str, text: Option<&str>) -> Markup {
    html! {
        h2 #source { (file) }
        @match text {
            None => p.message { "Its text is not shown: nothing is wrong with it any more, or it cannot be told which of its text is a secret. Open it in the project's folder." },
            Some(text) => {
                ol.source tabindex="0" aria-label="Source" {
                    @for (index, line) in text.lines().take(LINES_MAX).enumerate() {
                        li id={ "L" (index + 1) } { code { (line) } }
                    }
                }
                @if text.lines().count() > LINES_MAX { p.hint { "These are the first " (LINES_MAX) " lines." } }
            }
        }
    }
}

/// Returns what is wrong with a file, at its lines.
pub(super) fn findings(diagnostics: &[Diagnostic]) -> Markup {
    listed(diagnostics, |diagnostic| html! { code { (position(diagnostic)) } })
}

/// Returns what is wrong with a file of the folder: each place leads to its line.
fn linked_findings(diagnostics: &[Diagnostic]) -> Markup {
    listed(diagnostics, |diagnostic| {
        let line = diagnostic.span.map(|span| format!("#L{}", diagnostic.source.position(span.start).0));
        let file = percent_encoded(&diagnostic.source.name);
        html! { a href={ "/problems?file=" (file) (line.unwrap_or_default()) } { code { (position(diagnostic)) } } }
    })
}

fn listed(diagnostics: &[Diagnostic], place: impl Fn(&Diagnostic) -> Markup) -> Markup {
    html! {
        ul.findings {
            @for diagnostic in diagnostics {
                li {
                    (severity(diagnostic.severity)) " " (place(diagnostic)) " " (sentence(&diagnostic.message))
                    @if let Some(help) = &diagnostic.help { span.why { (sentence(help)) } }
                }
            }
        }
    }
}

fn severity(severity: Severity) -> Markup {
    match severity {
        Severity::Error => badge(Tone::Bad, Icon::Cross, severity.as_str()),
        Severity::Warning => badge(Tone::Warn, Icon::Late, severity.as_str()),
        Severity::Note => badge(Tone::Plain, Icon::Question, severity.as_str()),
    }
}

/// Returns where a problem is, as editors open it.
pub(super) fn position(diagnostic: &Diagnostic) -> String {
    let name = &diagnostic.source.name;
    diagnostic.span.map_or_else(
        || name.to_string(),
        |span| {
            let (line, column) = diagnostic.source.position(span.start);
            format!("{name}:{line}:{column}")
        },
    )
}
