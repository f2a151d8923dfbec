//! A workflow with everything that a run of it needs to know, whatever happens to its file.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::definition::{TaskDef, WorkflowDef, WorkflowTask};
use crate::words::Owner;

/// A definition as an execution runs it, whatever happens to its file: with the task definitions that it names and its
/// owner. The journal keeps it by its hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pinned {
    /// The workflow.
    pub workflow: WorkflowDef,
    /// The task definitions that its tasks name.
    pub task_defs: BTreeMap<String, TaskDef>,
    /// Who owns it.
    pub owner: Owner,
    /// Who made those task definitions that are not the owner's own. What a definition of before this was kept says nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub makers: BTreeMap<String, Owner>,
}

impl Pinned {
    /// Returns a definition whose owner made its task definitions too.
    pub const fn new(workflow: WorkflowDef, task_defs: BTreeMap<String, TaskDef>, owner: Owner) -> Self {
        Self { workflow, task_defs, owner, makers: BTreeMap::new() }
    }

    /// Takes task definitions of the owner in the place of those of their names.
    pub fn bring(&mut self, task_defs: BTreeMap<String, TaskDef>) {
        self.makers.retain(|name, _| !task_defs.contains_key(name));
        self.task_defs.extend(task_defs);
    }

    /// Returns the hash of the definition's JSON.
    pub fn hash(&self) -> DefinitionHash {
        let bytes = serde_json::to_vec(self).expect("a definition has only text keys");
        DefinitionHash(Sha256::digest(bytes).into())
    }

    /// Returns the workflow as a request carries it that has to bring everything along: each task definition is in the tasks
    /// that name it. A task that has one of its own keeps it.
    pub fn into_document(mut self) -> WorkflowDef {
        carry(&mut self.workflow.tasks, &self.task_defs);
        self.workflow
    }
}

fn carry(tasks: &mut [WorkflowTask], task_defs: &BTreeMap<String, TaskDef>) {
    for task in tasks {
        if task.task_definition.is_none() {
            task.task_definition = task_defs.get(&task.name).cloned();
        }
        let branches = task.decision_cases.values_mut().chain(&mut task.fork_tasks);
        for inner in branches.chain([&mut task.default_case, &mut task.loop_over]) {
            carry(inner, task_defs);
        }
    }
}

/// The SHA-256 of a [`Pinned`] definition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DefinitionHash(pub [u8; 32]);

impl fmt::Debug for DefinitionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DefinitionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::Pinned;
    use crate::words::Owner;
    use crate::workflow::definition::{TaskDef, WorkflowDef};

    #[test]
    fn a_document_carries_task_definitions_at_every_depth_and_replaces_none() {
        let task = |reference: &str| json!({"name": "fetch", "taskReferenceName": reference, "type": "HTTP"});
        let workflow: WorkflowDef = serde_json::from_value(json!({"name": "w", "tasks": [
            {"name": "fetch", "taskReferenceName": "own", "type": "HTTP", "taskDefinition": {"name": "fetch", "retryCount": 7}},
            {"name": "s", "taskReferenceName": "s", "type": "SWITCH", "decisionCases": {"a": [task("case")]}, "defaultCase": [task("else")]},
            {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [[task("branch")]]},
            {"name": "d", "taskReferenceName": "d", "type": "DO_WHILE", "loopOver": [task("loop")]},
            {"name": "other", "taskReferenceName": "other", "type": "HTTP"}
        ]}))
        .unwrap();
        let def: TaskDef = serde_json::from_value(json!({"name": "fetch", "retryCount": 2})).unwrap();
        let task_defs = BTreeMap::from([("fetch".to_owned(), def)]);
        let document = Pinned::new(workflow, task_defs, Owner::Local).into_document();
        let retries =
            |task: &crate::workflow::definition::WorkflowTask| task.task_definition.as_ref().map(|def| def.retry_count);
        let [own, switch, fork, repeat, other] = document.tasks.as_slice() else { panic!("five tasks") };
        assert_eq!((retries(own), retries(other)), (Some(7), None));
        for inner in
            [&switch.decision_cases["a"][0], &switch.default_case[0], &fork.fork_tasks[0][0], &repeat.loop_over[0]]
        {
            assert_eq!(retries(inner), Some(2), "{}", inner.task_reference_name);
        }
    }
}
