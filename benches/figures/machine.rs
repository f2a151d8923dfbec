//! What the figures were measured on.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::world::disk_folder;

/// A machine and its mood.
pub(crate) struct Machine {
    kernel: String,
    processor: String,
    file_system: String,
    load: String,
    revision: String,
}

impl Machine {
    /// Returns a paragraph.
    pub(crate) fn text(&self) -> String {
        let Self { kernel, processor, file_system, load, revision } = self;
        format!("{processor} · Linux {kernel} · {file_system} · load at the start {load} · commit {revision}")
    }
}

/// Looks at the machine.
pub(crate) fn describe() -> Outcome<Machine> {
    let cores = std::thread::available_parallelism()?;
    let model = fs::read_to_string("/proc/cpuinfo")?;
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    Ok(Machine {
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        processor: format!("{cores} cores of {}", model.unwrap_or("a processor without a name")),
        file_system: file_system(&disk_folder().canonicalize()?)?,
        load: load()?,
        revision: revision(),
    })
}

/// Returns the load of the last minute.
pub(crate) fn load() -> Outcome<String> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').next().unwrap_or_default().to_owned())
}

/// Returns type and options of the file system that a folder is on.
fn file_system(folder: &Path) -> Outcome<String> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let mounted = fields.filter(|fields| fields.get(1).is_some_and(|place| folder.starts_with(place)));
    let found = mounted.max_by_key(|fields| fields.get(1).map_or(0, |place| place.len()));
    let found = found.ok_or("the folder is on no file system")?;
    Ok(format!("{} ({})", found.get(2).unwrap_or(&"?"), found.get(3).unwrap_or(&"?")))
}

/// Returns the commit that is measured, where git knows it.
fn revision() -> String {
    let described = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let text = described.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    if text.is_empty() { "unknown".to_owned() } else { text.trim().to_owned() }
}
