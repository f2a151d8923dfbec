//! `keytide workflow`: the words of Conductor's command line about workflows and their executions.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{Format, Runs, Start, Workflow};
use super::connection::{Connection, list, text};
use super::console::Console;
use super::error::{Error, Kind};
use super::project::Project;
use super::{files, run as runner, runs};
use crate::access::Tagged;
use crate::client::Method;

/// Where definitions are.
const DEFINITIONS: [&str; 3] = ["api", "metadata", "workflow"];

/// Does what is asked of workflows.
pub(super) fn run(command: Workflow, project: &Project, console: &Console) -> Result<(), Error> {
    if let Workflow::Search { query: None, workflow, status, count } = command {
        return runs::list(&Runs { workflow, status, count }, project, console);
    }
    runs::with(project, console, |connection| perform(command, connection, project, console))
}

fn perform(command: Workflow, connection: &Connection, project: &Project, console: &Console) -> Result<(), Error> {
    match command {
        Workflow::List => definitions(&list(connection.get(&DEFINITIONS, &[])?), console),
        Workflow::Get { name, version } => {
            let version = version.map(|version| version.to_string());
            let query: Vec<_> = version.iter().map(|version| ("version", version.as_str())).collect();
            console.json(&connection.get(&below(&[&name]), &query)?);
        }
        Workflow::Create { file, force } => {
            let definition = definition(&file, project, console)?;
            let query: &[_] = if force { &[("overwrite", "true")] } else { &[] };
            connection.ask(Method::POST, &DEFINITIONS, query, Some(&definition))?;
            registered(&definition, console);
        }
        Workflow::Update { file } => {
            let definition = definition(&file, project, console)?;
            connection.ask(Method::PUT, &DEFINITIONS, &[], Some(&json!([definition])))?;
            registered(&definition, console);
        }
        Workflow::Delete { name, version } => {
            connection.ask(Method::DELETE, &below(&[&name, &version.to_string()]), &[], None)?;
            console.note(&format!("{name} version {version} is gone"));
        }
        Workflow::Start(start) => self::start(&start, connection, project, console)?,
        Workflow::Search { query, count, .. } => {
            let rows = connection.search(query.as_deref().unwrap_or_default(), count)?;
            runs::show_list(&rows, console);
        }
        Workflow::Status { id } => {
            let status = of_run(connection, Method::GET, &id, &["status"], &[], None)?;
            match console.format {
                Format::Json => console.json(&status),
                Format::Table => console.data(status["status"].as_str().unwrap_or_default()),
            }
        }
        Workflow::GetExecution { id } => {
            console.json(&of_run(connection, Method::GET, &id, &[], &[("includeTasks", "true")], None)?);
        }
        Workflow::Rerun { id, task_id, input } => {
            let input = input.map(|input| runner::input(Some(&input), &[], project)).transpose()?;
            let body = json!({"reRunFromTaskId": task_id, "workflowInput": input});
            told(of_run(connection, Method::POST, &id, &["rerun"], &[], Some(&body)), "runs again", &id, console)?;
        }
        Workflow::SkipTask { id, reference, data } => {
            let body = json!({"taskOutput": runner::input(data.as_deref(), &[], project)?});
            let skipped = of_run(connection, Method::PUT, &id, &["skiptask", &reference], &[], Some(&body));
            told(skipped, "will skip it", &id, console)?;
        }
        Workflow::Pause { .. }
        | Workflow::Resume { .. }
        | Workflow::Terminate { .. }
        | Workflow::Restart { .. }
        | Workflow::Retry { .. }
        | Workflow::Remove { .. } => operate(&command, connection, console)?,
    }
    Ok(())
}

