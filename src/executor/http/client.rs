//! The one client of the process, and one call with it.

use std::error::Error as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder, Identity, Url};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio::time::timeout;
use tower::util::{MapRequestLayer, MapResponseLayer};

use super::Error;
use super::egress::{Egress, Refusal};
use super::request::{Redirects, Request};
use super::response::{read_response, redirect_target};
use crate::disk::Disk;
use crate::engine::{Answer, Response};
use crate::settings;
use crate::words::Sensitive;

/// How many redirects are followed: one to sign in, one to a canonical path, and a few to spare.
const REDIRECTS_MAX: usize = 5;
/// How many kinds of clients are kept: each has its own connections and settings of TLS.
const CLIENTS_MAX: usize = 16;
/// How long a connection waits for another call: less than the least that servers and balancers commonly allow.
const POOL_IDLE: Duration = Duration::from_secs(20);
/// Larger than every bundle of authorities in use (about 250 KiB).
const CA_FILE_BYTES_MAX: u64 = 1 << 20;

/// The header that says it, as the W3C has it.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

tokio::task_local! {
    /// The call that runs in this task: the resolver and the connector learn from it and report to it.
    static CALL: Arc<Progress>;
}

/// How far a call came.
struct Progress {
    port: Option<u16>,
    opening: AtomicBool,
    connected: AtomicBool,
    connecting: Notify,
}

/// Makes the calls of every HTTP task; what it needs is built when it is first needed.
pub struct HttpClient {
    settings: settings::Http,
    egress: Arc<Egress>,
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    clients: Mutex<Vec<(Kind, reqwest::Client)>>,
}

/// What tells one client from another.
#[derive(Clone, PartialEq, Eq)]
struct Kind {
    connect_timeout: Duration,
    is_tls: bool,
    is_pooled: bool,
    authorities: Option<[u8; 32]>,
    /// Who the client says it is: a connection of one is never another's.
    identity: Option<[u8; 32]>,
}

/// Why there is no whole answer.
pub(super) enum Broken {
    /// No connection was made.
    NotSent(String),
    /// There was one.
    Unknown(String),
}

impl From<Broken> for Answer {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::NotSent(reason) => Self::NotSent { reason },
            Broken::Unknown(reason) => Self::Unknown { reason },
        }
    }
}

impl HttpClient {
    /// Returns the client. `own` are the addresses that our API listens on; files of authorities are below `folder`.
    pub fn new(settings: settings::Http, own: Vec<SocketAddr>, disk: Arc<dyn Disk>, folder: PathBuf) -> Self {
        let egress = Arc::new(Egress::new(settings.deny.clone(), settings.allow.clone(), own));
        Self { settings, egress, disk, folder, clients: Mutex::default() }
    }

    /// Has a request say to which trace it belongs, where that is wanted and it does not say so itself.
    pub(super) fn traced(&self, mut request: Request, traceparent: impl FnOnce() -> String) -> Request {
        if self.settings.traceparent && !request.headers.contains_key(TRACEPARENT) {
            request.headers.extend(HeaderValue::try_from(traceparent()).ok().map(|value| (TRACEPARENT, value)));
        }
        request
    }

    /// Makes one call.
    pub(super) async fn perform(&self, request: Request) -> Answer {
        if let Err(refusal) = self.egress.check_literal(&request.url) {
            return Answer::NotSent { reason: refusal.to_string() };
        }
        let client = match self.client_for(&request) {
            Ok(client) => client,
            Err(error) => return Answer::Failed { reason: error.to_string(), terminal: false },
        };
        let progress = Arc::new(Progress {
            port: request.url.port_or_known_default(),
            opening: AtomicBool::new(false),
            connected: AtomicBool::new(false),
            connecting: Notify::new(),
        });
        let exchange = CALL.scope(progress.clone(), self.exchange(&client, &request, &progress));
        match timeout(self.settings.timeout, exchange).await {
            Ok(Ok(response)) => Answer::Response(response),
            Ok(Err(broken)) => broken.into(),
            Err(_) => self.overdue(&request, &progress).into(),
        }
    }

