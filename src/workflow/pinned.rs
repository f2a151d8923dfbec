//! A workflow with everything that a run of it needs to know, whatever happens to its file.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::definition::{TaskDef, WorkflowDef};
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
}

impl Pinned {
    /// Returns the hash of the definition's JSON.
    pub fn hash(&self) -> DefinitionHash {
        let bytes = serde_json::to_vec(self).expect("a definition has only text keys");
        DefinitionHash(Sha256::digest(bytes).into())
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
