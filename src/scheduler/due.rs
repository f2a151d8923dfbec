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
