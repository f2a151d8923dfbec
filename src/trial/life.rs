//! One life of the process, over a disk in memory: what is on that disk is all that the next one has.

use std::path::Path;
use std::sync::Arc;

use super::{Error, Ground, shelf};
use crate::clock::ManualClock;
use crate::daemon::{Dispatcher, Message, Rules, Slots};
use crate::disk::{FaultyDisk, Outage};
use crate::engine::Command;
use crate::journal::{DiskLog, Log};
use crate::secret::{Change, Edges, Identity, Paths, Sealer, Store, Write, Writer};
use crate::words::{Map, Sensitive, Timestamp};
use crate::workflow::definition::WorkflowTest;

/// Where things are on the disk in memory.
const SECRETS: &str = "/secrets";
const STATE: &str = "/state";
/// No version of a secret is looked at again, but as many are kept as by default.
const VERSIONS_KEPT: usize = 5;

/// The machine: what outlives the process.
pub(super) struct Machine {
    disk: FaultyDisk,
    pub(super) clock: Arc<ManualClock>,
    identity: Identity,
    sealer: Arc<Sealer>,
    rules: (Map, std::time::Duration),
    ground: Ground,
}

/// The process.
pub(super) struct Life {
    pub(super) dispatcher: Dispatcher,
    pub(super) log: DiskLog,
    pub(super) store: Arc<Store>,
}

fn ours(error: impl std::fmt::Display) -> Error {
    Error::Ours(error.to_string())
}

impl Machine {
    /// Sets a machine up for a test, with its secrets.
    pub(super) fn new(test: &WorkflowTest, ground: &Ground, now: Timestamp) -> Result<Self, Error> {
        let disk = FaultyDisk::new(0);
        let clock = Arc::new(ManualClock::new(now));
        let identity = Identity::generate();
        let edges = Edges { disk: Arc::new(disk.clone()), clock: clock.clone() };
        let (store, _) = Store::create(edges, paths(), identity.clone(), "trial", VERSIONS_KEPT).map_err(ours)?;
        if !test.secrets.is_empty() {
            let writes = test.secrets.iter().map(|(name, value)| Write {
                name: name.clone(),
                value: Sensitive::new(value),
                expires: None,
                plain: false,
            });
            let change = Change::Put { writes: writes.collect(), writer: Writer::person("test") };
            let changes = std::iter::once(change).chain(tagged(test)).collect();
            store.update(changes).map_err(|error| Error::Secrets(error.to_string()))?;
        }
        let sealer = store.sealer().map_err(ours)?;
        store.catch_up();
        let mut environment = ground.environment.clone();
        environment.extend(test.environment.clone());
        Ok(Self { disk, clock, identity, sealer, rules: (environment, ground.store_retry), ground: ground.clone() })
    }

    /// Starts the process, as after a crash.
    pub(super) fn start(&self) -> Result<Life, Error> {
        let edges = Edges { disk: Arc::new(self.disk.clone()), clock: self.clock.clone() };
        let store = Store::open(edges, paths(), self.identity.clone(), VERSIONS_KEPT).map_err(ours)?;
        let store = Arc::new(store);
        let journal = Path::new(STATE).join("journal");
        let log = DiskLog::open(Arc::new(self.disk.clone()), &journal, self.sealer.clone()).map_err(ours)?;
        let (environment, store_retry) = self.rules.clone();
        let library = Box::new(shelf::Shelf::new(self.ground.clone(), store.clone()));
        let slots = Slots::new("trial".to_owned(), false);
        let dispatcher = Dispatcher::new(Rules { environment, store_retry }, slots).with_library(library);
        Ok(Life { dispatcher, log, store })
    }

    /// The process is gone, with everything that it had not written.
    pub(super) fn kill(&self, life: Life) {
        drop(life);
        self.disk.restart(Outage::Power);
    }
}

fn tagged(test: &WorkflowTest) -> impl Iterator<Item = Change> {
    test.secret_tags.iter().flat_map(|(name, tags)| {
        let tag = |(key, value): (&String, &String)| Change::Tag {
            name: name.clone(),
            key: key.clone(),
            value: Some(value.clone()),
        };
        tags.iter().map(tag)
    })
}

fn paths() -> Paths {
    Paths::new(Path::new(SECRETS), Path::new(STATE), None)
}

impl Life {
    /// Takes on what was left, without releasing anything yet.
    pub(super) fn recover(&mut self, now: Timestamp, look: &mut dyn FnMut(&Dispatcher)) -> Result<Vec<Command>, Error> {
        let live = self.log.live().map_err(ours)?;
        let batch = self.dispatcher.recover(&live, &self.log, now);
        look(&self.dispatcher);
        self.dispatcher.commit(batch, now, &mut self.log).ok_or_else(|| ours("the journal in memory was not written"))
    }

    /// Takes messages; `look` sees the executions before those that have ended are let go.
    pub(super) fn turn(
        &mut self,
        messages: Vec<Message>,
        now: Timestamp,
        look: &mut dyn FnMut(&Dispatcher),
    ) -> Result<Vec<Command>, Error> {
        let batch = self.dispatcher.turn(messages, now, &self.log);
        look(&self.dispatcher);
        self.dispatcher.commit(batch, now, &mut self.log).ok_or_else(|| ours("the journal in memory was not written"))
    }
}
