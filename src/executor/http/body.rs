//! What a body is to a workflow, and what it was on the wire.
//!
//! A token may be all digits: no number is rounded that a secret can be made of.

use std::borrow::Cow;

use serde_json::Value;

use crate::engine::{Raw, is_too_deep};

/// What Java's `Long`, and every JSON library, holds has at most 19 digits; a longer integer may be one that rounds.
const SURE_DIGITS: usize = 18;

/// Returns the body as Conductor does: an object or a list parsed, a number as a double, other text as it is, nothing as
/// null. Beside it the bytes, where it does not give them back.
pub(super) fn read_body(bytes: Vec<u8>, is_latin1: bool) -> (Value, Option<Raw>) {
    let value = parse(&text_of(&bytes, is_latin1));
    let raw = if Raw::bytes_of(&value) == bytes { None } else { Some(Raw::new(bytes)) };
    (value, raw)
}

fn text_of(bytes: &[u8], is_latin1: bool) -> Cow<'_, str> {
    if is_latin1 { super::response::latin1(bytes).into() } else { String::from_utf8_lossy(bytes) }
}

fn parse(text: &str) -> Value {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.is_empty() {
        return Value::Null;
    }
    match serde_json::from_str(text) {
        Ok(Value::Number(number)) => exact_double(&number, text.trim()).unwrap_or_else(|| text.into()),
        // What nests deeper than the journal reads back is kept as the text that it is.
        Ok(value @ (Value::Object(_) | Value::Array(_))) if !is_too_deep(&value) => with_exact_integers(value, text),
        Ok(_) | Err(_) => text.into(),
    }
}

/// Returns a body that is a number as the double that Conductor makes of it, where the double says the same.
fn exact_double(number: &serde_json::Number, text: &str) -> Option<Value> {
    let double = Value::from(number.as_f64()?);
    let said = double.to_string();
    (said.strip_suffix(".0").unwrap_or(&said) == text).then_some(double)
}

/// Conductor holds integers of any length. What 64 bits do not hold becomes text, which keeps every digit.
fn with_exact_integers(value: Value, text: &str) -> Value {
    match quote_long_integers(text) {
        Cow::Borrowed(_) => value,
        Cow::Owned(quoted) => serde_json::from_str(&quoted).unwrap_or(value),
    }
}

/// Puts quotes around the integers of a JSON text that are too long for 64 bits.
fn quote_long_integers(text: &str) -> Cow<'_, str> {
    let mut quoted = String::new();
    let mut done = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        let end = match byte {
            b'"' => at + string_bytes(&bytes[at..]),
            b'-' | b'0'..=b'9' => at + bytes[at..].iter().take_while(|byte| is_of_number(**byte)).count(),
            _ => at + 1,
        };
        if is_long_integer(&text[at..end]) {
            quoted.push_str(&text[done..at]);
            quoted.push('"');
            quoted.push_str(&text[at..end]);
            quoted.push('"');
            done = end;
        }
        // A byte inside of a character of the text is no boundary, and no token begins with one.
        at = text.ceil_char_boundary(end);
    }
    if done == 0 { Cow::Borrowed(text) } else { Cow::Owned(quoted + &text[done..]) }
}

/// Returns how long the string is that begins here, with its quotes.
fn string_bytes(bytes: &[u8]) -> usize {
    let mut at = 1;
    loop {
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

const fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

fn is_long_integer(token: &str) -> bool {
    let digits = token.strip_prefix('-').unwrap_or(token);
    digits.len() > SURE_DIGITS
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && token.parse::<u64>().is_err()
        && token.parse::<i64>().is_err()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::read_body;
    use crate::engine::Raw;

    fn check(bytes: &[u8], is_latin1: bool, expected: &Value) {
        let (value, raw) = read_body(bytes.to_vec(), is_latin1);
        assert_eq!(value, *expected, "{bytes:?}");
        let back = raw.map_or_else(|| Raw::bytes_of(&value), |raw| raw.bytes());
        assert_eq!(back, bytes, "what was received is kept to the byte");
    }

    #[test]
    fn every_body_can_be_given_back_to_the_byte() {
        check(b"", false, &Value::Null);
        check(b"plain", false, &json!("plain"));
        check(b"\xff\xfe\x00token", false, &json!("\u{fffd}\u{fffd}\0token"));
        check(b"caf\xe9", true, &json!("caf\u{e9}"));
        check("\u{feff}{\"a\":1}".as_bytes(), false, &json!({"a": 1}));
        check(b"{ \"a\": 1,\n \"a\": 2 }", false, &json!({"a": 2}));
        check(b"{\"a\":\"\\u0041\"}", false, &json!({"a": "A"}));
        check(b"{\"a\":1e400}", false, &json!("{\"a\":1e400}"));
    }

    #[test]
    fn a_body_that_its_value_gives_back_is_kept_once() {
        for body in ["", "plain", "{\"a\":[1,2.5,\"x\"]}", "[]", "true"] {
            assert!(read_body(body.as_bytes().to_vec(), false).1.is_none(), "{body}");
        }
    }

    #[test]
    fn integers_that_no_64_bits_hold_keep_their_digits() {
        let long = "123456789012345678901234567890";
        let body =
            format!(r#"{{"id": {long}, "n": [-{long}], "s": "é\" {long}", "max": 18446744073709551615, "f": 1.5}}"#);
        check(
            body.as_bytes(),
            false,
            &json!({"id": long, "n": [format!("-{long}")], "s": format!("é\" {long}"), "max": u64::MAX, "f": 1.5}),
        );
        check(b"[18446744073709551616,-9223372036854775808]", false, &json!(["18446744073709551616", i64::MIN]));
    }

    #[test]
    fn a_body_that_is_a_number_is_a_double_only_where_nothing_is_lost() {
        check(b"482913", false, &json!(482_913.0));
        check(b"482913\n", false, &json!(482_913.0));
        check(b"1.5", false, &json!(1.5));
        for text in ["12345678901234567", "1.50", "1e5", "12345678901234567890123", "007"] {
            check(text.as_bytes(), false, &json!(text));
        }
    }
}
