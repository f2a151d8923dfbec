//! Calls that answer when a workflow stands still: execute, signal, and updates that answer with the workflow.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::Value;

use crate::access::TargetKind;
use crate::api::about::Content::One;
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::executions::{begun, execution, named};
use crate::api::parameters::{OTHER_VERSION, REQUEST, SIGNAL_WAIT, STRATEGY, VERSION, WAITING, WORKER};
use crate::api::params::Params;
use crate::api::routes::{Routes, on};
use crate::api::tasks::{reported, tell, told};
use crate::api::{Answer, Caller, Error, text};
use crate::daemon::{self, Handle, Standstill};
use crate::engine::{Operation, WorkerUpdate};
use crate::words::{ExecutionId, Map, Owner, Payload, Permission, TaskId};
use crate::workflow::definition::StartWorkflowRequest;

/// How long a call waits where nobody says, as on Conductor.
const EXECUTE_SECONDS_USUAL: u64 = 10;
const SIGNAL_MS_USUAL: u64 = 5_000;

pub(super) fn routes() -> Routes {
    let need = || on(Permission::Execute, TargetKind::Workflow);
    Routes::default()
        .post(
            "/api/workflow/execute/{name}",
            need(),
            about("Starts a workflow and waits until it stands still")
                .asks([VERSION])
                .asks(WAITING)
                .may_take(One("StartWorkflowRequest"))
                .gives(One("SignalResponse")),
            execute_latest,
        )
        .post(
            "/api/workflow/execute/{name}/{version}",
            need(),
            about("Starts a version of a workflow and waits until it stands still")
                .asks([OTHER_VERSION])
                .asks(WAITING)
                .may_take(One("StartWorkflowRequest"))
                .gives(One("SignalResponse")),
            execute,
        )
        .post(
            "/api/workflow/{id}/state",
            need(),
            about("Changes variables and a task of an execution, and waits until it stands still")
                .asks(WAITING)
                .may_take(One("StateUpdate"))
                .gives(One("SignalResponse")),
            state,
        )
        // What stands where other routes have a reference is the status here.
        .post(
            "/api/tasks/{id}/{reference}/signal",
            need(),
            about("Reports on the task at which an execution stands still; the last part before /signal is the status")
                .may_take(One("Map"))
                .gives(Content::Text),
            signal,
        )
        .post(
            "/api/tasks/{id}/{reference}/signal/sync",
            need(),
            about("Reports on the task at which an execution stands still, and waits until it does so again")
                .asks([STRATEGY, REQUEST, SIGNAL_WAIT])
                .may_take(One("Map"))
                .gives(One("SignalResponse")),
            signal_and_wait,
        )
        .post(
            "/api/tasks/{id}/{reference}/{status}/sync",
            need(),
            about(
                "Reports on a task by its reference and answers with the execution; with nothing where nothing waits",
            )
            .asks([WORKER])
            .may_take(One("Map"))
            .gives(One("Workflow"))
            .gives_with(204, Content::Nothing),
            update,
        )
}

/// What a call that waits is answered with.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Strategy {
    /// The workflow that was named.
    #[default]
    TargetWorkflow,
    /// The one of its family that stands still.
    BlockingWorkflow,
    /// The task at which that one stands still.
    BlockingTask,
    /// The same: its input is what the caller looks for.
    BlockingTaskInput,
}

impl Strategy {
    const ALL: [Self; 4] = [Self::TargetWorkflow, Self::BlockingWorkflow, Self::BlockingTask, Self::BlockingTaskInput];

