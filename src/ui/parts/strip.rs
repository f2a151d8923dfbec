//! When a schedule fires, as a strip of the time that comes.

use std::time::Duration;

use maud::{Markup, html};

use crate::scheduler::Schedule;
use crate::ui::parts::moment::{counted, exact};
use crate::words::Timestamp;

/// How many times one strip marks: more are one beside the other, and it is drawn as a bar.
const MARKS_MAX: usize = 200;
/// How wide and high a strip is, in pixels.
const WIDTH: u64 = 336;
const HEIGHT: u64 = 22;

/// How long a strip is, with the marks of its scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ui) enum Stretch {
    Day,
    Week,
}

impl Stretch {
    const fn length(self) -> Duration {
        match self {
            Self::Day => Duration::from_hours(24),
            Self::Week => Duration::from_hours(7 * 24),
        }
    }

    const fn said(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
        }
    }

    const fn parts(self) -> u64 {
        match self {
            Self::Day => 4,
            Self::Week => 7,
        }
    }
}

/// Returns the times after `now`, at most so many.
pub(in crate::ui) fn upcoming(
    schedule: &Schedule,
    now: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = crate::scheduler::Slot> {
    let next = move |after: Timestamp| schedule.next(after).filter(|slot| slot.due > after && slot.due <= until);
    std::iter::successors(next(now), move |slot| next(slot.due))
}

/// Returns a strip of the times that come.
pub(in crate::ui) fn strip(schedule: &Schedule, now: Timestamp, stretch: Stretch) -> Markup {
    let length = stretch.length();
    let times: Vec<_> = upcoming(schedule, now, now.plus(length)).map(|slot| slot.due).take(MARKS_MAX + 1).collect();
    let x = |at: Timestamp| {
        u64::try_from(at.since(now).as_millis() * u128::from(WIDTH) / length.as_millis()).unwrap_or(WIDTH)
    };
    let said = match times.len() {
        0 => format!("Never in the next {}", stretch.said()),
        count if count > MARKS_MAX => format!("More than {MARKS_MAX} times in the next {}", stretch.said()),
        count => format!("{} in the next {}", counted(count as u64, "time"), stretch.said()),
    };
    html! {
        svg.strip width=(WIDTH) height=(HEIGHT) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(said) {
            title { (said) }
            rect.field width=(WIDTH) height=(HEIGHT) rx="3" {}
            @for part in 1..stretch.parts() {
                @let at = WIDTH * part / stretch.parts();
                line.grid x1=(at) x2=(at) y1="0" y2=(HEIGHT) {}
            }
            @if times.len() > MARKS_MAX {
                rect.bar y="5" width=(WIDTH) height=(HEIGHT - 10) {}
            } @else {
                @for time in &times { rect.mark x=(x(*time)) y="4" width="2" height=(HEIGHT - 8) { title { (exact(*time)) } } }
            }
        }
    }
}
