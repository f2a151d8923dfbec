//! Errors of jq in the words of Conductor's, with the kinds of values in place of the values: they may be secrets.

use serde_json::{Deserializer, Value};

/// Returns the text of an error that the interpreter made; one that a filter raised is as it was raised.
pub(super) fn told(text: String) -> String {
    let told = index(&text).or_else(|| calculation(&text)).or_else(|| misuse(&text)).or_else(|| length(&text));
    told.unwrap_or(text)
}

/// `cannot index "x" with "b"`
fn index(text: &str) -> Option<String> {
    let (left, rest) = value(text.strip_prefix("cannot index ")?)?;
    let (right, rest) = value(rest.strip_prefix(" with ")?)?;
    let key = if right.is_string() { format!(" {right}") } else { String::new() };
    rest.is_empty().then(|| format!("Cannot index {} with {}{key}", kind(&left), kind(&right)))
}

/// `cannot calculate "x" + 1`
fn calculation(text: &str) -> Option<String> {
    let (left, rest) = value(text.strip_prefix("cannot calculate ")?)?;
    let (operator, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    let (right, rest) = value(rest)?;
    let done = match operator {
        "+" => "added",
        "-" => "subtracted",
        "*" => "multiplied",
        "/" | "%" => "divided",
        _ => return None,
    };
    rest.is_empty().then(|| format!("{} and {} cannot be {done}", kind(&left), kind(&right)))
}

/// `cannot use {"a":1} as string`
fn misuse(text: &str) -> Option<String> {
    let (given, rest) = value(text.strip_prefix("cannot use ")?)?;
    let wanted = rest.strip_prefix(" as ")?;
    if wanted.starts_with("iterable") {
        return Some(format!("Cannot iterate over {}", kind(&given)));
    }
    Some(format!("{} cannot be used as {wanted}", kind(&given)))
}

/// `true has no length`
fn length(text: &str) -> Option<String> {
    let (given, rest) = value(text)?;
    (rest == " has no length").then(|| format!("{} has no length", kind(&given)))
}

/// Reads the value that a text starts with, and returns what follows it.
fn value(text: &str) -> Option<(Value, &str)> {
    let mut values = Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((value, text.get(values.byte_offset()..)?))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
