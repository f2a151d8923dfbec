use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use crate::access::TargetKind;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::ids;
use crate::daemon::message::{Message, Removal};
use crate::daemon::rendered::Answer;
use crate::daemon::views::{Views, summary_of_snapshot};
use crate::engine::{self, DefinitionHash, Execution, Idempotency, Input, Origin, Plan, Start};
use crate::journal::{Action, History, Object, ObjectKind, RunOf, Verdict};
use crate::words::{ExecutionId, Owner, Permission, RunNumber, WorkflowStatus};
use crate::workflow::definition::StartWorkflowRequest;

/// The highest priority that Conductor knows.
const PRIORITY_MAX: i32 = 99;

/// An execution as somebody reads it.
#[derive(Clone)]
pub enum Known {
    /// With everything that happened.
    Whole(Arc<Execution>),
    /// Archived: one masked snapshot.
    Archived(Value),
}

/// How an execution stands.
struct Standing {
    status: WorkflowStatus,
    is_live: bool,
}

impl Known {
    pub(super) fn workflow_name(&self) -> &str {
        match self {
            Self::Whole(execution) => execution.name(),
            Self::Archived(snapshot) => snapshot["workflowName"].as_str().unwrap_or_default(),
        }
    }

    /// Returns whether it has ended.
    fn is_over(&self) -> bool {
        match self {
            Self::Whole(execution) => execution.status.is_terminal(),
            Self::Archived(_) => true,
        }
    }

    /// Returns it as Conductor's WorkflowSummary, masked.
    pub(super) fn summary(self, views: &Views) -> Value {
        match self {
            Self::Whole(execution) => views.summary(&execution),
            Self::Archived(snapshot) => summary_of_snapshot(&snapshot),
        }
    }

    /// Returns it as Conductor's Workflow, masked, with its tasks.
    pub(super) fn workflow(&self, views: &Views) -> Value {
        match self {
            Self::Whole(execution) => views.workflow(execution, true),
            Self::Archived(snapshot) => snapshot.clone(),
        }
    }

    /// Returns its runs as Conductor's Tasks, masked.
    pub(super) fn tasks(&self, views: &Views) -> Vec<Value> {
        match self.workflow(views).get_mut("tasks").map(Value::take) {
            Some(Value::Array(tasks)) => tasks,
            _ => Vec::new(),
        }
    }

    /// Returns it as Conductor's Workflow, masked, without its tasks.
    pub(super) fn without_tasks(self, views: &Views) -> Value {
        match self {
            Self::Whole(execution) => views.workflow(&execution, false),
            Self::Archived(mut snapshot) => {
                if let Some(fields) = snapshot.as_object_mut() {
                    fields.insert("tasks".to_owned(), Value::Array(Vec::new()));
                }
                snapshot
            }
        }
    }
}

impl Handle {
    /// Starts a workflow and returns once the start is on disk.
    pub async fn start(&self, who: &Owner, request: StartWorkflowRequest) -> Result<ExecutionId, Error> {
        let plan = self.plan_for(who, &request)?;
        self.start_plan(who, plan, request).await
    }

    /// Starts a definition that is no part of the catalog.
    pub async fn start_plan(
        &self,
        who: &Owner,
        plan: Arc<Plan>,
        request: StartWorkflowRequest,
    ) -> Result<ExecutionId, Error> {
        let priority = request.priority.unwrap_or(0);
        if !(0..=PRIORITY_MAX).contains(&priority) {
            return Err(Error::invalid(format!("priority: {priority} is not between 0 and {PRIORITY_MAX}")));
        }
        if request.input.values().any(engine::is_too_deep) {
            return Err(Error::invalid("input: it nests too deep"));
        }
        let idempotency = Idempotency::of(request.idempotency_key, request.idempotency_strategy.as_deref());
        let idempotency = idempotency.map_err(Error::invalid)?;
        let start = Start {
            execution: ids::execution(self.now()),
            input: request.input,
            correlation_id: request.correlation_id,
            priority,
            started_by: who.to_string(),
            slot: None,
            task_to_domain: request.task_to_domain,
            timeout: None,
            origin: Origin { idempotency, begun: request.begun, ..Origin::default() },
        };
        let start = Box::new(start);
        // The dispatcher itself tells the audit of every start.
        Ok(self.ask_told(Vec::new(), |reply| Message::Start { plan, start, reply }).await??)
    }

