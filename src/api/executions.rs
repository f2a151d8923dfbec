use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::api::about::Content::One;
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::parameters::{
    ARCHIVE, CORRELATION, COUNT, FAILURE, LATEST, LOWEST, PRIORITY, REASON, START, STATUSES, VERSION, WITH_OUTPUT,
    WITH_TASKS, WITH_VARIABLES,
};
use crate::api::params::Params;
use crate::api::routes::{Routes, on};
use crate::api::{Answer, Caller, Error, json_text, text};
use crate::daemon::Handle;
use crate::engine::{Operation, Rerun, Skip};
use crate::words::{Begun, ExecutionId, Map, Permission};
use crate::workflow::definition::StartWorkflowRequest;

/// How many tasks a page holds where nobody says, as on Conductor.
const TASKS_USUAL: usize = 15;

/// Where a caller says to which trace a request belongs, as the W3C has it.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

pub(super) fn routes() -> Routes {
    Routes::default()
        .post(
            "/api/workflow",
            on(Permission::Execute, TargetKind::Workflow),
            about("Starts a workflow and answers with the id of the execution")
                .takes(One("StartWorkflowRequest"))
                .gives(Content::Text),
            start,
        )
        .put(
            "/api/workflow/decide/{id}",
            on(Permission::Read, TargetKind::Workflow),
            about("Does nothing: what can be decided is decided"),
            decide,
        )
        .get(
            "/api/workflow/{id}",
            on(Permission::Read, TargetKind::Workflow),
            about("Gives an execution").asks([WITH_TASKS]).gives(One("Workflow")),
            workflow,
        )
        .post(
            "/api/workflow/{id}",
            on(Permission::Execute, TargetKind::Workflow),
            about("Starts the workflow that the path names, with the input in the body")
                .asks([VERSION, CORRELATION, PRIORITY])
                .may_take(One("Map"))
                .gives(Content::Text),
            start_by_name,
        )
        .delete(
            "/api/workflow/{id}",
            on(Permission::Execute, TargetKind::Workflow),
            about("Terminates an execution").asks([REASON, FAILURE]),
            terminate,
        )
        .get(
            "/api/workflow/{id}/status",
            on(Permission::Read, TargetKind::Workflow),
            about("Says where an execution stands").asks([WITH_OUTPUT, WITH_VARIABLES]).gives(One("WorkflowStatus")),
            status,
        )
        .get(
            "/api/workflow/{id}/tasks",
            on(Permission::Read, TargetKind::Workflow),
            about("Gives the tasks of an execution, page by page")
                .asks([START, COUNT, STATUSES])
                .gives(One("TaskPage")),
            tasks,
        )
        .put(
            "/api/workflow/{id}/pause",
            on(Permission::Execute, TargetKind::Workflow),
            about("Pauses an execution"),
            pause,
        )
        .put(
            "/api/workflow/{id}/resume",
            on(Permission::Execute, TargetKind::Workflow),
            about("Lets a paused execution go on"),
            resume,
        )
        .post(
            "/api/workflow/{id}/restart",
            on(Permission::Execute, TargetKind::Workflow),
            about("Starts an ended execution again from its beginning")
                .asks([LATEST])
                .gives_with(204, Content::Nothing),
            restart,
        )
        .post(
            "/api/workflow/{id}/retry",
            on(Permission::Execute, TargetKind::Workflow),
            about("Tries the failed task of an execution again").asks([LOWEST]).gives_with(204, Content::Nothing),
            retry,
        )
        .post(
            "/api/workflow/{id}/resetcallbacks",
            on(Permission::Execute, TargetKind::Workflow),
            about("Offers at once what workers wanted back later").gives_with(204, Content::Nothing),
            reset_callbacks,
        )
        .delete(
            "/api/workflow/{id}/remove",
            on(Permission::Execute, TargetKind::Workflow),
            about("Removes an ended execution"),
            remove,
        )
        .delete(
            "/api/workflow/{id}/terminate-remove",
            on(Permission::Execute, TargetKind::Workflow),
            about("Terminates an execution and removes it").asks([REASON, FAILURE, ARCHIVE]),
            terminate_and_remove,
        )
        .post(
            "/api/workflow/{id}/rerun",
            on(Permission::Execute, TargetKind::Workflow),
            about("Runs an ended execution again from a task").may_take(One("RerunRequest")).gives(Content::Text),
            rerun,
        )
        .put(
            "/api/workflow/{id}/skiptask/{reference}",
            on(Permission::Execute, TargetKind::Workflow),
            about("Skips a task that has not come yet").may_take(One("SkipRequest")),
            skip,
        )
        .post(
            "/api/workflow/{id}/variables",
            on(Permission::Execute, TargetKind::Workflow),
            about("Sets variables of an execution").takes(One("Map")).gives(One("Workflow")),
            variables,
        )
}

