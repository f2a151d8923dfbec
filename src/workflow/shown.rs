//! A definition as people may see it over a face: what stands in it in clear below `_secrets` or `_masked` is masked, and
//! what is a reference stays readable, because it says where a value comes from and not which.

use serde_json::Value;

use super::expressions::parse;
use crate::redact::{MASK, is_masked_key};
use crate::words::Map;

/// The fields beside the `secretValue` of an UPDATE_SECRET, which say what becomes of the value.
const BESIDE_VALUE: [&str; 4] = ["secretKey", "allow", "expiresAt", "expiresIn"];

/// Returns a definition, a schedule or a part of one with every literal below `_secrets` and `_masked` masked.
pub fn shown_definition(definition: &Value) -> Value {
    match definition {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, field)| {
                    (key.clone(), if is_masked_key(key) { without_literals(field) } else { shown_definition(field) })
                })
                .collect(),
        ),
        Value::Array(items) => items.iter().map(shown_definition).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => definition.clone(),
    }
}

/// Returns whether a definition was read from a view: a mask stands where a value was, and is lost if it is kept.
pub fn holds_mask(definition: &Value) -> bool {
    match definition {
        Value::Object(fields) => {
            fields.iter().any(|(key, field)| if is_masked_key(key) { is_masked(field) } else { holds_mask(field) })
        }
        Value::Array(items) => items.iter().any(holds_mask),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_masked(value: &Value) -> bool {
    match value {
        Value::String(text) => text == MASK,
        Value::Array(items) => items.iter().any(is_masked),
        Value::Object(fields) => fields.values().any(is_masked),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn without_literals(value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() || is_reference(text) => value.clone(),
        Value::Null => Value::Null,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => MASK.into(),
        Value::Array(items) => items.iter().map(without_literals).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, field)| shown_field(fields, key, field)).collect())
        }
    }
}

fn shown_field(all: &Map, key: &str, field: &Value) -> (String, Value) {
    let is_beside = all.contains_key("secretValue") && BESIDE_VALUE.contains(&key);
    (key.to_owned(), if is_beside { field.clone() } else { without_literals(field) })
}

/// Returns whether a text is one reference and nothing else, resolved now or, with `$${…}`, later.
fn is_reference(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix('$').filter(|later| later.starts_with("${")).unwrap_or(text);
    matches!(&parse(text)[..], [reference] if reference.range == (0..text.len()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{holds_mask, shown_definition};

    #[test]
    fn literals_are_masked_and_references_are_not() {
        let pair = |value: &str| json!({"secretKey": "my_token", "secretValue": value, "expiresIn": "1h"});
        for (definition, shown) in [
            (json!({"_secrets": pair("abcd")}), json!({"_secrets": pair("***")})),
            (
                json!({"_secrets": [pair("${a.output.t}"), pair("x")]}),
                json!({"_secrets": [pair("${a.output.t}"), pair("***")]}),
            ),
            (json!({"_secrets": {"t": "$${a.output.t}"}}), json!({"_secrets": {"t": "$${a.output.t}"}})),
            (json!({"_secrets": {"t": "${a.${b.output.c}}"}}), json!({"_secrets": {"t": "${a.${b.output.c}}"}})),
            (json!({"_secrets": {"t": "Bearer ${a.output.t}"}}), json!({"_secrets": {"t": "***"}})),
            (json!({"_secrets": {"t": "${a}x${b}"}}), json!({"_secrets": {"t": "***"}})),
            // Some services call their secret so: it is a name only beside a value.
            (json!({"_secrets": {"secretKey": "abcd"}}), json!({"_secrets": {"secretKey": "***"}})),
            (
                json!([{"i": {"_masked": {"pin": 4711, "on": true, "none": null, "empty": ""}}}]),
                json!([{"i": {"_masked": {"pin": "***", "on": "***", "none": null, "empty": ""}}}]),
            ),
            (json!({"_masked": "plain", "uri": "http://h"}), json!({"_masked": "***", "uri": "http://h"})),
        ] {
            assert_eq!(shown_definition(&definition), shown);
        }
    }

    #[test]
    fn a_definition_that_was_read_from_a_view_is_known() {
        let literal = json!({"tasks": [{"inputParameters": {"_secrets": {"secretValue": "abcd"}}}]});
        assert!(!holds_mask(&literal));
        assert!(holds_mask(&shown_definition(&literal)));
        assert!(!holds_mask(&json!({"description": "***"})));
    }
}
