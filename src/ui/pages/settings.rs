//! Every setting that is in force, and where it comes from: the owner's alone.

use std::path::Path;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use maud::{Markup, html};

use crate::secret::{Origin, Provenance};
use crate::ui::parts::badge::{Tone, badge};
use crate::ui::parts::filter::Filter;
use crate::ui::parts::icon::Icon;
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::moment;
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};

pub(super) fn routes() -> Routes {
    Routes::default().page("/settings", show)
}

async fn show(State(house): State<Arc<House>>, visitor: Visitor, Query(filter): Query<Filter>) -> Answer {
    let rows = house.handle.shown_settings(&visitor.who)?;
    let sifted = filter.sift(rows, |row| format!("{} {} {}", row.key, row.value, row.source));
    let content = html! {
        div.head { h1 { "Settings" } (filter.form("/settings", &sifted)) }
        p.hint {
            "These are the settings of the start; " code { "[environment]" }
            " follows its file while it runs. "
            code { "keytide config show" } " prints what a start would take now."
        }
        @if !filter.is_used() { (process(&house, &visitor).await?) }
        h2 { "Every setting" }
        (sifted.rest())
        table data-filter {
            caption.hidden { "Every setting with its value and where it comes from" }
            thead { tr { th scope="col" { "Setting" } th scope="col" { "Value" } th scope="col" { "From" } } }
            tbody {
                @for row in &sifted.rows {
                    tr {
                        th scope="row" { (row.key) }
                        td data-label="Value" { code { (row.value) } }
                        td data-label="From" { @if row.source == "default" { span.none { "default" } } @else { (row.source) } }
                    }
                }
            }
        }
    };
    Ok(layout::page(&visitor, Place::Settings, "Settings", &content).into_response())
}

/// Returns what runs here, whether it is well, and where it keeps everything.
async fn process(house: &House, visitor: &Visitor) -> Result<Markup, Failure> {
    let places = house.handle.places(&visitor.who)?;
    let problems = house.handle.problems(&visitor.who).await?.len();
    let file = |label: &str, path: &Path| html! { div { dt { (label) } dd.mono { (path.display()) } } };
    Ok(html! {
        dl.facts {
            div { dt { "Version" } dd { "keytide " (env!("CARGO_PKG_VERSION")) } }
            div { dt { "Health" } dd {
                @if problems == 0 { (badge(Tone::Good, Icon::Check, "well")) }
                @else { a href="/problems" { (badge(Tone::Bad, Icon::Cross, &moment::counted(problems as u64, "problem"))) } }
            } }
            (file("Project", &places.project))
            (file("Workflows", &places.workflows))
            (file("Store", &places.store))
            (file("Journal", &places.journal))
            @if let Some(Provenance { origin, named_by }) = &places.identity {
                div { dt { "Opened with" } dd {
                    @match origin {
                        Origin::File(path) => div { "the identity file " span.mono { (path.display()) } },
                        Origin::Variable(name) => div { "the identity in " code { (name) } },
                    }
                    div.none { "from " (named_by) }
                } }
            }
            div { dt { "Who can open the store" } dd {
                @for recipient in house.handle.recipients() {
                    div { (recipient.name) " " span.mono { (recipient.recipient) } }
                }
            } }
        }
    })
}
