//! What a document is, and how it becomes definitions.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::access::Tagged;
use crate::words::{Map, Severity, nearest};
use crate::workflow::definition::{EventHandler, TaskDef, WorkflowDef, WorkflowSchedule};
use crate::workflow::problem;
use crate::workflow::shape::{self, Shape};
use crate::workflow::tree::Node;

use super::tags;
use super::walk::{as_read, found, shorten, walk};
use super::{Loaded, Located};

/// What a part of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::workflow) enum Kind {
    Workflow,
    Schedule,
    TaskDef,
    EventHandler,
}

/// A part of a file and what it is, whether it can be read or not.
#[derive(Clone, Debug)]
pub(in crate::workflow) struct Named {
    pub(in crate::workflow) kind: Kind,
    pub(in crate::workflow) node: Node,
    /// The workflow that a schedule beside a workflow starts.
    pub(in crate::workflow) beside: Option<String>,
}

/// Reads one document into what it holds.
pub(super) fn read(loaded: &mut Loaded, node: Node) {
    if node.is_null() {
        return;
    }
    if !node.items().is_empty() {
        node.items().iter().for_each(|item| read(loaded, item.clone()));
        return;
    }
    let has = |name: &str| node.get(name).is_some();
    if has("tasks") {
        workflow(loaded, node);
    } else if has("taskDefs") {
        task_defs(loaded, &node);
    } else if has("cronExpression") || has("cronSchedules") || has("startWorkflowRequest") {
        schedule(loaded, node);
    } else if has("event") || has("actions") {
        event_handler(loaded, node);
    } else if has("taskReferenceName") || (has("type") && has("inputParameters")) {
        bare_task(loaded, node);
    } else {
        nothing_known(loaded, &node);
    }
}

/// Reads a part by its shape, whose values of another type become what they are read as; gives the definition where
/// nothing is wrong with it.
pub(super) fn part<T: DeserializeOwned>(loaded: &mut Loaded, node: &mut Node, shape: &'static Shape) -> Option<T> {
    let before = loaded.diagnostics.len();
    walk(&loaded.source, node, shape, &mut loaded.diagnostics);
    let found = &loaded.diagnostics[before..];
    let is_wrong = found.iter().any(|problem| problem.severity == Severity::Error);
    if found.iter().any(|problem| problem.code == "W0203") {
        *node = as_read(&loaded.source, node, &shape::Kind::Of(shape));
    }
    match serde_path_to_error::deserialize(node.to_json()) {
        Ok(_) | Err(_) if is_wrong => None,
        Ok(def) => Some(def),
        // The shapes judge almost everything; what is left is an odd `null`.
        Err(error) => {
            let place = node.find(error.path());
            let message = format!("`{}` cannot be read: {}", shorten(&error.path().to_string()), error.inner());
            loaded.diagnostics.push(problem::error(&loaded.source, Some(place.head()), "E0201", message));
            None
        }
    }
}

fn workflow(loaded: &mut Loaded, mut node: Node) {
    let def: Option<WorkflowDef> = part(loaded, &mut node, &shape::WORKFLOW);
    let name = node.get("name").and_then(Node::text).unwrap_or_default().to_owned();
    if let Some(schedules) = node.get("schedules") {
        schedules_beside(loaded, &name, schedules, def.is_some());
    }
    if let Some(def) = def {
        tags::read(loaded, &node, Tagged::Workflow, &def.name, def.version);
        loaded.workflows.push(Located { def, node: node.clone() });
    }
    loaded.documents.push(Named { kind: Kind::Workflow, node, beside: None });
}

fn schedules_beside(loaded: &mut Loaded, workflow: &str, list: &Node, is_good: bool) {
    let mut unnamed = 0;
    for node in list.items().iter().filter(|node| node.is_map()) {
        let mut fields = node.to_map();
        if fields.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
            unnamed += 1;
            let name = if unnamed == 1 { workflow.to_owned() } else { format!("{workflow}_{unnamed}") };
            fields.insert("name".to_owned(), name.into());
        }
        if is_good {
            let request = request_of(workflow, &mut fields);
            fields.insert("startWorkflowRequest".to_owned(), request);
            match serde_json::from_value::<WorkflowSchedule>(Value::Object(fields)) {
                Ok(def) => {
                    tags::read(loaded, node, Tagged::Schedule, &def.name, 0);
                    loaded.schedules.push(Located { def, node: node.clone() });
                }
                Err(error) => {
                    let message = format!("the schedule cannot be read: {error}");
                    loaded.diagnostics.push(problem::error(&loaded.source, Some(node.head()), "E0201", message));
                }
            }
        }
        let beside = Some(workflow.to_owned());
        loaded.documents.push(Named { kind: Kind::Schedule, node: node.clone(), beside });
    }
}

