//! The six fields of an expression and how each moves a moment, as Spring's `CronField.Type` does.

use jiff::SignedDuration;
use jiff::civil::Time;

use super::moment::Moment;

/// What a field of an expression counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Weekday,
}

impl Unit {
    /// The fields in the order of the text.
    pub(super) const ALL: [Self; 6] = [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Month, Self::Weekday];

    /// Returns the word for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day of month",
            Self::Month => "month",
            Self::Weekday => "day of week",
        }
    }

    /// Returns what `*` stands for. Sunday is 7; 0 is only another way to write it.
    pub(super) const fn range(self) -> (u8, u8) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::Day => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (1, 7),
        }
    }

    /// Returns the names that stand for numbers, the first for 1.
    pub(super) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Month => &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
            Self::Weekday => &["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"],
            Self::Second | Self::Minute | Self::Hour | Self::Day => &[],
        }
    }

    /// Returns what the field shows at a moment.
    pub(super) fn get(self, moment: &Moment<'_>) -> i64 {
        let local = moment.local();
        i64::from(match self {
            Self::Second => local.second(),
            Self::Minute => local.minute(),
            Self::Hour => local.hour(),
            Self::Day => local.day(),
            Self::Month => local.month(),
            Self::Weekday => local.weekday().to_monday_one_offset(),
        })
    }

    /// Returns the least and greatest value at a moment: months differ in length.
    fn range_at(self, moment: &Moment<'_>) -> (i64, i64) {
        let (least, greatest) = self.range();
        match self {
            Self::Day => (1, i64::from(moment.local().days_in_month())),
            Self::Second | Self::Minute | Self::Hour | Self::Month | Self::Weekday => (least.into(), greatest.into()),
        }
    }

    /// Sets the field, leaving the others.
    fn set(self, moment: Moment<'_>, value: i64) -> Option<Moment<'_>> {
        let time = moment.local().time();
        let small = i8::try_from(value).ok()?;
        match self {
            Self::Second => moment.with_time(time.with().second(small).build().ok()?),
            Self::Minute => moment.with_time(time.with().minute(small).build().ok()?),
            Self::Hour => moment.with_time(time.with().hour(small).build().ok()?),
            Self::Day | Self::Weekday => moment.plus_days(value - self.get(&moment)),
            Self::Month => moment.plus_months(value - self.get(&moment)),
        }
    }

    /// Lets that many of the unit pass: dates on the clock, times of day in real time.
    fn plus(self, moment: Moment<'_>, amount: i64) -> Option<Moment<'_>> {
        match self {
            Self::Second => moment.plus(SignedDuration::from_secs(amount)),
            Self::Minute => moment.plus(SignedDuration::from_mins(amount)),
            Self::Hour => moment.plus(SignedDuration::from_hours(amount)),
            Self::Day | Self::Weekday => moment.plus_days(amount),
            Self::Month => moment.plus_months(amount),
        }
    }

    /// Goes forward to where the field should show `goal`; a day that the month does not have becomes the next first.
    pub(super) fn elapse_until(self, moment: Moment<'_>, goal: i64) -> Option<Moment<'_>> {
        let current = self.get(&moment);
        let (least, greatest) = self.range_at(&moment);
        if current >= goal {
            return self.plus(moment, goal + greatest - current + 1 - least);
        }
        if goal <= greatest { self.set(moment, goal) } else { self.plus(moment, greatest - current + 1) }
    }

    /// Raises the next greater field by one and sets this one to its least value.
    pub(super) fn roll_forward(self, moment: Moment<'_>) -> Option<Moment<'_>> {
        let rolled = match self {
            Self::Second => Self::Minute.plus(moment, 1),
            Self::Minute => Self::Hour.plus(moment, 1),
            Self::Hour => moment.plus_days(1),
            Self::Day => moment.plus_months(1),
            Self::Month => moment.plus_months(12),
            Self::Weekday => moment.plus_days(7),
        }?;
        self.set(rolled, self.range_at(&rolled).0)
    }

    /// Sets all smaller fields to their least value, one after another, the greatest first.
    pub(super) fn reset(self, mut moment: Moment<'_>) -> Option<Moment<'_>> {
        let steps: &[Self] = match self {
            Self::Second => &[],
            Self::Minute => &[Self::Second],
            Self::Hour => &[Self::Minute, Self::Second],
            Self::Day | Self::Weekday => &[Self::Hour, Self::Minute, Self::Second],
            Self::Month => &[Self::Day, Self::Hour, Self::Minute, Self::Second],
        };
        for unit in steps {
            moment = unit.set(moment, unit.range_at(&moment).0)?;
        }
        let time = moment.local().time();
        if time.subsec_nanosecond() == 0 { Some(moment) } else { moment.with_time(whole_second(time)?) }
    }
}

/// Returns the time of day without its part of a second.
fn whole_second(time: Time) -> Option<Time> {
    time.with().subsec_nanosecond(0).build().ok()
}
