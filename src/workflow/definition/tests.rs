use serde_json::{Value, json};

use super::{StartWorkflowRequest, TaskDef, TaskType, WorkflowDef, WorkflowSchedule, WorkflowTask};

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

/// Returns what a definition that says this of a field reads it as; `null` where nothing is shown.
fn read(of: &str, field: &str, value: &Value) -> Result<Value, serde_json::Error> {
    fn shown<T: serde::de::DeserializeOwned + serde::Serialize>(value: Value) -> Result<Value, serde_json::Error> {
        serde_json::to_value(serde_json::from_value::<T>(value)?)
    }
    let def = json!({ field: value });
    let shown = match of {
        "workflow" => shown::<WorkflowDef>(def),
        "task" => shown::<WorkflowTask>(def),
        _ => shown::<TaskDef>(def),
    };
    Ok(shown?.get(field).cloned().unwrap_or_default())
}

#[test]
fn values_of_another_type_are_read_as_a_server_reads_them() {
    let path = format!("{}/tests/vectors/coercions.json", env!("CARGO_MANIFEST_DIR"));
    let rows: Vec<Vec<Value>> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(rows.len() > 900, "{}", rows.len());
    let mut differs = Vec::new();
    for row in &rows {
        let (of, field) = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
        let ours = read(of, field, &row[2]).ok();
        // A server keeps when something was made also where it was not.
        let is_same = ours.as_ref() == row.get(3) || field == "createTime" && ours == Some(Value::Null) && row[3] == 0;
        if !is_same {
            differs.push(format!("{of}.{field}={}: {ours:?}, not {:?}", row[2], row.get(3)));
        }
    }
    assert_eq!(differs, Vec::<String>::new());
}
