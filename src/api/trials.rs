use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use tokio::sync::Semaphore;

use crate::access::TargetKind;
use crate::api::about::Content::One;
use crate::api::about::about;
use crate::api::body::Body;
use crate::api::routes::{Routes, on};
use crate::api::{Answer, Caller, Error};
use crate::clock::{Clock, SystemClock};
use crate::daemon::{Handle, aside};
use crate::executor::script::Evaluator;
use crate::trial::{self, Ground, Manner};
use crate::words::Permission;
use crate::workflow::definition::{StartWorkflowRequest, WorkflowTest};

/// How many workflows are played at once: each takes a processor, and the rotations go first.
const TRIALS_AT_ONCE_MAX: usize = 2;
/// How long a workflow may be played: clients of Conductor wait no longer for an answer.
const TRIAL_TIME: Duration = Duration::from_secs(30);

static ROOM: Semaphore = Semaphore::const_new(TRIALS_AT_ONCE_MAX);

pub(super) fn routes() -> Routes {
    Routes::default().post(
        "/api/workflow/test",
        on(Permission::Execute, TargetKind::Workflow),
        about("Plays a workflow through with mocks: nothing is called and nothing is kept")
            .takes(One("WorkflowTestRequest"))
            .gives(One("Workflow")),
        test,
    )
}

/// Plays a workflow through with the mocks of the request: no call, no secret of the store, nothing in the journal.
async fn test(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    let test: WorkflowTest = body.json()?;
    let request = StartWorkflowRequest {
        name: test.name.clone(),
        version: test.version,
        workflow_def: test.workflow_def.clone(),
        ..StartWorkflowRequest::default()
    };
    let plan = handle.plan_to_try(&who, &super::executions::named(request)?)?;
    let busy = || Error::new(StatusCode::SERVICE_UNAVAILABLE, "other workflows are being tested; try again");
    let room = ROOM.try_acquire().map_err(|_| busy())?;
    let ground = Ground {
        catalog: handle.catalog(),
        authority: handle.authority(),
        reader: who,
        environment: handle.variables(),
        store_retry: handle.settings().secrets.store_retry,
        evaluator: Evaluator::this_program(),
        until: Some(SystemClock.now().plus(TRIAL_TIME)),
    };
    let played = aside(move || {
        let played = trial::play_plan(&test, plan, &ground, Manner::Mocked);
        drop(room);
        played
    });
    let played = played.await?.map_err(|error| Error::wrong(error.to_string()))?;
    Ok(Json(played.shown).into_response())
}