/// Does what needs no more than an id and a word.
fn operate(command: &Workflow, connection: &Connection, console: &Console) -> Result<(), Error> {
    let flag = |name: &'static str, set: bool| set.then_some((name, "true")).into_iter().collect::<Vec<_>>();
    let (method, id, below, query, did): (_, _, &[&str], Vec<(&str, &str)>, _) = match command {
        Workflow::Pause { id } => (Method::PUT, id, &["pause"], Vec::new(), "is paused"),
        Workflow::Resume { id } => (Method::PUT, id, &["resume"], Vec::new(), "goes on"),
        Workflow::Terminate { id, reason } => {
            let reason = reason.iter().map(|reason| ("reason", reason.as_str())).collect();
            (Method::DELETE, id, &[], reason, "is terminated")
        }
        Workflow::Restart { id, use_latest } => {
            (Method::POST, id, &["restart"], flag("useLatestDefinitions", *use_latest), "starts again")
        }
        Workflow::Retry { id, resume_subworkflow_tasks: lowest } => {
            (Method::POST, id, &["retry"], flag("resumeSubworkflowTasks", *lowest), "tries again")
        }
        Workflow::Remove { id } => (Method::DELETE, id, &["remove"], Vec::new(), "is gone"),
        _ => return Ok(()),
    };
    told(of_run(connection, method, id, below, &query, None), did, id, console)
}

fn told(done: Result<Value, Error>, did: &str, id: &str, console: &Console) -> Result<(), Error> {
    done?;
    console.note(&format!("{id} {did}"));
    Ok(())
}

/// Asks about one execution, of which the beginning of the id is enough.
fn of_run(
    connection: &Connection,
    method: Method,
    id: &str,
    below: &[&str],
    query: &[(&str, &str)],
    body: Option<&Value>,
) -> Result<Value, Error> {
    let id = runs::full_id(connection, id)?;
    let path = [&["api", "workflow", id.as_str()], below].concat();
    connection.ask(method, &path, query, body)
}

fn below<'a>(parts: &[&'a str]) -> Vec<&'a str> {
    [&DEFINITIONS, parts].concat()
}

fn definition(file: &Path, project: &Project, console: &Console) -> Result<Value, Error> {
    let name = file.to_string_lossy();
    let missing =
        || Error::new(Kind::Usage, format!("{name} is no definition")).hint("name a .json, .yaml or .yml file");
    let loaded = runner::read_file(&name, project, None, console)?.ok_or_else(missing)?;
    Ok(files::with_tags(json!(files::only_workflow(&loaded)?.def), &loaded, Tagged::Workflow))
}

fn registered(definition: &Value, console: &Console) {
    let name = definition["name"].as_str().unwrap_or_default();
    console.note(&format!("registered {name} version {}", definition["version"]));
}

fn definitions(all: &[Value], console: &Console) {
    match console.format {
        Format::Json => console.json(&all.into()),
        Format::Table => {
            let field = |definition: &Value, name: &str| text(definition[name].clone());
            let row = |one: &Value| ["name", "version", "description"].map(|name| field(one, name)).to_vec();
            console.table(&["WORKFLOW", "VERSION", "DESCRIPTION"], &all.iter().map(row).collect::<Vec<_>>());
        }
    }
}

fn start(start: &Start, connection: &Connection, project: &Project, console: &Console) -> Result<(), Error> {
    let of_file = start.file.as_ref().map(|file| format!("@{file}"));
    let input = runner::input(start.input.as_deref().or(of_file.as_deref()), &start.parameter, project)?;
    let body = json!({
        "name": start.workflow, "version": start.version, "correlationId": start.correlation, "input": input,
    });
    if !start.sync {
        let id = text(connection.ask(Method::POST, &["api", "workflow"], &[], Some(&body))?);
        console.data(&id);
        return Ok(());
    }
    let version = start.version.map(|version| version.to_string());
    let mut query: Vec<_> = version.iter().map(|version| ("version", version.as_str())).collect();
    query.extend(start.wait_until.as_deref().map(|reference| ("waitUntilTaskRef", reference)));
    let path = ["api", "workflow", "execute", &start.workflow];
    let ended = connection.ask(Method::POST, &path, &query, Some(&body))?;
    console.json(&ended);
    match ended["status"].as_str().unwrap_or_default() {
        status @ ("FAILED" | "TIMED_OUT" | "TERMINATED") => {
            Err(Error::new(Kind::Failed, format!("{} {status}", start.workflow)))
        }
        _ => Ok(()),
    }
}
