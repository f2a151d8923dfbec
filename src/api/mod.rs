//! The REST API: Conductor's routes over [`Handle`], on the daemon's socket and, where it is asked for, on loopback.
//!
//! Shapes and status codes are those of Conductor 3.32 and of Orkes where Conductor has no such route; where Conductor
//! answers a wrong request with 500, this answers 400. Our own command line speaks the same routes; what Conductor has no
//! word for is below `/api/keytide`.
//!
//! Every route says in one table what it needs; who sent a request the door says, and a request that came by no door is
//! answered by nobody.
//!
//! **Architecture Invariant:** a face decides nothing. It reads a request, asks the handle, and writes what the handle
//! says; access and masking are the handle's. A request that came through a browser from another site is refused before
//! it is routed. Nothing that a client sends is answered with 5xx unless something of ours is broken.

mod about;
mod all_tags;
mod applications;
mod audit;
mod body;
mod bulk;
mod caller;
mod correlated;
mod environment;
mod error;
mod events;
mod executions;
mod grants;
mod groups;
mod guard;
mod health;
mod live;
mod metadata;
mod metrics;
mod openapi;
mod ours;
mod parameters;
mod params;
mod patient;
mod queues;
mod routes;
mod scheduler;
mod scheduler_admin;
mod search;
mod secret_body;
mod secrets;
mod serve;
mod socket;
mod synchronous;
mod tags;
mod task_logs;
mod tasks;
mod tls;
mod token;
mod trials;
mod unread;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{self, HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::daemon::Handle;
use crate::door::Door;

pub use about::{About, Content, Parameter, ParameterKind, Taken};
pub use applications::{shown_application, shown_key};
use caller::Caller;
pub use error::Error;
pub use openapi::document;
use routes::Routes;
pub use routes::{Need, Route};
pub use serve::{Limits, Listener, serve};
pub use socket::{BindError, Openness, bind_socket, bind_tcp};
pub use tls::{Files as TlsFiles, Tls, TlsError, TlsListener};

/// The largest body of a request: Conductor's hard limit for the input of a workflow, and room for its envelope.
const BODY_BYTES_MAX: usize = 11 << 20;

/// How long a request may take, with its body; longer than the longest poll (60 s) and shorter than the patience of our
/// own client (90 s).
const REQUEST_PATIENCE: Duration = Duration::from_secs(75);

/// What a handler answers.
type Answer = Result<Response, Error>;

/// Returns the routes behind a door.
pub fn router(handle: Handle, door: Door) -> Router {
    let guarding = handle.clone();
    let routes = all_routes()
        .into_router()
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::wrong_method)
        .with_state(handle);
    // Around all of them once: as layers of the router they would be made for each route anew.
    let behind = ServiceBuilder::new()
        .map_response(never_kept)
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| Error::ours().into_response()))
        .layer(from_fn(move |request, next| guard::guard(door.clone(), guarding.clone(), request, next)))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .service(routes);
    Router::new().fallback_service(behind)
}

/// Returns every route, with what it needs.
pub fn table() -> Vec<Route> {
    all_routes().into_table()
}

fn all_routes() -> Routes {
    Routes::default()
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(openapi::routes())
        .merge(token::routes())
        .merge(metadata::routes())
        .merge(tags::routes())
        .merge(all_tags::routes())
        .merge(correlated::routes())
        .merge(executions::routes())
        .merge(trials::routes())
        .merge(search::routes())
        .merge(bulk::routes())
        .merge(events::routes())
        .merge(live::routes())
        .merge(synchronous::routes())
        .merge(tasks::routes())
        .merge(queues::routes())
        .merge(task_logs::routes())
        .merge(secrets::routes())
        .merge(environment::routes())
        .merge(scheduler::routes())
        .merge(scheduler_admin::routes())
        .merge(applications::routes())
        .merge(grants::routes())
        .merge(groups::routes())
        .merge(audit::routes())
        .merge(ours::routes())
}

/// A request that trickles in, or that something of ours holds up, ends.
async fn in_time(answer: impl Future<Output = Response>) -> Response {
    let answered = tokio::time::timeout(REQUEST_PATIENCE, answer).await;
    answered.unwrap_or_else(|_| {
        let message = format!("the request took longer than {} s", REQUEST_PATIENCE.as_secs());
        Error::new(StatusCode::SERVICE_UNAVAILABLE, message).into_response()
    })
}

/// No answer is kept by anybody on the way, and none is taken for another kind of content than it says.
fn never_kept<B>(mut response: http::Response<B>) -> http::Response<B> {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Returns an answer that is JSON already.
fn json_text(text: Arc<[u8]>) -> Response {
    ([("content-type", "application/json")], Bytes::from_owner(text)).into_response()
}

/// Returns an answer that is plain text, as ids are.
fn text(text: impl Into<String>) -> Response {
    ([("content-type", "text/plain;charset=UTF-8")], text.into()).into_response()
}
