//! Tasks that read what nobody can tell.

use serde_json::Value;

use super::tasks::{all_tasks, texts_of};
use super::{Flow, without_iteration};
use crate::workflow::definition::WorkflowTask;
use crate::workflow::expressions::parse;

/// Says whether tasks read others that are neither among them nor known: nobody can tell what flows there.
pub fn names_outside(tasks: &[WorkflowTask], is_known: impl Fn(&str) -> bool) -> bool {
    let all = all_tasks(tasks);
    let flow = Flow::over(tasks, &all);
    let mut texts = Vec::new();
    for task in &all {
        task.input_parameters.values().chain(&task.sub_workflow_param).for_each(|value| texts_of(value, &mut texts));
        texts.extend(task.items.as_ref().and_then(Value::as_str));
    }
    texts.into_iter().any(|text| {
        let parsed = parse(text);
        let mut heads =
            parsed.iter().flat_map(|reference| reference.with_nested()).map(|reference| reference.head(text));
        heads.any(|head| match head.map(|(head, _)| head) {
            None => true,
            Some("workflow" | "CPEWF_TASK_ID") => false,
            Some(head) => {
                !flow.by_reference.contains_key(without_iteration(head, &flow.by_reference)) && !is_known(head)
            }
        })
    })
}