    fn of(params: &Params) -> Result<Self, Error> {
        let Some(text) = params.text("returnStrategy") else { return Ok(Self::default()) };
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::wrong(format!("returnStrategy: \"{text}\" is none of {known}"))
        })
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::TargetWorkflow => "TARGET_WORKFLOW",
            Self::BlockingWorkflow => "BLOCKING_WORKFLOW",
            Self::BlockingTask => "BLOCKING_TASK",
            Self::BlockingTaskInput => "BLOCKING_TASK_INPUT",
        }
    }

    /// Returns Conductor's SignalResponse.
    fn response(self, standstill: &Standstill, request_id: Option<&str>) -> Value {
        let target = &standstill.target;
        // Where nothing stands still there is no task to answer with.
        let (shown, mut response) = match (self, standstill.tasks.first()) {
            (Self::TargetWorkflow, _) | (Self::BlockingTask | Self::BlockingTaskInput, None) => {
                (Self::TargetWorkflow, workflow_run(target))
            }
            (Self::BlockingWorkflow, _) => (self, workflow_run(&standstill.blocking)),
            (Self::BlockingTask | Self::BlockingTaskInput, Some(task)) => (self, task_run(task)),
        };
        response.extend([
            ("responseType".to_owned(), shown.as_str().into()),
            ("targetWorkflowId".to_owned(), target["workflowId"].clone()),
            ("targetWorkflowStatus".to_owned(), target["status"].clone()),
            ("signalTimeout".to_owned(), standstill.timed_out.into()),
        ]);
        response.extend(request_id.map(|id| ("requestId".to_owned(), id.into())));
        Value::Object(response)
    }
}

/// Takes some fields of Conductor's JSON, under the names that a client reads them by.
fn taken(from: &Value, fields: &[(&str, &str)]) -> Map {
    let known = fields.iter().filter_map(|(name, field)| Some(((*name).to_owned(), from.get(*field)?.clone())));
    known.collect()
}

fn workflow_run(workflow: &Value) -> Map {
    const FIELDS: [&str; 13] = [
        "workflowId",
        "correlationId",
        "status",
        "input",
        "output",
        "priority",
        "variables",
        "tasks",
        "createdBy",
        "createTime",
        "updateTime",
        "reasonForIncompletion",
        "taskToDomain",
    ];
    taken(workflow, &FIELDS.map(|name| (name, name)))
}

fn task_run(task: &Value) -> Map {
    let fields = [
        ("workflowId", "workflowInstanceId"),
        ("correlationId", "correlationId"),
        ("status", "status"),
        ("input", "inputData"),
        ("output", "outputData"),
        ("priority", "workflowPriority"),
        ("createdBy", "workerId"),
        ("createTime", "startTime"),
        ("updateTime", "updateTime"),
        ("taskType", "taskType"),
        ("taskId", "taskId"),
        ("referenceTaskName", "referenceTaskName"),
        ("retryCount", "retryCount"),
        ("taskDefName", "taskDefName"),
        ("retriedTaskId", "retriedTaskId"),
        ("workflowType", "workflowType"),
        ("reasonForIncompletion", "reasonForIncompletion"),
    ];
    taken(task, &fields)
}

/// Returns the tasks that a caller waits for; names that the workflow does not have are waited for in vain, not for ever.
fn waited_for(params: &Params) -> Vec<String> {
    let names = params.all("waitUntilTaskRef").flat_map(|list| list.split(','));
    names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

async fn execute_latest(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(name): Path<String>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let request = StartWorkflowRequest {
        name,
        version: params.number("version")?,
        begun: begun(&headers),
        ..body.json_or_default()?
    };
    executed(&handle, &who, request, &params).await
}

async fn execute(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((name, version)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    // Clients write what they have, and that may be nothing: the latest one is meant.
    let version = match version.as_str() {
        "" | "0" | "null" | "None" | "undefined" => None,
        text => Some(text.parse().map_err(|_| Error::wrong(format!("version: \"{text}\" is not a number that fits")))?),
    };
    let request = StartWorkflowRequest { name, version, begun: begun(&headers), ..body.json_or_default()? };
    executed(&handle, &who, request, &params).await
}

async fn executed(handle: &Handle, who: &Owner, request: StartWorkflowRequest, params: &Params) -> Answer {
    let strategy = Strategy::of(params)?;
    let patience = Duration::from_secs(params.number("waitForSeconds")?.unwrap_or(EXECUTE_SECONDS_USUAL));
    let id = handle.start_to_read(who, named(request)?).await?;
    let standstill = handle.standstill(who, id, &waited_for(params), patience).await?;
    let request_id = params.text("requestId").map_or_else(|| id.to_string(), str::to_owned);
    Ok(Json(strategy.response(&standstill, Some(&request_id))).into_response())
}

/// What a client changes before it waits.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StateUpdate {
    variables: Option<Map>,
    task_reference_name: Option<String>,
    task_result: Option<StateResult>,
}

/// What a client says of the task in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateResult {
    status: String,
    output_data: Option<Map>,
    reason_for_incompletion: Option<String>,
    worker_id: Option<String>,
}

