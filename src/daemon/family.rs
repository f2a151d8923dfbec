//! Executions that need each other: parents and children, in one transaction.
//!
//! A step that makes another execution do something leaves a [`Need`]. All needs of a turn are served in it, so what one
//! execution did and what another did because of it are on disk together or not at all. A need that the journal cannot
//! serve now waits in memory; after a crash the states themselves say what is owed.

#[cfg(test)]
mod again_tests;
#[cfg(test)]
mod audit_tests;
#[cfg(test)]
mod errand_tests;
#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod room_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod turn_tests;

use std::sync::Arc;

use crate::daemon::batch::Batch;
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::library::{Asking, Thing};
use crate::daemon::loading::load;
use crate::daemon::message::Refused;
use crate::engine::{
    self, ChildEnd, Execution, Input, Kin, Need, Operation, Order, Plan, Refusal, child_end, child_order, failure_order,
};
use crate::executor::NotAvailable;
use crate::journal::Log;
use crate::words::{ExecutionId, Payload, Permission, RunNumber, Timestamp, WorkflowStatus};
use crate::workflow::expressions::{self, SecretReference};

/// How many live executions one may have below it: twice the widest FORK_JOIN. A workflow that starts itself twice over
/// would fill the memory before it is too deep.
const FAMILY_MAX: usize = 20_000;
/// How many executions a chain of quick starts may have in all, however wide it grows.
const CHAIN_STARTS_MAX: usize = 10_000;
/// How many chains are remembered before those that have gone quiet are forgotten.
const CHAINS_KEPT: usize = 1_000;
/// When a chain has gone quiet.
const CHAIN_QUIET: std::time::Duration = std::time::Duration::from_mins(1);

/// Where a need is served: the moment, the journal and the transaction.
pub(super) struct Scene<'a> {
    pub(super) now: Timestamp,
    pub(super) log: &'a dyn Log,
    pub(super) batch: &'a mut Batch,
}

impl Dispatcher {
    /// Serves what executions need of each other, until nothing is left.
    pub(super) fn serve_needs(&mut self, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        let mut scene = Scene { now, log, batch };
        while let Some(need) = self.needs.pop_front() {
            if let Err(Refused::Unavailable(reason)) = self.serve(&need, &mut scene) {
                tracing::warn!(?need, reason, "what executions need of each other waits for the journal");
                self.unserved.push(need);
            }
        }
    }

    fn serve(&mut self, need: &Need, scene: &mut Scene<'_>) -> Result<(), Refused> {
        match need {
            Need::Child { parent, run } => self.child(*parent, *run, scene),
            Need::Leave { parent, run } => self.leave(*parent, *run, scene),
            Need::Answer { child } => self.answer_parent(*child, scene),
            Need::Reopen { child } => self.reopen_parent(*child, scene),
            Need::Resume { parent, run } => self.resume(*parent, *run, scene),
            Need::Belong { child } => self.belong(*child, scene),
            Need::Serve { execution, run } => self.run_errand(*execution, *run, scene),
            Need::Failure { execution } => self.start_for_failure(*execution, scene),
        }
    }

    pub(super) fn tell(&mut self, id: ExecutionId, kin: Kin, scene: &mut Scene<'_>) -> Result<bool, Refused> {
        self.step(id, Input::Kin(kin), scene.now, scene.log, scene.batch)
    }

