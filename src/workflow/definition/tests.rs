use serde_json::{Value, json};

use super::{StartWorkflowRequest, TaskDef, TaskType, WorkflowDef, WorkflowSchedule};

fn sample(name: &str) -> Value {
    let path = format!("{}/tests/vectors/samples/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn workflow_is_returned_as_conductor_returns_it() {
    let sample = sample("workflowdef");
    let def: WorkflowDef = serde_json::from_value(sample.clone()).unwrap();
    assert_eq!(serde_json::to_value(def).unwrap(), sample);
}

#[test]
fn task_definition_is_returned_as_conductor_returns_it() {
    let sample = sample("taskdef");
    let def: TaskDef = serde_json::from_value(sample.clone()).unwrap();
    assert_eq!(serde_json::to_value(def).unwrap(), sample);
}

#[test]
fn absent_fields_get_conductors_defaults() {
    let def: WorkflowDef = serde_json::from_value(json!({"name": "w", "tasks": [{"name": "a"}]})).unwrap();
    assert_eq!((def.version, def.schema_version, def.restartable, def.enforce_schema), (1, 2, true, true));
    assert_eq!(def.tasks[0].task_type, TaskType::Simple);
    let def: TaskDef = serde_json::from_value(json!({"name": "t"})).unwrap();
    assert_eq!(def, TaskDef { name: "t".to_owned(), ..TaskDef::default() });
}

#[test]
fn null_means_absent() {
    let def: WorkflowDef =
        serde_json::from_value(json!({"name": "w", "tasks": null, "variables": null, "version": null})).unwrap();
    assert_eq!(def, serde_json::from_value(json!({"name": "w"})).unwrap());
}

#[test]
fn empty_version_of_a_start_request_is_the_latest() {
    let request: StartWorkflowRequest = serde_json::from_value(json!({"name": "w", "version": ""})).unwrap();
    assert_eq!(request.version, None);
    let request: StartWorkflowRequest = serde_json::from_value(json!({"name": "w", "version": "3"})).unwrap();
    assert_eq!(request.version, Some(3));
}

#[test]
fn schedule_without_a_zone_runs_in_utc() {
    let schedule: WorkflowSchedule = serde_json::from_value(json!({"name": "s", "zoneId": ""})).unwrap();
    assert_eq!(schedule.zone_id, "UTC");
}
