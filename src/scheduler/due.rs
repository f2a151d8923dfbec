use std::fmt;

use super::watermark::Watermark;
use crate::words::{ExecutionId, Timestamp};

/// A slot that is to be started now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueSlot {
    /// The schedule.
    pub schedule: String,
    /// When it should have started.
    pub due: Timestamp,
    /// The cron that says so, as `<cron> <zone>`.
    pub cron: String,
    /// Whether it was missed and is caught up with.
    pub catch_up: bool,
}

/// A slot that was not started because the schedule's last run still goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedSlot {
    /// The schedule.
    pub schedule: String,
    /// When it should have started.
    pub due: Timestamp,
    /// The cron that says so, as `<cron> <zone>`.
    pub cron: String,
    /// The run that blocked it; none where missed slots are still waiting for their turn.
    pub blocked_by: Option<ExecutionId>,
}

/// Something about a schedule that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The watermark lay in the future: the clock was set back, or was wrong before. It was reset.
    WatermarkAhead {
        /// The schedule.
        schedule: String,
        /// Where it lay.
        considered: Timestamp,
    },
    /// Three slots in a row were skipped, or two periods have passed.
    Blocked {
        /// The schedule.
        schedule: String,
        /// The run that blocks it.
        blocked_by: Option<ExecutionId>,
        /// How many slots were skipped.
        skipped: u32,
    },
    /// More slots were missed than are caught up with.
    CatchUpLimit {
        /// The schedule.
        schedule: String,
        /// The slots after this one were passed over.
        until: Timestamp,
    },
}

impl Problem {
    /// Returns the schedule that it is about.
    pub fn schedule(&self) -> &str {
        match self {
            Self::WatermarkAhead { schedule, .. }
            | Self::Blocked { schedule, .. }
            | Self::CatchUpLimit { schedule, .. } => schedule,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WatermarkAhead { schedule, considered } => {
                write!(
                    f,
                    "schedule `{schedule}` was considered up to {considered}, which is in the future; it starts from now"
                )
            }
            Self::Blocked { schedule, blocked_by: Some(run), skipped } => {
                write!(
                    f,
                    "schedule `{schedule}` skipped {skipped} slots because run {run} still goes; look at that run"
                )
            }
            Self::Blocked { schedule, blocked_by: None, skipped } => {
                write!(f, "schedule `{schedule}` skipped {skipped} slots while it catches up with missed ones")
            }
            Self::CatchUpLimit { schedule, until } => {
                write!(
                    f,
                    "schedule `{schedule}` missed more slots than are caught up with; those after {until} are passed over"
                )
            }
        }
    }
}

/// What a turn owes: everything in it belongs into one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// What to start.
    pub slots: Vec<DueSlot>,
    /// What was skipped.
    pub skipped: Vec<SkippedSlot>,
    /// The watermarks that changed.
    pub watermarks: Vec<Watermark>,
    /// The schedules whose watermark can go, since they are not defined any more.
    pub gone: Vec<String>,
    /// What somebody should look at.
    pub problems: Vec<Problem>,
}