async fn state(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(id): Path<String>,
    params: Params,
    body: Body,
) -> Answer {
    let update: StateUpdate = body.json_or_default()?;
    let id = execution(&id)?;
    let patience = Duration::from_secs(params.number("waitForSeconds")?.unwrap_or(EXECUTE_SECONDS_USUAL));
    let told = match (update.task_reference_name.filter(|name| !name.is_empty()), update.task_result) {
        (Some(reference), Some(result)) => {
            let update = WorkerUpdate {
                status: reported(&result.status)?,
                output: Payload::new(Value::Object(result.output_data.unwrap_or_default())),
                reason: result.reason_for_incompletion.filter(|reason| !reason.is_empty()),
                callback_after_seconds: 0,
                worker_id: result.worker_id,
            };
            Some((reference, update))
        }
        (None, None) => None,
        (Some(_), None) => return Err(Error::wrong("taskResult: it says what becomes of the task, and is missing")),
        (None, Some(_)) => return Err(Error::wrong("taskReferenceName: it says which task is meant, and is missing")),
    };
    // Who is answered with it must be allowed to read it, before anything is done.
    handle.read(&who, id).await?;
    if let Some(variables) = update.variables {
        handle.operate(&who, id, Operation::SetVariables { variables }).await?;
    }
    if let Some((reference, update)) = told {
        let run = handle.pending_run(&who, id, &reference).await?;
        let run = run.ok_or_else(|| Error::missing(format!("No pending task `{reference}` in workflow {id}")))?;
        handle.update_task(&who, id, run, update).await?;
    }
    let standstill = handle.standstill(&who, id, &waited_for(&params), patience).await?;
    Ok(Json(Strategy::TargetWorkflow.response(&standstill, params.text("requestId"))).into_response())
}

async fn signaled(
    handle: &Handle,
    who: &Owner,
    id: &str,
    status: &str,
    body: &Body,
) -> Result<(ExecutionId, TaskId), Error> {
    let update = told(reported(status)?, body.json_or_default()?, None);
    let id = execution(id)?;
    Ok((id, handle.signal(who, id, update).await?))
}

async fn signal(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((id, status)): Path<(String, String)>,
    body: Body,
) -> Answer {
    let (_, task) = signaled(&handle, &who, &id, &status, &body).await?;
    Ok(text(task.to_string()))
}

async fn signal_and_wait(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((id, status)): Path<(String, String)>,
    params: Params,
    body: Body,
) -> Answer {
    let strategy = Strategy::of(&params)?;
    let patience = Duration::from_millis(params.number("timeoutMillis")?.unwrap_or(SIGNAL_MS_USUAL));
    // Who is answered with it must be allowed to read it, before anything is done.
    handle.read(&who, execution(&id)?).await?;
    let (id, _) = signaled(&handle, &who, &id, &status, &body).await?;
    let standstill = handle.standstill(&who, id, &[], patience).await?;
    Ok(Json(strategy.response(&standstill, params.text("requestId"))).into_response())
}

/// Reports on a task and answers with its workflow. Where nothing waits, it is answered with nothing, as without `/sync`:
/// Conductor says 200 to it, with a body that is no JSON.
async fn update(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((id, reference, status)): Path<(String, String, String)>,
    params: Params,
    body: Body,
) -> Answer {
    // Who is answered with it must be allowed to read it, before anything is done; to others it is not there.
    match handle.read(&who, execution(&id)?).await.map(drop) {
        Err(daemon::Error::NotFound(_)) => return Ok(StatusCode::NO_CONTENT.into_response()),
        read => read?,
    }
    let told = tell(&handle, &who, (&id, &reference, &status), &params, &body).await?;
    let Some((id, _)) = told else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    Ok(Json(handle.workflow(&who, id, true).await?).into_response())
}
