mod fields;
mod slips;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Loaded, TagsOf, bare_task_as_workflow, load};
use crate::access::Tagged;
use crate::workflow::check::{Known, check};
use crate::workflow::definition::{EventHandler, TaskType};

fn yaml(text: &str) -> Loaded {
    load("workflows/w.yaml", text.as_bytes())
}

/// Returns each problem as `code line:column message | help`.
fn told(loaded: &Loaded) -> Vec<String> {
    let line = |problem: &crate::words::Diagnostic| {
        let at = problem.span.map_or((0, 0), |span| problem.source.position(span.start));
        let help = problem.help.as_ref().map(|help| format!(" | {help}")).unwrap_or_default();
        format!("{} {}:{} {}{help}", problem.code, at.0, at.1, problem.message)
    };
    loaded.diagnostics.iter().map(line).collect()
}

fn project_file(path: &str) -> Loaded {
    load(path, &std::fs::read(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap())
}

#[test]
fn examples_of_the_folder_load_without_a_word() {
    for path in [
        "workflows/rotate_on_schedule.yaml",
        "workflows/update_rotate_secrets_tracker_app.json",
        "workflows/workflow-with-a-secret.json",
    ] {
        let loaded = project_file(path);
        assert_eq!((told(&loaded), loaded.workflows.len()), (Vec::new(), 1), "{path}");
    }
}

const TASK: &str = "- {name: a, taskReferenceName: a, type: NOOP}";

#[test]
fn file_holds_definitions_of_every_kind() {
    let loaded = yaml(&format!(
        "name: w\ntasks: [{}]\n---\n- {{name: s, cronExpression: 0 0 0 * * *, startWorkflowRequest: {{name: w}}}}\n- {{name: v, tasks: [{}]}}\n---\ntaskDefs:\n- {{name: t, retryCount: 1}}\n",
        &TASK[2..],
        &TASK[2..]
    ));
    assert!(told(&loaded).is_empty(), "{:?}", told(&loaded));
    let names: Vec<_> = loaded.workflows.iter().map(|workflow| workflow.def.name.as_str()).collect();
    assert_eq!(names, ["w", "v"]);
    assert_eq!(loaded.schedules[0].def.name, "s");
    assert_eq!((loaded.task_defs[0].def.name.as_str(), loaded.task_defs[0].def.retry_count), ("t", 1));
}

#[test]
fn schedules_beside_a_workflow_start_it() {
    let loaded = yaml(&format!(
        "name: w\ntasks:\n{TASK}\nschedules:\n- {{cronExpression: 0 0 0 * * *, input: {{x: 1}}, version: 2}}\n- {{name: own, cronExpression: 0 0 0 * * *}}\n- {{cronExpression: 0 0 0 * * *, overlap: allow, dst: spring}}\n"
    ));
    assert!(told(&loaded).is_empty(), "{:?}", told(&loaded));
    let names: Vec<_> = loaded.schedules.iter().map(|schedule| schedule.def.name.as_str()).collect();
    assert_eq!(names, ["w", "own", "w_2"]);
    let request = loaded.schedules[0].def.start_workflow_request.clone().unwrap();
    assert_eq!((request.name.as_str(), request.version), ("w", Some(2)));
    assert_eq!(serde_json::Value::Object(request.input), json!({"x": 1}));
}

#[test]
fn every_wrong_field_of_a_file_is_told_at_once() {
    let loaded = yaml(
        "name: w\nversion: one\ntasks:\n- name: a\n  taskReferenceName: 7\n  optional: yes\n  inputParameters: []\n- type: HTTP\n  retryCount: 1.5\n  inputParamters: {}\ntimeoutPolicy: RETRY\nrestartable: perhaps\nschedules: {cronExpression: 0 0 0 * * *}\n",
    );
    assert_eq!(
        told(&loaded),
        [
            "E0201 2:10 `version` must be a whole number, not a text",
            "W0203 5:22 `taskReferenceName` is a number, where a text is meant | put it in quotes",
            "E0201 6:13 `optional` must be true or false, not a text | write `true`",
            "E0201 7:20 `inputParameters` must be a map, not a list",
            "E0202 8:3 a task needs `name`",
            "E0202 8:3 a task needs `taskReferenceName`",
            "W0203 9:15 `retryCount` is a fraction, where a whole number is meant | write `1`",
            "W0201 10:3 a task has no field `inputParamters` | did you mean `inputParameters`?",
            "E0203 11:16 `RETRY` is none of `TIME_OUT_WF`, `ALERT_ONLY`",
            "E0201 12:14 `restartable` must be true or false, not a text",
            "E0201 13:13 `schedules` must be a list, not a map | in YAML each item starts with `- `, in JSON the list is in `[ ]`",
        ]
    );
    assert!(loaded.workflows.is_empty());
}

#[test]
fn values_of_another_type_are_read_told_and_mended() {
    let text = "name: 1.10\nversion: 2.5\nrestartable: \"false\"\ntimeoutPolicy: 0\ninputParameters: [7, null]\ntasks:\n- name: true\n  taskReferenceName: 0.70\n  type: NOOP\n  optional: 1\n  retryCount: \"4\"\n  subWorkflowParam: {name: 5}\n";
    let loaded = yaml(text);
    assert_eq!(
        told(&loaded),
        [
            "W0203 1:7 `name` is a number, where a text is meant | put it in quotes",
            "W0203 2:10 `version` is a fraction, where a whole number is meant | write `2`",
            "W0203 3:14 `restartable` is a text, where true or false is meant | write `false`",
            "W0203 4:16 `timeoutPolicy` is a number, where a word is meant | write `TIME_OUT_WF`",
            "W0203 5:19 `inputParameters` is a number, where a text is meant | put it in quotes",
            "W0203 5:22 `inputParameters` holds an empty item | remove it",
            "W0203 7:9 `name` is true or false, where a text is meant | put it in quotes",
            "W0203 8:22 `taskReferenceName` is a number, where a text is meant | put it in quotes",
            "W0203 10:13 `optional` is a number, where true or false is meant | write `true`",
            "W0203 12:28 `name` is a number, where a text is meant | put it in quotes",
        ]
    );
    let workflow = &loaded.workflows[0];
    // A text is what stands in the file, and whoever reads the places sees it too.
    assert_eq!((workflow.def.name.as_str(), workflow.def.version, workflow.def.restartable), ("1.10", 2, false));
    assert_eq!(workflow.node.get("name").and_then(|name| name.text()), Some("1.10"));
    assert_eq!(workflow.def.input_parameters, ["7"]);
    let task = &workflow.def.tasks[0];
    assert_eq!((task.name.as_str(), task.task_reference_name.as_str(), task.optional), ("true", "0.70", true));
    assert_eq!((task.retry_count, &task.sub_workflow_param), (Some(4), &Some(json!({"name": "5"}))));
    let mended = crate::workflow::mend::mend(&loaded, &loaded.diagnostics).unwrap();
    assert_eq!(told(&mended), ["W0203 5:24 `inputParameters` holds an empty item | remove it"]);
    assert_eq!(mended.workflows[0].def, workflow.def);
}

#[test]
fn fields_that_conductor_knows_and_null_never_warn() {
    let loaded = load(
        "w.json",
        br#"{"$schema": "x", "name": "w", "tags": [], "description": null, "inputSchema": {}, "x-anchors": {},
            "tasks": [{"name": "a", "taskReferenceName": "a", "type": "SIMPLE", "joinStatus": null, "cacheConfig": {}}]}"#,
    );
    assert_eq!((told(&loaded), loaded.workflows.len()), (Vec::new(), 1));
}

