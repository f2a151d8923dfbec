//! When the tasks of an execution ran, drawn by the server.

use maud::{Markup, html};
use serde_json::Value;

use crate::ui::pages::execution::Seen;
use crate::ui::pages::execution_tabs::{attempt, window};
use crate::ui::parts::moment;
use crate::ui::parts::view::{self, text};
use crate::words::Timestamp;

/// How wide the names are, and the field of the bars beside them, in pixels.
const NAMES: u64 = 240;
const FIELD: u64 = 720;
/// How wide the field is beside the panel of a task.
const FIELD_BESIDE: u64 = 440;
/// How high the scale is, and each row.
const SCALE: usize = 28;
const ROW: usize = 26;
/// How wide a bar is at least, so that one sees it.
const BAR_MIN: u64 = 3;
/// How many letters of a name there is room for.
const LETTERS_MAX: usize = 30;

/// A span of time on the field.
struct Scale {
    start: Timestamp,
    millis: u64,
    field: u64,
}

impl Scale {
    /// Returns how far from the left a moment is.
    fn at(&self, moment: Timestamp) -> u64 {
        let millis = u64::try_from(moment.since(self.start).as_millis()).unwrap_or(u64::MAX);
        millis.min(self.millis).saturating_mul(self.field) / self.millis
    }
}

pub(super) fn timeline(seen: &Seen<'_>) -> Markup {
    let (tasks, links) = window(seen);
    let begins = tasks.iter().filter_map(|task| view::moment(task, "scheduledTime")).min();
    let Some(start) = begins else { return html! { p.none { "No task has begun." } } };
    let end = |task: &Value| view::moment(task, "endTime").unwrap_or(seen.now);
    let last = tasks.iter().map(end).max().unwrap_or(seen.now);
    let millis = u64::try_from(last.since(start).as_millis()).unwrap_or(u64::MAX).max(1);
    let field = if seen.task().is_some() { FIELD_BESIDE } else { FIELD };
    let scale = Scale { start, millis, field };
    let (width, height) = (NAMES + field + 20, SCALE + ROW * tasks.len() + 4);
    html! {
        (links)
        div.diagram tabindex="0" role="region" aria-label="Timeline" {
            svg.timeline width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="group" aria-label="Timeline" {
                @for quarter in 0..=4 {
                    @let x = NAMES + field * quarter / 4;
                    @let at = std::time::Duration::from_millis(millis / 4 * quarter);
                    line.grid x1=(x) x2=(x) y1=(SCALE - 6) y2=(height) {}
                    text x=(x) y="14" text-anchor=(if quarter == 0 { "start" } else if quarter == 4 { "end" } else { "middle" }) {
                        (moment::took(at))
                    }
                }
                @for (index, task) in tasks.iter().enumerate() { (row(task, &scale, SCALE + ROW * index, end(task))) }
            }
        }
    }
}

fn row(task: &Value, scale: &Scale, y: usize, end: Timestamp) -> Markup {
    let scheduled = view::moment(task, "scheduledTime").unwrap_or(end);
    let started = view::moment(task, "startTime").unwrap_or(end);
    let (waits, from, to) = (scale.at(scheduled), scale.at(started), scale.at(end));
    let (name, status) = (text(task, "referenceTaskName"), text(task, "status"));
    let said = format!("{name}, {status}, attempt {}, {}", attempt(task), moment::took(end.since(started)));
    let shown: String = name.chars().take(LETTERS_MAX).collect();
    html! {
        a.task.(word(status)) href=(Seen::run_link(task)) aria-label=(said) {
            title { (said) }
            text x="4" y=(y + 16) { (shown) @if shown.len() < name.len() { "…" } }
            rect.wait x=(NAMES + waits) y=(y + 10) width=(from.saturating_sub(waits)) height="4" {}
            rect.bar x=(NAMES + from) y=(y + 4) width=(to.saturating_sub(from).max(BAR_MIN)) height="16" rx="3" {}
        }
    }
}

/// Returns a status as the name of a class: what else there may be is none.
fn word(status: &str) -> String {
    status.chars().filter(|letter| letter.is_ascii_uppercase() || *letter == '_').collect()
}
