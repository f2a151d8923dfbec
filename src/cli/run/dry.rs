//! `keytide run --dry-run`: what a run would do, without a call and without the store.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::args::{Format, Run};
use super::super::console::{Console, one_line};
use super::super::error::{Error, Kind};
use super::super::project::Project;
use super::super::trials;
use super::super::{files, progress::duration_text};
use super::file_of;
use crate::trial::{self, Ground, Manner, Played};
use crate::words::Map;
use crate::workflow::definition::{WorkflowDef, WorkflowTest};
use crate::workflow::expressions::references_in_template;
use crate::workflow::load::load_tests;
use crate::workflow::pinned::Pinned;
use crate::workflow::registration::registration_errors;

/// How much of a value is shown on a line.
const CHARS_MAX: usize = 300;

/// Plays a workflow through and shows each task with its input, the calls and the secrets that would be written.
pub(super) fn run(arguments: &Run, input: Map, project: &Project, console: &Console) -> Result<(), Error> {
    let ground = trials::ground(project);
    let mut test = mocks(arguments, project)?;
    if !input.is_empty() {
        test.input = input;
    }
    let pinned = pinned(arguments, project, &ground, console)?;
    if let Some(error) = registration_errors(&pinned.workflow).first() {
        return Err(Error::new(Kind::Failed, &error.message));
    }
    secrets(&mut test, &pinned.workflow, &ground, project);
    let played = trial::play_pinned(&test, pinned, &ground, Manner::Dry);
    show(&played.map_err(|error| Error::new(Kind::Failed, error))?, console)
}

/// Returns what `--mock FILE` says.
fn mocks(arguments: &Run, project: &Project) -> Result<WorkflowTest, Error> {
    let Some(file) = &arguments.mock else { return Ok(WorkflowTest::default()) };
    let path = project.environment.current.join(file);
    let bytes = project.disk.read(&path, files::FILE_BYTES_MAX);
    let bytes =
        bytes.map_err(|error| Error::new(Kind::NotFound, format!("cannot read {}: {error}", file.display())))?;
    let loaded = load_tests(&project.shown(&path), &bytes);
    trials::refuse_errors(&loaded)?;
    let first = loaded.tests.into_iter().next().map(|located| located.def);
    first.ok_or_else(|| Error::new(Kind::NotFound, format!("{} holds no test", file.display())))
}

fn pinned(arguments: &Run, project: &Project, ground: &Ground, console: &Console) -> Result<Pinned, Error> {
    if let Some(file) = file_of(&arguments.workflow, project, project.store().ok().as_ref(), console)? {
        let mut pinned = ground.catalog.pin(file.workflow, file.owner);
        pinned.bring(file.task_defs);
        return Ok(pinned);
    }
    let found = ground.catalog.workflow(&arguments.workflow, arguments.version);
    found.map(|definition| definition.pinned.clone()).ok_or_else(|| {
        let error = Error::new(Kind::NotFound, format!("there is no workflow `{}`", arguments.workflow));
        let problems = ground.catalog.problems();
        problems.iter().fold(error, |error, problem| error.hint(format!("{} {}", problem.place, problem.message)))
    })
}

/// Gives every secret that a definition names a value that stands for it, as far as the store has one; where the store is
/// closed, all of them. Its values are not read.
fn secrets(test: &mut WorkflowTest, workflow: &WorkflowDef, ground: &Ground, project: &Project) {
    let kept: Option<BTreeSet<String>> =
        project.store().ok().map(|store| store.snapshot().names().map(str::to_owned).collect());
    let others = ground.catalog.workflows().map(|definition| &definition.pinned.workflow);
    for workflow in std::iter::once(workflow).chain(others) {
        let definition = serde_json::to_value(workflow).unwrap_or_default();
        for reference in references_in_template(&definition) {
            let name = reference.name;
            if kept.as_ref().is_none_or(|kept| kept.contains(&name)) && crate::secret::check_name(&name).is_ok() {
                let value = format!("the-value-of-{name}");
                test.secrets.entry(name).or_insert(value);
            }
        }
    }
}

