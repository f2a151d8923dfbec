//! Every field of Conductor's models: the right type parses without a word, a wrong one is an error that names the field.

use serde_json::{Map, Value, json};

use super::told;
use crate::workflow::load::load;

/// A value of each type that the models have, and one that is of no such type.
fn good_and_bad(kind: &str) -> (Value, Value) {
    match kind {
        "text" => (json!("t"), json!(["t"])),
        "whole" => (json!(3), json!("three")),
        "flag" => (json!(true), json!("perhaps")),
        "map" => (json!({}), json!("m")),
        "texts" => (json!(["t"]), json!([[]])),
        "tasks" => (json!([{"name": "b", "taskReferenceName": "b", "type": "NOOP"}]), json!({})),
        "branches" => (json!([[{"name": "b", "taskReferenceName": "b", "type": "NOOP"}]]), json!([{}])),
        "cases" => (json!({"x": [{"name": "b", "taskReferenceName": "b", "type": "NOOP"}]}), json!({"x": 5})),
        "crons" => (json!([{"cronExpression": "0 0 0 * * *", "zoneId": "UTC"}]), json!("0 0 0 * * *")),
        words => (json!(words.split('|').next()), json!("NONE_OF_THEM")),
    }
}

/// Loads `wrap(fields)` with each field right, and with each wrong in turn. Two columns: name and type.
#[track_caller]
fn check(fields: &[(&str, &str)], base: &Value, wrap: impl Fn(Value) -> Value) {
    let with = |extra: Map<String, Value>| {
        let mut whole = base.as_object().unwrap().clone();
        whole.extend(extra);
        load("w.json", wrap(Value::Object(whole)).to_string().as_bytes())
    };
    let all = fields.iter().map(|(name, kind)| ((*name).to_owned(), good_and_bad(kind).0)).collect();
    let loaded = with(all);
    assert_eq!(told(&loaded), Vec::<String>::new());
    assert_eq!(loaded.workflows.len() + loaded.schedules.len() + loaded.task_defs.len(), 1);
    for (name, kind) in fields {
        let null = with(Map::from_iter([((*name).to_owned(), Value::Null)]));
        if !base.as_object().unwrap().contains_key(*name) {
            assert_eq!(told(&null), Vec::<String>::new(), "{name}: null");
        }
        let loaded = with(Map::from_iter([((*name).to_owned(), good_and_bad(kind).1)]));
        let errors = told(&loaded);
        assert!(errors.iter().any(|error| error.starts_with("E02") && names(error, name, kind)), "{name}: {errors:?}");
        assert_eq!(loaded.workflows.len() + loaded.schedules.len() + loaded.task_defs.len(), 0, "{name}");
    }
    let loaded = with(Map::from_iter([("noSuchField".to_owned(), json!(1))]));
    assert!(told(&loaded)[0].contains("has no field `noSuchField`"), "{:?}", told(&loaded));
    assert_eq!(loaded.workflows.len() + loaded.schedules.len() + loaded.task_defs.len(), 1);
}

/// An error names the field, or for a word out of a few the words it may be, or below a map the key.
fn names(error: &str, name: &str, kind: &str) -> bool {
    let first = kind.split('|').next().unwrap_or_default();
    error.contains(&format!("`{name}`"))
        || kind.contains('|') && error.contains(&format!("`{first}`"))
        || kind == "cases" && error.contains("`x`")
}

#[test]
fn every_field_of_a_workflow() {
    let fields = [
        ("name", "text"),
        ("description", "text"),
        ("version", "whole"),
        ("tasks", "tasks"),
        ("inputParameters", "texts"),
        ("outputParameters", "map"),
        ("failureWorkflow", "text"),
        ("failureWorkflowVersion", "whole"),
        ("schemaVersion", "whole"),
        ("restartable", "flag"),
        ("workflowStatusListenerEnabled", "flag"),
        ("workflowStatusListenerSink", "text"),
        ("ownerEmail", "text"),
        ("timeoutPolicy", "TIME_OUT_WF|ALERT_ONLY"),
        ("timeoutSeconds", "whole"),
        ("variables", "map"),
        ("inputTemplate", "map"),
        ("rateLimitConfig", "map"),
        ("inputSchema", "map"),
        ("outputSchema", "map"),
        ("enforceSchema", "flag"),
        ("metadata", "map"),
        ("cacheConfig", "map"),
        ("maskedFields", "texts"),
        ("createTime", "whole"),
        ("updateTime", "whole"),
        ("createdBy", "text"),
        ("updatedBy", "text"),
    ];
    let base = json!({"name": "w", "tasks": [{"name": "a", "taskReferenceName": "a", "type": "NOOP"}]});
    check(&fields, &base, |whole| whole);
}

