use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::super::console::Console;
use super::super::doors::Doors;
use super::super::error::{Error, Kind};
use super::super::project::Project;
use super::super::signals::{Hurry, Signals};
use super::{Followed, Target};
use crate::catalog::Catalog;
use crate::clock::{Clock, SystemClock};
use crate::daemon::{self, Daemon, Hold, Recovery, SummaryField, Unwritten};
use crate::engine::Plan;
use crate::journal::{Query, conditions};
use crate::observe::Masking;
use crate::secret::{Allow, Store};
use crate::words::{ExecutionId, Owner, Timestamp, nearest};
use crate::workflow::definition::StartWorkflowRequest;
use crate::workflow::pinned::Pinned;

/// Who acts: whoever can read the identity.
pub(super) const WHO: Owner = Owner::Local;

/// How often a run is shown again while nothing changes but the time that its tasks take.
const TIMES_PASS_EVERY: Duration = Duration::from_millis(200);

/// A run is drawn again after this part of the time that it has taken so far.
const DRAWS_SHARE: u32 = 64;

/// What is shown of a run that is followed.
struct Shown<'a> {
    show: &'a mut dyn FnMut(&Value),
    last: Value,
    at: Timestamp,
    /// Whether it has changed since.
    is_stale: bool,
}

/// A daemon in this process: it runs what this command starts and what clients of its socket start meanwhile.
pub(in crate::cli) struct Here {
    pub(super) daemon: Daemon,
    doors: Doors,
}

impl Here {
    pub(super) fn begin(
        project: &Project,
        store: &Arc<Store>,
        masking: &Arc<Masking>,
        catalog: Catalog,
    ) -> Result<Self, daemon::Error> {
        let config = project.daemon(store, masking, Recovery::OwnOnly, catalog, Vec::new());
        let daemon = Daemon::start(&config)?;
        // Without its socket it still does this command's work; other commands wait for it.
        let doors = Doors::open(&daemon, project, None).unwrap_or_else(|error| {
            tracing::warn!(error = error.message, "other commands cannot join this one");
            Doors::default()
        });
        Ok(Self { daemon, doors })
    }

    /// Names what others left: only `serve` takes it on.
    pub(super) fn tell_left(&self, console: &Console) {
        let left = self.daemon.left();
        if let Some(first) = left.first() {
            let others = if left.len() > 1 { format!(" and {} more", left.len() - 1) } else { String::new() };
            console.note(&format!("run {first}{others} of before waits for `keytide serve`"));
        }
    }

    pub(super) fn wait<T>(&self, work: impl Future<Output = Result<T, daemon::Error>>) -> Result<T, Error> {
        Ok(self.daemon.runtime().block_on(work)?)
    }

    pub(super) fn start(&self, target: Target, request: StartWorkflowRequest) -> Result<String, Error> {
        let handle = self.daemon.handle();
        let id = match target {
            Target::Name => {
                self.wait(handle.start(&WHO, request.clone())).map_err(|error| self.near(&request, error))?
            }
            Target::Definition(pinned) => {
                let Pinned { workflow, task_defs, owner } = *pinned;
                let mut pinned = handle.catalog().pin(workflow, owner);
                pinned.task_defs.extend(task_defs);
                let plan = Plan::compile(pinned).map_err(|error| Error::new(Kind::Failed, error))?;
                self.wait(handle.start_plan(&WHO, Arc::new(plan), request))?
            }
        };
        Ok(id.to_string())
    }

    /// Names the workflow that was probably meant, and files whose definitions are not taken.
    fn near(&self, request: &StartWorkflowRequest, error: Error) -> Error {
        if error.kind != Kind::NotFound {
            return error;
        }
        let catalog = self.daemon.handle().catalog();
        let names = catalog.workflows().map(|definition| definition.pinned.workflow.name.as_str());
        if let Some(version) = request.version.filter(|_| catalog.workflow(&request.name, None).is_some()) {
            return Error::new(Kind::NotFound, format!("the workflow `{}` has no version {version}", request.name));
        }
        let mut error = Error::new(Kind::NotFound, format!("there is no workflow `{}`", request.name));
        if let Some(nearest) = nearest(&request.name, names) {
            error = error.hint(format!("did you mean `{nearest}`?"));
        }
        for problem in catalog.problems() {
            error = error.hint(format!("{} {}", problem.place, problem.message));
        }
        error
    }

