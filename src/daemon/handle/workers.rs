use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::access::TargetKind;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::message::{May, Message, Poll, Polled, Still};
use crate::daemon::offers::{Queue, Queues};
use crate::daemon::pollers::LastPoll;
use crate::engine::{Input, WorkerUpdate, view};
use crate::executor::{self, Acting};
use crate::journal::{Action, Entry, Object, ObjectKind, RunOf, Verdict};
use crate::words::{ExecutionId, Owner, Payload, Permission, RunNumber, TaskStatus};
use crate::workflow::expressions;
use crate::workflow::flow::task_names;

/// How many tasks one poll takes at most.
const POLL_COUNT_MAX: usize = 1_000;
/// How long one poll waits at most.
const POLL_WAIT_MAX: Duration = Duration::from_mins(1);

impl Handle {
    /// Gives a worker the next tasks of a queue, waiting for the first one; their secrets are real values. Nothing is given once
    /// the worker would not be let in again.
    pub async fn poll(
        &self,
        who: &Owner,
        still: Still,
        queue: Queue,
        worker_id: Option<String>,
        count: usize,
        patience: Duration,
    ) -> Result<Vec<Value>, Error> {
        let domain = queue.domain.clone();
        let until = self.now().plus(patience.min(POLL_WAIT_MAX));
        let count = count.clamp(1, POLL_COUNT_MAX);
        let may_work = self.may_work(who);
        let may: May = Box::new(move |workflow| may_work(workflow) && still());
        let polled = self.ask(|reply| Message::Poll(Poll { queue, worker_id, count, until, may, reply })).await?;
        let mut tasks = Vec::with_capacity(polled.len());
        for polled in &polled {
            // Boxed: a thousand workers that wait have no room for what only one does that got a task.
            tasks.extend(Box::pin(self.hand_off(who, polled, domain.as_deref())).await?);
        }
        Ok(tasks)
    }

    /// Returns a task as its worker gets it: the references to secrets have become values, and before it leaves, the
    /// execution knows them and hides them. A task whose secrets its owner may not read fails, as it would here.
    async fn hand_off(&self, who: &Owner, polled: &Polled, domain: Option<&str>) -> Result<Option<Value>, Error> {
        let execution = &polled.execution;
        let Some(run) = execution.run(polled.run) else { return Ok(None) };
        let mut task = view::task_json(execution, run);
        let snapshot = self.fresh();
        let owner = &execution.plan.pinned.owner;
        let name = &execution.plan.pinned.workflow.name;
        let policy = &self.0.authority.policy();
        let planned = execution.planned(run);
        let names = planned.def.as_ref().map_or(&[][..], |def| &def.runtime_metadata);
        let acting = Acting { owner, workflow: name, lent: planned.lent.as_deref() };
        let mut environment = self.environment_of(owner);
        if let Some(lent) = acting.lent {
            let seen = self.environment_of(&lent.maker);
            environment.retain(|name, _| seen.contains_key(name));
        }
        let handed = executor::hand_off(execution.input(run).expose(), acting, &snapshot, policy)
            .and_then(|input| Ok((input, executor::runtime_metadata(names, acting, &snapshot, policy, &environment)?)));
        let about = || RunOf { task: Some(execution.reference(run).into_owned()), ..RunOf::id(execution.id) };
        let told = |secret: &str| self.entry(who, Action::Read, Object::secret(secret)).about(about());
        match handed {
            Ok((handed, metadata)) => {
                let values: Vec<_> = handed.resolved.into_iter().chain(metadata.resolved).collect();
                let named = names.iter().filter(|name| snapshot.contains(name)).cloned();
                let read = expressions::references(execution.input(run).expose()).into_iter().map(|one| one.name);
                let read: BTreeSet<String> = read.chain(named).collect();
                if !read.is_empty() {
                    let told = read.iter().map(|secret| told(secret)).collect();
                    self.step_on_told(told, execution.id, Input::Disclosed { values }).await?;
                }
                if let Some(fields) = task.as_object_mut() {
                    fields.insert("inputData".to_owned(), handed.input);
                    if !names.is_empty() {
                        fields.insert("runtimeMetadata".to_owned(), metadata.input);
                    }
                    fields.remove("domain");
                    fields.extend(domain.map(|domain| ("domain".to_owned(), domain.into())));
                }
                Ok(Some(task))
            }
            Err(missing) => {
                let update = WorkerUpdate {
                    status: if missing.is_final() { TaskStatus::FailedWithTerminalError } else { TaskStatus::Failed },
                    output: Payload::empty(),
                    reason: Some(missing.to_string()),
                    callback_after_seconds: 0,
                    worker_id: None,
                };
                let told = missing.secret().map(|secret| told(secret).with(Verdict::Denied)).into_iter().collect();
                self.step_on_told(told, execution.id, Input::Updated { run: polled.run, update }).await?;
                Ok(None)
            }
        }
    }