#[test]
fn every_field_of_a_task() {
    let fields = [
        ("name", "text"),
        ("taskReferenceName", "text"),
        ("description", "text"),
        ("inputParameters", "map"),
        ("type", "text"),
        ("dynamicTaskNameParam", "text"),
        ("caseValueParam", "text"),
        ("caseExpression", "text"),
        ("scriptExpression", "text"),
        ("decisionCases", "cases"),
        ("dynamicForkJoinTasksParam", "text"),
        ("dynamicForkTasksParam", "text"),
        ("dynamicForkTasksInputParamName", "text"),
        ("defaultCase", "tasks"),
        ("forkTasks", "branches"),
        ("startDelay", "whole"),
        ("subWorkflowParam", "map"),
        ("joinOn", "texts"),
        ("sink", "text"),
        ("optional", "flag"),
        ("taskDefinition", "map"),
        ("rateLimited", "flag"),
        ("defaultExclusiveJoinTask", "texts"),
        ("asyncComplete", "flag"),
        ("loopCondition", "text"),
        ("loopOver", "tasks"),
        ("retryCount", "whole"),
        ("evaluatorType", "text"),
        ("expression", "text"),
        ("onStateChange", "map"),
        ("joinStatus", "text"),
        ("cacheConfig", "map"),
        ("permissive", "flag"),
        ("joinMode", "SYNC|ASYNC"),
        ("metadata", "map"),
    ];
    let base = json!({"name": "a", "taskReferenceName": "a"});
    check(&fields, &base, |task| json!({"name": "w", "tasks": [task]}));
    for items in [json!("${workflow.input.l}"), json!([1])] {
        let def = json!({"name": "w", "tasks": [{"name": "a", "taskReferenceName": "a", "items": items}]});
        assert_eq!(told(&load("w.json", def.to_string().as_bytes())), Vec::<String>::new());
    }
}

#[test]
fn every_field_of_a_task_definition() {
    let fields = [
        ("name", "text"),
        ("description", "text"),
        ("retryCount", "whole"),
        ("timeoutSeconds", "whole"),
        ("inputKeys", "texts"),
        ("outputKeys", "texts"),
        ("runtimeMetadata", "texts"),
        ("timeoutPolicy", "RETRY|TIME_OUT_WF|ALERT_ONLY"),
        ("retryLogic", "FIXED|EXPONENTIAL_BACKOFF|LINEAR_BACKOFF"),
        ("retryDelaySeconds", "whole"),
        ("responseTimeoutSeconds", "whole"),
        ("concurrentExecLimit", "whole"),
        ("inputTemplate", "map"),
        ("rateLimitPerFrequency", "whole"),
        ("rateLimitFrequencyInSeconds", "whole"),
        ("isolationGroupId", "text"),
        ("executionNameSpace", "text"),
        ("ownerEmail", "text"),
        ("pollTimeoutSeconds", "whole"),
        ("backoffScaleFactor", "whole"),
        ("maxRetryDelaySeconds", "whole"),
        ("backoffJitterMs", "whole"),
        ("baseType", "text"),
        ("totalTimeoutSeconds", "whole"),
        ("taskStatusListenerEnabled", "flag"),
        ("inputSchema", "map"),
        ("outputSchema", "map"),
        ("enforceSchema", "flag"),
    ];
    check(&fields, &json!({"name": "t"}), |def| json!({"taskDefs": [def]}));
}

#[test]
fn every_field_of_a_schedule() {
    let fields = [
        ("name", "text"),
        ("description", "text"),
        ("cronExpression", "text"),
        ("zoneId", "text"),
        ("cronSchedules", "crons"),
        ("runCatchupScheduleInstances", "flag"),
        ("paused", "flag"),
        ("pausedReason", "text"),
        ("scheduleStartTime", "whole"),
        ("scheduleEndTime", "whole"),
        ("nextRunTime", "whole"),
        ("createTime", "whole"),
        ("updatedTime", "whole"),
        ("createdBy", "text"),
        ("updatedBy", "text"),
    ];
    let request = json!({"name": "w", "version": 1, "correlationId": "c", "input": {}, "taskToDomain": {"a": "b"},
        "priority": 5, "idempotencyKey": "k", "idempotencyStrategy": "FAIL", "externalInputPayloadStoragePath": "p",
        "createdBy": "me", "workflowDef": {"name": "w", "tasks": [{"name": "a", "taskReferenceName": "a"}]}});
    let base = json!({"name": "s", "cronExpression": "0 0 0 * * *", "startWorkflowRequest": request});
    check(&fields, &base, |whole| whole);
}

#[test]
fn fields_inside_of_fields() {
    for (bad, name) in [
        (json!({"subWorkflowParam": {"name": []}}), "name"),
        (json!({"subWorkflowParam": {"version": "one"}}), "version"),
        (json!({"subWorkflowParam": {"taskToDomain": {"a": []}}}), "a"),
        (json!({"cacheConfig": {"ttlInSecond": "x"}}), "ttlInSecond"),
        (json!({"taskDefinition": {"retryCount": []}}), "retryCount"),
    ] {
        let mut task = json!({"name": "a", "taskReferenceName": "a"});
        task.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        let def = json!({"name": "w", "tasks": [task]});
        let told = told(&load("w.json", def.to_string().as_bytes()));
        assert!(
            told.len() == 1 && told[0].starts_with("E0201 1:") && told[0].contains(&format!("`{name}`")),
            "{told:?}"
        );
    }
}
