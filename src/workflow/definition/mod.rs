//! The definitions of Conductor's dialect as typed values, and back to Conductor's JSON with its defaults filled in.
//!
//! Field names and defaults are those of Conductor 3.32.3; what Conductor ignores and we use is marked as ours.

mod event_handler;
pub(super) mod lenient;
mod request;
mod schedule;
mod task;
mod task_def;
mod task_type;
mod workflow;
mod workflow_test;

pub(crate) use lenient::{optional_flag, optional_text};

pub use event_handler::{Action, Condition, EventHandler, StartAction, TaskAction, TerminateAction, VariablesAction};
pub use request::StartWorkflowRequest;
pub use schedule::{CronSchedule, Dst, Overlap, WorkflowSchedule};
pub use task::WorkflowTask;
pub use task_def::{RetryLogic, TaskDef, TaskTimeoutPolicy};
pub use task_type::{Nature, TaskType};
pub use workflow::{WorkflowDef, WorkflowTimeoutPolicy};
pub use workflow_test::{Expectations, ExpectedCall, Mock, WorkflowTest};

#[cfg(test)]
mod tests;
