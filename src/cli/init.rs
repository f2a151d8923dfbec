//! `keytide init`: makes a folder a project. Running it again changes nothing.

mod texts;

use std::path::Path;

use serde_json::json;

use super::args::{Format, Global, Init, SchemaKind};
use super::console::Console;
use super::environment::Environment;
use super::error::{Error, Kind};
use super::key;
use super::project::Project;
use super::schema;
use crate::disk::{Disk, folder_of, replace};
use crate::secret::{Identity, Store};
use crate::settings;
use crate::words::Sensitive;

/// The longest file of ignore rules that is read.
const IGNORE_BYTES_MAX: u64 = 1 << 20;
/// The longest schema that is read, to see whether it is still the same.
const SCHEMA_BYTES_MAX: u64 = 4 << 20;
/// The longest name of a machine.
const HOST_NAME_BYTES_MAX: u64 = 256;

/// What was done, for people and for machines.
#[derive(Default)]
struct Report {
    created: Vec<String>,
    kept: Vec<String>,
    recovery: Option<Sensitive>,
}

impl Report {
    fn tell(&mut self, name: String, is_new: bool) {
        if is_new { &mut self.created } else { &mut self.kept }.push(name);
    }
}

/// Makes what is missing: settings, an example, schemas, ignore rules, an identity, the store with two recipients.
pub(super) fn run(arguments: Init, global: &Global, console: &Console) -> Result<(), Error> {
    let environment = Environment::read().map_err(|error| Error::new(Kind::Failed, error))?;
    let base = global.directory.as_ref().map_or(environment.current.clone(), |folder| environment.current.join(folder));
    let named = arguments.folder.as_ref().or(global.directory.as_ref()).map(|folder| folder.display().to_string());
    let root = arguments.folder.map_or(base.clone(), |folder| base.join(folder));
    let project = Project::at(root, global, environment)?;
    let report = make(&project)?;
    let elsewhere = (project.root != project.environment.current).then(|| named.unwrap_or_default());
    match console.format {
        Format::Json => console.json(&json!({
            "created": report.created,
            "kept": report.kept,
            "recoveryKey": report.recovery.as_ref().map(Sensitive::expose),
        })),
        Format::Table => {
            show(&report, console);
            if report.recovery.is_some() {
                let there = elsewhere.map(|folder| format!("cd {folder} && ")).unwrap_or_default();
                console.note(&format!("\nnext: {there}keytide secret set appKeyId"));
            }
        }
    }
    Ok(())
}

/// Makes a project for another command, and shows what has to be seen.
pub(super) fn make_project(project: &Project, console: &Console) -> Result<(), Error> {
    show(&make(project)?, console);
    Ok(())
}

fn make(project: &Project) -> Result<Report, Error> {
    let disk = &*project.disk;
    let mut report = Report::default();
    let create = |folder: &Path| disk.create_folder(folder).map_err(|error| cannot_write(project, folder, &error));
    create(&project.root)?;
    let has_workflows = disk.facts(&project.workflows).is_ok();
    let settings = project.root.join(settings::FILE_NAME);
    let is_new = write_new(project, &settings, texts::SETTINGS)?;
    report.tell(project.shown(&settings), is_new);
    if has_workflows {
        report.tell(project.shown(&project.workflows), false);
    } else {
        create(&project.workflows)?;
        let way = way_up(project);
        for (name, text) in texts::examples(way.as_deref()) {
            let example = project.workflows.join(name);
            let is_new = write_new(project, &example, &text)?;
            report.tell(project.shown(&example), is_new);
        }
    }
    let is_new = schemas(project)?;
    report.tell(format!("{}/", schema::FOLDER), is_new);
    let ignore = project.root.join(".gitignore");
    let is_new = ignore_state(project, &ignore)?;
    report.tell(project.shown(&ignore), is_new);
    let identity = identity(project, &mut report)?;
    store(project, identity, &mut report)?;
    Ok(report)
}

/// Returns the way from the workflows to the project folder; nothing where they are elsewhere.
fn way_up(project: &Project) -> Option<String> {
    let below = project.workflows.strip_prefix(&project.root).ok()?;
    Some("../".repeat(below.components().count()))
}

