//! Times: how long ago or from now, and exactly, with the zone, to whoever asks.

use std::time::Duration;

use maud::{Markup, html};

use crate::words::Timestamp;

/// Returns a time as people say it; the exact one shows on hover, and the script adds that of their own zone.
pub(in crate::ui) fn moment(at: Timestamp, now: Timestamp) -> Markup {
    let said = if at > now { format!("in {}", span(at.since(now))) } else { format!("{} ago", span(now.since(at))) };
    let said = if at.since(now).max(now.since(at)) < Duration::from_secs(1) { "now".to_owned() } else { said };
    html! { time datetime=(at) title=(exact(at)) { (said) } }
}

/// Returns how old something is; the moment when it began shows on hover.
pub(in crate::ui) fn age(since: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(since) title=(exact(since)) { (span(now.since(since))) } }
}

/// Returns a time to the second, with its zone.
pub(in crate::ui) fn exact(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.as_millis());
    moment.map_or_else(|_| "never".to_owned(), |moment| moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Returns a length of time in its two largest units.
pub(in crate::ui) fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..600 if !seconds.is_multiple_of(60) => format!("{minutes} min {} s", seconds % 60),
        60..3_600 => format!("{minutes} min"),
        3_600..86_400 if !minutes.is_multiple_of(60) => format!("{hours} h {} min", minutes % 60),
        3_600..86_400 => format!("{hours} h"),
        86_400..864_000 if !hours.is_multiple_of(24) => format!("{} {} h", counted(days, "day"), hours % 24),
        _ => counted(days, "day"),
    }
}

/// Returns how long something took: what is short, to the millisecond.
pub(in crate::ui) fn took(length: Duration) -> String {
    match length.as_millis() {
        millis @ 0..1_000 => format!("{millis} ms"),
        millis @ 1_000..10_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => span(length),
    }
}

/// Returns how many of something there are.
pub(in crate::ui) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{exact, moment, span, took};
    use crate::words::Timestamp;

    #[test]
    fn a_length_of_time_is_said_in_two_units() {
        for (seconds, said) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (5_400, "1 h 30 min"),
            (86_400, "1 day"),
            (90_000, "1 day 1 h"),
            (864_000, "10 days"),
            (31_536_000, "365 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn what_is_short_is_told_to_the_millisecond() {
        for (millis, said) in [(0, "0 ms"), (999, "999 ms"), (1_000, "1.0 s"), (9_960, "9.9 s"), (10_000, "10 s")] {
            assert_eq!(took(Duration::from_millis(millis)), said);
        }
    }

    #[test]
    fn a_time_is_said_from_now_and_told_exactly() {
        let now = Timestamp::parse("2026-11-20T12:00:00Z").unwrap();
        let said = |at: &str| moment(Timestamp::parse(at).unwrap(), now).into_string();
        assert_eq!(
            said("2026-11-20T13:30:00Z"),
            "<time datetime=\"2026-11-20T13:30:00Z\" title=\"2026-11-20 13:30:00 UTC\">in 1 h 30 min</time>"
        );
        assert!(said("2026-11-20T11:59:00Z").contains(">1 min ago<"));
        assert!(said("2026-11-20T12:00:00.5Z").contains(">now<"));
        assert_eq!(exact(Timestamp::MAX), "never");
    }
}
