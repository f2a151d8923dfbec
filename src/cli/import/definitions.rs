//! Which files a server's definitions become.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Found;

/// What a server says of a definition that is no part of it.
const OF_THE_SERVER: [&str; 10] = [
    "createTime",
    "updateTime",
    "updatedTime",
    "createdBy",
    "updatedBy",
    "nextRunTime",
    "origin",
    "queueMsgId",
    "orgId",
    "pausedReason",
];
/// The longest beginning of a name that becomes the name of a file.
const FILE_NAME_CHARACTERS_MAX: usize = 100;

/// A file.
pub(super) struct Document {
    pub(super) name: String,
    pub(super) content: Value,
}

/// Returns one file for each version of a workflow, and one for all schedules and for all task definitions.
pub(super) fn documents(found: &Found, active: bool) -> Vec<Document> {
    let mut taken = BTreeSet::new();
    let mut documents = Vec::new();
    let latest = |name: &Value| {
        let versions = found.workflows.iter().filter(|other| other["name"] == *name);
        versions.filter_map(|other| other["version"].as_i64()).max()
    };
    for workflow in &found.workflows {
        let version = workflow["version"].as_i64();
        let is_latest = version == latest(&workflow["name"]);
        let version = version.filter(|_| !is_latest).map(|version| format!(".v{version}")).unwrap_or_default();
        let stem = format!("{}{version}", file_stem(workflow["name"].as_str().unwrap_or_default()));
        documents.push(Document { name: free_name(&mut taken, &stem), content: own(workflow) });
    }
    if !found.task_defs.is_empty() {
        let defs: Vec<Value> = found.task_defs.iter().map(own).collect();
        documents
            .push(Document { name: free_name(&mut taken, "task-definitions"), content: json!({"taskDefs": defs}) });
    }
    if !found.schedules.is_empty() {
        let schedules = found.schedules.iter().map(|schedule| {
            let mut schedule = own(schedule);
            if !active {
                schedule["paused"] = true.into();
            }
            schedule
        });
        documents.push(Document { name: free_name(&mut taken, "schedules"), content: schedules.collect() });
    }
    documents
}

/// Returns a definition without what is the server's, and without what says nothing.
fn own(definition: &Value) -> Value {
    let Value::Object(fields) = definition else { return definition.clone() };
    let kept = fields.iter().filter(|(name, field)| !OF_THE_SERVER.contains(&name.as_str()) && !field.is_null());
    Value::Object(kept.map(|(name, field)| (name.clone(), field.clone())).collect::<Map<_, _>>())
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

fn free_name(taken: &mut BTreeSet<String>, stem: &str) -> String {
    let numbered =
        (1u32..).map(|number| if number == 1 { format!("{stem}.json") } else { format!("{stem}-{number}.json") });
    // A file system may not tell apart what differs in case only.
    let free = numbered.into_iter().find(|name| !taken.contains(&name.to_lowercase())).unwrap_or_default();
    taken.insert(free.to_lowercase());
    free
}
