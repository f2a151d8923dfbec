//! Cron expressions as Spring's `CronExpression`, and so Conductor, reads them: six fields, seconds first, weekdays from
//! Monday = 1 to Sunday = 7 (or 0), day of month *and* day of week, `L W #` and macros.
//!
//! The evaluator is Spring's own: fields are bit masks, and a search moves a moment forward field by field until nothing
//! moves it. [`Dst::Spring`] runs it on the zone's clock and gives Spring's answers to the bit; [`Dst::Once`] runs it on a
//! clock without a zone and then asks when the zone's clocks show that time.
//!
//! **Architecture Invariant:** nothing here reads the time; every search is bounded and ends within milliseconds, also for
//! an expression that never matches.

mod advice;
mod error;
mod fault;
mod field;
mod moment;
mod once;
mod parse;
mod unit;
mod words;
mod zone;

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp as Instant};

use self::field::{ATTEMPTS_MAX, Days, next_or_same};
use self::moment::Moment;
use self::unit::Unit;
use crate::words::Timestamp;
use crate::workflow::definition::Dst;

pub use self::error::{CronAdvice, CronError};
pub use self::zone::{UnknownZone, parse_zone};

/// A cron expression, ready to be asked for the next time. About 100 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cron {
    text: Box<str>,
    seconds: u64,
    minutes: u64,
    hours: u64,
    months: u64,
    days: Days,
    weekdays: Days,
    counts_hours: bool,
}

impl Cron {
    /// Reads an expression, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        parse::parse(text)
    }

    /// Returns the first time after `after` at which the expression fires in `zone`; none if it never does.
    ///
    /// [`Dst::Spring`] includes the few cases in which Spring itself steps on the spot, as `L-31`, or `0 27 * * * *` in an
    /// overlap of half an hour: there the answer is not after `after`, and a caller that waits for it must see to it.
    pub fn next(&self, after: Timestamp, zone: &TimeZone, dst: Dst) -> Option<Timestamp> {
        let after = Instant::from_millisecond(after.as_millis()).ok()?;
        let found = match dst {
            Dst::Spring => self.next_moment(Moment::at(after, zone))?.instant()?,
            Dst::Once if self.counts_hours => once::next_in_real_time(after, zone, |local| self.next_local(local))?,
            Dst::Once => once::next_on_clock(after, zone, |local| self.next_local(local))?,
        };
        Some(Timestamp::from_millis(found.as_millisecond()))
    }

    /// Tells whether no date fits, as the 31st of February.
    pub fn never_fires(&self) -> bool {
        self.next_local(DateTime::constant(2000, 1, 1, 0, 0, 0, 0)).is_none()
    }

    /// Returns the expression in words, as `at 03:00, on Monday to Friday`.
    pub fn words(&self) -> String {
        words::of(self)
    }

    /// Returns what is odd about the expression although it can be read.
    pub fn advice(&self) -> Vec<CronAdvice> {
        advice::of(self)
    }

    /// Returns the next match after `local` on a clock without a zone.
    ///
    /// A few expressions (`L-31`) make Spring's search step back; here that counts as no match.
    fn next_local(&self, local: DateTime) -> Option<DateTime> {
        let no_zone = TimeZone::UTC;
        let start = Moment::at(Offset::UTC.to_timestamp(local).ok()?, &no_zone);
        Some(self.next_moment(start)?.local()).filter(|next| *next > local)
    }

    /// Moves `start` forward until no field moves it any more.
    fn next_moment<'z>(&self, start: Moment<'z>) -> Option<Moment<'z>> {
        let mut moment = start.plus(SignedDuration::from_nanos(1))?;
        for _ in 0..ATTEMPTS_MAX {
            let moved = self.moved(moment)?;
            if moved == moment {
                return Some(moment);
            }
            moment = moved;
        }
        None
    }

    /// Lets each field move the moment once, the great ones first.
    fn moved<'z>(&self, moment: Moment<'z>) -> Option<Moment<'z>> {
        let moment = self.weekdays.next_or_same(Unit::Weekday, moment)?;
        let moment = next_or_same(self.months, Unit::Month, moment)?;
        let moment = self.days.next_or_same(Unit::Day, moment)?;
        let moment = next_or_same(self.hours, Unit::Hour, moment)?;
        let moment = next_or_same(self.minutes, Unit::Minute, moment)?;
        let moment = next_or_same(self.seconds, Unit::Second, moment)?;
        match moment.local().subsec_nanosecond() {
            0 => Some(moment),
            nanos => moment.plus(SignedDuration::from_nanos(1_000_000_000 - i64::from(nanos))),
        }
    }
}

impl fmt::Display for Cron {
    /// Prints the expression as it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
