//! Parents and children, and runs that are made again or passed over.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Applying, Illegal};
use crate::engine::execution::{Execution, Run};
use crate::engine::plan::TaskIndex;
use crate::words::{ExecutionId, Payload, RunNumber, TaskStatus};

/// Where a workflow's output names the workflow that was started for its failure.
const FAILURE_WORKFLOW: &str = "conductor.failure_workflow";

impl Applying<'_> {
    pub(super) fn child_started(
        &mut self,
        number: RunNumber,
        child: ExecutionId,
        version: Option<i32>,
    ) -> Result<(), Illegal> {
        self.open(number, "childStarted", |run| {
            run.child = Some(child);
            run.output = Payload::new(json!({"subWorkflowId": child.to_string()}));
            if let Some(version) = version {
                run.input = with(&run.input, "subWorkflowVersion", json!(version));
            }
        })
    }

    pub(super) fn child_reopened(&mut self, number: RunNumber) -> Result<(), Illegal> {
        let Some(known) = self.execution.run(number).filter(|run| run.status.is_terminal()) else {
            return Err(Illegal::UnknownRun { seq: self.seq(), run: number });
        };
        let task = known.task;
        let Some(child) = known.child else { return Err(self.out_of_state("childReopened", "it has no child")) };
        if !self.execution.is_live() {
            return Err(self.out_of_state("childReopened", self.execution.status));
        }
        self.change(number, |run| {
            run.status = TaskStatus::InProgress;
            run.ended = None;
            run.reason = None;
            run.permitted = false;
            run.in_doubt = false;
            run.output = Payload::new(json!({"subWorkflowId": child.to_string()}));
        })?;
        self.execution.index.open.insert(number);
        self.recount(task);
        Ok(())
    }

    /// Has the JOINs that wait for a task count again.
    fn recount(&mut self, task: TaskIndex) {
        let plan = Arc::clone(&self.execution.plan);
        for join in plan.task(task).into_iter().flat_map(|planned| &planned.joined_by) {
            let Some(planned) = plan.task(*join) else { continue };
            let waiting = self.execution.latest(planned.slot).filter(|run| !run.status.is_terminal());
            if let Some(number) = waiting.map(|run| run.number) {
                self.count(number, *join);
            }
        }
    }

    pub(super) fn failure_workflow(&mut self, said: &str) -> Result<(), Illegal> {
        if self.execution.is_live() {
            return Err(self.out_of_state("failureWorkflow", self.execution.status));
        }
        self.execution.output = with(&self.execution.output, FAILURE_WORKFLOW, json!(said));
        Ok(())
    }

    /// What is removed stays as evidence, and its place in the order is free again.
    pub(super) fn removed(&mut self, runs: &[RunNumber]) -> Result<(), Illegal> {
        for number in runs {
            let Some(run) = self.execution.run(*number).filter(|run| run.status.is_terminal()) else {
                return Err(Illegal::UnknownRun { seq: self.seq(), run: *number });
            };
            let (task, frame) = (run.task, run.frame.map(|frame| (frame, run.iteration)));
            self.change(*number, |run| run.gone = true)?;
            if let Some(frame) = frame.and_then(|frame| self.execution.index.frames.get_mut(&frame)) {
                frame.runs.retain(|run| run != number);
            }
            let Some(slot) = self.execution.plan.task(task).map(|planned| planned.slot) else { continue };
            let latest = latest_of(self.execution, slot);
            self.execution.index.latest[slot.position()] = latest;
        }
        let shown = self.execution.runs.iter().filter(|run| !run.gone);
        let (seq, permitted) =
            shown.fold((0, false), |(seq, permitted), run| (run.seq.max(seq), permitted || run.permitted));
        self.execution.index.scheduled = seq;
        self.execution.index.permitted = permitted;
        Ok(())
    }

    /// What was made in later iterations is removed already.
    pub(super) fn rewound(&mut self, number: RunNumber, iteration: i32) -> Result<(), Illegal> {
        let known = self.execution.run(number).and_then(|run| Some((run.status, run.looping.as_ref()?.iteration)));
        let fits = known.is_some_and(|(status, last)| status.is_terminal() && (1..=last).contains(&iteration));
        if !fits || !self.execution.is_live() {
            return Err(self.out_of_state("rewound", format!("run {number} is no loop that had iteration {iteration}")));
        }
        let last = known.map_or(iteration, |(_, last)| last);
        for later in iteration + 1..=last {
            self.execution.index.frames.remove(&(number, later));
        }
        self.change(number, |run| {
            run.status = TaskStatus::InProgress;
            run.ended = None;
            run.reason = None;
            run.permitted = false;
            if let Some(looping) = run.looping.as_mut() {
                looping.iteration = iteration;
            }
        })?;
        self.execution.index.open.insert(number);
        self.note_open(number, false);
        Ok(())
    }

    pub(super) fn amended(&mut self, input: Option<&Payload>, correlation_id: Option<&String>) -> Result<(), Illegal> {
        self.live("amended", |execution, _| {
            execution.failed_references.clear();
            execution.failed_tasks.clear();
            if let Some(input) = input {
                execution.input = input.clone();
            }
            if let Some(correlation_id) = correlation_id {
                execution.correlation_id = Some(correlation_id.clone());
            }
        })
    }

    pub(super) fn skipped(
        &mut self,
        number: RunNumber,
        task: TaskIndex,
        input: &Payload,
        output: &Payload,
    ) -> Result<(), Illegal> {
        let next = u32::try_from(self.execution.runs.len()).unwrap_or(u32::MAX).saturating_add(1);
        let slot = self.execution.plan.task(task).map(|planned| planned.slot);
        let known = slot.is_some_and(|slot| self.execution.latest(slot).is_none());
        if number.0 != next || !known || !self.execution.is_live() {
            return Err(Illegal::UnknownRun { seq: self.seq(), run: number });
        }
        let earlier = self.made(task);
        let run = Run {
            earlier,
            status: TaskStatus::Skipped,
            ended: Some(self.at),
            output: output.clone(),
            ..Run::planned(number, task, self.at, input.clone())
        };
        let length = self.execution.plan.len();
        self.execution.index.latest.resize(length, None);
        if let Some(slot) = slot {
            self.execution.index.latest[slot.position()] = Some(number);
        }
        self.execution.index.skips.insert(task, number);
        self.execution.runs.push(run);
        self.through(number);
        Ok(())
    }

    pub(super) fn passed(&mut self, number: RunNumber, scope: Option<RunNumber>) -> Result<(), Illegal> {
        match self.execution.run(number) {
            Some(run) if run.status == TaskStatus::Skipped => {
                let task = run.task;
                self.execution.index.skips.remove(&task);
                let (frame, iteration) = self.execution.frame_of(scope);
                self.change(number, |run| (run.scope, run.frame, run.iteration) = (scope, frame, iteration))?;
                if frame.is_some() {
                    // Until now it was of no iteration, so no JOIN of one knew of it.
                    self.enter(number);
                    self.through(number);
                }
                Ok(())
            }
            Some(run) => Err(self.out_of_state("passed", run.status)),
            None => Err(Illegal::UnknownRun { seq: self.seq(), run: number }),
        }
    }
}

fn latest_of(execution: &Execution, slot: TaskIndex) -> Option<RunNumber> {
    let is_of = |run: &&Run| !run.gone && execution.planned(run).slot == slot;
    execution.runs.iter().rev().find(is_of).map(|run| run.number)
}

/// Returns an object with one more field.
fn with(payload: &Payload, name: &str, value: Value) -> Payload {
    let mut fields = payload.clone().into_value();
    match fields.as_object_mut() {
        Some(fields) => drop(fields.insert(name.to_owned(), value)),
        None => fields = json!({name: value}),
    }
    Payload::new(fields)
}
