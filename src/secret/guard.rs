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
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty (allow it with `empty`)",
            Self::Null => "it is null: the expression led to nothing (allow it with `empty`)",
            Self::Mask => "it is the mask `***`, not a value (allow it with `placeholder`)",
            Self::Unresolved => "an expression in it was not resolved (allow it with `placeholder`)",
            Self::Html => "it is a page of HTML, as a sign-in page is (allow it with `html`)",
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
        Value::Array(_) | Value::Object(_) if holds_mask(value) => Some(Refusal::Mask),
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
    } else {
        None
    }
}

fn is_expression(text: &str) -> bool {
    text.starts_with("${") && text.ends_with('}')
}

fn holds_mask(value: &Value) -> bool {
    match value {
        Value::String(text) => text == MASK,
        Value::Array(items) => items.iter().any(holds_mask),
        Value::Object(fields) => fields.values().any(holds_mask),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
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
        Refusal::Mask | Refusal::Unresolved => allow.placeholder,
        Refusal::Html => allow.html,
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
        ] {
            assert_eq!(judge(&value), Some(refusal), "{value}");
            assert!(text_to_store(&value, Evaluation::Resolved, Allow::ALL).is_ok(), "{value}");
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
