//! `GET /api/events`: what goes on, as server-sent events.

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::HeaderName;

use crate::access::TargetKind;
use crate::api::about::{Content, about};
use crate::api::caller::Caller;
use crate::api::executions::execution;
use crate::api::guard::standing;
use crate::api::parameters::LISTENING;
use crate::api::params::Params;
use crate::api::routes::{Routes, each};
use crate::api::{Answer, Error};
use crate::daemon::{Handle, Kind, Wanted};
use crate::door::Door;
use crate::live::{self, Stopping};
use crate::words::Permission;

/// Where a client left off, as browsers send it when they come back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) fn routes() -> Routes {
    let about = about("Tells what goes on, as server-sent events").asks(LISTENING).gives(Content::Events);
    Routes::default().get("/api/events", each(Permission::Read, TargetKind::Workflow), about.fails(&[404, 429]), events)
}

async fn events(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Extension(door): Extension<Door>,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
    params: Params,
) -> Answer {
    let wanted = wanted(&params)?;
    // Whoever follows a link has no such header, and what is asked again has the newer one in it.
    let header = headers.get(LAST_EVENT_ID).and_then(|last| last.to_str().ok());
    let last = header.or_else(|| params.text("lastEventId"));
    let patience = params.number("timeout")?.map(Duration::from_millis);
    let listener = handle.hear(&who, wanted, last, patience)?;
    let still = Box::new(move || standing(&door, &handle, &headers).caller().ok());
    Ok(live::answer(listener, still, stopping.map(|Extension(stopping)| stopping)))
}

fn wanted(params: &Params) -> Result<Wanted, Error> {
    let kinds = params.all("kinds").flat_map(|words| words.split(',')).map(str::trim).map(|word| {
        let known = || Kind::ALL.map(Kind::as_str).join(", ");
        Kind::parse(word).ok_or_else(|| Error::wrong(format!("kinds: \"{word}\" is none of {}", known())))
    });
    let kinds = kinds.collect::<Result<_, _>>()?;
    let execution = params.text("execution").map(execution).transpose()?;
    Ok(Wanted { kinds, workflow: params.text("workflow").map(str::to_owned), execution })
}
