//! A project in a folder of its own, an issuer beside it, and the daemon that serves it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::catalog::Catalog;
use crate::cli::demo::issuer::{Issuer, Options};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::daemon::{Config, Daemon, Error, Handle, Recovery};
use crate::disk::SystemDisk;
use crate::engine::Operation;
use crate::executor::script::Evaluator;
use crate::journal::{Query, Slot, SlotField};
use crate::observe::Masking;
use crate::redact::Masker;
use crate::secret::{Edges, Identity, Paths, Store, Version, Write};
use crate::settings::Settings;
use crate::words::{ExecutionId, Owner, Sensitive, Severity, Source, Timestamp, WorkflowStatus};
use crate::workflow::definition::{StartWorkflowRequest, WorkflowDef};

/// The longest that anything in these tests may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often something is looked at that nobody announces.
const LOOK_EVERY: Duration = Duration::from_millis(10);

pub(in crate::daemon) const KEY_ID: &str = "key-id-canary-1";
pub(in crate::daemon) const KEY_SECRET: &str = "key-secret-canary-1";
pub(in crate::daemon) const TOKEN: &str = "my_secret_holding_a_token";

/// A project, its store with the issuer's key in it, and the issuer.
pub(in crate::daemon) struct World {
    pub(in crate::daemon) issuer: Issuer,
    pub(in crate::daemon) clock: Arc<dyn Clock>,
    folder: tempfile::TempDir,
    identity: Identity,
    runtime: Runtime,
}

impl World {
    pub(in crate::daemon) fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// A world in which time passes only by [`Served::advance`].
    pub(in crate::daemon) fn standing_still(now: &str) -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::parse(now).unwrap()));
        (Self::with_clock(clock.clone()), clock)
    }

    fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let lifetime = Duration::from_hours(1);
        let options = Options { lifetime, key_id: KEY_ID.to_owned(), key_secret: Sensitive::new(KEY_SECRET) };
        let issuer = runtime.block_on(Issuer::start(options, clock.clone())).unwrap();
        let (folder, identity) = (tempfile::tempdir().unwrap(), Identity::generate());
        let world = Self { issuer, clock, folder, identity, runtime };
        std::fs::create_dir_all(world.at("workflows")).unwrap();
        drop(Store::create(world.edges(), world.paths(), world.identity.clone(), "test", 5).unwrap());
        world.store().update(vec![put("appKeyId", KEY_ID), put("appKeySecret", KEY_SECRET)]).unwrap();
        world
    }

    pub(in crate::daemon) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(in crate::daemon) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(in crate::daemon) fn store_file(&self) -> PathBuf {
        self.paths().store
    }

    /// Another process that opened the store.
    pub(in crate::daemon) fn store(&self) -> Arc<Store> {
        Arc::new(Store::open(self.edges(), self.paths(), self.identity.clone(), 5).unwrap())
    }

    fn edges(&self) -> Edges {
        Edges { disk: Arc::new(SystemDisk), clock: self.clock.clone() }
    }

    fn paths(&self) -> Paths {
        Paths::new(&self.at("secrets"), &self.at(".keytide"), None)
    }

    pub(in crate::daemon) fn config(&self, settings: Settings, recovery: Recovery) -> Config {
        let store = self.store();
        Config {
            settings: Arc::new(settings),
            masking: Masking::new(Masker::new(store.snapshot().masked_values())),
            store,
            disk: Arc::new(SystemDisk),
            clock: self.clock.clone(),
            identity: None,
            project: self.folder.path().to_owned(),
            workflows: self.at("workflows"),
            state: self.at(".keytide"),
            evaluator: Evaluator::of("no-script-is-evaluated-in-these-tests"),
            own_addresses: Vec::new(),
            recovery,
            catalog: Catalog::default(),
            reread: Arc::new(reread),
        }
    }

    /// Starts the daemon with what `keytide.toml` says.
    pub(in crate::daemon) fn serve(&self) -> Served<'_> {
        let text = std::fs::read(self.at(crate::settings::FILE_NAME)).ok();
        self.serve_with(reread(text.as_deref()).unwrap())
    }

    pub(in crate::daemon) fn serve_with(&self, settings: Settings) -> Served<'_> {
        let config = self.config(settings, Recovery::Everything);
        let masking = config.masking.clone();
        let daemon = Daemon::start(&config).unwrap();
        Served { handle: daemon.handle().clone(), daemon, masking, world: self }
    }

    /// Waits until `look` finds something.
    pub(in crate::daemon) fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        for _ in 0..PATIENCE.as_millis() / LOOK_EVERY.as_millis() {
            if let Some(found) = look() {
                return found;
            }
            self.runtime.block_on(async { tokio::time::sleep(LOOK_EVERY).await });
        }
        panic!("{what} did not come")
    }

    /// Returns a file of the project that holds a text in clear.
    pub(in crate::daemon) fn file_with(&self, canary: &str) -> Option<PathBuf> {
        file_with(self.folder.path(), canary.as_bytes())
    }

    /// Returns a file of the project that holds these bytes.
    pub(in crate::daemon) fn file_with_bytes(&self, bytes: &[u8]) -> Option<PathBuf> {
        file_with(self.folder.path(), bytes)
    }

    pub(in crate::daemon) fn issued(&self) -> String {
        self.issuer.issued_last().unwrap().expose().to_owned()
    }

    /// Returns the status of a visit of the protected resource with the stored token.
    pub(in crate::daemon) fn visit(&self, token: &str) -> u16 {
        let visit = reqwest::Client::new().get(self.issuer.resource_url()).header("x-authorization", token);
        self.runtime.block_on(visit.send()).unwrap().status().as_u16()
    }

    /// Starts a service of the test's own beside the issuer.
    pub(in crate::daemon) fn beside<T>(&self, service: impl Future<Output = T>) -> T {
        self.runtime.block_on(service)
    }
}

