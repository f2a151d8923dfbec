//! Whoever starts workflows and waits for their end, through the handle that every face holds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keytide::daemon::{Daemon, Handle};
use keytide::engine::Plan;
use keytide::words::{ExecutionId, Map, Owner, WorkflowStatus};
use keytide::workflow::definition::{StartWorkflowRequest, WorkflowDef};
use serde_json::Value;

use crate::Outcome;
use crate::sample::per_second;

/// How long an execution may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts one workflow over and over.
#[derive(Clone)]
pub(crate) struct Client {
    handle: Handle,
    plan: Arc<Plan>,
}

impl Client {
    /// Returns a client that starts this definition.
    pub(crate) fn new(daemon: &Daemon, definition: Value) -> Outcome<Self> {
        let handle = daemon.handle().clone();
        let plan = handle.plan_of(serde_json::from_value::<WorkflowDef>(definition)?, Owner::Local)?;
        Ok(Self { handle, plan })
    }

    /// Starts it and returns how long it took to its end; anything but success is an error.
    pub(crate) async fn run(&self, input: Map) -> Result<Duration, String> {
        let started = Instant::now();
        self.done(input).await?;
        Ok(started.elapsed())
    }

    /// Starts it, waits for its end and returns its id; anything but success is an error.
    pub(crate) async fn done(&self, input: Map) -> Result<ExecutionId, String> {
        let request = StartWorkflowRequest {
            name: self.plan.pinned.workflow.name.clone(),
            input,
            ..StartWorkflowRequest::default()
        };
        let id = self
            .handle
            .start_plan(&Owner::Local, self.plan.clone(), request)
            .await
            .map_err(|error| error.to_string())?;
        match self.end(id).await? {
            Some(WorkflowStatus::Completed) => Ok(id),
            other => Err(format!("workflow {id} ended {other:?}")),
        }
    }

    async fn end(&self, id: ExecutionId) -> Result<Option<WorkflowStatus>, String> {
        self.handle.watch(id, Some(PATIENCE), async || ()).await.map_err(|error| error.to_string())
    }
}

/// Lets many clients run at once, each `rounds` times, and returns how many executions ended per second.
pub(crate) fn crowd(
    daemon: &Daemon,
    client: &Client,
    clients: usize,
    rounds: usize,
    input: impl Fn(usize, usize) -> Map,
) -> Outcome<f64> {
    let started = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|number| {
            let client = client.clone();
            let inputs: Vec<Map> = (0..rounds).map(|round| input(number, round)).collect();
            daemon.runtime().spawn(async move {
                for input in inputs {
                    client.run(input).await?;
                }
                Ok::<(), String>(())
            })
        })
        .collect();
    daemon.runtime().block_on(async {
        for task in tasks {
            task.await.map_err(|error| error.to_string())??;
        }
        Ok::<(), String>(())
    })?;
    Ok(per_second(clients * rounds, started.elapsed()))
}
