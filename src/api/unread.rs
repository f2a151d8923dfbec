//! A body that nobody read to its end: what is left of it is taken and forgotten.
//!
//! A client sends on while it is answered already, since its token has expired, say. Were it hung up on, it would hear that the
//! connection broke and nothing of the answer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use tokio::time::timeout;

use crate::api::BODY_BYTES_MAX;
use crate::daemon;

/// How long a client may send what nobody reads: a large body over a slow line, and no place that is held for long.
const PATIENCE: Duration = Duration::from_secs(10);

/// The body of a request.
pub(super) struct Unread {
    body: Option<Incoming>,
    /// Whether the client sends the body in any case.
    comes: bool,
}

impl Unread {
    /// Returns a request whose body is taken to its end.
    pub(super) fn of(request: Request<Incoming>) -> Request<Self> {
        // Who asks first whether to send it does not send it once it is answered, and may go on with another request.
        let comes = !request.headers().contains_key(EXPECT);
        request.map(|body| Self { body: Some(body), comes })
    }
}

impl HttpBody for Unread {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Incoming::size_hint)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let left = self.body.take().filter(|body| self.comes && !body.is_end_stream());
        // Of one that is too long by its own word not a byte is waited for.
        let left = left.filter(|body| body.size_hint().lower() <= BODY_BYTES_MAX as u64);
        if let Some(left) = left {
            daemon::spawn(async move { drop(timeout(PATIENCE, forget(left)).await) });
        }
    }
}

/// Takes a body to its end, or to where it is too long.
async fn forget(mut body: Incoming) {
    let mut bytes = 0;
    while bytes <= BODY_BYTES_MAX
        && let Some(Ok(frame)) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
    {
        bytes += frame.data_ref().map_or(0, Bytes::len);
    }
}
