use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::workflow::definition::{TaskDef, WorkflowDef};
use crate::workflow::expressions::{parse, references_in_template};
use crate::workflow::flow;

/// What a definition does to secrets and which workflows it starts, as far as it says the names outright.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    /// The secrets that it reads.
    pub(super) reads: BTreeSet<String>,
    /// The secrets that it writes.
    pub(super) writes: Vec<String>,
    /// The workflows that it starts.
    pub(super) starts: Vec<String>,
}

impl Uses {
    /// Looks through a definition.
    pub(super) fn of(workflow: &WorkflowDef) -> Self {
        let texts = json!([workflow.tasks, workflow.output_parameters, workflow.variables]);
        Self {
            reads: references_in_template(&texts).into_iter().map(|reference| reference.name).collect(),
            writes: flow::secrets_written(&workflow.tasks),
            starts: flow::workflows_started(&workflow.tasks),
        }
    }
}

/// What a task definition takes of secrets, and of the environment, in the name of whatever workflow uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// The names that it says outright.
    pub(super) names: BTreeSet<String>,
    /// Whether it makes up a name at run time, which may be any.
    pub(super) computes: bool,
}

impl Taken {
    /// Looks through a task definition.
    pub(super) fn by(def: &TaskDef) -> Self {
        let template = Value::Object(def.input_template.clone());
        let outright = references_in_template(&template).into_iter().map(|reference| reference.name);
        let names = outright.chain(def.runtime_metadata.iter().cloned()).collect();
        Self { names, computes: computes(&template) }
    }
}

/// Returns whether a reference is made of another one.
fn computes(template: &Value) -> bool {
    match template {
        Value::String(text) => parse(text).iter().any(|reference| text[reference.path.clone()].contains("${")),
        Value::Array(items) => items.iter().any(computes),
        Value::Object(fields) => fields.values().any(computes),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Taken, Uses};

    #[test]
    fn a_task_definition_takes_what_its_template_and_its_list_name() {
        let taken = |def: Value| Taken::by(&serde_json::from_value(def).unwrap());
        let named = taken(
            json!({"name": "t", "inputTemplate": {"a": ["Bearer ${workflow.secrets.key}"], "b": "${workflow.input.x}"},
            "runtimeMetadata": ["other"]}),
        );
        assert_eq!(
            (named.names.into_iter().collect::<Vec<_>>(), named.computes),
            (vec!["key".into(), "other".into()], false)
        );
        for path in ["${workflow.secrets.${workflow.input.n}}", "x ${${workflow.input.n}}"] {
            assert!(taken(json!({"name": "t", "inputTemplate": {"a": {"b": path}}})).computes, "{path}");
        }
    }

    fn uses(tasks: &Value) -> Uses {
        Uses::of(&serde_json::from_value(json!({"name": "w", "tasks": tasks})).unwrap())
    }

    #[test]
    fn names_that_are_said_outright_are_found_at_any_depth() {
        let write = json!({"name": "u", "taskReferenceName": "u", "type": "UPDATE_SECRET", "inputParameters": {
            "_secrets": {"secretKey": "token", "secretValue": "${h.output.response.body.token}"}}});
        let call = json!({"name": "h", "taskReferenceName": "h", "type": "HTTP", "inputParameters": {
            "headers": {"Authorization": "Bearer ${workflow.secrets.key@previous}"}}});
        let child = json!({"name": "c", "taskReferenceName": "c", "type": "SUB_WORKFLOW",
            "subWorkflowParam": {"name": "child"}});
        let start = json!({"name": "s", "taskReferenceName": "s", "type": "START_WORKFLOW",
            "inputParameters": {"startWorkflow": {"name": "other"}}});
        let fork =
            json!({"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [[call, write], [child]]});
        let found = uses(&json!([fork, start]));
        assert_eq!(found.reads.into_iter().collect::<Vec<_>>(), ["key"]);
        assert_eq!(
            (found.writes, found.starts),
            (vec!["token".to_owned()], vec!["child".to_owned(), "other".to_owned()])
        );
    }

    #[test]
    fn names_that_are_made_at_run_time_are_nobodys() {
        let write = json!({"name": "u", "taskReferenceName": "u", "type": "UPDATE_SECRET", "inputParameters": {
            "_secrets": {"secretKey": "${workflow.input.name}", "secretValue": "x"}}});
        let child = json!({"name": "c", "taskReferenceName": "c", "type": "SUB_WORKFLOW",
            "subWorkflowParam": {"name": "${workflow.input.child}"}});
        assert_eq!(uses(&json!([write, child])), Uses::default());
    }
}
