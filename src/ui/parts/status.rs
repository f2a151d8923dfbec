use maud::Markup;

use crate::ui::parts::badge::{Tone, badge};
use crate::ui::parts::icon::Icon;
use crate::words::WorkflowStatus;

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
