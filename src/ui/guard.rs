use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::daemon;
use crate::door::Peer;
use crate::ui::sessions::Use;
use crate::ui::{Failure, House, Visitor};
use crate::words::{Owner, Sensitive};

/// What a page sends that reads itself again.
const LIVE_HEADER: &str = "x-keytide-live";

/// Lets a request in, or answers 403 before anything else is looked at; and says who it comes from.
pub(super) async fn guard(State(house): State<Arc<House>>, mut request: Request, next: Next) -> Response {
    if let Some(reason) = house.door.page_refusal(request.method(), request.uri(), request.headers()) {
        return Failure::new(StatusCode::FORBIDDEN, reason).into_response();
    }
    // A page that reads itself again, because something changed, is nobody who uses it.
    let used = if request.headers().contains_key(LIVE_HEADER) { Use::Looking } else { Use::Using };
    // Who was refused something hears of it when the audit says so.
    let answered = daemon::asking(house.door.from(request.extensions().get::<Peer>()), async {
        let Some(visitor) = visitor(&house, request.headers(), used) else { return next.run(request).await };
        let listed = visitor.listed.clone();
        request.extensions_mut().insert(visitor);
        daemon::on_page(listed, used == Use::Looking, next.run(request)).await
    });
    answered.await.unwrap_or_else(|error| Failure::from(error).into_response())
}

/// Returns who sent these headers.
pub(super) fn visitor(house: &House, headers: &HeaderMap, used: Use) -> Option<Visitor> {
    if house.is_open() {
        return Some(Visitor {
            who: Owner::Local,
            form_token: house.form_token.clone(),
            listed: house.listed.clone(),
            session: None,
        });
    }
    let cookies = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let pairs = cookies.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == house.cookie).map(|(_, value)| Sensitive::new(value));
    ours.find_map(|cookie| {
        let found = house.sessions.find(&cookie, used, house.handle.now())?;
        let who = match found.token {
            None => Owner::Local,
            // The session of an application is good for as long as the key that signed in.
            Some(token) => house.handle.authenticate(Some(token.expose())).ok()?,
        };
        Some(Visitor { who, form_token: found.form_token, listed: found.listed, session: Some(cookie) })
    })
}
