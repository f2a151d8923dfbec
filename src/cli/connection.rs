//! Whoever must execute: a daemon in this process, or the one that holds the folder's lock, over its socket.
//!
//! Both give the same JSON, which is the REST API's, so a command does not see which of them it has.

mod audit;
mod here;
mod server;
mod there;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::args::LogFormat;
use super::console::Console;
use super::error::{Error, Kind};
use super::files;
use super::logs;
use super::project::Project;
use crate::catalog::Catalog;
use crate::client::{Method, Request};
use crate::clock::{Clock, SystemClock};
use crate::daemon::{self, Config, Daemon};
use crate::secret::Store;
use crate::workflow::definition::StartWorkflowRequest;
use crate::workflow::pinned::Pinned;

use here::Here;
pub(super) use server::{tell, unanswered};
use there::{There, accept};
pub(super) use there::{client, list, text};

/// How often the lock and the socket are tried: another command holds the lock for a moment only, and a daemon opens its
/// socket a moment after it took the lock.
const ATTEMPTS_MAX: u32 = 60;
/// How long to wait between two tries.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(50);

/// A daemon, wherever it runs.
pub(super) enum Connection {
    /// In this process.
    Here(Box<Here>),
    /// In another one.
    There(There),
}

/// What is started.
pub(super) enum Target {
    /// A workflow of the folder, in the request by its name.
    Name,
    /// A definition that this process read.
    Definition(Box<Pinned>),
}

/// How following a run ended.
pub(super) enum Followed {
    /// The run has ended.
    Ended,
    /// The time that somebody would wait is up.
    TimedOut,
    /// Somebody interrupted.
    Interrupted,
}

