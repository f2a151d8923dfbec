//! A token issuer on loopback, as strict as a real one: its tokens expire, a new one revokes the old at once, and only the
//! current one opens the protected resource. The demo and the end-to-end tests rotate against it.
//!
//! `POST /api/token` with `{"keyId", "keySecret"}` answers `{"token"}`; `GET /api/resource` wants the token as
//! `X-Authorization` or as `Authorization: Bearer`. A [`Fault`] makes the next call for a token go wrong on purpose.
//!
//! **Architecture Invariant:** it listens on loopback only, and knows nothing of the rest of the product.

mod answer;
mod desk;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Clock;
use crate::words::Sensitive;
use desk::Desk;

/// What an issuer is like.
pub struct Options {
    /// How long a token opens the resource.
    pub lifetime: Duration,
    /// Who may ask for a token.
    pub key_id: String,
    /// What they prove it with.
    pub key_secret: Sensitive,
}

/// What goes wrong with one call for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers 500; no token is issued.
    ServerError,
    /// Issues a token, which revokes the one before, and cuts the connection instead of answering.
    LostReply,
    /// Issues a token and answers only after this long.
    SlowReply(Duration),
    /// Answers 200 with bytes that are no JSON; no token is issued.
    Garbage,
    /// Answers 200 with a page to sign in on; no token is issued.
    LoginPage,
}

/// What an issuer has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tokens issued.
    pub issued: u64,
    /// Calls for a token that it refused.
    pub token_refused: u64,
    /// Visits of the resource with the current token.
    pub resource_ok: u64,
    /// Visits of the resource without it.
    pub resource_refused: u64,
}

/// A running issuer; dropping it stops it and cuts its connections.
pub struct Issuer {
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
    listening: JoinHandle<()>,
}

impl Issuer {
    /// Starts an issuer on a free port of the loopback, within the current runtime.
    pub async fn start(options: Options, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Mutex::new(Desk::new(options, clock)));
        let listening = tokio::spawn(listen(listener, Arc::clone(&desk)));
        Ok(Self { address, desk, listening })
    }

    /// Returns where tokens are issued.
    pub fn token_url(&self) -> String {
        format!("http://{}/api/token", self.address)
    }

    /// Returns where the protected resource is.
    pub fn resource_url(&self) -> String {
        format!("http://{}/api/resource", self.address)
    }

    /// Makes the next call for a token go wrong; several faults hit one call each, in order.
    pub fn fail_next(&self, fault: Fault) {
        locked(&self.desk).fail_next(fault);
    }

    /// Returns what it has seen so far.
    pub fn counts(&self) -> Counts {
        locked(&self.desk).counts()
    }

    /// Returns the tokens that it issued, the newest last: the last few thousand are remembered.
    pub fn issued(&self) -> Vec<Sensitive> {
        locked(&self.desk).issued()
    }

    /// Returns the newest token.
    pub fn issued_last(&self) -> Option<Sensitive> {
        self.issued().pop()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Takes connections until it is stopped; its connections end with it.
async fn listen(listener: TcpListener, desk: Arc<Mutex<Desk>>) {
    let mut connections = JoinSet::new();
    loop {
        // A connection that could not be taken (too many files) is the caller's loss, not the end of the issuer.
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, Arc::clone(&desk)));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, desk: Arc<Mutex<Desk>>) {
    let service = service_fn(|request| answer::answer(request, Arc::clone(&desk)));
    // An error here is a client that left, or a reply that was meant to be lost.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn locked(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}
