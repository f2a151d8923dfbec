//! Puts the rooms together: lock, journal, executor, dispatcher, watcher; and takes them apart again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::access::{Authority, Ruled, Signer};
use crate::catalog::{Catalog, Problem};
use crate::clock::Clock;
use crate::daemon::counting::Onlookers;
use crate::daemon::definitions::Definitions;
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::error::Error;
use crate::daemon::feed::Feed;
use crate::daemon::handle::{Ground, Handle, SEARCHES_AT_ONCE_MAX, Shared};
use crate::daemon::housekeeping::Housekeeping;
use crate::daemon::ids;
use crate::daemon::inbox::{self, Inbox};
use crate::daemon::message::Message;
use crate::daemon::restoring::Restored;
use crate::daemon::rules::Rules;
use crate::daemon::shelf::Shelf;
use crate::daemon::shell::{Release, Shell};
use crate::daemon::slots::Slots;
#[cfg(feature = "otel")]
use crate::daemon::traces::{Exporter, Traces};
use crate::daemon::unwritten::Unwritten;
use crate::daemon::views::Views;
use crate::daemon::watching::{Opened, Watching};
use crate::disk::{Disk, Lock};
use crate::engine::Command;
use crate::executor::http::HttpClient;
use crate::executor::script::Evaluator;
use crate::executor::{Executor, Tools};
use crate::journal::{Log, Reader, SqliteLog};
use crate::observe::Masking;
use crate::scheduler::Defaults;
use crate::secret::{Provenance, Store};
use crate::settings::Settings;
use crate::words::ExecutionId;

/// How long calls in flight get when the process is asked to stop; a call's own deadline may end it sooner.
const GRACE: Duration = Duration::from_secs(40);
/// How often the end of the calls in flight is looked for.
const GRACE_STEP: Duration = Duration::from_millis(20);
/// How often a journal that cannot be written is tried again at the end.
const JOURNAL_STEP: Duration = Duration::from_millis(500);
/// How long after its start a daemon first looks at what has ended: who waited for the start is answered before.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// What a daemon is made of.
pub struct Config {
    /// What is set.
    pub settings: Arc<Settings>,
    /// The secrets.
    pub store: Arc<Store>,
    /// Where scripts are evaluated: this program.
    pub evaluator: Evaluator,
    /// The files.
    pub disk: Arc<dyn Disk>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the logs are masked with.
    pub masking: Arc<Masking>,
    /// Which identity opened the store.
    pub identity: Option<Provenance>,
    /// The project folder.
    pub project: PathBuf,
    /// The folder of the definitions.
    pub workflows: PathBuf,
    /// The state folder.
    pub state: PathBuf,
    /// The addresses that our API listens on.
    pub own_addresses: Vec<SocketAddr>,
    /// Which executions of before go on, and whether schedules fire.
    pub recovery: Recovery,
    /// What is defined at the start, where the folder is not watched.
    pub catalog: Catalog,
    /// Reads the settings again from the text of a changed `keytide.toml`, or says what is wrong with it.
    pub reread: Reread,
}

/// The file of the journal in the state folder.
const JOURNAL: &str = "journal.db";

/// Reads the settings from the text of `keytide.toml`; none: the file is gone.
pub type Reread = Arc<dyn Fn(Option<&[u8]>) -> Result<Settings, String> + Send + Sync>;

/// What a process takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Everything: `serve`.
    Everything,
    /// Only what it starts itself: a one-shot `run`. What others left waits for `serve`.
    OwnOnly,
}

/// A running daemon; it owns the lock of its state folder.
pub struct Daemon {
    handle: Handle,
    runtime: Runtime,
    inbox: Inbox,
    executor: Arc<Executor>,
    dispatcher: Option<JoinHandle<Vec<Unwritten>>>,
    watching: Option<Watching>,
    left: Vec<ExecutionId>,
    _lock: Lock,
}

