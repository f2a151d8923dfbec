//! Where workflows are written that no file defines: checked by the server as they will be taken.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};
use serde::Deserialize;

use crate::access::TargetKind;
use crate::daemon::aside;
use crate::ui::form::Form;
use crate::ui::pages::problems::{findings, position};
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::{link, notice};
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};
use crate::words::{Diagnostic, Owner, Permission, Sensitive, Severity};
use crate::workflow::check::{Known, check};
use crate::workflow::load::{Loaded, load};

/// What the text is called in messages; its syntax is told by how it begins.
const NAME: &str = "definition";

/// What somebody who defines a workflow begins with.
const TEMPLATE: &str = r#"{
  "name": "rotate_my_token",
  "version": 1,
  "description": "Fetches a token and stores it",
  "ownerEmail": "you@example.com",
  "schemaVersion": 2,
  "tasks": [
    {
      "name": "fetch_the_token",
      "taskReferenceName": "fetch_the_token",
      "type": "HTTP",
      "inputParameters": { "method": "POST", "uri": "https://issuer.example.com/token" }
    },
    {
      "name": "store_the_token",
      "taskReferenceName": "store_the_token",
      "type": "UPDATE_SECRET",
      "inputParameters": {
        "_secrets": {
          "secretKey": "my_token",
          "secretValue": "${fetch_the_token.output.response.body.token}"
        }
      }
    }
  ]
}
"#;

pub(super) fn routes() -> Routes {
    Routes::default().page("/edit-workflow", ask).form("/edit-workflow", save).form("/check-workflow", look)
}

/// Which workflow somebody edits; none: a new one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Edited {
    name: String,
    version: Option<i32>,
}

async fn ask(State(house): State<Arc<House>>, visitor: Visitor, Query(edited): Query<Edited>) -> Answer {
    if edited.name.is_empty() {
        return Ok(page(&visitor, TEMPLATE, None, &[]).into_response());
    }
    let definition = house.handle.definition(&visitor.who, &edited.name, edited.version)?;
    if let Owner::File(file) = &definition.pinned.owner {
        let message = format!("`{}` is defined by the file {file}: change it there", edited.name);
        return Err(Failure::new(StatusCode::CONFLICT, message));
    }
    let text = house.handle.editable_workflow(&definition).ok_or_else(|| {
        let message = "the definition has the value of a secret in it: write a reference in its place, over the API";
        Failure::new(StatusCode::CONFLICT, message)
    })?;
    Ok(page(&visitor, &format!("{text:#}"), None, &[]).into_response())
}

/// Takes what was written, where nothing is wrong with it.
async fn save(State(house): State<Arc<House>>, form: Form) -> Answer {
    let text = form.fields.lines("source");
    let (loaded, found) = judged(&house, &form.visitor, &text).await?;
    let is_wrong = found.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let refused = |failure: &Failure| {
        (failure.status(), page(&form.visitor, text.expose(), Some(failure.message()), &found)).into_response()
    };
    if is_wrong {
        return Ok(refused(&Failure::wrong("the definition has errors: nothing was registered")));
    }
    let others = [loaded.schedules.len(), loaded.task_defs.len(), loaded.event_handlers.len()];
    if others.iter().any(|count| *count > 0) || loaded.workflows.is_empty() {
        return Ok(refused(&Failure::wrong("write workflows here, and nothing else")));
    }
    if !loaded.tags.is_empty() {
        return Ok(refused(&Failure::wrong("leave `tags` out here: they are set over the API, or in a file")));
    }
    let workflows: Vec<_> = loaded.workflows.into_iter().map(|located| located.def).collect();
    let name = workflows.first().map(|workflow| workflow.name.clone()).unwrap_or_default();
    match house.handle.register_workflows(&form.visitor.who, workflows, true).await {
        Ok(()) => Ok(Redirect::to(&format!("{}?done=registered", link::workflow_path(&name))).into_response()),
        Err(error) => Ok(refused(&Failure::from(error))),
    }
}

/// Says what is wrong with what is being written, a line for each finding.
async fn look(State(house): State<Arc<House>>, form: Form) -> Answer {
    let text = form.fields.lines("source");
    let (_, found) = judged(&house, &form.visitor, &text).await?;
    let mut said = String::new();
    for diagnostic in &found {
        let line = format!("{}: {} {}", position(diagnostic), diagnostic.severity.as_str(), diagnostic.message);
        writeln!(said, "{}", line.replace('\n', " ")).map_err(|_| Failure::ours())?;
    }
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], said).into_response())
}

/// Reads a text as the folder's files are read; it names what its writer may know of, and no more. A long text takes a while,
/// in which others are answered.
async fn judged(house: &House, visitor: &Visitor, text: &Sensitive) -> Result<(Loaded, Vec<Diagnostic>), Failure> {
    let (handle, who, text) = (house.handle.clone(), visitor.who.clone(), text.clone());
    let judged = aside(move || {
        let loaded = load(NAME, text.expose().as_bytes());
        let catalog = handle.catalog();
        let names: BTreeSet<_> = catalog.workflows().map(|one| one.pinned.workflow.name.clone()).collect();
        let may_read = |name: &String| handle.rights(&who, TargetKind::Workflow, name).contains(&Permission::Read);
        let known = Known {
            secrets: None,
            environment: handle.environment(&who).into_iter().map(|(name, _)| name).collect(),
            workflows: names.into_iter().filter(may_read).collect(),
        };
        let mut found = loaded.diagnostics.clone();
        found.extend(check(&[&loaded], &known));
        (loaded, found)
    });
    Ok(judged.await?)
}

fn page(visitor: &Visitor, text: &str, problem: Option<&str>, found: &[Diagnostic]) -> Markup {
    let content = html! {
        nav.crumbs aria-label="Where this page is" { a href="/workflows" { "Workflows" } " / " }
        div.head { h1 { "Define a workflow" } }
        @if let Some(text) = problem { (notice::problem(text)) }
        @if !found.is_empty() { (findings(found)) }
        form.editor method="post" action="/edit-workflow" autocomplete="off" data-check="/check-workflow" {
            (layout::token(&visitor.form_token))
            label for="source" { "Definition, as JSON or YAML" }
            textarea.source #source name="source" rows="24" spellcheck="false" autocapitalize="off" { (text) }
            p.hint { "A workflow with this name and version is replaced; raise the version to keep what is there." }
            p.buttons { button.primary { "Register" } a.button href="/workflows" { "Cancel" } }
        }
    };
    layout::page(visitor, Place::Workflows, "Define a workflow", &content)
}
