//! One life of the process: the real dispatcher, journal rules and store over the faulty disk.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use keytide::clock::ManualClock;
use keytide::daemon::{Dispatcher, Housekeeping, Message, Rules, Scheduled, Slots, Views};
use keytide::disk::{Disk, FaultyDisk};
use keytide::engine::Command;
use keytide::journal::{DiskLog, Log};
use keytide::observe::Masking;
use keytide::redact::Masker;
use keytide::secret::{Change, Edges, Identity, Paths, Sealer, Store, Write, Writer};
use keytide::words::{Map, Sensitive, Timestamp};

use crate::plans::Shelf;

const SECRETS: &str = "/project/secrets";
const STATE: &str = "/project/.keytide";
/// The ids of slots follow from it: it is the same in every run, so that a seed is one history.
const STORE_ID: &str = "simulator";
/// A few troubles in a row pass before an UPDATE_SECRET gives up.
const STORE_RETRY: Duration = Duration::from_hours(72);

/// How long a finished execution can be retried.
pub(crate) const RETRY_WINDOW: Duration = Duration::from_secs(40);
/// How long a finished execution is kept.
pub(crate) const KEEP: Duration = Duration::from_secs(90);

/// A store that was made once, as the bytes of its files.
struct Ground {
    identity: Identity,
    files: Vec<(PathBuf, Vec<u8>)>,
    sealer: Arc<Sealer>,
}

fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| {
        let disk = FaultyDisk::new(0);
        let identity = Identity::generate();
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
        let edges = Edges { disk: Arc::new(disk.clone()), clock };
        let (store, _) = Store::create(edges, paths(), identity.clone(), "simulator", 5).unwrap();
        // One reader is enough here: each further one costs every write its share of curve arithmetic.
        store.update(vec![Change::RemoveRecipient { recipient: "recovery".to_owned() }]).unwrap();
        let write = Write {
            name: "app_key".to_owned(),
            value: Sensitive::new("canary-token-key-of-the-app"),
            expires: None,
            plain: false,
        };
        store.update(vec![Change::Put { writes: vec![write], writer: Writer::person("owner") }]).unwrap();
        let sealer = store.sealer().unwrap();
        store.catch_up();
        drop(store);
        let files = files(&disk);
        Ground { identity, files, sealer }
    })
}

/// Opens the sealing keys. Their file is never written again here: as long as its bytes are those of the beginning, so are
/// the keys, and one decryption does for all worlds.
fn sealer(disk: &FaultyDisk, store: &Store) -> Result<Arc<Sealer>, String> {
    let path = Path::new(STATE).join("data-key.age");
    let begun = ground().files.iter().find(|(name, _)| *name == path).map(|(_, bytes)| bytes);
    if begun.is_some() && disk.read(&path, u64::MAX).ok().as_ref() == begun {
        return Ok(ground().sealer.clone());
    }
    store.sealer().map_err(|error| error.to_string())
}

fn paths() -> Paths {
    Paths::new(Path::new(SECRETS), Path::new(STATE), None)
}

/// Returns every file of the disk.
pub(crate) fn files(disk: &FaultyDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = [SECRETS, STATE].map(Path::new);
    let entries = folders.iter().flat_map(|folder| disk.list(folder).unwrap());
    entries.map(|entry| (entry.path.clone(), disk.read(&entry.path, u64::MAX).unwrap())).collect()
}

/// Returns a disk on which a project was set up long ago.
pub(crate) fn settled_disk(seed: u64) -> FaultyDisk {
    let disk = FaultyDisk::new(seed);
    for folder in [SECRETS, STATE].map(Path::new) {
        disk.create_folder(folder).unwrap();
    }
    for (path, bytes) in &ground().files {
        let mut file = disk.create(path).unwrap();
        file.write(bytes).unwrap();
        file.sync().unwrap();
    }
    for folder in [SECRETS, STATE].map(Path::new) {
        disk.sync_folder(folder).unwrap();
    }
    disk
}

pub(crate) struct Process {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) log: DiskLog,
    pub(crate) store: Arc<Store>,
}

impl Process {
    /// Starts as the daemon does; a disk in trouble may prevent it.
    pub(crate) fn start(
        disk: &FaultyDisk,
        clock: &Arc<ManualClock>,
        now: Timestamp,
        schedules: Vec<Scheduled>,
    ) -> Result<(Self, Vec<Command>), String> {
        let edges = Edges { disk: Arc::new(disk.clone()), clock: clock.clone() };
        let store = Store::open(edges, paths(), ground().identity.clone(), 5).map_err(|error| error.to_string())?;
        let sealer = sealer(disk, &store)?;
        let log = DiskLog::open(Arc::new(disk.clone()), &Path::new(STATE).join("journal"), sealer)
            .map_err(|error| error.to_string())?;
        let mut slots = Slots::new(STORE_ID.to_owned(), true);
        slots.replace(schedules, now);
        slots.recover(&log, now).map_err(|error| error.to_string())?;
        let dispatcher = Dispatcher::new(Rules { environment: Map::new(), store_retry: STORE_RETRY }, slots)
            .with_library(Box::new(Shelf));
        let mut process = Self { dispatcher, log, store: Arc::new(store) };
        let live = process.log.live().map_err(|error| error.to_string())?;
        let batch = process.dispatcher.recover(&live, &process.log, now);
        let commands = process.dispatcher.commit(batch, now, &mut process.log).unwrap_or_default();
        Ok((process, commands))
    }

    pub(crate) fn turn(&mut self, messages: Vec<Message>, now: Timestamp) -> Vec<Command> {
        let batch = self.dispatcher.turn(messages, now, &self.log);
        self.dispatcher.commit(batch, now, &mut self.log).unwrap_or_default()
    }

    /// Archives and purges what is due, as the daemon does beside its work.
    pub(crate) fn tidy(&mut self, now: Timestamp) {
        let views = Views::new(self.store.clone(), Masking::new(Masker::default()));
        let snapshot = Box::new(move |execution: &_| views.workflow(execution, true));
        let mut housekeeping = Housekeeping {
            retry_window: RETRY_WINDOW,
            keep: KEEP,
            keep_audit: None,
            snapshot,
            next: now,
            unwiped: false,
        };
        housekeeping.tick(&mut self.log, now);
    }
}
