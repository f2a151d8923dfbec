use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::COOKIE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::ui::{Failure, House, Visitor};
use crate::words::{Owner, Sensitive};

/// Lets a request in, or answers 403 before anything else is looked at; and says who it comes from.
pub(super) async fn guard(State(house): State<Arc<House>>, mut request: Request, next: Next) -> Response {
    if let Some(reason) = house.door.page_refusal(request.method(), request.uri(), request.headers()) {
        return Failure::new(StatusCode::FORBIDDEN, reason).into_response();
    }
    if let Some(visitor) = visitor(&house, &request) {
        request.extensions_mut().insert(visitor);
    }
    next.run(request).await
}

fn visitor(house: &House, request: &Request) -> Option<Visitor> {
    if house.is_open() {
        return Some(Visitor { who: Owner::Local, form_token: house.form_token.clone(), session: None });
    }
    let cookies = request.headers().get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let pairs = cookies.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == house.cookie).map(|(_, value)| Sensitive::new(value));
    ours.find_map(|cookie| {
        let found = house.sessions.find(&cookie, house.handle.now())?;
        let who = match found.token {
            None => Owner::Local,
            // The session of an application is good for as long as the key that signed in.
            Some(token) => house.handle.authenticate(Some(token.expose())).ok()?,
        };
        Some(Visitor { who, form_token: found.form_token, session: Some(cookie) })
    })
}
