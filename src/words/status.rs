use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a workflow's execution stands, in Conductor's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WorkflowStatus {
    /// It goes on.
    Running,
    /// It ended well.
    Completed,
    /// A task failed for good.
    Failed,
    /// Its time, or a task's, ran out.
    TimedOut,
    /// Somebody ended it.
    Terminated,
    /// Somebody holds it.
    Paused,
}

impl WorkflowStatus {
    /// Every status, for tables and searches.
    pub const ALL: [Self; 6] =
        [Self::Running, Self::Completed, Self::Failed, Self::TimedOut, Self::Terminated, Self::Paused];

    /// Returns whether the execution has ended.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::TimedOut | Self::Terminated => true,
            Self::Running | Self::Paused => false,
        }
    }

    /// Returns Conductor's text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Terminated => "TERMINATED",
            Self::Paused => "PAUSED",
        }
    }

    /// Reads Conductor's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl fmt::Display for WorkflowStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a task's run stands, in Conductor's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskStatus {
    /// It will start: it waits for a worker, a delay or its turn.
    Scheduled,
    /// It started.
    InProgress,
    /// The workflow ended before it did.
    Canceled,
    /// It failed; a retry may follow.
    Failed,
    /// It failed and no retry may follow.
    FailedWithTerminalError,
    /// It ended well.
    Completed,
    /// It failed and is optional.
    CompletedWithErrors,
    /// Its time ran out.
    TimedOut,
    /// Somebody skipped it.
    Skipped,
}

impl TaskStatus {
    /// Every status, for tables and searches.
    pub const ALL: [Self; 9] = [
        Self::Scheduled,
        Self::InProgress,
        Self::Canceled,
        Self::Failed,
        Self::FailedWithTerminalError,
        Self::Completed,
        Self::CompletedWithErrors,
        Self::TimedOut,
        Self::Skipped,
    ];

    /// Returns whether the run has ended.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Scheduled | Self::InProgress)
    }

    /// Returns whether the flow goes on after it.
    pub const fn is_successful(self) -> bool {
        matches!(self, Self::Completed | Self::CompletedWithErrors | Self::Skipped)
    }

    /// Returns Conductor's text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::InProgress => "IN_PROGRESS",
            Self::Canceled => "CANCELED",
            Self::Failed => "FAILED",
            Self::FailedWithTerminalError => "FAILED_WITH_TERMINAL_ERROR",
            Self::Completed => "COMPLETED",
            Self::CompletedWithErrors => "COMPLETED_WITH_ERRORS",
            Self::TimedOut => "TIMED_OUT",
            Self::Skipped => "SKIPPED",
        }
    }

    /// Reads Conductor's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
