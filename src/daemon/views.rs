//! What people see of executions: Conductor's JSON, masked.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::engine::{Execution, view};
use crate::observe::Masking;
use crate::redact::Masker;
use crate::secret::Store;
use crate::words::{RunNumber, Timestamp};
use crate::workflow::shown::shown_definition;

/// Fields of Conductor's JSON that hold what tasks took and gave.
pub const PAYLOAD_FIELDS: [&str; 5] = ["input", "output", "variables", "inputData", "outputData"];
/// Fields that hold definitions: literals where secrets belong are masked, and known values.
pub const DEFINITION_FIELDS: [&str; 3] = ["workflowDefinition", "workflowTask", "taskDefinition"];

/// Makes views: it knows every value of the store, and learns those of each execution.
pub struct Views {
    store: Arc<Store>,
    masking: Arc<Masking>,
}

impl Views {
    /// Returns the views over a store; the same masker serves the logs.
    pub fn new(store: Arc<Store>, masking: Arc<Masking>) -> Self {
        Self { store, masking }
    }

    /// Returns the masker of every value in the store now.
    pub(super) fn masker(&self) -> Arc<Masker> {
        self.masking.follow(&self.store.snapshot());
        self.masking.current()
    }

    /// Returns an execution as Conductor's Workflow.
    pub fn workflow(&self, execution: &Execution, with_tasks: bool) -> Value {
        let mut value = view::workflow_json(execution, with_tasks);
        self.mask(&mut value, execution);
        value
    }

    /// Returns a run as Conductor's Task.
    pub(super) fn task(&self, execution: &Execution, run: RunNumber) -> Option<Value> {
        let mut value = view::task_json(execution, execution.run(run)?);
        self.mask(&mut value, execution);
        Some(value)
    }

    /// Returns an execution as Conductor's WorkflowSummary.
    pub(super) fn summary(&self, execution: &Execution) -> Value {
        let mut value = view::summary_json(execution);
        self.mask(&mut value, execution);
        for field in ["input", "output"] {
            value[field] = view::summary_text(&value[field]).into();
        }
        value
    }

    /// Returns a line that somebody logged for an execution.
    pub(super) fn line(&self, execution: &Execution, line: &str) -> String {
        self.masker().with(execution.masks.iter()).mask_text(line).into_owned()
    }

    fn mask(&self, value: &mut Value, execution: &Execution) {
        let masker = self.masker().with(execution.masks.iter());
        mask_fields(value, &masker, &execution.plan.pinned.workflow.masked_fields);
    }
}

/// Returns an archived execution as Conductor's WorkflowSummary; its snapshot is masked already.
pub(super) fn summary_of_snapshot(snapshot: &Value) -> Value {
    let moment = |field: &str| snapshot[field].as_i64().map(|at| Timestamp::from_millis(at).to_string());
    let (started, ended) = (snapshot["startTime"].as_i64(), snapshot["endTime"].as_i64());
    json!({
        "workflowType": snapshot["workflowName"],
        "version": snapshot["workflowVersion"],
        "workflowId": snapshot["workflowId"],
        "correlationId": snapshot["correlationId"],
        "startTime": moment("startTime"),
        "updateTime": moment("updateTime"),
        "endTime": moment("endTime"),
        "status": snapshot["status"],
        "input": view::summary_text(&snapshot["input"]),
        "output": view::summary_text(&snapshot["output"]),
        "reasonForIncompletion": snapshot["reasonForIncompletion"],
        "executionTime": ended.zip(started).map_or(0, |(ended, started)| ended - started),
        "priority": snapshot["priority"],
    })
}

/// Returns a masked Task as Conductor's TaskSummary.
pub(super) fn task_summary(task: &Value) -> Value {
    let number = |field: &str| task[field].as_i64().filter(|at| *at != 0);
    let moment = |field: &str| number(field).map(|at| Timestamp::from_millis(at).to_string());
    let mut summary = json!({
        "workflowId": task["workflowInstanceId"],
        "workflowType": task["workflowType"],
        "correlationId": task["correlationId"],
        "scheduledTime": moment("scheduledTime"),
        "startTime": moment("startTime"),
        "updateTime": moment("updateTime"),
        "endTime": moment("endTime"),
        "status": task["status"],
        "reasonForIncompletion": task["reasonForIncompletion"],
        "executionTime": number("endTime").zip(number("startTime")).map_or(0, |(ended, started)| ended - started),
        "queueWaitTime": task["queueWaitTime"],
        "taskDefName": task["taskDefName"],
        "taskType": task["taskType"],
        "taskReferenceName": task["referenceTaskName"],
        "input": view::summary_text(&task["inputData"]),
        "output": view::summary_text(&task["outputData"]),
        "taskId": task["taskId"],
        "workflowPriority": task["workflowPriority"],
        "domain": task["domain"],
    });
    if let Some(fields) = summary.as_object_mut() {
        fields.retain(|_, field| !field.is_null());
    }
    summary
}

fn mask_fields(value: &mut Value, masker: &Masker, masked_fields: &[String]) {
    let Value::Object(fields) = value else { return };
    for (name, field) in fields {
        if PAYLOAD_FIELDS.contains(&name.as_str()) {
            *field = masker.mask_payload(field, masked_fields);
        } else if DEFINITION_FIELDS.contains(&name.as_str()) {
            *field = masker.mask_value(&shown_definition(field));
        } else if name == "reasonForIncompletion" {
            *field = masker.mask_value(field);
        } else if name == "tasks" {
            for task in field.as_array_mut().into_iter().flatten() {
                mask_fields(task, masker, masked_fields);
            }
        }
    }
}
