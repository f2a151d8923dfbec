//! A server of Conductor's API over HTTP: ours, or the real one beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::sample::per_second;

/// Where the real server is, as `http://127.0.0.1:18080/api`; `tests/conductor/conductor-server.sh` starts one.
const CONDUCTOR: &str = "KEYTIDE_CONDUCTOR";
/// How long one execution is waited for, ours and the real server's.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
pub(crate) const THEIR_PATIENCE: Duration = Duration::from_secs(20);
/// How long somebody waits to be told that an execution is ended.
const LEAVE: Duration = Duration::from_secs(2);
/// How often it is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A server, as its clients see it.
pub(crate) struct Server {
    base: String,
    client: reqwest::Client,
    runtime: Runtime,
}

impl Server {
    /// Returns the server at an address that ends in `/api`, once it answers.
    pub(crate) fn at(base: &str) -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let server =
            Self { base: base.to_owned(), client: reqwest::Client::builder().no_proxy().gzip(false).build()?, runtime };
        let until = Instant::now() + PATIENCE;
        while server.get("/health").is_err() {
            if Instant::now() > until {
                return Err(format!("{base} does not answer").into());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(server)
    }

    /// Returns the real server, where somebody says where it is.
    pub(crate) fn real() -> Outcome<Option<Self>> {
        std::env::var(CONDUCTOR).ok().map(|base| Self::at(&base)).transpose()
    }

    /// Registers definitions.
    pub(crate) fn register(&self, definitions: &[Value]) -> Outcome<()> {
        let request = self.client.put(format!("{}/metadata/workflow", self.base)).json(definitions);
        self.runtime.block_on(async { request.send().await?.error_for_status() })?;
        Ok(())
    }

    /// Starts a workflow and returns how long it took to its end; nothing where the patience ends before.
    pub(crate) fn run(&self, name: &str, patience: Duration) -> Outcome<Option<Duration>> {
        let started = Instant::now();
        let id = self.runtime.block_on(start(&self.client, &self.base, name))?;
        loop {
            let status = self.get(&format!("/workflow/{id}/status"))?["status"].clone();
            match status.as_str() {
                Some("COMPLETED") => return Ok(Some(started.elapsed())),
                Some("RUNNING") if started.elapsed() < patience => std::thread::sleep(LOOK_EVERY),
                Some("RUNNING") => {
                    // The real one answers when its loop lets it.
                    let request = self.client.delete(format!("{}/workflow/{id}", self.base)).timeout(LEAVE);
                    drop(self.runtime.block_on(async { request.send().await }));
                    return Ok(None);
                }
                other => return Err(format!("{name} is {other:?}").into()),
            }
        }
    }

    /// Starts `count` executions, `clients` at once, and returns how many a second. What ends in its first step has ended
    /// when its start is answered.
    pub(crate) fn crowd(&self, name: &str, clients: usize, count: usize) -> Outcome<f64> {
        let (left, started) = (Arc::new(AtomicUsize::new(count)), Instant::now());
        self.runtime.block_on(async {
            let tasks: Vec<_> = (0..clients)
                .map(|_| {
                    let (client, base, name, left) =
                        (self.client.clone(), self.base.clone(), name.to_owned(), left.clone());
                    tokio::spawn(async move {
                        while left
                            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                            .is_ok()
                        {
                            start(&client, &base, &name).await.map_err(|error| error.to_string())?;
                        }
                        Ok::<(), String>(())
                    })
                })
                .collect();
            for task in tasks {
                task.await.map_err(|error| error.to_string())??;
            }
            Ok::<(), String>(())
        })?;
        Ok(per_second(count, started.elapsed()))
    }

    /// Waits until no execution of a workflow runs any more.
    pub(crate) fn until_done(&self, name: &str) -> Outcome<()> {
        let query = format!("/workflow/search?size=1&query=workflowType%3D{name}%20AND%20status%3DRUNNING");
        let until = Instant::now() + PATIENCE;
        while self.get(&query)?["totalHits"].as_u64() != Some(0) {
            if Instant::now() > until {
                return Err(format!("executions of {name} still run").into());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Asks for a page that is not packed.
    pub(crate) fn text(&self, path: &str) -> Outcome<String> {
        let request = self.client.get(format!("{}{path}", self.base.trim_end_matches("/api")));
        Ok(self.runtime.block_on(async { request.send().await?.error_for_status()?.text().await })?)
    }

    /// Asks for a page as a browser does that takes what is packed; returns how long its last byte took, and what came, as it
    /// came.
    pub(crate) fn page(&self, path: &str) -> Outcome<(Duration, Vec<u8>)> {
        let site = self.base.trim_end_matches("/api");
        let request = self.client.get(format!("{site}{path}")).header("accept-encoding", "gzip");
        let began = Instant::now();
        let body = self.runtime.block_on(async { request.send().await?.error_for_status()?.bytes().await })?;
        Ok((began.elapsed(), body.to_vec()))
    }

    /// Sends JSON, and returns what is answered.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        Ok(self.runtime.block_on(async { request.send().await?.error_for_status()?.json::<Value>().await })?)
    }

    /// Asks for JSON.
    pub(crate) fn get(&self, path: &str) -> Outcome<Value> {
        let request = self.client.get(format!("{}{path}", self.base));
        Ok(self.runtime.block_on(async { request.send().await?.error_for_status()?.json::<Value>().await })?)
    }
}

async fn start(client: &reqwest::Client, base: &str, name: &str) -> Result<String, reqwest::Error> {
    let request = client.post(format!("{base}/workflow")).json(&json!({"name": name, "version": 1}));
    request.send().await?.error_for_status()?.text().await
}
