use std::cell::{OnceCell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;
use tower::ServiceExt as _;

use super::super::console::Console;
use super::super::doors::Doors;
use super::super::error::{Error, Kind};
use super::super::project::Project;
use super::super::signals::{Hurry, Signals};
use super::{Followed, Target};
use crate::api::{self, Limits};
use crate::catalog::Catalog;
use crate::client::{Reply, Request};
use crate::clock::{Clock, SystemClock};
use crate::daemon::{self, Daemon, Recovery, Unwritten};
use crate::door::Door;
use crate::engine::Plan;
use crate::observe::Masking;
use crate::secret::Store;
use crate::words::{ExecutionId, Owner, Timestamp, nearest};
use crate::workflow::definition::StartWorkflowRequest;
use crate::workflow::pinned::Pinned;

/// Who acts: whoever can read the identity.
const WHO: Owner = Owner::Local;

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
    daemon: Daemon,
    doors: Doors,
    /// Made for the first call: most commands make none.
    router: OnceCell<Router>,
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
        let doors = Doors::open(&daemon, project, None, Limits::default()).unwrap_or_else(|error| {
            tracing::warn!(error = error.message, "other commands cannot join this one");
            Doors::default()
        });
        Ok(Self { daemon, doors, router: OnceCell::new() })
    }

    /// Names what others left: only `serve` takes it on.
    pub(super) fn tell_left(&self, console: &Console) {
        let left = self.daemon.left();
        if let Some(first) = left.first() {
            let others = if left.len() > 1 { format!(" and {} more", left.len() - 1) } else { String::new() };
            console.note(&format!("run {first}{others} of before waits for `keytide serve`"));
        }
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, daemon::Error>>) -> Result<T, Error> {
        Ok(self.daemon.runtime().block_on(work)?)
    }

    pub(super) fn start(&self, target: Target, request: StartWorkflowRequest) -> Result<String, Error> {
        let handle = self.daemon.handle();
        let id = match target {
            Target::Name => {
                self.wait(handle.start(&WHO, request.clone())).map_err(|error| self.near(&request, error))?
            }
            Target::Definition(pinned) => {
                let Pinned { workflow, task_defs, owner, .. } = *pinned;
                let mut pinned = handle.catalog().pin(workflow, owner);
                pinned.bring(task_defs);
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

    /// Answers what a client of the socket would ask, by the same routes.
    pub(super) fn call(&self, request: &Request<'_>) -> Result<Reply, Error> {
        let router = self.router.get_or_init(|| api::router(self.daemon.handle().clone(), Door::Socket));
        let body = request.body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let asked = http::Request::builder().method(request.method.clone()).uri(request.target()).body(body);
        let asked = asked.map_err(|error| Error::new(Kind::Failed, error))?;
        self.daemon.runtime().block_on(async {
            let Ok(response) = router.clone().oneshot(asked).await;
            let (head, body) = response.into_parts();
            let is_text = head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
            let bytes = to_bytes(body, usize::MAX).await.map_err(|error| Error::new(Kind::Failed, error))?;
            Ok(Reply::read(head.status.as_u16(), &bytes, is_text))
        })
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