    pub(super) fn follow(
        &self,
        id: &str,
        patience: Option<Duration>,
        show: &mut dyn FnMut(&Value),
    ) -> Result<Followed, Error> {
        let id = execution(id)?;
        let handle = self.daemon.handle();
        let shown = RefCell::new(Shown { show, last: Value::Null, at: SystemClock.now(), is_stale: false });
        let began = SystemClock.now();
        let draw = async || {
            // What cannot be read now is shown with the next change.
            if let Ok(workflow) = handle.workflow(&WHO, id, true).await {
                let shown = &mut *shown.borrow_mut();
                (shown.show)(&workflow);
                (shown.last, shown.at, shown.is_stale) = (workflow, SystemClock.now(), false);
            }
        };
        let changed = async || {
            // To show a run costs what it has done: the longer it goes on, the rarer it is drawn.
            let now = SystemClock.now();
            let is_early = now.since(shown.borrow().at) < now.since(began) / DRAWS_SHARE;
            if is_early {
                shown.borrow_mut().is_stale = true;
            } else {
                draw().await;
            }
        };
        let passing = async {
            loop {
                drop(tokio::time::timeout(TIMES_PASS_EVERY, std::future::pending::<()>()).await);
                let is_stale = shown.borrow().is_stale;
                if is_stale {
                    draw().await;
                } else {
                    let shown = &mut *shown.borrow_mut();
                    (shown.show)(&shown.last);
                }
            }
        };
        let watched = async {
            let ended = handle.watch(id, patience, changed).await;
            let is_stale = shown.borrow().is_stale;
            if is_stale {
                draw().await;
            }
            ended
        };
        self.daemon.runtime().block_on(async {
            let mut signals = Signals::listen()?;
            tokio::select! {
                ended = watched => match ended? {
                    Some(_) => Ok(Followed::Ended),
                    None => Ok(Followed::TimedOut),
                },
                () = signals.next() => Ok(Followed::Interrupted),
                never = passing => never,
            }
        })
    }

    pub(super) fn workflow(&self, id: &str) -> Result<Value, Error> {
        self.wait(self.daemon.handle().workflow(&WHO, execution(id)?, true))
    }

    pub(super) fn search(&self, query: &str, count: u64) -> Result<Vec<Value>, Error> {
        let conditions = conditions::<SummaryField>(query, "").map_err(|error| Error::new(Kind::Usage, error))?;
        let query = Query { conditions, ..daemon::latest(count) };
        Ok(self.wait(self.daemon.handle().search(&WHO, query))?.rows)
    }

    pub(super) fn schedules(&self) -> Result<Vec<Value>, Error> {
        self.wait(self.daemon.handle().schedules(&WHO))
    }

    pub(super) fn hold(&self, schedule: &str, hold: Hold) -> Result<(), Error> {
        self.wait(self.daemon.handle().hold_schedule(&WHO, schedule, hold))
    }

    pub(super) fn trigger(&self, schedule: &str) -> Result<String, Error> {
        Ok(self.wait(self.daemon.handle().trigger(&WHO, schedule))?.to_string())
    }

    pub(super) fn rescue(&self, id: &str, path: &str, secret: &str, force: bool) -> Result<(), Error> {
        let allow = if force { Allow::ALL } else { Allow::default() };
        self.wait(self.daemon.handle().rescue(&WHO, execution(id)?, path, secret, allow)).map(drop)
    }

    pub(super) fn dismiss(&self, id: &str) -> Result<(), Error> {
        self.wait(self.daemon.handle().dismiss(&WHO, execution(id)?))
    }

    pub(super) fn problems(&self) -> Result<Vec<(String, String)>, Error> {
        let problems = self.wait(self.daemon.handle().problems(&WHO))?;
        Ok(problems.into_iter().map(|problem| (problem.place, problem.message)).collect())
    }

    /// Waits for the runs that clients started, then stops.
    pub(super) fn stop(self, console: &Console) {
        let is_told = std::cell::Cell::new(false);
        let tell = |count: usize| {
            if !is_told.replace(true) {
                console.note(&format!("waiting for the end of {count} more; Ctrl-C leaves them to `keytide serve`"));
            }
        };
        let handle = self.daemon.handle();
        let ended = self.daemon.runtime().block_on(async {
            // Where no signal can be heard, one ends the process, which is as good.
            let Ok(mut signals) = Signals::listen() else { return true };
            tokio::select! {
                () = handle.until_idle(tell) => true,
                () = signals.next() => false,
            }
        });
        if ended {
            self.doors.close();
            tell_lost(&self.daemon.stop(|| false), console);
        } else {
            self.leave(console);
        }
    }

    /// Stops, leaving runs as they are: a call in flight is still read to its end, for its answer may be a token.
    pub(super) fn leave(self, console: &Console) {
        self.doors.close();
        if self.daemon.is_busy() {
            console.note("waiting for calls in flight, whose answers must not be lost; Ctrl-C again leaves now");
        }
        let hurry = Hurry::on(&self.daemon);
        tell_lost(&self.daemon.stop(move || hurry.is_wanted()), console);
    }
}

/// Says what was lost at the end; the run itself has said that it did not complete.
fn tell_lost(lost: &[Unwritten], console: &Console) {
    for unwritten in lost {
        console.note(&format!("error: {unwritten}"));
    }
}

fn execution(id: &str) -> Result<ExecutionId, Error> {
    id.parse().map_err(|_| Error::new(Kind::NotFound, format!("there is no run `{id}`")))
}
