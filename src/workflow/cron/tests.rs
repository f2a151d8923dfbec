mod once;

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{Cron, parse_zone};
use crate::words::Timestamp;
use crate::workflow::definition::Dst;

#[derive(Deserialize)]
struct Vector {
    cron: String,
    valid: bool,
    #[serde(default)]
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    zone: String,
    from: i64,
    next: Vec<i64>,
}

/// Returns what Spring 6.2.19 answered: many expressions in five zones, and a few around awkward changes of the
/// clocks (a gap at midnight, of two hours, of a day; an overlap of half an hour).
fn vectors() -> Vec<Vector> {
    let everyday = include_str!("../../../tests/vectors/spring-cron.json");
    let awkward = include_str!("../../../tests/vectors/spring-cron-gaps.json");
    // A draw of random ones, asked of Spring 6.2.19 as the others were; of 27,000 such it answered none otherwise than we do.
    let random = include_str!("../../../tests/vectors/spring-cron-random.json");
    [everyday, awkward, random].iter().flat_map(|text| serde_json::from_str::<Vec<Vector>>(text).unwrap()).collect()
}

fn zone(name: &str) -> TimeZone {
    parse_zone(name).unwrap()
}

fn next_times(cron: &Cron, from: i64, zone: &TimeZone, dst: Dst, count: usize) -> Vec<i64> {
    let mut after = Timestamp::from_millis(from);
    let mut found = Vec::new();
    for _ in 0..count {
        match cron.next(after, zone, dst) {
            Some(next) => {
                found.push(next.as_millis());
                after = next;
            }
            None => break,
        }
    }
    found
}

#[test]
fn spring_takes_and_refuses_the_same_expressions() {
    for vector in vectors() {
        let parsed = Cron::parse(&vector.cron);
        assert_eq!(parsed.is_ok(), vector.valid, "{:?}: {parsed:?}", vector.cron);
    }
}

