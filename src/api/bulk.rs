//! One operation on many executions: what worked, and what did not and why.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::json;

use crate::access::TargetKind;
use crate::api::about::Content::{List, One};
use crate::api::about::about;
use crate::api::body::Body;
use crate::api::executions::{execution, termination};
use crate::api::parameters::{ARCHIVE, FAILURE, LATEST, REASON};
use crate::api::params::Params;
use crate::api::routes::{Routes, each};
use crate::api::{Answer, Caller, Error};
use crate::daemon::Handle;
use crate::engine::Operation;
use crate::words::{Owner, Permission};

/// How many executions, or schedules, one request may name, as on Conductor: each is an entry of the audit.
pub(super) const NAMED_MAX: usize = 1_000;

const REMOVES: &str = "Removes ended executions";

pub(super) fn routes() -> Routes {
    Routes::default()
        .put(
            "/api/workflow/bulk/pause",
            each(Permission::Execute, TargetKind::Workflow),
            about("Pauses executions").takes(List("Name")).gives(One("BulkResponse")),
            async |State(h), who, body| all(h, who, body, Act::Operate(Operation::Pause)).await,
        )
        .put(
            "/api/workflow/bulk/resume",
            each(Permission::Execute, TargetKind::Workflow),
            about("Lets paused executions go on").takes(List("Name")).gives(One("BulkResponse")),
            async |State(h), who, body| all(h, who, body, Act::Operate(Operation::Resume)).await,
        )
        .post(
            "/api/workflow/bulk/restart",
            each(Permission::Execute, TargetKind::Workflow),
            about("Starts ended executions again").asks([LATEST]).takes(List("Name")).gives(One("BulkResponse")),
            restart,
        )
        .post(
            "/api/workflow/bulk/retry",
            each(Permission::Execute, TargetKind::Workflow),
            about("Tries the failed tasks of executions again").takes(List("Name")).gives(One("BulkResponse")),
            async |State(h), who, body| all(h, who, body, Act::Operate(Operation::Retry)).await,
        )
        .post(
            "/api/workflow/bulk/terminate",
            each(Permission::Execute, TargetKind::Workflow),
            about("Terminates executions").asks([REASON, FAILURE]).takes(List("Name")).gives(One("BulkResponse")),
            terminate,
        )
        .post(
            "/api/workflow/bulk/terminate-remove",
            each(Permission::Execute, TargetKind::Workflow),
            about("Terminates executions and removes them")
                .asks([REASON, FAILURE, ARCHIVE])
                .takes(List("Name"))
                .gives(One("BulkResponse")),
            terminate_and_remove,
        )
        // Orkes's clients send the one, Conductor's the other.
        .post(
            "/api/workflow/bulk/delete",
            each(Permission::Execute, TargetKind::Workflow),
            about(REMOVES).takes(List("Name")).gives(One("BulkResponse")),
            remove,
        )
        .delete(
            "/api/workflow/bulk/remove",
            each(Permission::Execute, TargetKind::Workflow),
            about(REMOVES).takes(List("Name")).gives(One("BulkResponse")),
            remove,
        )
}

async fn remove(State(handle): State<Handle>, who: Caller, body: Body) -> Answer {
    all(handle, who, body, Act::Remove).await
}

async fn restart(State(handle): State<Handle>, Caller(who): Caller, params: Params, body: Body) -> Answer {
    let latest = params.flag("useLatestDefinitions", false)?;
    all(handle, Caller(who), body, Act::Restart { latest }).await
}

async fn terminate(State(handle): State<Handle>, who: Caller, params: Params, body: Body) -> Answer {
    all(handle, who, body, Act::Operate(termination(&params)?)).await
}

async fn terminate_and_remove(State(handle): State<Handle>, who: Caller, params: Params, body: Body) -> Answer {
    all(handle, who, body, Act::TerminateAndRemove(termination(&params)?)).await
}

/// What is done with each.
enum Act {
    Operate(Operation),
    Restart { latest: bool },
    Remove,
    TerminateAndRemove(Operation),
}

/// Does something with each of the executions that a body names, and says what became of each.
async fn all(handle: Handle, Caller(who): Caller, body: Body, act: Act) -> Answer {
    let ids: Vec<String> = body.json()?;
    if ids.is_empty() || ids.len() > NAMED_MAX {
        return Err(Error::wrong(format!("the body must name 1 to {NAMED_MAX} workflow ids")));
    }
    let mut failed = BTreeMap::new();
    let mut done = Vec::new();
    for id in ids {
        match one(&handle, &who, &id, &act).await {
            Ok(()) => done.push(id),
            Err(error) => drop(failed.insert(id, error.into_message())),
        }
    }
    Ok(Json(json!({"bulkErrorResults": failed, "bulkSuccessfulResults": done})).into_response())
}

async fn one(handle: &Handle, who: &Owner, id: &str, act: &Act) -> Result<(), Error> {
    let id = execution(id)?;
    match act {
        Act::Operate(operation) => Ok(handle.operate(who, id, operation.clone()).await?),
        Act::Restart { latest } => Ok(handle.restart(who, id, *latest).await?),
        Act::Remove => Ok(handle.remove(who, id).await?),
        Act::TerminateAndRemove(operation) => {
            handle.operate(who, id, operation.clone()).await?;
            Ok(handle.remove(who, id).await?)
        }
    }
}
