//! Who did what, and whether all that was told of it is still there: the owner's alone.

use std::sync::Arc;

use axum::extract::{Query as Asking, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::journal::{AuditQuery, Checked, REASON_BYTES_MAX};
use crate::ui::failure::sentence;
use crate::ui::form::{Form, local_time};
use crate::ui::parts::badge::{Tone, badge};
use crate::ui::parts::empty::empty;
use crate::ui::parts::icon::Icon;
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::sought::Sought;
use crate::ui::parts::view::{self, text};
use crate::ui::parts::{link, moment, notice};
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};
use crate::words::Timestamp;

/// How many entries a page shows: a few screens.
const ROWS: usize = 50;

pub(super) fn routes() -> Routes {
    Routes::default().page("/audit", show).form("/audit/verify", verify).form("/audit/acknowledge", acknowledge)
}

/// What somebody looks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Search {
    secret: String,
    actor: String,
    run: String,
    /// Not older, in UTC.
    since: String,
    before: Option<u64>,
    /// With those who only listed or looked; a page that lies open does that again and again.
    looks: String,
}

impl Search {
    fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("secret", &self.secret),
            ("actor", &self.actor),
            ("run", &self.run),
            ("since", &self.since),
            ("looks", &self.looks),
        ]
    }

    fn is_empty(&self) -> bool {
        self.before.is_none() && self.fields().iter().all(|(_, value)| value.trim().is_empty())
    }

    /// Returns the address of the page of this search that goes on there.
    fn address(&self, before: u64) -> String {
        link::searched(&format!("/audit?before={before}"), self.fields())
    }

    fn to_query(&self) -> Result<AuditQuery, Failure> {
        let given = |value: &str| Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        Ok(AuditQuery {
            since: local_time(self.since.trim())?,
            secret: given(&self.secret),
            actor: given(&self.actor),
            run: given(&self.run),
            before: self.before,
            count: ROWS,
            brief: self.looks.is_empty(),
        })
    }
}

async fn show(State(house): State<Arc<House>>, visitor: Visitor, Asking(search): Asking<Search>) -> Answer {
    let Err(wrong) = search.to_query() else {
        return Ok(page(&house, &visitor, &search, &html! {}).await?.into_response());
    };
    let said = notice::problem(&format!("{}; entries of all times are shown", wrong.message()));
    let search = Search { since: String::new(), ..search };
    Ok((wrong.status(), page(&house, &visitor, &search, &said).await?).into_response())
}

/// Goes through the whole chain, which takes a moment: so it is asked for, and done by no look at the page.
async fn verify(State(house): State<Arc<House>>, form: Form) -> Answer {
    checked(&house, &form.visitor).await
}

/// Says in the audit that what is broken is known.
async fn acknowledge(State(house): State<Arc<House>>, form: Form) -> Answer {
    house.handle.acknowledge_audit(&form.visitor.who, form.fields.get("reason")).await?;
    checked(&house, &form.visitor).await
}

