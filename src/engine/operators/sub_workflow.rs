//! SUB_WORKFLOW runs another workflow and gives what that gives.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::engine::family::Refusal;
use crate::engine::kin::Wanted;
use crate::engine::lookup::Scope;
use crate::engine::plan::PlannedTask;
use crate::words::{Map, TaskStatus, WorkflowStatus};
use crate::workflow::definition::{WorkflowDef, WorkflowTask};
use crate::workflow::expressions::{LimitHit, inert, java_text, shown};

/// The parameters that may be expressions, with the names under which the input shows them.
const PARAMETERS: [(&str, &str); 6] = [
    ("name", "subWorkflowName"),
    ("version", "subWorkflowVersion"),
    ("taskToDomain", "subWorkflowTaskToDomain"),
    ("priority", "priority"),
    ("idempotencyKey", "idempotencyKey"),
    ("idempotencyStrategy", "idempotencyStrategy"),
];

/// Returns what it shows as its input. A definition that stands there outright is shown whole, and nothing in it is resolved.
pub(in crate::engine) fn input(planned: &PlannedTask, scope: &Scope<'_>, workflow_input: Map) -> Result<Map, LimitHit> {
    let mut input = Map::new();
    let parameter = planned.task.sub_workflow_param.as_ref();
    for (name, shown_as) in PARAMETERS {
        let value = parameter.and_then(|parameter| parameter.get(name)).map(|value| scope.resolve(value));
        input.insert(shown_as.to_owned(), value.transpose()?.unwrap_or_default());
    }
    if let Some(version) = input.get_mut("subWorkflowVersion")
        && let Some(number) = version.as_str().and_then(|text| text.trim().parse::<i32>().ok())
    {
        *version = json!(number);
    }
    let literal = literal(&planned.task);
    let is_literal = literal.is_some();
    let definition = match literal {
        Some(definition) => whole(&definition),
        None => given(&planned.task).map(|value| scope.resolve(value)).transpose()?.unwrap_or_default(),
    };
    if !definition.is_null() {
        input.insert("subWorkflowVersion".to_owned(), Value::Null);
        // One that an expression brings keeps the name that stands beside it.
        let is_named = !is_literal && !input["subWorkflowName"].is_null();
        if let Some(name) = definition.get("name").filter(|name| name.is_string() && !is_named) {
            input.insert("subWorkflowName".to_owned(), name.clone());
        }
    }
    input.insert("subWorkflowDefinition".to_owned(), definition);
    input.insert("workflowInput".to_owned(), Value::Object(workflow_input));
    Ok(input)
}

fn given(task: &WorkflowTask) -> Option<&Value> {
    task.sub_workflow_param.as_ref()?.get("workflowDefinition").filter(|definition| !definition.is_null())
}

/// Returns the definition that the task itself has.
fn literal(task: &WorkflowTask) -> Option<WorkflowDef> {
    given(task).filter(|given| given.is_object()).and_then(|given| serde_json::from_value(given.clone()).ok())
}

/// Conductor shows when a definition was made, also where it was not, and those inside of it as it reads them.
fn whole(definition: &WorkflowDef) -> Value {
    let mut definition = definition.clone();
    definition.tasks.iter_mut().for_each(whole_below);
    let definition = &definition;
    let mut value = serde_json::to_value(definition).expect("a definition has only text keys");
    for name in ["createTime", "updateTime"] {
        if value.get(name).is_none() {
            value[name] = json!(0);
        }
    }
    value
}

fn whole_below(task: &mut WorkflowTask) {
    let inner = literal(task);
    if let (Some(inner), Some(Value::Object(parameter))) = (inner, &mut task.sub_workflow_param) {
        parameter.insert("name".to_owned(), json!(inner.name));
        parameter.insert("version".to_owned(), json!(inner.version));
        parameter.insert("workflowDefinition".to_owned(), whole(&inner));
    }
    let lists = task.fork_tasks.iter_mut().chain(task.decision_cases.values_mut());
    lists.chain([&mut task.default_case, &mut task.loop_over]).flatten().for_each(whole_below);
}

/// Returns the workflow that a run wants to start.
pub(in crate::engine) fn wanted(planned: &PlannedTask, input: &Value) -> Result<Wanted, Refusal> {
    // A DYNAMIC that became one has no parameters, but what its input says.
    if planned.task.sub_workflow_param.is_none() && input["subWorkflowName"].is_null() {
        let name = &planned.task.name;
        return Err(Refusal::lasting(format!(
            "Task {name} is defined as sub-workflow and is missing subWorkflowParams. Please check the workflow definition"
        )));
    }
    if let Some(definition) = literal(&planned.task) {
        // A task that a dynamic fork made is data itself.
        return Ok(Wanted::Inline { definition: Box::new(definition), from_data: planned.is_generated });
    }
    match &input["subWorkflowDefinition"] {
        Value::Null => named(&input["subWorkflowName"], &input["subWorkflowVersion"]),
        definition => {
            let read = |error: serde_json::Error| {
                Refusal::lasting(format!(
                    "subWorkflowParam.workflowDefinition is no definition (at column {})",
                    error.column()
                ))
            };
            let definition: WorkflowDef = serde_json::from_value(definition.clone()).map_err(read)?;
            Ok(Wanted::Inline { definition: Box::new(definition), from_data: true })
        }
    }
}

/// Reads a name and a version, which expressions may have made.
pub(in crate::engine) fn named(name: &Value, version: &Value) -> Result<Wanted, Refusal> {
    let name = Some(java_text(name)).filter(|text| !name.is_null() && !text.is_empty());
    let name = name.ok_or_else(|| Refusal::lasting("the workflow to start is not named"))?;
    let version = match version {
        Value::Null => None,
        Value::String(text) if text.trim().is_empty() => None,
        other => {
            let number = java_text(other).trim().parse();
            Some(number.map_err(|_| Refusal::lasting(format!("the version of `{name}` is no number")))?)
        }
    };
    Ok(Wanted::Named { name, version })
}

/// Returns what the child takes: what the task gives, or else all that it shows, as on Conductor.
pub(in crate::engine) fn child_input(input: &Value, wanted: &Wanted) -> Map {
    let given = input["workflowInput"].as_object().filter(|given| !given.is_empty());
    let mut taken = given.or_else(|| input.as_object()).cloned().unwrap_or_default();
    if given.is_none()
        && let Some(definition) = taken.get_mut("subWorkflowDefinition")
    {
        // As data it is only shown: what it refers to is no business of the child's.
        *definition = inert(shown(definition).into_owned());
    }
    if matches!(wanted, Wanted::Inline { .. }) {
        taken.insert("_systemMetadata".to_owned(), json!({"dynamic": true}));
    }
    taken
}

/// Reads a map from task names to domains.
pub(in crate::engine) fn domains(value: &Value) -> Option<BTreeMap<String, String>> {
    let map = value.as_object()?;
    Some(map.iter().filter_map(|(task, domain)| Some((task.clone(), domain.as_str()?.to_owned()))).collect())
}

/// Returns how a task ends whose sub-workflow ended so.
pub(in crate::engine) const fn task_status(status: WorkflowStatus) -> TaskStatus {
    match status {
        WorkflowStatus::Completed => TaskStatus::Completed,
        WorkflowStatus::Failed => TaskStatus::Failed,
        WorkflowStatus::TimedOut => TaskStatus::TimedOut,
        WorkflowStatus::Terminated => TaskStatus::Canceled,
        WorkflowStatus::Running | WorkflowStatus::Paused => TaskStatus::InProgress,
    }
}
