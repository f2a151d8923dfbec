//! `keytide run`: one workflow, now, to its end.

mod dry;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::args::{Format, Run};
use super::check;
use super::connection::{Connection, Followed, Target};
use super::console::Console;
use super::error::{Error, Kind};
use super::files;
use super::progress::{Progress, duration_text};
use super::project::Project;
use super::prompt;
use crate::clock::{Clock, SystemClock};
use crate::executor::missing_secret;
use crate::secret::Store;
use crate::words::{Map, Owner, json_fault};
use crate::workflow::definition::StartWorkflowRequest;
use crate::workflow::duration::parse_duration_seconds;
use crate::workflow::load::{Loaded, bare_task_as_workflow};
use crate::workflow::pinned::Pinned;

/// The longest input that is read.
const INPUT_BYTES_MAX: usize = 10 << 20;

/// Runs a workflow and prints what came of it.
pub(super) fn run(arguments: &Run, project: &Project, console: &Console) -> Result<(), Error> {
    let patience = arguments.timeout.as_deref().map(duration).transpose()?;
    let input = input(arguments.input.as_deref(), &arguments.parameter, project)?;
    if arguments.is_dry {
        return dry::run(arguments, input, project, console);
    }
    let store = project.store_here()?;
    let target = target(&arguments.workflow, project, store.as_deref(), console)?;
    let request = StartWorkflowRequest {
        name: match &target {
            Target::Name => arguments.workflow.clone(),
            Target::Definition(pinned) => pinned.workflow.name.clone(),
        },
        version: arguments.version,
        correlation_id: arguments.correlation.clone(),
        input,
        ..StartWorkflowRequest::default()
    };
    let connection = Connection::open(project, store.as_ref(), console)?;
    let started = connection.start(target, request);
    finish(connection, started, patience, console)
}

/// Follows a run that was started to its end, prints what came of it, and lets go of the daemon.
pub(super) fn finish(
    connection: Connection,
    started: Result<String, Error>,
    patience: Option<Duration>,
    console: &Console,
) -> Result<(), Error> {
    let followed = started.and_then(|id| follow(&connection, &id, patience, console));
    match followed {
        Err(error) if matches!(error.kind, Kind::Interrupted | Kind::TimedOut) => {
            connection.leave(console);
            Err(error)
        }
        followed => {
            connection.close(console);
            followed
        }
    }
}

fn follow(connection: &Connection, id: &str, patience: Option<Duration>, console: &Console) -> Result<(), Error> {
    let mut progress = Progress::new(console);
    let mut show = |workflow: &Value| progress.update(workflow, SystemClock.now().as_millis());
    let left = |kind, what: &str| {
        Error::new(kind, format!("{what}; the run {id} is left RUNNING"))
            .hint("`keytide serve` goes on with it; `keytide show` shows it")
    };
    match connection.follow(id, patience, &mut show)? {
        Followed::Ended => result(connection, id, console),
        Followed::TimedOut => Err(left(Kind::TimedOut, "the time to wait is up")),
        Followed::Interrupted => Err(left(Kind::Interrupted, "interrupted")),
    }
}

fn result(connection: &Connection, id: &str, console: &Console) -> Result<(), Error> {
    let workflow = connection.workflow(id)?;
    let text = |field: &str| workflow[field].as_str().unwrap_or_default().to_owned();
    let (name, status) = (text("workflowName"), text("status"));
    let took = workflow["endTime"].as_i64().unwrap_or(0) - workflow["startTime"].as_i64().unwrap_or(0);
    match console.format {
        Format::Json => console.json(&workflow),
        Format::Table => {
            console.note(&format!("{name} {status} in {}  {id}", duration_text(took.max(0))));
            if workflow["output"].as_object().is_some_and(|output| !output.is_empty()) {
                console.json(&workflow["output"]);
            }
        }
    }
    if status == "COMPLETED" {
        return Ok(());
    }
    let reason = text("reasonForIncompletion");
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let error = Error::new(Kind::Failed, format!("{name} {status}{reason}"));
    let error = missing_secret(&reason).into_iter().fold(error, |error, secret| {
        error.hint(format!(
            "where it is missing, `keytide secret set {secret}`; where it is there, grant it to the workflow"
        ))
    });
    // What cannot be asked now is in `keytide serve`'s output and in `keytide show`.
    let problems = connection.problems().unwrap_or_default();
    let ours = problems.into_iter().filter(|(place, _)| place.contains(id));
    Err(ours.fold(error, |error, (_, message)| error.hint(message)).hint(format!("see `keytide show {id}`")))
}

