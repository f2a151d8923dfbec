//! What may be done to an execution, as forms.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};

use crate::engine::{Operation, Rerun, Skip};
use crate::ui::form::Form;
use crate::ui::pages::execution::{Seen, execution};
use crate::ui::parts::{layout, link};
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House};
use crate::words::WorkflowStatus;

pub(super) fn routes() -> Routes {
    Routes::default()
        .form("/executions/{id}/retry", retry)
        .form("/executions/{id}/restart", restart)
        .form("/executions/{id}/rerun", rerun)
        .form("/executions/{id}/pause", pause)
        .form("/executions/{id}/resume", resume)
        .form("/executions/{id}/terminate", terminate)
        .form("/executions/{id}/skip", skip)
}

/// Returns what can be done to an execution as it stands, for who may do it.
pub(super) fn actions(seen: &Seen<'_>) -> Markup {
    let Some(status) = seen.status().filter(|_| seen.may_execute) else { return html! {} };
    let plain = |action: &str, name: &str| form(seen, action, &html! { button { (name) } });
    html! {
        div.actions.end {
            @match status {
                WorkflowStatus::Running => (plain("pause", "Pause")),
                WorkflowStatus::Paused => (plain("resume", "Resume")),
                WorkflowStatus::Failed | WorkflowStatus::TimedOut | WorkflowStatus::Terminated => {
                    (form(seen, "retry", &html! { button.primary { "Retry" } }))
                }
                WorkflowStatus::Completed => {}
            }
            @if status.is_terminal() {
                (plain("restart", "Restart"))
                (form(seen, "restart", &html! {
                    input type="hidden" name="latest" value="yes";
                    button title="As the workflow is defined now" { "Restart, latest" }
                }))
            } @else {
                details.menu #terminate {
                    summary.button { "Terminate …" }
                    (form(seen, "terminate", &html! {
                        label for="reason" { "Why (it is kept with the execution)" }
                        input #reason name="reason" maxlength="1000";
                        button.danger { "Terminate" }
                    }))
                }
            }
        }
    }
}

/// Returns a form that does something to an execution.
pub(super) fn form(seen: &Seen<'_>, action: &str, content: &Markup) -> Markup {
    html! {
        form method="post" action={ (seen.path()) "/" (action) } {
            (layout::token(&seen.visitor.form_token))
            (content)
        }
    }
}

async fn operate(house: &House, id: &str, form: &Form, operation: Operation, done: &str) -> Answer {
    house.handle.operate(&form.visitor.who, execution(id)?, operation).await?;
    Ok(back(id, done))
}

fn back(id: &str, done: &str) -> Response {
    Redirect::to(&format!("{}?done={done}", link::execution_path(id))).into_response()
}

async fn retry(State(house): State<Arc<House>>, Path(id): Path<String>, form: Form) -> Answer {
    operate(&house, &id, &form, Operation::Retry, "retried").await
}

async fn restart(State(house): State<Arc<House>>, Path(id): Path<String>, form: Form) -> Answer {
    let latest = form.fields.is_ticked("latest");
    house.handle.restart(&form.visitor.who, execution(&id)?, latest).await?;
    Ok(back(&id, "restarted"))
}

async fn rerun(State(house): State<Arc<House>>, Path(id): Path<String>, form: Form) -> Answer {
    let task = form.fields.trimmed("task");
    let from = task.parse().map_err(|_| Failure::wrong("the task to run again from is not named"))?;
    let rerun = Rerun { from: Some(from), ..Rerun::default() };
    operate(&house, &id, &form, Operation::Rerun(Box::new(rerun)), "rerun").await
}

async fn pause(State(house): State<Arc<House>>, Path(id): Path<String>, form: Form) -> Answer {
    operate(&house, &id, &form, Operation::Pause, "paused").await
}

async fn resume(State(house): State<Arc<House>>, Path(id): Path<String>, form: Form) -> Answer {
    operate(&house, &id, &form, Operation::Resume, "resumed").await
}

async fn terminate(State(house): State<Arc<House>>, Path(id): Path<String>, form: Form) -> Answer {
    let reason = Some(form.fields.trimmed("reason").to_owned()).filter(|reason| !reason.is_empty());
    operate(&house, &id, &form, Operation::Terminate { reason }, "terminated").await
}

async fn skip(State(house): State<Arc<House>>, Path(id): Path<String>, form: Form) -> Answer {
    let skip = Skip { reference: form.fields.get("reference").to_owned(), ..Skip::default() };
    operate(&house, &id, &form, Operation::Skip(Box::new(skip)), "skipped").await
}
