//! Connections: how many, how long their heads may take, and how they end.

use std::io;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::daemon;
use crate::live::Stopping;

/// How many connections one door holds open: a few hundred workers that poll, and far fewer than the files that a process
/// may have open.
const CONNECTIONS_MAX: usize = 512;
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

/// Where connections come in.
pub trait Listener: Send {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection; one that is not let in is nothing.
    fn next(&self) -> impl Future<Output = io::Result<Option<Self::Stream>>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<Option<TcpStream>> {
        let (stream, _) = self.accept().await?;
        // Without it small answers wait for the client's acknowledgement. Where it fails, the client is gone.
        Ok(stream.set_nodelay(true).is_ok().then_some(stream))
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    /// Who is neither this user nor root is hung up on, whatever the file's mode says.
    async fn next(&self) -> io::Result<Option<UnixStream>> {
        let (stream, _) = self.accept().await?;
        if is_ours(&stream) {
            return Ok(Some(stream));
        }
        tracing::warn!("somebody else tried the socket");
        Ok(None)
    }
}

/// Serves until `stopping` says so or is dropped, and then until the requests under way are answered.
///
/// The routes are made for the first who comes: most commands that open a door see nobody there, and making them takes a
/// seventh of all that `run` of one step computes.
pub async fn serve(
    listener: impl Listener,
    router: impl FnOnce() -> Router + Send,
    mut stopping: watch::Receiver<bool>,
) {
    let stopped_by = Stopping::new(stopping.clone());
    let router = LazyLock::new(move || router().layer(Extension(stopped_by)));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Some(place) = place(&places, &mut stopping).await {
        let accepted = tokio::select! {
            accepted = listener.next() => accepted,
            () = stopped(&mut stopping) => break,
        };
        match accepted {
            Ok(Some(stream)) => converse(stream, Router::clone(&router), stopping.clone(), place),
            Ok(None) => {}
            Err(error) => refused(&error, &mut stopping).await,
        }
    }
    drop(listener);
    farewell(&places).await;
}

type Place = tokio::sync::OwnedSemaphorePermit;

async fn place(places: &Arc<Semaphore>, stopping: &mut watch::Receiver<bool>) -> Option<Place> {
    tokio::select! {
        place = places.clone().acquire_owned() => place.ok(),
        () = stopped(stopping) => None,
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own.as_raw() || peer.uid() == 0)
}

async fn refused(error: &io::Error, stopping: &mut watch::Receiver<bool>) {
    tracing::warn!(%error, "a connection could not be taken");
    // It ends early where we stop, and only there.
    drop(timeout(ACCEPT_PAUSE, stopped(stopping)).await);
}

fn converse<S>(stream: S, router: Router, mut stopping: watch::Receiver<bool>, place: Place)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    daemon::spawn(async move {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX);
        let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
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

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Whoever is gone cannot say that it stops: it has.
    drop(stopping.wait_for(|stopping| *stopping).await);
}

async fn farewell(places: &Semaphore) {
    let all = u32::try_from(CONNECTIONS_MAX).expect("a few hundred fit");
    if timeout(FAREWELL, places.acquire_many(all)).await.is_err() {
        tracing::info!("requests under way were cut off");
    }
}
