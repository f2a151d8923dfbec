//! The work that touches the world: HTTP calls and writes of the store; and scripts, in processes that cannot touch it.
//!
//! Here, at the last moment, the references to stored secrets become values; the values travel into the call and, with the
//! answer, to the masks of the execution, and nowhere else.
//!
//! **Architecture Invariant:** work is done only for a command whose reason is on disk. Every command is answered once,
//! whatever happens, or the process is gone.

pub mod http;
pub mod script;
mod secrets;
mod signed_jwt;
mod storing;
mod update_secret;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::access::{Authority, Policy};
use crate::clock::Clock;
use crate::engine::{Answer, Assignment, Command, Outcome};
use crate::executor::http::HttpClient;
use crate::executor::script::{Evaluator, Scripts};
use crate::secret::{Snapshot, Store};
use crate::words::{ExecutionId, RunNumber, Sensitive, Timestamp, traceparent};
use crate::workflow::definition::TaskType;
pub use secrets::{Acting, Handed, NotAvailable, hand_off, missing_secret, runtime_metadata};
use storing::Storing;
pub use storing::{preflight, store_together};
pub use update_secret::may_not_update;

/// Where answers go.
pub type Deliver = Arc<dyn Fn(Outcome) + Send + Sync>;

/// What the work is done with.
pub struct Tools {
    /// The secrets.
    pub store: Arc<Store>,
    /// Who may use which.
    pub authority: Authority,
    /// The way out.
    pub http: HttpClient,
    /// Where scripts are evaluated.
    pub evaluator: Evaluator,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where answers go.
    pub deliver: Deliver,
    /// Told how long a rewrite of the store took.
    pub stored: Arc<dyn Fn(Duration) + Send + Sync>,
}

/// Signs the token that a task asks for, with the keys of this moment of the store.
pub fn sign(assignment: &Assignment, snapshot: &Snapshot, policy: &Policy, now: Timestamp) -> Outcome {
    let (answer, resolved) = match hand_off(assignment.input.expose(), Acting::of(assignment), snapshot, policy) {
        Ok(handed) => signed_jwt::answer(&handed, now),
        Err(missing) => (missing.into(), Vec::new()),
    };
    Outcome { execution: assignment.execution, run: assignment.run, answer, resolved }
}

/// Does the work of executions, on a runtime for calls and a thread for the store.
pub struct Executor {
    tools: Arc<Tools>,
    runtime: Handle,
    storing: Storing,
    scripts: Scripts,
    calls: Calls,
}

type Calls = Arc<Mutex<HashMap<(ExecutionId, RunNumber), AbortHandle>>>;

impl Executor {
    /// Returns an executor that makes its calls on this runtime.
    pub fn new(tools: Tools, runtime: Handle) -> std::io::Result<Self> {
        let tools = Arc::new(tools);
        let storing = Storing::start(tools.clone())?;
        let scripts = Scripts::start(&tools)?;
        Ok(Self { tools, runtime, storing, scripts, calls: Calls::default() })
    }

    /// Takes a command whose reason is on disk.
    pub fn release(&self, command: Command) {
        match command {
            Command::Preflight(assignment) => self.storing.preflight(assignment),
            Command::Perform(assignment) => self.perform(assignment),
            Command::Evaluate(question) => self.scripts.evaluate(question),
            Command::Abandon { execution, run } => self.abandon(execution, run),
            Command::Offer(_) | Command::Withdraw { .. } => {}
        }
    }

    /// Returns how many calls are under way.
    pub fn calls_in_flight(&self) -> usize {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).len() + self.storing.in_flight()
    }

    fn perform(&self, assignment: Assignment) {
        match assignment.task_type() {
            TaskType::Http | TaskType::HttpPoll => self.call(assignment),
            TaskType::UpdateSecret => self.storing.store(assignment),
            TaskType::GetSignedJwt => self.sign(assignment),
            other => {
                let reason = format!("this keytide does not do tasks of type {}", other.as_str());
                let key = (assignment.execution, assignment.run);
                self.tools.answer(key, Answer::Failed { reason, terminal: true }, Vec::new());
            }
        }
    }

    fn sign(&self, assignment: Assignment) {
        let tools = self.tools.clone();
        // It looks at the store and multiplies large numbers: neither must hold up the calls.
        self.runtime.spawn_blocking(move || {
            let (snapshot, now) = (tools.snapshot(), tools.clock.now());
            (tools.deliver)(sign(&assignment, &snapshot, &tools.authority.policy(), now));
        });
    }

    fn call(&self, assignment: Assignment) {
        let key = (assignment.execution, assignment.run);
        let (tools, calls) = (self.tools.clone(), self.calls.clone());
        // The entry is made under the lock before the call can end and remove it.
        let mut table = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let task = self.runtime.spawn(async move {
            let call = Call { tools, calls, key };
            let (answer, resolved) = http_call(&call.tools, &assignment).await;
            call.tools.answer(key, answer, resolved);
        });
        table.insert(key, task.abort_handle());
    }

    fn abandon(&self, execution: ExecutionId, run: RunNumber) {
        let call = self.calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&(execution, run));
        if let Some(call) = call {
            call.abort();
        }
    }
}

/// A call under way; when it is over, however it ends, it is no longer counted.
struct Call {
    tools: Arc<Tools>,
    calls: Calls,
    key: (ExecutionId, RunNumber),
}

impl Drop for Call {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // A mistake of ours: what the call did is unknown, and its run must not wait for ever.
            let reason = "keytide failed during the call; its log says where".to_owned();
            self.tools.answer(self.key, Answer::Unknown { reason }, Vec::new());
        }
        // Last: who waits for the calls in flight must find their answers delivered.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Tools {
    /// Returns the store as it is on disk now: another process may have written it.
    fn snapshot(&self) -> Arc<Snapshot> {
        if let Err(error) = self.store.refresh() {
            tracing::warn!(%error, "the store could not be read again; the last good copy serves");
        }
        self.store.snapshot()
    }

    /// Returns the input of a run with the values of its secrets.
    fn handed(&self, assignment: &Assignment) -> Result<Handed, NotAvailable> {
        let input = assignment.input.expose();
        secrets::hand_off(input, Acting::of(assignment), &self.snapshot(), &self.authority.policy())
    }

    fn answer(&self, key: (ExecutionId, RunNumber), answer: Answer, resolved: Vec<Sensitive>) {
        let (execution, run) = key;
        (self.deliver)(Outcome { execution, run, answer, resolved });
    }
}

async fn http_call(tools: &Arc<Tools>, assignment: &Assignment) -> (Answer, Vec<Sensitive>) {
    let (beside, wanted) = (tools.clone(), assignment.clone());
    // A look at the store may wait for its file, and must not hold up the other calls.
    let Ok(handed) = tokio::task::spawn_blocking(move || beside.handed(&wanted)).await else {
        return (Answer::NotSent { reason: "the store could not be looked at".to_owned() }, Vec::new());
    };
    match handed {
        Ok(handed) => {
            let traceparent = || traceparent(assignment.trace, assignment.execution, assignment.run);
            (http::call(&tools.http, &handed.input, traceparent).await, handed.resolved)
        }
        Err(missing) => (missing.into(), Vec::new()),
    }
}
