//! Definitions that become files: none takes the place of another one by accident.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;

use super::console::Console;
use super::error::{Error, Kind};
use super::project::Project;
use crate::disk::replace;

/// The longest file that is compared with what would be written.
const FILE_BYTES_MAX: u64 = 2 << 20;
/// The longest beginning of a name that becomes the name of a file.
const FILE_NAME_CHARACTERS_MAX: usize = 100;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) name: String,
    pub(super) text: String,
}

/// What became of the files.
#[derive(Default)]
pub(super) struct Report {
    /// Where each is, in their order.
    pub(super) places: Vec<String>,
    pub(super) created: Vec<String>,
    pub(super) unchanged: Vec<String>,
    pub(super) replaced: Vec<String>,
    /// Those that are there, differ, and were left alone.
    pub(super) kept: Vec<String>,
}

impl Report {
    /// Prints what became of each.
    pub(super) fn tell(&self, console: &Console) {
        let lists = [
            ("created", &self.created),
            ("unchanged", &self.unchanged),
            ("replaced", &self.replaced),
            ("kept", &self.kept),
        ];
        for (word, names) in lists {
            for name in names {
                console.data(&format!("{word:<10} {name}"));
            }
        }
    }
}

/// Writes files to a folder; one that is there and differs is replaced only where that is asked for.
pub(super) fn write_all(
    documents: &[Document],
    folder: &Path,
    force: bool,
    project: &Project,
) -> Result<Report, Error> {
    let mut report = Report::default();
    for Document { name, text } in documents {
        let path = folder.join(name);
        let place = project.shown(&path);
        let before = project.disk.read(&path, FILE_BYTES_MAX);
        let is_new = matches!(&before, Err(error) if error.kind() == ErrorKind::NotFound);
        let is_same = before.is_ok_and(|bytes| bytes == text.as_bytes());
        let list = match (is_same, is_new, force) {
            (true, ..) => &mut report.unchanged,
            (false, true, _) => &mut report.created,
            (false, false, true) => &mut report.replaced,
            (false, false, false) => &mut report.kept,
        };
        list.push(place.clone());
        report.places.push(place);
        if !is_same && (is_new || force) {
            replace(&*project.disk, &path, text.as_bytes()).map_err(|error| cannot_write(project, &path, &error))?;
        }
    }
    Ok(report)
}

/// Returns the error of a file or a folder that cannot be written.
pub(super) fn cannot_write(project: &Project, path: &Path, error: &dyn Display) -> Error {
    Error::new(Kind::Failed, format!("cannot write {}: {error}", project.shown(path)))
}

/// The names of files that are to be written to one folder.
pub(super) struct Names {
    extension: &'static str,
    taken: BTreeSet<String>,
}

impl Names {
    /// Returns the names of files that end so.
    pub(super) const fn new(extension: &'static str) -> Self {
        Self { extension, taken: BTreeSet::new() }
    }

    /// Returns the name of a file for something, which no other one has.
    pub(super) fn free(&mut self, name: &str, ending: &str) -> String {
        let (stem, extension) = (format!("{}{ending}", file_stem(name)), self.extension);
        let numbered = (1u32..).map(|number| match number {
            1 => format!("{stem}.{extension}"),
            _ => format!("{stem}-{number}.{extension}"),
        });
        // A file system may not tell apart what differs in case only.
        let free = numbered.into_iter().find(|name| !self.taken.contains(&name.to_lowercase())).unwrap_or_default();
        self.taken.insert(free.to_lowercase());
        free
    }
}

/// Returns a name that every file system takes, and that hides nothing.
fn file_stem(name: &str) -> String {
    let character = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let stem: String = name.chars().take(FILE_NAME_CHARACTERS_MAX).map(character).collect();
    let stem = stem.trim_matches('.');
    // `x.test.json` would be a test.
    let stem = stem.strip_suffix(".test").map_or_else(|| stem.to_owned(), |stem| format!("{stem}_test"));
    if stem.is_empty() { "workflow".to_owned() } else { stem }
}
