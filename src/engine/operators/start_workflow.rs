//! START_WORKFLOW starts another workflow and goes on.

use serde_json::Value;

use crate::engine::family::Refusal;
use crate::engine::kin::Wanted;
use crate::engine::operators::sub_workflow;
use crate::engine::plan::PlannedTask;
use crate::words::Map;
use crate::workflow::definition::WorkflowDef;

/// The input that says what to start.
const PARAMETER: &str = "startWorkflow";

/// Returns what the task says of the start.
pub(in crate::engine) fn request(input: &Value) -> Result<&Map, Refusal> {
    let missing = || Refusal::passing(format!("Missing '{PARAMETER}' in input data."));
    input.get(PARAMETER).filter(|request| !request.is_null()).and_then(Value::as_object).ok_or_else(missing)
}

/// Returns the workflow to start. A definition that the task itself has is the definition's; one from data is nobody's.
pub(in crate::engine) fn wanted(request: &Map, planned: &PlannedTask) -> Result<Wanted, Refusal> {
    let definition = request.get("workflowDef").or_else(|| request.get("workflowDefinition"));
    let Some(definition) = definition.filter(|definition| !definition.is_null()) else {
        let part = |name: &str| request.get(name).unwrap_or(&Value::Null);
        if part("name").as_str().is_none_or(|name| name.trim().is_empty()) && !part("name").is_number() {
            let reason = format!("{PARAMETER} validation failed. 'name' -> Workflow name cannot be null or empty. ");
            return Err(Refusal::passing(reason));
        }
        return sub_workflow::named(part("name"), part("version"));
    };
    let own = planned.task.input_parameters.get(PARAMETER).filter(|_| !planned.is_generated).and_then(|template| {
        template.get("workflowDef").or_else(|| template.get("workflowDefinition")).filter(|own| own.is_object())
    });
    let read = |error: serde_json::Error| {
        Refusal::lasting(format!("{PARAMETER}.workflowDef is no definition (at column {})", error.column()))
    };
    let from_data = own.is_none();
    let definition: WorkflowDef = serde_json::from_value(own.unwrap_or(definition).clone()).map_err(read)?;
    Ok(Wanted::Inline { definition: Box::new(definition), from_data })
}
