//! What goes on, as an answer that has no end: both faces tell it, each to its own callers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::sync::watch;

use crate::daemon::{Listener, Next};
use crate::words::Owner;

/// What is between us and the client must hand on each event as it comes.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How soon a client that lost us comes back, in milliseconds.
const RETRY_MILLIS: u32 = 2_000;

/// What tells that the door closes: an answer that has no end ends then.
#[derive(Clone)]
pub struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Returns what tells when `stopping` says so, or is dropped.
    pub const fn new(stopping: watch::Receiver<bool>) -> Self {
        Self(stopping)
    }

    async fn stopped(&mut self) {
        // Whoever is gone cannot say that it stops: it has.
        drop(self.0.wait_for(|stopping| *stopping).await);
    }
}

/// Who listens, asked again before anything is told; nobody, where what it came in with is not good any more.
pub type Who = Box<dyn Fn() -> Option<Owner> + Send + Sync>;

/// Returns the answer that tells a listener what it hears, until `who` is nobody or the door closes.
pub fn answer(listener: Listener, who: Who, stopping: Option<Stopping>) -> Response {
    let stream = Stream { who, listener, stopping, is_new: true };
    let head = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (head, Body::new(Chunks::of(stream))).into_response()
}

/// A client's stream.
struct Stream {
    who: Who,
    listener: Listener,
    stopping: Option<Stopping>,
    is_new: bool,
}

impl Stream {
    /// Returns what is sent next, when there is something; nothing at the end.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if std::mem::take(&mut self.is_new) {
            // A client that loses us before the first event comes back to here.
            let text = format!("retry: {RETRY_MILLIS}\nid: {}\n\n", self.listener.place());
            return Some((text.into(), self));
        }
        let next = tokio::select! {
            next = self.listener.next(&*self.who) => next,
            () = ended(self.stopping.as_mut()) => Next::Over,
        };
        let text = match next {
            Next::Told(text) => text,
            Next::Beat => format!(": \nid: {}\n\n", self.listener.place()),
            Next::Reset => format!("event: reset\nid: {}\ndata: {{}}\n\n", self.listener.place()),
            Next::Over => return None,
        };
        Some((text.into(), self))
    }
}

async fn ended(stopping: Option<&mut Stopping>) {
    match stopping {
        Some(stopping) => stopping.stopped().await,
        None => std::future::pending().await,
    }
}

type Chunk = Pin<Box<dyn Future<Output = Option<(Bytes, Stream)>> + Send>>;

/// The stream as the body of an answer: it is asked for more only when what it gave is on its way, so that nothing piles up
/// for a slow client.
struct Chunks(Option<Chunk>);

impl Chunks {
    fn of(stream: Stream) -> Self {
        Self(Some(Box::pin(stream.next())))
    }
}

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(chunk) = &mut self.0 else { return Poll::Ready(None) };
        let next = ready!(chunk.as_mut().poll(context));
        self.0 = None;
        let Some((bytes, stream)) = next else { return Poll::Ready(None) };
        *self = Self::of(stream);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}
