//! One schedule: when it fires, what it did, and the forms that hold it or run it now.

use std::sync::Arc;

use axum::extract::{Path, Query as Asking, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde_json::Value;

use crate::access::TargetKind;
use crate::daemon::Hold;
use crate::journal::{Condition, Page, Query, Slot, SlotField, SlotOutcome};
use crate::scheduler::Schedule;
use crate::ui::failure::sentence;
use crate::ui::form::Form;
use crate::ui::pages::schedule_editor::removal;
use crate::ui::pages::schedules::{in_words, state};
use crate::ui::parts::badge::{Tone, badge};
use crate::ui::parts::icon::Icon;
use crate::ui::parts::json::json;
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::notice::{Done, notice};
use crate::ui::parts::strip::{Stretch, strip, upcoming};
use crate::ui::parts::view::text;
use crate::ui::parts::{link, moment};
use crate::ui::routes::Routes;
use crate::ui::{Answer, House, Visitor};
use crate::words::{Permission, Timestamp, percent_encoded};
use crate::workflow::definition::Overlap;

/// How many of the next times are told, and of the last ones.
const NEXT: usize = 8;
const PAST: u64 = 20;
/// How late a run may start and still be on time: what a busy daemon may take, as the scheduler has it.
const LATE_AFTER: std::time::Duration = std::time::Duration::from_secs(10);

pub(super) fn routes() -> Routes {
    Routes::default()
        .page("/schedules/{name}", show)
        .form("/schedules/{name}/pause", pause)
        .form("/schedules/{name}/resume", resume)
        .form("/schedules/{name}/run", run)
}

async fn show(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Asking(done): Asking<Done>,
) -> Answer {
    let handle = &house.handle;
    let schedule = handle.schedule(&visitor.who, &name).await?;
    let query = Query {
        conditions: vec![Condition::one_of(SlotField::Schedule, [name.clone()])],
        size: PAST,
        ..Query::default()
    };
    let past = handle.slots(&visitor.who, query).await?;
    let rights = handle.rights(&visitor.who, TargetKind::Schedule, &name);
    let timetable = handle.timetable(&visitor.who, &name);
    let now = handle.now();
    let workflow = text(&schedule["startWorkflowRequest"], "name");
    let content = html! {
        nav.crumbs aria-label="Where this page is" { a href="/schedules" { "Schedules" } " / " }
        (notice(&done))
        div data-live="schedule" data-workflow=(workflow) {
            div.head { h1.name { (name) } (state(&schedule)) (actions(&visitor, &schedule, &rights)) }
            @if !text(&schedule, "pausedReason").is_empty() { p.message { (sentence(text(&schedule, "pausedReason"))) } }
            @if !text(&schedule, "description").is_empty() { p { (text(&schedule, "description")) } }
            dl.facts {
                div { dt { "When" } dd { @if let Some(timetable) = &timetable { (in_words(timetable)) } } }
                div { dt { "Starts" } dd { (link::workflow(workflow)) } }
                div { dt { "Defined by" } dd { (text(&schedule, "origin")) } }
                @if let Some(timetable) = &timetable {
                    div { dt { "While a run still goes" } dd { (while_it_runs(timetable)) } }
                }
                div { dt { "Missed runs" } dd {
                    (if schedule["runCatchupScheduleInstances"] == true { "all are caught up with" } else { "one late run" })
                } }
            }
            @if let Some(timetable) = timetable.as_ref().filter(|_| schedule["paused"] != true) { (next(timetable, now)) }
            (what_became(&past, now))
            h2 { "Input" }
            (json("Input", &schedule["startWorkflowRequest"]["input"]))
            @if rights.contains(&Permission::Delete) && !is_of_a_file(&schedule) { (removal(&visitor, &schedule)) }
        }
    };
    Ok(layout::page(&visitor, Place::Schedules, &name, &content).into_response())
}

fn is_of_a_file(schedule: &Value) -> bool {
    text(schedule, "origin").starts_with("file:")
}

const fn while_it_runs(timetable: &Schedule) -> &'static str {
    match timetable.overlap {
        Overlap::Skip => "the next one is skipped",
        Overlap::Allow => "the next one runs beside it",
    }
}

