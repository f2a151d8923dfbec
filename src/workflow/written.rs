//! Definitions as text of files: what says nothing is left out, and reading it back gives the same.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::definition::{Action, EventHandler, TaskDef, WorkflowDef, WorkflowSchedule, WorkflowTask};

/// Words that YAML 1.1 or 1.2 reads as something else than text.
const NO_TEXTS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"];

/// Returns a workflow without what holds where nothing is said, its tasks at any depth as well.
pub fn spare_workflow(definition: &WorkflowDef) -> Map<String, Value> {
    let mut fields = spare::<WorkflowDef>(definition, &["name", "version"]);
    spare_tasks(fields.get_mut("tasks"));
    fields
}

/// Returns a schedule without what holds where nothing is said.
pub fn spare_schedule(schedule: &WorkflowSchedule) -> Map<String, Value> {
    let mut fields = spare::<WorkflowSchedule>(schedule, &["name", "zoneId"]);
    if let Some(Value::Object(request)) = fields.get_mut("startWorkflowRequest") {
        request.retain(|_, field| field.as_object().is_none_or(|field| !field.is_empty()));
    }
    fields
}

/// Returns a task definition without what holds where nothing is said.
pub fn spare_task_def(definition: &TaskDef) -> Map<String, Value> {
    spare::<TaskDef>(definition, &["name"])
}

/// Returns an event handler without what holds where nothing is said; whether it acts is said always.
pub fn spare_event_handler(handler: &EventHandler) -> Map<String, Value> {
    let mut fields = spare::<EventHandler>(handler, &["name", "active"]);
    fields.retain(|name, field| name != "evaluatorType" || field != "");
    for action in fields.get_mut("actions").and_then(Value::as_array_mut).into_iter().flatten() {
        *action = Value::Object(spare_value::<Action>(action.take(), &["action"]));
    }
    fields
}

fn spare<T: serde::Serialize + serde::de::DeserializeOwned>(whole: &T, kept: &[&str]) -> Map<String, Value> {
    spare_value::<T>(serde_json::to_value(whole).unwrap_or_default(), kept)
}

/// Leaves out the fields that an empty definition comes to as well, and what a server says of when and by whom.
fn spare_value<T: serde::Serialize + serde::de::DeserializeOwned>(whole: Value, kept: &[&str]) -> Map<String, Value> {
    const OF_THE_SERVER: [&str; 5] = ["createTime", "updateTime", "updatedTime", "createdBy", "updatedBy"];
    let absent = serde_json::from_value::<T>(Value::Object(Map::new())).and_then(serde_json::to_value);
    let absent = absent.unwrap_or_default();
    let Value::Object(mut fields) = whole else { return Map::new() };
    fields.retain(|name, field| {
        let name = name.as_str();
        kept.contains(&name) || !OF_THE_SERVER.contains(&name) && absent.get(name) != Some(field)
    });
    fields
}

fn spare_tasks(tasks: Option<&mut Value>) {
    for task in tasks.and_then(Value::as_array_mut).into_iter().flatten() {
        let mut fields = spare_value::<WorkflowTask>(task.take(), &["name", "taskReferenceName", "type"]);
        spare_tasks(fields.get_mut("loopOver"));
        spare_tasks(fields.get_mut("defaultCase"));
        for branch in fields.get_mut("forkTasks").and_then(Value::as_array_mut).into_iter().flatten() {
            spare_tasks(Some(branch));
        }
        for case in fields.get_mut("decisionCases").and_then(Value::as_object_mut).into_iter().flatten() {
            spare_tasks(Some(case.1));
        }
        *task = Value::Object(fields);
    }
}

/// Returns a value as YAML that every version of YAML reads alike.
pub fn yaml(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

/// Writes a value at the beginning of a line, or behind the `- ` of a list whose depth this is.
fn block(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (at, (name, field)) in fields.iter().enumerate() {
                if at > 0 {
                    indent(depth, text);
                }
                text.push_str(&scalar(name));
                text.push(':');
                below(field, depth, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    indent(depth, text);
                }
                text.push_str("- ");
                block(item, depth + 1, text);
            }
        }
        other => {
            text.push_str(&flow(other));
            text.push('\n');
        }
    }
}