    /// Makes sure that a run's child is there; if it has ended, the run hears of it.
    fn child(&mut self, parent: ExecutionId, run: RunNumber, scene: &mut Scene<'_>) -> Result<(), Refused> {
        let Some(execution) = self.read(parent).filter(|execution| execution.is_live()) else { return Ok(()) };
        let Some(found) = execution.run(run).filter(|run| !run.status.is_terminal() && !run.gone) else {
            return Ok(());
        };
        if let Some(child) = found.child {
            let Some(end) = self.end_of(child, scene)? else { return Ok(()) };
            return self.tell(parent, Kin::ChildEnded { run, end }, scene).map(drop);
        }
        if execution.status != WorkflowStatus::Running || found.begins_later() {
            return Ok(());
        }
        if !self.has_place(&execution, found, scene.now) {
            return self.tell(parent, Kin::Held { run }, scene).map(drop);
        }
        match self.start_child(&execution, run, scene) {
            Ok(()) => Ok(()),
            Err(Failed::Now(refused)) => Err(refused),
            Err(Failed::Refused(refusal)) => {
                let kin = Kin::Served { run, result: Err(refusal), masks: Vec::new() };
                self.tell(parent, kin, scene).map(drop)
            }
        }
    }

    /// Returns how a child ended; `None` where it goes on, or where nobody knows yet.
    fn end_of(&mut self, child: ExecutionId, scene: &Scene<'_>) -> Result<Option<ChildEnd>, Refused> {
        if let Some(execution) = self.read(child) {
            return Ok((!execution.is_live()).then(|| child_end(&execution)));
        }
        if self.missing.contains_key(&child) {
            return Ok(None);
        }
        let lost = |reason: String| ChildEnd {
            child,
            status: WorkflowStatus::Failed,
            output: Payload::empty(),
            reason: Some(format!("Sub workflow {child} failure reason: {reason}")),
            // Nobody can say what it did.
            in_doubt: true,
            masks: Vec::new(),
        };
        match load(child, scene.log, &self.plans) {
            Ok(Some(execution)) => Ok((!execution.is_live()).then(|| child_end(&execution))),
            Ok(None) => Ok(Some(lost("it is not there any more".to_owned()))),
            Err(refused @ Refused::Unavailable(_)) => Err(refused),
            Err(refused) => Ok(Some(lost(refused.to_string()))),
        }
    }

    fn start_child(&mut self, parent: &Arc<Execution>, run: RunNumber, scene: &mut Scene<'_>) -> Result<(), Failed> {
        let found = parent.run(run).expect("it was found above");
        let order = child_order(parent, found)?;
        let root = order.start.origin.parent.as_ref().map(|place| place.root);
        if root.and_then(|root| self.families.get(&root)).is_some_and(|count| *count >= FAMILY_MAX) {
            return Err(Failed::Refused(Refusal::lasting(format!(
                "the workflow at the top has {FAMILY_MAX} live sub-workflows, which is the limit"
            ))));
        }
        let (child, plan) = self.start_ordered(Asking::of(parent), Some((parent, Some(run))), order, scene)?;
        let version = plan.pinned.workflow.version;
        self.tell(parent.id, Kin::ChildStarted { run, child, version }, scene).map_err(Failed::Now)?;
        // What the child takes for a secret was somebody's output here.
        let masks = self.read(child).map(|child| child.masks.to_vec()).unwrap_or_default();
        if !masks.is_empty() {
            let hidden = Input::Disclosed { values: masks };
            self.step(parent.id, hidden, scene.now, scene.log, scene.batch).map_err(Failed::Now)?;
        }
        Ok(())
    }

