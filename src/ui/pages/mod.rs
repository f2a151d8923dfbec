//! The pages, one file for each; what several of them show is in `parts/`.

mod access;
mod access_forms;
mod audit;
mod checklist;
mod execution;
mod execution_forms;
mod execution_tabs;
mod executions;
mod lack;
mod overview;
mod problems;
mod schedule;
mod schedule_editor;
mod schedule_fields;
mod schedule_preview;
mod schedules;
mod search;
mod secret;
mod secret_forms;
mod secrets;
mod settings;
mod task_panel;
mod timeline;
mod workflow;
mod workflow_editor;
mod workflows;

use crate::ui::routes::Routes;

pub(super) fn routes() -> Routes {
    Routes::default()
        .merge(overview::routes())
        .merge(access::routes())
        .merge(access_forms::routes())
        .merge(audit::routes())
        .merge(settings::routes())
        .merge(executions::routes())
        .merge(execution::routes())
        .merge(execution_forms::routes())
        .merge(workflows::routes())
        .merge(workflow::routes())
        .merge(workflow_editor::routes())
        .merge(problems::routes())
        .merge(schedules::routes())
        .merge(schedule::routes())
        .merge(schedule_editor::routes())
        .merge(search::routes())
        .merge(secrets::routes())
        .merge(secret::routes())
        .merge(secret_forms::routes())
}
