//! `dst: once` against its own definition, spelled out minute by minute, and against another evaluator.

use std::collections::BTreeSet;

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp as Instant, ToSpan};

use super::{next_times, zone};
use crate::words::Timestamp;
use crate::workflow::cron::Cron;
use crate::workflow::definition::Dst;

/// Zones with an hour, half an hour, a midnight gap, a whole missing day, both hemispheres, and none at all.
const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Asia/Beirut",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Antarctica/Troll",
];

/// A small generator (xorshift), so that every failure repeats.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[usize::try_from(self.roll(choices.len() as u64)).unwrap()]
    }
}

/// Returns when the local time `local` fires by the law of `dst: once`, found by looking at every minute.
fn fires_at(local: DateTime, zone: &TimeZone) -> Instant {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(local).unwrap()
        }
        AmbiguousOffset::Gap { after, .. } => {
            let mut instant = after.to_timestamp(local).unwrap();
            while zone.to_datetime(instant) < local {
                instant += SignedDuration::from_mins(1);
            }
            instant
        }
    }
}

/// Returns all times of an expression from `from` to `to`, found by looking at every minute.
fn by_definition(minutes: &[i8], hours: Option<&[i8]>, from: Instant, to: Instant, zone: &TimeZone) -> Vec<i64> {
    let matches = |local: DateTime| {
        local.second() == 0
            && minutes.contains(&local.minute())
            && hours.is_none_or(|hours| hours.contains(&local.hour()))
    };
    let mut found = BTreeSet::new();
    if hours.is_some() {
        let mut local = zone.to_datetime(from) - 2.days();
        while local < zone.to_datetime(to) + 2.days() {
            if matches(local) {
                found.insert(fires_at(local, zone));
            }
            local += 1.minute();
        }
    } else {
        let mut instant = from;
        while instant <= to {
            if matches(zone.to_datetime(instant)) {
                found.insert(instant);
            }
            instant += SignedDuration::from_mins(1);
        }
    }
    found.into_iter().filter(|instant| *instant > from && *instant <= to).map(Instant::as_millisecond).collect()
}