#[test]
fn definition_that_was_read_from_a_server_of_ours_never_warns() {
    let loaded = yaml("name: w\norigin: app:ci\ntasks:\n  - {name: a, taskReferenceName: a, type: NOOP}\n");
    assert_eq!((told(&loaded), loaded.workflows.len()), (vec![], 1));
}

#[test]
fn good_definition_beside_a_broken_one_is_read() {
    let loaded = yaml("taskDefs:\n- {name: a}\n- {retryCount: x}\n- {name: c}\n");
    let names: Vec<_> = loaded.task_defs.iter().map(|def| def.def.name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
    assert_eq!(told(&loaded).len(), 2);
}

#[test]
fn number_out_of_range_is_told_where_it_is() {
    let loaded = yaml(&format!("name: w\nversion: 99999999999\ntasks:\n{TASK}\n"));
    let told = told(&loaded);
    assert_eq!(told, ["E0201 2:10 `version` is out of range | it takes -2147483648 to 2147483647"]);
}

const BARE: &str = "//workflow definition\n\n{\n \"name\": \"update_secret_task\",\n \"taskReferenceName\": \"update_secret_task_ref\",\n \"type\": \"UPDATE_SECRET\",\n \"inputParameters\": {\n   \"_secrets\": {\n     \"secretKey\" : \"my_token\",\n     \"secretValue\" : \"abcd\"\n   }\n }\n}\n";

#[test]
fn bare_task_is_explained_and_can_run_as_a_workflow() {
    let loaded = load("update.json", BARE.as_bytes());
    let told = told(&loaded);
    assert!(
        told[0].starts_with("E0204 4:2 this is a single task (`update_secret_task_ref`), not a workflow | wrap it")
    );
    assert!(loaded.workflows.is_empty());
    let workflow = bare_task_as_workflow(&loaded).unwrap();
    assert!(workflow.diagnostics.is_empty());
    let def = &workflow.workflows[0].def;
    assert_eq!((def.name.as_str(), def.version), ("update_secret_task", 1));
    assert_eq!(def.tasks[0].task_type, TaskType::UpdateSecret);
    assert!(bare_task_as_workflow(&yaml("name: w\ntasks: []\n")).is_none());
}

#[test]
fn document_that_is_no_definition_is_told() {
    assert_eq!(told(&yaml("# nothing\n")), ["W0202 0:0 the file holds no definition"]);
    assert_eq!(
        told(&yaml("just text\n")),
        ["E0205 1:1 a definition is a map of fields, not a text | a workflow has `name` and `tasks`"]
    );
    assert!(told(&yaml("name: w\ntask: []\n"))[0].ends_with("did you mean `tasks` instead of `task`?"));
    assert!(told(&yaml("name: t\nretryCount: 3\n"))[0].contains("taskDefs"));
    assert_eq!(told(&yaml("name: w\ntasks: []\n")), ["E0202 2:1 a workflow needs `tasks`"]);
}

#[test]
fn trap_that_is_an_error_is_told_once() {
    let loaded = yaml("name: w\nrestartable: no\ntasks:\n- {name: no, taskReferenceName: a}\n");
    assert_eq!(
        told(&loaded),
        [
            "E0201 2:14 `restartable` must be true or false, not a text | write `false`",
            "W0101 4:10 `no` is read as text | quote it if text is meant, or write `false`",
        ]
    );
}

#[test]
fn file_of_mistakes_is_told_up_to_the_cap() {
    let loaded = yaml(&format!("name: w\ntasks:\n{}", "- 5\n".repeat(20_000)));
    assert_eq!(loaded.diagnostics.len(), 201);
    assert_eq!(loaded.diagnostics.last().unwrap().code, "N0203");
}

#[test]
fn an_event_handler_is_refused_in_a_file_for_whatever_the_api_refuses_it() {
    let good = r#"{"name": "h", "event": "conductor:w:e", "active": true, "actions": [
        {"action": "start_workflow", "start_workflow": {"name": "w"}}]}"#;
    let judged = |text: &str| {
        let loaded = load("h.json", text.as_bytes());
        let known = Known { workflows: BTreeSet::from(["w".to_owned()]), ..Known::default() };
        let found: Vec<_> = loaded.diagnostics.iter().cloned().chain(check(&[&loaded], &known)).collect();
        (loaded.event_handlers.len(), found.into_iter().map(|problem| problem.code).collect::<Vec<_>>())
    };
    assert_eq!(judged(good), (1, vec![]));
    for (old, new, code) in [
        ("\"h\"", "\" \"", "E0202"),
        ("\"conductor:w:e\"", "\"\"", "E0202"),
        ("\"action\": \"start_workflow\"", "\"action\": \"stop_workflow\"", "E0203"),
        ("{\"name\": \"w\"}", "{\"name\": \"\"}", "E0202"),
        ("{\"name\": \"w\"}", "null", "E0602"),
        ("\"start_workflow\": {", "\"fail_task\": {", "E0602"),
        ("\"active\": true", "\"active\": true, \"evaluatorType\": \"python\"", "E0203"),
    ] {
        let text = good.replace(old, new);
        let handler: EventHandler = serde_json::from_str(&text).unwrap();
        assert!(handler.problem().is_some(), "{text}");
        assert!(judged(&text).1.contains(&code), "{text}: {:?}", judged(&text));
    }
    let none = r#"{"name": "h", "event": "conductor:w:e", "active": true, "actions": []}"#;
    assert_eq!(judged(none).1, ["E0202"]);
    assert_eq!(judged(&none.replace("\"actions\": []", "\"x\": 1")).1, ["E0202", "W0201"]);
}

