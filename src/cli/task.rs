//! `keytide task`: the words of Conductor's command line about tasks.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{Format, Report, Task};
use super::connection::{Connection, list, text};
use super::console::Console;
use super::error::{Error, Kind};
use super::project::Project;
use super::{check, files, run as runner, runs};
use crate::access::Tagged;
use crate::client::Method;

/// Where definitions are.
const DEFINITIONS: [&str; 3] = ["api", "metadata", "taskdefs"];

/// Does what is asked of tasks.
pub(super) fn run(command: Task, project: &Project, console: &Console) -> Result<(), Error> {
    runs::with(project, console, |connection| perform(command, connection, project, console))
}

fn perform(command: Task, connection: &Connection, project: &Project, console: &Console) -> Result<(), Error> {
    match command {
        Task::List => {
            let all = list(connection.get(&DEFINITIONS, &[])?);
            match console.format {
                Format::Json => console.json(&all.into()),
                Format::Table => {
                    let fields = ["name", "retryCount", "timeoutSeconds", "description"];
                    let row = |one: &Value| fields.map(|field| text(one[field].clone())).to_vec();
                    let rows: Vec<_> = all.iter().map(row).collect();
                    console.table(&["TASK", "RETRIES", "TIMEOUT", "DESCRIPTION"], &rows);
                }
            }
        }
        Task::Get { name } => console.json(&connection.get(&[&DEFINITIONS, &[name.as_str()][..]].concat(), &[])?),
        Task::Create { file } => {
            let definitions = definitions(&file, project, console)?;
            connection.ask(Method::POST, &DEFINITIONS, &[], Some(&definitions.clone().into()))?;
            registered(&definitions, console);
        }
        Task::Update { file } => {
            let definitions = definitions(&file, project, console)?;
            for definition in &definitions {
                connection.ask(Method::PUT, &DEFINITIONS, &[], Some(definition))?;
            }
            registered(&definitions, console);
        }
        Task::Delete { name } => {
            connection.ask(Method::DELETE, &[&DEFINITIONS, &[name.as_str()][..]].concat(), &[], None)?;
            console.note(&format!("{name} is gone"));
        }
        Task::Poll { kind, count, worker_id, domain } => {
            let (count, worker_id) = (count.to_string(), worker_id.unwrap_or_else(|| "keytide".to_owned()));
            let mut query = vec![("count", count.as_str()), ("workerid", worker_id.as_str())];
            query.extend(domain.as_deref().map(|domain| ("domain", domain)));
            console.json(&connection.get(&["api", "tasks", "poll", "batch", &kind], &query)?);
        }
        Task::UpdateExecution(report) => update(&report, connection, project, console)?,
        Task::Signal { workflow_id, status, data, sync } => {
            let body = Value::Object(runner::input(data.as_deref(), &[], project)?);
            let mut path = vec!["api", "tasks", &workflow_id, &status, "signal"];
            path.extend(sync.then_some("sync"));
            match connection.ask(Method::POST, &path, &[], Some(&body))? {
                Value::String(id) => console.data(&id),
                response => console.json(&response),
            }
        }
    }
    Ok(())
}

fn update(report: &Report, connection: &Connection, project: &Project, console: &Console) -> Result<(), Error> {
    let Report { workflow_id, task_ref_name, status, data, worker_id } = report;
    let body = Value::Object(runner::input(data.as_deref(), &[], project)?);
    let query: Vec<_> = worker_id.iter().map(|id| ("workerid", id.as_str())).collect();
    let path = ["api", "tasks", workflow_id.as_str(), task_ref_name, status];
    match connection.ask(Method::POST, &path, &query, Some(&body))? {
        Value::String(id) if !id.is_empty() => console.data(&id),
        _ => {
            let message = format!("no task `{task_ref_name}` waits in {workflow_id}");
            return Err(Error::new(Kind::NotFound, message).hint(format!("see `keytide show {workflow_id}`")));
        }
    }
    Ok(())
}

/// Reads the task definitions of a file: a list, `taskDefs:`, or a single one as Conductor's command line takes it.
fn definitions(file: &Path, project: &Project, console: &Console) -> Result<Vec<Value>, Error> {
    let path = project.environment.current.join(file);
    let loaded = files::read(project, &path)?;
    if loaded.task_defs.is_empty() {
        let bytes = project.disk.read(&path, FILE_BYTES_MAX).map_err(|error| Error::new(Kind::NotFound, error))?;
        let single: Option<Value> = serde_json::from_slice(&bytes).ok();
        let all = match single {
            Some(Value::Array(all)) => all,
            Some(one @ Value::Object(_)) => vec![one],
            _ => Vec::new(),
        };
        if !all.is_empty() && all.iter().all(|one| one["name"].is_string() && one.get("tasks").is_none()) {
            return Ok(all);
        }
    }
    check::refuse_errors(&check::diagnostics(&[&loaded], &check::known(project, None)), &check::masker(None), console)?;
    if loaded.task_defs.is_empty() {
        let none = format!("{} holds no task definition", file.display());
        return Err(Error::new(Kind::Usage, none).hint("write them as a list below `taskDefs:`"));
    }
    let defs = loaded.task_defs.iter();
    Ok(defs.map(|located| files::with_tags(json!(located.def), &loaded, Tagged::TaskDef)).collect())
}

/// The longest file of task definitions that is read.
const FILE_BYTES_MAX: u64 = 2 << 20;

fn registered(definitions: &[Value], console: &Console) {
    let names: Vec<_> = definitions.iter().filter_map(|one| one["name"].as_str()).collect();
    console.note(&format!("registered {}", names.join(", ")));
}