    fn overdue(&self, request: &Request, progress: &Progress) -> Broken {
        let reason = format!("{} took longer than {:?} (`http.timeout`)", request.described(), self.settings.timeout);
        // A shared connection may have been there before.
        if progress.connected.load(Ordering::Acquire) || request.is_safe() {
            Broken::Unknown(reason)
        } else {
            Broken::NotSent(reason)
        }
    }

    async fn exchange(
        &self,
        client: &reqwest::Client,
        request: &Request,
        progress: &Progress,
    ) -> Result<Response, Broken> {
        let mut url = request.url.clone();
        let mut redirects = 0;
        loop {
            let received = send(client, request, &url, progress).await?;
            match redirect_target(&received, &url) {
                Some(target) if request.redirects == Redirects::Followed && redirects < REDIRECTS_MAX => {
                    redirects += 1;
                    url = target;
                }
                Some(_) | None => return read_response(received, request, self.settings.body_bytes_max).await,
            }
        }
    }

    fn client_for(&self, request: &Request) -> Result<reqwest::Client, Error> {
        let paths: Vec<&String> = self.settings.ca_file.iter().chain(&request.ca_file).collect();
        let files = paths.iter().map(|path| self.read_authorities(path)).collect::<Result<Vec<_>, _>>()?;
        let kind = Kind {
            connect_timeout: request.connect_timeout,
            is_tls: request.url.scheme() == "https" || self.settings.proxy.is_some(),
            is_pooled: request.is_safe(),
            authorities: (!files.is_empty()).then(|| Sha256::digest(files.concat()).into()),
            identity: request.identity.as_ref().map(|pem| Sha256::digest(pem.expose()).into()),
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == kind) {
            return Ok(client.clone());
        }
        let mut certificates = Vec::new();
        for (path, file) in paths.iter().zip(&files) {
            certificates.extend(parse_authorities(path, file)?);
        }
        let identity = request.identity.as_ref().map(identity_of).transpose()?;
        let client = self.build(&kind, &certificates, identity.as_ref())?;
        if clients.len() == CLIENTS_MAX {
            clients.remove(0);
        }
        clients.push((kind, client.clone()));
        Ok(client)
    }

    fn read_authorities(&self, path: &str) -> Result<Vec<u8>, Error> {
        let read = self.disk.read(&self.folder.join(path), CA_FILE_BYTES_MAX);
        read.map_err(|error| Error::Authorities { path: path.to_owned(), problem: error.to_string() })
    }

    fn build(
        &self,
        kind: &Kind,
        certificates: &[Certificate],
        identity: Option<&Identity>,
    ) -> Result<reqwest::Client, Error> {
        let unbuildable = |error: reqwest::Error| Error::Client { problem: deepest(&error.without_url()) };
        if !kind.is_tls {
            // Loading the system's authorities takes longer than the whole call.
            return self.builder(kind, None)?.tls_certs_only([]).build().map_err(unbuildable);
        }
        // A machine without authorities of its own (an empty container) gets Mozilla's.
        self.builder(kind, identity)?.tls_certs_merge(certificates.to_vec()).build().or_else(|_| {
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
            let roots = roots.filter_map(|root| Certificate::from_der(root).ok()).chain(certificates.to_vec());
            self.builder(kind, identity)?.tls_certs_only(roots).build().map_err(unbuildable)
        })
    }

    fn builder(&self, kind: &Kind, identity: Option<&Identity>) -> Result<ClientBuilder, Error> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("keytide/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(kind.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .connector_layer(MapRequestLayer::new(note_opening))
            .connector_layer(MapResponseLayer::new(note_connection));
        if let Some(identity) = identity {
            builder = builder.identity(identity.clone());
        }
        if !kind.is_pooled {
            builder = builder.pool_max_idle_per_host(0);
        }
        match &self.settings.proxy {
            // The proxy resolves the names, and judges them.
            Some(proxy) => {
                let proxy = reqwest::Proxy::all(proxy.expose())
                    .map_err(|_| Error::Field { field: "http.proxy", expected: "the address of a proxy" })?;
                Ok(builder.proxy(proxy))
            }
            None => Ok(builder.dns_resolver(Resolver(self.egress.clone()))),
        }
    }
}

