use std::path::{Path, PathBuf};

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use serde_json::{Map, Value, json};

use super::{event_handler, schedule, task_defs, tests, workflow};
use crate::workflow::check::{Known, check};
use crate::workflow::definition::TaskType;
use crate::workflow::load::{Loaded, is_test_file, load, load_tests};
use crate::workflow::shape::{EVENT_HANDLER, Kind, SCHEDULE, Shape, TASK_DEFS, WORKFLOW, of_types};

struct Validator(Schemas, SchemaIndex);

impl Validator {
    fn of(schema: Map<String, Value>) -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V7);
        compiler.add_resource("schema.json", Value::Object(schema)).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap();
        Self(schemas, index)
    }

    /// Returns why a document is refused.
    fn refusal(&self, document: &Value) -> Option<String> {
        self.0.validate(document, self.1).err().map(|error| error.to_string())
    }
}

fn told(loaded: &Loaded) -> Vec<String> {
    loaded.diagnostics.iter().map(|problem| format!("{} {}", problem.code, problem.message)).collect()
}

/// Values of every type, and those that are near to what a field takes. A schema cannot say of a text that its number is out
/// of range, so there is none.
fn probes() -> Vec<Value> {
    let texts = ["", " ", "t", "3", " -4 ", "+5", "1.5", "true", "yes", "RETRY", "ALERT_ONLY", "FIXED", "SYNC"];
    let words = ["skip", "once", "alert_only", "${workflow.input.x}"];
    let mut probes: Vec<Value> = texts.iter().chain(&words).map(|text| json!(text)).collect();
    let numbers = [json!(0), json!(3), json!(-4), json!(1.5), json!(2.0), json!(3_000_000_000_u64), json!(u64::MAX)];
    probes.extend(numbers);
    probes.extend([
        json!(null),
        json!(true),
        json!(false),
        json!([]),
        json!(["t"]),
        json!([5]),
        json!([null]),
        json!([[]]),
    ]);
    probes.extend([
        json!([{}]),
        json!([[{}]]),
        json!([[null]]),
        json!({}),
        json!({"a": "t"}),
        json!({"a": 5}),
        json!({"a": null}),
    ]);
    probes.extend([
        json!({"a": []}),
        json!({"a": [{}]}),
        json!({"name": "n"}),
        json!({"x-mine": 1}),
        json!([{"name": "n"}]),
    ]);
    probes
}

/// Returns a map that has what a shape asks for, and the list by which a file is known.
fn minimal(shape: &'static Shape) -> Map<String, Value> {
    let is_needed = |name: &str, kind: &Kind| shape.required.contains(&name) || matches!(kind, Kind::Each(_));
    let required = shape.fields.iter().filter(|(name, kind, _)| is_needed(name, kind));
    required.map(|(name, kind, _)| ((*name).to_owned(), good(kind))).collect()
}

fn good(kind: &'static Kind) -> Value {
    match kind {
        Kind::List(kind) => json!([good(kind)]),
        Kind::Each(shape) => json!([minimal(shape)]),
        Kind::MapOf(kind) => json!({"a": good(kind)}),
        Kind::Of(shape) => Value::Object(minimal(shape)),
        Kind::Text => json!("t"),
        _ => json!(null),
    }
}

/// Has every field of a shape, and of the shapes in it, hold every probe, and both judge the whole.
struct Judge<'a> {
    validator: &'a Validator,
    seen: Vec<*const Shape>,
    judged: usize,
    differs: Vec<String>,
}

