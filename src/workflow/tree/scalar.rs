//! What an unquoted YAML text means, and where it probably means something else than was meant.

use std::sync::Arc;

use serde_json::Number;

use super::Tree;

/// What an unquoted text is, and what about it may surprise.
pub(super) struct Scalar {
    pub(super) value: Tree,
    pub(super) surprise: Option<&'static str>,
}

/// Reads an unquoted text by the core schema of YAML 1.2; where that would lose digits, it stays text.
pub(super) fn plain(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return sure(Tree::Null),
        "true" | "True" | "TRUE" => return sure(Tree::Bool(true)),
        "false" | "False" | "FALSE" => return sure(Tree::Bool(false)),
        _ => {}
    }
    if let Some(surprise) = trap(text) {
        return Scalar { value: Tree::Text(text.into()), surprise: Some(surprise) };
    }
    match number(text) {
        Some(number) => sure(Tree::Number(number)),
        None => sure(Tree::Text(Arc::from(text))),
    }
}

fn sure(value: Tree) -> Scalar {
    Scalar { value, surprise: None }
}

fn trap(text: &str) -> Option<&'static str> {
    const WORDS: [&str; 8] = ["yes", "no", "on", "off", "y", "n", ".inf", ".nan"];
    if WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Some(if text.starts_with('.') {
            "JSON has no such number: this stays text"
        } else {
            "this is text in YAML 1.2, not true or false"
        });
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("other readers take this for an octal or a shorter number; it is read as text");
    }
    if digits.contains('_')
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && !digits.starts_with('_')
    {
        return Some("this is text: YAML 1.2 has no `_` in numbers");
    }
    if is_integer(digits) && integer(text).is_none() {
        return Some("this number is too large to keep all its digits; it is read as text");
    }
    if is_float(digits) && !is_integer(digits) && float(text).is_none() {
        return Some("this number is too large; it is read as text");
    }
    None
}

fn is_integer(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_float(digits: &str) -> bool {
    let (mantissa, exponent) = digits.split_once(['e', 'E']).map_or((digits, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_good = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
        && !(whole.is_empty() && fraction.is_empty());
    mantissa_good && exponent.is_none_or(|exponent| is_integer(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

fn integer(text: &str) -> Option<Number> {
    let text = text.strip_prefix('+').unwrap_or(text);
    text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok()
}

fn float(text: &str) -> Option<Number> {
    Number::from_f64(text.parse().ok()?)
}

fn number(text: &str) -> Option<Number> {
    if let Some(hex) = text.strip_prefix("0x") {
        return radix(hex, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return radix(octal, 8);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if is_integer(digits) {
        integer(text)
    } else if is_float(digits) {
        float(text)
    } else {
        None
    }
}

fn radix(digits: &str, radix: u32) -> Option<Number> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| u64::from_str_radix(digits, radix).map(Number::from).ok()).flatten()
}
