use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::caller::Standing;
use crate::api::error::Error;
use crate::api::{in_time, metrics};
use crate::daemon::{self, Handle};
use crate::door::{Door, Peer};

/// Lets a request in, or answers 403 before anything else is looked at.
pub(super) async fn guard(door: Door, handle: Handle, mut request: Request, next: Next) -> Response {
    if let Some(reason) = door.refusal(request.uri(), request.headers()) {
        return Error::new(StatusCode::FORBIDDEN, reason).into_response();
    }
    // Who was refused something hears of it when the audit says so.
    let answered = daemon::asking(door.from(request.extensions().get::<Peer>()), async {
        let standing = match scraping(&door, &handle, &request) {
            Some(scraping) => scraping,
            None => standing(&door, &handle, request.headers()),
        };
        request.extensions_mut().insert(standing);
        // An answer that has no end asks again.
        request.extensions_mut().insert(door);
        in_time(next.run(request)).await
    });
    let answered = answered.await;
    answered.unwrap_or_else(|error| Error::from(error).into_response())
}

/// Returns who acts: who can open the socket can read the identity, and the open door is open.
pub(super) fn standing(door: &Door, handle: &Handle, headers: &HeaderMap) -> Standing {
    match door {
        Door::Socket | Door::Loopback(_) => Standing::Owner,
        Door::Clients => Standing::of_client(handle, headers),
    }
}

/// Returns who asks for the metrics, where that is said otherwise than by a token: Prometheus cannot sign in, so it sends a
/// key and its secret with each request; and the settings may let everybody read them.
fn scraping(door: &Door, handle: &Handle, request: &Request) -> Option<Standing> {
    if request.uri().path() != metrics::PATH || *door != Door::Clients {
        return None;
    }
    if handle.settings().server.open_metrics {
        return Some(Standing::Owner);
    }
    Standing::of_scraper(handle, request.headers())
}
