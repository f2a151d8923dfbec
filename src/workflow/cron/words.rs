//! An expression in words, made of what it admits and not of how it is written: what two people wrote differently reads the
//! same where it is the same.

use std::ops::RangeInclusive;

use super::Cron;
use super::field::{DayRule, Days};

/// How many times of a day are told one by one; of more, hours and minutes are told apart.
const TIMES_MAX: usize = 6;

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// What a field admits.
enum Admits {
    All,
    One(u32),
    /// Every so many, from the lowest on.
    Every(u32),
    Some(Vec<u32>),
}

impl Admits {
    fn of(bits: u64, range: RangeInclusive<u32>) -> Self {
        let (low, high) = (*range.start(), *range.end());
        let values: Vec<u32> = range.filter(|value| bits >> value & 1 == 1).collect();
        match values[..] {
            [one] => Self::One(one),
            _ if values.len() == (low..=high).count() => Self::All,
            [first, second, ..] if first == low => {
                let step = second - first;
                let is_even = (low..=high).step_by(step as usize).eq(values.iter().copied());
                if is_even { Self::Every(step) } else { Self::Some(values) }
            }
            _ => Self::Some(values),
        }
    }

    /// Returns the values where they are few.
    fn values(&self) -> Option<&[u32]> {
        match self {
            Self::One(value) => Some(std::slice::from_ref(value)),
            Self::Some(values) => Some(values),
            Self::All | Self::Every(_) => None,
        }
    }

    /// Returns which of a unit it admits, as `every 5 minutes` or `minutes 0, 30 to 35`.
    fn said(&self, unit: &str) -> String {
        match self {
            Self::All => format!("every {unit}"),
            Self::Every(step) => format!("every {step} {unit}s"),
            Self::One(value) => format!("{unit} {value}"),
            Self::Some(values) => format!("{unit}s {}", list(values, u32::to_string)),
        }
    }
}

/// Returns an expression in words, as `at 03:00, on Monday to Friday`.
pub(super) fn of(cron: &Cron) -> String {
    let days = days(&cron.days, &cron.weekdays);
    let months = match Admits::of(cron.months, 1..=12) {
        Admits::All => None,
        Admits::One(month) => Some(format!("in {}", name(&MONTHS, month))),
        Admits::Every(_) | Admits::Some(_) => {
            let months: Vec<u32> = (1..=12).filter(|month| cron.months >> month & 1 == 1).collect();
            Some(format!("in {}", list(&months, |month| name(&MONTHS, *month))))
        }
    };
    [Some(time(cron)), days, months].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn time(cron: &Cron) -> String {
    let seconds = Admits::of(cron.seconds, 0..=59);
    let minutes = Admits::of(cron.minutes, 0..=59);
    let hours = Admits::of(cron.hours, 0..=23);
    if let Some(times) = times(&hours, &minutes, &seconds) {
        return format!("at {times}");
    }
    let hour = |said: String| match &hours {
        Admits::All => said,
        other => format!("{said} of {}", other.said("hour")),
    };
    match (&seconds, &minutes) {
        (Admits::All | Admits::Every(_), Admits::All) => hour(seconds.said("second")),
        (Admits::One(0), Admits::All | Admits::Every(_)) => hour(minutes.said("minute")),
        (Admits::One(0), _) => match hours {
            Admits::All => format!("every hour at {}", minutes.said("minute")),
            Admits::Every(_) => format!("{} at {}", hours.said("hour"), minutes.said("minute")),
            Admits::One(_) | Admits::Some(_) => hour(format!("at {}", minutes.said("minute"))),
        },
        _ => hour(format!("at {} of {}", seconds.said("second"), minutes.said("minute"))),
    }
}

/// Returns the times of a day, where they are few.
fn times(hours: &Admits, minutes: &Admits, seconds: &Admits) -> Option<String> {
    let Admits::One(second) = seconds else { return None };
    let (hours, minutes) = (hours.values()?, minutes.values()?);
    if hours.len() * minutes.len() > TIMES_MAX {
        return None;
    }
    let second = if *second == 0 { String::new() } else { format!(":{second:02}") };
    let times = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| (hour, minute)));
    Some(times.map(|(hour, minute)| format!("{hour:02}:{minute:02}{second}")).collect::<Vec<_>>().join(", "))
}

fn days(days: &Days, weekdays: &Days) -> Option<String> {
    match (days_of_month(days), days_of_week(weekdays)) {
        (None, None) => None,
        (Some(days), None) => Some(format!("on {days}")),
        (None, Some(weekdays)) => Some(format!("on {weekdays}")),
        // Both must fit.
        (Some(days), Some(weekdays)) => Some(format!("on {days} where that is also {weekdays}")),
    }
}

fn days_of_month(days: &Days) -> Option<String> {
    match days {
        Days::Bits(bits) => numbers(*bits),
        Days::List(rules) => Some(any_of(rules)),
    }
}