/// Returns what is to run: a definition from a file, or the name of one in the folder.
fn target(named: &str, project: &Project, store: Option<&Store>, console: &Console) -> Result<Target, Error> {
    let found = file_of(named, project, store, console)?;
    Ok(found.map_or(Target::Name, |pinned| Target::Definition(Box::new(pinned))))
}

/// Returns the definition of a file, or nothing where a name is meant.
pub(super) fn file_of(
    named: &str,
    project: &Project,
    store: Option<&Store>,
    console: &Console,
) -> Result<Option<Pinned>, Error> {
    let Some(loaded) = read_file(named, project, store, console)? else { return Ok(None) };
    let path = project.environment.current.join(Path::new(named));
    let workflow = files::only_workflow(&loaded)?.def.clone();
    let task_defs = loaded.task_defs.iter().map(|located| (located.def.name.clone(), located.def.clone())).collect();
    let owner = if path.starts_with(&project.workflows) { Owner::File(project.shown(&path)) } else { Owner::Local };
    Ok(Some(Pinned::new(workflow, task_defs, owner)))
}

/// Returns a file without errors, or nothing where a name is meant.
pub(super) fn read_file(
    named: &str,
    project: &Project,
    store: Option<&Store>,
    console: &Console,
) -> Result<Option<Loaded>, Error> {
    if !files::looks_like_a_file(named) {
        return Ok(None);
    }
    let path = project.environment.current.join(Path::new(named));
    let mut loaded = files::read(project, &path)?;
    if let Some(workflow) = bare_task_as_workflow(&loaded) {
        console.note(&format!("{} holds a single task; it runs as a workflow of one task", loaded.source.name));
        loaded = workflow;
    }
    let known = check::known(project, store);
    check::refuse_errors(&check::diagnostics(&[&loaded], &known), &check::masker(store), console)?;
    Ok(Some(loaded))
}

/// Reads an input: JSON, `@FILE` or `-`, and single fields over it.
pub(super) fn input(whole: Option<&str>, parameters: &[String], project: &Project) -> Result<Map, Error> {
    let mut input = match whole {
        None => Map::new(),
        Some("-") => object(&prompt::piped_bytes(INPUT_BYTES_MAX)?, "standard input")?,
        Some(text) => match text.strip_prefix('@') {
            Some(file) => {
                let read = project.disk.read(&project.environment.current.join(file), INPUT_BYTES_MAX as u64);
                object(
                    &read.map_err(|error| Error::new(Kind::NotFound, format!("cannot read {file}: {error}")))?,
                    file,
                )?
            }
            None => object(text.as_bytes(), "--input")?,
        },
    };
    for parameter in parameters {
        let (key, value) = parameter.split_once('=').ok_or_else(|| {
            Error::new(Kind::Usage, format!("`{parameter}` is no parameter")).hint("write -p KEY=VALUE")
        })?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        input.insert(key.to_owned(), value);
    }
    Ok(input)
}

fn object(bytes: &[u8], place: &str) -> Result<Map, Error> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::new(Kind::Usage, format!("{place} is not a JSON object: {}", json_fault(&error))))
}

/// Reads a duration: `30s`, `5m`, or seconds.
pub(super) fn duration(text: &str) -> Result<Duration, Error> {
    let seconds = text.parse::<u64>().ok().or_else(|| parse_duration_seconds(text));
    let seconds = seconds.filter(|seconds| *seconds > 0);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| Error::new(Kind::Usage, format!("`{text}` is no duration")).hint("write 30s, 5m or 1h"))
}
