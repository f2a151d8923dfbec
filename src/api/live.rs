//! `GET /api/events`: what goes on, as server-sent events.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::IntoResponse;
use hyper::body::Frame;
use tokio::sync::watch;

use crate::access::TargetKind;
use crate::api::about::{Content, about};
use crate::api::caller::Caller;
use crate::api::executions::execution;
use crate::api::guard::standing;
use crate::api::parameters::LISTENING;
use crate::api::params::Params;
use crate::api::routes::{Routes, each};
use crate::api::serve::{Stopping, stopped};
use crate::api::{Answer, Error};
use crate::daemon::{Handle, Kind, Listener, Next, Wanted};
use crate::door::Door;
use crate::words::{Owner, Permission};

/// Where a client left off, as browsers send it when they come back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// What is between us and the client must hand on each event as it comes.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How soon a client that lost us comes back, in milliseconds.
const RETRY_MILLIS: u32 = 2_000;

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
    let stopping = stopping.map(|Extension(Stopping(stopping))| stopping);
    let pass = Pass { handle, door, headers };
    let stream = Stream { pass, listener, stopping, is_new: true };
    let head = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    Ok((head, Body::new(Chunks::of(stream))).into_response())
}

fn wanted(params: &Params) -> Result<Wanted, Error> {
    let mut kinds = Vec::new();
    for word in params.all("kinds").flat_map(|words| words.split(',')).map(str::trim) {
        let known = || Kind::ALL.map(Kind::as_str).join(", ");
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == word);
        kinds.push(kind.ok_or_else(|| Error::wrong(format!("kinds: \"{word}\" is none of {}", known())))?);
    }
    let execution = params.text("execution").map(execution).transpose()?;
    Ok(Wanted { kinds, workflow: params.text("workflow").map(str::to_owned), execution })
}

/// Who asked, and by what it is known still.
struct Pass {
    handle: Handle,
    door: Door,
    headers: HeaderMap,
}

impl Pass {
    /// Returns who listens, as long as its token is good.
    fn who(&self) -> Option<Owner> {
        standing(&self.door, &self.handle, &self.headers).caller().ok()
    }
}

/// A client's stream.
struct Stream {
    pass: Pass,
    listener: Listener,
    stopping: Option<watch::Receiver<bool>>,
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
        let pass = &self.pass;
        let who = move || pass.who();
        let next = tokio::select! {
            next = self.listener.next(&who) => next,
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

async fn ended(stopping: Option<&mut watch::Receiver<bool>>) {
    match stopping {
        Some(stopping) => stopped(stopping).await,
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