fn file_with(folder: &Path, canary: &[u8]) -> Option<PathBuf> {
    std::fs::read_dir(folder).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return file_with(&path, canary);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(canary.len()).any(|window| window == canary).then_some(path)
    })
}

fn reread(text: Option<&[u8]>) -> Result<Settings, String> {
    let source = text.map(|bytes| Source {
        name: crate::settings::FILE_NAME.into(),
        text: String::from_utf8_lossy(bytes).as_ref().into(),
    });
    let (settings, diagnostics) = Settings::load(source.as_ref(), None, None);
    match diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error) {
        Some(error) => Err(error.message.clone()),
        None => Ok(settings),
    }
}

pub(in crate::daemon) fn put(name: &str, value: &str) -> crate::secret::Change {
    let write = Write { name: name.to_owned(), value: Sensitive::new(value), expires: None, plain: false };
    crate::secret::Change::Put { writes: vec![write], writer: crate::secret::Writer::person("test") }
}

/// A running daemon.
pub(in crate::daemon) struct Served<'w> {
    pub(in crate::daemon) handle: Handle,
    pub(in crate::daemon) masking: Arc<Masking>,
    pub(in crate::daemon) daemon: Daemon,
    world: &'w World,
}

impl Served<'_> {
    /// Waits for what the daemon answers.
    pub(in crate::daemon) fn ask<T>(&self, question: impl Future<Output = T>) -> T {
        let answered = async { tokio::time::timeout(PATIENCE, question).await };
        self.world.runtime.block_on(answered).expect("an answer in time")
    }

    pub(in crate::daemon) fn start(&self, definition: Value) -> ExecutionId {
        let definition: WorkflowDef = serde_json::from_value(definition).unwrap();
        let request = StartWorkflowRequest {
            name: definition.name.clone(),
            workflow_def: Some(Box::new(definition)),
            ..StartWorkflowRequest::default()
        };
        self.ask(self.handle.start(&Owner::Local, request)).unwrap()
    }

    /// Starts a workflow of the catalog.
    pub(in crate::daemon) fn start_named(&self, name: &str, input: &Value) -> ExecutionId {
        let request = json!({"name": name, "input": input});
        let request: StartWorkflowRequest = serde_json::from_value(request).unwrap();
        self.ask(self.handle.start(&Owner::Local, request)).unwrap()
    }

    pub(in crate::daemon) fn end_of(&self, id: ExecutionId) -> WorkflowStatus {
        let ended = self.ask(self.handle.watch(id, Some(PATIENCE), async || ())).unwrap();
        ended.unwrap_or_else(|| panic!("it ends in time: {:#}", self.view(id)))
    }

    pub(in crate::daemon) fn run(&self, definition: Value) -> (WorkflowStatus, Value) {
        let id = self.start(definition);
        let status = self.end_of(id);
        (status, self.view(id))
    }

    pub(in crate::daemon) fn operate(&self, id: ExecutionId, operation: Operation) -> Result<(), Error> {
        self.ask(self.handle.operate(&Owner::Local, id, operation))
    }

    pub(in crate::daemon) fn view(&self, id: ExecutionId) -> Value {
        self.ask(self.handle.workflow(&Owner::Local, id, true)).unwrap()
    }

    /// Returns a stored secret, in clear.
    pub(in crate::daemon) fn secret(&self, name: &str) -> Option<String> {
        let found = self.ask(self.handle.reveal(&Owner::Local, name, Version::Current));
        found.ok().map(|value| value.expose().to_owned())
    }

    /// Returns what is wrong, as `place: message`.
    pub(in crate::daemon) fn problems(&self) -> Vec<String> {
        let problems = self.ask(self.handle.problems(&Owner::Local)).unwrap();
        problems.iter().map(|problem| format!("{}: {}", problem.place, problem.message)).collect()
    }

    pub(in crate::daemon) fn has_no_problem(&self) {
        let problems = self.problems();
        assert!(problems.is_empty(), "{problems:?}");
    }

    /// Waits for a problem that mentions every one of the words.
    pub(in crate::daemon) fn problem(&self, words: &[&str]) -> String {
        self.world.until(&format!("a problem with {words:?}"), || {
            self.problems().into_iter().find(|problem| words.iter().all(|word| problem.contains(word)))
        })
    }

    /// Returns what became of slots, the oldest first.
    pub(in crate::daemon) fn slots(&self) -> Vec<Slot> {
        let mut rows = self.ask(self.handle.slots(&Owner::Local, Query::<SlotField>::default())).unwrap().rows;
        rows.reverse();
        rows
    }

    pub(in crate::daemon) fn schedule(&self, name: &str) -> Option<Value> {
        self.ask(self.handle.schedule(&Owner::Local, name)).ok()
    }

    /// Lets the dispatcher look at the clock.
    pub(in crate::daemon) fn nudge(&self) {
        self.ask(self.handle.queues(&Owner::Local)).unwrap();
    }

    pub(in crate::daemon) fn until<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        self.world.until(what, look)
    }

    pub(in crate::daemon) fn is_busy(&self) -> bool {
        self.daemon.is_busy()
    }

    /// Stops as at the first SIGTERM.
    pub(in crate::daemon) fn stop(self) {
        self.daemon.stop(|| false);
    }

    /// Stops, in a hurry once `hurry` says so, and returns what is lost.
    pub(in crate::daemon) fn stop_unless(self, hurry: impl Fn() -> bool) -> Vec<crate::daemon::Unwritten> {
        self.daemon.stop(hurry)
    }

    /// Stops as at the second SIGTERM.
    pub(in crate::daemon) fn hurry(self) {
        self.daemon.stop(|| true);
    }
}

/// The seed's rotation against this address.
pub(in crate::daemon) fn rotation(uri: &str) -> Value {
    let text = include_str!("../../../workflows/update_rotate_secrets_tracker_app.json");
    let mut definition: Value = serde_json::from_str(text).unwrap();
    definition["tasks"][0]["inputParameters"]["uri"] = uri.into();
    definition
}

/// The seed's rotation with a schedule beside it.
pub(in crate::daemon) fn scheduled(uri: &str, cron: &str) -> Value {
    let mut definition = rotation(uri);
    definition["schedules"] = json!([{"cronExpression": cron, "zoneId": "UTC"}]);
    definition
}

/// A workflow of one task.
pub(in crate::daemon) fn single(name: &str, task: &Value) -> Value {
    json!({"name": name, "version": 1, "schemaVersion": 2, "tasks": [task]})
}

/// A task that waits for a worker.
pub(in crate::daemon) fn worker_task(input: &Value) -> Value {
    json!({"name": "carry", "taskReferenceName": "carry", "type": "SIMPLE", "inputParameters": input})
}
