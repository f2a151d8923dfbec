//! `keytide graph`: a workflow as a picture.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::args::{Drawing, Graph as Arguments};
use super::connection::defined;
use super::console::Console;
use super::error::{Error, Kind};
use super::files::{self, Files};
use super::project::Project;
use super::runs;
use crate::words::nearest;
use crate::workflow::definition::WorkflowDef;
use crate::workflow::graph::{Graph, Lines, Look, mermaid, svg, tree};
use crate::workflow::load::bare_task_as_workflow;

/// Draws a workflow, or a run of it.
pub(super) fn run(arguments: &Arguments, project: &Project, console: &Console) -> Result<(), Error> {
    let graph = match &arguments.run {
        Some(run) => of_run(run, project, console)?,
        None => Graph::of(&definition(arguments, project)?),
    };
    let drawn = match arguments.format {
        Drawing::Ascii if console.is_a_screen() => tree(&graph, Lines::Boxes),
        Drawing::Ascii => tree(&graph, Lines::Ascii),
        Drawing::Mermaid => mermaid(&graph),
        Drawing::Svg => svg(&graph, Look::File),
    };
    console.data(drawn.trim_end());
    Ok(())
}

/// Returns the picture of a run: the definition that it started with, and how its tasks stand.
fn of_run(run: &str, project: &Project, console: &Console) -> Result<Graph, Error> {
    let workflow = runs::with(project, console, |connection| {
        let id = runs::full_id(connection, run)?;
        connection.workflow(&id)
    })?;
    let definition = read(&workflow["workflowDefinition"])?;
    let mut statuses = HashMap::new();
    // The tasks are in the order in which they began: the last attempt, of the last iteration, counts.
    for task in workflow["tasks"].as_array().into_iter().flatten() {
        let reference = task["workflowTask"]["taskReferenceName"].as_str().unwrap_or_default();
        let status = task["status"].as_str().unwrap_or_default();
        statuses.insert(reference.to_owned(), status.to_owned());
    }
    Ok(Graph::of(&definition).with_statuses(&statuses))
}

fn read(definition: &Value) -> Result<WorkflowDef, Error> {
    serde_json::from_value(definition.clone())
        .map_err(|error| Error::new(Kind::Failed, format!("the definition cannot be read: {error}")))
}

fn definition(arguments: &Arguments, project: &Project) -> Result<WorkflowDef, Error> {
    let named = arguments.workflow.as_deref().unwrap_or_default();
    if files::looks_like_a_file(named) {
        let loaded = files::read(project, &project.environment.current.join(Path::new(named)))?;
        let loaded = bare_task_as_workflow(&loaded).unwrap_or(loaded);
        return Ok(files::only_workflow(&loaded)?.def.clone());
    }
    let files = if project.server.is_some() { Files::default() } else { Files::of_project(project) };
    let all = || files.loaded.iter().flat_map(|file| &file.workflows).map(|located| &located.def);
    let version = arguments.version;
    let found = all().filter(|def| def.name == named && version.is_none_or(|version| def.version == version));
    if let Some(latest) = found.max_by_key(|def| def.version) {
        return Ok(latest.clone());
    }
    if let Some(definition) = defined(project, named, version)? {
        return read(&definition);
    }
    let what = version.map_or_else(String::new, |version| format!(", version {version}"));
    let error = Error::new(Kind::NotFound, format!("there is no workflow `{named}`{what}"));
    Err(match nearest(named, all().map(|def| def.name.as_str())) {
        Some(nearest) if nearest != named => error.hint(format!("did you mean `{nearest}`?")),
        _ => error.hint("name a workflow of the folder, or a file"),
    })
}
