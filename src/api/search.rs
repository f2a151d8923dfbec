use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::api::params::Params;
use crate::api::routes::{Routes, each};
use crate::api::{Answer, Caller, Error};
use crate::daemon::Handle;
use crate::journal::{Field, PAGE_ROWS_MAX, Page, Query, Searchable, conditions, sorting};
use crate::words::Permission;

pub(super) fn routes() -> Routes {
    Routes::default().get("/api/workflow/search", each(Permission::Read, TargetKind::Workflow), summaries).get(
        "/api/workflow/search-v2",
        each(Permission::Read, TargetKind::Workflow),
        workflows,
    )
}

/// Reads what Conductor's clients search with.
pub(super) fn query<F: Searchable>(params: &Params) -> Result<Query<F>, Error> {
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
    Ok(found(&handle.search(&who, query::<Field>(&params)?).await?))
}

async fn workflows(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    Ok(found(&handle.search_workflows(&who, query::<Field>(&params)?).await?))
}

fn found(page: &Page<Value>) -> axum::response::Response {
    Json(json!({"totalHits": page.total, "results": page.rows})).into_response()
}
