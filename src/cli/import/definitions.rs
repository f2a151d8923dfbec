//! Which files a server's definitions become.

use serde_json::{Map, Value, json};

use super::super::written::{Document, Names};
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

/// Returns one file for each version of a workflow and each event handler, and one for all schedules and for all task
/// definitions.
pub(super) fn documents(found: &Found, active: bool) -> Vec<Document> {
    let mut names = Names::new("json");
    let mut documents = Vec::new();
    let latest = |name: &Value| {
        let versions = found.workflows.iter().filter(|other| other["name"] == *name);
        versions.filter_map(|other| other["version"].as_i64()).max()
    };
    for workflow in &found.workflows {
        let version = workflow["version"].as_i64();
        let is_latest = version == latest(&workflow["name"]);
        let version = version.filter(|_| !is_latest).map(|version| format!(".v{version}")).unwrap_or_default();
        let name = workflow["name"].as_str().unwrap_or_default();
        documents.push(document(names.free(name, &version), &own(workflow)));
    }
    if !found.task_defs.is_empty() {
        let defs: Vec<Value> = found.task_defs.iter().map(own).collect();
        documents.push(document(names.free("task-definitions", ""), &json!({"taskDefs": defs})));
    }
    if !found.schedules.is_empty() {
        let schedules = found.schedules.iter().map(|schedule| {
            let mut schedule = own(schedule);
            if !active {
                schedule["paused"] = true.into();
            }
            schedule
        });
        documents.push(document(names.free("schedules", ""), &schedules.collect()));
    }
    for handler in &found.event_handlers {
        let name = handler["name"].as_str().unwrap_or_default();
        let mut handler = own(handler);
        // Where a server does not say it, it does not act there.
        handler["active"] = (handler["active"] == true).into();
        documents.push(document(names.free(name, ".event"), &handler));
    }
    documents
}

fn document(name: String, content: &Value) -> Document {
    Document { name, text: format!("{content:#}\n") }
}

/// Returns a definition without what is the server's, and without what says nothing.
fn own(definition: &Value) -> Value {
    let Value::Object(fields) = definition else { return definition.clone() };
    // Of an event handler the empty evaluator is none; without tags, they stay the API's to set.
    let is_empty = |name: &str, field: &Value| {
        field.is_null() || name == "evaluatorType" && field == "" || name == "tags" && *field == json!([])
    };
    let kept = fields.iter().filter(|(name, field)| !OF_THE_SERVER.contains(&name.as_str()) && !is_empty(name, field));
    Value::Object(kept.map(|(name, field)| (name.clone(), field.clone())).collect::<Map<_, _>>())
}
