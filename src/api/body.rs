//! Bodies and path segments as clients send them: what cannot be read is an error in Conductor's shape.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use serde::de::DeserializeOwned;

use crate::api::BODY_BYTES_MAX;
use crate::api::error::Error;
use crate::words::json_fault;

/// The body of a request. Its Content-Type is not asked: a client that signed in again sends none.
pub(super) struct Body(Bytes);

impl Body {
    /// Reads the body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut reader = serde_json::Deserializer::from_slice(&self.0);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let place = if matches!(path.as_str(), "." | "?") { String::new() } else { format!(" at {path}") };
            Error::wrong(format!("the body is not what is expected{place}: {}", json_fault(&error.into_inner())))
        })?;
        reader
            .end()
            .map_err(|error| Error::wrong(format!("the body is not one JSON value: {}", json_fault(&error))))?;
        Ok(value)
    }

    /// Reads the body as JSON where there is one.
    pub(super) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Error> {
        if self.0.trim_ascii().is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// Reads the body as text.
    pub(super) fn text(&self) -> Result<&str, Error> {
        std::str::from_utf8(&self.0).map_err(|_| Error::wrong("the body is not UTF-8 text"))
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let told = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if told.is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
            // Not a byte of it is waited for.
            let message = format!("the body is longer than {BODY_BYTES_MAX} bytes");
            return Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        Ok(Self(Bytes::from_request(request, state).await?))
    }
}

/// Segments of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub(super) struct Path<T>(pub(super) T);
