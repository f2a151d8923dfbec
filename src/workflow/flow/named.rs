//! What definitions name outright.

use serde_json::Value;

use super::tasks::{Pair, all_tasks, pairs};
use crate::workflow::definition::{TaskType, WorkflowTask};

/// Lists the names of the secrets that tasks write, as far as the definition says them outright; each once, in order.
pub fn secrets_written(tasks: &[WorkflowTask]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for task in all_tasks(tasks).into_iter().filter(|task| task.task_type == TaskType::UpdateSecret) {
        for name in pairs(task).iter().filter_map(Pair::literal_name) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// Lists the names of the workflows that tasks start, as far as the definition says them outright; each once, in order.
pub fn workflows_started(tasks: &[WorkflowTask]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for task in all_tasks(tasks) {
        let named = match task.task_type {
            TaskType::SubWorkflow => task.sub_workflow_param.as_ref(),
            TaskType::StartWorkflow => task.input_parameters.get("startWorkflow"),
            _ => None,
        };
        let name = named.and_then(|named| named.get("name")).and_then(Value::as_str);
        if let Some(name) = name.filter(|name| !name.contains("${") && !names.iter().any(|known| known == name)) {
            names.push(name.to_owned());
        }
    }
    names
}
