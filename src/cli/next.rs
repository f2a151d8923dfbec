//! `keytide schedule next`: when schedules fire, and when an expression would.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::args::{Clocks, Format, Next};
use super::console::Console;
use super::error::{Error, Kind};
use crate::clock::{Clock, SystemClock};
use crate::words::Timestamp;
use crate::workflow::cron::{Cron, CronError, parse_zone};
use crate::workflow::definition::Dst;

/// How many times are listed at most.
const TIMES_MAX: usize = 10_000;

/// Lists the next times of an expression that is tried out.
pub(super) fn try_out(arguments: &Next, console: &Console) -> Result<(), Error> {
    let expression = arguments.cron.as_deref().unwrap_or_default();
    let cron = Cron::parse(expression).map_err(|error| unreadable(expression, &error))?;
    let zone = parse_zone(&arguments.zone).map_err(|error| Error::new(Kind::Usage, &error).hint(error.help()))?;
    let dst = match arguments.dst {
        Clocks::Once => Dst::Once,
        Clocks::Spring => Dst::Spring,
    };
    for advice in cron.advice() {
        console.note(&format!("{}: {}", advice.severity.as_str(), advice.message));
    }
    let times = times(&cron, &zone, dst, after(arguments)?, arguments.count);
    match console.format {
        Format::Json => console.json(&times.iter().map(|time| Value::from(time.to_string())).collect()),
        Format::Table => {
            let rows: Vec<_> = times.iter().map(|time| vec![local(*time, &zone), time.to_string()]).collect();
            console.table(&[arguments.zone.as_str(), "UTC"], &rows);
        }
    }
    if times.is_empty() {
        console.note("it never fires");
    }
    Ok(())
}

/// Returns the moment after which times are listed.
pub(super) fn after(arguments: &Next) -> Result<Timestamp, Error> {
    let Some(text) = &arguments.after else { return Ok(SystemClock.now()) };
    Timestamp::parse(text)
        .ok_or_else(|| Error::new(Kind::Usage, format!("`{text}` is no time")).hint("write it as 2026-11-20T12:00:00Z"))
}

/// Returns the next times of a cron. Each is after the one before: the few expressions on which Spring stands still end there.
fn times(cron: &Cron, zone: &TimeZone, dst: Dst, after: Timestamp, count: usize) -> Vec<Timestamp> {
    let step = |from: &Timestamp| cron.next(*from, zone, dst).filter(|next| next > from);
    std::iter::successors(step(&after), step).take(count.min(TIMES_MAX)).collect()
}

/// Returns a time as clocks show it, with its offset.
pub(super) fn local(time: Timestamp, zone: &TimeZone) -> String {
    jiff::Timestamp::from_millisecond(time.as_millis())
        .map(|instant| instant.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S %:z").to_string())
        .unwrap_or_default()
}

fn unreadable(expression: &str, error: &CronError) -> Error {
    let mut said = Error::new(Kind::Usage, format!("`{expression}`: {}", error.message));
    if let Some(help) = &error.help {
        said = said.hint(help);
    }
    if let Some(fix) = &error.fix {
        said = said.hint(format!("try `{fix}`"));
    }
    said
}