/// An expression with the minutes and hours it names; no hours where it counts them.
type Case = (&'static str, &'static [i8], Option<&'static [i8]>);

#[test]
fn around_every_change_of_the_clocks_once_is_what_its_definition_says() {
    let cases: [Case; 9] = [
        ("0 30 2 * * *", &[30], Some(&[2])),
        ("0 30 1 * * *", &[30], Some(&[1])),
        ("0 0 0 * * *", &[0], Some(&[0])),
        ("0 0,30 1-2 * * *", &[0, 30], Some(&[1, 2])),
        ("0 */20 0,1,3 * * *", &[0, 20, 40], Some(&[0, 1, 3])),
        ("0 15 23 * * *", &[15], Some(&[23])),
        ("0 */30 * * * *", &[0, 30], None),
        ("0 5 * * * *", &[5], None),
        ("0 0,45 */1 * * *", &[0, 45], None),
    ];
    let mut windows = 0;
    for name in ZONES {
        let zone = zone(name);
        let start: Instant = "2011-01-01T00:00:00Z".parse().unwrap();
        let changes: Vec<_> = zone.following(start).map(|change| change.timestamp()).take(4).collect();
        for change in changes {
            let (from, to) = (change - 30.hours(), change + 30.hours());
            for (text, minutes, hours) in cases {
                let cron = Cron::parse(text).unwrap();
                let expected = by_definition(minutes, hours, from, to, &zone);
                let found = next_times(&cron, from.as_millisecond(), &zone, Dst::Once, expected.len());
                assert_eq!(found, expected, "{text} in {name} around {change}");
                // From inside of any pass the answer is the same one.
                let mut probe = change - 2.hours();
                while probe < change + 2.hours() {
                    let next = cron.next(Timestamp::from_millis(probe.as_millisecond()), &zone, Dst::Once);
                    let law = expected.iter().find(|time| **time > probe.as_millisecond());
                    assert_eq!(next.map(Timestamp::as_millis).as_ref(), law, "{text} in {name} after {probe}");
                    probe += SignedDuration::from_mins(11);
                }
                windows += 1;
            }
        }
    }
    assert!(windows > 300, "{windows}");
}

#[test]
fn a_day_that_never_was_fires_at_its_end() {
    let apia = zone("Pacific/Apia");
    let from = Timestamp::parse("2011-12-29T12:00:00-10:00").unwrap().as_millis();
    let cron = Cron::parse("0 0 18 * * *").unwrap();
    let times: Vec<_> = next_times(&cron, from, &apia, Dst::Once, 3)
        .into_iter()
        .map(|time| apia.to_datetime(Instant::from_millisecond(time).unwrap()).to_string())
        .collect();
    assert_eq!(times, ["2011-12-29T18:00:00", "2011-12-31T00:00:00", "2011-12-31T18:00:00"]);
}

/// Returns a random expression that croner reads as Spring does: it takes `*/n` in the weekday field in another way.
fn expression(dice: &mut Dice) -> String {
    let number = dice.roll(60).to_string();
    let second = dice.one_of(&["0", "0", "30", "*/20", "5-9"]).to_owned();
    let minute = dice.one_of(&["0", "*/7", "3,17,44", &number, "*"]).to_owned();
    let hour = dice.one_of(&["0", "2", "*", "*/5", "1-4", "9-17/2", "23"]).to_owned();
    let day = dice.one_of(&["*", "*", "1", "31", "*/9", "L", "LW", "15W", "1W", "10-20"]).to_owned();
    let month = dice.one_of(&["*", "*", "2", "JAN,jul", "*/3", "11"]).to_owned();
    let weekday = dice.one_of(&["*", "*", "?", "1", "MON-FRI", "0", "7", "FRI#2", "5L", "6,0"]).to_owned();
    [second, minute, hour, day, month, weekday].join(" ")
}

#[test]
fn another_evaluator_finds_the_same_times_where_clocks_do_not_change() {
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Disallowed)
        .dom_and_dow(true)
        .sloppy_ranges(true)
        .build();
    let mut dice = Dice(0x006b_6579_7469_6465);
    let mut compared = 0;
    for _ in 0..150 {
        let text = expression(&mut dice);
        let cron = Cron::parse(&text).unwrap();
        let other = parser.parse(&text).unwrap();
        let mut after = Timestamp::parse("2020-01-01T00:00:00Z")
            .unwrap()
            .plus(std::time::Duration::from_secs(dice.roll(600_000_000)));
        for _ in 0..4 {
            let start = Instant::from_millisecond(after.as_millis()).unwrap().to_zoned(TimeZone::UTC);
            let theirs = other.find_next_occurrence(&start, false).ok();
            let ours = cron.next(after, &TimeZone::UTC, Dst::Once);
            let spring = cron.next(after, &TimeZone::UTC, Dst::Spring);
            assert_eq!(ours, spring, "{text} after {after}");
            assert_eq!(
                ours.map(Timestamp::as_millis),
                theirs.map(|time| time.timestamp().as_millisecond()),
                "{text} after {after}"
            );
            let Some(ours) = ours else { break };
            after = ours;
            compared += 1;
        }
    }
    assert!(compared > 400, "{compared}");
}

#[test]
fn times_only_ever_grow_in_every_zone_for_twenty_years() {
    let mut dice = Dice(20_261_120);
    let zones = ZONES.map(zone);
    for _ in 0..60 {
        let text = expression(&mut dice);
        let cron = Cron::parse(&text).unwrap();
        for zone in &zones {
            let mut after = Timestamp::parse("2020-01-01T00:00:00Z").unwrap();
            while after < Timestamp::parse("2040-01-01T00:00:00Z").unwrap() {
                let Some(next) = cron.next(after, zone, Dst::Once) else { break };
                assert!(next > after, "{text} {zone:?} after {after}: {next}");
                // A leap forward now and then, to see all of the years.
                let leap = std::time::Duration::from_secs(dice.roll(200 * 86_400));
                after = if dice.roll(2) == 0 { next } else { next.plus(leap) };
            }
        }
    }
}
