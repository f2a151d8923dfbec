//! Starts, and who belongs together in memory: families, and executions that share an idempotency key.

use std::sync::Arc;

use crate::daemon::auditing;
use crate::daemon::batch::{Answer, Batch};
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::library::{Asking, Library, visible};
use crate::daemon::loading::unavailable;
use crate::daemon::message::{Message, Refused};
use crate::engine::{self, Execution, Others, Plan, PlannedTask, Start, Strategy};
use crate::journal::{Entry, Log, Verdict};
use crate::words::{ExecutionId, Timestamp};

impl Dispatcher {
    /// Returns it with definitions that executions may start.
    pub fn with_library(mut self, library: Box<dyn Library>) -> Self {
        self.library = library;
        self
    }

    /// Starts a workflow, as part of a batch.
    pub fn start(
        &mut self,
        plan: &Arc<Plan>,
        start: Start,
        now: Timestamp,
        log: &dyn Log,
        batch: &mut Batch,
    ) -> Result<ExecutionId, Refused> {
        if self.is_draining() {
            return Err(Refused::Stopping);
        }
        self.begin(plan, start, now, log, batch)
    }

    /// Starts a workflow, also while the process is about to stop: what an execution starts it starts in its own
    /// transaction.
    pub(super) fn begin(
        &mut self,
        plan: &Arc<Plan>,
        start: Start,
        now: Timestamp,
        log: &dyn Log,
        batch: &mut Batch,
    ) -> Result<ExecutionId, Refused> {
        let id = start.execution;
        if let Some(existing) = self.used(plan, &start, log)? {
            return Ok(existing);
        }
        if self.live.contains_key(&id) || log.has_execution(id).map_err(unavailable)? {
            return Err(Refused::AlreadyStarted(id));
        }
        let draining = self.is_draining();
        let place = self.place(id, start.origin.parent.as_ref().map(|parent| parent.root));
        let taken = |planned: &PlannedTask| self.turns.taken(planned, &place, now);
        let has_room = |name: &str, key: &str, limit: usize| self.concurrency.has_room(name, key, limit);
        let admits = self.quotas.gate(self.calls.of(id), self.missing.is_empty(), now);
        let others = Others { taken: &taken, has_room: &has_room, admits: &admits };
        let asking = Asking { owner: &plan.pinned.owner, workflow: Some(&plan.pinned.workflow.name) };
        let environment = visible(&self.rules.environment, &*self.library, asking);
        let turn = self.rules.at(now, &environment, draining, self.calls.of(id), others);
        let (execution, events) = engine::start(plan.clone(), start, &turn);
        drop(admits);
        self.needs.extend(engine::needs(&execution, &events));
        batch.started(plan.clone(), id);
        batch.record(id, events);
        batch.audit.push(auditing::started(&execution, self.asked_from.as_deref(), now));
        self.admit(execution);
        Ok(id)
    }

    /// Deals with a message that the audit tells of: what was not done is told as such.
    pub(super) fn audited(
        &mut self,
        from: Option<String>,
        entries: Vec<Entry>,
        message: Message,
        now: Timestamp,
        log: &dyn Log,
        batch: &mut Batch,
    ) {
        let answered = batch.answers.len();
        let reported = if let Message::Step { input, .. } = &message { input.reported() } else { None };
        self.asked_from = from;
        self.message(message, now, log, batch);
        self.asked_from = None;
        let refused = batch.answers[answered..].iter().any(Answer::is_refused);
        for mut entry in entries {
            if let Some(execution) = entry.run.as_ref().and_then(|run| self.read(run.id)) {
                auditing::fill(&mut entry, &execution, reported);
            }
            if refused && entry.outcome == Verdict::Allowed {
                entry.outcome = Verdict::Failed;
            }
            batch.audit.push(entry);
        }
    }

    /// Notes an execution that comes into memory.
    pub(super) fn enter(&mut self, execution: &Execution) {
        if let Some(place) = &execution.parent {
            *self.families.entry(place.root).or_default() += 1;
        }
        if let Some(key) = &execution.idempotency_key {
            self.by_key.entry((execution.name().to_owned(), key.clone())).or_default().insert(execution.id);
        }
    }

    /// Forgets an execution that leaves memory.
    pub(super) fn leave_memory(&mut self, execution: &Execution) {
        if let Some(place) = &execution.parent
            && let Some(count) = self.families.get_mut(&place.root)
        {
            *count -= 1;
            if *count == 0 {
                self.families.remove(&place.root);
            }
        }
        if let Some(key) = &execution.idempotency_key {
            let key = (execution.name().to_owned(), key.clone());
            if let Some(ids) = self.by_key.get_mut(&key) {
                ids.remove(&execution.id);
                if ids.is_empty() {
                    self.by_key.remove(&key);
                }
            }
        }
    }

    /// Returns the execution that a start is given because its key has been used; fails where it is to fail for that.
    pub(super) fn used(&self, plan: &Arc<Plan>, start: &Start, log: &dyn Log) -> Result<Option<ExecutionId>, Refused> {
        let Some(idempotency) = &start.origin.idempotency else { return Ok(None) };
        let name = &plan.pinned.workflow.name;
        let Some((existing, runs)) = self.started_with(name, &idempotency.key, log)? else { return Ok(None) };
        // A crash may have come between a start and what follows from it: the same start is not another one.
        if existing == start.execution {
            return Ok(Some(existing));
        }
        match idempotency.strategy {
            // A child has one parent: it cannot be an execution that is there already.
            Strategy::ReturnExisting if start.origin.parent.is_none() => Ok(Some(existing)),
            Strategy::FailOnRunning if !runs => Ok(None),
            Strategy::ReturnExisting | Strategy::FailOnRunning | Strategy::Fail => Err(Refused::KeyUsed(existing)),
        }
    }

    /// Returns the latest execution of a workflow with a key, and whether it goes on.
    fn started_with(&self, name: &str, key: &str, log: &dyn Log) -> Result<Option<(ExecutionId, bool)>, Refused> {
        let ids = self.by_key.get(&(name.to_owned(), key.to_owned())).into_iter().flatten();
        let live = ids.filter_map(|id| self.live.get(id)).map(|live| &live.execution);
        if let Some(latest) = live.max_by_key(|execution| (execution.is_live(), execution.created)) {
            return Ok(Some((latest.id, latest.is_live())));
        }
        let kept = log.started_with(name, key).map_err(unavailable)?;
        Ok(kept.map(|(id, status)| (id, !status.is_terminal())))
    }
}
