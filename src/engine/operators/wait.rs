//! WAIT ends after a duration, at a time, or when somebody says so.

use std::time::Duration;

use serde_json::Value;

use crate::words::Timestamp;
use crate::workflow::duration::{parse_duration_seconds, parse_until};
use crate::workflow::expressions::java_text;

/// Returns when a WAIT that starts now ends; [`Timestamp::MAX`] where only somebody can end it.
pub(in crate::engine) fn end(input: &Value, now: Timestamp) -> Result<Timestamp, String> {
    match (text(input, "duration"), text(input, "until")) {
        (Some(_), Some(_)) => Err("Both 'duration' and 'until' specified. Please provide only one input".to_owned()),
        (None, None) => Ok(Timestamp::MAX),
        (Some(text), None) => {
            let seconds = parse_duration_seconds(&text).ok_or_else(|| {
                format!("Not valid duration: {text}; write it as `1 days 2 hours 3 minutes 4 seconds`")
            })?;
            Ok(now.plus(Duration::from_secs(seconds)))
        }
        (None, Some(text)) => parse_until(&text).ok_or_else(|| {
            format!("Not a valid time: {text}; write it as `yyyy-MM-dd`, `yyyy-MM-dd HH:mm` or `yyyy-MM-dd HH:mm z`")
        }),
    }
}

fn text(input: &Value, key: &str) -> Option<String> {
    let value = input.get(key).filter(|value| !value.is_null())?;
    Some(java_text(value)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Timestamp, end};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn check(input: &serde_json::Value, expect: Option<i64>) {
        assert_eq!(end(input, NOW).ok().map(Timestamp::as_millis), expect, "{input}");
    }

    #[test]
    fn duration_is_read_as_conductor_reads_it() {
        check(&json!({"duration": "1 sec"}), Some(1_001_000));
        check(&json!({"duration": "1 days 2 hours 3 minutes 4 seconds"}), Some(1_000_000 + 93_784_000));
        check(&json!({"duration": "2h30m"}), Some(1_000_000 + 9_000_000));
        check(&json!({"duration": "5 s"}), Some(1_005_000));
        check(&json!({"duration": "4 seconds 1 day"}), None);
        check(&json!({"duration": "soon"}), None);
        check(&json!({"duration": "5"}), None);
    }

    #[test]
    fn time_is_read_in_its_zone() {
        check(&json!({"until": "2026-11-20"}), Some(1_795_132_800_000));
        check(&json!({"until": "2026-11-20 12:30"}), Some(1_795_177_800_000));
        check(&json!({"until": "2026-11-20 12:30 Europe/Berlin"}), Some(1_795_174_200_000));
        check(&json!({"until": "2026-11-20 12:30 GMT+01:00"}), Some(1_795_174_200_000));
        check(&json!({"until": "20.11.2026"}), None);
    }

    #[test]
    fn neither_waits_for_ever_and_both_is_an_error() {
        check(&json!({}), Some(i64::MAX));
        check(&json!({"duration": "1 s", "until": "2026-11-20"}), None);
    }
}
