//! How long, or until when, a WAIT waits, as Conductor writes it: `2 days 3 hours 4 minutes 5 seconds`, any part left out.

use crate::words::Timestamp;

/// The units in their order, each with its words and its seconds.
const UNITS: [(&[&str], u64); 4] = [
    (&["days", "day", "d"], 86_400),
    (&["hours", "hour", "hrs", "hr", "h"], 3_600),
    (&["minutes", "minute", "mins", "min", "m"], 60),
    (&["seconds", "second", "secs", "sec", "s"], 1),
];

/// Returns the seconds of a duration; none where Conductor could not read it either.
pub fn parse_duration_seconds(text: &str) -> Option<u64> {
    let mut rest = text.trim().to_ascii_lowercase();
    let mut seconds: u64 = 0;
    for (words, unit) in UNITS {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let after = rest[digits..].trim_start();
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        if digits > 0 && words.contains(&&after[..letters]) {
            let count: u64 = rest[..digits].parse().ok()?;
            seconds = seconds.checked_add(count.checked_mul(unit)?)?;
            rest = after[letters..].trim_start().to_owned();
        }
    }
    rest.is_empty().then_some(seconds)
}

/// Returns whether a text is a duration.
pub(super) fn is_duration(text: &str) -> bool {
    parse_duration_seconds(text).is_some()
}

/// Reads a date, with a time and a zone or without, as WAIT takes it as `until`; without a zone it is UTC.
pub fn parse_until(text: &str) -> Option<Timestamp> {
    let mut parts = text.split_whitespace();
    // A date that a time is written onto would be read without it.
    let date = parts.next().filter(|date| date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))?;
    let date: jiff::civil::Date = jiff::civil::Date::strptime("%Y-%m-%d", date).ok()?;
    let time = match parts.next() {
        Some(time) => jiff::civil::Time::strptime("%H:%M", time).ok()?,
        None => jiff::civil::Time::midnight(),
    };
    let zone = parts.next().unwrap_or("UTC");
    if parts.next().is_some() {
        return None;
    }
    let zone = zone_of(zone)?;
    let moment = date.to_datetime(time).to_zoned(zone).ok()?;
    Some(Timestamp::from_millis(moment.timestamp().as_millisecond()))
}

/// Reads an IANA name, an offset or one of the abbreviations that Java knows everywhere.
fn zone_of(name: &str) -> Option<jiff::tz::TimeZone> {
    let name = match name {
        "Z" | "UTC" | "GMT" => "UTC",
        "EST" | "EDT" => "America/New_York",
        "CST" | "CDT" => "America/Chicago",
        "MST" | "MDT" => "America/Denver",
        "PST" | "PDT" => "America/Los_Angeles",
        "CET" | "CEST" => "Europe/Paris",
        "IST" => "Asia/Kolkata",
        other => other.trim_start_matches("GMT").trim_start_matches("UTC"),
    };
    jiff::tz::TimeZone::get(name).ok().or_else(|| {
        let offset = jiff::fmt::strtime::parse("%:z", name).or_else(|_| jiff::fmt::strtime::parse("%z", name)).ok()?;
        offset.offset().map(jiff::tz::TimeZone::fixed)
    })
}

#[cfg(test)]
mod tests {
    use super::{parse_duration_seconds, parse_until};

    #[test]
    fn a_date_is_read_with_its_time_or_not_at_all() {
        for (text, expected) in [
            ("2030-01-31", Some("2030-01-31T00:00:00Z")),
            ("2030-1-3", Some("2030-01-03T00:00:00Z")),
            ("2030-01-31 18:30 Europe/Berlin", Some("2030-01-31T17:30:00Z")),
            ("2030-01-31T18:30", None),
            ("2030-01-31Z", None),
            ("2030-13-01", None),
        ] {
            let expected = expected.and_then(crate::words::Timestamp::parse);
            assert_eq!(parse_until(text), expected, "{text}");
        }
    }

    #[test]
    fn parts_are_read_in_their_order() {
        for (text, seconds) in [
            ("1 days 2 hours 3 minutes 4 seconds", Some(93_784)),
            ("1d 2h 3m 4s", Some(93_784)),
            ("90s", Some(90)),
            (" 2 HRS ", Some(7_200)),
            ("1h30m", Some(5_400)),
            ("4 seconds 1 day", None),
            ("ten minutes", None),
            ("10", None),
            ("5 weeks", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(parse_duration_seconds(text), seconds, "{text}");
        }
    }
}