    /// Starts what an execution, or an event, wants started.
    pub(super) fn start_ordered(
        &mut self,
        asking: Asking<'_>,
        from: Option<(&Execution, Option<RunNumber>)>,
        order: Order,
        scene: &mut Scene<'_>,
    ) -> Result<(ExecutionId, Arc<Plan>), Failed> {
        let Order { wanted, start } = order;
        let plan = self.library.plan(asking, &wanted).map_err(Refusal::passing)?;
        let input = serde_json::Value::Object(start.input.clone());
        let run = from.and_then(|(from, run)| from.run(run?).map(|run| from.planned(run)));
        let lent = run.and_then(|planned| planned.lent.as_deref());
        // What an execution hands over it must be allowed to read itself: to start a workflow is not to read its secrets.
        for SecretReference { name, .. } in expressions::references(&input) {
            let may_read = |asking| self.library.allows(asking, Permission::Read, Thing::Secret, &name);
            let reason = match lent.filter(|lent| lent.takes(&name)) {
                _ if !may_read(asking) => {
                    let who =
                        from.map_or_else(|| asking.owner.to_string(), |(from, _)| format!("workflow:{}", from.name()));
                    format!("secret \"{name}\" is not available to {who} (missing or not granted)")
                }
                Some(lent) if !may_read(Asking { owner: &lent.maker, workflow: None }) => {
                    NotAvailable::lent(&name, lent).to_string()
                }
                Some(_) | None => continue,
            };
            return Err(Failed::Refused(Refusal::passing(reason)));
        }
        self.count_chain(&start, scene.now)?;
        match self.begin(&plan, start, scene.now, scene.log, scene.batch) {
            Ok(id) | Err(Refused::AlreadyStarted(id)) => Ok((id, plan)),
            Err(refused @ Refused::Unavailable(_)) => Err(Failed::Now(refused)),
            Err(refused) => Err(Failed::Refused(Refusal::passing(refused.to_string()))),
        }
    }

    fn count_chain(&mut self, start: &engine::Start, now: Timestamp) -> Result<(), Refusal> {
        let Some(chain) = start.origin.chain else { return Ok(()) };
        if self.chains.len() >= CHAINS_KEPT {
            self.chains.retain(|_, (last, _)| now.since(*last) < CHAIN_QUIET);
        }
        let (last, count) = self.chains.entry(chain.root).or_insert((now, 0));
        (*last, *count) = (now, *count + 1);
        if *count > CHAIN_STARTS_MAX {
            return Err(Refusal::lasting(format!(
                "{CHAIN_STARTS_MAX} workflows have started each other without a pause, which is the limit"
            )));
        }
        Ok(())
    }

    /// Ends a child that nobody waits for.
    fn leave(&mut self, parent: ExecutionId, run: RunNumber, scene: &mut Scene<'_>) -> Result<(), Refused> {
        let Some(parent) = self.read(parent) else { return Ok(()) };
        let Some(child) = parent.run(run).and_then(|run| run.child) else { return Ok(()) };
        self.abandon_child(&parent, child, scene)
    }

    fn abandon_child(&mut self, parent: &Execution, child: ExecutionId, scene: &mut Scene<'_>) -> Result<(), Refused> {
        let waits = |child: &Execution| child.is_live() && !child.detached;
        if !self.read(child).is_some_and(|child| waits(&child)) {
            return Ok(());
        }
        let reason = match parent.reason.as_deref().filter(|reason| !reason.is_empty()) {
            Some(reason) => format!("Parent workflow has been terminated with reason: {reason}"),
            None => format!("Parent workflow has been terminated with status {}", parent.status),
        };
        let hidden = Input::Disclosed { values: parent.masks.to_vec() };
        self.step(child, hidden, scene.now, scene.log, scene.batch)?;
        let end = Input::Operation(Operation::Terminate { reason: Some(reason) });
        self.step(child, end, scene.now, scene.log, scene.batch).map(drop)
    }

    fn answer_parent(&mut self, child: ExecutionId, scene: &mut Scene<'_>) -> Result<(), Refused> {
        let Some(execution) = self.read(child).filter(|child| !child.is_live() && !child.detached) else {
            return Ok(());
        };
        let Some(place) = execution.parent.clone() else { return Ok(()) };
        // A parent that is not here asks by itself once it is.
        if self.read(place.execution).is_none() {
            return Ok(());
        }
        let kin = Kin::ChildEnded { run: place.run, end: child_end(&execution) };
        self.tell(place.execution, kin, scene).map(drop)
    }

