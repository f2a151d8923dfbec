//! `keytide worker`: does the work of tasks with commands of this machine, for development.
//!
//! **Architecture Invariant:** secrets reach a command over its standard input and no other way. What it says goes to the
//! daemon, whose views mask it, and is never printed here.

mod child;
mod words;

use std::future::Future;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::args::Worker;
use super::connection;
use super::console::Console;
use super::error::{Error, Kind};
use super::project::Project;
use super::signals::Signals;
use crate::client::{Client, Method, Reply, Request};
use child::Ended;
use words::Job;

/// How long one poll waits. A poll that is cut could lose the task that was just given to it, so a stop waits for it.
const POLL_MS: &str = "1000";
/// How long to wait before a daemon that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a report is tried: a daemon that restarts is back in a moment, and the task's own time limits count on.
const REPORTS_MAX: u32 = 60;

/// Who works, for whom and how.
struct Shift<'a> {
    client: &'a Client,
    console: &'a Console,
    worker_id: String,
    domain: Option<&'a str>,
    patience: Duration,
    stop: watch::Receiver<bool>,
}

/// Works until somebody asks it to stop; a second time it does not wait for the commands that run.
pub(super) fn run(arguments: &Worker, project: &Project, console: &Console) -> Result<(), Error> {
    let jobs = arguments.commands.iter().map(|text| Job::parse(text)).collect::<Result<Vec<_>, _>>()?;
    for (at, job) in jobs.iter().enumerate() {
        if jobs[..at].iter().any(|before| before.task_type == job.task_type) {
            let twice = format!("--exec names `{}` twice", job.task_type);
            return Err(Error::new(Kind::Usage, twice).hint("start a second worker to do two of them at once"));
        }
    }
    let client = connection::client(project)?.ok_or_else(|| {
        Error::new(Kind::Unreachable, "no daemon runs on this folder").hint("start it with `keytide serve`")
    })?;
    let (stopping, stop) = watch::channel(false);
    let worker_id = format!("keytide-worker-{}", std::process::id());
    let (domain, patience) = (arguments.domain.as_deref(), super::run::duration(&arguments.timeout)?);
    let shift = Shift { client: &client, console, worker_id, domain, patience, stop };
    let types: Vec<_> = jobs.iter().map(|job| &*job.task_type).collect();
    client.runtime().block_on(async {
        let mut signals = Signals::listen()?;
        console.note(&format!("working on {}; Ctrl-C stops", types.join(", ")));
        let work = all(jobs.iter().map(|job| shift.work(job)).collect());
        tokio::pin!(work);
        tokio::select! {
            ended = &mut work => return ended,
            () = signals.next() => {}
        }
        // Nobody listens where nobody works any more.
        let _ = stopping.send(true);
        console.note("stopping: commands that run go on to their end; once more stops now");
        tokio::select! {
            ended = work => ended,
            () = signals.next() => {
                Err(Error::new(Kind::Interrupted, "commands were stopped; their tasks go on when their time has passed"))
            }
        }
    })
}

/// Waits for all to end, or for the first that fails.
async fn all<'a>(mut works: Vec<impl Future<Output = Result<(), Error>> + 'a>) -> Result<(), Error> {
    let last = works.pop();
    match last {
        None => Ok(()),
        Some(last) => Box::pin(async { tokio::try_join!(last, Box::pin(all(works))).map(drop) }).await,
    }
}

impl Shift<'_> {
    async fn work(&self, job: &Job) -> Result<(), Error> {
        while !*self.stop.borrow() {
            let Some(task) = self.next(job).await? else { continue };
            let mut input = task["inputData"].clone();
            if let (Some(metadata), Some(input)) = (task.get("runtimeMetadata"), input.as_object_mut()) {
                input.insert("runtimeMetadata".to_owned(), metadata.clone());
            }
            let ended = child::run(job, &input, self.patience).await;
            let (id, status) = (task["taskId"].as_str().unwrap_or_default(), ended.status);
            self.report(&task, ended).await?;
            self.console.note(&format!("{} {id} {status}", job.task_type));
        }
        Ok(())
    }

    /// Takes the next task, where one comes in time.
    async fn next(&self, job: &Job) -> Result<Option<Value>, Error> {
        let mut query = vec![("count", "1"), ("timeout", POLL_MS), ("workerid", &*self.worker_id)];
        query.extend(self.domain.map(|domain| ("domain", domain)));
        let path = ["api", "tasks", "poll", "batch", &job.task_type];
        match self.client.answer(&Request { method: Method::GET, path: &path, query: &query, body: None }).await {
            Ok(Reply { status: 200, mut body }) => Ok(body.get_mut(0).map(Value::take)),
            Ok(reply) if reply.status < 500 => Err(Error::new(Kind::Unreachable, said(&reply))),
            // It restarts, or has too much to do.
            Ok(_) | Err(_) => {
                self.pause().await;
                Ok(None)
            }
        }
    }

    async fn report(&self, task: &Value, ended: Ended) -> Result<(), Error> {
        let body = json!({
            "workflowInstanceId": task["workflowInstanceId"],
            "taskId": task["taskId"],
            "workerId": self.worker_id,
            "status": ended.status,
            "outputData": ended.output,
            "reasonForIncompletion": ended.reason,
            "logs": ended.log.iter().map(|line| json!({"log": line})).collect::<Vec<_>>(),
        });
        let request = Request { method: Method::POST, path: &["api", "tasks"], query: &[], body: Some(&body) };
        for _ in 0..REPORTS_MAX {
            match self.client.answer(&request).await {
                Ok(Reply { status: 200, .. }) => return Ok(()),
                Ok(reply) if reply.status < 500 => {
                    // Its execution may be gone by now: no reason to stop working.
                    self.console.note(&format!("a report was refused: {}", said(&reply)));
                    return Ok(());
                }
                Ok(_) | Err(_) => tokio::time::timeout(PAUSE, std::future::pending::<()>()).await.unwrap_or_default(),
            }
        }
        let id = &task["taskId"];
        Err(Error::new(Kind::Unreachable, format!("the daemon does not answer: the end of task {id} is not reported")))
    }

    /// Waits a moment, or for the stop.
    async fn pause(&self) {
        let mut stop = self.stop.clone();
        let stopped = async { drop(stop.wait_for(|stop| *stop).await) };
        tokio::time::timeout(PAUSE, stopped).await.unwrap_or_default();
    }
}

/// Returns why the daemon refuses.
fn said(reply: &Reply) -> String {
    reply.body["message"].as_str().map_or_else(|| format!("HTTP {}", reply.status), str::to_owned)
}