    /// Does what follows from a request that was taken already, and tells the audit in the same commit.
    async fn step_on_told(&self, told: Vec<Entry>, execution: ExecutionId, input: Input) -> Result<(), Error> {
        let input = Box::new(input);
        Ok(self.ask_on_told(told, |reply| Message::Step { execution, input, reply }).await??)
    }

    /// Takes what a worker, or somebody in its place, says of a run.
    pub async fn update_task(
        &self,
        who: &Owner,
        execution: ExecutionId,
        run: RunNumber,
        update: WorkerUpdate,
    ) -> Result<(), Error> {
        self.permit_on(who, execution).await?;
        let entry = self.entry(who, Action::Report, Object::new(ObjectKind::Workflow, "")).about(RunOf::id(execution));
        let entry = entry.detailed(update.status.as_str());
        let input = Box::new(Input::Updated { run, update });
        Ok(self.ask_told(vec![entry], |reply| Message::Step { execution, input, reply }).await??)
    }

    /// Takes a worker's word that it still works for a run.
    pub async fn extend_lease(&self, who: &Owner, execution: ExecutionId, run: RunNumber) -> Result<(), Error> {
        self.permit_on(who, execution).await?;
        self.step(execution, Input::Leased { run }).await
    }

    /// Gives a worker the next task of the kind that it just spoke of, where one waits.
    pub async fn poll_after(
        &self,
        who: &Owner,
        execution: ExecutionId,
        run: RunNumber,
        worker_id: Option<String>,
    ) -> Result<Option<Value>, Error> {
        let Some(execution) = self.worked(who, execution).await? else { return Ok(None) };
        let Some(run) = execution.run(run) else { return Ok(None) };
        let (name, domains) = view::queue(&execution, run);
        let polls = self.queues(&Owner::Local).await?.polls;
        // Its last poll says where it is; one that nobody knows is where the run waited first.
        let is_its = |domain: &&Option<String>| {
            let its = |poll: &LastPoll| poll.queue.name == name && poll.queue.domain == **domain;
            polls.iter().any(|poll| its(poll) && poll.worker_id == worker_id)
        };
        let domain = domains.iter().find(is_its).or(domains.last()).cloned().flatten();
        let tasks = self.poll(who, Box::new(|| true), Queue { name, domain }, worker_id, 1, Duration::ZERO).await?;
        Ok(tasks.into_iter().next())
    }

    /// Returns what the queues are like, as far as `who` may work for the workflows whose runs wait there.
    pub async fn queues(&self, who: &Owner) -> Result<Queues, Error> {
        let may = self.may_work(who);
        let mut queues = self.ask(|reply| Message::Queues { may, reply }).await?;
        if *who != Owner::Local {
            // Who else works where is seen by who has work there, or may start what makes some.
            let catalog = self.catalog();
            let mine = catalog.workflows().filter(|definition| {
                self.may(who, Permission::Execute, TargetKind::Workflow, &definition.pinned.workflow.name)
            });
            let names: BTreeSet<&str> =
                mine.flat_map(|definition| task_names(&definition.pinned.workflow.tasks)).collect();
            queues
                .polls
                .retain(|poll| queues.sizes.contains_key(&poll.queue) || names.contains(poll.queue.name.as_str()));
        }
        Ok(queues)
    }

    /// Who works for a workflow needs EXECUTE on it, whenever it is asked: a poll may wait while a grant is taken back.
    fn may_work(&self, who: &Owner) -> May {
        if *who == Owner::Local {
            return Box::new(|_| true);
        }
        let (handle, who) = (self.clone(), who.clone());
        Box::new(move |workflow| handle.may(&who, Permission::Execute, TargetKind::Workflow, workflow))
    }
}
