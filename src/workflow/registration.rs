//! What a Conductor server refuses to register, in its words: for those who talk to us as to one.
//!
//! It is less than [`super::check`] finds, and the order and the texts are the server's (3.32.3).

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;

use super::definition::{TaskType, WorkflowDef, WorkflowTask};
use super::expressions::parse;
use super::waiting::{self, Fault};
use crate::words::Map;

/// One reason why a definition is not registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValidationError {
    /// Where, below the definition: empty for the whole, else as `.tasks[0]`.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

/// Returns why a definition is not registered; nothing where it is.
pub fn registration_errors(workflow: &WorkflowDef) -> Vec<ValidationError> {
    let mut errors = Vec::new();
    let mut add = |path: &str, message: String| errors.push(ValidationError { path: path.to_owned(), message });
    if workflow.name.is_empty() {
        add(".name", "WorkflowDef name cannot be null or empty".to_owned());
    }
    if workflow.schema_version != 2 {
        add(".schemaVersion", "workflowDef schemaVersion: 2 is only supported".to_owned());
    }
    if workflow.tasks.is_empty() {
        add(".tasks", "WorkflowTask list cannot be empty".to_owned());
    }
    let mut tasks = Vec::new();
    collect(&workflow.tasks, Some(".tasks"), &mut tasks);
    for message in duplicates(workflow, &tasks).into_iter().chain(inputs(&tasks)) {
        add("", message);
    }
    for (path, task) in tasks.iter().filter_map(|(path, task)| Some((path.as_deref()?, task))) {
        for (field, message) in unnamed(task) {
            add(&format!("{path}.{field}"), message.to_owned());
        }
        for message in by_type(task) {
            add(path, message);
        }
        if task.start_delay < 0 {
            add(&format!("{path}.startDelay"), "must be greater than or equal to 0".to_owned());
        }
    }
    errors
}

/// A task with its place; none where the server does not look: it does not look into loops.
type Placed<'a> = (Option<String>, &'a WorkflowTask);

fn collect<'a>(list: &'a [WorkflowTask], path: Option<&str>, all: &mut Vec<Placed<'a>>) {
    for (index, task) in list.iter().enumerate() {
        let path = path.map(|path| format!("{path}[{index}]"));
        let below = |name: &str| path.as_ref().map(|path| format!("{path}.{name}"));
        all.push((path.clone(), task));
        for (case, tasks) in &task.decision_cases {
            collect(tasks, below(&format!("decisionCases[{case}].<map value>")).as_deref(), all);
        }
        collect(&task.default_case, below("defaultCase").as_deref(), all);
        for (branch, tasks) in task.fork_tasks.iter().enumerate() {
            collect(tasks, below(&format!("forkTasks[{branch}].<list element>")).as_deref(), all);
        }
        collect(&task.loop_over, None, all);
    }
}

