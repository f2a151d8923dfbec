use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};

use crate::api::body::{Body, Path};
use crate::api::params::Params;
use crate::api::{Answer, Caller};
use crate::catalog::Name;
use crate::daemon::Handle;
use crate::workflow::definition::EventHandler;

pub(super) fn routes() -> Router<Handle> {
    Router::new()
        .route("/api/event", get(all).post(add).put(replace))
        .route("/api/event/{name}", get(of_event).delete(remove))
}

async fn all(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    Ok(Json(handle.event_handlers(&who, None)).into_response())
}

async fn of_event(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(event): Path<String>,
    params: Params,
) -> Answer {
    let mut handlers = handle.event_handlers(&who, Some(&event));
    let active_only = params.flag("activeOnly", true)?;
    handlers.retain(|handler| handler.active || !active_only);
    Ok(Json(handlers).into_response())
}

async fn add(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    let handler: EventHandler = body.json()?;
    handle.register_event_handler(&who, handler, false).await?;
    Ok(().into_response())
}

async fn replace(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    let handler: EventHandler = body.json()?;
    handle.register_event_handler(&who, handler, true).await?;
    Ok(().into_response())
}

async fn remove(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    handle.unregister(&who, &Name::EventHandler(name)).await?;
    Ok(().into_response())
}
