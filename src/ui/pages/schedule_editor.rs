//! Where schedules are made and changed that no file defines; of those of files it shows what to write.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::access::TargetKind;
use crate::catalog::Name;
use crate::ui::form::Form;
use crate::ui::pages::schedule_fields::Draft;
use crate::ui::pages::schedule_preview::Preview;
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::link;
use crate::ui::parts::notice::problem;
use crate::ui::parts::view::text;
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};
use crate::words::{Owner, Permission};
use crate::workflow::definition::WorkflowSchedule;

/// How many workflows the field suggests; who has more types the name.
const WORKFLOWS_MAX: usize = 500;

/// How many names are tried for one: who has more schedules of a workflow names them.
const NUMBERS_MAX: usize = 20;

/// What somebody who makes a schedule begins with: once a day, at night.
const CRON: &str = "0 0 3 * * *";

pub(super) fn routes() -> Routes {
    Routes::default()
        .page("/edit-schedule", ask)
        .form("/edit-schedule", save)
        .form("/preview-schedule", look)
        .form("/schedules/{name}/remove", remove)
}

/// Which schedule somebody changes, or for which workflow they make one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    name: String,
    workflow: String,
}

/// The schedule that is changed.
#[derive(Default)]
struct Before {
    /// As who changes it may see it; an empty one where it is new.
    schedule: WorkflowSchedule,
    /// The file that defines it.
    file: Option<String>,
}

impl Before {
    /// Reads a schedule that is there; without a name, it is a new one.
    async fn read(house: &House, visitor: &Visitor, name: &str) -> Result<Self, Failure> {
        if name.is_empty() {
            return Ok(Self::default());
        }
        let shown = house.handle.schedule(&visitor.who, name).await?;
        let owned = house.handle.catalog().schedule(name).cloned();
        let owned = owned.ok_or_else(|| Failure::missing(format!("there is no schedule `{name}`")))?;
        let mut schedule: WorkflowSchedule = serde_json::from_value(shown).map_err(|_| Failure::ours())?;
        // Whether it is held now is no part of its definition.
        schedule.paused = owned.def.paused;
        schedule.paused_reason.clone_from(&owned.def.paused_reason);
        let file = if let Owner::File(file) = &owned.owner { Some(file.clone()) } else { None };
        Ok(Self { schedule, file })
    }

    fn is_new(&self) -> bool {
        self.schedule.name.is_empty()
    }

    /// Returns what says whether somebody else changed it since the form was shown.
    fn mark(&self) -> String {
        self.schedule.updated_time.map(|at| at.to_string()).unwrap_or_default()
    }
}

async fn ask(State(house): State<Arc<House>>, visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let before = Before::read(&house, &visitor, &asked.name).await?;
    let draft = if before.is_new() {
        let name = free_name(&house, &visitor, &asked.workflow);
        Draft { name, workflow: asked.workflow, crons: CRON.to_owned(), zone: "UTC".to_owned(), ..Draft::default() }
    } else {
        Draft::of(&before.schedule)
    };
    Ok(Page { house: &house, visitor: &visitor, before: &before, draft: &draft }.show(None).into_response())
}

