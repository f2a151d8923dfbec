//! `keytide import conductor`: a server's definitions as files, and what they need besides.

mod definitions;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::args::{Format, ImportConductor};
use super::connection;
use super::console::{Console, one_line};
use super::error::{Error, Kind};
use super::project::Project;
use super::written::{Report, cannot_write, write_all};
use crate::client::{Client, Method, Request};
use crate::workflow::expressions::{environment_in_template, references_in_template};
use crate::workflow::shown::shown_definition;
use definitions::documents;

/// Asks for definitions with their tags; Conductor has none, and takes no notice.
const WITH_TAGS: &[(&str, &str)] = &[("metadata", "true")];

/// What a server has.
#[derive(Default)]
struct Found {
    workflows: Vec<Value>,
    task_defs: Vec<Value>,
    schedules: Vec<Value>,
    event_handlers: Vec<Value>,
}

/// Brings workflows, task definitions, schedules and event handlers of a server into the folder.
pub(super) fn conductor(arguments: &ImportConductor, project: &Project, console: &Console) -> Result<(), Error> {
    let client = client(project)?;
    let found = Found {
        workflows: list(&client, &["api", "metadata", "workflow"], WITH_TAGS)?,
        task_defs: list(&client, &["api", "metadata", "taskdefs"], WITH_TAGS)?,
        schedules: optional(&client, &["api", "scheduler", "schedules"])?,
        event_handlers: optional(&client, &["api", "event"])?,
    };
    let folder =
        arguments.to.as_ref().map_or_else(|| project.workflows.clone(), |to| project.environment.current.join(to));
    project.disk.create_folder(&folder).map_err(|error| cannot_write(project, &folder, &error))?;
    let report = write_all(&documents(&found, arguments.active), &folder, arguments.force, project)?;
    let needs = Needs::of(&found, project);
    tell(&report, &needs, &found, arguments, console);
    if report.kept.is_empty() { Ok(()) } else { Err(Error::silent(Kind::Conflict)) }
}

/// Returns a client of the server that is named.
fn client(project: &Project) -> Result<Client, Error> {
    let missing = || Error::new(Kind::Usage, "which server? Name it with --server URL, or set CONDUCTOR_SERVER_URL");
    project.server.as_ref().ok_or_else(missing)?;
    connection::client(project)?.ok_or_else(missing)
}

fn get(client: &Client, path: &[&str], query: &[(&str, &str)]) -> Result<(u16, Value), Error> {
    let request = Request { method: Method::GET, path, query, body: None };
    let reply = client.call(&request).map_err(connection::unanswered)?;
    Ok((reply.status, reply.body))
}

fn list(client: &Client, path: &[&str], query: &[(&str, &str)]) -> Result<Vec<Value>, Error> {
    match get(client, path, query)? {
        (200..300, Value::Array(items)) => Ok(items),
        (status, body) => Err(refused(path, status, &body)),
    }
}

/// Returns a list that some servers do not have.
fn optional(client: &Client, path: &[&str]) -> Result<Vec<Value>, Error> {
    match get(client, path, &[])? {
        (200..300, Value::Array(items)) => Ok(items),
        (404, _) => Ok(Vec::new()),
        (status, body) => Err(refused(path, status, &body)),
    }
}

fn refused(path: &[&str], status: u16, body: &Value) -> Error {
    let path = path.join("/");
    let said = body["message"].as_str().map(|said| format!(": {}", one_line(said))).unwrap_or_default();
    let error = Error::new(Kind::Unreachable, format!("GET /{path} was answered with status {status}{said}"));
    match status {
        200..300 => error.hint("is this the address of a Conductor server?"),
        401 | 403 => error.hint("set CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET to an access key of the server"),
        _ => error,
    }
}

/// What the definitions need that a server does not give away.
struct Needs {
    secrets: BTreeSet<String>,
    /// Those that the store does not have; none where it cannot be opened.
    missing: BTreeSet<String>,
    environment: BTreeSet<String>,
    /// The workflows with values in clear where secrets belong.
    in_clear: BTreeSet<String>,
}

impl Needs {
    fn of(found: &Found, project: &Project) -> Self {
        let all: Vec<&Value> = found.workflows.iter().chain(&found.task_defs).collect();
        let names = all.iter().flat_map(|definition| references_in_template(definition));
        let secrets: BTreeSet<String> = names.map(|reference| reference.name).collect();
        let known = project.store().ok();
        let known: Option<BTreeSet<String>> = known.map(|store| store.snapshot().names().map(str::to_owned).collect());
        let missing = secrets.iter().filter(|name| known.as_ref().is_some_and(|known| !known.contains(*name)));
        let in_clear = found.workflows.iter().filter(|workflow| shown_definition(workflow) != **workflow);
        Self {
            missing: missing.cloned().collect(),
            environment: all.iter().flat_map(|definition| environment_in_template(definition)).collect(),
            in_clear: in_clear.filter_map(|workflow| workflow["name"].as_str()).map(str::to_owned).collect(),
            secrets,
        }
    }
}

fn tell(report: &Report, needs: &Needs, found: &Found, arguments: &ImportConductor, console: &Console) {
    if console.format == Format::Json {
        return console.json(&json!({
            "created": report.created, "unchanged": report.unchanged, "replaced": report.replaced, "kept": report.kept,
            "secrets": needs.secrets, "missingSecrets": needs.missing, "environment": needs.environment,
            "inClear": needs.in_clear,
        }));
    }
    report.tell(console);
    if !report.kept.is_empty() {
        console.note("kept: they differ from what the server has; --force replaces them");
    }
    let joined = |names: &BTreeSet<String>| one_line(&names.iter().cloned().collect::<Vec<_>>().join(", "));
    if !needs.secrets.is_empty() {
        console.note(&format!("they use the secrets {}, which no server gives away", joined(&needs.secrets)));
    }
    for name in &needs.missing {
        console.note(&format!("next: keytide secret set {}", one_line(name)));
    }
    if !needs.environment.is_empty() {
        console.note(&format!("they read {} of `[environment]` in keytide.toml", joined(&needs.environment)));
    }
    if !needs.in_clear.is_empty() {
        let names = joined(&needs.in_clear);
        console.note(&format!("a value stands in clear where a secret belongs, and is in the files now: {names}"));
    }
    if !arguments.active && found.schedules.iter().any(|schedule| schedule["paused"] != true) {
        console.note("schedules came paused, so that nothing fires twice: stop them there, then resume them here");
    }
    console.note("next: keytide check");
}
