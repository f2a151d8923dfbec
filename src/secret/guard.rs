use std::fmt;

use serde_json::Value;

use crate::words::Sensitive;

/// What a mask looks like in a view: a value that was read from one.
const MASK: &str = "***";

/// What is stored in spite of its looks, because somebody said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// Empty text and null.
    pub empty: bool,
    /// A page of HTML.
    pub html: bool,
    /// A mask, or an expression that was not resolved.
    pub placeholder: bool,
}

impl Allow {
    /// Everything: what `--force` means.
    pub const ALL: Self = Self { empty: true, html: true, placeholder: true };
}

/// What the evaluation of the expression that gave the value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// Nobody evaluated it: it was typed or piped in.
    Literal,
    /// There was no expression, or all of it was found.
    Resolved,
    /// A part of it led to nothing.
    Unresolved,
}

/// Why a value is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Empty or blank text.
    Empty,
    /// Null.
    Null,
    /// A mask.
    Mask,
    /// An expression that was not resolved.
    Unresolved,
    /// A page of HTML.
    Html,
    /// Text from bytes that are no text.
    Garbled,
    /// A number that was rounded.
    Rounded,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty (allow it with `empty`)",
            Self::Null => "it is null: the expression led to nothing (allow it with `empty`)",
            Self::Mask => "it is the mask `***`, not a value (allow it with `placeholder`)",
            Self::Unresolved => "an expression in it was not resolved (allow it with `placeholder`)",
            Self::Html => "it is a page of HTML, as a sign-in page is (allow it with `html`)",
            Self::Garbled => "bytes in it were no text and became U+FFFD (allow it with `placeholder`)",
            Self::Rounded => "it holds a number too large to be exact; have it given as text",
        })
    }
}

/// Returns the text to store for a value, or why it looks like garbage. Text is stored as it is, anything else as compact
/// JSON; null, where it is allowed, as empty text.
pub fn text_to_store(value: &Value, evaluation: Evaluation, allow: Allow) -> Result<Sensitive, Refusal> {
    match refusal(value, evaluation) {
        Some(refusal) if !is_allowed(refusal, allow) => Err(refusal),
        Some(_) | None => Ok(text(value)),
    }
}

