//! The pages that people use in a browser, rendered here and complete without a script; ours only makes them quicker.
//!
//! A page is a face over [`Handle`](crate::daemon::Handle) like the API: it shows what whoever signed in may see, and changes what they may
//! change. They sign in with a link that the command line gives, once, or with the key of an application; what they get for
//! it is a session in memory, and a cookie that only its digest is kept of. At a server that is open nobody signs in.
//!
//! Every page is a file of `pages/` with its routes, and made of `parts/`. A form says what it changes by POST, carries the
//! token of its session, and is answered by a redirect, so that going back or loading again does nothing twice.
//!
//! **Architecture Invariant:** no value of a secret is in a page, but in the answer to the one form that asks to see it. What
//! anybody may have typed reaches a page escaped, as text or as the value of an attribute that is none of `href`, `src` and
//! `style`. No script and no style but our own two files is ever run.

mod assets;
mod failure;
mod form;
mod guard;
mod headers;
mod house;
mod live;
mod packing;
mod pages;
mod parts;
mod routes;
mod sessions;
mod sign_in;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::ACCEPT;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

pub use assets::{script, stylesheet};
use failure::Failure;
pub use house::House;
use routes::Routes;
pub use routes::{Audience, Route};
use visitor::Visitor;

/// The largest form: the longest value of a secret with every byte of it as three, and room for the other fields.
const FORM_BYTES_MAX: usize = 3 * crate::secret::VALUE_BYTES_MAX + (64 << 10);

/// How long a page may take, with the form that asks for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a page answers.
type Answer = Result<Response, Failure>;

/// Puts the pages before the routes of the API: what is no page is the API's.
pub fn router(house: House, api: Router) -> Router {
    let house = Arc::new(house);
    all_routes()
        .into_router()
        .with_state(house.clone())
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(house, guard::guard))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| Failure::ours().into_response()))
        .layer(from_fn(headers::on_every_page))
        .layer(from_fn(packing::mark))
        .layer(packing::layer())
        .fallback_service(ServiceBuilder::new().layer(from_fn(lost)).service(api))
}

/// Shows a page to a person who asks for one that is not there; a client of the API reads what the API says.
async fn lost(request: Request, next: Next) -> Response {
    let accepted = request.headers().get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    let is_person = accepted.is_some_and(|accepted| accepted.contains("text/html"));
    let is_page = request.method() == Method::GET && !request.uri().path().starts_with("/api");
    let response = next.run(request).await;
    if !(is_person && is_page && response.status() == StatusCode::NOT_FOUND) {
        return response;
    }
    headers::told(Failure::missing("there is no such page").into_response())
}

/// Returns every route, with whom it answers.
pub fn table() -> Vec<Route> {
    all_routes().into_table()
}

fn all_routes() -> Routes {
    Routes::default().merge(assets::routes()).merge(sign_in::routes()).merge(live::routes()).merge(pages::routes())
}

async fn in_time(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(PATIENCE, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        let message = format!("the page took longer than {} s; try again in a moment", PATIENCE.as_secs());
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).into_response()
    })
}
