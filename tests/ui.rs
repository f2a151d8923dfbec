//! The pages over a real daemon, as a browser without a script gets them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

#[path = "ui/access.rs"]
mod access;
#[path = "ui/audit.rs"]
mod audit;
#[path = "api/canaries.rs"]
#[expect(dead_code, reason = "the tests of the API ask about more")]
mod canaries;
#[path = "api/contract.rs"]
mod contract;
#[path = "ui/doors.rs"]
mod doors;
#[path = "ui/executions.rs"]
mod executions;
#[path = "suite/forms.rs"]
mod forms;
#[path = "ui/leaks.rs"]
mod leaks;
#[path = "ui/live.rs"]
mod live;
#[path = "ui/overview.rs"]
mod overview;
#[path = "ui/packing.rs"]
mod packing;
#[path = "ui/problems.rs"]
mod problems;
#[path = "ui/rig.rs"]
mod rig;
#[path = "ui/schedule_editor.rs"]
mod schedule_editor;
#[path = "ui/schedules.rs"]
mod schedules;
#[path = "ui/search.rs"]
mod search;
#[path = "ui/secrets.rs"]
mod secrets;
#[path = "api/server.rs"]
#[expect(dead_code, reason = "the tests of the API use the rest of it")]
mod server;
#[path = "ui/settings.rs"]
mod settings;
#[path = "ui/workflows.rs"]
mod workflows;
