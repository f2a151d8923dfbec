//! `keytide runs`, `keytide show`, `keytide rescue`: what was executed, and what to do about it.

use serde_json::{Value, json};

use super::args::{Format, Rescue, Runs, Show};
use super::connection::Connection;
use super::console::{Console, one_line};
use super::error::{Error, Kind};
use super::progress::{duration_text, task_line};
use super::project::Project;
use crate::client::Method;

/// Among how many of the latest runs the beginning of an id is looked for.
const SEARCHED_MAX: u64 = 1_000;
/// How long an id is.
const ID_CHARACTERS: usize = 36;

/// Lists the latest runs.
pub(super) fn list(arguments: &Runs, project: &Project, console: &Console) -> Result<(), Error> {
    let query = query(arguments)?;
    let rows = with(project, console, |connection| connection.search(&query, arguments.count))?;
    show_list(&rows, console);
    Ok(())
}

/// Shows summaries of executions.
pub(super) fn show_list(rows: &[Value], console: &Console) {
    match console.format {
        Format::Json => console.json(&rows.into()),
        Format::Table => {
            let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
            let row = |row: &Value| {
                vec![
                    text(row, "workflowId"),
                    text(row, "workflowType"),
                    text(row, "status"),
                    text(row, "startTime"),
                    row["executionTime"].as_i64().filter(|ms| *ms > 0).map(duration_text).unwrap_or_default(),
                    text(row, "createdBy"),
                ]
            };
            let rows: Vec<_> = rows.iter().map(row).collect();
            console.table(&["RUN", "WORKFLOW", "STATUS", "STARTED", "TOOK", "BY"], &rows);
        }
    }
}

/// Shows one run with its tasks.
pub(super) fn show(arguments: &Show, project: &Project, console: &Console) -> Result<(), Error> {
    let (workflow, problems) = with(project, console, |connection| {
        let id = full_id(connection, &arguments.run)?;
        Ok((connection.workflow(&id)?, connection.problems()?))
    })?;
    match console.format {
        Format::Json => console.json(&workflow),
        Format::Table => tell(&workflow, &problems, console),
    }
    Ok(())
}

/// Stores what a run fetched and could not store, or lets it go.
pub(super) fn rescue(arguments: &Rescue, project: &Project, console: &Console) -> Result<(), Error> {
    let said = with(project, console, |connection| {
        let id = full_id(connection, &arguments.run)?;
        if let (Some(path), Some(secret)) = (&arguments.path, &arguments.to) {
            let body = json!({"path": path, "secret": secret, "force": arguments.force});
            connection.ask(Method::POST, &["api", "keytide", "executions", &id, "rescue"], &[], Some(&body))?;
            return Ok(format!("stored what {id} fetched as {secret}"));
        }
        connection.ask(Method::POST, &["api", "keytide", "executions", &id, "dismiss"], &[], None)?;
        Ok(format!("{id} is no problem any more"))
    })?;
    console.note(&said);
    Ok(())
}

/// Does something with a daemon, and lets go of it whatever came of it.
pub(super) fn with<T>(
    project: &Project,
    console: &Console,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let store = project.store_here()?;
    let quiet = Console { quiet: true, ..*console };
    let connection = Connection::open(project, store.as_ref(), &quiet)?;
    let done = work(&connection);
    connection.close(console);
    done
}

/// Returns the id that begins so.
pub(super) fn full_id(connection: &Connection, beginning: &str) -> Result<String, Error> {
    if beginning.chars().count() >= ID_CHARACTERS {
        return Ok(beginning.to_owned());
    }
    if beginning.is_empty() {
        return Err(Error::new(Kind::Usage, "the run's id is empty").hint("see `keytide runs`"));
    }
    let rows = connection.search("", SEARCHED_MAX)?;
    let ids = rows.iter().filter_map(|row| row["workflowId"].as_str());
    let found: Vec<&str> = ids.filter(|id| id.starts_with(&beginning.to_lowercase())).collect();
    match found.as_slice() {
        [id] => Ok((*id).to_owned()),
        [] => Err(Error::new(Kind::NotFound, format!("there is no run `{beginning}`")).hint("see `keytide runs`")),
        several => Err(several
            .iter()
            .take(5)
            .fold(Error::new(Kind::Usage, format!("{} runs begin with `{beginning}`", several.len())), Error::hint)),
    }
}

fn tell(workflow: &Value, problems: &[(String, String)], console: &Console) {
    let text = |field: &str| workflow[field].as_str().unwrap_or_default();
    let id = text("workflowId");
    console.data(&format!("{} {}  {id}", text("workflowName"), text("status")));
    let ended = workflow["endTime"].as_i64().filter(|at| *at > 0);
    for task in workflow["tasks"].as_array().into_iter().flatten() {
        console.data(&task_line(task, ended.unwrap_or_default()));
    }
    if !text("reasonForIncompletion").is_empty() {
        console.data(&format!("reason: {}", one_line(text("reasonForIncompletion"))));
    }
    if workflow["output"].as_object().is_some_and(|output| !output.is_empty()) {
        console.json(&workflow["output"]);
    }
    for (_, message) in problems.iter().filter(|(place, _)| place.contains(id)) {
        console.data(&format!("problem: {message}"));
    }
}

/// Returns the arguments as Conductor's query.
fn query(arguments: &Runs) -> Result<String, Error> {
    let quoted = |field: &str, value: &str| {
        if value.contains(['\'', '"']) {
            return Err(Error::new(Kind::Usage, format!("`{value}` holds a quote, which no {field} does")));
        }
        Ok(format!("{field} = '{value}'"))
    };
    let workflow = arguments.workflow.as_deref().map(|name| quoted("workflowType", name));
    let status = arguments.status.as_deref().map(|status| quoted("status", &status.to_uppercase()));
    let parts: Vec<String> = workflow.into_iter().chain(status).collect::<Result<_, _>>()?;
    Ok(parts.join(" AND "))
}