fn refusal(value: &Value, evaluation: Evaluation) -> Option<Refusal> {
    match value {
        Value::Null => Some(Refusal::Null),
        _ if evaluation == Evaluation::Unresolved => Some(Refusal::Unresolved),
        // A fetched value may look like an expression and be none; one that somebody typed is a mistake.
        Value::String(text) if evaluation == Evaluation::Literal && is_expression(text.trim()) => {
            Some(Refusal::Unresolved)
        }
        Value::String(text) => refusal_of_text(text.trim()),
        Value::Array(_) | Value::Object(_) if holds(value, &|leaf| leaf == MASK) => Some(Refusal::Mask),
        Value::Array(_) | Value::Object(_) if holds(value, &is_garbled) => Some(Refusal::Garbled),
        Value::Number(_) | Value::Array(_) | Value::Object(_) if holds_rounded(value) => Some(Refusal::Rounded),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn refusal_of_text(text: &str) -> Option<Refusal> {
    if text.is_empty() {
        Some(Refusal::Empty)
    } else if text == MASK {
        Some(Refusal::Mask)
    } else if is_html(text) {
        Some(Refusal::Html)
    } else if is_garbled(text) {
        Some(Refusal::Garbled)
    } else {
        None
    }
}

fn is_expression(text: &str) -> bool {
    text.starts_with("${") && text.ends_with('}')
}

/// What stands where bytes of a response were no text: a value with it is not the one that was sent.
fn is_garbled(text: &str) -> bool {
    text.contains(char::REPLACEMENT_CHARACTER)
}

fn holds(value: &Value, is_it: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_it(text),
        Value::Array(items) => items.iter().any(|item| holds(item, is_it)),
        Value::Object(fields) => fields.values().any(|field| holds(field, is_it)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// From here on a double has no room for the last digits of an integer: it may stand for several.
const ROUNDED_FROM: f64 = 9_007_199_254_740_992.0;

fn holds_rounded(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            !number.is_i64() && !number.is_u64() && number.as_f64().is_some_and(|double| double.abs() >= ROUNDED_FROM)
        }
        Value::Array(items) => items.iter().any(holds_rounded),
        Value::Object(fields) => fields.values().any(holds_rounded),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn is_html(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let starts_with = |tag: &str| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    ["<!doctype html", "<html", "<head", "<body"].into_iter().any(starts_with)
        || (starts_with("<?xml") || starts_with("<!--")) && text.to_ascii_lowercase().contains("<html")
}

const fn is_allowed(refusal: Refusal, allow: Allow) -> bool {
    match refusal {
        Refusal::Empty | Refusal::Null => allow.empty,
        Refusal::Mask | Refusal::Unresolved | Refusal::Garbled => allow.placeholder,
        Refusal::Html => allow.html,
        // Nobody has the value that was meant.
        Refusal::Rounded => false,
    }
}

/// A body that is a number is a double in Conductor: what was `482913` must not be stored as `482913.0`.
fn number_text(number: &serde_json::Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

fn text(value: &Value) -> Sensitive {
    match value {
        Value::Null => Sensitive::new(""),
        Value::String(text) => Sensitive::new(text.as_str()),
        Value::Number(number) => Sensitive::new(number_text(number)),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Sensitive::new(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Allow, Evaluation, Refusal, text_to_store};

    fn judge(value: &Value) -> Option<Refusal> {
        text_to_store(value, Evaluation::Literal, Allow::default()).err()
    }

    #[test]
    fn garbage_is_refused() {
        for (value, refusal) in [
            (json!("***"), Refusal::Mask),
            (json!({"token": ["***"]}), Refusal::Mask),
            (json!(""), Refusal::Empty),
            (json!(" \n"), Refusal::Empty),
            (json!(null), Refusal::Null),
            (json!("${login.output.token}"), Refusal::Unresolved),
            (json!("\u{feff}\n<!DOCTYPE HTML><title>Sign in</title>"), Refusal::Html),
            (json!("<?xml version='1.0'?><html></html>"), Refusal::Html),
            (json!("tok\u{fffd}en"), Refusal::Garbled),
            (json!({"token": ["\u{fffd}"]}), Refusal::Garbled),
        ] {
            assert_eq!(judge(&value), Some(refusal), "{value}");
            assert!(text_to_store(&value, Evaluation::Resolved, Allow::ALL).is_ok(), "{value}");
        }
    }

    #[test]
    fn a_number_that_was_rounded_is_refused_and_nothing_allows_it() {
        let rounded: Value = serde_json::from_str("[12345678901234567890123]").unwrap();
        for value in [json!(9_007_199_254_740_992.0), json!(-1e300), json!({"id": 1e25}), rounded] {
            let judged = text_to_store(&value, Evaluation::Resolved, Allow::ALL);
            assert_eq!(judged.err(), Some(Refusal::Rounded), "{value}");
        }
        for value in [json!(u64::MAX), json!(i64::MIN), json!(9_007_199_254_740_991.0), json!(0.1)] {
            assert_eq!(judge(&value), None, "{value}");
        }
    }

    #[test]
    fn a_fetched_value_may_look_like_an_expression() {
        let fetched = json!("${not.ours}");
        let stored = text_to_store(&fetched, Evaluation::Resolved, Allow::default());
        assert!(stored.is_ok_and(|stored| stored.expose() == "${not.ours}"));
    }

    #[test]
    fn what_the_evaluation_missed_is_refused_whatever_the_text_says() {
        let judged = text_to_store(&json!("Bearer null"), Evaluation::Unresolved, Allow::default());
        assert_eq!(judged.err(), Some(Refusal::Unresolved));
    }

    #[test]
    fn values_that_only_resemble_garbage_are_stored_as_they_are() {
        for text in ["a***b", "<saml>x</saml>", "p${x}q", " padded ", "null"] {
            let stored = text_to_store(&json!(text), Evaluation::Resolved, Allow::default()).ok();
            assert!(stored.is_some_and(|stored| stored.expose() == text), "{text}");
        }
    }

    #[test]
    fn values_that_are_not_text_are_stored_as_compact_json() {
        for (value, text) in [
            (json!(42), "42"),
            (json!(482_913.0), "482913"),
            (json!(1.5), "1.5"),
            (json!({"b": 1, "a": [true]}), r#"{"b":1,"a":[true]}"#),
        ] {
            let stored = text_to_store(&value, Evaluation::Resolved, Allow::default()).ok();
            assert!(stored.is_some_and(|stored| stored.expose() == text), "{text}");
        }
    }
}
