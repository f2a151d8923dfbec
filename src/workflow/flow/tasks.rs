//! The tasks of a definition as flows see them: all of them, at any depth, and what they write.

use serde_json::Value;

use crate::workflow::definition::WorkflowTask;

/// Lists tasks with all that are nested in them.
pub(super) fn all_tasks(tasks: &[WorkflowTask]) -> Vec<&WorkflowTask> {
    let mut all = Vec::new();
    for task in tasks {
        all.push(task);
        let lists = task.decision_cases.values().chain([&task.default_case, &task.loop_over]).chain(&task.fork_tasks);
        lists.for_each(|list| all.extend(all_tasks(list)));
    }
    all
}

/// Lists every list of tasks, at any depth.
pub(super) fn all_lists(tasks: &[WorkflowTask]) -> Vec<&[WorkflowTask]> {
    let mut lists = vec![tasks];
    for task in all_tasks(tasks) {
        lists.extend(task.decision_cases.values().chain(&task.fork_tasks).map(Vec::as_slice));
        lists.extend([task.default_case.as_slice(), task.loop_over.as_slice()]);
    }
    lists
}

/// Collects the texts in a value.
pub(super) fn texts_of<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| texts_of(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What an `UPDATE_SECRET` task writes: a name and a value, both maybe expressions.
pub(super) struct Pair<'t> {
    pub(super) name: Option<&'t str>,
    pub(super) value: &'t Value,
}

impl Pair<'_> {
    pub(super) fn literal_name(&self) -> Option<&str> {
        self.name.filter(|name| !name.contains("${"))
    }
}

pub(super) fn pairs(task: &WorkflowTask) -> Vec<Pair<'_>> {
    let Some(secrets) = task.input_parameters.get("_secrets") else { return Vec::new() };
    let list = secrets.as_array().map_or(std::slice::from_ref(secrets), Vec::as_slice);
    list.iter()
        .map(|pair| match pair.get("secretValue") {
            Some(value) => Pair { name: pair.get("secretKey").and_then(Value::as_str), value },
            None => Pair { name: None, value: pair },
        })
        .collect()
}
