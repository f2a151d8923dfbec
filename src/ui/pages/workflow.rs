//! One workflow: its picture, its source, what is wrong with it, what ran and what will, and the form that runs it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::access::TargetKind;
use crate::catalog::Definition;
use crate::daemon::SummaryField;
use crate::journal::{self, Condition, Field, Page};
use crate::ui::form::{Fields, Form};
use crate::ui::pages::{executions, problems, schedules};
use crate::ui::parts::diagram::diagram;
use crate::ui::parts::json::{self, json};
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::link;
use crate::ui::parts::notice::{Done, notice, problem};
use crate::ui::parts::tabs::tabs;
use crate::ui::parts::view::{planned, text};
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};
use crate::words::{Map, Owner, Permission, percent_encoded};
use crate::workflow::definition::{StartWorkflowRequest, WorkflowDef};

/// How many runs a workflow's page shows.
const RUNS: u64 = 10;

/// How many fields the form that runs a workflow has: more are written as JSON.
const PARAMETERS_MAX: usize = 50;

/// What somebody puts into a file whose workflow is to store a secret.
const UPDATE_SECRET: &str = "- name: store_the_token
  taskReferenceName: store_the_token
  type: UPDATE_SECRET
  inputParameters:
    _secrets:
      secretKey: my_token
      secretValue: ${fetch_the_token.output.response.body.token}
";

pub(super) fn routes() -> Routes {
    Routes::default().page("/workflows/{name}", show).form("/workflows/{name}/run", run)
}

/// What of the page somebody asks to see.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    version: Option<i32>,
    show: String,
    task: String,
}

/// A workflow, as its page shows it.
struct Seen<'a> {
    visitor: &'a Visitor,
    name: &'a str,
    definition: &'a Definition,
    /// The definition as it may be seen.
    shown: Value,
    versions: Vec<i32>,
    rights: Vec<Permission>,
    asked: &'a Asked,
}

async fn show(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(done): Query<Done>,
    Query(asked): Query<Asked>,
) -> Answer {
    let handle = &house.handle;
    let definition = handle.definition(&visitor.who, &name, asked.version)?;
    let catalog = handle.catalog();
    let versions = catalog.workflows().map(|one| &one.pinned.workflow).filter(|one| one.name == name);
    let seen = Seen {
        visitor: &visitor,
        name: &name,
        definition: &definition,
        shown: handle.shown_workflow(&definition),
        versions: versions.map(|one| one.version).collect(),
        rights: handle.rights(&visitor.who, TargetKind::Workflow, &name),
        asked: &asked,
    };
    let query = journal::Query::<SummaryField> {
        conditions: vec![Condition::one_of(Field::Name.into(), [name.clone()])],
        size: RUNS,
        ..journal::Query::default()
    };
    let runs = handle.search(&visitor.who, query).await?;
    let own = handle.schedules_of(&visitor.who, &BTreeSet::from([name.as_str()])).await?;
    let content = html! {
        nav.crumbs aria-label="Where this page is" { a href="/workflows" { "Workflows" } " / " }
        (seen.head())
        (notice(&done))
        (problems::of_file(&house, &visitor, &definition.pinned.owner).await)
        (seen.run())
        (seen.parts())
        div data-live="execution,schedule" data-workflow=(name) {
            h2 { "Schedules" }
            @if seen.may(Permission::Execute) {
                p { a.button href={ "/edit-schedule?workflow=" (percent_encoded(&name)) } { "Schedule it" } }
            }
            @if own.is_empty() { p.none { "No schedule starts it." } } @else { (schedules::table(&house, &visitor, &own, handle.now())) }
            (seen.runs(&runs, handle.now()))
        }
        (seen.how_to_store())
    };
    Ok(layout::page(&visitor, Place::Workflows, &name, &content).into_response())
}