    /// Lets the parent wait again; where it does not, the child goes its own way.
    fn reopen_parent(&mut self, child: ExecutionId, scene: &mut Scene<'_>) -> Result<(), Refused> {
        let Some(execution) = self.read(child).filter(|child| child.is_live() && !child.detached) else {
            return Ok(());
        };
        let Some(place) = execution.parent.clone() else { return Ok(()) };
        let kin = Kin::ChildReopened { run: place.run, child };
        let waits = match self.tell(place.execution, kin, scene) {
            Ok(true) => true,
            Ok(false) => self.read(place.execution).is_some_and(|parent| awaits(&parent, place.run, child)),
            Err(refused @ Refused::Unavailable(_)) => return Err(refused),
            // It is archived, gone or quarantined.
            Err(_) => false,
        };
        if waits { Ok(()) } else { self.tell(child, Kin::Detached, scene).map(drop) }
    }

    /// Has the child that a run waits for again go on; where there is nothing to go on with, the run hears of its end.
    fn resume(&mut self, parent: ExecutionId, run: RunNumber, scene: &mut Scene<'_>) -> Result<(), Refused> {
        let Some(execution) = self.read(parent) else { return Ok(()) };
        let Some(child) = execution.run(run).and_then(|run| run.child) else { return Ok(()) };
        if !awaits(&execution, run, child) || self.read(child).is_some_and(|child| child.is_live()) {
            return Ok(());
        }
        let retry = Input::Operation(Operation::Retry);
        match self.step(child, retry, scene.now, scene.log, scene.batch) {
            Ok(_) => Ok(()),
            Err(refused @ Refused::Unavailable(_)) => Err(refused),
            Err(_) => self.child(parent, run, scene),
        }
    }

    /// Sees whether a replayed child is still waited for.
    fn belong(&mut self, child: ExecutionId, scene: &mut Scene<'_>) -> Result<(), Refused> {
        let Some(execution) = self.read(child).filter(|child| child.is_live() && !child.detached) else {
            return Ok(());
        };
        let Some(place) = execution.parent.clone() else { return Ok(()) };
        let parent = match self.read(place.execution) {
            Some(parent) => parent,
            None if self.missing.contains_key(&place.execution) => {
                return Err(Refused::Unavailable("its parent could not be read".to_owned()));
            }
            None => match load(place.execution, scene.log, &self.plans) {
                Ok(Some(parent)) => Arc::new(parent),
                Err(refused @ Refused::Unavailable(_)) => return Err(refused),
                // It is gone or cannot be run: nobody ends the child.
                Ok(None) | Err(_) => return Ok(()),
            },
        };
        if awaits(&parent, place.run, child) { Ok(()) } else { self.abandon_child(&parent, child, scene) }
    }

    fn start_for_failure(&mut self, id: ExecutionId, scene: &mut Scene<'_>) -> Result<(), Refused> {
        let Some(execution) = self.read(id).filter(|execution| !execution.is_live()) else { return Ok(()) };
        let name = execution.plan.pinned.workflow.failure_workflow.clone().unwrap_or_default();
        let view = self.library.view(&execution, true);
        let started = failure_order(&execution, view, scene.now)
            .map_err(Failed::Refused)
            .and_then(|order| self.start_ordered(Asking::of(&execution), Some((&execution, None)), order, scene));
        let said = match started {
            Ok((started, _)) => started.to_string(),
            Err(Failed::Now(refused)) => return Err(refused),
            Err(Failed::Refused(refusal)) => {
                tracing::error!(execution = %id, reason = refusal.reason, "the workflow for a failure could not start");
                format!("Error workflow {name} failed to start.  reason: {}", refusal.reason)
            }
        };
        self.tell(id, Kin::FailureWorkflow { said }, scene).map(drop)
    }
}

/// Returns whether a run waits for this child.
fn awaits(parent: &Execution, run: RunNumber, child: ExecutionId) -> bool {
    let waits = |run: &engine::Run| !run.status.is_terminal() && !run.gone && run.child == Some(child);
    parent.is_live() && parent.run(run).is_some_and(waits)
}

/// Why something was not started.
pub(super) enum Failed {
    /// The journal cannot say now; it is tried again.
    Now(Refused),
    /// It is not to be.
    Refused(Refusal),
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
