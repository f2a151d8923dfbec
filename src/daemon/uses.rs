use std::collections::BTreeSet;

use serde_json::json;

use crate::workflow::definition::WorkflowDef;
use crate::workflow::expressions::references_in_template;
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Uses;

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
