//! `check --fix`: what can certainly be mended is mended in the files, each in one step.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cli::args::ReportFormat;
use crate::cli::console::Console;
use crate::cli::error::{Error, Kind};
use crate::cli::files::{FILE_BYTES_MAX, Files};
use crate::cli::project::Project;
use crate::disk::replace_alike;
use crate::redact::Masker;
use crate::words::{Diagnostic, Source};
use crate::workflow::check::Known;
use crate::workflow::mend::{difference, mend};
use crate::workflow::report::SECRET_IN_CLEAR;

/// How often the files are looked at again: a fix may let another problem be seen, as that of a file that could not be read.
const ROUNDS_MAX: usize = 10;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How fixes are done.
pub(super) struct Rules<'a> {
    pub(super) project: &'a Project,
    pub(super) masker: &'a Masker,
    /// Whether they are shown only.
    pub(super) is_dry: bool,
    pub(super) format: ReportFormat,
}

/// Mends the files and takes what they are then for what is told of them.
pub(super) fn fix(files: &mut Files, known: &Known, rules: &Rules<'_>, console: &Console) -> Result<(), Error> {
    let before: Vec<Source> = files.loaded.iter().map(|file| file.source.clone()).collect();
    let hidden = hidden_lines(&super::diagnostics(&files.loaded.iter().collect::<Vec<_>>(), known));
    for _ in 0..ROUNDS_MAX {
        let found = super::diagnostics(&files.loaded.iter().collect::<Vec<_>>(), known);
        let mut by_file: BTreeMap<&str, Vec<Diagnostic>> = BTreeMap::new();
        for problem in &found {
            by_file.entry(&problem.source.name).or_default().push(problem.clone());
        }
        let mut is_done = true;
        for file in &mut files.loaded {
            let problems = by_file.get(&*file.source.name).map(Vec::as_slice).unwrap_or_default();
            if let Some(mended) = mend(file, problems) {
                *file = mended;
                is_done = false;
            }
        }
        if is_done {
            break;
        }
    }
    let hidden_after = hidden_lines(&super::diagnostics(&files.loaded.iter().collect::<Vec<_>>(), known));
    let changed: Vec<(&Source, &Source)> =
        before.iter().zip(files.loaded.iter().map(|file| &file.source)).filter(|(old, new)| old != new).collect();
    for (old, new) in &changed {
        if rules.is_dry && rules.format == ReportFormat::Text {
            let mut lines = hidden.get(&*old.name).cloned().unwrap_or_default();
            lines.extend(hidden_after.get(&*old.name).into_iter().flatten());
            console.data(rules.masker.mask_text(&difference(old, new, &lines)).trim_end());
        }
        if !rules.is_dry {
            write(rules.project, old, new)?;
            console.note(&format!("fixed {}", new.name));
        }
    }
    let (verb, count) = (if rules.is_dry { "would be fixed" } else { "fixed" }, changed.len());
    console.note(&format!("{}: {verb}", super::many(count, "file")));
    Ok(())
}

/// Returns the lines with values in clear, by file.
fn hidden_lines(diagnostics: &[Diagnostic]) -> BTreeMap<String, BTreeSet<usize>> {
    let mut lines: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for problem in diagnostics.iter().filter(|problem| problem.code == SECRET_IN_CLEAR) {
        let Some(span) = problem.span else { continue };
        let (from, to) = (problem.source.position(span.start).0, problem.source.position(span.end).0);
        lines.entry(problem.source.name.to_string()).or_default().extend(from..=to);
    }
    lines
}

/// Writes a file that is still as it was read.
fn write(project: &Project, old: &Source, new: &Source) -> Result<(), Error> {
    let path = project.root.join(Path::new(&*old.name));
    let failed = |error: &dyn std::fmt::Display| Error::new(Kind::Failed, format!("cannot fix {}: {error}", old.name));
    let now = project.disk.read(&path, FILE_BYTES_MAX).map_err(|error| failed(&error))?;
    let (mark, rest) = match now.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => (BYTE_ORDER_MARK, rest),
        None => (&[][..], &now[..]),
    };
    if rest != old.text.as_bytes() {
        let message = format!("{} has changed meanwhile and is left as it is", old.name);
        return Err(Error::new(Kind::Conflict, message).hint("run the check again"));
    }
    replace_alike(&*project.disk, &path, &[mark, new.text.as_bytes()].concat()).map_err(|error| failed(&error))
}