/// Returns a definition that the daemon of another process has, where one answers and has it.
pub(super) fn defined(project: &Project, name: &str, version: Option<i32>) -> Result<Option<Value>, Error> {
    let Some(there) = There::find(project)? else { return Ok(None) };
    let version = version.map(|version| version.to_string());
    let query: Vec<_> = version.iter().map(|version| ("version", version.as_str())).collect();
    match there.get(&["api", "metadata", "workflow", name], &query) {
        Ok(definition) => Ok(Some(definition)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the names of the variables of the environment that the server has which is named, or the daemon of this folder, where
/// one answers.
pub(super) fn variables(project: &Project) -> Result<Vec<String>, Error> {
    let Some(there) = There::find(project)? else { return Ok(Vec::new()) };
    let variables = list(there.get(&["api", "environment"], &[])?);
    Ok(variables.iter().filter_map(|variable| variable["name"].as_str().map(str::to_owned)).collect())
}

/// Asks the daemon that runs for an address that signs its owner in, once.
pub(super) fn sign_in_address(project: &Project) -> Result<String, Error> {
    let there = There::find(project)?.ok_or_else(|| {
        Error::new(Kind::Unreachable, "no keytide serves this folder")
            .hint("start it: keytide serve --listen 127.0.0.1:8321")
    })?;
    Connection::There(there).ask(Method::POST, &["api", "keytide", "sign-in-address"], &[], None).map(text)
}

/// Starts a daemon that is to stay; a command that holds the lock for a moment is waited for.
pub(super) fn start_patiently(config: &Config) -> Result<Daemon, Error> {
    for _ in 1..ATTEMPTS_MAX {
        match Daemon::start(config) {
            Err(daemon::Error::Conflict(_)) => SystemClock.sleep(ATTEMPT_PAUSE),
            started => return Ok(started?),
        }
    }
    Ok(Daemon::start(config)?)
}

impl Connection {
    /// Starts a daemon for this command, or finds the one that runs; without a store it is the server that is named.
    pub(super) fn open(project: &Project, store: Option<&Arc<Store>>, console: &Console) -> Result<Self, Error> {
        let Some(store) = store else {
            let there = There::find(project)?;
            return there
                .map(Self::There)
                .ok_or_else(|| Error::new(Kind::Unreachable, "there is no server to speak to"));
        };
        let change = files::scan(project, &project.workflows);
        let catalog = Catalog::default().next(change.files, change.troubles);
        let masking = logs::install(store, console, LogFormat::Text);
        for attempt in 0..ATTEMPTS_MAX {
            match Here::begin(project, store, &masking, catalog.clone()) {
                Ok(here) => {
                    here.tell_left(console);
                    return Ok(Self::Here(Box::new(here)));
                }
                Err(daemon::Error::Conflict(held)) => {
                    if let Some(there) = There::find(project)? {
                        return Ok(Self::There(there));
                    }
                    if attempt + 1 == ATTEMPTS_MAX {
                        return Err(Error::new(Kind::Conflict, held).hint("wait for it to end, or stop it"));
                    }
                    SystemClock.sleep(ATTEMPT_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::new(Kind::Conflict, "another keytide runs on this folder and does not answer"))
    }

    /// Starts a workflow and returns its execution's id once the start is on disk.
    pub(super) fn start(&self, target: Target, request: StartWorkflowRequest) -> Result<String, Error> {
        match self {
            Self::Here(here) => here.start(target, request),
            Self::There(there) => there.start(target, request),
        }
    }

    /// Waits for the end of a run, showing it after every change.
    pub(super) fn follow(
        &self,
        id: &str,
        patience: Option<Duration>,
        show: &mut dyn FnMut(&Value),
    ) -> Result<Followed, Error> {
        match self {
            Self::Here(here) => here.follow(id, patience, show),
            Self::There(there) => there.follow(id, patience, show),
        }
    }

    /// Returns an execution as Conductor's Workflow, masked.
    pub(super) fn workflow(&self, id: &str) -> Result<Value, Error> {
        match self {
            Self::Here(here) => here.workflow(id),
            Self::There(there) => there.workflow(id),
        }
    }

    /// Asks what a client may ask, wherever the daemon is, and returns what it brings.
    pub(super) fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let request = Request { method, path, query, body };
        accept(match self {
            Self::Here(here) => here.call(&request)?,
            Self::There(there) => there.call(&request)?,
        })
    }

    /// Reads something.
    pub(super) fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Error> {
        self.ask(Method::GET, path, query, None)
    }

    /// Returns the summaries of the latest executions that a Conductor query asks for.
    pub(super) fn search(&self, query: &str, count: u64) -> Result<Vec<Value>, Error> {
        let size = count.to_string();
        let query = [("query", query), ("size", size.as_str()), ("sort", "startTime:DESC")];
        let mut page = self.get(&["api", "workflow", "search"], &query)?;
        Ok(list(page["results"].take()))
    }

    /// Returns the schedules with `origin` and `nextRunTime`.
    pub(super) fn schedules(&self) -> Result<Vec<Value>, Error> {
        self.get(&["api", "scheduler", "schedules"], &[]).map(list)
    }

    /// Starts a schedule's workflow now.
    pub(super) fn trigger(&self, schedule: &str) -> Result<String, Error> {
        self.ask(Method::POST, &["api", "keytide", "schedules", schedule, "trigger"], &[], None).map(text)
    }

    /// Returns what somebody has to look at, as places with what is wrong there; nothing where that is not ours to see.
    pub(super) fn problems(&self) -> Result<Vec<(String, String)>, Error> {
        match self {
            Self::Here(here) => here.problems(),
            Self::There(_) => match self.get(&["api", "keytide", "problems"], &[]) {
                Err(error) if matches!(error.kind, Kind::Unreachable | Kind::NotFound) => Ok(Vec::new()),
                problems => Ok(list(problems?)
                    .into_iter()
                    .map(|mut problem| (text(problem["place"].take()), text(problem["message"].take())))
                    .collect()),
            },
        }
    }

    /// Ends this command's part: a daemon of its own first sees the runs of its clients end, and lets calls in flight finish.
    pub(super) fn close(self, console: &Console) {
        match self {
            Self::Here(here) => here.stop(console),
            Self::There(_) => {}
        }
    }

    /// Ends this command's part after an interruption: its runs stay as they are.
    pub(super) fn leave(self, console: &Console) {
        match self {
            Self::Here(here) => here.leave(console),
            Self::There(_) => {}
        }
    }
}
