use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::api::about::Content::List;
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::routes::{Routes, on};
use crate::api::tasks::found;
use crate::api::{Answer, Caller, Error};
use crate::daemon::Handle;
use crate::words::Permission;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get(
            "/api/tasks/{id}/log",
            on(Permission::Read, TargetKind::Workflow),
            about("Gives the log of a task").gives(List("TaskLog")).gives_with(204, Content::Nothing),
            lines,
        )
        .post(
            "/api/tasks/{id}/log",
            on(Permission::Execute, TargetKind::Workflow),
            about("Adds a line to the log of a task").takes(Content::Text),
            add,
        )
}

async fn lines(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    let Ok((execution, run)) = found(&handle, &who, &id).await else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let logs = handle.task_logs(&who, execution, run).await?;
    let line = |(at, line): &(crate::words::Timestamp, String)| json!({"log": line, "taskId": id, "createdTime": at.as_millis()});
    Ok(Json(logs.iter().map(line).collect::<Vec<_>>()).into_response())
}

/// The body is text, or a JSON string as one client sends it.
async fn add(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>, body: Body) -> Answer {
    let text = body.text()?;
    let line = match serde_json::from_str(text) {
        Ok(Value::String(line)) => line,
        _ => text.to_owned(),
    };
    if line.is_empty() {
        return Err(Error::wrong("the body is empty: there is nothing to log"));
    }
    let (execution, run) = found(&handle, &who, &id).await?;
    handle.log_task(&who, execution, run, line).await?;
    Ok(().into_response())
}
