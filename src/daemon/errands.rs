//! What tasks do to other executions: start them, read them, report to them, tell them an event.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::daemon::auditing;
use crate::daemon::conditions::{Known, event_of};
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::family::{Failed, Scene};
use crate::daemon::library::{Asking, Thing};
use crate::daemon::loading::{load, unavailable};
use crate::daemon::message::Refused;
use crate::daemon::telling::Untold;
use crate::engine::{Errand, Execution, Input, Kin, Refusal, Target, WorkerUpdate, errand};
use crate::journal::{Action, Entry};
use crate::words::{ExecutionId, Map, Owner, Payload, Permission, RunNumber, Sensitive, TaskId, TaskStatus};
use crate::workflow::expressions::{inert, shown};

impl Dispatcher {
    /// Does what a task wants of other executions, and tells it.
    pub(super) fn run_errand(&mut self, id: ExecutionId, run: RunNumber, scene: &mut Scene<'_>) -> Result<(), Refused> {
        let execution = self.read(id).filter(|execution| execution.is_live());
        let waits = |execution: &Execution| {
            execution
                .run(run)
                .is_some_and(|run| run.status == TaskStatus::Scheduled && !run.begins_later() && !run.gone)
        };
        let Some(execution) = execution.filter(|execution| waits(execution)) else {
            self.conditions.forget_run(id, run);
            return Ok(());
        };
        let Some(found) = execution.run(run) else { return Ok(()) };
        if !self.has_place(&execution, found, scene.now) {
            return self.tell(id, Kin::Held { run }, scene).map(drop);
        }
        let done = match self.library.security_error(&execution.plan.pinned.owner) {
            Some(reason) => Err(Failed::Refused(Refusal::lasting(reason))),
            None => errand(&execution, found, scene.now).map_err(Failed::Refused),
        };
        let done = done.and_then(|errand| self.do_errand(&execution, run, errand, scene));
        let (result, masks, untold) = match done {
            Ok(Some(Done { output, masks, untold })) => (Ok(output), masks, untold),
            // Somebody must answer first; then it is served again.
            Ok(None) => return Ok(()),
            Err(Failed::Now(refused)) => return Err(refused),
            Err(Failed::Refused(refusal)) => (Err(refusal), Vec::new(), None),
        };
        self.tell(id, Kin::Served { run, result, masks }, scene)?;
        // As on Conductor, who hears it finds the flow gone on: with a task that waits for just that, above all.
        if let Some(untold) = untold {
            self.hear(untold, scene);
        }
        Ok(())
    }

    fn do_errand(
        &mut self,
        execution: &Arc<Execution>,
        run: RunNumber,
        errand: Errand,
        scene: &mut Scene<'_>,
    ) -> Result<Option<Done>, Failed> {
        match errand {
            Errand::Start(order) => {
                let (started, _) =
                    self.start_ordered(Asking::of(execution), Some((execution, Some(run))), *order, scene)?;
                Ok(Some(Done::of(Map::from_iter([("workflowId".to_owned(), json!(started.to_string()))]))))
            }
            Errand::Read { execution: target, with_tasks } => self.look(execution, target, with_tasks, scene).map(Some),
            Errand::Report { target, update, merges } => {
                self.report(Asking::of(execution), target, update, merges, scene)?;
                Ok(Some(Done::of(Map::new())))
            }
            Errand::Publish { event, payload } => {
                let mut handlers = self.library.handlers(&event);
                // An event holds data of who tells it, so to hear it is to read that workflow.
                handlers.retain(|handler| self.may_hear(&handler.owner, execution));
                match self.conditions.acting(execution, run, handlers, &event_of(&payload, true)) {
                    Known::Asked(questions) => {
                        scene.batch.questions.extend(questions);
                        Ok(None)
                    }
                    Known::All(handlers) => {
                        let untold = Untold::of(Arc::clone(execution), run, event, payload.clone(), &handlers);
                        Ok(Some(Done { untold: Some(untold), ..Done::of(payload) }))
                    }
                }
            }
        }
    }

    fn may_hear(&self, listener: &Owner, telling: &Execution) -> bool {
        let asking = Asking { owner: listener, workflow: None };
        *listener == telling.plan.pinned.owner
            || self.library.allows(asking, Permission::Read, Thing::Workflow, telling.name())
    }