impl Daemon {
    /// Takes the lock and starts. Another process that holds it is a conflict: it serves this folder, be its client.
    pub fn start(config: &Config) -> Result<Self, Error> {
        let lock = take_lock(config)?;
        let sealer = config.store.sealer().map_err(|error| Error::Key(error.to_string()))?;
        let journal = config.state.join(JOURNAL);
        let log = SqliteLog::open(&journal, sealer.clone()).map_err(unavailable)?;
        let reader = Reader::open(&journal, sealer).map_err(unavailable)?;
        let live = log.live().map_err(unavailable)?;
        let owned = log.owned().map_err(unavailable)?;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(unavailable)?;
        let (inbox, messages) = inbox::open();
        let restored = Restored::read(owned);
        let authority = authority(&config.settings);
        authority.replace(restored.accounts, restored.made);
        let onlookers = Onlookers {
            feed: Feed::new(ids::random()),
            metrics: Arc::default(),
            rendered: Arc::default(),
            #[cfg(feature = "otel")]
            traces: traces(config, &runtime)?,
        };
        let executor = Arc::new(executor(config, &inbox, &runtime, authority.clone(), onlookers.clone())?);
        let catalog = config.catalog.restore(restored.registrations);
        let handle = handle(config, inbox.clone(), reader, authority, onlookers.clone(), restored.problems);
        let mut opened = (config.recovery == Recovery::Everything).then(|| Opened::read(config));
        // A schedule that is not defined when the watermarks are read loses its own.
        let catalog = opened.as_mut().map_or_else(|| catalog.clone(), |opened| opened.catalog(&catalog));
        let mut dispatcher = dispatcher(config, handle.rules()).with_library(Box::new(Shelf(handle.clone())));
        dispatcher.onlookers = Some(onlookers);
        dispatcher.slots.replace(handle.definitions().scheduled(&catalog), config.clock.now());
        let recovered = match config.recovery {
            Recovery::Everything => live.clone(),
            Recovery::OwnOnly => Vec::new(),
        };
        dispatcher.slots.recover(&log, config.clock.now()).map_err(unavailable)?;
        let left = if recovered.is_empty() { live } else { Vec::new() };
        let shell = Shell {
            dispatcher,
            log,
            clock: config.clock.clone(),
            inbox: messages,
            executor: Box::new(Releasing(executor.clone())),
            housekeeping: housekeeping(config, &handle),
            failing: false,
        };
        handle.adopt(catalog);
        let thread = thread::Builder::new().name("dispatcher".to_owned());
        let dispatcher = thread.spawn(move || shell.run(&recovered)).map_err(unavailable)?;
        let watching = opened.map(|opened| opened.follow(handle.clone())).transpose()?;
        Ok(Self { handle, runtime, inbox, executor, dispatcher: Some(dispatcher), watching, left, _lock: lock })
    }

    /// Returns what the faces hold.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Returns the runtime that the faces serve on.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Returns the executions of before that this process does not take on.
    pub fn left(&self) -> &[ExecutionId] {
        &self.left
    }

    /// Starts nothing new from now on.
    pub fn drain(&self) {
        self.inbox.tell(Message::Drain);
    }

    /// Returns whether calls or writes are under way.
    pub fn is_busy(&self) -> bool {
        self.executor.calls_in_flight() > 0
    }

    /// Stops: nothing new starts, calls in flight get until their deadline, and a journal that cannot be written gets time to
    /// take their answers, at most 40 s, or until `hurry` says so; then everything that is known is on disk and the lock is
    /// free. Returns what could not be written, and is lost.
    pub fn stop(mut self, hurry: impl Fn() -> bool) -> Vec<Unwritten> {
        self.drain();
        let until = std::time::Instant::now() + GRACE;
        let goes_on = || !hurry() && std::time::Instant::now() < until;
        self.settle(&goes_on);
        drop(self.watching.take());
        self.inbox.tell(Message::Stop);
        let lost = self.dispatcher.take().map_or(Ok(Vec::new()), JoinHandle::join).unwrap_or_else(|_| {
            tracing::error!("the dispatcher had stopped by itself");
            Vec::new()
        });
        for unwritten in &lost {
            tracing::error!("{unwritten}");
        }
        #[cfg(feature = "otel")]
        if let Some(traces) = &self.handle.0.onlookers.traces {
            traces.stop(&self.runtime);
        }
        self.runtime.shutdown_background();
        lost
    }

    /// Waits until nothing is under way and every answer is on disk. An answer that is taken may ask for more, as for the
    /// store: it is over when a turn leaves nothing under way.
    fn settle(&self, goes_on: &impl Fn() -> bool) {
        while goes_on() {
            if self.is_busy() {
                thread::sleep(GRACE_STEP);
            } else if !self.unwritten().is_empty() {
                let steps = JOURNAL_STEP.as_millis() / GRACE_STEP.as_millis();
                (0..steps).take_while(|_| goes_on()).for_each(|_| thread::sleep(GRACE_STEP));
            } else if !self.is_busy() {
                return;
            }
        }
    }

    /// Returns whose answers are not on disk, once the dispatcher has dealt with all that was sent before.
    fn unwritten(&self) -> Vec<Unwritten> {
        let (reply, answer) = oneshot::channel();
        self.inbox.tell(Message::Unwritten { reply });
        answer.blocking_recv().unwrap_or_default()
    }
}

#[cfg(feature = "otel")]
fn traces(config: &Config, runtime: &Runtime) -> Result<Option<Arc<Traces>>, Error> {
    let exporter = config.settings.traces.as_ref().map(|traces| Exporter::start(traces, runtime));
    let exporter = exporter.transpose().map_err(|error| unavailable(error.without_url()))?;
    Ok(exporter.map(|exporter| Arc::new(Traces::new(config.masking.clone(), exporter))))
}

