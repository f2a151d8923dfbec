//! Runs that begin, and executions that begin again.

use std::sync::Arc;

use super::{Applying, Illegal};
use crate::engine::event::Scheduling;
use crate::engine::execution::{Index, Run};
use crate::engine::limits::size_bytes;
use crate::engine::looping::Looping;
use crate::engine::plan::{TaskIndex, Ways};
use crate::words::{Payload, RunNumber, TaskStatus, Timestamp, WorkflowStatus};
use crate::workflow::definition::TaskType;
use crate::workflow::pinned::Pinned;

impl Applying<'_> {
    pub(super) fn scheduled(&mut self, scheduling: &Scheduling) -> Result<(), Illegal> {
        let next = RunNumber(u32::try_from(self.execution.runs.len()).unwrap_or(u32::MAX).saturating_add(1));
        if scheduling.run != next || !self.execution.is_live() || self.execution.plan.task(scheduling.task).is_none() {
            return Err(Illegal::UnknownRun { seq: self.seq(), run: scheduling.run });
        }
        let task = self.grow(scheduling)?;
        let (frame, iteration) = self.execution.frame_of(scheduling.scope);
        let plan = Arc::clone(&self.execution.plan);
        let planned = plan.task(task).expect("the plan has grown by it");
        let offered = planned.task.task_type.is_worker();
        let delayed = !offered && scheduling.not_before > self.at;
        if let Some(previous) = scheduling.retry_of {
            self.change(previous, |run| run.retried = true)?;
        }
        let earlier = self.made(task);
        let index = &mut self.execution.index;
        index.scheduled += 1;
        index.bytes += size_bytes(scheduling.input.expose());
        index.forked |= planned.task.task_type == TaskType::ForkJoinDynamic;
        let run = Run {
            scope: scheduling.scope,
            frame,
            earlier,
            attempt: scheduling.attempt,
            seq: index.scheduled,
            iteration,
            not_before: scheduling.not_before,
            reason: scheduling.reason.clone(),
            retry_of: scheduling.retry_of,
            callback_after_seconds: scheduling.delay_seconds,
            wake: delayed.then_some(scheduling.not_before),
            silence_limit: scheduling.silence_limit,
            unresolved: scheduling.unresolved,
            total_limit: scheduling.total_limit,
            offered,
            looping: matches!(planned.ways, Ways::Loop(_)).then(|| Looping {
                iteration: 0,
                first: 1,
                items: scheduling.items.clone(),
            }),
            pins: scheduling.pins.clone(),
            ..Run::planned(next, task, self.at, scheduling.input.clone())
        };
        index.open.insert(next);
        index.timers.extend(run.timer().map(|timer| (timer, next)));
        index.latest.resize(plan.len(), None);
        index.latest[planned.slot.position()] = Some(next);
        self.execution.runs.push(run);
        self.enter(next);
        self.count(next, task);
        Ok(())
    }

    /// Counts what a JOIN waits for: once, when it starts to wait.
    pub(super) fn count(&mut self, join: RunNumber, task: TaskIndex) {
        let execution = &mut *self.execution;
        let Some(Ways::Join { on, unknown, .. }) = execution.plan.task(task).map(|planned| &planned.ways) else {
            return;
        };
        let Some(waits) = execution.run(join) else { return };
        let is_through = |run: &Run| is_through(run) && run.is_beside(waits);
        let latest = |task: &TaskIndex| execution.latest(execution.plan.task(*task)?.slot);
        let waiting = on.iter().filter(|task| !latest(task).is_some_and(is_through)).count();
        let waiting = waiting + unknown;
        execution.index.joins.insert(join, waiting);
    }

    /// Tells the JOINs that wait for a task that it is through.
    pub(super) fn through(&mut self, number: RunNumber) {
        let execution = &mut *self.execution;
        let Some(run) = execution.run(number) else { return };
        let place = (run.frame, run.iteration);
        let plan = Arc::clone(&execution.plan);
        let Some(planned) = plan.task(run.task) else { return };
        for join in &planned.joined_by {
            let Some(slot) = plan.task(*join).map(|join| join.slot) else { continue };
            let waiting = execution.latest(slot).filter(|join| (join.frame, join.iteration) == place);
            let Some(waiting) = waiting.map(|join| join.number) else { continue };
            if let Some(count) = execution.index.joins.get_mut(&waiting) {
                *count = count.saturating_sub(1);
            }
        }
    }

    pub(super) fn reinstated(&mut self, number: RunNumber) -> Result<(), Illegal> {
        let Some(task) = self.execution.run(number).map(|run| run.task) else {
            return Err(Illegal::UnknownRun { seq: self.seq(), run: number });
        };
        self.unsuccessful(number, "reinstated")?;
        self.change(number, |run| {
            // Conductor counts only what failed itself.
            run.attempt += u32::from(run.status != TaskStatus::Canceled);
            run.status = TaskStatus::InProgress;
            run.ended = None;
            run.reason = None;
            run.output = Payload::empty();
        })?;
        self.execution.index.open.insert(number);
        self.count(number, task);
        Ok(())
    }

    pub(super) fn reopened(&mut self, deadline: Option<Timestamp>) -> Result<(), Illegal> {
        self.again(deadline, "reopened")?;
        self.execution.last_retried = Some(self.at);
        self.execution.held.clear();
        Ok(())
    }

    pub(super) fn restarted(
        &mut self,
        deadline: Option<Timestamp>,
        definition: Option<&Pinned>,
    ) -> Result<(), Illegal> {
        let plan = definition.map(|pinned| self.execution.plan.with_definition(pinned.clone())).transpose();
        let plan = plan.map_err(|error| self.out_of_state("restarted", error))?;
        self.again(deadline, "restarted")?;
        let execution = &mut *self.execution;
        if let Some(plan) = plan {
            (execution.timeout_seconds, execution.alert_only) = plan.pinned.workflow.own_timeout();
            execution.plan = Arc::new(plan);
        }
        execution.created = self.at;
        execution.last_retried = None;
        execution.share = None;
        execution.held.clear();
        execution.runs.iter_mut().for_each(|run| run.gone = true);
        let bytes = execution.index.bytes;
        execution.index = Index { latest: vec![None; execution.plan.len()], bytes, ..Index::default() };
        Ok(())
    }

    fn again(&mut self, deadline: Option<Timestamp>, fact: &'static str) -> Result<(), Illegal> {
        if self.execution.is_live() {
            return Err(self.out_of_state(fact, self.execution.status));
        }
        let execution = &mut *self.execution;
        execution.status = WorkflowStatus::Running;
        execution.reason = None;
        execution.output = Payload::empty();
        execution.ended = None;
        execution.deadline = deadline;
        execution.overdue = false;
        execution.dismissed = false;
        execution.index.permitted = false;
        Ok(())
    }
}

/// Returns whether the flow goes on after a run.
fn is_through(run: &Run) -> bool {
    run.status.is_successful() || run.permitted
}
