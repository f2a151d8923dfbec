//! The workflows that are defined, each in its highest version.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use maud::{Markup, html};
use serde_json::Value;

use crate::access::TargetKind;
use crate::catalog::Definition;
use crate::ui::parts::empty::empty;
use crate::ui::parts::filter::{Filter, Sifted};
use crate::ui::parts::icon::{Icon, icon};
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::view::text;
use crate::ui::parts::{link, moment};
use crate::ui::routes::Routes;
use crate::ui::{Answer, House, Visitor};
use crate::words::{Permission, Timestamp};

/// A workflow in its highest version, and how many versions there are.
type Latest<'c> = (&'c str, (&'c Arc<Definition>, usize));

pub(super) fn routes() -> Routes {
    Routes::default().page("/workflows", show)
}

async fn show(State(house): State<Arc<House>>, visitor: Visitor, Query(filter): Query<Filter>) -> Answer {
    let handle = &house.handle;
    let catalog = handle.catalog();
    let mut latest: BTreeMap<&str, (&Arc<Definition>, usize)> = BTreeMap::new();
    for definition in catalog.workflows() {
        let workflow = &definition.pinned.workflow;
        let (newest, versions) = latest.entry(&workflow.name).or_insert((definition, 0));
        *newest = definition;
        *versions += 1;
    }
    latest.retain(|name, _| handle.rights(&visitor.who, TargetKind::Workflow, name).contains(&Permission::Read));
    let sifted = filter.sift(latest.into_iter().collect(), |(name, (definition, _)): &Latest<'_>| {
        let description = definition.pinned.workflow.description.as_deref().unwrap_or_default();
        format!("{name} {} {description}", definition.pinned.owner)
    });
    let shown = sifted.rows.iter().map(|(name, _)| *name).collect();
    let schedules = handle.schedules_of(&visitor.who, &shown).await?;
    let now = handle.now();
    let content = html! {
        div.head {
            h1 { "Workflows" }
            (filter.form("/workflows", &sifted))
            @if !sifted.is_of_nothing() { a.button.end href="/edit-workflow" { (icon(Icon::Plus)) "Define a workflow" } }
        }
        div data-live="definition,schedule" {
            @if sifted.is_of_nothing() {
                (empty("There are no workflows yet.", "keytide init", ("Define a workflow", "/edit-workflow")))
            } @else {
                (sifted.rest())
                (table(&sifted, &schedules, now))
            }
        }
    };
    Ok(layout::page(&visitor, Place::Workflows, "Workflows", &content).into_response())
}

fn table(latest: &Sifted<Latest<'_>>, schedules: &[Value], now: Timestamp) -> Markup {
    html! {
        table data-filter {
            caption.hidden { "Workflows, by name" }
            thead {
                tr {
                    th scope="col" { "Workflow" }
                    th scope="col" { "Version" }
                    th scope="col" { "What it does" }
                    th scope="col" { "Defined by" }
                    th scope="col" { "Schedules" }
                    th scope="col" { "Runs" }
                }
            }
            tbody { @for (name, (definition, versions)) in &latest.rows { (row(name, definition, *versions, schedules, now)) } }
        }
    }
}

fn row(name: &str, definition: &Definition, versions: usize, schedules: &[Value], now: Timestamp) -> Markup {
    let workflow = &definition.pinned.workflow;
    let own = schedules.iter().filter(|schedule| text(&schedule["startWorkflowRequest"], "name") == name);
    html! {
        tr {
            th scope="row" { (link::workflow(name)) }
            td data-label="Version" { "v" (workflow.version) @if versions > 1 { span.none { " of " (versions) } } }
            td data-label="What it does" {
                @match &workflow.description { Some(description) => (description), None => span.none.dash { "–" } }
            }
            td data-label="Defined by" { (definition.pinned.owner) }
            td data-label="Schedules" {
                div {
                    @for schedule in own {
                        @let at = text(schedule, "name");
                        div {
                            a href=(link::schedule_path(at)) { (at) }
                            @if let Some(next) = crate::ui::parts::view::moment(schedule, "nextRunTime") { " " span.none { (moment::moment(next, now)) } }
                        }
                    }
                }
            }
            td data-label="Runs" { a href={ "/executions?workflow=" (crate::words::percent_encoded(name)) } aria-label={ "Runs of " (name) } { "Runs" } }
        }
    }
}
