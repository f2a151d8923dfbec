use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::api::error::Error;
use crate::words::Owner;

/// Who sent the request: the door says so, and a request that came by no door is nobody's.
#[derive(Clone, Debug)]
pub(super) struct Caller(pub(super) Owner);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        // A route that no door guards is a mistake of ours, and must not be an open one.
        parts.extensions.get::<Self>().cloned().ok_or_else(Error::ours)
    }
}
