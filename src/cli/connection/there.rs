use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::error::{Error, Kind};
use super::super::project::Project;
use super::super::signals::Signals;
use super::{Followed, Target};
use crate::client::{Client, Method, Reply, Request};
use crate::clock::{Clock, SystemClock};
use crate::daemon::Hold;
use crate::words::WorkflowStatus;
use crate::workflow::definition::StartWorkflowRequest;

/// How often a run of another process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The longest path of a socket.
const SOCKET_PATH_BYTES_MAX: u64 = 4_096;

/// The daemon of another process.
pub(in crate::cli) struct There {
    client: Client,
}

impl There {
    /// Returns the daemon that answers on the state folder's socket, where one does.
    pub(super) fn find(project: &Project) -> Result<Option<Self>, Error> {
        Ok(client(project)?.map(|client| Self { client }))
    }

    pub(super) fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let reply = self.client.call(&Request { method, path, query, body });
        accept(reply.map_err(|error| Error::new(Kind::Unreachable, error))?)
    }

    pub(super) fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Error> {
        self.call(Method::GET, path, query, None)
    }

    pub(super) fn start(&self, target: Target, mut request: StartWorkflowRequest) -> Result<String, Error> {
        if let Target::Definition(pinned) = target {
            request.workflow_def = Some(Box::new(pinned.into_document()));
        }
        let body = serde_json::to_value(request).map_err(|error| Error::new(Kind::Failed, error))?;
        Ok(text(self.call(Method::POST, &["api", "workflow"], &[], Some(&body))?))
    }

    pub(super) fn follow(
        &self,
        id: &str,
        patience: Option<Duration>,
        show: &mut dyn FnMut(&Value),
    ) -> Result<Followed, Error> {
        let mut signals = {
            let _context = self.client.runtime().enter();
            Signals::listen()?
        };
        let until = patience.map(|patience| SystemClock.now().plus(patience));
        loop {
            let workflow = self.workflow(id)?;
            show(&workflow);
            let status = workflow["status"].as_str().and_then(WorkflowStatus::parse);
            if status.is_some_and(WorkflowStatus::is_terminal) {
                return Ok(Followed::Ended);
            }
            if until.is_some_and(|until| SystemClock.now() >= until) {
                return Ok(Followed::TimedOut);
            }
            let pause = async { tokio::time::timeout(LOOK_EVERY, signals.next()).await };
            if self.client.runtime().block_on(pause).is_ok() {
                return Ok(Followed::Interrupted);
            }
        }
    }

    pub(super) fn workflow(&self, id: &str) -> Result<Value, Error> {
        self.get(&["api", "workflow", id], &[("includeTasks", "true")])
    }

    pub(super) fn search(&self, query: &str, count: u64) -> Result<Vec<Value>, Error> {
        let size = count.to_string();
        let query = [("query", query), ("size", size.as_str()), ("sort", "startTime:DESC")];
        let mut page = self.get(&["api", "workflow", "search"], &query)?;
        Ok(list(page["results"].take()))
    }

    pub(super) fn schedules(&self) -> Result<Vec<Value>, Error> {
        self.get(&["api", "scheduler", "schedules"], &[]).map(list)
    }

    pub(super) fn hold(&self, schedule: &str, hold: Hold) -> Result<(), Error> {
        let (word, reason) = match hold {
            Hold::Pause(reason) => ("pause", reason),
            Hold::Resume => ("resume", None),
        };
        let query: Vec<(&str, &str)> = reason.iter().map(|reason| ("reason", reason.as_str())).collect();
        self.call(Method::PUT, &["api", "scheduler", "schedules", schedule, word], &query, None).map(drop)
    }

    pub(super) fn trigger(&self, schedule: &str) -> Result<String, Error> {
        self.call(Method::POST, &["api", "keytide", "schedules", schedule, "trigger"], &[], None).map(text)
    }

    pub(super) fn rescue(&self, id: &str, path: &str, secret: &str, force: bool) -> Result<(), Error> {
        let body = json!({"path": path, "secret": secret, "force": force});
        self.call(Method::POST, &["api", "keytide", "executions", id, "rescue"], &[], Some(&body)).map(drop)
    }

    pub(super) fn dismiss(&self, id: &str) -> Result<(), Error> {
        self.call(Method::POST, &["api", "keytide", "executions", id, "dismiss"], &[], None).map(drop)
    }

    pub(super) fn problems(&self) -> Result<Vec<(String, String)>, Error> {
        let problems = list(self.get(&["api", "keytide", "problems"], &[])?);
        Ok(problems
            .into_iter()
            .map(|mut problem| (text(problem["place"].take()), text(problem["message"].take())))
            .collect())
    }
}

/// Returns a client of the daemon that answers on the state folder's socket, where one does.
pub(in crate::cli) fn client(project: &Project) -> Result<Option<Client>, Error> {
    let client = Client::on_socket(&socket(project)).map_err(|error| Error::new(Kind::Unreachable, error))?;
    let health = Request { method: Method::GET, path: &["health"], query: &[], body: None };
    let answers = client.call(&health).is_ok_and(|reply| reply.status == 200);
    Ok(answers.then_some(client))
}

/// Returns where the socket is: a file says so where its path would be too long.
fn socket(project: &Project) -> PathBuf {
    let moved = project.disk.read(&project.state.join("daemon.sock.path"), SOCKET_PATH_BYTES_MAX).ok();
    let moved = moved.and_then(|bytes| String::from_utf8(bytes).ok()).map(PathBuf::from);
    moved.unwrap_or_else(|| project.state.join("daemon.sock"))
}

/// Returns what a reply brings, or what it says is wrong.
fn accept(reply: Reply) -> Result<Value, Error> {
    let kind = match reply.status {
        200..300 => return Ok(reply.body),
        404 => Kind::NotFound,
        409 | 423 => Kind::Conflict,
        401 | 403 => Kind::Unreachable,
        _ => Kind::Failed,
    };
    let message = reply.body["message"].as_str().or(reply.body.as_str()).unwrap_or("the daemon refused it");
    let problems = list(reply.body["validationErrors"].clone()).into_iter();
    let problems = problems.filter_map(|problem| problem["message"].as_str().map(str::to_owned));
    Err(problems.fold(Error::new(kind, message), Error::hint))
}

pub(super) fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

pub(super) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}
