use serde::{Deserialize, Serialize};

use crate::words::Timestamp;

/// How far a schedule's slots have been considered. The journal keeps one for each schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watermark {
    /// The schedule's name.
    pub schedule: String,
    /// Every slot up to here was fired, skipped or passed over, but for [`Watermark::backlog`].
    pub considered: Timestamp,
    /// What the schedule's timing was then. Another timing starts anew: no slot before the change fires.
    pub timing: String,
    /// Whether the schedule was paused then. Its slots pass by; a resumed schedule goes on from that moment.
    #[serde(default)]
    pub paused: bool,
    /// What somebody said about pausing, over what the definition says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Missed slots that are being caught up with, the oldest stretch first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backlog: Vec<Backlog>,
    /// The last slot that fired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fired: Option<Timestamp>,
    /// How many slots were skipped since.
    #[serde(default)]
    pub skipped: u32,
}

impl Watermark {
    /// Returns the watermark of a schedule that begins at `now`.
    pub(super) fn new(schedule: &str, timing: String, now: Timestamp) -> Self {
        Self {
            schedule: schedule.to_owned(),
            considered: now,
            timing,
            paused: false,
            hold: None,
            backlog: Vec::new(),
            fired: None,
            skipped: 0,
        }
    }

    /// Passes over everything up to `now`. It never goes back: what was considered stays so where the clock stepped back.
    pub(super) fn begin_at(&mut self, now: Timestamp) {
        self.considered = self.considered.max(now);
        self.backlog.clear();
        self.skipped = 0;
    }

    /// Records that the slot at `due` fired.
    pub(super) fn record_fired(&mut self, due: Timestamp) {
        self.fired = Some(due);
        self.skipped = 0;
    }
}

/// A pause or a resume by hand. It holds until the definition's own word changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Whether the schedule is paused.
    pub paused: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the definition said when this was said.
    pub definition_paused: bool,
}

/// A stretch of missed slots that are being caught up with, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backlog {
    /// The slots up to here have been caught up with.
    pub after: Timestamp,
    /// The last moment of what was missed.
    pub until: Timestamp,
}
