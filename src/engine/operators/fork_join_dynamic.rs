//! FORK_JOIN_DYNAMIC starts branches that are data: a list of tasks, or one task or workflow for each of a list of inputs.
//!
//! The list is journaled with the run that it starts, as templates: what came from data stays data in them, and only what the
//! definition itself escaped is evaluated when a branch begins.

use serde_json::{Value, json};

use crate::engine::plan::PlannedTask;
use crate::words::Map;
use crate::workflow::definition::{TaskType, WorkflowTask};
use crate::workflow::expressions::{LimitHit, java_text, template_of};

/// What the branches are made of: the fork's input, and the same as templates.
pub(in crate::engine) struct Source<'a> {
    /// The fork.
    pub(in crate::engine) planned: &'a PlannedTask,
    /// What it takes.
    pub(in crate::engine) input: &'a Map,
    /// What it takes, as templates.
    pub(in crate::engine) templates: &'a Map,
    /// Whether a dynamic fork ran before it: the names of the branches then say whose they are.
    pub(in crate::engine) is_later: bool,
}

/// Returns what a dynamic fork takes as templates: what `resolve` finds is data there, and the definition's own escapes are
/// references.
pub(in crate::engine) fn templates(parameters: &Map, resolve: &impl Fn(&Value) -> Resolved) -> Result<Map, LimitHit> {
    parameters.iter().map(|(key, value)| Ok((key.clone(), template(value, resolve)?))).collect()
}

/// What resolving gives.
type Resolved = Result<Value, LimitHit>;

fn template(value: &Value, resolve: &impl Fn(&Value) -> Resolved) -> Resolved {
    Ok(match value {
        Value::Array(items) => items.iter().map(|item| template(item, resolve)).collect::<Result<_, _>>()?,
        Value::Object(fields) => Value::Object(templates(fields, resolve)?),
        // Nothing but escapes: a text of the definition alone.
        Value::String(text) if text.contains("$${") && !text.replace("$${", "").contains("${") => {
            Value::String(text.replace("$${", "${"))
        }
        other => template_of(&resolve(other)?),
    })
}