async fn start(State(handle): State<Handle>, Caller(who): Caller, headers: HeaderMap, body: Body) -> Answer {
    let request = StartWorkflowRequest { begun: begun(&headers), ..named(body.json()?)? };
    Ok(text(handle.start(&who, request).await?.to_string()))
}

/// Returns the trace of a caller, with which the execution goes on where traces are told.
pub(super) fn begun(headers: &HeaderMap) -> Option<Begun> {
    let mut said = headers.get_all(TRACEPARENT).iter().filter(|_| cfg!(feature = "otel"));
    // Of two nobody can say which one is meant.
    let only = said.next().filter(|_| said.next().is_none())?;
    Begun::parse(only.to_str().ok()?)
}

/// Sees that a request names a workflow, if only by the definition that it brings.
pub(super) fn named(mut request: StartWorkflowRequest) -> Result<StartWorkflowRequest, Error> {
    if request.name.trim().is_empty() {
        let inline = request.workflow_def.as_ref().map(|workflow| workflow.name.clone());
        request.name = inline.ok_or_else(|| Error::wrong("name: the workflow to start is not named"))?;
    }
    Ok(request)
}

async fn start_by_name(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(name): Path<String>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let request = StartWorkflowRequest {
        name,
        begun: begun(&headers),
        version: params.number("version")?,
        correlation_id: params.text("correlationId").map(str::to_owned),
        priority: params.number("priority")?,
        input: body.json_or_default()?,
        ..StartWorkflowRequest::default()
    };
    Ok(text(handle.start(&who, request).await?.to_string()))
}

async fn workflow(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>, params: Params) -> Answer {
    let with_tasks = params.flag("includeTasks", true)?;
    Ok(json_text(handle.workflow_text(&who, execution(&id)?, with_tasks).await?))
}

async fn status(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>, params: Params) -> Answer {
    let workflow = handle.workflow(&who, execution(&id)?, false).await?;
    let mut fields = vec!["workflowId", "correlationId", "status"];
    fields.extend(params.flag("includeOutput", false)?.then_some("output"));
    fields.extend(params.flag("includeVariables", false)?.then_some("variables"));
    let shown: BTreeMap<_, _> = fields.into_iter().filter_map(|name| Some((name, workflow.get(name)?))).collect();
    Ok(Json(shown).into_response())
}

