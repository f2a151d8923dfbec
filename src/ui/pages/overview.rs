use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use maud::{Markup, html};

use crate::daemon::{Freshness, Rotation};
use crate::ui::failure::sentence;
use crate::ui::pages::checklist::checklist;
use crate::ui::parts::badge::{Tone, badge};
use crate::ui::parts::empty::empty;
use crate::ui::parts::filter::Filter;
use crate::ui::parts::icon::Icon;
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::{link, moment, status};
use crate::ui::routes::Routes;
use crate::ui::{Answer, House, Visitor};
use crate::words::Timestamp;

pub(super) fn routes() -> Routes {
    Routes::default().page("/", show)
}

async fn show(State(house): State<Arc<House>>, visitor: Visitor, Query(filter): Query<Filter>) -> Answer {
    let rotations = house.handle.rotations(&visitor.who).await?;
    let now = house.handle.now();
    let counts = counts(&rotations);
    let first_steps = checklist(&house, &visitor, &rotations).await?;
    let sifted = filter.sift(rotations, |rotation| {
        let names = [rotation.writers.join(" "), rotation.readers.join(" ")].join(" ");
        format!("{} {} {names}", rotation.secret, rotation.freshness.as_str())
    });
    let content = html! {
        div.head { h1 { "Overview" } (filter.form("/", &sifted)) }
        div data-live="secret,execution,schedule,definition" {
            (first_steps)
            @if sifted.is_of_nothing() {
                (empty("There are no secrets yet.", "keytide secret set NAME", ("Add a secret", "/add-secret")))
            } @else {
                (counts)
                (sifted.rest())
                (table(&sifted.rows, now))
            }
        }
    };
    Ok(layout::page(&visitor, Place::Overview, "Overview", &content).into_response())
}

fn counts(rotations: &[Rotation]) -> Markup {
    html! {
        ul.counts aria-label="How many secrets are how fresh" {
            @for freshness in Freshness::ALL {
                @let count = rotations.iter().filter(|rotation| rotation.freshness == freshness).count();
                @if count > 0 { li { (state(freshness, &format!("{count} {}", freshness.as_str()))) } }
            }
        }
    }
}

fn table(rotations: &[Rotation], now: Timestamp) -> Markup {
    html! {
        table data-filter {
            caption.hidden { "Every secret and how fresh it is, what needs a look first" }
            thead {
                tr {
                    th scope="col" { "Secret" }
                    th scope="col" { "State" }
                    th scope="col" { "Age" }
                    th scope="col" { "Next rotation" }
                    th scope="col" { "Last result" }
                    th scope="col" { "Expires" }
                    th scope="col" { "Rotated by" }
                    th scope="col" { "Used by" }
                }
            }
            tbody { @for rotation in rotations { (row(rotation, now)) } }
        }
    }
}

fn row(rotation: &Rotation, now: Timestamp) -> Markup {
    let current = rotation.current.as_ref();
    html! {
        tr {
            th scope="row" {
                @if current.is_some() { (link::secret(&rotation.secret)) } @else { (rotation.secret) }
            }
            td data-label="State" {
                (state(rotation.freshness, rotation.freshness.as_str()))
                @if !matches!(rotation.freshness, Freshness::Fresh | Freshness::Unmanaged) {
                    span.why { (sentence(&rotation.reason)) }
                }
            }
            td data-label="Age" { @match current {
                Some(current) => (moment::age(current.created, now)),
                None => span.none { "never written" },
            } }
            td data-label="Next rotation" { (maybe(rotation.next.map(|next| moment::moment(next, now)))) }
            td data-label="Last result" { (maybe(rotation.last.as_ref().map(|last| html! {
                span {
                    (status::workflow(last.status)) " "
                    a href=(link::execution_path(&last.execution.to_string())) {
                        (moment::moment(last.ended.unwrap_or(last.started), now))
                    }
                }
            }))) }
            td data-label="Expires" {
                (maybe(current.and_then(|current| current.expires).map(|expires| moment::moment(expires, now))))
            }
            td data-label="Rotated by" { (names(&rotation.writers)) }
            td data-label="Used by" { (names(&rotation.readers)) }
        }
    }
}

fn maybe(shown: Option<Markup>) -> Markup {
    shown.unwrap_or_else(|| html! { span.none.dash { "–" } })
}

fn names(names: &[String]) -> Markup {
    html! {
        @if names.is_empty() {
            span.none.dash { "–" }
        } @else {
            span.names { @for (index, name) in names.iter().enumerate() { @if index > 0 { ", " } (link::workflow(name)) } }
        }
    }
}

fn state(freshness: Freshness, words: &str) -> Markup {
    let (tone, icon) = match freshness {
        Freshness::InDoubt => (Tone::Bad, Icon::Question),
        Freshness::Failing => (Tone::Bad, Icon::Cross),
        Freshness::Late => (Tone::Warn, Icon::Late),
        Freshness::Expiring => (Tone::Warn, Icon::Hourglass),
        Freshness::Due => (Tone::Busy, Icon::Clock),
        Freshness::Fresh => (Tone::Good, Icon::Check),
        Freshness::Unmanaged => (Tone::Plain, Icon::Hand),
    };
    badge(tone, icon, words)
}
