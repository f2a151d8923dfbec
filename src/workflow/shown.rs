//! A definition as people may see it over a face: what stands in it in clear below `_secrets` or `_masked` is masked, and
//! what is a reference stays readable, because it says where a value comes from and not which.

use serde_json::Value;

use super::expressions::parse;
use super::tree::{self, Entry, Node, Syntax, Tree};
use crate::redact::{MASK, Masker, is_masked_key};
use crate::words::{Map, Sensitive, Severity, Source, Span};

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

/// Returns a file's text with a mask for every literal below `_secrets` and `_masked`, also where it says one again, with its
/// lines as they are. None where the text is not read to its end: nobody knows what in it is a literal.
pub fn shown_text(source: &Source) -> Option<String> {
    let parsed = tree::parse(source, Syntax::of(source));
    if parsed.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return None;
    }
    let (mut spans, mut values) = (Vec::new(), Vec::new());
    parsed.documents.iter().for_each(|document| literals(document, Depth::Clear, &mut spans, &mut values));
    spans.sort_unstable_by_key(|span| (span.start, span.end));
    let (mut text, mut end) = (String::with_capacity(source.text.len()), 0);
    for span in spans.into_iter().filter(|span| !span_is_empty(*span)) {
        // What stands behind an alias is there once.
        if span.start < end {
            continue;
        }
        text.push_str(source.text.get(end..span.start)?);
        text.push_str(MASK);
        let literal = source.text.get(span.start..span.end)?;
        text.extend(literal.chars().filter(|letter| *letter == '\n'));
        end = span.end;
    }
    text.push_str(source.text.get(end..)?);
    let masked = Masker::new(&values).mask_text(&text).into_owned();
    (masked.lines().count() == source.text.lines().count()).then_some(masked)
}

/// Where a value stands.
#[derive(Clone, Copy)]
enum Depth {
    /// Where people may read it.
    Clear,
    /// Below a key whose values are masked.
    Masked,
}

fn literals(node: &Node, depth: Depth, spans: &mut Vec<Span>, values: &mut Vec<Sensitive>) {
    match (&node.value, depth) {
        (Tree::List(items), _) => items.iter().for_each(|item| literals(item, depth, spans, values)),
        (Tree::Map(entries), _) => {
            let has_value = entries.iter().any(|entry| &*entry.key == "secretValue");
            let is_beside = |entry: &Entry| has_value && BESIDE_VALUE.contains(&&*entry.key);
            for entry in entries.iter() {
                match depth {
                    Depth::Masked if is_beside(entry) => {}
                    Depth::Clear if !is_masked_key(&entry.key) => literals(&entry.value, depth, spans, values),
                    Depth::Clear | Depth::Masked => literals(&entry.value, Depth::Masked, spans, values),
                }
            }
        }
        (Tree::Text(text), Depth::Masked) if !text.is_empty() && !is_reference(text) => {
            spans.push(node.span);
            // Text over several lines stands in the file with its indentation.
            values.extend(text.lines().map(|line| Sensitive::new(line.trim())));
        }
        (Tree::Bool(_) | Tree::Number(_), Depth::Masked) => spans.push(node.span),
        (Tree::Null | Tree::Text(_) | Tree::Bool(_) | Tree::Number(_), _) => {}
    }
}

const fn span_is_empty(span: Span) -> bool {
    span.start >= span.end
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

    use std::sync::Arc;

    use super::{Source, holds_mask, shown_definition, shown_text};

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

    fn shown(name: &str, text: &str) -> Option<String> {
        shown_text(&Source { name: Arc::from(name), text: Arc::from(text) })
    }

    #[test]
    fn a_text_shows_no_literal_and_keeps_its_lines() {
        let json = "{\n \"a\": {\"_secrets\": {\"secretKey\": \"my_token\",\n \"secretValue\": \"canary-1\"}},\n \"said\": \"so canary-1\", \"n\": 1}\n";
        let said = shown("a.json", json).unwrap();
        assert!(said.contains("my_token") && !said.contains("canary"), "{said}");
        assert_eq!(said.lines().nth(3), Some(" \"said\": \"so ***\", \"n\": 1}"));
        let yaml = "name: a # why\n_secrets:\n  reference: ${a.output.t}\n  short: ab\n  block: |\n    canary-2\n    canary-3\n  folded: >-\n    canary-4\n\
            \x20 long: 'canary-5\n    canary-6'\n  anchor: &x canary-7\n  pin: 4711\nother: *x\nlast: here\n";
        let said = shown("a.yaml", yaml).unwrap();
        assert!(!said.contains("canary") && !said.contains("4711") && !said.contains(" ab"), "{said}");
        assert!(said.contains("reference: ${a.output.t}") && said.contains("# why"), "{said}");
        assert_eq!(said.lines().count(), yaml.lines().count());
        assert_eq!(said.lines().last(), Some("last: here"));
        assert_eq!(shown("a.json", "{\"_secrets\": \"canary\", "), None, "nobody knows what a broken text holds");
    }

    #[test]
    fn a_definition_that_was_read_from_a_view_is_known() {
        let literal = json!({"tasks": [{"inputParameters": {"_secrets": {"secretValue": "abcd"}}}]});
        assert!(!holds_mask(&literal));
        assert!(holds_mask(&shown_definition(&literal)));
        assert!(!holds_mask(&json!({"description": "***"})));
    }
}
