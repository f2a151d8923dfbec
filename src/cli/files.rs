//! Definition files as a command names them: files, folders, the whole project.

use std::path::Path;

use serde_json::Value;

use super::error::{Error, Kind};
use super::project::Project;
use crate::access::Tagged;
use crate::catalog::{News, Trouble};
use crate::clock::{Clock, SystemClock};
use crate::daemon::shown_tags;
use crate::disk;
use crate::watch::{Change, Places, read_once};
use crate::workflow::definition::WorkflowDef;
use crate::workflow::load::{Loaded, Located, TagsOf, load, unreadable};

/// The longest definition file that is read; the loader refuses it before that.
pub(super) const FILE_BYTES_MAX: u64 = 2 << 20;

/// Returns whether a word of a command line names a file; what does not is the name of a workflow.
pub(super) fn looks_like_a_file(named: &str) -> bool {
    let extension = Path::new(named).extension();
    named.contains('/') || extension.is_some_and(|found| ["json", "yaml", "yml"].iter().any(|known| found == *known))
}

/// Returns the one workflow of a file.
pub(super) fn only_workflow(loaded: &Loaded) -> Result<&Located<WorkflowDef>, Error> {
    let file = &loaded.source.name;
    match loaded.workflows.as_slice() {
        [workflow] => Ok(workflow),
        [] => Err(Error::new(Kind::NotFound, format!("{file} holds no workflow"))),
        several => {
            let names: Vec<&str> = several.iter().map(|located| located.def.name.as_str()).collect();
            Err(Error::new(Kind::Usage, format!("{file} holds several workflows: {}", names.join(", ")))
                .hint("name one of them instead"))
        }
    }
}

/// Returns a definition with the tags that its file says of it.
pub(super) fn with_tags(mut definition: Value, loaded: &Loaded, tagged: Tagged) -> Value {
    let is_its = |one: &&TagsOf| {
        let is_version = tagged != Tagged::Workflow || definition["version"] == one.version;
        one.tagged == tagged && definition["name"] == one.name.as_str() && is_version
    };
    if let Some(said) = loaded.tags.iter().find(is_its) {
        definition["tags"] = shown_tags(&said.tags);
    }
    definition
}

/// What was read.
#[derive(Default)]
pub(super) struct Files {
    /// The files, read as far as they go.
    pub(super) loaded: Vec<Loaded>,
    /// What could not be looked at.
    pub(super) troubles: Vec<Trouble>,
}

impl Files {
    /// Reads every definition file of the project.
    pub(super) fn of_project(project: &Project) -> Self {
        let mut files = Self::default();
        files.take(scan(project, &project.workflows));
        files
    }

    /// Reads a file, or every definition file of a folder.
    pub(super) fn add(&mut self, project: &Project, path: &Path) -> Result<(), Error> {
        let path = project.environment.current.join(path);
        let facts = project.disk.facts(&path).map_err(|error| cannot_read(project, &path, &error))?;
        if facts.kind == disk::Kind::Folder {
            self.take(scan(project, &path));
            return Ok(());
        }
        let file = read(project, &path)?;
        // A file that is named twice is one file.
        if self.loaded.iter().all(|known| known.source.name != file.source.name) {
            self.loaded.push(file);
        }
        Ok(())
    }

    fn take(&mut self, change: Change) {
        for (name, news) in change.files {
            match news {
                News::Written(bytes) => self.loaded.push(load(&name, &bytes)),
                News::Unreadable(message) => self.loaded.push(unreadable(&name, &message)),
                News::Removed => {}
            }
        }
        self.troubles.extend(change.troubles);
    }
}

/// Reads one file.
pub(super) fn read(project: &Project, path: &Path) -> Result<Loaded, Error> {
    let bytes = project.disk.read(path, FILE_BYTES_MAX).map_err(|error| cannot_read(project, path, &error))?;
    Ok(load(&project.shown(path), &bytes))
}

/// Reads a folder once.
pub(super) fn scan(project: &Project, folder: &Path) -> Change {
    let places = Places { project: project.root.clone(), root: folder.to_owned() };
    read_once(&*project.disk, &places, SystemClock.now())
}

fn cannot_read(project: &Project, path: &Path, error: &std::io::Error) -> Error {
    let kind = if error.kind() == std::io::ErrorKind::NotFound { Kind::NotFound } else { Kind::Failed };
    Error::new(kind, format!("cannot read {}: {error}", project.shown(path)))
}