/// Writes what stands behind a key.
fn below(value: &Value, depth: usize, text: &mut String) {
    let is_nested = match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if is_nested {
        text.push('\n');
        indent(depth + 1, text);
        block(value, depth + 1, text);
        return;
    }
    match value {
        Value::String(lines) if is_literal(lines) => {
            text.push_str(if lines.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in lines.trim_end_matches('\n').split('\n') {
                if !line.is_empty() {
                    indent(depth + 1, text);
                }
                text.push_str(line);
                text.push('\n');
            }
        }
        other => {
            text.push(' ');
            text.push_str(&flow(other));
            text.push('\n');
        }
    }
}

fn indent(depth: usize, text: &mut String) {
    (0..depth).for_each(|_| text.push_str("  "));
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// Returns whether a text of several lines stays what it is as a literal block: scripts are read best so.
fn is_literal(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let is_plain =
        |c: char| matches!(c, '\n' | ' '..='~' | '\u{a1}'..='\u{d7ff}') && !matches!(c, '\u{2028}' | '\u{2029}');
    let starts = body.chars().next().is_some_and(|first| !first.is_whitespace());
    body.contains('\n') && starts && !body.ends_with('\n') && body.chars().all(is_plain) && !body.contains(" \n")
}

/// Returns a text as it stands in a line, in quotes where it could be read as something else.
fn scalar(text: &str) -> String {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/' | '$'));
    let inside =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '$' | '{' | '}' | '-' | '(' | ')' | ' ');
    let is_word = !NO_TEXTS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if begins && is_word && text.chars().all(inside) && !text.ends_with(' ') {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            ' '..='~' | '\u{a1}'..='\u{d7ff}' if !matches!(c, '\u{2028}' | '\u{2029}') => quoted.push(c),
            // Writing to a text does not fail.
            _ if u32::from(c) <= 0xffff => drop(write!(quoted, "\\u{:04X}", u32::from(c))),
            _ => drop(write!(quoted, "\\U{:08X}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
    use proptest::sample::select;
    use serde_json::{Map, Value, json};

    use super::{spare_workflow, yaml};
    use crate::words::Source;
    use crate::workflow::definition::WorkflowDef;
    use crate::workflow::tree::{Syntax, parse};

    fn read(text: &str) -> Value {
        let source = Source { name: "x.yaml".into(), text: text.into() };
        let parsed = parse(&source, Syntax::Yaml);
        assert!(parsed.diagnostics.is_empty(), "{text}\n{:?}", parsed.diagnostics);
        parsed.documents[0].to_json()
    }

    fn values() -> impl Strategy<Value = Value> {
        let texts = prop_oneof![
            any::<String>(),
            "[ -~\n\t]{0,30}",
            "[a-z ]{0,5}\n[a-z ]{0,5}\n?",
            select(vec![
                "true", "No", "~", "1e5", "0x1F", "1_000", "12:30", "-", "- a", "a: b", "a #b", "#", "...", "---",
                "!x", "&a", "*a", "%", "@", "`", "\u{85}", "\u{feff}", "\u{2028}", "😀"
            ])
            .prop_map(String::from),
        ];
        let leaves = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1.0e6..1.0e6).prop_map(|number: f64| Value::from(number)),
            texts.clone().prop_map(Value::from),
        ];
        leaves.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((texts.clone(), inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_the_same(value in values()) {
            let wrapped = json!({"a": value, "b": [value]});
            assert_eq!(read(&yaml(&wrapped)), wrapped, "{}", yaml(&wrapped));
        }
    }

    #[test]
    fn scripts_and_expressions_are_written_as_people_write_them() {
        let value = json!({"expression": "function f() {\n  return 1;\n}\nf();", "x": "${workflow.input.x}", "cron": "0 0 3 * * *"});
        let text = "expression: |-\n  function f() {\n    return 1;\n  }\n  f();\nx: ${workflow.input.x}\ncron: \"0 0 3 * * *\"\n";
        assert_eq!(yaml(&value), text);
    }

    #[test]
    fn what_says_nothing_is_left_out_and_nothing_else() {
        let whole = json!({
            "name": "w", "version": 1, "restartable": true, "timeoutSeconds": 5, "createTime": 7, "tasks": [
                {"name": "s", "taskReferenceName": "s", "type": "SWITCH", "decisionCases": {"a": [
                    {"name": "n", "taskReferenceName": "n", "type": "NOOP", "optional": true}]}},
            ],
        });
        let definition: WorkflowDef = serde_json::from_value(whole).unwrap();
        let spare = Value::Object(spare_workflow(&definition));
        let inner = json!({"name": "n", "taskReferenceName": "n", "type": "NOOP", "optional": true});
        assert_eq!(
            spare,
            json!({"name": "w", "version": 1, "timeoutSeconds": 5, "tasks": [
            {"name": "s", "taskReferenceName": "s", "type": "SWITCH", "decisionCases": {"a": [inner]}}]})
        );
        let again: WorkflowDef = serde_json::from_value(spare).unwrap();
        assert_eq!(again, WorkflowDef { create_time: None, ..definition });
    }
}
