//! A real daemon in a folder of its own, behind its router.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use axum::response::Response;
use keytide::api::router;
use keytide::catalog::Catalog;
use keytide::clock::SystemClock;
use keytide::daemon::{Config, Daemon, Error, Recovery};
use keytide::disk::SystemDisk;
use keytide::door::Door;
use keytide::executor::script::Evaluator;
use keytide::observe::Masking;
use keytide::redact::Masker;
use keytide::secret::{Edges, Identity, Origin, Paths, Provenance, Store};
use keytide::settings::Settings;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::contract;

/// How long a daemon waits for the lock of the one before it.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer that a test reads.
const ANSWER_BYTES_MAX: usize = 64 << 20;

pub(crate) struct Server {
    daemon: Option<Daemon>,
    router: Router,
    /// Where clients sign in.
    clients: Router,
    store: Arc<Store>,
    folder: TempDir,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// Returns a server with settings of its own.
    pub(crate) fn with(set: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (daemon, store) = made(&folder, set);
        let router = router(daemon.handle().clone(), Door::Loopback("127.0.0.1:8321".parse().unwrap()));
        let clients = clients(&daemon);
        Self { daemon: Some(daemon), router, clients, store, folder }
    }

    /// Stops the daemon and starts another one on the same folder.
    pub(crate) fn restarted(self) -> Self {
        self.restarted_with(|_| ())
    }

    /// The same, with settings of its own.
    pub(crate) fn restarted_with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        self.daemon.take().unwrap().stop(|| true);
        let (daemon, store) = reopened(&self.folder, set);
        self.store = store;
        self.router = router(daemon.handle().clone(), Door::Loopback("127.0.0.1:8321".parse().unwrap()));
        self.clients = clients(&daemon);
        self.daemon = Some(daemon);
        self
    }

    /// Sends JSON, or nothing, by the door where clients sign in.
    pub(crate) fn client(&self, token: Option<&str>, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers: Vec<_> = token.into_iter().map(|token| ("x-authorization", token)).collect();
        self.through(&self.clients, method, path, &headers, body.as_bytes())
    }

    /// Sends a request without a body by the door where clients sign in.
    pub(crate) fn by_clients(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.through(&self.clients, method, path, headers, b"")
    }

    /// Makes an application with a key, and signs it in.
    pub(crate) fn signed_in(&self, name: &str) -> String {
        assert_eq!(self.json("POST", "/api/applications", &json!({"name": name})).status, 200);
        let key = self.json("POST", &format!("/api/applications/{name}/accessKeys"), &json!({})).json();
        let credentials = json!({"keyId": key["id"], "keySecret": key["secret"]});
        let answer = self.client(None, "POST", "/api/token", &credentials);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    /// Sends a request as it is; a Host of ours is added where there is none.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.through(&self.router, method, path, headers, body)
    }

    /// Sends a GET whose answer may have no end: as the owner, or by the door where clients sign in.
    pub(crate) fn begin(&self, token: Option<&str>, path: &str, headers: &[(&str, &str)]) -> Response {
        self.daemon().runtime().block_on(self.sent(token, path, headers))
    }

    /// Sends a GET of a client while others send theirs, and waits for the answer's body once it is asked for.
    pub(crate) fn meanwhile(&self, token: &str, path: &str) -> impl FnOnce() -> Value {
        let sent = self.daemon().runtime().spawn(self.sent(Some(token), path, &[]));
        || {
            let body = async { to_bytes(sent.await.unwrap().into_body(), ANSWER_BYTES_MAX).await.unwrap() };
            serde_json::from_slice(&self.daemon().runtime().block_on(body)).unwrap()
        }
    }

    fn sent(
        &self,
        token: Option<&str>,
        path: &str,
        headers: &[(&str, &str)],
    ) -> impl Future<Output = Response> + use<> {
        let mut request = Request::builder().uri(path).header("host", "127.0.0.1:8321");
        for (name, value) in headers.iter().copied().chain(token.map(|token| ("x-authorization", token))) {
            request = request.header(name, value);
        }
        let router = if token.is_some() { &self.clients } else { &self.router };
        let answered = router.clone().oneshot(request.body(Body::empty()).unwrap());
        async { answered.await.unwrap() }
    }

    fn through(&self, router: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let answer = self.asked(router, method, path, headers, body);
        contract::hold(method, path, &answer);
        answer
    }

    /// Sends a request to whatever answers, as it is.
    pub(crate) fn asked(
        &self,
        router: &Router,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", "127.0.0.1:8321");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_vec())).unwrap();
        self.daemon().runtime().block_on(async {
            let response = router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            Answer { status: parts.status.as_u16(), headers: parts.headers, body }
        })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        let answer = self.send("GET", path, &[], b"");
        contract::hold_query("GET", path, &answer);
        answer
    }

    /// Sends JSON, as most clients do.
    pub(crate) fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        let answer = self.send(method, path, &[("content-type", "application/json")], body.to_string().as_bytes());
        contract::hold_query(method, path, &answer);
        answer
    }

    /// Asks until the answer is as wanted; the daemon works beside.
    pub(crate) fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..10_000 {
            let answer = self.get(path);
            if answer.status == 200 && wanted(&answer.json()) {
                return answer.json();
            }
            std::thread::yield_now();
        }
        panic!("never as wanted: {:?}", self.get(path));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.stop(|| true);
        }
    }
}

