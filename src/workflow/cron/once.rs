//! `dst: once`: a local time fires once, and in real time where the expression counts intervals.
//!
//! The expression is matched on a clock without a zone; this file says when the clocks of a zone show that match.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// A change of the clocks: when, and what they show before and after it.
struct Change {
    at: Timestamp,
    /// The first local time after it.
    shown_after: DateTime,
    /// The local time that it would have been without it.
    shown_before: DateTime,
}

/// Returns the first instant after `after` at which a match of `next` fires, each local time at its first occurrence, one in
/// a gap right after the gap.
pub(super) fn next_on_clock(
    after: Timestamp,
    zone: &TimeZone,
    next: impl Fn(DateTime) -> Option<DateTime>,
) -> Option<Timestamp> {
    let mut from = zone.to_datetime(after);
    if let Some(change) = change_at(from, zone)
        && change.at <= after
    {
        // In the second pass of an overlap all its local times have fired.
        from = from.max(change.shown_before.checked_sub(SignedDuration::from_nanos(1)).ok()?);
    }
    loop {
        let matched = next(from)?;
        let fires = match zone.to_ambiguous_timestamp(matched).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(matched).ok()?,
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(matched).ok()?,
            AmbiguousOffset::Gap { .. } => change_at(matched, zone)?.at,
        };
        if fires > after {
            return Some(fires);
        }
        from = matched;
    }
}

/// Returns the first instant after `after` at which the clocks show a match of `next`: both passes of an overlap, nothing of
/// a gap.
pub(super) fn next_in_real_time(
    after: Timestamp,
    zone: &TimeZone,
    next: impl Fn(DateTime) -> Option<DateTime>,
) -> Option<Timestamp> {
    let local = zone.to_datetime(after);
    let matched = next(local)?;
    if let Some(change) = change_at(local, zone)
        && change.at > after
        && matched >= change.shown_before
    {
        // In the first pass of an overlap with nothing left in it: the second one comes before what follows.
        let again = next(just_before(change.shown_after)?)?;
        if again < change.shown_before {
            return shown_after(&change, again, zone);
        }
    }
    let mut matched = matched;
    loop {
        match zone.to_ambiguous_timestamp(matched).offset() {
            AmbiguousOffset::Unambiguous { offset } => return offset.to_timestamp(matched).ok(),
            AmbiguousOffset::Fold { before, after: second } => {
                let first = before.to_timestamp(matched).ok()?;
                return if first > after { Some(first) } else { second.to_timestamp(matched).ok() };
            }
            AmbiguousOffset::Gap { .. } => matched = next(just_before(change_at(matched, zone)?.shown_after)?)?,
        }
    }
}

/// Returns the change of the clocks that makes `local` ambiguous; none where it is not.
fn change_at(local: DateTime, zone: &TimeZone) -> Option<Change> {
    let (before, after) = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { .. } => return None,
        AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => (before, after),
    };
    // The earlier reading of an ambiguous time always lies before the change.
    let earlier = before.max(after).to_timestamp(local).ok()?;
    let at = zone.following(earlier).find(|change| change.offset() == after)?.timestamp();
    Some(Change { at, shown_after: after.to_datetime(at), shown_before: before.to_datetime(at) })
}

/// Returns when the clocks show `local` after the change.
fn shown_after(change: &Change, local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let offset: Offset = zone.to_offset(change.at);
    offset.to_timestamp(local).ok()
}

/// Returns the last moment before `local`, for a search that is to find `local` itself.
fn just_before(local: DateTime) -> Option<DateTime> {
    local.checked_sub(SignedDuration::from_nanos(1)).ok()
}