fn actions(visitor: &Visitor, schedule: &Value, rights: &[Permission]) -> Markup {
    let path = link::schedule_path(text(schedule, "name"));
    let form = |action: &str, content: &Markup| {
        html! {
            form method="post" action={ (path) "/" (action) } { (layout::token(&visitor.form_token)) (content) }
        }
    };
    html! {
        div.actions.end {
            @if rights.contains(&Permission::Update) || is_of_a_file(schedule) {
                a.button href={ "/edit-schedule?name=" (percent_encoded(text(schedule, "name"))) } { "Change" }
            }
            @if rights.contains(&Permission::Execute) { (form("run", &html! { button { "Run now" } })) }
            @if rights.contains(&Permission::Update) {
                @if schedule["paused"] == true {
                    (form("resume", &html! { button.primary { "Resume" } }))
                } @else {
                    details.menu {
                        summary.button { "Pause …" }
                        (form("pause", &html! {
                            label for="reason" { "Why (it is shown here)" }
                            input #reason name="reason" maxlength="1000";
                            button { "Pause" }
                        }))
                    }
                }
            }
        }
    }
}

/// Returns the next times, in the zone of the timing that says so; the script adds those of the browser's own.
pub(super) fn next(timetable: &Schedule, now: Timestamp) -> Markup {
    let slots: Vec<_> = upcoming(timetable, now, Timestamp::MAX).take(NEXT).collect();
    html! {
        h2 { "Next" }
        div.strips {
            figure { figcaption { "24 hours" } (strip(timetable, now, Stretch::Day)) }
            figure { figcaption { "7 days" } (strip(timetable, now, Stretch::Week)) }
        }
        @if slots.is_empty() { p.none { "It does not fire any more." } }
        ol.times {
            @for slot in &slots {
                @let zone = timetable.timings.get(slot.timing).map_or(TimeZone::UTC, |timing| timing.zone.clone());
                li { time datetime=(slot.due) data-own { (on_clock(slot.due, zone)) } " " span.none { (moment::moment(slot.due, now)) } }
            }
        }
    }
}

/// Returns a time as the clocks of a zone show it, with the zone.
fn on_clock(at: Timestamp, zone: TimeZone) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.as_millis());
    moment.map_or_else(
        |_| moment::exact(at),
        |moment| moment.to_zoned(zone).strftime("%a %Y-%m-%d %H:%M:%S %Z").to_string(),
    )
}

fn what_became(past: &Page<Slot>, now: Timestamp) -> Markup {
    html! {
        h2 { "Last" }
        @if past.rows.is_empty() { p.none { "It has not fired yet." } } @else {
            table {
                caption.hidden { "What became of its last times, the latest first" }
                thead { tr { th scope="col" { "Due" } th scope="col" { "What became of it" } th scope="col" { "Run" } } }
                tbody {
                    @for slot in &past.rows {
                        tr {
                            th scope="row" { (moment::moment(slot.due, now)) }
                            td data-label="What became of it" { (outcome(slot)) }
                            td data-label="Run" {
                                @if slot.outcome == SlotOutcome::Fired { (link::execution(&slot.execution.to_string())) }
                                @else { span.none.dash { "–" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn outcome(slot: &Slot) -> Markup {
    let late = slot.at.since(slot.due);
    match &slot.outcome {
        SlotOutcome::Fired if late > LATE_AFTER => html! {
            (badge(Tone::Warn, Icon::Late, "started late")) span.why { (moment::span(late)) " after it was due." }
        },
        SlotOutcome::Fired => badge(Tone::Good, Icon::Check, "started"),
        SlotOutcome::Skipped { blocked_by } => html! {
            (badge(Tone::Warn, Icon::Hand, "skipped"))
            span.why { "The run " (link::execution(&blocked_by.to_string())) " was still going." }
        },
        SlotOutcome::Failed { reason } => html! {
            (badge(Tone::Bad, Icon::Cross, "failed to start")) span.why { (sentence(reason)) }
        },
    }
}

fn back(name: &str, done: &str) -> Response {
    Redirect::to(&format!("{}?done={done}", link::schedule_path(name))).into_response()
}

async fn pause(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    let reason = Some(form.fields.trimmed("reason").to_owned()).filter(|reason| !reason.is_empty());
    house.handle.hold_schedule(&form.visitor.who, &name, Hold::Pause(reason)).await?;
    Ok(back(&name, "paused"))
}

async fn resume(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    house.handle.hold_schedule(&form.visitor.who, &name, Hold::Resume).await?;
    Ok(back(&name, "resumed"))
}

async fn run(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    let id = house.handle.trigger(&form.visitor.who, &name).await?;
    Ok(Redirect::to(&format!("{}?done=started", link::execution_path(&id.to_string()))).into_response())
}