#[test]
fn tags_of_a_file_are_read_as_the_api_reads_them() {
    let tagged = |tags: &str| yaml(&format!("name: w\nversion: 3\ntasks:\n{TASK}\ntags: {tags}\n"));
    let loaded = tagged("[{key: team, value: build, type: METADATA}, {key: lonely}]");
    assert!(told(&loaded).is_empty(), "{:?}", told(&loaded));
    let tags = [("lonely", ""), ("team", "build")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let of = |tags| vec![TagsOf { tagged: Tagged::Workflow, name: "w".to_owned(), version: 3, tags }];
    assert_eq!(loaded.tags, of(BTreeMap::from(tags.clone())));
    assert_eq!(tagged("[]").tags, of(BTreeMap::new()), "none is something else than nothing");
    assert_eq!(tagged("null").tags, []);
    assert_eq!(yaml(&format!("name: w\ntasks:\n{TASK}\n")).tags, []);
    let loaded = tagged(
        "[{key: team, value: red}, {key: team, value: build}, {key: lonely}, {key: w, value: 3, type: rate_limit}]",
    );
    assert_eq!(
        told(&loaded),
        [
            "W0204 5:34 the tag `team` is there twice, and has one value: the last | leave one of them out",
            "W0204 5:76 the tag `w` limits nothing here, and is left out | say the limit in `rateLimitConfig` of the workflow",
            "W0203 5:91 `value` is a number, where a text is meant | put it in quotes",
        ]
    );
    assert_eq!(loaded.tags, of(BTreeMap::from(tags)));
    let many = (0..51).map(|at| format!("{{key: k{at}}}")).collect::<Vec<_>>().join(", ");
    let long = "k".repeat(129);
    for (tags, part) in [
        ("[{key: 'a:b'}]".to_owned(), "key: \"a:b\" has a `:` in it"),
        (format!("[{{key: {long}}}]"), "128 bytes"),
        ("[{key: a, value: \"\\u0001\"}]".to_owned(), "control characters"),
        (format!("[{many}]"), "`w` has 51 tags, more than 50, the limit"),
        ("[team]".to_owned(), "an item of `tags` must be a tag"),
        ("{team: build}".to_owned(), "`tags` must be a list"),
        ("[{value: build}]".to_owned(), "a tag needs `key`"),
    ] {
        let loaded = tagged(&tags);
        assert!(
            loaded.has_errors() && told(&loaded).iter().any(|line| line.contains(part)),
            "{tags}: {:?}",
            told(&loaded)
        );
        assert_eq!(loaded.tags, []);
    }
    let beside = yaml(&format!(
        "name: w\ntasks:\n{TASK}\nschedules:\n- {{cronExpression: 0 0 0 * * *, tags: [{{key: a}}]}}\n---\ntaskDefs:\n- {{name: t, tags: [{{key: b}}]}}\n"
    ));
    assert!(told(&beside).is_empty(), "{:?}", told(&beside));
    let names: Vec<_> = beside.tags.iter().map(|one| (one.tagged, one.name.as_str())).collect();
    assert_eq!(names, [(Tagged::Schedule, "w"), (Tagged::TaskDef, "t")]);
}