/// Returns a name for a schedule of a workflow: the workflow's, or with a number behind it where somebody sees that it is taken.
fn free_name(house: &House, visitor: &Visitor, workflow: &str) -> String {
    let is_taken = |name: &String| house.handle.timetable(&visitor.who, name).is_some();
    let numbered = (2..=NUMBERS_MAX).map(|number| format!("{workflow}_{number}"));
    std::iter::once(workflow.to_owned()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_default()
}

/// Takes what was filled in, where nothing is wrong with it.
async fn save(State(house): State<Arc<House>>, Form { visitor, fields }: Form) -> Answer {
    let before = Before::read(&house, &visitor, fields.trimmed("old")).await?;
    let draft = drafted(&before, Draft::sent(&fields));
    let page = Page { house: &house, visitor: &visitor, before: &before, draft: &draft };
    let taken = match page.hindrance(fields.trimmed("changed")) {
        Some(failure) => Err(failure),
        None => draft.read(before.schedule.clone()),
    };
    let saved = match taken {
        Ok(schedule) => house.handle.save_schedule(&visitor.who, schedule).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    match saved {
        Ok(_) => Ok(Redirect::to(&after(&house, &visitor, &draft.name)).into_response()),
        Err(failure) => Ok((failure.status(), page.show(Some(&failure))).into_response()),
    }
}

/// Returns where somebody goes on who has made a schedule: not everybody may read what they may make.
fn after(house: &House, visitor: &Visitor, name: &str) -> String {
    let rights = house.handle.rights(&visitor.who, TargetKind::Schedule, name);
    let path = if rights.contains(&Permission::Read) { link::schedule_path(name) } else { "/schedules".to_owned() };
    format!("{path}?done=scheduled")
}

/// Shows what was filled in again, with what it means; nothing is kept.
async fn look(State(house): State<Arc<House>>, Form { visitor, fields }: Form) -> Answer {
    let before = Before::read(&house, &visitor, fields.trimmed("old")).await?;
    let draft = drafted(&before, Draft::sent(&fields));
    Ok(Page { house: &house, visitor: &visitor, before: &before, draft: &draft }.show(None).into_response())
}

/// Returns a draft with what the form has no field for.
fn drafted(before: &Before, draft: Draft) -> Draft {
    if before.is_new() {
        return draft;
    }
    // A schedule keeps its name, and its own page holds it and lets it go on.
    Draft { name: before.schedule.name.clone(), paused: before.schedule.paused, ..draft }
}

async fn remove(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    house.handle.unregister(&form.visitor.who, &Name::Schedule(name)).await?;
    Ok(Redirect::to("/schedules?done=unscheduled").into_response())
}

/// The page, whatever led to it.
struct Page<'a> {
    house: &'a House,
    visitor: &'a Visitor,
    before: &'a Before,
    draft: &'a Draft,
}

impl Page<'_> {
    /// Returns why this is not to be saved whatever it says.
    fn hindrance(&self, mark: &str) -> Option<Failure> {
        let conflict = |message: String| Some(Failure::new(StatusCode::CONFLICT, message));
        let name = &self.draft.name;
        if let Some(file) = &self.before.file {
            return conflict(format!("`{name}` is defined by the file {file}: change it there"));
        }
        if self.before.is_new() {
            let handle = &self.house.handle;
            let rights = handle.rights(&self.visitor.who, TargetKind::Schedule, name);
            let is_there = rights.contains(&Permission::Update) && handle.catalog().schedule(name).is_some();
            return if is_there {
                conflict(format!("there is a schedule `{name}` already: take another name"))
            } else {
                None
            };
        }
        if self.before.mark() == mark {
            return None;
        }
        conflict(format!(
            "somebody else changed `{name}` meanwhile; below is what you wrote, and its page says what it is now"
        ))
    }

    fn show(&self, failure: Option<&Failure>) -> Markup {
        let title = if self.before.is_new() { "Make a schedule" } else { "Change a schedule" };
        let content = html! {
            nav.crumbs aria-label="Where this page is" {
                a href="/schedules" { "Schedules" } " / "
                @if !self.before.is_new() { a href=(link::schedule_path(&self.draft.name)) { (self.draft.name) } " / " }
            }
            div.head { h1 { (title) } }
            @if let Some(failure) = failure { (problem(failure.message())) }
            @if let Some(file) = &self.before.file {
                p.message { "The file " code { (file) } " defines it: fill in what you want, and put the text below into the file." }
            }
            div.split {
                (self.form())
                section #preview aria-label="When it fires" { (self.preview()) }
            }
        };
        layout::page(self.visitor, Place::Schedules, title, &content)
    }

    fn form(&self) -> Markup {
        let (draft, is_new) = (self.draft, self.before.is_new());
        let field = |id: &str, label: &str, value: &str| {
            html! { label for=(id) { (label) } input id=(id) name=(id) value=(value) spellcheck="false" autocapitalize="off"; }
        };
        html! {
            form.narrow method="post" action="/edit-schedule" autocomplete="off" data-preview="/preview-schedule" {
                (layout::token(&self.visitor.form_token))
                @if is_new {
                    label for="name" { "Name" }
                    input #name name="name" value=(draft.name) required maxlength="255" spellcheck="false" autocapitalize="off";
                } @else {
                    input type="hidden" name="old" value=(draft.name);
                    input type="hidden" name="changed" value=(self.before.mark());
                }
                (self.workflow())
                label for="crons" { "When" }
                textarea.mono #crons name="crons" rows="2" required spellcheck="false" autocapitalize="off" aria-describedby="crons-hint" { (draft.crons) }
                p.hint #crons-hint { "Second, minute, hour, day, month, weekday; or " code { "@hourly" } ", " code { "@daily" } ", " code { "@weekly" }
                    ". Several go on lines of their own, and each may end with a zone." }
                label for="zone" { "Time zone" }
                // The script suggests what the browser knows: all names are more than the rest of the page.
                input #zone name="zone" value=(draft.zone) list="zones" spellcheck="false" autocapitalize="off" aria-describedby="zone-hint" data-own-zone[is_new];
                datalist #zones {}
                p.hint #zone-hint { "A name as " code { "Europe/Berlin" } "; the clock that counts is the one there." }
                label for="input" { "Input as JSON" }
                textarea.mono #input name="input" rows="4" spellcheck="false" placeholder="{}" { (draft.input) }
                (self.details(&field))
                p.buttons {
                    @if self.before.file.is_none() { button.primary { @if is_new { "Make the schedule" } @else { "Save the schedule" } } }
                    button formaction="/preview-schedule" { "Preview" }
                    a.button href=(self.way_back()) { "Cancel" }
                }
            }
        }
    }

    fn way_back(&self) -> String {
        if self.before.is_new() { "/schedules".to_owned() } else { link::schedule_path(&self.draft.name) }
    }

    fn workflow(&self) -> Markup {
        let catalog = self.house.handle.catalog();
        let names: BTreeSet<&str> = catalog.workflows().map(|one| one.pinned.workflow.name.as_str()).collect();
        let may_run = |name: &&str| {
            self.house.handle.rights(&self.visitor.who, TargetKind::Workflow, name).contains(&Permission::Execute)
        };
        html! {
            label for="workflow" { "Workflow" }
            input #workflow name="workflow" value=(self.draft.workflow) required list="workflows" spellcheck="false" autocapitalize="off";
            datalist #workflows { @for name in names.into_iter().filter(may_run).take(WORKFLOWS_MAX) { option value=(name) {} } }
        }
    }

    /// Returns the fields that most schedules leave as they are.
    fn details(&self, field: &dyn Fn(&str, &str, &str) -> Markup) -> Markup {
        let draft = self.draft;
        let choice = |id: &str, label: &str, chosen: &str, all: [(&str, &str); 3]| {
            html! {
                label for=(id) { (label) }
                select id=(id) name=(id) {
                    @for (word, said) in all { option value=(word) selected[word == chosen] { (said) } }
                }
            }
        };
        let time = |id: &str, label: &str, value: &str| {
            html! { label for=(id) { (label) } input id=(id) name=(id) type="datetime-local" step="1" value=(value); }
        };
        html! {
            @if self.before.is_new() {
                label.box { input type="checkbox" name="paused" value="yes" checked[draft.paused]; "Paused at the start" }
            }
            details {
                summary { "More" }
                (field("description", "Description", &draft.description))
                (choice("overlap", "While its last run still goes", &draft.overlap, [
                    ("", "as the settings say"), ("skip", "skip the new one"), ("allow", "run beside it")]))
                (choice("dst", "Where clocks change", &draft.dst, [
                    ("", "as the settings say"), ("once", "each local time fires once"), ("spring", "as Conductor does it")]))
                label.box { input type="checkbox" name="catches-up" value="yes" checked[draft.catches_up];
                    "Run every slot that was missed, not one for all" }
                (time("from", "Not before, in UTC", &draft.from))
                (time("until", "Not after, in UTC", &draft.until))
                (field("version", "Version of the workflow", &draft.version))
                (field("correlation", "Correlation id", &draft.correlation))
            }
        }
    }

    fn preview(&self) -> Markup {
        let Before { schedule, file } = self.before;
        let preview = Preview { house: self.house, visitor: self.visitor, file: file.as_deref() };
        preview.show(self.draft.read(schedule.clone()))
    }
}

/// Returns the form that removes a schedule of the API, for its page.
pub(super) fn removal(visitor: &Visitor, schedule: &Value) -> Markup {
    html! {
        details {
            summary { "Remove" }
            form.narrow method="post" action={ (link::schedule_path(text(schedule, "name"))) "/remove" } {
                (layout::token(&visitor.form_token))
                p { "It fires no more. What it has started goes on, and stays in the list of executions." }
                button.danger { "Remove " (text(schedule, "name")) }
            }
        }
    }
}
