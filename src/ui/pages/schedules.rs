//! The schedules: what they start and when.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use maud::{Markup, html};
use serde_json::Value;

use crate::scheduler::Schedule;
use crate::ui::parts::badge::{Tone, badge};
use crate::ui::parts::empty::empty;
use crate::ui::parts::filter::Filter;
use crate::ui::parts::icon::{Icon, icon};
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::notice::{Done, notice};
use crate::ui::parts::strip::{Stretch, strip};
use crate::ui::parts::view::{self, text};
use crate::ui::parts::{link, moment};
use crate::ui::routes::Routes;
use crate::ui::{Answer, House, Visitor};
use crate::words::Timestamp;

/// How many schedules a page shows with their strips; each is asked for up to two hundred times.
const ROWS_MAX: usize = 300;

pub(super) fn routes() -> Routes {
    Routes::default().page("/schedules", show)
}

async fn show(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Query(filter): Query<Filter>,
    Query(done): Query<Done>,
) -> Answer {
    let schedules = house.handle.schedules(&visitor.who).await?;
    let now = house.handle.now();
    let sifted = filter.sift(schedules, |schedule| {
        let state = if schedule["paused"] == true { "paused" } else { "" };
        format!("{} {} {state}", text(schedule, "name"), text(&schedule["startWorkflowRequest"], "name"))
    });
    let content = html! {
        div.head {
            h1 { "Schedules" }
            (filter.form("/schedules", &sifted))
            @if !sifted.is_of_nothing() { a.button.end href="/edit-schedule" { (icon(Icon::Plus)) "Make a schedule" } }
        }
        (notice(&done))
        div data-live="schedule,definition" {
            @if sifted.is_of_nothing() {
                (empty("There are no schedules yet.", "keytide schedule create -n NAME -c '0 0 3 * * *' -w WORKFLOW", ("Make a schedule", "/edit-schedule")))
            } @else {
                (sifted.rest())
                (table(&house, &visitor, &sifted.rows, now))
            }
        }
    };
    Ok(layout::page(&visitor, Place::Schedules, "Schedules", &content).into_response())
}

/// Returns schedules as a table.
pub(super) fn table(house: &House, visitor: &Visitor, schedules: &[Value], now: Timestamp) -> Markup {
    html! {
        table data-filter {
            caption.hidden { "Schedules, by name" }
            thead {
                tr {
                    th scope="col" { "Schedule" }
                    th scope="col" { "State" }
                    th scope="col" { "When" }
                    th scope="col" { "Workflow" }
                    th scope="col" { "Next" }
                    th scope="col" { "Next 24 hours" }
                }
            }
            tbody {
                @for schedule in schedules.iter().take(ROWS_MAX) {
                    (row(schedule, house.handle.timetable(&visitor.who, text(schedule, "name")).as_ref(), now))
                }
            }
        }
        @if schedules.len() > ROWS_MAX {
            p.hint { "These are the first " (ROWS_MAX) " of " (schedules.len()) "; filter to see others." }
        }
    }
}

fn row(schedule: &Value, timetable: Option<&Schedule>, now: Timestamp) -> Markup {
    let name = text(schedule, "name");
    let workflow = text(&schedule["startWorkflowRequest"], "name");
    html! {
        tr {
            th scope="row" { a href=(link::schedule_path(name)) { (name) } }
            td data-label="State" { (state(schedule)) }
            td data-label="When" { @if let Some(timetable) = timetable { div { (in_words(timetable)) } } }
            td data-label="Workflow" { (link::workflow(workflow)) }
            td data-label="Next" {
                @match view::moment(schedule, "nextRunTime") {
                    Some(next) => (moment::moment(next, now)),
                    None => span.none.dash { "–" },
                }
            }
            td data-label="Next 24 hours" {
                @if let Some(timetable) = timetable.filter(|_| schedule["paused"] != true) { (strip(timetable, now, Stretch::Day)) }
            }
        }
    }
}

/// Returns whether a schedule fires or is held.
pub(super) fn state(schedule: &Value) -> Markup {
    if schedule["paused"] == true {
        return badge(Tone::Warn, Icon::Hand, "paused");
    }
    match view::moment(schedule, "nextRunTime") {
        Some(_) => badge(Tone::Good, Icon::Clock, "active"),
        None => badge(Tone::Plain, Icon::Question, "never again"),
    }
}

/// Returns when a schedule fires, in words and as it is written.
pub(super) fn in_words(timetable: &Schedule) -> Markup {
    html! {
        @for timing in &timetable.timings {
            div { (timing.cron.words()) ", " (timing.zone_id) " " code.whole { (timing.cron) } }
        }
    }
}
