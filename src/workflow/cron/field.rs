//! What a field of an expression admits, and the search for it, as Spring's `BitsCronField` and `QuartzCronField` do it.

use jiff::civil::Time;

use super::moment::Moment;
use super::unit::Unit;

/// How often a search may start again before the expression counts as one that never matches. It is Spring's number, and
/// so part of the dialect.
pub(super) const ATTEMPTS_MAX: usize = 366;

const SATURDAY: i64 = 6;
const SUNDAY: i64 = 7;

/// What a day field admits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Days {
    /// Numbers only.
    Bits(u64),
    /// A list with `L`, `W` or `#` in it: the earliest of its parts counts.
    List(Box<[DayRule]>),
}

/// One part of a day field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum DayRule {
    /// Numbers.
    Bits(u64),
    /// `L`.
    Last,
    /// `LW`.
    LastWeekday,
    /// `L-n`, as the number of days to add to the last one.
    BeforeLast(i32),
    /// `nW`.
    NearestWeekday(u8),
    /// `dL`.
    LastOf(u8),
    /// `d#n`.
    Nth(u8, i32),
}

impl Days {
    /// Returns the first moment from `moment` on that the field admits.
    pub(super) fn next_or_same<'z>(&self, unit: Unit, moment: Moment<'z>) -> Option<Moment<'z>> {
        match self {
            Self::Bits(bits) => next_or_same(*bits, unit, moment),
            Self::List(rules) => rules
                .iter()
                .filter_map(|rule| {
                    let found = rule.next_or_same(unit, moment)?;
                    Some((found.instant()?, found))
                })
                .min_by_key(|(instant, _)| *instant)
                .map(|(_, found)| found),
        }
    }
}

impl DayRule {
    fn next_or_same(self, unit: Unit, moment: Moment<'_>) -> Option<Moment<'_>> {
        if let Self::Bits(bits) = self {
            return next_or_same(bits, unit, moment);
        }
        let found = self.adjust(moment)?;
        if found.instant()? >= moment.instant()? {
            return Some(found);
        }
        // This month's day lies behind: the next month's.
        unit.reset(self.adjust(Unit::Day.roll_forward(moment)?)?)
    }

    /// Returns the day in the month of `moment`, at midnight, or `moment` itself where it is that day.
    fn adjust(self, moment: Moment<'_>) -> Option<Moment<'_>> {
        let last = i64::from(moment.local().days_in_month()) - Unit::Day.get(&moment);
        let found = match self {
            Self::Bits(_) => return Some(moment),
            Self::NearestWeekday(day) => return nearest_weekday(moment, day.into()),
            Self::Nth(weekday, ordinal) => return nth_weekday(moment, weekday.into(), ordinal.into()),
            Self::Last => moment.plus_days(last)?,
            Self::BeforeLast(offset) => moment.plus_days(last)?.plus_days(offset.into())?,
            Self::LastWeekday => {
                let end = moment.plus_days(last)?;
                end.plus_days((5 - Unit::Weekday.get(&end)).min(0))?
            }
            Self::LastOf(weekday) => {
                let end = moment.plus_days(last)?;
                end.plus_days(-(Unit::Weekday.get(&end) - i64::from(weekday)).rem_euclid(7))?
            }
        };
        at_midnight_unless_today(moment, found)
    }
}

/// Returns `found` at midnight, or `moment` where it is that day already, so that the search does not step back.
fn at_midnight_unless_today<'z>(moment: Moment<'z>, found: Moment<'z>) -> Option<Moment<'z>> {
    if found.local().day() == moment.local().day() { Some(moment) } else { found.with_time(Time::midnight()) }
}

/// Returns the nth such weekday of the month; where the month has no such day, of the next month that has it.
fn nth_weekday(mut moment: Moment<'_>, weekday: i64, ordinal: i64) -> Option<Moment<'_>> {
    // Every month of a year may be too short, but then the search has seen every kind of month.
    for _ in 0..12 {
        let first = moment.plus_days(1 - Unit::Day.get(&moment))?;
        let to_first = (weekday - Unit::Weekday.get(&first)).rem_euclid(7);
        let found = first.plus_days(to_first + (ordinal - 1) * 7)?;
        if found.local().month() == moment.local().month() {
            return at_midnight_unless_today(moment, found);
        }
        moment = found;
    }
    None
}

/// Returns the weekday nearest to a day of the month, without leaving the month backwards.
fn nearest_weekday(mut moment: Moment<'_>, day: i64) -> Option<Moment<'_>> {
    let mut current = Unit::Day.get(&moment);
    let weekday = Unit::Weekday.get(&moment);
    let is_nearest = (current == day && weekday < SATURDAY)
        || (weekday == 5 && current == day - 1)
        || (weekday == 1 && current == day + 1)
        || (weekday == 1 && day == 1 && current == 3);
    if is_nearest {
        return Some(moment);
    }
    for _ in 0..ATTEMPTS_MAX {
        if current == day {
            let shift = match Unit::Weekday.get(&moment) {
                SATURDAY if day == 1 => 2,
                SATURDAY => -1,
                SUNDAY => 1,
                _ => 0,
            };
            return moment.plus_days(shift)?.with_time(Time::midnight());
        }
        moment = Unit::Day.elapse_until(moment, day)?;
        current = Unit::Day.get(&moment);
    }
    None
}

/// Returns the first moment from `moment` on whose field is among `bits`; smaller fields are reset where it moved.
pub(super) fn next_or_same(bits: u64, unit: Unit, mut moment: Moment<'_>) -> Option<Moment<'_>> {
    let start = unit.get(&moment);
    let mut goal = next_bit(bits, start);
    if goal == Some(start) {
        return Some(moment);
    }
    for _ in 0..ATTEMPTS_MAX {
        let target = match goal {
            Some(target) => target,
            None => roll_to_goal(bits, unit, &mut moment)?,
        };
        if unit.get(&moment) == target {
            return unit.reset(moment);
        }
        moment = unit.elapse_until(moment, target)?;
        goal = next_bit(bits, unit.get(&moment));
    }
    None
}

/// Rolls forward to where there is a value to go for: a gap at the roll may leave only smaller ones, and then again.
fn roll_to_goal(bits: u64, unit: Unit, moment: &mut Moment<'_>) -> Option<i64> {
    *moment = unit.roll_forward(*moment)?;
    if let Some(goal) = next_bit(bits, unit.get(moment)) {
        return Some(goal);
    }
    *moment = unit.roll_forward(*moment)?;
    next_bit(bits, 0)
}

/// Returns the least value from `from` on that is among `bits`.
fn next_bit(bits: u64, from: i64) -> Option<i64> {
    let rest = bits & u64::MAX.checked_shl(u32::try_from(from).ok()?)?;
    (rest != 0).then(|| i64::from(rest.trailing_zeros()))
}