impl Source<'_> {
    /// Returns the tasks of the branches, or why there are none: the execution then fails.
    pub(in crate::engine) fn branches(&self) -> Result<Vec<Value>, String> {
        if let Some(Value::Array(inputs)) = self.templates.get("forkTaskInputs") {
            return self.one_for_each(inputs);
        }
        match &self.planned.task.dynamic_fork_tasks_param {
            Some(parameter) => self.listed(parameter),
            None => self.listed_the_old_way(),
        }
    }

    fn text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.input.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("`{name}` of dynamic fork `{}` must be a text", self.reference())),
        }
    }

    fn reference(&self) -> &str {
        &self.planned.task.task_reference_name
    }

    /// One task for each of `forkTaskInputs`.
    fn one_for_each(&self, inputs: &[Value]) -> Result<Vec<Value>, String> {
        let workflow = self.text("forkTaskWorkflow")?;
        let version = self.text("forkTaskWorkflowVersion")?.and_then(|version| version.parse::<i32>().ok());
        let task_type = self.text("forkTaskType")?;
        let ours = task_type.filter(|name| !matches!(TaskType::from(*name), TaskType::Simple | TaskType::Other(_)));
        let name = self.text("forkTaskName")?.or(ours).unwrap_or(self.reference());
        let one = |(index, input): (usize, &Value)| {
            let reference = if self.is_later {
                format!("_{}_{name}_{index}", self.reference())
            } else {
                format!("_{name}_{index}")
            };
            let mut task = fields_of(input);
            let mut parameters = match input {
                Value::Object(fields) => fields.clone(),
                other => Map::from_iter([("input".to_owned(), other.clone())]),
            };
            parameters.insert("__index".to_owned(), json!(index));
            let shown = match workflow {
                Some(workflow) => {
                    let domains = input.get("taskToDomain").cloned().unwrap_or_default();
                    let param = json!({"name": workflow, "version": version, "taskToDomain": domains});
                    task.insert("subWorkflowParam".to_owned(), without_nulls(param));
                    json!({"name": workflow, "type": "SUB_WORKFLOW"})
                }
                None => json!({"name": name, "type": task_type.unwrap_or("SIMPLE")}),
            };
            task.extend(shown.as_object().cloned().unwrap_or_default());
            task.insert("taskReferenceName".to_owned(), json!(reference));
            task.insert("inputParameters".to_owned(), Value::Object(parameters));
            if self.planned.task.optional {
                task.insert("optional".to_owned(), json!(true));
            }
            Value::Object(task)
        };
        Ok(inputs.iter().enumerate().map(one).collect())
    }

    /// The tasks of a list, and their inputs by reference.
    fn listed(&self, parameter: &str) -> Result<Vec<Value>, String> {
        let unreadable = || {
            let given = java_text(self.input.get(parameter).unwrap_or(&Value::Null));
            format!("Input '{parameter}' is invalid. Cannot deserialize a list of Workflow Tasks from '{given}'")
        };
        let list = self.templates.get(parameter).and_then(Value::as_array).ok_or_else(unreadable)?;
        let read = |item: &Value| {
            let is_named = item.get("taskReferenceName").is_some_and(|name| !name.is_null());
            is_named.then(|| serde_json::from_value::<WorkflowTask>(item.clone()).ok())?
        };
        let tasks: Vec<_> = list.iter().map(read).collect::<Option<_>>().ok_or_else(unreadable)?;
        let parameter = self.planned.task.dynamic_fork_tasks_input_param_name.as_deref().unwrap_or_default();
        let given = || java_text(self.input.get(parameter).unwrap_or(&Value::Null));
        let inputs = self.templates.get(parameter).and_then(Value::as_object).ok_or_else(|| {
            format!(
                "Input to the dynamically forked tasks is not a map -> expecting a map of K,V  but found {}",
                given()
            )
        })?;
        tasks.into_iter().map(|task| with_input(task, |name| inputs.get(name))).collect()
    }

    /// `{dynamicTasks: [{taskName, referenceName, type, input}]}`.
    fn listed_the_old_way(&self) -> Result<Vec<Value>, String> {
        let parameter = self.planned.task.dynamic_fork_join_tasks_param.as_deref().unwrap_or("null");
        let list = self.templates.get(parameter).and_then(|value| value.get("dynamicTasks")).and_then(Value::as_array);
        let list = list.ok_or_else(|| {
            let input = java_text(&Value::Object(self.input.clone()));
            format!(
                "Dynamic tasks could not be created. The value of {parameter} from task's input {input} has no dynamic \
                 tasks to be scheduled"
            )
        })?;
        let task = |item: &Value| {
            let field = |name: &str| item.get(name).cloned().unwrap_or_default();
            let input = item.get("input").filter(|input| input.is_object()).cloned().unwrap_or_else(|| json!({}));
            without_nulls(json!({
                "name": field("taskName"),
                "taskReferenceName": field("referenceName"),
                "type": field("type"),
                "inputParameters": input,
            }))
        };
        Ok(list.iter().map(task).collect())
    }
}

/// Conductor reads each input as a task too: `optional: true` in it makes the branch optional.
fn fields_of(input: &Value) -> Map {
    let task = input.as_object().map(|_| serde_json::from_value::<WorkflowTask>(input.clone()));
    let Some(Ok(mut task)) = task else { return Map::new() };
    task.task_definition = None;
    sparse(&task)
}

/// Returns a task of a list with its part of the inputs.
fn with_input<'v>(mut task: WorkflowTask, get: impl Fn(&str) -> Option<&'v Value>) -> Result<Value, String> {
    match get(&task.task_reference_name) {
        None | Some(Value::Null) => {}
        Some(Value::Object(fields)) => task.input_parameters.extend(fields.clone()),
        Some(other) => {
            return Err(format!(
                "Tasks could not be dynamically forked due to invalid input: the input of `{}` must be a map, and is {}",
                task.task_reference_name,
                java_text(other)
            ));
        }
    }
    Ok(Value::Object(sparse(&task)))
}

/// Returns the fields of a task that are not as they are anyway: what the journal needs to keep.
fn sparse(task: &WorkflowTask) -> Map {
    let (Value::Object(fields), Value::Object(usual)) = (json!(task), json!(WorkflowTask::default())) else {
        return Map::new();
    };
    fields.into_iter().filter(|(name, value)| usual.get(name) != Some(value)).collect()
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => other,
    }
}
