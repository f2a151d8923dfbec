//! `GET /metrics`: what Prometheus asks for. Each caller gets the series of what it may read.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use crate::access::TargetKind;
use crate::api::about::{Content, about};
use crate::api::routes::{Routes, each};
use crate::api::{Answer, Caller};
use crate::daemon::Handle;
use crate::words::Permission;

/// Where it is: the door lets a scraper in there by other words than a client.
pub(super) const PATH: &str = "/metrics";
/// The format, as Prometheus negotiates it.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn routes() -> Routes {
    let about = about("Gives what is counted, for Prometheus").gives(Content::Text);
    Routes::default().get(PATH, each(Permission::Read, TargetKind::Workflow), about.fails(&[429]), metrics)
}

async fn metrics(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    Ok(([(CONTENT_TYPE, FORMAT)], handle.metrics(&who).await?).into_response())
}