    /// Forgets an execution that has ended.
    pub async fn remove(&self, who: &Owner, execution: ExecutionId) -> Result<(), Error> {
        self.permit_on(who, execution).await?;
        let object = Object::new(ObjectKind::Workflow, "");
        let entry = self.entry(who, Action::Remove, object).about(RunOf::id(execution));
        let removed = self.ask_told(vec![entry.clone()], |reply| Message::Remove(Removal { execution, reply })).await?;
        if removed.is_err() {
            self.record(vec![entry.with(Verdict::Failed)]).await?;
        }
        Ok(removed?)
    }

    /// Returns an execution as Conductor's Workflow, masked.
    pub async fn workflow(&self, who: &Owner, execution: ExecutionId, with_tasks: bool) -> Result<Value, Error> {
        let known = self.read_with(who, execution, with_tasks).await?;
        Ok(if with_tasks { known.workflow(&self.0.views) } else { known.without_tasks(&self.0.views) })
    }

    /// Returns an execution as the JSON of Conductor's Workflow, masked. What has ended reads the same until something is done
    /// about it, and is kept ready.
    pub async fn workflow_text(&self, who: &Owner, id: ExecutionId, with_tasks: bool) -> Result<Arc<[u8]>, Error> {
        let rendered = &self.0.onlookers.rendered;
        let reading = match rendered.get((id, with_tasks), &self.0.views.masker()) {
            Ok(answer) => {
                let missing = || no_such_execution(id);
                self.permit_known(who, Permission::Read, TargetKind::Workflow, &answer.workflow, missing)?;
                return Ok(answer.text);
            }
            Err(reading) => reading,
        };
        let known = self.read_with(who, id, with_tasks).await?;
        let (workflow, is_over) = (Arc::from(known.workflow_name()), known.is_over());
        let view = if with_tasks { known.workflow(&self.0.views) } else { known.without_tasks(&self.0.views) };
        let text = serde_json::to_vec(&view).map_err(|error| Error::Unavailable(error.to_string()))?;
        let answer = Answer { workflow, text: text.into() };
        if is_over {
            rendered.keep(&reading, &answer);
        }
        Ok(answer.text)
    }

    /// Returns a run as Conductor's Task, masked.
    pub async fn task(&self, who: &Owner, execution: ExecutionId, run: RunNumber) -> Result<Value, Error> {
        let missing = || Error::NotFound(format!("no such task found by run {run} of workflow {execution}"));
        match self.read(who, execution).await? {
            Known::Whole(execution) => self.0.views.task(&execution, run).ok_or_else(missing),
            Known::Archived(_) => Err(missing()),
        }
    }

    /// Waits until an execution has ended, calling `changed` after every change; `None` where the time is up before, or
    /// where nobody here goes on with it.
    pub async fn watch(
        &self,
        execution: ExecutionId,
        patience: Option<Duration>,
        mut changed: impl AsyncFnMut(),
    ) -> Result<Option<WorkflowStatus>, Error> {
        let until = patience.map(|patience| tokio::time::Instant::now() + patience);
        loop {
            let mut inbox = self.listen(execution)?;
            let Standing { mut status, is_live } = self.standing(execution).await?;
            loop {
                changed().await;
                if status.is_terminal() {
                    return Ok(Some(status));
                }
                if !is_live {
                    return Ok(None);
                }
                let notice = async {
                    match until {
                        Some(until) => tokio::time::timeout_at(until, inbox.recv()).await.ok(),
                        None => Some(inbox.recv().await),
                    }
                };
                match notice.await {
                    None => return Ok(None),
                    // It ended before somebody listened, or it was loaded again: it is looked for anew.
                    Some(None) => break,
                    Some(Some(notice)) => status = notice,
                }
                while let Ok(later) = inbox.try_recv() {
                    status = later;
                }
            }
        }
    }

    fn listen(&self, execution: ExecutionId) -> Result<mpsc::UnboundedReceiver<WorkflowStatus>, Error> {
        let (notices, inbox) = mpsc::unbounded_channel();
        self.request(Message::Watch { execution, notices })?;
        Ok(inbox)
    }

    /// Returns how an execution stands, without loading it.
    async fn standing(&self, execution: ExecutionId) -> Result<Standing, Error> {
        if let Some(live) = self.ask(|reply| Message::Read { execution, whole: false, reply }).await? {
            return Ok(Standing { status: live.status, is_live: true });
        }
        let status = self.0.reader.status(execution).map_err(unavailable)?;
        let status = status.ok_or_else(|| no_such_execution(execution))?;
        Ok(Standing { status, is_live: false })
    }