/// Writes the schemas that are missing or of another version, and returns whether there were any. What stands in their
/// place and is not ours is left alone.
fn schemas(project: &Project) -> Result<bool, Error> {
    let folder = project.root.join(schema::FOLDER);
    project.disk.create_folder(&folder).map_err(|error| cannot_write(project, &folder, &error))?;
    let mut is_new = false;
    for kind in SchemaKind::ALL {
        let (path, text) = (folder.join(schema::file_name(kind)), schema::text(kind));
        if write_new(project, &path, &text)? {
            is_new = true;
            continue;
        }
        let Ok(before) = project.disk.read(&path, SCHEMA_BYTES_MAX) else { continue };
        if before != text.as_bytes() && String::from_utf8_lossy(&before).contains(schema::ID) {
            replace(&*project.disk, &path, text.as_bytes()).map_err(|error| cannot_write(project, &folder, &error))?;
            is_new = true;
        }
    }
    Ok(is_new)
}

fn identity(project: &Project, report: &mut Report) -> Result<Identity, Error> {
    if let Some(found) = project.provenance() {
        let identity = project.identity()?;
        report.tell(format!("identity {}", found.origin), false);
        return Ok(identity);
    }
    let file = project.environment.default_identity().ok_or_else(key::no_place)?;
    let identity = Identity::generate();
    key::write(&*project.disk, &file, &identity)?;
    report.tell(format!("identity {}", file.display()), true);
    Ok(identity)
}

fn store(project: &Project, identity: Identity, report: &mut Report) -> Result<(), Error> {
    let shown = project.shown(&project.paths.store);
    if project.disk.facts(&project.paths.store).is_ok() {
        project.store()?;
        report.tell(shown, false);
        return Ok(());
    }
    let name = host_name(&*project.disk);
    let versions = project.settings.secrets.versions;
    let (_, recovery) = Store::create(project.edges(), project.paths.clone(), identity, &name, versions)?;
    report.tell(shown, true);
    report.recovery = Some(recovery);
    Ok(())
}

/// Returns what people call this machine.
fn host_name(disk: &dyn Disk) -> String {
    let read = disk.read(Path::new("/proc/sys/kernel/hostname"), HOST_NAME_BYTES_MAX).ok();
    let name = read.and_then(|bytes| String::from_utf8(bytes).ok()).map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "this machine".to_owned())
}

/// Writes a file that is not there yet, and returns whether it was not.
fn write_new(project: &Project, path: &Path, text: &str) -> Result<bool, Error> {
    if project.disk.link_facts(path).is_ok() {
        return Ok(false);
    }
    let mut writing = project.disk.create(path).map_err(|error| cannot_write(project, path, &error))?;
    let written = writing.write(text.as_bytes()).and_then(|()| writing.sync());
    written.map_err(|error| cannot_write(project, path, &error))?;
    Ok(true)
}

/// Adds the rules that are missing to the ignore file, and returns whether there were any.
fn ignore_state(project: &Project, path: &Path) -> Result<bool, Error> {
    let before = match project.disk.read(path, IGNORE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(cannot_write(project, path, &error)),
    };
    let text = String::from_utf8_lossy(&before);
    let missing: Vec<&str> =
        texts::IGNORED.into_iter().filter(|rule| !text.lines().any(|line| line.trim() == *rule)).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let mut bytes = before.clone();
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    bytes.extend(missing.iter().flat_map(|rule| format!("{rule}\n").into_bytes()));
    replace(&*project.disk, path, &bytes).map_err(|error| cannot_write(project, folder_of(path), &error))?;
    Ok(true)
}

fn show(report: &Report, console: &Console) {
    for name in &report.created {
        console.note(&format!("created  {name}"));
    }
    for name in &report.kept {
        console.note(&format!("kept     {name}"));
    }
    if let Some(recovery) = &report.recovery {
        console.note(
            "\nThe recovery key opens the store when this machine's identity is lost. It is shown this once and is",
        );
        console.note("nowhere on disk: keep it where the machine is not, as in a password manager or on paper.\n");
        console.data(recovery.expose().trim_end());
    } else if report.created.is_empty() {
        console.note("nothing to do: everything is there already");
    }
}

fn cannot_write(project: &Project, path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Failed, format!("cannot write {}: {error}", project.shown(path)))
}