/// Takes the fields of a start request out of a schedule beside its workflow.
fn request_of(workflow: &str, fields: &mut Map) -> Value {
    const MOVED: [&str; 7] =
        ["input", "correlationId", "version", "priority", "taskToDomain", "idempotencyKey", "idempotencyStrategy"];
    let mut request = json!({ "name": workflow });
    for name in MOVED {
        if let Some(value) = fields.shift_remove(name) {
            request[name] = value;
        }
    }
    request
}

fn schedule(loaded: &mut Loaded, mut node: Node) {
    if let Some(def) = part::<WorkflowSchedule>(loaded, &mut node, &shape::SCHEDULE) {
        tags::read(loaded, &node, Tagged::Schedule, &def.name, 0);
        loaded.schedules.push(Located { def, node: node.clone() });
    }
    loaded.documents.push(Named { kind: Kind::Schedule, node, beside: None });
}

fn task_defs(loaded: &mut Loaded, node: &Node) {
    walk(&loaded.source, node, &shape::TASK_DEFS, &mut loaded.diagnostics);
    for item in node.get("taskDefs").map(Node::items).unwrap_or_default() {
        let mut item = item.clone();
        if let Some(def) = part::<TaskDef>(loaded, &mut item, &shape::TASK_DEF) {
            tags::read(loaded, &item, Tagged::TaskDef, &def.name, 0);
            loaded.task_defs.push(Located { def, node: item.clone() });
        }
        loaded.documents.push(Named { kind: Kind::TaskDef, node: item, beside: None });
    }
}

fn event_handler(loaded: &mut Loaded, mut node: Node) {
    if let Some(def) = part::<EventHandler>(loaded, &mut node, &shape::EVENT_HANDLER) {
        loaded.event_handlers.push(Located { def, node: node.clone() });
    }
    loaded.documents.push(Named { kind: Kind::EventHandler, node, beside: None });
}

fn bare_task(loaded: &mut Loaded, node: Node) {
    let reference = node.get("taskReferenceName").and_then(Node::text).unwrap_or("a task");
    let message = format!("this is a single task (`{}`), not a workflow", shorten(reference));
    loaded.diagnostics.push(
        problem::error(&loaded.source, Some(node.head()), "E0204", message)
            .label("a definition starts with the workflow's `name`")
            .help("wrap it: { \"name\": \"…\", \"version\": 1, \"schemaVersion\": 2, \"tasks\": [ … ] }; `keytide run FILE` takes it as it is"),
    );
    loaded.bare_task.get_or_insert(node);
}

fn nothing_known(loaded: &mut Loaded, node: &Node) {
    if !node.is_map() {
        let message = format!("a definition is a map of fields, not {}", found(node));
        loaded.diagnostics.push(
            problem::error(&loaded.source, Some(node.head()), "E0205", message)
                .help("a workflow has `name` and `tasks`"),
        );
        return;
    }
    let message = "this is no workflow, schedule, event handler or list of task definitions".to_owned();
    let diagnostic = problem::error(&loaded.source, Some(node.head()), "E0205", message);
    let marks = ["tasks", "taskDefs", "cronExpression", "cronSchedules", "startWorkflowRequest", "actions"];
    let slip = node.entries().iter().find_map(|entry| Some((entry, nearest(&entry.key, marks)?)));
    let is_task_def = ["retryCount", "retryLogic", "timeoutSeconds", "responseTimeoutSeconds"]
        .iter()
        .any(|field| node.get(field).is_some());
    let diagnostic = match slip {
        Some((entry, mark)) => diagnostic.help(format!("did you mean `{mark}` instead of `{}`?", shorten(&entry.key))),
        None if is_task_def => diagnostic.help("a task definition stands in a list: `taskDefs: [ … ]`"),
        None => diagnostic.help(
            "a workflow has `tasks`, a schedule `cronExpression`, an event handler `actions`; task definitions stand under `taskDefs`",
        ),
    };
    loaded.diagnostics.push(diagnostic);
}
