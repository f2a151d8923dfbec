use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::Value;

use crate::access::TargetKind;
use crate::api::about::Content::{List, One};
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::caller::Ticket;
use crate::api::executions::execution;
use crate::api::parameters::{DOMAIN, POLL_COUNT, POLL_WAIT, WORKER};
use crate::api::params::Params;
use crate::api::routes::{Routes, each, on};
use crate::api::{Answer, Caller, Error, text};
use crate::daemon::{Handle, Queue};
use crate::engine::WorkerUpdate;
use crate::words::{ExecutionId, Map, Owner, Payload, Permission, RunNumber, TaskId, TaskStatus};

/// How long a poll for several tasks waits where nobody says, as on Conductor.
const POLL_PATIENCE_USUAL_MS: u64 = 100;

pub(super) fn routes() -> Routes {
    Routes::default()
        .post(
            "/api/tasks",
            on(Permission::Execute, TargetKind::Workflow),
            about("Reports on a task").takes(One("TaskResult")).gives(Content::Text),
            update,
        )
        .post(
            "/api/tasks/update-v2",
            on(Permission::Execute, TargetKind::Workflow),
            about("Reports on a task and answers with the next one of its kind")
                .takes(One("TaskResult"))
                .gives(One("Task"))
                .gives_with(204, Content::Nothing),
            update_and_poll,
        )
        .get(
            "/api/tasks/poll/{type}",
            each(Permission::Execute, TargetKind::Workflow),
            about("Hands out a task of a kind")
                .asks([WORKER, DOMAIN])
                .gives(One("Task"))
                .gives_with(204, Content::Nothing),
            poll,
        )
        .get(
            "/api/tasks/poll/batch/{type}",
            each(Permission::Execute, TargetKind::Workflow),
            about("Hands out tasks of a kind, and waits for them for a while")
                .asks([WORKER, DOMAIN, POLL_COUNT, POLL_WAIT])
                .gives(List("Task")),
            poll_batch,
        )
        .get(
            "/api/tasks/{id}",
            on(Permission::Read, TargetKind::Workflow),
            about("Gives a task").gives(One("Task")),
            task,
        )
        .post(
            "/api/tasks/{id}/{reference}/{status}",
            on(Permission::Execute, TargetKind::Workflow),
            about("Reports on a task by its reference and answers with its id; with nothing where nothing waits")
                .asks([WORKER])
                .may_take(One("Map"))
                .gives(Content::Text),
            update_by_reference,
        )
}

/// What a worker says of a task.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskResult {
    workflow_instance_id: Option<String>,
    task_id: String,
    status: String,
    output_data: Option<Map>,
    reason_for_incompletion: Option<String>,
    callback_after_seconds: Option<i64>,
    worker_id: Option<String>,
    /// Nothing else counts where it is set.
    #[serde(default)]
    extend_lease: Option<bool>,
    #[serde(default)]
    logs: Vec<Line>,
}

/// A line of a task's log.
#[derive(Deserialize)]
struct Line {
    log: Option<String>,
}

