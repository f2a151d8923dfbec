use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{WorkflowDef, lenient};
use crate::words::{Map, TaskStatus, WorkflowStatus};

/// A test of a workflow: Conductor's `WorkflowTestRequest`, and what is ours: the world before it, and what is expected.
/// No `Debug`: it holds what stands for secrets.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowTest {
    /// What people call it.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub title: Option<String>,
    /// The workflow.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// Its version; the highest where absent.
    #[serde(deserialize_with = "lenient::optional_i32")]
    pub version: Option<i32>,
    /// A definition of its own.
    pub workflow_def: Option<Box<WorkflowDef>>,
    /// A name for what belongs together.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub correlation_id: Option<String>,
    /// What the workflow takes.
    #[serde(deserialize_with = "lenient::or_default")]
    pub input: Map,
    /// 0 to 99.
    #[serde(deserialize_with = "lenient::optional_i32")]
    pub priority: Option<i32>,
    /// What the world says to each task, attempt by attempt.
    #[serde(deserialize_with = "lenient::or_default")]
    pub task_ref_to_mock_output: BTreeMap<String, Vec<Mock>>,
    /// The same for the workflows that tasks start.
    #[serde(deserialize_with = "lenient::or_default")]
    pub sub_workflow_test_request: BTreeMap<String, Self>,
    /// The secrets that there are before; ours.
    #[serde(deserialize_with = "lenient::or_default")]
    pub secrets: BTreeMap<String, String>,
    /// The tags of the secrets; ours.
    #[serde(deserialize_with = "lenient::or_default")]
    pub secret_tags: BTreeMap<String, BTreeMap<String, String>>,
    /// What `${workflow.env.NAME}` gives beside the settings; ours.
    #[serde(deserialize_with = "lenient::or_default")]
    pub environment: Map,
    /// What time it is at the start; ours.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub now: Option<String>,
    /// What is expected; ours.
    #[serde(deserialize_with = "lenient::or_default")]
    pub expect: Expectations,
}

/// What the world says to one attempt of a task.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mock {
    /// How the task ends; completed where absent.
    pub status: Option<TaskStatus>,
    /// What it gives. Of an HTTP task it has the `response`: `statusCode`, `headers`, `body`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub output: Map,
    /// How long the work takes, in milliseconds.
    #[serde(deserialize_with = "lenient::integer")]
    pub execution_time: i64,
    /// How long the task waits before, in milliseconds.
    #[serde(deserialize_with = "lenient::integer")]
    pub queue_wait_time: i64,
    /// Why it failed; ours.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub reason_for_incompletion: Option<String>,
    /// Why the request of an HTTP task is not sent; ours.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub not_sent: Option<String>,
    /// Why nobody knows what the request of an HTTP task did; ours.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub unknown: Option<String>,
}

/// What a test expects; what is absent may be anything.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Expectations {
    /// How the execution ends.
    pub status: Option<WorkflowStatus>,
    /// A part of why.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub reason: Option<String>,
    /// What its output has.
    pub output: Option<Map>,
    /// What its output is.
    pub exact_output: Option<Map>,
    /// The tasks in the order in which they were scheduled, each `reference: STATUS`.
    pub tasks: Option<Vec<BTreeMap<String, TaskStatus>>>,
    /// The calls in order.
    pub calls: Option<Vec<ExpectedCall>>,
    /// The secrets that were written, all of them: each with its value, or `true` for any.
    pub secrets_written: Option<BTreeMap<String, Value>>,
    /// How much time passed.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub took: Option<String>,
}

/// What a test expects of one call.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedCall {
    /// The reference of the task that makes it.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub task: Option<String>,
    /// Its method.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub method: Option<String>,
    /// Where it goes.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub uri: Option<String>,
    /// What its headers have.
    #[serde(deserialize_with = "lenient::or_default")]
    pub headers: BTreeMap<String, String>,
    /// What its body is.
    pub body: Option<Value>,
}
