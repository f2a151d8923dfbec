//! Compares what came with what was expected. What it tells is masked; what it compares is not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Call, Played};
use crate::daemon::{DEFINITION_FIELDS, PAYLOAD_FIELDS};
use crate::redact::Masker;
use crate::words::{Map, Sensitive};
use crate::workflow::definition::{Expectations, ExpectedCall};
use crate::workflow::duration::parse_duration_seconds;
use crate::workflow::shown::shown_definition;

/// How many differences of one test are told: who has more mends these first.
const MISMATCHES_MAX: usize = 50;
/// How much of a value is told.
const CHARS_MAX: usize = 200;

/// One difference, masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What differs.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub actual: String,
}

/// Returns every difference between what a test expects and what came.
pub fn judge(expect: &Expectations, played: &Played) -> Vec<Mismatch> {
    let execution = &played.execution;
    let mut judge =
        Judge { masker: &played.masker, hidden: &execution.plan.pinned.workflow.masked_fields, found: Vec::new() };
    if let Some(status) = expect.status.filter(|status| *status != execution.status) {
        let reason = execution.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        judge.tell("status", status.as_str(), &format!("{}{reason}", execution.status.as_str()));
    }
    if let Some(reason) = &expect.reason {
        let actual = execution.reason.as_deref().unwrap_or_default();
        if !actual.contains(reason.as_str()) {
            judge.tell("reason", &format!("a text with {reason:?}"), &format!("{actual:?}"));
        }
    }
    let output = &played.clear["output"];
    if let Some(expected) = &expect.output {
        judge.value("output", &Value::Object(expected.clone()), Some(output), Extent::Part);
    }
    if let Some(expected) = &expect.exact_output {
        judge.value("output", &Value::Object(expected.clone()), Some(output), Extent::Whole);
    }
    if let Some(tasks) = &expect.tasks {
        let tasks: Vec<String> =
            tasks.iter().flatten().map(|(task, status)| format!("{task} {}", status.as_str())).collect();
        judge.tasks(&tasks, played);
    }
    if let Some(calls) = &expect.calls {
        judge.calls(calls, &played.calls);
    }
    if let Some(secrets) = &expect.secrets_written {
        judge.secrets(secrets, &played.written);
    }
    if let Some(took) = expect.took.as_deref().and_then(parse_duration_seconds).map(Duration::from_secs)
        && took != played.took
    {
        judge.tell("took", &format!("{took:?}"), &format!("{:?}", played.took));
    }
    judge.found
}

/// Returns where the end of a run with crashes differs from one without.
pub(super) fn differences(calm: &Played, crashed: &Played) -> Vec<Mismatch> {
    let execution = &calm.execution;
    let mut judge =
        Judge { masker: &calm.masker, hidden: &execution.plan.pinned.workflow.masked_fields, found: Vec::new() };
    for field in ["status", "reasonForIncompletion", "output", "variables", "tasks"] {
        judge.value(field, &essence(&calm.clear[field]), Some(&essence(&crashed.clear[field])), Extent::Whole);
    }
    let calls = |played: &Played| -> Vec<Value> { played.calls.iter().map(call_json).collect() };
    judge.value("calls", &calls(calm).into(), Some(&calls(crashed).into()), Extent::Whole);
    let wanted = calm.written.iter().map(|(name, value)| (name.clone(), value.expose().into())).collect();
    judge.secrets(&wanted, &crashed.written);
    judge.found
}

/// Returns what must be the same: of a task what it is, took and gave, and not how often it was looked at.
fn essence(value: &Value) -> Value {
    let kept = ["referenceTaskName", "status", "retryCount", "inputData", "outputData", "reasonForIncompletion"];
    match value {
        Value::Array(tasks) => {
            let essence = |task: &Value| -> Value {
                kept.iter()
                    .map(|field| ((*field).to_owned(), without_fingerprints(&task[*field])))
                    .collect::<Map>()
                    .into()
            };
            tasks.iter().map(essence).collect()
        }
        other => without_fingerprints(other),
    }
}