    /// Waits until this process runs nothing any more; `tell` gets how many executions it waits for.
    pub async fn until_idle(&self, tell: impl Fn(usize)) {
        while let Ok(live) = self.ask_on(|reply| Message::Live { reply }).await {
            let Some(first) = live.first() else { return };
            tell(live.len());
            match self.watch(*first, None, async || ()).await {
                // Others ask so much that there is no room: the next look is not refused.
                Ok(_) | Err(Error::Busy(_)) => {}
                Err(_) => return,
            }
        }
    }

    /// Returns an execution, live or from the journal.
    pub async fn read(&self, who: &Owner, execution: ExecutionId) -> Result<Known, Error> {
        self.read_with(who, execution, true).await
    }

    async fn read_with(&self, who: &Owner, execution: ExecutionId, runs: bool) -> Result<Known, Error> {
        let known = self.known_to(who, execution, runs).await?;
        let missing = || no_such_execution(execution);
        self.permit_known(who, Permission::Read, TargetKind::Workflow, known.workflow_name(), missing)?;
        Ok(known)
    }

    pub(super) async fn known(&self, execution: ExecutionId) -> Result<Known, Error> {
        self.known_with(execution, true).await
    }

    /// Returns an execution for somebody whose rights to it are asked next. That one is there and cannot be run is told to who may
    /// read it alone.
    pub(super) async fn known_to(&self, who: &Owner, execution: ExecutionId, runs: bool) -> Result<Known, Error> {
        let known = self.known_with(execution, runs).await;
        if *who == Owner::Local || !matches!(known, Err(Error::Conflict(_))) {
            return known;
        }
        let stored = self.0.reader.load(execution).map_err(unavailable)?;
        let may_read = |name: &str| self.may(who, Permission::Read, TargetKind::Workflow, name);
        if stored.is_some_and(|stored| may_read(&stored.head.name)) { known } else { Err(no_such_execution(execution)) }
    }

    /// Returns an execution; one that is live only with its runs where they are asked for.
    async fn known_with(&self, execution: ExecutionId, runs: bool) -> Result<Known, Error> {
        if let Some(live) = self.ask(|reply| Message::Read { execution, whole: runs, reply }).await? {
            return Ok(Known::Whole(live));
        }
        self.journaled(execution, &mut HashMap::new())
    }

    /// Returns an execution as it is on disk.
    pub(super) fn journaled(
        &self,
        execution: ExecutionId,
        plans: &mut HashMap<DefinitionHash, Arc<Plan>>,
    ) -> Result<Known, Error> {
        let stored = self.0.reader.load(execution).map_err(unavailable)?;
        let stored = stored.ok_or_else(|| no_such_execution(execution))?;
        match stored.history {
            History::Archived(snapshot) => Ok(Known::Archived(snapshot)),
            History::Unreadable(unreadable) => {
                Err(Error::Conflict(format!("workflow {execution} is quarantined: {unreadable}")))
            }
            History::Events(events) => {
                let hash = stored.head.definition;
                let plan = match plans.get(&hash) {
                    Some(plan) => plan.clone(),
                    None => plans.entry(hash).or_insert(self.compiled(&hash)?).clone(),
                };
                let replayed = engine::replay(execution, plan, events);
                replayed
                    .map(|execution| Known::Whole(Arc::new(execution)))
                    .map_err(|illegal| Error::Conflict(format!("workflow {execution} is quarantined: {illegal}")))
            }
        }
    }

    fn compiled(&self, hash: &DefinitionHash) -> Result<Arc<Plan>, Error> {
        let pinned = self.0.reader.definition(hash).map_err(unavailable)?;
        let pinned = pinned.ok_or_else(|| Error::Conflict("its definition is not in the journal".to_owned()))?;
        Plan::compile(pinned).map(Arc::new).map_err(|error| Error::Conflict(error.to_string()))
    }

    pub(super) async fn step(&self, execution: ExecutionId, input: Input) -> Result<(), Error> {
        let input = Box::new(input);
        Ok(self.ask(|reply| Message::Step { execution, input, reply }).await??)
    }

    /// Does what follows from a request that was taken already.
    pub(super) async fn step_on(&self, execution: ExecutionId, input: Input) -> Result<(), Error> {
        let input = Box::new(input);
        Ok(self.ask_on(|reply| Message::Step { execution, input, reply }).await??)
    }
}

pub(super) fn no_such_execution(execution: ExecutionId) -> Error {
    Error::NotFound(format!("no such workflow found by id: {execution}"))
}

pub(super) fn unavailable(error: impl std::fmt::Display) -> Error {
    Error::Unavailable(error.to_string())
}
