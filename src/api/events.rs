use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::Value;

use crate::access::TargetKind;
use crate::api::about::Content::{List, One};
use crate::api::about::about;
use crate::api::body::{Body, Path};
use crate::api::metadata::shown;
use crate::api::parameters::ACTIVE_ONLY;
use crate::api::params::Params;
use crate::api::routes::{Need, Routes, each, on};
use crate::api::{Answer, Caller};
use crate::catalog::{Name, Owned};
use crate::daemon::Handle;
use crate::words::Permission;
use crate::workflow::definition::EventHandler;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get(
            "/api/event",
            each(Permission::Read, TargetKind::Workflow),
            about("Gives every event handler").gives(List("EventHandler")),
            all,
        )
        .post(
            "/api/event",
            Need::Write(TargetKind::Workflow),
            about("Adds an event handler").takes(One("EventHandler")),
            add,
        )
        .put(
            "/api/event",
            on(Permission::Update, TargetKind::Workflow),
            about("Replaces an event handler").takes(One("EventHandler")),
            replace,
        )
        .get(
            "/api/event/{name}",
            each(Permission::Read, TargetKind::Workflow),
            about("Gives the handlers of an event").asks([ACTIVE_ONLY]).gives(List("EventHandler")),
            of_event,
        )
        .delete(
            "/api/event/{name}",
            on(Permission::Delete, TargetKind::Workflow),
            about("Removes an event handler"),
            remove,
        )
}

async fn all(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    Ok(Json(shown_handlers(&handle.event_handlers(&who, None))).into_response())
}

async fn of_event(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(event): Path<String>,
    params: Params,
) -> Answer {
    let mut handlers = handle.event_handlers(&who, Some(&event));
    let active_only = params.flag("activeOnly", true)?;
    handlers.retain(|handler| handler.def.active || !active_only);
    Ok(Json(shown_handlers(&handlers)).into_response())
}

fn shown_handlers(handlers: &[Arc<Owned<EventHandler>>]) -> Vec<Value> {
    handlers.iter().map(|owned| shown(&owned.def, &owned.owner)).collect()
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
