//! The daemon as a whole: real store, real journal, real HTTP, real time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Config, Daemon, Handle, Recovery};
use crate::catalog::Catalog;
use crate::cli::demo::issuer::{Issuer, Options};
use crate::clock::SystemClock;
use crate::disk::SystemDisk;
use crate::observe::Masking;
use crate::redact::Masker;
use crate::secret::{Edges, Identity, Paths, Store, Version, Write};
use crate::settings::Settings;
use crate::words::{ExecutionId, Owner, Sensitive, WorkflowStatus};
use crate::workflow::definition::{StartWorkflowRequest, WorkflowDef};

/// A project in a folder of its own.
struct World {
    folder: tempfile::TempDir,
    identity: Identity,
}

impl World {
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), identity: Identity::generate() };
        let made = Store::create(Self::edges(), world.paths(), world.identity.clone(), "test", 5).unwrap();
        drop(made);
        world
    }

    fn edges() -> Edges {
        Edges { disk: Arc::new(SystemDisk), clock: Arc::new(SystemClock) }
    }

    fn paths(&self) -> Paths {
        Paths::new(&self.at("secrets"), &self.at(".keytide"), None)
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self) -> Arc<Store> {
        Arc::new(Store::open(Self::edges(), self.paths(), self.identity.clone(), 5).unwrap())
    }

    fn daemon(&self, recovery: Recovery) -> Daemon {
        std::fs::create_dir_all(self.at("workflows")).unwrap();
        let store = self.store();
        Daemon::start(&Config {
            settings: Arc::new(Settings::default()),
            masking: Masking::new(Masker::new(store.snapshot().masked_values())),
            store,
            disk: Arc::new(SystemDisk),
            clock: Arc::new(SystemClock),
            project: self.folder.path().to_owned(),
            workflows: self.at("workflows"),
            state: self.at(".keytide"),
            own_addresses: Vec::new(),
            recovery,
            catalog: Catalog::default(),
            reread: Arc::new(|_| Ok(Settings::default())),
        })
        .unwrap()
    }

    fn files_hold(&self, canary: &str) -> bool {
        holds(self.folder.path(), canary.as_bytes())
    }
}

fn holds(folder: &Path, canary: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, canary);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(canary.len()).any(|window| window == canary)
    })
}

fn seed_rotation(uri: &str) -> WorkflowDef {
    let text = include_str!("../../workflows/update_rotate_secrets_tracker_app.json");
    let mut definition: Value = serde_json::from_str(text).unwrap();
    definition["tasks"][0]["inputParameters"]["uri"] = uri.into();
    serde_json::from_value(definition).unwrap()
}

fn options() -> Options {
    Options {
        lifetime: Duration::from_mins(1),
        key_id: "key-id-canary-1".to_owned(),
        key_secret: Sensitive::new("key-secret-canary-1"),
    }
}

fn write(name: &str, value: &str) -> Write {
    Write { name: name.to_owned(), value: Sensitive::new(value), expires: None, plain: false }
}

fn inline(definition: WorkflowDef) -> StartWorkflowRequest {
    StartWorkflowRequest {
        name: definition.name.clone(),
        workflow_def: Some(Box::new(definition)),
        ..StartWorkflowRequest::default()
    }
}

async fn run(handle: &Handle, definition: WorkflowDef) -> (ExecutionId, WorkflowStatus) {
    let id = handle.start(&Owner::Local, inline(definition)).await.unwrap();
    let status = handle.watch(id, Some(Duration::from_secs(20)), async || ()).await.unwrap();
    (id, status.expect("it ends in time"))
}

#[test]
fn the_seed_rotation_stores_the_issued_token_and_shows_it_to_nobody() {
    let world = World::new();
    let daemon = world.daemon(Recovery::Everything);
    let handle = daemon.handle().clone();
    let (issuer, id, status) = daemon.runtime().block_on(async {
        let issuer = Issuer::start(options(), Arc::new(SystemClock)).await.unwrap();
        let writes = vec![write("appKeyId", "key-id-canary-1"), write("appKeySecret", "key-secret-canary-1")];
        handle.put_secrets(&Owner::Local, writes).unwrap();
        let (id, status) = run(&handle, seed_rotation(&issuer.token_url())).await;
        (issuer, id, status)
    });
    let view = daemon.runtime().block_on(handle.workflow(&Owner::Local, id, true)).unwrap();
    assert_eq!(status, WorkflowStatus::Completed, "{view:#}");
    let token = issuer.issued_last().unwrap();
    let stored = handle.reveal(&Owner::Local, "my_secret_holding_a_token", Version::Current).unwrap();
    assert!(stored == token, "the newest token is stored");
    let text = view.to_string();
    for canary in [token.expose(), "key-id-canary-1", "key-secret-canary-1"] {
        assert!(!text.contains(canary), "a view shows a secret");
        assert!(!world.files_hold(canary), "a file holds a secret in clear");
    }
    assert_eq!(view["tasks"][0]["outputData"], json!({"_secrets": "***"}));
    assert_eq!(view["tasks"][1]["inputData"]["_secrets"], "***");
    daemon.stop(|| false);
    for canary in [token.expose(), "key-id-canary-1", "key-secret-canary-1"] {
        assert!(!world.files_hold(canary), "a file holds a secret in clear after the stop");
    }
}

#[test]
fn a_second_daemon_on_the_same_folder_is_a_conflict() {
    let world = World::new();
    let daemon = world.daemon(Recovery::OwnOnly);
    let store = world.store();
    let second = Daemon::start(&Config {
        settings: Arc::new(Settings::default()),
        masking: Masking::new(Masker::new([])),
        store,
        disk: Arc::new(SystemDisk),
        clock: Arc::new(SystemClock),
        project: world.folder.path().to_owned(),
        workflows: world.at("workflows"),
        state: world.at(".keytide"),
        own_addresses: Vec::new(),
        recovery: Recovery::OwnOnly,
        catalog: Catalog::default(),
        reread: Arc::new(|_| Ok(Settings::default())),
    });
    assert!(matches!(second, Err(super::Error::Conflict(_))));
    daemon.stop(|| true);
    world.daemon(Recovery::OwnOnly).stop(|| true);
}
