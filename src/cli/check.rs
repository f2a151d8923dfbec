//! `keytide check`: every problem of every file at once.

mod fix;
mod scripts;
mod shown;
mod strays;

use std::collections::BTreeSet;

use serde_json::Value;

use super::args::{Check, Format, ReportFormat};
use super::connection;
use super::console::Console;
use super::error::{Error, Kind};
use super::files::Files;
use super::project::Project;
use crate::redact::Masker;
use crate::secret::Store;
use crate::words::{Diagnostic, Severity};
use crate::workflow::check::{Known, check};
use crate::workflow::load::Loaded;
use crate::workflow::report;

/// Checks the files that are named, or all of the project.
pub(super) fn run(arguments: &Check, project: &Project, console: &Console) -> Result<(), Error> {
    let all = Files::of_project(project);
    let store = project.store().ok();
    let masker = masker(store.as_ref());
    let mut known = known(project, store.as_ref());
    match connection::variables(project) {
        Ok(variables) => known.environment.extend(variables),
        // The files can be judged all the same.
        Err(error) => {
            console.note(&format!("the variables that were set over the API are not known: {}", error.message));
        }
    }
    let mut files = if arguments.paths.is_empty() {
        all
    } else {
        known.workflows = names(&all.loaded);
        let mut files = Files::default();
        for path in &arguments.paths {
            files.add(project, path)?;
        }
        files
    };
    let format = match (arguments.format, console.format) {
        (Some(format), _) => format,
        (None, Format::Json) => ReportFormat::Json,
        (None, Format::Table) => ReportFormat::Text,
    };
    if arguments.fix {
        fix::fix(
            &mut files,
            &known,
            &fix::Rules { project, masker: &masker, is_dry: arguments.dry_run, format },
            console,
        )?;
    }
    let mut diagnostics = diagnostics(&files.loaded.iter().collect::<Vec<_>>(), &known);
    diagnostics.extend(scripts::unreadable(&files.loaded));
    shown::show(&diagnostics, &masker, format, console);
    for trouble in &files.troubles {
        console.note(&format!("{}: {}", trouble.place, trouble.message));
    }
    console.note(&summary(files.loaded.len(), &diagnostics));
    if files.loaded.is_empty() && arguments.paths.is_empty() {
        for line in strays::advice(project) {
            console.note(&line);
        }
    }
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let is_bad = count(Severity::Error) > 0 || arguments.strict && count(Severity::Warning) > 0;
    // What could not be looked at may hold anything.
    if is_bad || !files.troubles.is_empty() {
        return Err(Error::silent(Kind::Failed));
    }
    Ok(())
}

/// Returns what exists outside of the files.
pub(super) fn known(project: &Project, store: Option<&Store>) -> Known {
    let secrets = store.map(|store| store.snapshot().names().map(str::to_owned).collect());
    Known { secrets, environment: project.settings.environment.keys().cloned().collect(), workflows: BTreeSet::new() }
}

/// Returns everything that is wrong with files, file by file.
pub(super) fn diagnostics(files: &[&Loaded], known: &Known) -> Vec<Diagnostic> {
    let meaning = check(files, known);
    let mut diagnostics = Vec::new();
    for file in files {
        diagnostics.extend(file.diagnostics.iter().cloned());
        diagnostics.extend(meaning.iter().filter(|found| found.source.name == file.source.name).cloned());
    }
    diagnostics
}

fn names(files: &[Loaded]) -> BTreeSet<String> {
    files.iter().flat_map(|file| file.workflows.iter().map(|located| located.def.name.clone())).collect()
}

/// Returns what finds the values of the store in what is shown of files: a line may hold one in clear.
pub(super) fn masker(store: Option<&Store>) -> Masker {
    store.map_or_else(Masker::default, |store| Masker::new(store.snapshot().masked_values()))
}

/// Returns one line about it all.
fn summary(files: usize, diagnostics: &[Diagnostic]) -> String {
    let counted = |severity: Severity| {
        let count = diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        (count > 0).then(|| many(count, severity.as_str()))
    };
    let found: Vec<String> =
        [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(counted).collect();
    let found = if found.is_empty() { "no problems".to_owned() } else { found.join(", ") };
    format!("{}: {found}", many(files, "file"))
}

fn many(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Refuses files with errors, showing them.
pub(super) fn refuse_errors(diagnostics: &[Diagnostic], masker: &Masker, console: &Console) -> Result<(), Error> {
    let errors: Vec<&Diagnostic> =
        diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
    let Some(first) = errors.first() else { return Ok(()) };
    if console.format == Format::Json {
        let hints: Vec<String> = errors.iter().map(|error| masker.mask_text(&line(error)).into_owned()).collect();
        let message = format!("{} has {}", first.source.name, many(errors.len(), "error"));
        return Err(hints.into_iter().fold(Error::new(Kind::Failed, message), Error::hint));
    }
    for error in &errors {
        console.report(error, masker);
    }
    let message = format!("{} has {}; nothing was started", first.source.name, many(errors.len(), "error"));
    Err(Error::new(Kind::Failed, message))
}

fn line(diagnostic: &Diagnostic) -> String {
    let value = report::to_json(std::slice::from_ref(diagnostic));
    let at = |field: &str| value[0][field].as_u64().map_or_else(String::new, |number| format!(":{number}"));
    let code: &Value = &value[0]["code"];
    format!(
        "{}{}{}: {}: {}",
        diagnostic.source.name,
        at("line"),
        at("column"),
        code.as_str().unwrap_or_default(),
        diagnostic.message
    )
}
