//! Executions by what their starters call them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::Value;

use crate::access::TargetKind;
use crate::api::about::Content::{List, One};
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::parameters::{CLOSED, STARTED_AFTER, STARTED_BEFORE, TASKS, VERSION};
use crate::api::params::Params;
use crate::api::routes::{Routes, each};
use crate::api::{Answer, Caller, Error};
use crate::daemon::{Handle, SummaryField};
use crate::journal::{Condition, Field, PAGE_ROWS_MAX, Query};
use crate::words::{Owner, Permission, Timestamp};

/// How many correlation ids, or names of workflows, one request may name, as on Orkes.
const IDS_MAX: usize = 50;
/// How many executions one answer holds: with their tasks each may be megabytes.
const EXECUTIONS_MAX: u64 = 500;
/// Where an execution stands that goes on.
const OPEN: [&str; 2] = ["RUNNING", "PAUSED"];

pub(super) fn routes() -> Routes {
    let need = || each(Permission::Read, TargetKind::Workflow);
    Routes::default()
        .post(
            "/api/workflow/correlated/batch",
            need(),
            about("Gives executions of some workflows by their correlation ids")
                .asks([CLOSED, TASKS])
                .takes(One("Correlated"))
                .gives(Content::Lists("Workflow")),
            of_workflows,
        )
        .post(
            "/api/workflow/{id}/correlated",
            need(),
            about("Gives executions of a workflow, which the path names, by their correlation ids")
                .asks([CLOSED, TASKS])
                .takes(List("Name"))
                .gives(Content::Lists("Workflow")),
            of_workflow,
        )
        .get(
            "/api/workflow/{id}/correlated/{reference}",
            need(),
            about("Gives the executions of a workflow, which the path names, with a correlation id")
                .asks([CLOSED, TASKS])
                .gives(List("Workflow")),
            of_one,
        )
        .get(
            "/api/workflow/running/{name}",
            need(),
            about("Gives the ids of the executions of a workflow that go on")
                .asks([VERSION, STARTED_AFTER, STARTED_BEFORE])
                .gives(List("Name")),
            running,
        )
}

/// What is looked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    #[serde(default)]
    correlation_ids: Vec<String>,
    #[serde(default)]
    workflow_names: Vec<String>,
}

async fn of_workflows(State(handle): State<Handle>, Caller(who): Caller, params: Params, body: Body) -> Answer {
    let wanted: Wanted = body.json()?;
    Ok(Json(found(&handle, &who, wanted, &params).await?).into_response())
}

async fn of_workflow(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(name): Path<String>,
    params: Params,
    body: Body,
) -> Answer {
    let wanted = Wanted { correlation_ids: body.json()?, workflow_names: vec![name] };
    Ok(Json(found(&handle, &who, wanted, &params).await?).into_response())
}

async fn of_one(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((name, id)): Path<(String, String)>,
    params: Params,
) -> Answer {
    let wanted = Wanted { correlation_ids: vec![id.clone()], workflow_names: vec![name] };
    let mut found = found(&handle, &who, wanted, &params).await?;
    Ok(Json(found.remove(&id).unwrap_or_default()).into_response())
}

async fn running(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(name): Path<String>,
    params: Params,
) -> Answer {
    let version = params.number::<i32>("version")?;
    let (after, before) = (params.number::<i64>("startTime")?, params.number::<i64>("endTime")?);
    let mut query = Query::<SummaryField> { size: PAGE_ROWS_MAX, ..Query::default() };
    query.conditions.push(Condition::one_of(Field::Name.into(), [name]));
    query.conditions.push(Condition::one_of(Field::Status.into(), OPEN.map(str::to_owned)));
    let mut rows = handle.search(&who, query).await?.rows;
    rows.retain(|row| {
        let started = row["startTime"].as_str().and_then(Timestamp::parse).map_or(0, Timestamp::as_millis);
        version.is_none_or(|version| row["version"] == version)
            && after.is_none_or(|after| started >= after)
            && before.is_none_or(|before| started < before)
    });
    Ok(Json(rows.into_iter().map(|mut row| row["workflowId"].take()).collect::<Vec<_>>()).into_response())
}

/// Returns the executions by correlation id, the latest first; each id that was asked for is there.
async fn found(
    handle: &Handle,
    who: &Owner,
    wanted: Wanted,
    params: &Params,
) -> Result<BTreeMap<String, Vec<Value>>, Error> {
    let Wanted { correlation_ids, workflow_names } = wanted;
    for (field, list) in [("correlationIds", &correlation_ids), ("workflowNames", &workflow_names)] {
        if list.is_empty() || list.len() > IDS_MAX {
            return Err(Error::wrong(format!("{field}: it must name 1 to {IDS_MAX}")));
        }
    }
    let with_tasks = params.flag("includeTasks", false)?;
    let mut query = Query::<SummaryField> { size: EXECUTIONS_MAX, ..Query::default() };
    query.conditions.push(Condition::one_of(Field::CorrelationId.into(), correlation_ids.iter().cloned()));
    query.conditions.push(Condition::one_of(Field::Name.into(), workflow_names));
    if !params.flag("includeClosed", false)? {
        query.conditions.push(Condition::one_of(Field::Status.into(), OPEN.map(str::to_owned)));
    }
    let page = handle.search_workflows(who, query).await?;
    if page.total > EXECUTIONS_MAX {
        let advice = "ask for fewer correlation ids, or search page by page";
        return Err(Error::wrong(format!("{} executions are more than {EXECUTIONS_MAX}: {advice}", page.total)));
    }
    let mut by_id: BTreeMap<_, Vec<_>> = correlation_ids.into_iter().map(|id| (id, Vec::new())).collect();
    for mut workflow in page.rows {
        if with_tasks {
            let Ok(id) = workflow["workflowId"].as_str().unwrap_or_default().parse() else { continue };
            // One that was removed since is not there any more.
            let Ok(whole) = handle.workflow(who, id, true).await else { continue };
            workflow = whole;
        }
        if let Some(list) = workflow["correlationId"].as_str().and_then(|id| by_id.get_mut(id)) {
            list.push(workflow);
        }
    }
    Ok(by_id)
}