/// Leaves out what depends on the key of a store: each run has a store of its own.
fn without_fingerprints(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_fingerprints).collect(),
        Value::Object(fields) => {
            let others = fields.iter().filter(|(name, _)| *name != "fingerprint");
            Value::Object(others.map(|(name, value)| (name.clone(), without_fingerprints(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn call_json(call: &Call) -> Value {
    let sketch = &call.sketch;
    json!({"task": call.task, "method": sketch.method, "uri": sketch.uri, "headers": sketch.headers, "body": call.body()})
}

/// Returns a view with its payloads masked.
pub(super) fn masked_view(view: &Value, masker: &Masker, hidden: &[String]) -> Value {
    let Value::Object(fields) = view else { return view.clone() };
    let masked = fields.iter().map(|(name, field)| {
        let masked = match field {
            field if PAYLOAD_FIELDS.contains(&name.as_str()) => masker.mask_payload(field, hidden),
            Value::Array(tasks) if name == "tasks" => {
                tasks.iter().map(|task| masked_view(task, masker, hidden)).collect()
            }
            _ if DEFINITION_FIELDS.contains(&name.as_str()) => masker.mask_value(&shown_definition(field)),
            field => masker.mask_value(field),
        };
        (name.clone(), masked)
    });
    Value::Object(masked.collect())
}

/// How much of a value is expected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Part,
    Whole,
}

struct Judge<'a> {
    masker: &'a Masker,
    hidden: &'a [String],
    found: Vec<Mismatch>,
}

impl Judge<'_> {
    fn tell(&mut self, what: &str, expected: &str, actual: &str) {
        if self.found.len() < MISMATCHES_MAX {
            let masked = |text: &str| shortened(&self.masker.mask_text(text));
            let (expected, actual) = (masked(expected), masked(actual));
            self.found.push(Mismatch { what: shortened(&self.masker.mask_text(what)), expected, actual });
        }
    }

    fn value(&mut self, path: &str, expected: &Value, actual: Option<&Value>, extent: Extent) {
        match (expected, actual) {
            (Value::Object(wanted), Some(Value::Object(found))) => {
                for (name, value) in wanted {
                    self.value(&format!("{path}.{name}"), value, found.get(name), extent);
                }
                for (name, value) in
                    found.iter().filter(|(name, _)| extent == Extent::Whole && !wanted.contains_key(*name))
                {
                    self.tell_values(&format!("{path}.{name}"), None, Some(value));
                }
            }
            (Value::Array(wanted), Some(Value::Array(found))) => {
                for at in 0..wanted.len().max(found.len()) {
                    let path = format!("{path}[{at}]");
                    match wanted.get(at) {
                        Some(value) => self.value(&path, value, found.get(at), extent),
                        None => self.tell_values(&path, None, found.get(at)),
                    }
                }
            }
            (expected, Some(actual)) if is_same(expected, actual) => {}
            (expected, actual) => self.tell_values(path, Some(expected), actual),
        }
    }

    fn tell_values(&mut self, path: &str, expected: Option<&Value>, actual: Option<&Value>) {
        // What its place makes a secret is one also where its text is in no store.
        let is_hidden = path
            .split(['.', '['])
            .any(|key| ["_secrets", "_masked"].contains(&key) || self.hidden.iter().any(|hidden| hidden == key));
        let text = |value: Option<&Value>| match value {
            None => "nothing".to_owned(),
            Some(_) if is_hidden => "***".to_owned(),
            Some(value) => self.masker.mask_payload(value, self.hidden).to_string(),
        };
        let (expected, actual) = (text(expected), text(actual));
        let differ = if expected == actual { "another value, which is masked".to_owned() } else { actual };
        self.tell(path, &expected, &differ);
    }

    fn tasks(&mut self, expected: &[String], played: &Played) {
        let tasks = played.clear["tasks"].as_array().into_iter().flatten();
        let text = |task: &Value, field: &str| task[field].as_str().unwrap_or_default().to_owned();
        let actual = tasks.map(|task| format!("{} {}", text(task, "referenceTaskName"), text(task, "status")));
        let actual: Vec<String> = actual.collect();
        for at in 0..expected.len().max(actual.len()) {
            let (wanted, found) = (expected.get(at), actual.get(at));
            if wanted != found {
                let text = |it: Option<&String>| it.map_or("nothing", String::as_str).to_owned();
                self.tell(&format!("tasks[{at}]"), &text(wanted), &text(found));
            }
        }
    }

    fn calls(&mut self, expected: &[ExpectedCall], actual: &[Call]) {
        for (at, call) in actual.iter().enumerate().skip(expected.len()) {
            self.tell(&format!("calls[{at}]"), "nothing", &format!("{} {}", call.sketch.method, call.sketch.uri));
        }
        for (at, wanted) in expected.iter().enumerate() {
            let path = format!("calls[{at}]");
            if let Some(call) = actual.get(at) {
                self.call(&path, wanted, call);
            } else {
                let (method, uri) = (wanted.method.as_deref(), wanted.uri.as_deref());
                self.tell(&path, &format!("{} {}", method.unwrap_or("a call"), uri.unwrap_or("")), "nothing");
            }
        }
    }

    fn call(&mut self, path: &str, expected: &ExpectedCall, actual: &Call) {
        let sketch = &actual.sketch;
        let fields = [
            ("task", &expected.task, &actual.task),
            ("method", &expected.method, &sketch.method),
            ("uri", &expected.uri, &sketch.uri),
        ];
        for (name, wanted, found) in fields {
            if let Some(wanted) = wanted.as_ref().filter(|wanted| *wanted != found) {
                self.tell(&format!("{path}.{name}"), wanted, found);
            }
        }
        for (name, wanted) in &expected.headers {
            let found = sketch.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            let found: Vec<&str> = found.map(|(_, value)| value.as_str()).collect();
            if !found.contains(&wanted.as_str()) {
                let path = format!("{path}.headers.{name}");
                self.tell(&path, wanted, if found.is_empty() { "nothing" } else { found[0] });
            }
        }
        if let Some(body) = &expected.body {
            self.value(&format!("{path}.body"), body, Some(&actual.body()), Extent::Whole);
        }
    }

    fn secrets(&mut self, expected: &BTreeMap<String, Value>, actual: &BTreeMap<String, Sensitive>) {
        for name in actual.keys().filter(|name| !expected.contains_key(*name)) {
            self.tell(&format!("secretsWritten.{name}"), "nothing", "a new value");
        }
        for (name, value) in expected {
            let path = format!("secretsWritten.{name}");
            match (actual.get(name), value.as_str()) {
                (None, _) => self.tell(&path, "a new value", "nothing"),
                (Some(actual), Some(wanted)) if actual.expose() != wanted => {
                    self.tell(&path, "the value of the test", "another value");
                }
                (Some(_), _) => {}
            }
        }
    }
}

/// Numbers are the same where they count the same, as `1` and `1.0`.
fn is_same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (one, other) => one == other,
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