fn show(played: &Played, console: &Console) -> Result<(), Error> {
    match console.format {
        Format::Json => console.json(&as_json(played)),
        Format::Table => text(played, console),
    }
    let status = played.execution.status.as_str();
    if status == "COMPLETED" { Ok(()) } else { Err(Error::silent(Kind::Failed)) }
}

fn as_json(played: &Played) -> Value {
    let shown = &played.shown;
    let fields = ["referenceTaskName", "taskType", "status", "inputData", "outputData", "reasonForIncompletion"];
    let task = |task: &Value| -> Value {
        let kept = fields.iter().filter(|field| !task[**field].is_null());
        let mut kept: Map = kept.map(|field| ((*field).to_owned(), task[*field].clone())).collect();
        kept.insert("unknown".to_owned(), is_unknown(played, task).into());
        kept.into()
    };
    json!({
        "workflow": shown["workflowName"],
        "version": shown["workflowVersion"],
        "status": shown["status"],
        "reasonForIncompletion": shown["reasonForIncompletion"],
        "tookSeconds": played.took.as_secs(),
        "tasks": shown["tasks"].as_array().into_iter().flatten().map(task).collect::<Value>(),
        "calls": played.calls.iter().map(|call| call.shown(&played.masker)).collect::<Value>(),
        "secretsWritten": played.written.keys().collect::<Vec<_>>(),
        "output": shown["output"],
    })
}

/// Returns whether what a task gave is a guess.
fn is_unknown(played: &Played, task: &Value) -> bool {
    task["taskId"].as_str().is_some_and(|id| played.guessed.contains(id))
}

fn text(played: &Played, console: &Console) {
    let shown = &played.shown;
    let field = |value: &Value, name: &str| one_line(value[name].as_str().unwrap_or_default());
    let mut calls: Vec<_> = played.calls.iter().collect();
    for task in shown["tasks"].as_array().into_iter().flatten() {
        let (reference, kind) = (field(task, "referenceTaskName"), field(task, "taskType"));
        console.data(&format!("{reference}  {kind}  {}", field(task, "status")));
        let name = shown["workflowName"].as_str().unwrap_or_default();
        if let Some(at) = calls.iter().position(|call| call.workflow == name && call.task == reference) {
            let call = calls.remove(at).shown(&played.masker);
            console.data(&format!("  would call  {} {}", field(&call, "method"), field(&call, "uri")));
            line("headers", &call["headers"], console);
            line("body", &call["body"], console);
        } else {
            line("input", &task["inputData"], console);
        }
        if !field(task, "reasonForIncompletion").is_empty() {
            console.data(&format!("  reason      {}", field(task, "reasonForIncompletion")));
        }
        let mark = if is_unknown(played, task) { "unknown" } else { "output" };
        line(mark, &task["outputData"], console);
    }
    for call in calls {
        let call = call.shown(&played.masker);
        console.data(&format!(
            "in {}: would call {} {}",
            field(&call, "task"),
            field(&call, "method"),
            field(&call, "uri")
        ));
    }
    for secret in played.written.keys() {
        console.data(&format!("would write the secret {secret}"));
    }
    let took = i64::try_from(played.took.as_millis()).unwrap_or(i64::MAX);
    let end = format!("{} would be {}", field(shown, "workflowName"), field(shown, "status"));
    let reason = field(shown, "reasonForIncompletion");
    let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
    console.data(&format!("{end} in {}{reason}", duration_text(took)));
    console.note(
        "nothing was called and nothing was stored; `unknown(…)` is what only the world can say (--mock FILE says it)",
    );
}

fn line(name: &str, value: &Value, console: &Console) {
    if value.is_null() || value.as_object().is_some_and(Map::is_empty) {
        return;
    }
    let text = one_line(&value.to_string());
    let text = match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    console.data(&format!("  {name:<10}  {text}"));
}
