//! TLS at a port: the certificate and its key are read from files, and read again when they change.
//!
//! **Architecture Invariant:** whoever has connected keeps what it has; a pair that is broken, or does not fit together,
//! changes nothing but a Problem. No key is kept but in what signs with it, and none is said.

mod expiry;

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use crate::api::serve::{Listener, stopped};
use crate::daemon::{self, Handle};
use crate::disk::{Disk, Stamp};
use crate::door::Peer;
use crate::words::Timestamp;
use expiry::end_of;

/// How large a file of certificates or a key may be: a long chain has some 20 KiB.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// How often the files are looked at; it is how often the folder is.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long before its end a certificate is a Problem: what renews them does it a month ahead, and a person needs days. One
/// that lives shorter is one in the last third of its life.
const AHEAD_MAX: Duration = Duration::from_hours(14 * 24);
/// What speaks on the connection; there is no HTTP/2 here.
const PROTOCOL: &[u8] = b"http/1.1";
/// Where the Problem is.
const PLACE: &str = "TLS";

/// What is served over TLS.
pub struct Tls {
    disk: Arc<dyn Disk>,
    files: Files,
    current: RwLock<Current>,
}

/// The files with the certificate, its chain behind it, and with its key, as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

struct Current {
    config: Arc<ServerConfig>,
    /// The files that it was made of, or that were refused.
    seen: Option<(Stamp, Stamp)>,
    begin: Timestamp,
    end: Timestamp,
}

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Others may read the key.
    #[error("others may read or change the key {0}: run `chmod o-rwx,g-w {0}`, and give it to this user or root")]
    NotPrivate(PathBuf),
    /// A file does not hold what it is to hold.
    #[error("{path} holds no {what} as PEM")]
    Empty {
        /// Which.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// They do not fit.
    #[error("{certificate} and {key} cannot be used together: {cause}")]
    Unfit {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        cause: rustls::Error,
    },
}

impl Tls {
    /// Reads a certificate and its key.
    pub fn read(disk: Arc<dyn Disk>, files: Files) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(load(&*disk, &files)?);
        Ok(Arc::new(Self { disk, files, current }))
    }

    /// Reads the files again where they are others than before, or somebody asks for it; returns what is wrong with them.
    pub fn renew(&self, is_asked: bool) -> Option<TlsError> {
        let seen = stamps(&*self.disk, &self.files).ok();
        if !is_asked && seen.is_some() && seen == self.current().seen {
            return None;
        }
        let loaded = load(&*self.disk, &self.files);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        match loaded {
            Ok(loaded) => {
                *current = loaded;
                None
            }
            Err(error) => {
                // It is looked at again, so that its Problem stays until it is mended.
                current.seen = None;
                Some(error)
            }
        }
    }

    /// Returns what is to be said of the certificate's end.
    pub fn expiry(&self, now: Timestamp) -> Option<String> {
        let current = self.current();
        let life = current.end.since(current.begin);
        if now < current.end.minus(AHEAD_MAX.min(life / 3)) {
            return None;
        }
        let file = self.files.certificate.display();
        let verb = if now < current.end { "ends at" } else { "has ended at" };
        Some(format!("the certificate {file} {verb} {}: put a new one in its place", current.end))
    }

    /// Follows the files until the door closes: twice a minute, and whenever `asked` is rung.
    pub async fn follow(self: Arc<Self>, handle: Handle, asked: Arc<Notify>, mut stopping: watch::Receiver<bool>) {
        let mut is_asked = false;
        loop {
            let (tls, looked) = (self.clone(), is_asked);
            // A daemon that stops has no files to look at any more.
            let Ok(error) = daemon::aside(move || tls.renew(looked)).await else { return };
            let message = error.map(|error| format!("{error}; the certificate of before goes on"));
            handle.trouble(PLACE, message.or_else(|| self.expiry(handle.now())));
            tokio::select! {
                rung = timeout(LOOK_EVERY, asked.notified()) => is_asked = rung.is_ok(),
                () = stopped(&mut stopping) => return,
            }
        }
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current().config.clone())
    }

    fn current(&self) -> std::sync::RwLockReadGuard<'_, Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A port where TLS is spoken.
pub struct TlsListener {
    /// The port.
    pub port: TcpListener,
    /// What with.
    pub tls: Arc<Tls>,
}

impl Listener for TlsListener {
    type Stream = TlsStream<TcpStream>;
    type Arriving = Pin<Box<dyn Future<Output = Option<Self::Stream>> + Send>>;

    /// Whoever takes its time with the handshake holds up nobody but itself.
    async fn next(&self) -> io::Result<Option<(Peer, Self::Arriving)>> {
        let (stream, address) = self.port.accept().await?;
        if stream.set_nodelay(true).is_err() {
            return Ok(None);
        }
        let handshake = self.tls.acceptor().accept(stream);
        let arriving: Self::Arriving = Box::pin(async move {
            let failed = |error| tracing::debug!(%error, "a handshake failed");
            handshake.await.map_err(failed).ok()
        });
        Ok(Some((Peer::Address(address), arriving)))
    }
}

fn load(disk: &dyn Disk, files: &Files) -> Result<Current, TlsError> {
    let seen = stamps(disk, files)?;
    let read = |path: &Path| {
        let unreadable = |cause| TlsError::Unreadable { path: path.to_owned(), cause };
        disk.read(path, FILE_BYTES_MAX).map_err(unreadable)
    };
    let empty = |path: &Path, what| TlsError::Empty { path: path.to_owned(), what };
    let text = read(&files.certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| empty(&files.certificate, "certificate"))?;
    let text = Zeroizing::new(read(&files.key)?);
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| empty(&files.key, "private key"))?;
    let (begin, end) = end_of(&chain[0]).ok_or_else(|| empty(&files.certificate, "certificate with a time"))?;
    let unfit = |cause| TlsError::Unfit { certificate: files.certificate.clone(), key: files.key.clone(), cause };
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(unfit)?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(unfit)?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Current { config: Arc::new(config), seen: Some(seen), begin, end })
}

/// Returns what changes when the files do; a key that others may read is none.
fn stamps(disk: &dyn Disk, files: &Files) -> Result<(Stamp, Stamp), TlsError> {
    let facts = |path: &Path| {
        let unreadable = |cause| TlsError::Unreadable { path: path.to_owned(), cause };
        disk.facts(path).map_err(unreadable)
    };
    let key = facts(&files.key)?;
    // A group may read it, as certificates are handed to services in many places.
    if !key.ours || key.mode & 0o027 != 0 {
        return Err(TlsError::NotPrivate(files.key.clone()));
    }
    Ok((facts(&files.certificate)?.stamp, key.stamp))
}