impl Judge<'_> {
    fn shape(&mut self, shape: &'static Shape, whole: &dyn Fn(Value) -> Value) {
        if self.seen.contains(&std::ptr::from_ref(shape)) {
            return;
        }
        self.seen.push(shape);
        let with = |name: &str, value: Value| {
            let mut map = minimal(shape);
            map.insert(name.to_owned(), value);
            whole(Value::Object(map))
        };
        for (name, kind, _) in shape.fields {
            for probe in probes() {
                self.both(&with(name, probe));
            }
            self.below(kind, &|value| with(name, value));
        }
        self.both(&with("noSuchField", json!(1)));
        self.both(&with("x-mine", json!(1)));
        for required in shape.required {
            let mut map = minimal(shape);
            map.remove(*required);
            // Without its marks a document is nothing that is known.
            let document = whole(Value::Object(map));
            if ["tasks", "startWorkflowRequest"].iter().all(|mark| required != mark || document.get("name").is_none()) {
                self.both(&document);
            }
        }
    }

    fn below(&mut self, kind: &'static Kind, whole: &dyn Fn(Value) -> Value) {
        match kind {
            Kind::Of(shape) => self.shape(shape, whole),
            Kind::Each(shape) => self.shape(shape, &|value| whole(json!([value]))),
            Kind::List(kind) => self.below(kind, &|value| whole(json!([value]))),
            Kind::MapOf(kind) => self.below(kind, &|value| whole(json!({"a": value}))),
            _ => {}
        }
    }

    fn both(&mut self, document: &Value) {
        self.judged += 1;
        let (loaded, refusal) = (load("w.json", document.to_string().as_bytes()), self.validator.refusal(document));
        if refusal.is_none() != loaded.diagnostics.is_empty() {
            self.differs.push(format!("{document}: {refusal:?}, {:?}", told(&loaded)));
        }
    }
}

#[test]
fn schema_and_loader_judge_every_field_the_same() {
    for (schema, shape, shapes) in [
        (workflow(), &WORKFLOW, 9),
        (schedule(), &SCHEDULE, 11),
        (task_defs(), &TASK_DEFS, 3),
        (event_handler(), &EVENT_HANDLER, 6),
    ] {
        let validator = Validator::of(schema);
        let mut judge = Judge { validator: &validator, seen: Vec::new(), judged: 0, differs: Vec::new() };
        judge.shape(shape, &|value| value);
        assert_eq!(judge.differs, Vec::<String>::new());
        assert_eq!(judge.seen.len(), shapes, "{}", shape.what);
        assert!(judge.judged > shapes * probes().len(), "{}", judge.judged);
    }
}

#[test]
fn every_field_says_what_it_is() {
    fn walk(value: &Value, fields: &mut usize) {
        for field in value["properties"].as_object().into_iter().flatten() {
            // A condition names a field that is described elsewhere.
            let is_told = field.1["description"].as_str().is_some_and(|text| text.ends_with(['.', '`']));
            assert!(is_told, "{} {}", field.0, field.1);
            *fields += 1;
        }
        for (_, definition) in value["definitions"].as_object().into_iter().flatten() {
            walk(definition, fields);
        }
    }
    let mut fields = 0;
    for schema in [workflow(), schedule(), task_defs(), event_handler(), tests()] {
        walk(&Value::Object(schema), &mut fields);
    }
    assert!(fields > 200, "{fields}");
    let schema = Value::Object(task_defs());
    let retries = &schema["definitions"]["task_definition"]["properties"];
    assert_eq!(retries["retryCount"]["default"], 3);
    assert_eq!(retries["retryDelaySeconds"]["description"], "The delay before a retry, in seconds. Default: `60`.");
}

fn files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(path.to_str().unwrap()));
        } else {
            found.push(path);
        }
    }
    found
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Where a definition was found, and the definition.
type Recorded = (String, Value);

/// Returns the workflows and the task definitions of all recorded cases and samples.
fn recorded() -> (Vec<Recorded>, Vec<Recorded>) {
    let (mut workflows, mut task_defs) = (Vec::new(), Vec::new());
    for path in files("tests/conductor").into_iter().chain(files("tests/vectors/samples")) {
        let name = path.display().to_string();
        match path.file_name().and_then(|name| name.to_str()).unwrap() {
            "workflow.json" if name.contains("conductor") => workflows.push((name, read(&path))),
            "workflowdef.json" => workflows.push((name, read(&path))),
            "taskdef.json" => task_defs.push((name, read(&path))),
            "setup.json" => {
                let setup = read(&path);
                let list = |field: &str| setup[field].as_array().cloned().unwrap_or_default();
                workflows.extend(list("workflows").into_iter().map(|def| (name.clone(), def)));
                task_defs.extend(list("taskDefs").into_iter().map(|def| (name.clone(), def)));
            }
            _ => {}
        }
    }
    (workflows, task_defs)
}

