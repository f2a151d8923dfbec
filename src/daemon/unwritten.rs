//! Answers of calls that are not on disk: while the journal cannot be written they are in memory only.

use std::fmt;

use crate::daemon::dispatcher::Dispatcher;
use crate::engine::{Answer, Outcome, Plan};
use crate::words::ExecutionId;
use crate::workflow::flow;

/// An execution with an answer that is not on disk: where the process ends now, its call is in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// Which.
    pub execution: ExecutionId,
    /// Its workflow.
    pub workflow: String,
    /// The secrets that it is there to write.
    pub secrets: Vec<String>,
}

impl Dispatcher {
    /// Returns the executions whose calls were answered and whose answers are not on disk.
    pub fn unwritten(&self) -> Vec<Unwritten> {
        let answered = self.kept.iter().filter(|outcome| is_of_a_call(outcome));
        let mut executions: Vec<_> = answered.map(|outcome| outcome.execution).collect();
        executions.sort_unstable();
        executions.dedup();
        executions.into_iter().map(|id| self.unwritten_of(id)).collect()
    }

    fn unwritten_of(&self, execution: ExecutionId) -> Unwritten {
        let missing = self.missing.get(&execution).and_then(|missing| missing.plan.clone());
        let plan = self.live.get(&execution).map(|live| live.execution.plan.clone()).or(missing);
        let of = |plan: &Plan| {
            let workflow = &plan.pinned.workflow;
            (workflow.name.clone(), flow::secrets_written(&workflow.tasks))
        };
        let (workflow, secrets) = plan.map_or_else(|| ("a workflow".to_owned(), Vec::new()), |plan| of(&plan));
        Unwritten { execution, workflow, secrets }
    }
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { execution, workflow, secrets } = self;
        write!(f, "run {execution} of {workflow} was answered")?;
        if !secrets.is_empty() {
            write!(f, " with what may be a new value for {}", secrets.join(", "))?;
        }
        f.write_str(", and the journal could not be written: the answer is lost")
    }
}

/// A check, a store or a script that is asked again says the same again; a call is not made twice.
const fn is_of_a_call(outcome: &Outcome) -> bool {
    match outcome.answer {
        Answer::Response(_) | Answer::Failed { .. } | Answer::NotSent { .. } | Answer::Unknown { .. } => true,
        Answer::Ready | Answer::Done { .. } | Answer::Evaluated { .. } | Answer::Trouble { .. } => false,
    }
}
