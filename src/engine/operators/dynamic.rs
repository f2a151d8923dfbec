//! DYNAMIC becomes the task that an input names.

use serde_json::Value;

use crate::engine::plan::PlannedTask;
use crate::words::Map;
use crate::workflow::expressions::java_text;

/// Returns the name of the task that it becomes, or Conductor's words for that there is none: the execution then fails.
pub(in crate::engine) fn name(planned: &PlannedTask, input: &Map) -> Result<String, String> {
    let parameter = planned.task.dynamic_task_name_param.as_deref().unwrap_or("null");
    match input.get(parameter) {
        None | Some(Value::Null) => Err(format!(
            "Cannot map a dynamic task based on the parameter and input. Parameter= {parameter}, input= {}",
            java_text(&Value::Object(input.clone()))
        )),
        Some(name) => Ok(java_text(name)),
    }
}
