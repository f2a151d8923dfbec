use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lenient;
use crate::words::Map;
use crate::workflow::shape::EVALUATORS;

/// What happens when an event does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventHandler {
    /// Its name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// The event: `conductor:<workflow>:<name>`.
    #[serde(deserialize_with = "lenient::text")]
    pub event: String,
    /// When it is to act; always where absent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub condition: Option<String>,
    /// What it does, in order.
    #[serde(deserialize_with = "lenient::or_default")]
    pub actions: Vec<Action>,
    /// Whether it acts at all.
    #[serde(deserialize_with = "lenient::flag")]
    pub active: bool,
    /// How the condition is read.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub evaluator_type: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub description: Option<String>,
}

/// One thing that a handler does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Action {
    /// Which.
    #[serde(deserialize_with = "lenient::text")]
    pub action: String,
    /// `start_workflow`: which, and with what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_workflow: Option<StartAction>,
    /// `complete_task`: which, and with what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete_task: Option<TaskAction>,
    /// `fail_task`: which, and with what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_task: Option<TaskAction>,
    /// `terminate_workflow`: which, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminate_workflow: Option<TerminateAction>,
    /// `update_workflow_variables`: which, and with what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_workflow_variables: Option<VariablesAction>,
    /// Whether texts of the event that are JSON are read as such.
    #[serde(rename = "expandInlineJSON", deserialize_with = "lenient::flag")]
    pub expand_inline_json: bool,
}

/// A workflow that an event starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StartAction {
    /// Its name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// Its version; the highest where absent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_i32")]
    pub version: Option<i32>,
    /// The caller's name for what belongs together.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub correlation_id: Option<String>,
    /// What it takes, with expressions over the event.
    #[serde(deserialize_with = "lenient::or_default")]
    pub input: Map,
    /// Which workers get which task.
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub task_to_domain: BTreeMap<String, String>,
}

/// A task that an event ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskAction {
    /// Its workflow.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub workflow_id: Option<String>,
    /// Its reference name.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub task_ref_name: Option<String>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub task_id: Option<String>,
    /// What it gives, with expressions over the event.
    #[serde(deserialize_with = "lenient::or_default")]
    pub output: Map,
}

/// A workflow that an event ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TerminateAction {
    /// Which.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub workflow_id: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub termination_reason: Option<String>,
}

/// Variables that an event sets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VariablesAction {
    /// Of which workflow.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub workflow_id: Option<String>,
    /// The variables, with expressions over the event.
    #[serde(deserialize_with = "lenient::or_default")]
    pub variables: Map,
    /// Whether a list is added to the one that is there.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_flag")]
    pub append_array: Option<bool>,
}

/// When a handler acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Whatever the event says.
    Always,
    /// Not at all.
    Never,
    /// Where this field of the event says so.
    Field(&'a str),
    /// Where this script, which sees the event as `$`, gives `true` or a number above zero.
    Script(&'a str),
}

impl EventHandler {
    /// The names of the actions that there are.
    pub const ACTIONS: [&'static str; 5] =
        ["start_workflow", "complete_task", "fail_task", "terminate_workflow", "update_workflow_variables"];

    /// Returns what keeps it from being registered.
    pub fn problem(&self) -> Option<String> {
        if self.name.trim().is_empty() {
            return Some("Missing event handler name".to_owned());
        }
        if self.event.trim().is_empty() {
            return Some("Missing event location".to_owned());
        }
        if self.actions.is_empty() {
            return Some("No actions specified. Please specify at-least one action".to_owned());
        }
        if self.actions.iter().any(|action| action.start_workflow.as_ref().is_some_and(|start| start.name.is_empty())) {
            return Some("start_workflow: the workflow to start is not named".to_owned());
        }
        if let Some(action) = self.actions.iter().find(|action| !action.is_complete()) {
            let known = Self::ACTIONS.join(", ");
            return Some(format!("action `{}` is none of {known}, or has no part of its name", action.action));
        }
        let evaluator = self.evaluator_type.as_deref().unwrap_or_default();
        let is_known = evaluator.is_empty() || EVALUATORS.contains(&evaluator);
        (!is_known).then(|| {
            format!("evaluatorType `{evaluator}` is none of {}; leave it out for javascript", EVALUATORS.join(", "))
        })
    }

    /// Returns when it acts.
    pub fn condition(&self) -> Condition<'_> {
        match self.condition.as_deref().map(str::trim).unwrap_or_default() {
            "" | "true" => Condition::Always,
            "false" => Condition::Never,
            name if self.evaluator_type.as_deref() == Some("value-param") => Condition::Field(name),
            script => Condition::Script(script),
        }
    }
}

impl Action {
    fn is_complete(&self) -> bool {
        match self.action.as_str() {
            "start_workflow" => self.start_workflow.is_some(),
            "complete_task" => self.complete_task.is_some(),
            "fail_task" => self.fail_task.is_some(),
            "terminate_workflow" => self.terminate_workflow.is_some(),
            "update_workflow_variables" => self.update_workflow_variables.is_some(),
            _ => false,
        }
    }
}
