//! A local date and time in a zone, with the arithmetic of java.time's `ZonedDateTime`, which Spring's answers rest on:
//! fields are set on the local clock (a gap shifts forward, an overlap keeps its offset), hours and shorter pass in real time.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, ToSpan};

/// A moment as the clocks of a zone show it.
#[derive(Clone, Copy)]
pub(super) struct Moment<'z> {
    local: DateTime,
    offset: Offset,
    zone: &'z TimeZone,
}

impl PartialEq for Moment<'_> {
    /// Compares what the clock shows; both moments are of one zone.
    fn eq(&self, other: &Self) -> bool {
        self.local == other.local && self.offset == other.offset
    }
}

impl<'z> Moment<'z> {
    /// Returns what the clocks of `zone` show at `instant`.
    pub(super) fn at(instant: jiff::Timestamp, zone: &'z TimeZone) -> Self {
        let offset = zone.to_offset(instant);
        Self { local: offset.to_datetime(instant), offset, zone }
    }

    /// Returns the moment in real time; none outside of the years that can be said.
    pub(super) fn instant(&self) -> Option<jiff::Timestamp> {
        self.offset.to_timestamp(self.local).ok()
    }

    /// Returns what the clock shows.
    pub(super) const fn local(&self) -> DateTime {
        self.local
    }

    /// Returns the moment when the clock shows `local`.
    pub(super) fn with_local(self, local: DateTime) -> Option<Self> {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => Some(Self { local, offset, ..self }),
            AmbiguousOffset::Gap { before, after } => {
                let gap = SignedDuration::from_secs(i64::from(after.seconds()) - i64::from(before.seconds()));
                Some(Self { local: local.checked_add(gap).ok()?, offset: after, ..self })
            }
            AmbiguousOffset::Fold { after, .. } if self.offset == after => Some(Self { local, ..self }),
            AmbiguousOffset::Fold { before, .. } => Some(Self { local, offset: before, ..self }),
        }
    }

    /// Returns the moment on another date, at the same time of day.
    pub(super) fn with_date(self, date: Date) -> Option<Self> {
        self.with_local(date.to_datetime(self.local.time()))
    }

    /// Returns the moment on the same date, at another time of day.
    pub(super) fn with_time(self, time: Time) -> Option<Self> {
        self.with_local(self.local.date().to_datetime(time))
    }

    /// Returns the same time of day some days later or earlier.
    pub(super) fn plus_days(self, days: i64) -> Option<Self> {
        self.with_date(self.local.date().checked_add(days_span(days)?).ok()?)
    }

    /// Returns the same time of day some months later, on the last day of the month where it is shorter.
    pub(super) fn plus_months(self, months: i64) -> Option<Self> {
        self.with_date(self.local.date().checked_add(months.months()).ok()?)
    }

    /// Returns the moment after that much real time.
    pub(super) fn plus(self, duration: SignedDuration) -> Option<Self> {
        Some(Self::at(self.instant()?.checked_add(duration).ok()?, self.zone))
    }
}

/// Returns a span of days; none where it is longer than all of time.
fn days_span(days: i64) -> Option<jiff::Span> {
    jiff::Span::new().try_days(days).ok()
}
