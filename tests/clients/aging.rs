//! A front before the daemon where tokens age fast: each is good for a few requests, and from then on what is passed on is a
//! token of the same application that the daemon's key signed long ago. So a client meets a real expiry, in mid-use.
//!
//! Tokens of one second are one token, and a client that gets the old one again rightly gives up. Here a token is old within
//! milliseconds, so who signs in by the front is given one of a later second each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use keytide::access::Signer;
use keytide::clock::{Clock as _, SystemClock};
use keytide::disk::SystemDisk;
use keytide::secret::{Edges, Identity, Paths, Store};
use keytide::words::{Sensitive, Timestamp};
use serde_json::json;

use crate::rig::Test;

/// For how many requests a token is good: enough to see that it was, and few, so that every client sees it expire.
const USES: usize = 3;
/// Longer than any body that a client of these tests sends.
const BODY_BYTES_MAX: usize = 1 << 20;
const TOKEN: HeaderName = HeaderName::from_static("x-authorization");

/// A running front.
pub(crate) struct Front {
    url: String,
    state: Arc<Aging>,
    _runtime: tokio::runtime::Runtime,
}

struct Aging {
    server: String,
    signing: Signing,
    signed_in: AtomicUsize,
    uses: AtomicUsize,
    refused: AtomicUsize,
    client: reqwest::Client,
}

/// What signs as the daemon does, for one application and its key.
pub(crate) struct Signing {
    signer: Signer,
    application: String,
    key: String,
}

impl Signing {
    pub(crate) fn new(test: &Test, application: &str, key: &str) -> Self {
        let identity = Identity::load(&SystemDisk, &test.identity()).unwrap();
        let paths = Paths::new(&test.path("secrets"), &test.path(".keytide"), None);
        let edges = Edges { disk: Arc::new(SystemDisk), clock: Arc::new(SystemClock) };
        let store = Store::open(edges, paths, identity, 5).expect("the store is whole");
        let signer = Signer::new(store.snapshot().token_key());
        Self { signer, application: application.to_owned(), key: key.to_owned() }
    }

    fn token(&self, at: Timestamp) -> Sensitive {
        self.signer.sign(&self.application, &self.key, at.to_string(), at)
    }
}

impl Front {
    pub(crate) fn start(server: &str, signing: Signing) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let state = Arc::new(Aging {
            server: server.to_owned(),
            signing,
            signed_in: AtomicUsize::new(0),
            uses: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            client: reqwest::Client::new(),
        });
        let router = Router::new().fallback(pass).with_state(state.clone());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns how often an expired token was refused.
    pub(crate) fn refused(&self) -> usize {
        self.state.refused.load(Ordering::SeqCst)
    }
}

/// Passes a request on, with the token that it has become.
async fn pass(State(state): State<Arc<Aging>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let signs_in = path == "/api/token";
    if signs_in {
        state.uses.store(0, Ordering::SeqCst);
    } else if parts.headers.contains_key(TOKEN) && state.uses.fetch_add(1, Ordering::SeqCst) >= USES {
        parts.headers.insert(TOKEN, HeaderValue::from_str(state.signing.token(Timestamp::EPOCH).expose()).unwrap());
    }
    for hop in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING] {
        parts.headers.remove(hop);
    }
    let request = state.client.request(parts.method, format!("{}{path}", state.server)).headers(parts.headers);
    let answer = request.body(to_bytes(body, BODY_BYTES_MAX).await.unwrap()).send().await.unwrap();
    if answer.status() == StatusCode::UNAUTHORIZED {
        state.refused.fetch_add(1, Ordering::SeqCst);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    for (name, value) in
        answer.headers().iter().filter(|(name, _)| !matches!(**name, CONTENT_LENGTH | TRANSFER_ENCODING))
    {
        response.headers_mut().append(name, value.clone());
    }
    *response.body_mut() = if signs_in && answer.status().is_success() {
        let later = Duration::from_secs(state.signed_in.fetch_add(1, Ordering::SeqCst) as u64);
        let token = state.signing.token(SystemClock.now().plus(later));
        Body::from(json!({"token": token.expose()}).to_string())
    } else {
        Body::from(answer.bytes().await.unwrap())
    };
    response
}