fn duplicates(workflow: &WorkflowDef, tasks: &[Placed<'_>]) -> Vec<String> {
    let (mut seen, mut told) = (HashSet::new(), HashSet::new());
    let again = tasks.iter().map(|(_, task)| task.task_reference_name.as_str()).filter(|name| !seen.insert(*name));
    let names: Vec<_> = again.filter(|name| told.insert(*name)).collect();
    let message = |name: &str| {
        let workflow = &workflow.name;
        format!("taskReferenceName: {name} should be unique across tasks for a given workflowDefinition: {workflow}")
    };
    names.into_iter().map(message).collect()
}

fn inputs(tasks: &[Placed<'_>]) -> Vec<String> {
    let references = tasks.iter().map(|(_, task)| task.task_reference_name.as_str()).collect();
    let mut messages = Vec::new();
    for (_, task) in tasks {
        Inputs { task: &task.name, references: &references, messages: &mut messages }.map(&task.input_parameters);
    }
    messages
}

struct Inputs<'a> {
    task: &'a str,
    references: &'a HashSet<&'a str>,
    messages: &'a mut Vec<String>,
}

impl Inputs<'_> {
    fn map(&mut self, map: &Map) {
        for (key, value) in map {
            self.value(key, value);
        }
    }

    fn value(&mut self, key: &str, value: &Value) {
        match value {
            Value::String(text) => self.text(key, text),
            Value::Array(items) => items.iter().for_each(|item| self.value(key, item)),
            Value::Object(map) => self.map(map),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        for path in references(text) {
            if !is_readable(path) {
                self.messages.push(format!("key: {key} input parameter value: {path} is not valid"));
                continue;
            }
            let head = path.split('.').next().unwrap_or_default();
            if path == "CPEWF_TASK_ID" || head == "workflow" || self.references.contains(head) {
                continue;
            }
            let task = self.task;
            self.messages.push(format!(
                "taskReferenceName: {head} for given task: {task} input value: {key} of input parameter: {text} is not defined in workflow definition."
            ));
        }
    }
}

fn is_readable(path: &str) -> bool {
    let reference = format!("${{{path}}}");
    parse(&reference).first().is_some_and(|found| found.is_readable(&reference))
}

/// Cuts a text as the server does: before each `${` that is no `$${`, and after each `}`; what is then a whole `${…}` counts.
fn references(text: &str) -> Vec<&str> {
    let opens = |at: &usize| text[*at..].starts_with("${") && !text[..*at].ends_with('$');
    let mut cuts: Vec<usize> = text.match_indices("${").map(|(at, _)| at).filter(opens).collect();
    cuts.extend(text.match_indices('}').map(|(at, _)| at + 1));
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    let parts = cuts.windows(2).filter_map(|cut| text.get(cut[0]..cut[1]));
    parts.filter_map(|part| part.strip_prefix("${")?.strip_suffix('}')).collect()
}

fn unnamed(task: &WorkflowTask) -> impl Iterator<Item = (&'static str, &'static str)> {
    let name = ("name", "WorkflowTask name cannot be empty or null");
    let reference = ("taskReferenceName", "WorkflowTask taskReferenceName name cannot be empty or null");
    let name = task.name.is_empty().then_some(name);
    name.into_iter().chain(task.task_reference_name.is_empty().then_some(reference))
}

fn by_type(task: &WorkflowTask) -> Vec<String> {
    match &task.task_type {
        TaskType::DoWhile => do_while(task),
        TaskType::ForkJoinDynamic => dynamic_fork(task),
        TaskType::Switch => switch(task).into_iter().chain(cases(task)).collect(),
        TaskType::Decision => decision(task).into_iter().chain(cases(task)).collect(),
        TaskType::Terminate => terminate(task),
        _ => by_simple_type(task).into_iter().collect(),
    }
}

fn do_while(task: &WorkflowTask) -> Vec<String> {
    let condition = task.loop_condition.is_none().then_some("loopCondition");
    let tasks = task.loop_over.is_empty().then_some("loopOver");
    condition.into_iter().chain(tasks).map(|field| required(field, task)).collect()
}

fn dynamic_fork(task: &WorkflowTask) -> Vec<String> {
    if task.input_parameters.contains_key("forkTaskInputs") {
        return Vec::new();
    }
    let (list, inputs) = (&task.dynamic_fork_tasks_param, &task.dynamic_fork_tasks_input_param_name);
    if task.dynamic_fork_join_tasks_param.is_some() {
        let both = list.is_some() || inputs.is_some();
        let message = "dynamicForkJoinTasksParam or combination of dynamicForkTasksInputParamName and \
                       dynamicForkTasksParam cam be used for taskType: FORK_JOIN_DYNAMIC taskName";
        return both.then(|| format!("{message}: {}", task.name)).into_iter().collect();
    }
    let inputs = inputs.is_none().then_some("dynamicForkTasksInputParamName");
    let list = list.is_none().then_some("dynamicForkTasksParam");
    inputs.into_iter().chain(list).map(|field| required(field, task)).collect()
}

fn by_simple_type(task: &WorkflowTask) -> Option<String> {
    match &task.task_type {
        TaskType::Wait => wait(task),
        TaskType::Http if !["http_request", "uri"].iter().any(|name| task.input_parameters.contains_key(*name)) => {
            Some(required("inputParameters.http_request or inputParameters.uri", task))
        }
        TaskType::JsonJqTransform if !task.input_parameters.contains_key("queryExpression") => {
            Some(required("inputParameters.queryExpression", task))
        }
        TaskType::Dynamic => task.dynamic_task_name_param.is_none().then(|| required("dynamicTaskNameParam", task)),
        TaskType::ForkJoin if task.fork_tasks.is_empty() => {
            Some(format!("forkTasks should have atleast one task for taskType: FORK_JOIN taskName: {}", task.name))
        }
        TaskType::SubWorkflow => match &task.sub_workflow_param {
            None => Some(required("subWorkflowParam", task)),
            Some(Value::Object(_)) => None,
            // The server answers 500.
            Some(_) => Some(format!("subWorkflowParam is an object, with name and version, in task: {}", task.name)),
        },
        TaskType::Event => task.sink.is_none().then(|| required("sink", task)),
        TaskType::Other(name) if &**name == "KAFKA_PUBLISH" => {
            let is_given = task.input_parameters.contains_key("kafka_request");
            (!is_given).then(|| required("inputParameters.kafka_request", task))
        }
        _ => None,
    }
}

fn required(field: &str, task: &WorkflowTask) -> String {
    format!("{field} field is required for taskType: {} taskName: {}", task.task_type.as_str(), task.name)
}

fn wait(task: &WorkflowTask) -> Option<String> {
    let given = |name: &str| task.input_parameters.get(name);
    let message = match waiting::fault(given("duration"), given("until"))? {
        Fault::Both => "Both 'duration' and 'until' specified. Please provide only one input",
        Fault::Duration => "Either date or duration is passed as null ",
        Fault::Until => "Unable to parse date ",
    };
    Some(message.to_owned())
}

fn terminate(task: &WorkflowTask) -> Vec<String> {
    let optional = task.optional.then_some("terminate task cannot be optional");
    let status = task.input_parameters.get("terminationStatus").and_then(Value::as_str).unwrap_or_default();
    let is_good = matches!(status, "COMPLETED" | "FAILED" | "TERMINATED");
    let status = "terminate task must have an terminationStatus parameter and must be set to COMPLETED or FAILED";
    let status = (!is_good).then_some(status);
    optional.into_iter().chain(status).map(|message| format!("{message}, taskName: {}", task.name)).collect()
}

fn switch(task: &WorkflowTask) -> Option<String> {
    if task.evaluator_type.is_none() {
        return Some(required("evaluatorType", task));
    }
    task.expression.is_none().then(|| required("expression", task))
}

fn decision(task: &WorkflowTask) -> Option<String> {
    let is_missing = task.case_value_param.is_none() && task.case_expression.is_none();
    is_missing.then(|| required("caseValueParam or caseExpression", task))
}

fn cases(task: &WorkflowTask) -> Option<String> {
    let (kind, name) = (task.task_type.as_str(), &task.name);
    let message = || format!("decisionCases should have atleast one task for taskType: {kind} taskName: {name}");
    task.decision_cases.is_empty().then(message)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use serde_json::{Value, json};

    use super::{references, registration_errors};
    use crate::workflow::definition::WorkflowDef;

    fn cases() -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conductor");
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.join("workflow.json").exists()).collect()
    }

    fn read(path: &Path) -> Value {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn recorded_definitions_are_refused_and_taken_as_by_the_server() {
        let mut refused = 0;
        for case in cases() {
            let workflow: WorkflowDef = serde_json::from_value(read(&case.join("workflow.json"))).unwrap();
            let expected = read(&case.join("expected.json"));
            let expected: Vec<Value> = match expected["error"].as_str() {
                Some("register 400") => serde_json::from_value(expected["body"]["validationErrors"].clone()).unwrap(),
                _ => Vec::new(),
            };
            refused += usize::from(!expected.is_empty());
            let told: Vec<Value> = registration_errors(&workflow)
                .iter()
                .map(|error| json!({"message": error.message, "path": format!("updateWorkflowDef.arg0[0]{}", error.path)}))
                .collect();
            assert_eq!(told, expected, "{}", case.display());
        }
        assert!(refused >= 4);
    }

    #[test]
    fn tasks_are_refused_in_the_words_of_the_server() {
        let http =
            "inputParameters.http_request or inputParameters.uri field is required for taskType: HTTP taskName: t";
        let optional = "terminate task cannot be optional, taskName: t";
        let status = "terminate task must have an terminationStatus parameter and must be set to COMPLETED or FAILED, taskName: t";
        for (task, expected) in [
            (json!({"type": "HTTP"}), vec![http]),
            (json!({"type": "HTTP", "inputParameters": {"url": "http://x"}}), vec![http]),
            (json!({"type": "HTTP", "inputParameters": {"uri": null}}), vec![]),
            (json!({"type": "HTTP", "inputParameters": {"http_request": "${workflow.input.r}"}}), vec![]),
            (
                json!({"type": "TERMINATE", "optional": true, "inputParameters": {"terminationStatus": "FAILED"}}),
                vec![optional],
            ),
            (json!({"type": "TERMINATE", "optional": true}), vec![optional, status]),
            (json!({"type": "SIMPLE", "taskDefinition": "x"}), vec![]),
            (
                json!({"type": "WAIT", "inputParameters": {"duration": "in ${workflow.input.d}"}}),
                vec!["Either date or duration is passed as null "],
            ),
            (json!({"type": "WAIT", "inputParameters": {"until": "2030-01-31T10:00"}}), vec!["Unable to parse date "]),
            (json!({"type": "WAIT", "inputParameters": {"until": "${workflow.input.day} 10:00"}}), vec![]),
        ] {
            let mut given = json!({"name": "t", "taskReferenceName": "t"});
            given.as_object_mut().unwrap().extend(task.as_object().unwrap().clone());
            let workflow: WorkflowDef = serde_json::from_value(json!({"name": "w", "tasks": [given]})).unwrap();
            let told: Vec<_> = registration_errors(&workflow).into_iter().map(|error| error.message).collect();
            assert_eq!(told, expected, "{task}");
        }
    }

    #[test]
    fn task_without_a_name_is_refused_at_the_field() {
        let workflow = json!({"name": "w", "tasks": [{"name": null, "taskReferenceName": "", "type": "NOOP"}]});
        let workflow: WorkflowDef = serde_json::from_value(workflow).unwrap();
        let paths: Vec<_> = registration_errors(&workflow).into_iter().map(|error| error.path).collect();
        assert_eq!(paths, [".tasks[0].name", ".tasks[0].taskReferenceName"]);
    }

    #[test]
    fn references_are_cut_as_the_server_cuts_them() {
        for (text, expected) in [
            ("a ${b.c} d${e}", vec!["b.c", "e"]),
            ("$${b.c}", vec![]),
            ("${workflow.input.${workflow.input.key}}", vec!["workflow.input.key"]),
            ("${open", vec![]),
            ("}${", vec![]),
        ] {
            assert_eq!(references(text), expected, "{text}");
        }
    }

    #[test]
    fn input_that_names_no_task_is_refused() {
        let workflow: WorkflowDef = serde_json::from_value(json!({
            "name": "w", "tasks": [{"name": "t", "taskReferenceName": "a", "type": "NOOP",
                "inputParameters": {"k": [{"l": "${b.output.x}"}], "m": "${ a.output }"}}],
        }))
        .unwrap();
        let messages: Vec<_> = registration_errors(&workflow).into_iter().map(|error| error.message).collect();
        assert_eq!(
            messages,
            [
                "taskReferenceName: b for given task: t input value: l of input parameter: ${b.output.x} is not defined in workflow definition.",
                "key: m input parameter value:  a.output  is not valid",
            ]
        );
    }
}