#[test]
fn spring_gives_the_same_times_in_every_row() {
    let mut rows = 0;
    let mut wrong = Vec::new();
    for vector in vectors() {
        for run in vector.runs {
            let cron = Cron::parse(&vector.cron).unwrap();
            let found = next_times(&cron, run.from, &zone(&run.zone), Dst::Spring, run.next.len().max(1));
            rows += 1;
            if found != run.next {
                wrong.push(format!("{} {} from {}:\n  {found:?}\n  {:?}", vector.cron, run.zone, run.from, run.next));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {rows} rows\n{}", wrong.len(), wrong.join("\n"));
    assert!(rows > 2900);
}

#[test]
fn what_never_matches_ends_soon_and_says_so() {
    for text in ["0 0 0 31 2 ?", "0 0 0 30 2 *", "0 0 0 31 4,6,9,11 *", "0 0 0 * * MON#6"] {
        let cron = Cron::parse(text).unwrap();
        assert!(cron.never_fires(), "{text}");
        for dst in [Dst::Once, Dst::Spring] {
            assert_eq!(cron.next(Timestamp::EPOCH, &zone("Europe/Berlin"), dst), None, "{text}");
        }
        assert!(cron.advice().iter().any(|advice| advice.message.contains("never fires")), "{text}");
    }
    assert!(!Cron::parse("0 0 0 29 FEB MON").unwrap().never_fires());
}

#[test]
fn a_zone_without_end_of_time_gives_none_at_the_end_of_time() {
    let cron = Cron::parse("* * * * * *").unwrap();
    for dst in [Dst::Once, Dst::Spring] {
        assert_eq!(cron.next(Timestamp::MAX, &TimeZone::UTC, dst), None);
        let last = Timestamp::parse("9999-12-30T21:59:59Z").unwrap();
        let _ = cron.next(last, &zone("America/New_York"), dst);
    }
}

/// Compares everything that people see of an expression that cannot be read.
fn check(text: &str, at: &str, message: &str, help: &str, fix: Option<&str>) {
    let error = Cron::parse(text).expect_err(text);
    assert_eq!(error.message, message);
    assert_eq!(error.help.as_deref().unwrap_or_default(), help, "{text}");
    assert_eq!(&text[error.span.start..error.span.end], at, "{text}");
    assert_eq!(error.fix.as_deref(), fix, "{text}");
    if let Some(fix) = fix {
        Cron::parse(fix).expect("a fix can be read");
    }
}

#[test]
fn five_fields_become_six_in_the_fix() {
    let message = "the expression has five fields instead of six";
    check("*/5 * * * *", "*/5 * * * *", message, "seconds come first: write `0 */5 * * * *`", Some("0 */5 * * * *"));
    check(
        "0 3 1 * MON",
        "0 3 1 * MON",
        message,
        "seconds come first; and where day of month and day of week are both given, both must match here, while in a \
         crontab one is enough",
        None,
    );
}

#[test]
fn other_numbers_of_fields_are_counted() {
    let six = "write six fields: second, minute, hour, day of month, month, day of week";
    check("", "", "the expression is empty", six, None);
    check("0", "0", "the expression has 1 field instead of six", six, None);
    let year = "a year cannot be given; `scheduleStartTime` and `scheduleEndTime` bound a schedule";
    let message = "the expression has seven fields instead of six";
    check("0 0 3 * * ? *", "0 0 3 * * ? *", message, year, Some("0 0 3 * * ?"));
    check("0 0 3 * * ? 2030", "0 0 3 * * ? 2030", message, year, None);
}

#[test]
fn an_unknown_macro_gets_the_expression_it_means() {
    check("@every 5m", "@every 5m", "`@every` is not known", "write `0 */5 * * * *`", Some("0 */5 * * * *"));
    check(
        "@every 7h",
        "@every 7h",
        "`@every` is not known",
        "write six fields; `0 */5 * * * *` fires every five minutes",
        None,
    );
    check("@dayly", "@dayly", "`@dayly` is not known", "did you mean `@daily`?", Some("@daily"));
    let help = "a schedule fires by the clock only; start the workflow by hand where it must run at once";
    check("@reboot", "@reboot", "`@reboot` is not known", help, None);
}

#[test]
fn a_wrong_item_is_named_with_its_field_and_underlined_alone() {
    check("* 60 * * * *", "60", "minute: 60 is out of range", "minutes are 0 to 59", None);
    check("0 0 24 * * *", "24", "hour: 24 is out of range", "midnight is hour 0", None);
    check("0 0 1,25,3 * * *", "25", "hour: 25 is out of range", "hours are 0 to 23", None);
    check(
        "0 0 22-2 * * *",
        "22-2",
        "hour: the range `22-2` runs backwards",
        "a range does not wrap around; write `22-23,0-2`",
        Some("0 0 22-23,0-2 * * *"),
    );
    let weekdays = "days of the week are MON to SUN, or 1 (Monday) to 7 (Sunday); 0 is Sunday too";
    check("0 0 0 * * MONDAY", "MONDAY", "day of week: `1DAY` is not a number", weekdays, Some("0 0 0 * * MON"));
    check("0 0 0 * * 8", "8", "day of week: 8 is out of range", weekdays, None);
    check(
        "0 ? 0 * * *",
        "?",
        "minute: `?` stands only for a day of month or a day of week",
        "write `*`",
        Some("0 * 0 * * *"),
    );
    check("1,,2 * * * * *", "1,,2", "second: a value is missing at a comma", "", None);
    let rules = "write `FRIL` for the last Friday of the month, `FRI#2` for the second";
    check("0 0 0 * * MON#0", "MON#0", "day of week: `1#0` cannot be read", rules, None);
    check("0/0 * * * * *", "0/0", "second: the step of `0/0` is not 1 or more", "", None);
}

#[test]
fn odd_steps_and_numbered_weekdays_are_pointed_out() {
    let advice = Cron::parse("0 */70 * * * 1-5").unwrap().advice();
    let seen: Vec<_> = advice.iter().map(|advice| (advice.message.as_str(), advice.span.start)).collect();
    assert_eq!(
        seen,
        [("minute: a step of 70 only ever hits 0", 2), ("days of the week count from Monday = 1 to Sunday = 7", 13)]
    );
    assert_eq!(Cron::parse("0 0/20 9-17 * * MON-FRI").unwrap().advice(), []);
    assert_eq!(Cron::parse("@weekly").unwrap().advice(), []);
}

#[test]
fn zones_are_iana_names_and_a_wrong_one_gets_the_nearest() {
    assert!(parse_zone("Europe/Berlin").is_ok());
    assert!(parse_zone("UTC").is_ok());
    for (name, nearest) in [
        ("Europe/Berln", Some("Europe/Berlin")),
        ("europe/berlin", Some("Europe/Berlin")),
        ("Berlin", Some("Europe/Berlin")),
        ("+02:00", None),
        ("", None),
        ("../etc/passwd", None),
    ] {
        assert_eq!(parse_zone(name).unwrap_err().nearest.as_deref(), nearest, "{name}");
    }
}

#[test]
fn an_expression_is_small() {
    assert!(size_of::<Cron>() <= 100, "{}", size_of::<Cron>());
}