async fn poll(
    State(handle): State<Handle>,
    Caller(who): Caller,
    ticket: Ticket,
    Path(name): Path<String>,
    params: Params,
) -> Answer {
    let tasks = polled(&handle, &who, ticket, name, &params, (1, Duration::ZERO)).await?;
    Ok(match tasks.into_iter().next() {
        Some(task) => Json(task).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn poll_batch(
    State(handle): State<Handle>,
    Caller(who): Caller,
    ticket: Ticket,
    Path(name): Path<String>,
    params: Params,
) -> Answer {
    let count = params.number("count")?.unwrap_or(1);
    let patience = Duration::from_millis(params.number("timeout")?.unwrap_or(POLL_PATIENCE_USUAL_MS));
    Ok(Json(polled(&handle, &who, ticket, name, &params, (count, patience)).await?).into_response())
}

async fn polled(
    handle: &Handle,
    who: &Owner,
    ticket: Ticket,
    name: String,
    params: &Params,
    (count, patience): (usize, Duration),
) -> Result<Vec<Value>, Error> {
    let queue = Queue { name, domain: params.text("domain").map(str::to_owned) };
    let worker_id = params.text("workerid").map(str::to_owned);
    Ok(handle.poll(who, ticket.still(handle, who), queue, worker_id, count, patience).await?)
}

async fn update(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    let result: TaskResult = body.json()?;
    let task_id = result.task_id.clone();
    report(&handle, &who, result).await?;
    Ok(text(task_id))
}

/// Takes a report and answers with the next task of the same kind, so that a busy worker makes half as many calls.
async fn update_and_poll(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    let result: TaskResult = body.json()?;
    let worker_id = result.worker_id.clone();
    let (execution, run) = report(&handle, &who, result).await?;
    Ok(match handle.poll_after(&who, execution, run, worker_id).await? {
        Some(task) => Json(task).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn report(handle: &Handle, who: &Owner, result: TaskResult) -> Result<(ExecutionId, RunNumber), Error> {
    let status = reported(&result.status)?;
    let (execution, run) = match result.workflow_instance_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => {
            let (execution, task) = (execution(id)?, parsed(&result.task_id)?);
            (execution, task.run_of(execution).ok_or_else(|| no_such_task(&result.task_id))?)
        }
        None => found(handle, who, &result.task_id).await?,
    };
    if result.extend_lease == Some(true) {
        handle.extend_lease(who, execution, run).await?;
        return Ok((execution, run));
    }
    let update = WorkerUpdate {
        status,
        output: Payload::new(Value::Object(result.output_data.unwrap_or_default())),
        reason: result.reason_for_incompletion.filter(|reason| !reason.is_empty()),
        callback_after_seconds: result.callback_after_seconds.unwrap_or(0).max(0),
        worker_id: result.worker_id,
    };
    handle.update_task(who, execution, run, update).await?;
    let lines = result.logs.into_iter().filter_map(|line| line.log);
    for line in lines.filter(|line| !line.is_empty()) {
        // The report is taken: a log that is full must not have the worker make it again.
        if handle.log_task(who, execution, run, line).await.is_err() {
            break;
        }
    }
    Ok((execution, run))
}

async fn update_by_reference(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((id, reference, status)): Path<(String, String, String)>,
    params: Params,
    body: Body,
) -> Answer {
    let told = tell(&handle, &who, (&id, &reference, &status), &params, &body).await?;
    Ok(text(told.map_or_else(String::new, |(execution, run)| TaskId::of(execution, run).to_string())))
}

/// Reports on a task that is named by its reference. Where nothing waits under this name nobody is told: Conductor answers
/// nothing then, and clients expect that.
pub(super) async fn tell(
    handle: &Handle,
    who: &Owner,
    (id, reference, status): (&str, &str, &str),
    params: &Params,
    body: &Body,
) -> Result<Option<(ExecutionId, RunNumber)>, Error> {
    let status = reported(status)?;
    let execution = execution(id)?;
    let output = body.json_or_default()?;
    let Some(run) = handle.pending_run(who, execution, reference).await? else { return Ok(None) };
    handle.update_task(who, execution, run, told(status, output, params.text("workerid"))).await?;
    Ok(Some((execution, run)))
}

async fn task(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    let (execution, run) = found(&handle, &who, &id).await?;
    let task = handle.task(&who, execution, run).await.map_err(|_| no_such_task(&id))?;
    Ok(Json(task).into_response())
}

/// Returns the run that a task id names.
pub(super) async fn found(handle: &Handle, who: &Owner, id: &str) -> Result<(ExecutionId, RunNumber), Error> {
    handle.find_task(who, parsed(id)?).await?.ok_or_else(|| no_such_task(id))
}

fn parsed(id: &str) -> Result<TaskId, Error> {
    id.parse().map_err(|_| no_such_task(id))
}

fn no_such_task(id: &str) -> Error {
    Error::missing(format!("No such task found by id: {id}"))
}

/// Returns what somebody who names no more than a status and an output says of a task.
pub(super) fn told(status: TaskStatus, output: Map, worker_id: Option<&str>) -> WorkerUpdate {
    WorkerUpdate {
        status,
        output: Payload::new(Value::Object(output)),
        reason: None,
        callback_after_seconds: 0,
        worker_id: worker_id.map(str::to_owned),
    }
}

/// Reads a status that a worker may report.
pub(super) fn reported(status: &str) -> Result<TaskStatus, Error> {
    let known = [
        TaskStatus::InProgress,
        TaskStatus::Completed,
        TaskStatus::Failed,
        TaskStatus::FailedWithTerminalError,
        TaskStatus::Canceled,
    ];
    known.into_iter().find(|known| known.as_str() == status).ok_or_else(|| {
        let names = known.map(TaskStatus::as_str).join(", ");
        Error::wrong(format!("status: \"{status}\" is none of {names}"))
    })
}
