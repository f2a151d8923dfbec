//! What a WAIT may wait for: one rule for registration and for `check`, each in its own words.

use serde_json::Value;

use super::duration::{is_duration, parse_until};

/// Why a WAIT cannot wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It has both a duration and an end.
    Both,
    /// Its duration cannot be read.
    Duration,
    /// Its end cannot be read.
    Until,
}

/// Returns what is wrong with a duration and an end. Blank is absent, and what begins with an expression is read later.
pub(super) fn fault(duration: Option<&Value>, until: Option<&Value>) -> Option<Fault> {
    // What is no text, the server cannot read.
    let reads = |value: &Value, reads: fn(&str) -> bool| {
        value.as_str().is_some_and(|text| text.starts_with("${") || reads(text))
    };
    let is_given = |value: &&Value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty());
    match (duration.filter(is_given), until.filter(is_given)) {
        (Some(_), Some(_)) => Some(Fault::Both),
        (Some(duration), None) => (!reads(duration, is_duration)).then_some(Fault::Duration),
        (None, Some(until)) => (!reads(until, |text| parse_until(text).is_some())).then_some(Fault::Until),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Fault, fault};

    #[test]
    fn one_of_the_two_is_given_and_can_be_read() {
        for (duration, until, expect) in [
            (json!("2 seconds"), Value::Null, None),
            (json!("${workflow.input.d}"), json!(" "), None),
            (json!(""), json!("2030-01-31"), None),
            (json!(5), Value::Null, Some(Fault::Duration)),
            (json!("in ${workflow.input.d}"), Value::Null, Some(Fault::Duration)),
            (Value::Null, json!("tomorrow"), Some(Fault::Until)),
            (json!("2 seconds"), json!("2030-01-31"), Some(Fault::Both)),
            (Value::Null, Value::Null, None),
        ] {
            assert_eq!(fault(Some(&duration), Some(&until)), expect, "{duration} {until}");
        }
        assert_eq!(fault(None, None), None);
    }
}
