//! The executions that somebody looks for.

use std::sync::Arc;

use axum::extract::{Query as Asking, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::daemon::{Error, SummaryField};
use crate::journal::{Bound, Condition, Field, Operand, Page, Query, conditions};
use crate::ui::failure::sentence;
use crate::ui::parts::empty::empty;
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::notice::problem;
use crate::ui::parts::sought::Sought;
use crate::ui::parts::view::{self, text};
use crate::ui::parts::{link, moment, status};
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};
use crate::words::{Timestamp, WorkflowStatus};

/// How many executions a page shows: a few screens.
const ROWS: u64 = 50;

pub(super) fn routes() -> Routes {
    Routes::default().page("/executions", show)
}

/// What somebody looks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Search {
    workflow: String,
    status: String,
    correlation: String,
    /// No earlier start, in UTC.
    from: String,
    /// No later start, in UTC.
    until: String,
    text: String,
    /// Conductor's query.
    query: String,
    start: u64,
}

impl Search {
    /// Returns the fields that say something, as an address has them.
    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("text", &self.text),
            ("workflow", &self.workflow),
            ("status", &self.status),
            ("correlation", &self.correlation),
            ("from", &self.from),
            ("until", &self.until),
            ("query", &self.query),
        ]
    }

    fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.trim().is_empty())
    }

    /// Returns the address of the page of this search that begins there.
    fn address(&self, start: u64) -> String {
        link::searched(&format!("/executions?start={start}"), self.fields())
    }

    fn to_query(&self) -> Result<Query<SummaryField>, Failure> {
        let wrong = |error: crate::journal::Malformed| Failure::wrong(error.to_string());
        let mut conditions: Vec<Condition<SummaryField>> = conditions(&self.query, &self.text).map_err(wrong)?;
        for (field, value) in
            [(Field::Name, &self.workflow), (Field::Status, &self.status), (Field::CorrelationId, &self.correlation)]
        {
            let value = value.trim();
            if !value.is_empty() {
                conditions.push(Condition::one_of(field.into(), [value.to_owned()]));
            }
        }
        for (bound, value) in [(Bound::AtLeast, &self.from), (Bound::AtMost, &self.until)] {
            if let Some(at) = crate::ui::form::local_time(value.trim())? {
                conditions.push(Condition::Bounded(Field::Started.into(), bound, Operand::Number(at.as_millis())));
            }
        }
        Ok(Query { conditions, start: self.start, size: ROWS, ..Query::default() })
    }
}

async fn show(State(house): State<Arc<House>>, visitor: Visitor, Asking(search): Asking<Search>) -> Answer {
    let found = match search.to_query() {
        Ok(query) => house.handle.search(&visitor.who, query).await.map_err(refused),
        Err(failure) => Err(Ok(failure)),
    };
    let (status, result) = match found {
        Ok(page) => (StatusCode::OK, results(&search, &page, house.handle.now())),
        Err(Ok(failure)) => (failure.status(), problem(failure.message())),
        Err(Err(failure)) => return Err(failure),
    };
    let content = html! {
        div.head { h1 { "Executions" } }
        (form(&search, status != StatusCode::OK))
        div data-live="execution" { (result) }
    };
    Ok((status, layout::page(&visitor, Place::Executions, "Executions", &content)).into_response())
}

/// Returns what is said beside the form, or what is a page of its own.
fn refused(error: Error) -> Result<Failure, Failure> {
    match error {
        Error::Invalid { .. } => Ok(error.into()),
        other => Err(other.into()),
    }
}

fn form(search: &Search, is_wrong: bool) -> Markup {
    let first = html! {
        label.hidden for="text" { "Text" }
        input #text type="search" name="text" value=(search.text) placeholder="Text of a run (/)";
    };
    let more = html! {
        div { label for="workflow" { "Workflow" } input #workflow name="workflow" value=(search.workflow) spellcheck="false"; }
        div {
            label for="status" { "Status" }
            select #status name="status" {
                option value="" { "any" }
                @for status in WorkflowStatus::ALL {
                    option value=(status) selected[status.as_str() == search.status] { (status) }
                }
            }
        }
        div { label for="correlation" { "Correlation id" } input #correlation name="correlation" value=(search.correlation) spellcheck="false"; }
        div { label for="from" { "From, in UTC" } input #from type="datetime-local" name="from" value=(search.from); }
        div { label for="until" { "Until, in UTC" } input #until type="datetime-local" name="until" value=(search.until); }
        div.wide {
            label for="query" { "Query" }
            input #query name="query" value=(search.query) spellcheck="false" autocapitalize="off"
                placeholder="status IN (FAILED, TIMED_OUT) AND startTime > 2026-11-20T00:00:00Z"
                aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then_some("problem")];
        }
    };
    Sought { path: "/executions", first, more, fields: &search.fields(), is_wrong }.form()
}

fn results(search: &Search, page: &Page<Value>, now: Timestamp) -> Markup {
    if page.rows.is_empty() {
        return html! {
            @if search.is_empty() && search.start == 0 {
                (empty("Nothing has run yet.", "keytide run WORKFLOW", ("See the workflows", "/workflows")))
            } @else {
                p.empty { "No execution is like that." }
            }
        };
    }
    let end = search.start + page.rows.len() as u64;
    html! {
        (table(&page.rows, now))
        nav.pages aria-label="Pages of executions" {
            span { (search.start + 1) " to " (end) " of " (page.total) }
            @if search.start > 0 { a.button href=(search.address(search.start.saturating_sub(ROWS))) { "Newer" } }
            @if end < page.total { a.button href=(search.address(end)) { "Older" } }
        }
    }
}

/// Returns executions as a table, from their summaries.
pub(super) fn table(rows: &[Value], now: Timestamp) -> Markup {
    html! {
        table {
            caption.hidden { "Executions, the latest first" }
            thead {
                tr {
                    th scope="col" { "Workflow" }
                    th scope="col" { "Status" }
                    th scope="col" { "Started" }
                    th scope="col" { "Took" }
                    th scope="col" { "Started by" }
                    th scope="col" { "Correlation id" }
                    th scope="col" { "Id" }
                }
            }
            tbody { @for row in rows { (self::row(row, now)) } }
        }
    }
}

fn row(row: &Value, now: Timestamp) -> Markup {
    let id = text(row, "workflowId");
    let reason = text(row, "reasonForIncompletion");
    let or_none = |text: &str| html! { @if text.is_empty() { span.none.dash { "–" } } @else { (text) } };
    html! {
        tr {
            th scope="row" { a href=(link::execution_path(id)) { (text(row, "workflowType")) " v" (row["version"]) } }
            td data-label="Status" {
                (status::workflow_word(text(row, "status")))
                @if !reason.is_empty() { span.why { (sentence(reason)) } }
            }
            td data-label="Started" { @if let Some(at) = view::moment(row, "startTime") { (moment::moment(at, now)) } }
            td data-label="Took" {
                @if let Some(took) = view::took(row, "startTime", "endTime", now) { (moment::took(took)) }
            }
            td data-label="Started by" { (or_none(text(row, "createdBy"))) }
            td data-label="Correlation id" { (or_none(text(row, "correlationId"))) }
            td data-label="Id" { (link::execution(id)) }
        }
    }
}
