//! Every setting that is in force, and where it comes from: the owner's alone.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use maud::html;

use crate::ui::parts::filter::Filter;
use crate::ui::parts::layout::{self, Place};
use crate::ui::routes::Routes;
use crate::ui::{Answer, House, Visitor};

pub(super) fn routes() -> Routes {
    Routes::default().page("/settings", show)
}

async fn show(State(house): State<Arc<House>>, visitor: Visitor, Query(filter): Query<Filter>) -> Answer {
    let rows = house.handle.shown_settings(&visitor.who)?;
    let sifted = filter.sift(rows, |row| format!("{} {} {}", row.key, row.value, row.source));
    let content = html! {
        div.head { h1 { "Settings" } (filter.form("/settings", &sifted)) }
        p.hint {
            "keytide " (env!("CARGO_PKG_VERSION")) ". These are the settings of the start; " code { "[environment]" }
            " follows its file while it runs. "
            code { "keytide config show" } " prints what a start would take now."
        }
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