#[test]
fn what_conductor_ran_validates_unless_check_refuses_it() {
    let (workflows, defs) = recorded();
    assert!(workflows.len() > 120 && defs.len() > 30, "{} {}", workflows.len(), defs.len());
    let validator = Validator::of(workflow());
    let mut refused = Vec::new();
    for (name, def) in &workflows {
        let Some(refusal) = validator.refusal(def) else { continue };
        let loaded = load(name, def.to_string().as_bytes());
        let found = check(&[&loaded], &Known::default());
        let codes: Vec<&str> = loaded.diagnostics.iter().chain(&found).map(|problem| problem.code).collect();
        let is_told = codes.iter().any(|code| code.starts_with('E') || *code == "W0201");
        assert!(is_told, "{name}: {refusal}, {codes:?}");
        refused.push(name);
    }
    assert!(refused.len() * 10 < workflows.len(), "{refused:?}");
    let validator = Validator::of(task_defs());
    for (name, def) in defs {
        assert_eq!(validator.refusal(&json!({"taskDefs": [def]})), None, "{name}");
    }
}

#[test]
fn examples_of_the_folder_validate() {
    let (of_workflows, of_tests) = (Validator::of(workflow()), Validator::of(tests()));
    let examples = files("workflows");
    assert!(examples.len() >= 3);
    for path in examples {
        let (name, bytes) = (path.display().to_string(), std::fs::read(&path).unwrap());
        let (validator, documents): (_, Vec<Value>) = if is_test_file(&name) {
            (&of_tests, load_tests(&name, &bytes).tests.iter().map(|located| located.node.to_json()).collect())
        } else {
            (&of_workflows, load(&name, &bytes).workflows.iter().map(|located| located.node.to_json()).collect())
        };
        assert!(!documents.is_empty(), "{name}");
        for document in documents {
            assert_eq!(validator.refusal(&document), None, "{name}");
        }
    }
}

#[test]
fn every_type_of_task_is_in_the_table() {
    for known in TaskType::KNOWN {
        let rows = of_types().iter().filter(|of| of.kind == *known).count();
        assert_eq!(rows, 1, "{}: say in `shape/inputs.rs` what it reads", known.as_str());
    }
    assert_eq!(of_types().len(), TaskType::KNOWN.len());
}

fn task(kind: &str, inputs: &Value, more: &Value) -> Value {
    let mut task = json!({"name": "a", "taskReferenceName": "a", "type": kind, "inputParameters": inputs});
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"name": "w", "tasks": [task]})
}

