use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::super::error::{Error, Kind};
use super::super::project::Project;
use super::super::signals::Signals;
use super::server::{client_of, unanswered};
use super::{Followed, Target};
use crate::client::{Client, Method, Reply, Request};
use crate::clock::{Clock, SystemClock};
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

    pub(super) fn call(&self, request: &Request<'_>) -> Result<Reply, Error> {
        self.client.call(request).map_err(unanswered)
    }

    pub(super) fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Error> {
        accept(self.call(&Request { method: Method::GET, path, query, body: None })?)
    }

    pub(super) fn start(&self, target: Target, mut request: StartWorkflowRequest) -> Result<String, Error> {
        if let Target::Definition(pinned) = target {
            request.workflow_def = Some(Box::new(pinned.into_document()));
        }
        let body = serde_json::to_value(request).map_err(|error| Error::new(Kind::Failed, error))?;
        let request = Request { method: Method::POST, path: &["api", "workflow"], query: &[], body: Some(&body) };
        Ok(text(accept(self.call(&request)?)?))
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
}

/// Returns a client of the server that is named, else of the daemon that answers on the state folder's socket, where one
/// does.
pub(in crate::cli) fn client(project: &Project) -> Result<Option<Client>, Error> {
    if let Some(address) = &project.server {
        return client_of(project, address).map(Some);
    }
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
pub(super) fn accept(reply: Reply) -> Result<Value, Error> {
    let kind = match reply.status {
        200..300 => return Ok(reply.body),
        404 => Kind::NotFound,
        409 | 423 => Kind::Conflict,
        401 | 403 | 502..=504 => Kind::Unreachable,
        _ => Kind::Failed,
    };
    let message = reply.body["message"].as_str().or(reply.body.as_str()).unwrap_or("it was refused");
    let problems = list(reply.body["validationErrors"].clone()).into_iter();
    let problems = problems.filter_map(|problem| problem["message"].as_str().map(str::to_owned));
    Err(problems.fold(Error::new(kind, message), Error::hint))
}

pub(in crate::cli) fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

pub(in crate::cli) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}