impl Seen<'_> {
    fn may(&self, permission: Permission) -> bool {
        self.rights.contains(&permission)
    }

    fn is_of_a_file(&self) -> bool {
        matches!(self.definition.pinned.owner, Owner::File(_))
    }

    fn version(&self) -> i32 {
        self.definition.pinned.workflow.version
    }

    fn head(&self) -> Markup {
        let workflow = &self.definition.pinned.workflow;
        html! {
            div.head {
                h1.name { (self.name) " " span.none { "v" (self.version()) } }
                @if self.may(Permission::Update) && !self.is_of_a_file() {
                    div.actions.end {
                        a.button href={ "/edit-workflow?name=" (percent_encoded(self.name)) "&version=" (self.version()) } { "Edit" }
                    }
                }
            }
            @if let Some(description) = &workflow.description { p { (description) } }
            dl.facts {
                div { dt { "Defined by" } dd { (self.definition.pinned.owner) } }
                @if self.versions.len() > 1 {
                    div { dt { "Versions" } dd {
                        @for version in &self.versions { a href={ "?version=" (version) } aria-current=[(*version == self.version()).then_some("true")] { "v" (version) } " " }
                    } }
                }
                @if workflow.timeout_seconds > 0 { div { dt { "Timeout" } dd { (workflow.timeout_seconds) " s" } } }
                @if let Some(failure) = &workflow.failure_workflow { div { dt { "When it fails" } dd { (link::workflow(failure)) } } }
                @if let Some(email) = &workflow.owner_email { div { dt { "Owner" } dd { (email) } } }
            }
        }
    }

    fn run(&self) -> Markup {
        html! {
            @if self.may(Permission::Execute) {
                details.run-form {
                    summary.button { "Run …" }
                    (run_form(self.visitor, &self.definition.pinned.workflow, None))
                }
            }
        }
    }

    fn parts(&self) -> Markup {
        let is_source = self.asked.show == "source";
        let at = |show: &str| format!("?version={}&show={show}", self.version());
        let all = [("Diagram", at("diagram"), !is_source), ("Source", at("source"), is_source)];
        let task = Some(&self.asked.task).filter(|task| !task.is_empty());
        let task = task.and_then(|task| planned(&self.shown["tasks"], task));
        html! {
            (tabs("Parts of the workflow", all))
            @if is_source {
                (json::text("Source", &format!("{:#}", self.shown)))
            } @else {
                div.split[task.is_some()] {
                    div { (diagram(&self.shown, &HashMap::new())) }
                    @if let Some(task) = task {
                        aside.panel #panel aria-labelledby="panel-title" {
                            div.head {
                                h2 #panel-title { (text(task, "taskReferenceName")) }
                                a.button.quiet.end href={ "?version=" (self.version()) } aria-label="Close the task" { "Close" }
                            }
                            (json("Definition", task))
                        }
                    }
                }
            }
        }
    }

    fn runs(&self, runs: &Page<Value>, now: crate::words::Timestamp) -> Markup {
        html! {
            h2 { "Runs" }
            @if runs.rows.is_empty() {
                p.none { "It has not run yet." }
            } @else {
                (executions::table(&runs.rows, now))
                @if runs.total > RUNS { p { a href={ "/executions?workflow=" (percent_encoded(self.name)) } { "All " (runs.total) " runs" } } }
            }
        }
    }

    /// Returns how a workflow of a file comes to store a secret: the file is its folder's to change.
    fn how_to_store(&self) -> Markup {
        html! {
            @if let Owner::File(file) = &self.definition.pinned.owner {
                details {
                    summary { "Add a task that stores a secret" }
                    p { "Put this below " code { "tasks:" } " of " code { (file) } ", after the task that fetches the value; keytide takes the file as soon as it is saved." }
                    (json::text("Task", UPDATE_SECRET))
                }
            }
        }
    }
}

/// Returns the form that runs a workflow, with what somebody has typed already.
fn run_form(visitor: &Visitor, workflow: &WorkflowDef, typed: Option<&Fields>) -> Markup {
    let typed = |name: &str| typed.map(|fields| fields.get(name)).unwrap_or_default();
    html! {
        form.narrow method="post" action={ (link::workflow_path(&workflow.name)) "/run" } autocomplete="off" {
            (layout::token(&visitor.form_token))
            input type="hidden" name="version" value=(workflow.version);
            @for (index, parameter) in workflow.input_parameters.iter().take(PARAMETERS_MAX).enumerate() {
                @let field = format!("input.{parameter}");
                label for={ "input-" (index) } { (parameter) }
                input id={ "input-" (index) } name=(field) value=(typed(&field)) spellcheck="false";
            }
            label for="json" { "Input as JSON" }
            textarea #json name="json" rows="4" spellcheck="false" placeholder="{}" { (typed("json")) }
            p.hint { "Fields that are left empty are left out; what reads as JSON (a number, true, an object) is taken as JSON." }
            label for="correlation" { "Correlation id" }
            input #correlation name="correlation" value=(typed("correlation")) spellcheck="false";
            p.buttons { button.primary { "Run" } }
        }
    }
}

/// Starts the workflow with what the form says; one that is wrong is shown again.
async fn run(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    let Form { visitor, fields } = form;
    let started = match request(&name, &fields) {
        Ok(request) => house.handle.start(&visitor.who, request).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    let failure = match started {
        Ok(id) => {
            return Ok(Redirect::to(&format!("{}?done=started", link::execution_path(&id.to_string()))).into_response());
        }
        Err(failure) => failure,
    };
    let definition = house.handle.definition(&visitor.who, &name, fields.trimmed("version").parse().ok());
    let (StatusCode::BAD_REQUEST, Ok(definition)) = (failure.status(), definition) else { return Err(failure) };
    let content = html! {
        nav.crumbs aria-label="Where this page is" { a href="/workflows" { "Workflows" } " / " (link::workflow(&name)) " / " }
        div.head { h1.name { "Run " (name) } }
        (problem(failure.message()))
        (run_form(&visitor, &definition.pinned.workflow, Some(&fields)))
    };
    Ok((failure.status(), layout::page(&visitor, Place::Workflows, &name, &content)).into_response())
}

/// Reads what a form says of a run.
fn request(name: &str, fields: &Fields) -> Result<StartWorkflowRequest, Failure> {
    let version = Some(fields.trimmed("version")).filter(|version| !version.is_empty()).map(str::parse).transpose();
    Ok(StartWorkflowRequest {
        name: name.to_owned(),
        version: version.map_err(|_| Failure::wrong("the version is no number"))?,
        input: input(fields)?,
        correlation_id: Some(fields.trimmed("correlation").to_owned()).filter(|id| !id.is_empty()),
        ..StartWorkflowRequest::default()
    })
}

/// Reads the input: the object, and the fields over it.
fn input(fields: &Fields) -> Result<Map, Failure> {
    let whole = fields.lines("json");
    let mut input = match whole.expose().trim() {
        "" => Map::new(),
        text => serde_json::from_str(text).map_err(|fault| {
            Failure::wrong(format!("the input is no JSON object: {}", crate::words::json_fault(&fault)))
        })?,
    };
    for (name, value) in fields.beginning("input.") {
        if value.is_empty() {
            continue;
        }
        let read = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        input.insert(name.to_owned(), read);
    }
    Ok(input)
}