#[test]
fn inputs_are_judged_by_the_type_of_their_task() {
    let validator = Validator::of(workflow());
    let good = |kind: &str, inputs: &Value| {
        assert_eq!(validator.refusal(&task(kind, inputs, &json!({}))), None, "{kind} {inputs}");
    };
    let bad = |kind: &str, inputs: &Value| {
        assert!(validator.refusal(&task(kind, inputs, &json!({}))).is_some(), "{kind} {inputs}");
    };
    let call = |field: &str, value: Value| {
        let mut call = json!({"uri": "https://h/p", "method": "GET"});
        call[field] = value;
        call
    };
    for (field, value) in [
        ("method", json!("post")),
        ("method", json!("${workflow.input.method}")),
        ("connectionTimeOut", json!(3000)),
        ("connectionTimeOut", json!("3000")),
        ("connectionTimeOut", json!("${workflow.input.patience}")),
        ("headers", json!("${workflow.input.headers}")),
        ("accept", json!(["a/b", "c/d"])),
        ("followRedirects", json!("true")),
        ("mine", json!([1, {}])),
        ("body", json!(null)),
    ] {
        good("HTTP", &call(field, value.clone()));
        good("HTTP", &json!({"http_request": call(field, value)}));
    }
    for (field, value) in [
        ("uri", json!(5)),
        ("method", json!("FETCH")),
        ("connectionTimeOut", json!("soon")),
        ("connectionTimeOut", json!(-1)),
        ("headers", json!(["a"])),
        ("accept", json!([5])),
        ("followRedirects", json!("maybe")),
        ("onUnknownOutcome", json!("ask")),
    ] {
        bad("HTTP", &call(field, value.clone()));
        bad("HTTP", &json!({"http_request": call(field, value.clone())}));
        good("SIMPLE", &call(field, value));
    }
    good("HTTP", &json!({"http_request": "${workflow.input.call}"}));
    bad("HTTP", &json!({"uri": "https://h"}));
    bad("HTTP", &json!({"http_request": {"method": "GET"}}));
    let pair = json!({"secretKey": "k", "secretValue": "${a.output._secrets.t}"});
    good("UPDATE_SECRET", &json!({"_secrets": pair}));
    good("UPDATE_SECRET", &json!({"_secrets": [pair, pair]}));
    good("UPDATE_SECRET", &json!({"_secrets": "${a.output.pairs}"}));
    bad("UPDATE_SECRET", &json!({"_secrets": []}));
    bad("UPDATE_SECRET", &json!({"_secrets": [{"secretKey": "k"}]}));
    bad("UPDATE_SECRET", &json!({"_secrets": {"secretValue": "v"}}));
    bad("UPDATE_SECRET", &pair);
    bad("INLINE", &json!({"evaluatorType": "python", "expression": "1"}));
    good("TERMINATE", &json!({"terminationStatus": "${workflow.input.how}"}));
    bad("TERMINATE", &json!({"terminationStatus": "completed"}));
    good("GET_WORKFLOW", &json!({"workflowId": "i"}));
    bad("GET_WORKFLOW", &json!({}));
}

#[test]
fn a_type_asks_for_its_fields() {
    let validator = Validator::of(workflow());
    let refused = |kind: &str, more: &Value| validator.refusal(&task(kind, &json!({}), more)).is_some();
    for (kind, fields) in [
        ("SWITCH", json!({"evaluatorType": "value-param", "expression": "x"})),
        ("FORK", json!({"forkTasks": [[]]})),
        ("DO_WHILE", json!({"loopCondition": "true", "loopOver": []})),
        ("DYNAMIC", json!({"dynamicTaskNameParam": "x"})),
        ("SUB_WORKFLOW", json!({"subWorkflowParam": {"name": "w"}})),
        ("EVENT", json!({"sink": "conductor"})),
    ] {
        assert!(refused(kind, &json!({})), "{kind}");
        assert!(!refused(kind, &fields), "{kind}");
    }
}

#[test]
fn a_file_of_tests_holds_one_or_several() {
    let validator = Validator::of(tests());
    let mock = json!({"status": "COMPLETED", "output": {"response": {"statusCode": 200}}, "executionTime": 5});
    let expect = json!({"status": "COMPLETED", "tasks": [{"a": "COMPLETED"}], "secretsWritten": {"k": true}});
    let one = json!({"name": "w", "taskRefToMockOutput": {"a": [mock]}, "secrets": {"k": "v"}, "expect": expect});
    for good in [one.clone(), json!({"tests": [one.clone(), one.clone()]})] {
        assert_eq!(validator.refusal(&good), None);
        assert!(load_tests("w.test.json", good.to_string().as_bytes()).diagnostics.is_empty());
    }
    for (field, value) in [
        ("expected", json!({})),
        ("name", json!(5)),
        ("secrets", json!({"k": 5})),
        ("taskRefToMockOutput", json!({"a": mock})),
        ("taskRefToMockOutput", json!({"a": [{"status": "DONE"}]})),
        ("expect", json!({"status": "DONE"})),
        ("expect", json!({"tasks": ["a"]})),
        ("expect", json!({"calls": [{"verb": "GET"}]})),
    ] {
        let mut bad = one.clone();
        bad[field] = value;
        for bad in [bad.clone(), json!({"tests": [bad]})] {
            assert!(validator.refusal(&bad).is_some(), "{bad}");
            assert!(!load_tests("w.test.json", bad.to_string().as_bytes()).diagnostics.is_empty(), "{bad}");
        }
    }
}