/// Sends a request and waits for the head of its response: for a connection first, and then for the server.
async fn send(
    client: &reqwest::Client,
    request: &Request,
    url: &Url,
    progress: &Progress,
) -> Result<reqwest::Response, Broken> {
    let mut builder = client.request(request.method.clone(), url.clone()).headers(request.headers.clone());
    if let Some(body) = &request.body {
        builder = builder.body(body.clone());
    }
    let mut response = std::pin::pin!(builder.send());
    let reached = {
        let mut connected = std::pin::pin!(async {
            tokio::select! {
                biased;
                response = &mut response => Some(response),
                () = progress.connecting.notified() => None,
            }
        });
        // Over a connection that was there before the server has the request; a new one has its own time to be made.
        match timeout(request.read_timeout, &mut connected).await {
            Err(_) if progress.opening.load(Ordering::Acquire) => timeout(request.connect_timeout, connected).await,
            reached => reached,
        }
    };
    let received = match reached {
        Ok(Some(received)) => Ok(received),
        Ok(None) => timeout(request.read_timeout, response).await,
        Err(elapsed) => Err(elapsed),
    };
    match received {
        Ok(Ok(received)) => Ok(received),
        Ok(Err(error)) => Err(broken(error, request)),
        Err(_) => {
            let waited = request.read_timeout;
            Err(Broken::Unknown(format!("no answer to {} within {waited:?} (`readTimeOut`)", request.described())))
        }
    }
}

/// Tells a connection that was not made from one that broke.
pub(super) fn broken(error: reqwest::Error, request: &Request) -> Broken {
    let place = request.place();
    let error = error.without_url();
    if !error.is_connect() && !error.is_builder() {
        return Broken::Unknown(format!("{} got no whole answer: {}", request.described(), deepest(&error)));
    }
    Broken::NotSent(match causes(&error).find_map(|cause| cause.downcast_ref::<Refusal>()) {
        Some(refusal) => refusal.to_string(),
        None if error.is_timeout() => {
            format!("no connection to {place} within {:?} (`connectionTimeOut`)", request.connect_timeout)
        }
        None => format!("no connection to {place}: {}", deepest(&error)),
    })
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// Returns the innermost cause, which says what happened and repeats nothing of the request.
fn deepest(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Reads a certificate with its key; what is wrong with it is said without a piece of it.
fn identity_of(pem: &Sensitive) -> Result<Identity, Error> {
    Identity::from_pem(pem.expose().as_bytes()).map_err(|_| Error::Field {
        field: "clientCertificate",
        expected: "PEM: the certificate, those above it, and its private key here or in clientKey",
    })
}

fn parse_authorities(path: &str, file: &[u8]) -> Result<Vec<Certificate>, Error> {
    let wrong = |problem: &str| Error::Authorities { path: path.to_owned(), problem: problem.to_owned() };
    let certificates = Certificate::from_pem_bundle(file).map_err(|_| wrong("it is not PEM"))?;
    if certificates.is_empty() { Err(wrong("it holds no certificate")) } else { Ok(certificates) }
}

/// Notes that a connection is about to be made.
fn note_opening<R>(request: R) -> R {
    let _ = CALL.try_with(|call| call.opening.store(true, Ordering::Release));
    request
}

/// Notes that a connection was made: from here on the server may have seen the request.
fn note_connection<C>(connection: C) -> C {
    // Without a call this is a connection that lost a race against a pooled one, and serves a later call.
    let _ = CALL.try_with(|call| {
        call.connected.store(true, Ordering::Release);
        call.connecting.notify_one();
    });
    connection
}

/// Resolves names and keeps back what the rules forbid, so that what was judged is what is connected to.
struct Resolver(Arc<Egress>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.0.clone();
        let port = CALL.try_with(|call| call.port).ok().flatten();
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await;
            let found = found.map_err(|_| Refusal::Unresolved { host: host.to_owned() })?;
            let permitted = egress.permitted(host, &found.collect::<Vec<_>>(), port)?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}
