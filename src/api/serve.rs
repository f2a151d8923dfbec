//! Connections: how many, how long their heads may take, and how they end.

use std::future::{Ready, ready};
use std::io;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::api::patient::Patient;
use crate::api::unread::Unread;
use crate::daemon;
use crate::door::Peer;
use crate::live::Stopping;

/// How many connections one door holds open: as many streams of events as there may be, and as many again for workers that
/// poll and everybody else; one costs some 10 KiB.
const CONNECTIONS_MAX: usize = 2_048;
/// How many doors there are: the socket and the port.
const DOORS: usize = 2;
/// How many files the daemon has open besides: the calls of tasks, the journal, the store, the pipes of scripts.
const OWN_FILES: usize = 1_024;
/// How long a connection may take until it is one: the four round trips of TLS on a bad line take a second.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what it is sent. A stream of events sends something every 15 s, so one whose client
/// is gone without a word ends too.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection may take for a request's head, or be idle between requests. A slow sender holds one place this
/// long, and clients that keep connections for reuse give up sooner.
const HEAD_PATIENCE: Duration = Duration::from_mins(1);
/// How many bytes the head of a request may have; Java and Go clients send less than 1 KiB.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// How many headers a request may have.
const HEADERS_MAX: usize = 64;
/// How long to wait where a connection cannot be taken: the process may have too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long requests under way get when the doors close; the calls of tasks are waited for elsewhere.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a door allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many connections are open at once; whoever comes then waits.
    pub connections: usize,
    /// How long a handshake may take.
    pub handshake_patience: Duration,
    /// How long a request's head may take, and a connection be idle.
    pub head_patience: Duration,
    /// How long a client may take nothing of what it is sent.
    pub write_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS_MAX,
            handshake_patience: HANDSHAKE_PATIENCE,
            head_patience: HEAD_PATIENCE,
            write_patience: WRITE_PATIENCE,
        }
    }
}

impl Limits {
    /// How many files a process has open at most whose doors are as they should be.
    pub const FILES: usize = OWN_FILES + DOORS * CONNECTIONS_MAX;

    /// Returns what a door allows in a process that may have this many files open, and what is to be done where that is less
    /// than it should be: half of a small number is for the calls of tasks, so that no client can keep a token from being
    /// stored.
    pub fn within(files: usize) -> (Self, Option<String>) {
        let own = OWN_FILES.min(files / 2);
        let connections = (files.saturating_sub(own) / DOORS).clamp(1, CONNECTIONS_MAX);
        let advice = (connections < CONNECTIONS_MAX).then(|| {
            format!(
                "this process may have {files} files open, so {connections} clients at once are served instead of \
                 {CONNECTIONS_MAX}: raise the hard limit to {} (`ulimit -Hn`, LimitNOFILE= of systemd, --ulimit nofile= of \
                 a container) and start again",
                Self::FILES
            )
        });
        (Self { connections, ..Self::default() }, advice)
    }
}

/// Where connections come in.
pub trait Listener: Send {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// A connection that is still to be made out; nobody waits for it but itself. One that is not let in is nothing.
    type Arriving: Future<Output = Option<Self::Stream>> + Send + 'static;

    /// Waits for the next connection, and says who is at its other end; one that is not let in is nothing.
    fn next(&self) -> impl Future<Output = io::Result<Option<(Peer, Self::Arriving)>>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Arriving = Ready<Option<TcpStream>>;

    async fn next(&self) -> io::Result<Option<(Peer, Self::Arriving)>> {
        let (stream, address) = self.accept().await?;
        // Without it small answers wait for the client's acknowledgement. Where it fails, the client is gone.
        Ok(stream.set_nodelay(true).is_ok().then(|| (Peer::Address(address), ready(Some(stream)))))
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;
    type Arriving = Ready<Option<UnixStream>>;

    /// Who is neither this user nor root is hung up on, whatever the file's mode says.
    async fn next(&self) -> io::Result<Option<(Peer, Self::Arriving)>> {
        let (stream, _) = self.accept().await?;
        let Some(peer) = own_process(&stream) else {
            tracing::warn!("somebody else tried the socket");
            return Ok(None);
        };
        Ok(Some((peer, ready(Some(stream)))))
    }
}

/// Serves until `stopping` says so or is dropped, and then until the requests under way are answered.
///
/// The routes are made for the first who comes: most commands that open a door see nobody there, and making them takes a
/// seventh of all that `run` of one step computes.
pub async fn serve(
    limits: Limits,
    listener: impl Listener,
    router: impl FnOnce() -> Router + Send,
    mut stopping: watch::Receiver<bool>,
) {
    let stopped_by = Stopping::new(stopping.clone());
    let router = LazyLock::new(move || router().layer(Extension(stopped_by)));
    let places = Arc::new(Semaphore::new(limits.connections));
    while let Some(place) = place(&places, &mut stopping).await {
        let accepted = tokio::select! {
            accepted = listener.next() => accepted,
            () = stopped(&mut stopping) => break,
        };
        match accepted {
            Ok(Some((peer, arriving))) => {
                converse(limits, (peer, arriving), Router::clone(&router), stopping.clone(), place);
            }
            Ok(None) => {}
            Err(error) => refused(&error, &mut stopping).await,
        }
    }
    drop(listener);
    farewell(&places, limits.connections).await;
}

type Place = tokio::sync::OwnedSemaphorePermit;

async fn place(places: &Arc<Semaphore>, stopping: &mut watch::Receiver<bool>) -> Option<Place> {
    tokio::select! {
        place = places.clone().acquire_owned() => place.ok(),
        () = stopped(stopping) => None,
    }
}

/// Returns the process at the other end, where its user is this one or root.
fn own_process(stream: &UnixStream) -> Option<Peer> {
    let own = rustix::process::geteuid();
    let peer = stream.peer_cred().ok().filter(|peer| peer.uid() == own.as_raw() || peer.uid() == 0)?;
    Some(Peer::Process { uid: peer.uid(), pid: peer.pid() })
}

async fn refused(error: &io::Error, stopping: &mut watch::Receiver<bool>) {
    tracing::warn!(%error, "a connection could not be taken");
    // It ends early where we stop, and only there.
    drop(timeout(ACCEPT_PAUSE, stopped(stopping)).await);
}

fn converse<S>(
    limits: Limits,
    (peer, arriving): (Peer, impl Future<Output = Option<S>> + Send + 'static),
    router: Router,
    mut stopping: watch::Receiver<bool>,
    place: Place,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    daemon::spawn(async move {
        let Ok(Some(stream)) = timeout(limits.handshake_patience, arriving).await else { return };
        let stream = Patient::new(stream, limits.write_patience);
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_patience)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX);
        let router = TowerToHyperService::new(router);
        let answer = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            router.call(Unread::of(request))
        });
        let connection = builder.serve_connection(TokioIo::new(stream), answer);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopped(&mut stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke");
        }
        drop(place);
    });
}

pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Whoever is gone cannot say that it stops: it has.
    drop(stopping.wait_for(|stopping| *stopping).await);
}

async fn farewell(places: &Semaphore, connections: usize) {
    let all = u32::try_from(connections).expect("a few thousand fit");
    if timeout(FAREWELL, places.acquire_many(all)).await.is_err() {
        tracing::info!("requests under way were cut off");
    }
}
