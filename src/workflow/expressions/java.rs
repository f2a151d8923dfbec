//! The text of a value as Conductor's strings show it: Java's `toString`, and the JSON of what a path collected.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Number, Value};

/// Returns Java's `toString` of a value: `{k=v}`, `[a, b]`, `null`, `2.0`, `1.0E21`.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write_text(&mut out, value, super::stored::inert_text);
    out
}

/// Returns the same of a value that is not in stored form.
pub(super) fn raw_text(value: &Value) -> String {
    let mut out = String::new();
    write_text(&mut out, value, |name| Cow::Borrowed(name));
    out
}

fn write_text(out: &mut String, value: &Value, name_text: fn(&str) -> Cow<'_, str>) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(value) => out.push_str(&number(value)),
        Value::String(text) => out.push_str(text),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_text(out, item, name_text);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (at, (name, field)) in fields.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                out.push_str(&name_text(name));
                out.push('=');
                write_text(out, field, name_text);
            }
            out.push('}');
        }
    }
}

/// Returns Java's text of a number.
pub(super) fn number(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => double(float),
        _ => number.to_string(),
    }
}

/// Returns Java's `Double.toString`: the shortest digits, with an exponent below 10⁻³ and from 10⁷ on.
fn double(value: f64) -> String {
    if value == 0.0 {
        return if value.is_sign_negative() { "-0.0".to_owned() } else { "0.0".to_owned() };
    }
    if (1e-3..1e7).contains(&value.abs()) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let shortest = format!("{value:e}");
    // Java writes two digits at least: of those the nearest, which is not always the shortest and a zero (4.9E-324).
    let written = if shortest.contains('.') { shortest } else { format!("{value:.1e}") };
    written.replace('e', "E")
}

/// Returns the JSON that Conductor's JSON library writes for what an indefinite path collected: `/` is escaped, so are
/// control characters and U+2000 to U+20FF.
pub(super) fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value);
    out
}

fn write_json(out: &mut String, value: &Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => write_text(out, value, |name| Cow::Borrowed(name)),
        Value::String(text) => write_quoted(out, text),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_json(out, item);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (at, (name, field)) in fields.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_quoted(out, &super::stored::inert_text(name));
                out.push(':');
                write_json(out, field);
            }
            out.push('}');
        }
    }
}

fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' => out.push_str("\\/"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2000}'..='\u{20ff}' => {
                write!(out, "\\u{:04X}", u32::from(character)).expect("writing to a string succeeds");
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
