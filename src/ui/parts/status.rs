use maud::Markup;

use crate::ui::parts::badge::{Tone, badge};
use crate::ui::parts::icon::Icon;
use crate::words::{TaskStatus, WorkflowStatus};

/// Returns where an execution stands.
pub(in crate::ui) fn workflow(status: WorkflowStatus) -> Markup {
    let (tone, icon, word) = match status {
        WorkflowStatus::Running => (Tone::Busy, Icon::Clock, "running"),
        WorkflowStatus::Completed => (Tone::Good, Icon::Check, "completed"),
        WorkflowStatus::Failed => (Tone::Bad, Icon::Cross, "failed"),
        WorkflowStatus::TimedOut => (Tone::Bad, Icon::Hourglass, "timed out"),
        WorkflowStatus::Terminated => (Tone::Warn, Icon::Cross, "terminated"),
        WorkflowStatus::Paused => (Tone::Warn, Icon::Hand, "paused"),
    };
    badge(tone, icon, word)
}

/// Returns where an execution stands, by Conductor's word for it.
pub(in crate::ui) fn workflow_word(word: &str) -> Markup {
    let known = WorkflowStatus::ALL.into_iter().find(|status| status.as_str() == word);
    known.map_or_else(|| badge(Tone::Plain, Icon::Question, word), workflow)
}

/// Returns where a run of a task stands, by Conductor's word for it.
pub(in crate::ui) fn task_word(word: &str) -> Markup {
    let Some(status) = TaskStatus::ALL.into_iter().find(|status| status.as_str() == word) else {
        return badge(Tone::Plain, Icon::Question, word);
    };
    let (tone, icon, word) = match status {
        TaskStatus::Scheduled => (Tone::Busy, Icon::Clock, "scheduled"),
        TaskStatus::InProgress => (Tone::Busy, Icon::Clock, "in progress"),
        TaskStatus::Completed => (Tone::Good, Icon::Check, "completed"),
        TaskStatus::CompletedWithErrors => (Tone::Warn, Icon::Late, "completed with errors"),
        TaskStatus::Failed => (Tone::Bad, Icon::Cross, "failed"),
        TaskStatus::FailedWithTerminalError => (Tone::Bad, Icon::Cross, "failed for good"),
        TaskStatus::TimedOut => (Tone::Bad, Icon::Hourglass, "timed out"),
        TaskStatus::Canceled => (Tone::Warn, Icon::Cross, "canceled"),
        TaskStatus::Skipped => (Tone::Plain, Icon::Hand, "skipped"),
    };
    badge(tone, icon, word)
}
