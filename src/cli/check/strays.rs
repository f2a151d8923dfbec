//! Where no definitions are found: files that look like some, and lie where nobody looks for them.

use std::path::Path;

use crate::cli::files::{looks_like_a_file, read};
use crate::cli::project::Project;
use crate::disk::Kind;
use crate::workflow::load::Loaded;

/// How many files are looked at: a folder of definitions has its own among the first.
const FILES_MAX: usize = 200;
/// How many folders deep: people put definitions into the folder, or into one in it.
const DEPTH_MAX: usize = 2;
/// How many are named.
const NAMED_MAX: usize = 5;
/// Folders full of the files of others.
const FOREIGN: [&str; 3] = ["node_modules", "target", "vendor"];

/// Returns what to say where the folder holds no definitions: what is looked for, what looks like it, and what to do.
pub(super) fn advice(project: &Project) -> Vec<String> {
    let folder = project.shown(&project.workflows);
    let mut said = vec![format!(
        "keytide takes the files *.json, *.yaml and *.yml below {folder}/ as definitions; there are none"
    )];
    let strays = strays(project);
    let Some(first) = strays.first() else {
        said.push("`keytide init` makes a project with an example in it".to_owned());
        return said;
    };
    let named = strays.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = strays.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    said.push(format!("these look like definitions: {named}{more}"));
    let parent = |name: &str| Path::new(name).parent().map(Path::to_path_buf).unwrap_or_default();
    let place = parent(first);
    let is_one = strays.iter().all(|stray| parent(stray) == place) && place.as_os_str() != "";
    let place = if is_one { place.display().to_string() } else { ".".to_owned() };
    said.push(format!(
        "move them below {folder}/, or write `workflows = \"{place}\"` below `[folders]` in keytide.toml; `keytide check {place}` checks them where they are"
    ));
    said
}

/// Returns the files that look like definitions, by their names as they are shown.
fn strays(project: &Project) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![(project.root.clone(), 0)];
    let mut looked_at = 0;
    while let Some((folder, depth)) = waiting.pop() {
        let mut entries = project.disk.list(&folder).unwrap_or_default();
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        for entry in entries {
            let name = entry.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') || entry.path == project.workflows {
                continue;
            }
            match entry.kind {
                Kind::Folder if depth < DEPTH_MAX && !FOREIGN.contains(&&*name) => {
                    waiting.push((entry.path, depth + 1));
                }
                Kind::File if looks_like_a_file(&name) && looked_at < FILES_MAX => {
                    looked_at += 1;
                    let holds = read(project, &entry.path).is_ok_and(|loaded| holds_definitions(&loaded));
                    found.extend(holds.then(|| project.shown(&entry.path)));
                }
                Kind::Folder | Kind::File | Kind::Link | Kind::Other => {}
            }
        }
    }
    found
}

/// Many files have a name and a version; definitions say what is to be done, or what is to be started.
fn holds_definitions(loaded: &Loaded) -> bool {
    let starts = |named: Option<&str>| named.is_some_and(|name| !name.is_empty());
    loaded.workflows.iter().any(|located| !located.def.tasks.is_empty())
        || loaded
            .schedules
            .iter()
            .any(|located| starts(located.def.start_workflow_request.as_ref().map(|request| request.name.as_str())))
}