fn clients(daemon: &Daemon) -> Router {
    router(daemon.handle().clone(), Door::Clients)
}

fn paths(folder: &TempDir) -> Paths {
    Paths::new(&folder.path().join("secrets"), &folder.path().join(".keytide"), None)
}

fn edges() -> Edges {
    Edges { disk: Arc::new(SystemDisk), clock: Arc::new(SystemClock) }
}

fn made(folder: &TempDir, set: impl FnOnce(&mut Settings)) -> (Daemon, Arc<Store>) {
    let identity = Identity::generate();
    keytide::disk::replace(&SystemDisk, &folder.path().join("identity"), identity.to_text().expose().as_bytes())
        .unwrap();
    std::fs::create_dir(folder.path().join("workflows")).unwrap();
    let (store, _) = Store::create(edges(), paths(folder), identity, "test", 5).unwrap();
    started(folder, store, set)
}

fn reopened(folder: &TempDir, set: impl FnOnce(&mut Settings)) -> (Daemon, Arc<Store>) {
    let identity = Identity::load(&SystemDisk, &folder.path().join("identity")).unwrap();
    started(folder, Store::open(edges(), paths(folder), identity, 5).unwrap(), set)
}

fn started(folder: &TempDir, store: Store, set: impl FnOnce(&mut Settings)) -> (Daemon, Arc<Store>) {
    let store = Arc::new(store);
    let (mut settings, diagnostics) = Settings::load(None, None, None);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    settings.environment.insert("stage".to_owned(), Value::from("test"));
    set(&mut settings);
    let config = Config {
        settings: Arc::new(settings),
        store: store.clone(),
        disk: Arc::new(SystemDisk),
        clock: Arc::new(SystemClock),
        masking: Masking::new(Masker::new([])),
        identity: Some(Provenance { origin: Origin::File(folder.path().join("identity.txt")), named_by: "the tests" }),
        project: folder.path().to_owned(),
        workflows: folder.path().join("workflows"),
        state: folder.path().join(".keytide"),
        evaluator: Evaluator::of(env!("CARGO_BIN_EXE_keytide")),
        own_addresses: Vec::new(),
        recovery: Recovery::Everything,
        catalog: Catalog::default(),
        reread: Arc::new(|_| Ok(Settings::default())),
    };
    // A child that another test starts holds the lock of the folder with all that was open until it has become its program.
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match Daemon::start(&config) {
            Err(Error::Conflict(_)) if Instant::now() < until => std::thread::yield_now(),
            started => return (started.unwrap(), store),
        }
    }
}