async fn tasks(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>, params: Params) -> Answer {
    let mut workflow = handle.workflow(&who, execution(&id)?, true).await?;
    let mut tasks = match workflow.get_mut("tasks").map(Value::take) {
        Some(Value::Array(tasks)) => tasks,
        _ => Vec::new(),
    };
    let mut summary = BTreeMap::<String, usize>::new();
    for task in &tasks {
        *summary.entry(task["status"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    let wanted: Vec<_> = params.all("status").flat_map(|list| list.split(',')).collect();
    tasks.retain(|task| wanted.is_empty() || wanted.iter().any(|status| task["status"] == *status));
    let total = tasks.len();
    let start = params.number("start")?.unwrap_or(0);
    let count = params.number("count")?.unwrap_or(TASKS_USUAL);
    let results: Vec<_> = tasks.into_iter().skip(start).take(count).collect();
    Ok(Json(json!({"totalHits": total, "results": results, "summary": summary})).into_response())
}

async fn pause(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    handle.operate(&who, execution(&id)?, Operation::Pause).await?;
    Ok(().into_response())
}

async fn resume(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    handle.operate(&who, execution(&id)?, Operation::Resume).await?;
    Ok(().into_response())
}

async fn terminate(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    handle.operate(&who, execution(&id)?, termination(&params)?).await?;
    Ok(().into_response())
}

/// Reads how an execution is to be terminated.
pub(super) fn termination(params: &Params) -> Result<Operation, Error> {
    let reason = params.text("reason").map(str::to_owned);
    Ok(if params.flag("triggerFailureWorkflow", false)? {
        Operation::TerminateFailing { reason }
    } else {
        Operation::Terminate { reason }
    })
}

/// What has ended by itself is refused, and only removed by `remove`.
async fn terminate_and_remove(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    let id = execution(&id)?;
    handle.operate(&who, id, termination(&params)?).await?;
    handle.remove(&who, id).await?;
    Ok(().into_response())
}

async fn restart(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>, params: Params) -> Answer {
    handle.restart(&who, execution(&id)?, params.flag("useLatestDefinitions", false)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn retry(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>, params: Params) -> Answer {
    let lowest = params.flag("resumeSubworkflowTasks", false)?;
    let operation = if lowest { Operation::RetryLowest } else { Operation::Retry };
    handle.operate(&who, execution(&id)?, operation).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn reset_callbacks(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    handle.operate(&who, execution(&id)?, Operation::ResetCallbacks).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// How a client asks for a rerun.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RerunRequest {
    re_run_from_task_id: Option<String>,
    task_input: Option<Map>,
    workflow_input: Option<Map>,
    correlation_id: Option<String>,
}

async fn rerun(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>, body: Body) -> Answer {
    let request: RerunRequest = body.json_or_default()?;
    let from = match request.re_run_from_task_id.filter(|task| !task.is_empty()) {
        Some(task) => Some(task.parse().map_err(|_| Error::missing(format!("Task {task} not found")))?),
        None => None,
    };
    let rerun = Rerun {
        from,
        task_input: request.task_input,
        workflow_input: request.workflow_input,
        correlation_id: request.correlation_id,
    };
    handle.operate(&who, execution(&id)?, Operation::Rerun(Box::new(rerun))).await?;
    Ok(text(id))
}

/// How a client asks for a task to be skipped.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SkipRequest {
    task_input: Option<Map>,
    task_output: Option<Map>,
}

async fn skip(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((id, reference)): Path<(String, String)>,
    body: Body,
) -> Answer {
    let request: SkipRequest = body.json_or_default()?;
    let (input, output) = (request.task_input.unwrap_or_default(), request.task_output.unwrap_or_default());
    let skip = Skip { reference, input, output };
    handle.operate(&who, execution(&id)?, Operation::Skip(Box::new(skip))).await?;
    Ok(().into_response())
}

async fn variables(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>, body: Body) -> Answer {
    let (id, variables) = (execution(&id)?, body.json()?);
    // Who is answered with it must be allowed to read it, before anything is done.
    handle.read(&who, id).await?;
    handle.operate(&who, id, Operation::SetVariables { variables }).await?;
    Ok(Json(handle.workflow(&who, id, true).await?).into_response())
}

async fn remove(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    handle.remove(&who, execution(&id)?).await?;
    Ok(().into_response())
}

/// Everything that can be decided is decided already.
async fn decide(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    handle.workflow(&who, execution(&id)?, false).await?;
    Ok(().into_response())
}

/// Reads an id; what is none of ours is the id of nothing.
pub(super) fn execution(id: &str) -> Result<ExecutionId, Error> {
    id.parse().map_err(|_| Error::missing(format!("No such workflow found by id: {id}")))
}