    /// Reads another execution as people see it.
    fn look(
        &self,
        asking: &Execution,
        target: ExecutionId,
        with_tasks: bool,
        scene: &Scene<'_>,
    ) -> Result<Done, Failed> {
        let missing = || Failed::Refused(Refusal::passing(format!("No such workflow found by id: {target}")));
        let found = self.peek(target, scene)?.ok_or_else(missing)?;
        if !self.library.allows(Asking::of(asking), Permission::Read, Thing::Workflow, found.name()) {
            return Err(missing());
        }
        match inert(self.library.view(&found, with_tasks)) {
            Value::Object(output) => Ok(Done { masks: found.masks.to_vec(), ..Done::of(output) }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(missing()),
        }
    }

    /// Returns an execution, in memory or from the journal; nothing where it is not whole.
    pub(super) fn peek(&self, id: ExecutionId, scene: &Scene<'_>) -> Result<Option<Arc<Execution>>, Failed> {
        if let Some(execution) = self.read(id) {
            return Ok(Some(execution));
        }
        match load(id, scene.log, &self.plans) {
            Ok(found) => Ok(found.map(Arc::new)),
            Err(refused @ Refused::Unavailable(_)) => Err(Failed::Now(refused)),
            Err(_) => Ok(None),
        }
    }

    /// Reports on a task in somebody's name.
    pub(super) fn report(
        &mut self,
        asking: Asking<'_>,
        target: Target,
        mut update: WorkerUpdate,
        merges: bool,
        scene: &mut Scene<'_>,
    ) -> Result<(), Failed> {
        let missing = || Failed::Refused(Refusal::passing("No such task found".to_owned()));
        let (found, run) = match target {
            Target::Task(task) => self.holder_of(task, scene)?.ok_or_else(missing)?,
            Target::Reference { execution, reference } => {
                let found = self.peek(execution, scene)?.ok_or_else(missing)?;
                let run = found.task_by_reference(&reference).map(|run| run.number).ok_or_else(missing)?;
                (found, run)
            }
        };
        if !self.library.allows(asking, Permission::Execute, Thing::Workflow, found.name()) {
            return Err(missing());
        }
        if merges && let Some(before) = found.run(run).map(|run| shown(run.output.expose()).into_owned()) {
            update.output = Payload::new(merged(before, update.output.into_value()));
        }
        let told = auditing::reported(asking, found.id, Action::Report, update.status.as_str(), scene.now);
        let input = Input::Updated { run, update };
        self.report_on(told, input, scene)
    }

    /// Does something to another execution, and tells the audit in the same commit.
    pub(super) fn report_on(&mut self, mut entry: Entry, input: Input, scene: &mut Scene<'_>) -> Result<(), Failed> {
        let Some(id) = entry.run.as_ref().map(|run| run.id) else { return Ok(()) };
        let run = input.reported();
        self.reported(id, input, scene)?;
        if let Some(execution) = self.read(id) {
            auditing::fill(&mut entry, &execution, run);
        }
        scene.batch.audit.push(entry);
        Ok(())
    }

    fn reported(&mut self, id: ExecutionId, input: Input, scene: &mut Scene<'_>) -> Result<(), Failed> {
        match self.step(id, input, scene.now, scene.log, scene.batch) {
            Ok(_) => Ok(()),
            Err(refused @ Refused::Unavailable(_)) => Err(Failed::Now(refused)),
            Err(refused) => Err(Failed::Refused(Refusal::passing(refused.to_string()))),
        }
    }

    /// Returns the execution and the run that a task id names.
    pub(super) fn holder_of(
        &self,
        task: TaskId,
        scene: &Scene<'_>,
    ) -> Result<Option<(Arc<Execution>, RunNumber)>, Failed> {
        let named = |id: &ExecutionId| task.run_of(*id).is_some();
        let mut ids: Vec<_> = self.live.keys().copied().filter(|id| named(id)).collect();
        let kept = scene.log.with_prefix(&task.prefix()).map_err(|error| Failed::Now(unavailable(error)))?;
        ids.extend(kept.into_iter().filter(|id| named(id)));
        for id in ids {
            let Some(run) = task.run_of(id) else { continue };
            if let Some(found) = self.peek(id, scene)?.filter(|found| found.run(run).is_some_and(|run| !run.gone)) {
                return Ok(Some((found, run)));
            }
        }
        Ok(None)
    }
}

/// What a task gives once its errand is done, the values in it that views hide, and the event that it tells then.
struct Done {
    output: Map,
    masks: Vec<Sensitive>,
    untold: Option<Untold>,
}

impl Done {
    const fn of(output: Map) -> Self {
        Self { output, masks: Vec::new(), untold: None }
    }
}

fn merged(before: Value, after: Value) -> Value {
    match (before, after) {
        (Value::Object(mut all), Value::Object(new)) => {
            all.extend(new);
            Value::Object(all)
        }
        (_, after) => after,
    }
}