struct Releasing(Arc<Executor>);

impl Release for Releasing {
    fn release(&self, command: Command) {
        self.0.release(command);
    }
}

fn take_lock(config: &Config) -> Result<Lock, Error> {
    config.disk.create_folder(&config.state).map_err(unavailable)?;
    let path = config.state.join("daemon.lock");
    let lock = config.disk.try_lock(&path).map_err(unavailable)?;
    lock.ok_or_else(|| Error::Conflict(format!("another keytide runs on this folder (it holds {})", path.display())))
}

fn executor(
    config: &Config,
    inbox: &Inbox,
    runtime: &Runtime,
    authority: Authority,
    onlookers: Onlookers,
) -> Result<Executor, Error> {
    let outcomes = inbox.clone();
    let Onlookers { feed, metrics, .. } = onlookers;
    let (store, masking) = (config.store.clone(), config.masking.clone());
    let http = HttpClient::new(
        config.settings.http.clone(),
        config.own_addresses.clone(),
        config.disk.clone(),
        config.project.clone(),
    );
    let tools = Tools {
        store: config.store.clone(),
        authority,
        http,
        evaluator: config.evaluator.clone(),
        clock: config.clock.clone(),
        deliver: Arc::new(move |outcome| {
            // Whoever logs what follows from an answer must know what was stored with it.
            let snapshot = store.snapshot();
            masking.follow(&snapshot);
            feed.tell_store(&snapshot);
            // A dispatcher that has stopped finds the call again at the next start.
            outcomes.tell(Message::Outcome(outcome));
        }),
        stored: Arc::new(move |took| metrics.stored(took)),
    };
    Executor::new(tools, runtime.handle().clone()).map_err(unavailable)
}

fn handle(
    config: &Config,
    inbox: Inbox,
    reader: Reader,
    authority: Authority,
    onlookers: Onlookers,
    unreadable: Vec<Problem>,
) -> Handle {
    Handle(Arc::new(Shared {
        inbox,
        store: config.store.clone(),
        authority: authority.clone(),
        governing: tokio::sync::Mutex::new(()),
        registering: Arc::default(),
        signer: Signer::new(config.store.snapshot().token_key()),
        wrong_keys: Mutex::default(),
        wrong_tokens: Mutex::default(),
        links: Mutex::default(),
        pages: OnceLock::new(),
        settings: config.settings.clone(),
        ground: Ground {
            identity: config.identity.clone(),
            project: config.project.clone(),
            workflows: config.workflows.clone(),
            store: config.store.file().to_owned(),
            journal: config.state.join(JOURNAL),
        },
        definitions: Definitions::new(config.catalog.clone(), Defaults::from(&config.settings.schedules), authority),
        reader,
        searches: Arc::new(tokio::sync::Semaphore::new(SEARCHES_AT_ONCE_MAX)),
        views: Views::new(config.store.clone(), config.masking.clone()),
        clock: config.clock.clone(),
        onlookers,
        reread: config.reread.clone(),
        set: Mutex::new(Rules {
            environment: config.settings.environment.clone(),
            store_retry: config.settings.secrets.store_retry,
        }),
        unsettled: Mutex::new(None),
        troubles: Mutex::default(),
        unreadable,
    }))
}

fn dispatcher(config: &Config, rules: Rules) -> Dispatcher {
    let fires = config.recovery == Recovery::Everything && config.settings.schedules.start;
    Dispatcher::new(rules, Slots::new(config.store.snapshot().store_id().to_owned(), fires))
}

fn housekeeping(config: &Config, handle: &Handle) -> Housekeeping {
    let handle = handle.clone();
    // A command goes before long, and looks at once.
    let pause = if config.recovery == Recovery::Everything { LOOK_AFTER } else { Duration::ZERO };
    Housekeeping {
        retry_window: config.settings.history.retry_window,
        keep: config.settings.history.keep,
        keep_audit: config.settings.audit.keep,
        snapshot: Box::new(move |execution| handle.0.views.workflow(execution, true)),
        next: config.clock.now().plus(pause),
        // The process before may have been killed between a removal and its wipe; where nothing went, a wipe costs one sync.
        unwiped: true,
    }
}

fn authority(settings: &Settings) -> Authority {
    let access = &settings.access;
    Authority::new(
        access.workflows_granted,
        Ruled { groups: access.groups.clone(), grants: access.grants.clone(), ..Ruled::default() },
    )
}

fn unavailable(error: impl std::fmt::Display) -> Error {
    Error::Unavailable(error.to_string())
}
