//! What is done to an execution that is there, and who may.

use crate::access::TargetKind;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::executions::{Known, no_such_execution};
use crate::daemon::message::Message;
use crate::engine::{Input, Operation};
use crate::journal::{Action, Object, ObjectKind, RunOf};
use crate::words::{ExecutionId, Owner, Permission};

impl Handle {
    /// Changes an execution and returns once the change is on disk.
    pub async fn operate(&self, who: &Owner, execution: ExecutionId, operation: Operation) -> Result<(), Error> {
        self.permit_on(who, execution).await?;
        if brings_data(&operation) {
            self.permit_data(who, execution).await?;
        }
        let object = Object::new(ObjectKind::Workflow, "");
        let entry = self.entry(who, action_of(&operation), object).about(RunOf::id(execution));
        let input = Box::new(Input::Operation(operation));
        Ok(self.ask_told(vec![entry], |reply| Message::Step { execution, input, reply }).await??)
    }

    /// Starts an ended execution from the beginning; where `latest` is true, as the catalog defines its workflow now.
    pub async fn restart(&self, who: &Owner, execution: ExecutionId, latest: bool) -> Result<(), Error> {
        if !latest {
            return self.operate(who, execution, Operation::Restart).await;
        }
        let known = self.known_to(who, execution, false).await?;
        let name = known.workflow_name();
        self.permit(who, Permission::Execute, TargetKind::Workflow, name)?;
        let catalog = self.catalog();
        let definition = catalog.workflow(name, None);
        let definition =
            definition.ok_or_else(|| Error::NotFound(format!("Unable to find latest definition for {name}")))?;
        let plan = self.0.definitions.plan(definition).map_err(Error::invalid)?;
        self.operate(who, execution, Operation::RestartAs(Box::new((*plan.pinned).clone()))).await
    }

    /// Operating on an execution needs EXECUTE on its workflow.
    pub(super) async fn permit_on(&self, who: &Owner, execution: ExecutionId) -> Result<(), Error> {
        if *who == Owner::Local {
            return Ok(());
        }
        let known = self.known_to(who, execution, false).await?;
        let missing = || no_such_execution(execution);
        self.permit_known(who, Permission::Execute, TargetKind::Workflow, known.workflow_name(), missing)
    }

    /// Fails where a definition is somebody else's and its tasks are to take what it does not say: they act with the rights of its
    /// owner, whatever they are given. A secret would be another's to choose, and a workflow to start.
    async fn permit_data(&self, who: &Owner, execution: ExecutionId) -> Result<(), Error> {
        if *who == Owner::Local {
            return Ok(());
        }
        let known = self.known_to(who, execution, false).await?;
        let name = known.workflow_name();
        if matches!(&known, Known::Whole(execution) if execution.plan.pinned.owner == *who) {
            return Ok(());
        }
        self.denied(who, Permission::Update, TargetKind::Workflow, name);
        let advice = "its tasks take what it says; `workflowInput` of a rerun may be given";
        Err(Error::Denied(format!(
            "{who} did not make {name}, and may give none of its tasks data of its own: {advice}"
        )))
    }
}

/// Returns whether a task is to take, or to have given, something else than its definition says.
fn brings_data(operation: &Operation) -> bool {
    match operation {
        Operation::Rerun(rerun) => rerun.task_input.as_ref().is_some_and(|input| !input.is_empty()),
        Operation::Skip(skip) => !skip.input.is_empty() || !skip.output.is_empty(),
        Operation::Pause
        | Operation::Resume
        | Operation::Terminate { .. }
        | Operation::TerminateFailing { .. }
        | Operation::Retry
        | Operation::RetryLowest
        | Operation::Restart
        | Operation::RestartAs(_)
        | Operation::Dismiss
        | Operation::ResetCallbacks
        | Operation::SetVariables { .. } => false,
    }
}

fn action_of(operation: &Operation) -> Action {
    match operation {
        Operation::Pause => Action::Pause,
        Operation::Resume => Action::Resume,
        Operation::Terminate { .. } | Operation::TerminateFailing { .. } => Action::Terminate,
        Operation::Retry | Operation::RetryLowest => Action::Retry,
        Operation::Rerun(_) => Action::Rerun,
        Operation::Skip(_) => Action::Skip,
        Operation::Restart | Operation::RestartAs(_) => Action::Restart,
        Operation::Dismiss => Action::Dismiss,
        Operation::ResetCallbacks | Operation::SetVariables { .. } => Action::Execute,
    }
}
