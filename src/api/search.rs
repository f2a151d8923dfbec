use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::api::about::Content::One;
use crate::api::about::about;
use crate::api::parameters::SEARCH;
use crate::api::params::Params;
use crate::api::routes::{Routes, each};
use crate::api::{Answer, Caller, Error};
use crate::daemon::Handle;
use crate::journal::{Named, PAGE_ROWS_MAX, Page, Query, conditions, sorting};
use crate::words::Permission;

pub(super) fn routes() -> Routes {
    // What one may not read is left out of the answer.
    let need = each(Permission::Read, TargetKind::Workflow);
    Routes::default()
        .get(
            "/api/workflow/search",
            need,
            about("Finds executions").asks(SEARCH).gives(One("WorkflowSummaryPage")),
            summaries,
        )
        .get(
            "/api/workflow/search-v2",
            need,
            about("Finds whole executions").asks(SEARCH).gives(One("WorkflowPage")),
            workflows,
        )
        .get(
            "/api/workflow/search-by-tasks",
            need,
            about("Finds executions by what their tasks are").asks(SEARCH).gives(One("WorkflowSummaryPage")),
            summaries_by_tasks,
        )
        .get(
            "/api/workflow/search-by-tasks-v2",
            need,
            about("Finds whole executions by what their tasks are").asks(SEARCH).gives(One("WorkflowPage")),
            workflows_by_tasks,
        )
        .get("/api/tasks/search", need, about("Finds tasks").asks(SEARCH).gives(One("TaskSummaryPage")), task_summaries)
        .get("/api/tasks/search-v2", need, about("Finds whole tasks").asks(SEARCH).gives(One("WholeTaskPage")), tasks)
}

/// Reads what Conductor's clients search with.
pub(super) fn query<F: Named>(params: &Params) -> Result<Query<F>, Error> {
    let size = params.number("size")?.unwrap_or(Query::<F>::default().size);
    if size > PAGE_ROWS_MAX {
        let message = format!("size: a page has at most {PAGE_ROWS_MAX} rows, and `start` says where the next begins");
        return Err(Error::wrong(message));
    }
    Ok(Query {
        conditions: conditions(params.text("query").unwrap_or(""), params.text("freeText").unwrap_or(""))?,
        sort: sorting(params.text("sort").unwrap_or(""))?,
        start: params.number("start")?.unwrap_or(0),
        size,
    })
}

async fn summaries(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    Ok(found(&handle.search(&who, query(&params)?).await?))
}

async fn workflows(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    Ok(found(&handle.search_workflows(&who, query(&params)?).await?))
}

async fn summaries_by_tasks(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    Ok(found(&handle.search_by_tasks(&who, query(&params)?).await?))
}

async fn workflows_by_tasks(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    Ok(found(&handle.search_workflows_by_tasks(&who, query(&params)?).await?))
}

async fn task_summaries(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    Ok(found(&handle.search_tasks(&who, query(&params)?).await?))
}

async fn tasks(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    Ok(found(&handle.search_whole_tasks(&who, query(&params)?).await?))
}

fn found(page: &Page<Value>) -> Response {
    Json(json!({"totalHits": page.total, "results": page.rows})).into_response()
}
