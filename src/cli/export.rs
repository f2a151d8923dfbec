//! `keytide export`: what the API made, as files of the project.

mod documents;

use std::collections::BTreeSet;

use serde_json::Value;

use super::args::{Export, ExportFormat};
use super::connection::{Connection, list};
use super::console::{Console, one_line};
use super::error::{Error, Kind};
use super::project::Project;
use super::runs;
use super::written::{Document, Report, cannot_write, write_all};
use crate::client::Method;
use documents::documents;

/// Something that the API made.
struct Made {
    kind: String,
    name: String,
    version: Option<i64>,
    origin: String,
    is_masked: bool,
    definition: Value,
}

impl Made {
    fn read(mut made: Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            kind: text(&made["kind"]),
            name: text(&made["definition"]["name"]),
            version: made["definition"]["version"].as_i64(),
            origin: text(&made["origin"]),
            is_masked: made["masked"] == true,
            definition: made["definition"].take(),
        }
    }

    /// Returns what people call it.
    fn shown(&self) -> String {
        let kind = match self.kind.as_str() {
            "taskDef" => "task definition",
            "eventHandler" => "event handler",
            kind => kind,
        };
        let version = self.version.map(|version| format!(" version {version}")).unwrap_or_default();
        one_line(&format!("{kind} `{}`{version}", self.name))
    }

    /// Returns where it is removed.
    fn path(&self) -> Vec<String> {
        let path: &[&str] = match self.kind.as_str() {
            "workflow" => &["api", "metadata", "workflow"],
            "schedule" => &["api", "scheduler", "schedules"],
            "eventHandler" => &["api", "event"],
            _ => &["api", "metadata", "taskdefs"],
        };
        let version = self.version.filter(|_| self.kind == "workflow").map(|version| version.to_string());
        let parts = path.iter().map(|part| (*part).to_owned());
        parts.chain([self.name.clone()]).chain(version).collect()
    }
}

/// Writes what the API made to files.
pub(super) fn run(arguments: &Export, project: &Project, console: &Console) -> Result<(), Error> {
    runs::with(project, console, |connection| export(arguments, connection, project, console))
}

fn export(arguments: &Export, connection: &Connection, project: &Project, console: &Console) -> Result<(), Error> {
    let all = list(connection.get(&["api", "keytide", "definitions"], &[])?);
    let mut made: Vec<Made> = all.into_iter().map(Made::read).collect();
    wanted(arguments, &mut made)?;
    let (masked, made): (Vec<_>, Vec<_>) = made.into_iter().partition(|one| one.is_masked);
    let folder =
        arguments.folder.as_ref().map_or_else(|| project.workflows.clone(), |to| project.environment.current.join(to));
    project.disk.create_folder(&folder).map_err(|error| cannot_write(project, &folder, &error))?;
    let files = documents(&made, arguments.format);
    let documents: Vec<Document> = files.iter().map(|file| file.document.clone()).collect();
    let report = write_all(&documents, &folder, arguments.force, project)?;
    report.tell(console);
    if arguments.take_over {
        for (file, place) in files.iter().zip(&report.places) {
            // What differs from its file is still the API's.
            for one in file.made.iter().filter(|_| !report.kept.contains(place)) {
                let path = one.path();
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                connection.ask(Method::DELETE, &path, &[], None)?;
                console.note(&format!("{} is the file's now", one.shown()));
            }
        }
    }
    tell(arguments, &report, &masked, made.is_empty(), console)
}

/// Leaves what was asked for; something that is not there is an error.
fn wanted(arguments: &Export, made: &mut Vec<Made>) -> Result<(), Error> {
    let lists = [
        ("workflow", &arguments.workflow),
        ("schedule", &arguments.schedule),
        ("taskDef", &arguments.task),
        ("eventHandler", &arguments.event),
    ];
    if lists.iter().all(|(_, names)| names.is_empty()) {
        return Ok(());
    }
    for (kind, names) in lists {
        for name in names {
            if !made.iter().any(|one| one.kind == kind && one.name == *name) {
                let message = format!("the API made no {kind} `{name}` that you may read");
                return Err(Error::new(Kind::NotFound, message));
            }
        }
    }
    made.retain(|one| lists.iter().any(|(kind, names)| one.kind == *kind && names.contains(&one.name)));
    Ok(())
}

fn tell(arguments: &Export, report: &Report, masked: &[Made], is_empty: bool, console: &Console) -> Result<(), Error> {
    if is_empty && masked.is_empty() {
        console.note("the API made nothing that a file could define");
    }
    if !report.kept.is_empty() {
        console.note("kept: they differ from what the API has; --force replaces them");
    } else if !is_empty && !arguments.take_over {
        console.note("the API's own goes on until it is removed there, as `keytide export --take-over` does");
    }
    if masked.is_empty() {
        return if report.kept.is_empty() { Ok(()) } else { Err(Error::silent(Kind::Conflict)) };
    }
    let names: BTreeSet<String> = masked.iter().map(Made::shown).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    Err(Error::new(Kind::Failed, format!("not written, for a secret's value stands in it: {names}"))
        .hint("keep the value with `keytide secret set NAME`, and write ${workflow.secrets.NAME} in its place"))
}

impl ExportFormat {
    /// Returns how names of such files end.
    const fn extension(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
        }
    }
}