fn numbers(bits: u64) -> Option<String> {
    match Admits::of(bits, 1..=31) {
        Admits::All => None,
        Admits::One(day) => Some(format!("day {day} of the month")),
        Admits::Every(step) => Some(format!("every {step} days from the first of the month")),
        Admits::Some(days) => Some(format!("days {} of the month", list(&days, u32::to_string))),
    }
}

fn days_of_week(days: &Days) -> Option<String> {
    match days {
        Days::Bits(bits) => {
            // Sunday is 0 and 7.
            let bits = bits | (bits & 1) << 7;
            let days: Vec<u32> = (1..=7).filter(|day| bits >> day & 1 == 1).collect();
            (days.len() < 7).then(|| list(&days, |day| name(&WEEKDAYS, *day)))
        }
        Days::List(rules) => Some(any_of(rules)),
    }
}

fn any_of(rules: &[DayRule]) -> String {
    rules.iter().map(|rule| rule_said(*rule)).collect::<Vec<_>>().join(" or ")
}

fn rule_said(rule: DayRule) -> String {
    match rule {
        DayRule::Bits(bits) => numbers(bits).unwrap_or_else(|| "every day".to_owned()),
        DayRule::Last => "the last day of the month".to_owned(),
        DayRule::LastWeekday => "the last working day of the month".to_owned(),
        DayRule::BeforeLast(offset) => format!("{} days before the last of the month", offset.unsigned_abs()),
        DayRule::NearestWeekday(day) => format!("the working day nearest to day {day} of the month"),
        DayRule::LastOf(day) => format!("the last {} of the month", name(&WEEKDAYS, day.into())),
        DayRule::Nth(day, nth) => format!("{} number {nth} of the month", name(&WEEKDAYS, day.into())),
    }
}

fn name(names: &[&str], number: u32) -> String {
    let index = number.checked_sub(1).and_then(|index| usize::try_from(index).ok());
    // Sunday is 0 as well.
    index.and_then(|index| names.get(index)).or(names.last()).map(|name| (*name).to_owned()).unwrap_or_default()
}

/// Returns values by commas, three in a row and more as `9 to 17`.
fn list(values: &[u32], said: impl Fn(&u32) -> String) -> String {
    let rows = values.chunk_by(|before, after| before + 1 == *after);
    let parts = rows.flat_map(|row| match row {
        [first, _, .., last] => vec![format!("{} to {}", said(first), said(last))],
        few => few.iter().map(&said).collect(),
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::workflow::cron::Cron;

    #[test]
    fn an_expression_reads_as_what_it_does() {
        for (cron, words) in [
            ("* * * * * *", "every second"),
            ("*/10 * * * * *", "every 10 seconds"),
            ("0 * * * * *", "every minute"),
            ("0 */5 * * * *", "every 5 minutes"),
            ("0 0 * * * *", "every hour at minute 0"),
            ("0 0,30 * * * *", "every 30 minutes"),
            ("0 5,35 * * * *", "every hour at minutes 5, 35"),
            ("0 15 */6 * * *", "every 6 hours at minute 15"),
            ("0 0 3 * * *", "at 03:00"),
            ("30 0 3,15 * * *", "at 03:00:30, 15:00:30"),
            ("0 0/15 9-17 * * MON-FRI", "every 15 minutes of hours 9 to 17, on Monday to Friday"),
            ("0 7 9-17 * * *", "at minute 7 of hours 9 to 17"),
            ("5 * * * * *", "at second 5 of every minute"),
            ("@daily", "at 00:00"),
            ("@weekly", "at 00:00, on Sunday"),
            ("0 0 0 1 1 *", "at 00:00, on day 1 of the month, in January"),
            ("0 0 0 1,15 * *", "at 00:00, on days 1, 15 of the month"),
            ("0 0 0 13 * FRI", "at 00:00, on day 13 of the month where that is also Friday"),
            ("0 0 0 L * *", "at 00:00, on the last day of the month"),
            ("0 0 0 LW * *", "at 00:00, on the last working day of the month"),
            ("0 0 0 L-3 * *", "at 00:00, on 3 days before the last of the month"),
            ("0 0 0 15W * *", "at 00:00, on the working day nearest to day 15 of the month"),
            ("0 0 0 * * FRIL", "at 00:00, on the last Friday of the month"),
            ("0 0 0 * * MON#2", "at 00:00, on Monday number 2 of the month"),
            ("0 0 0 * * SAT,SUN", "at 00:00, on Saturday, Sunday"),
            ("0 0 0 * 1-3,7 *", "at 00:00, in January to March, July"),
            ("0 0 0 * * 0", "at 00:00, on Sunday"),
        ] {
            assert_eq!(Cron::parse(cron).unwrap().words(), words, "{cron}");
        }
    }
}