async fn checked(house: &House, visitor: &Visitor) -> Answer {
    let Checked { end, breaks, acknowledged } = house.handle.verify_audit(&visitor.who).await?;
    let status = if breaks.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    let said = html! {
        @if let Some(broken) = breaks.first() {
            div.message.bad role="alert" {
                p { (sentence(&broken.to_string())) }
                p { "Keep the state folder as it is, and find out who can write there." }
                form method="post" action="/audit/acknowledge" {
                    (layout::token(&visitor.form_token))
                    label for="reason" { "Once you know: what happened" }
                    input #reason name="reason" required maxlength=(REASON_BYTES_MAX);
                    button { "Say so in the audit" }
                }
            }
        } @else {
            div.message.good role="status" {
                p { "The audit holds, up to entry " (end.seq) ". Keep this line elsewhere: a later check that shows the same
                    hash for that entry rests on it." }
                p { code { (end.seq) " " (end.hash) } }
            }
        }
        @for one in &acknowledged {
            p { "Known since entry " (one.seq) ": " (one.broken) ". " (sentence(&one.reason)) }
        }
    };
    Ok((status, page(house, visitor, &Search::default(), &said).await?).into_response())
}

async fn page(house: &House, visitor: &Visitor, search: &Search, said: &Markup) -> Result<Markup, Failure> {
    let found = house.handle.audit(&visitor.who, search.to_query()?).await?;
    let now = house.handle.now();
    let content = html! {
        div.head {
            h1 { "Audit" }
            form.end method="post" action="/audit/verify" {
                (layout::token(&visitor.form_token))
                button { "Check the chain" }
            }
        }
        (said)
        (form(search))
        @if found.entries.is_empty() && search.is_empty() {
            (empty("Nothing has been done yet.", "keytide audit", ("Back to the overview", "/")))
        } @else if found.entries.is_empty() {
            p.empty { "No entry is like that." }
        } @else {
            (table(&found.entries, now))
        }
        @if let Some(next) = found.next {
            nav.pages aria-label="Pages of entries" { a.button href=(search.address(next)) { "Older" } }
        }
    };
    Ok(layout::page(visitor, Place::Audit, "Audit", &content))
}

fn form(search: &Search) -> Markup {
    let first = html! {
        label.hidden for="secret" { "Secret" }
        input #secret type="search" name="secret" value=(search.secret) placeholder="Secret (/)" spellcheck="false";
    };
    let more = html! {
        div {
            label for="actor" { "Who" }
            input #actor name="actor" value=(search.actor) placeholder="app:ci" spellcheck="false";
        }
        div { label for="run" { "Execution" } input #run name="run" value=(search.run) spellcheck="false"; }
        div { label for="since" { "Since, in UTC" } input #since type="datetime-local" name="since" value=(search.since); }
        label.box.wide {
            input type="checkbox" name="looks" value="yes" checked[!search.looks.is_empty()];
            "With those who only listed or looked"
        }
    };
    Sought { path: "/audit", first, more, fields: &search.fields(), is_wrong: false }.form()
}

fn table(entries: &[Value], now: Timestamp) -> Markup {
    html! {
        table {
            caption.hidden { "Entries of the audit, the newest first" }
            thead {
                tr {
                    th scope="col" { "Entry" }
                    th scope="col" { "When" }
                    th scope="col" { "Who" }
                    th scope="col" { "Did" }
                    th scope="col" { "To" }
                    th scope="col" { "Outcome" }
                    th scope="col" { "More" }
                }
            }
            tbody { @for entry in entries { (row(entry, now)) } }
        }
    }
}

fn row(entry: &Value, now: Timestamp) -> Markup {
    let fault = text(entry, "fault");
    if !fault.is_empty() {
        return html! {
            tr {
                th scope="row" { (entry["seq"]) }
                td data-label="More" colspan="6" { (badge(Tone::Bad, Icon::Cross, "damaged")) span.why { (sentence(fault)) } }
            }
        };
    }
    let (actor, object, run) = (&entry["actor"], &entry["object"], &entry["run"]);
    html! {
        tr {
            th scope="row" { (entry["seq"]) }
            td data-label="When" { @if let Some(at) = view::moment(entry, "at") { (moment::moment(at, now)) } }
            td data-label="Who" {
                span.names {
                    (text(actor, "kind"))
                    @if !["", text(actor, "kind")].contains(&text(actor, "name")) { ":" wbr; (text(actor, "name")) }
                    @if !text(actor, "address").is_empty() { span.why { (text(actor, "address")) } }
                }
            }
            td.word data-label="Did" { (text(entry, "action")) }
            td data-label="To" { span.names { (thing(text(object, "kind"), text(object, "name"))) } }
            td data-label="Outcome" { (outcome(text(entry, "outcome"))) }
            td data-label="More" {
                span {
                    @if let Some(version) = entry["version"].as_u64() { "v" (version) " " }
                    @for fingerprint in ["old", "new"] {
                        @if !text(entry, fingerprint).is_empty() { span.mono { (fingerprint) " " (text(entry, fingerprint)) } " " }
                    }
                    (text(entry, "detail")) " "
                    @if !text(run, "id").is_empty() {
                        (link::execution(text(run, "id")))
                        @if !text(run, "task").is_empty() { span.why { (text(run, "task")) } }
                    }
                }
            }
        }
    }
}

/// Returns what something was done to, as a link where there is a page for it.
fn thing(kind: &str, name: &str) -> Markup {
    let path = match kind {
        "secret" => link::secret_path(name),
        "workflow" => link::workflow_path(name),
        "schedule" => link::schedule_path(name),
        _ => String::new(),
    };
    // A list is of all that somebody may see.
    let is_one = !path.is_empty() && !name.is_empty() && name != "*";
    html! {
        (kind) " "
        @if !is_one { (name) } @else { a href=(path) { (name) } }
    }
}

fn outcome(outcome: &str) -> Markup {
    match outcome {
        "allowed" => badge(Tone::Good, Icon::Check, outcome),
        "denied" => badge(Tone::Bad, Icon::Cross, outcome),
        "failed" => badge(Tone::Warn, Icon::Late, outcome),
        "asked" => badge(Tone::Plain, Icon::Clock, outcome),
        other => html! { (other) },
    }
}
