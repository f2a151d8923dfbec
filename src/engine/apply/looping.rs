//! Runs of loops, and what a plan grows by.

use std::sync::Arc;

use super::{Applying, Illegal};
use crate::engine::event::Scheduling;
use crate::engine::looping::Frame;
use crate::engine::plan::TaskIndex;
use crate::words::{Payload, RunNumber, TaskStatus};
use crate::workflow::definition::WorkflowTask;

impl Applying<'_> {
    /// Grows the plan by what is known only now, and returns the task as it is then.
    pub(super) fn grow(&mut self, scheduling: &Scheduling) -> Result<TaskIndex, Illegal> {
        let plan = &self.execution.plan;
        let (plan, task) = match (&scheduling.becomes, &scheduling.branches) {
            (Some(name), _) => plan.with_named(scheduling.task, name),
            (None, Some(branches)) => {
                let branches: Vec<WorkflowTask> = serde_json::from_value(branches.expose().clone())
                    .map_err(|error| self.out_of_state("scheduled", error))?;
                let grown = plan.with_branches(scheduling.task, &branches);
                grown.map_err(|error| self.out_of_state("scheduled", error))?
            }
            (None, None) => return Ok(scheduling.task),
        };
        self.execution.plan = Arc::new(plan);
        Ok(task)
    }

    /// Counts a run of a task and returns how many there were before.
    pub(super) fn made(&mut self, task: TaskIndex) -> u32 {
        let made = &mut self.execution.made;
        if made.len() <= task.position() {
            made.resize(task.position() + 1, 0);
        }
        let count = &mut made[task.position()];
        *count += 1;
        *count - 1
    }

    /// Puts a new run into its iteration.
    pub(super) fn enter(&mut self, number: RunNumber) {
        let execution = &mut *self.execution;
        let Some(run) = execution.run(number) else { return };
        let (is_loop, frame, iteration) = (run.looping.is_some(), run.frame, run.iteration);
        let index = &mut execution.index;
        if is_loop {
            index.idle.insert(number);
        }
        if let Some(frame) = frame {
            index.frames.entry((frame, iteration)).or_default().runs.push(number);
            self.note_open(number, false);
        }
    }

    /// Keeps count of what is open in the iteration of a run, and of the loop that the run may be.
    pub(super) fn note_open(&mut self, number: RunNumber, was_open: bool) {
        let execution = &mut *self.execution;
        let Some(run) = execution.run(number) else { return };
        let is_open = !run.status.is_terminal();
        let (frame, iteration) = (run.frame, run.iteration);
        if run.looping.is_some() && is_open != was_open {
            self.note_idle(number);
        }
        let Some(frame) = frame.filter(|_| is_open != was_open) else { return };
        let Some(found) = self.execution.index.frames.get_mut(&(frame, iteration)) else { return };
        found.open = if is_open { found.open + 1 } else { found.open.saturating_sub(1) };
        self.note_idle(frame);
    }

    fn note_idle(&mut self, number: RunNumber) {
        let execution = &mut *self.execution;
        let Some(run) = execution.run(number) else { return };
        let Some(looping) = &run.looping else { return };
        let open = execution.index.frames.get(&(number, looping.iteration)).map_or(0, |frame| frame.open);
        if open == 0 && !run.status.is_terminal() {
            execution.index.idle.insert(number);
        } else {
            execution.index.idle.remove(&number);
        }
    }

    pub(super) fn iterated(
        &mut self,
        number: RunNumber,
        iteration: i32,
        items: Option<&Payload>,
    ) -> Result<(), Illegal> {
        let next = self.execution.run(number).and_then(|run| run.looping.as_ref()).map(|looping| looping.iteration + 1);
        if next != Some(iteration) || !self.execution.index.idle.contains(&number) {
            return Err(self.out_of_state("iterated", format!("iteration {iteration} is not next")));
        }
        let at = self.at;
        self.open(number, "iterated", |run| {
            run.status = TaskStatus::InProgress;
            run.started.get_or_insert(at);
            let looping = run.looping.as_mut().expect("it is a loop, as was seen above");
            looping.iteration = iteration;
            if let Some(items) = items {
                looping.items = Some(items.clone());
            }
        })?;
        self.execution.index.frames.insert((number, iteration), Frame::default());
        Ok(())
    }

    pub(super) fn dropped(&mut self, number: RunNumber, until: i32) -> Result<(), Illegal> {
        let Some(looping) = self.execution.run(number).and_then(|run| run.looping.as_ref()) else {
            return Err(Illegal::UnknownRun { seq: self.seq(), run: number });
        };
        // What the last iteration took and gave is still read: only what is before it goes.
        let last = until.min(looping.iteration - 1);
        self.open(number, "dropped", |run| {
            if let Some(looping) = run.looping.as_mut() {
                looping.first = looping.first.max(until + 1);
            }
        })?;
        while let Some(((_, iteration), _)) = self.execution.index.frames.range((number, 0)..=(number, last)).next() {
            let iteration = *iteration;
            self.let_go(number, iteration);
        }
        Ok(())
    }

    /// Frees what was taken and given in an iteration. What a call fetched for a secret stays: it is evidence.
    fn let_go(&mut self, number: RunNumber, iteration: i32) {
        let Some(frame) = self.execution.index.frames.remove(&(number, iteration)) else { return };
        let plan = Arc::clone(&self.execution.plan);
        for number in frame.runs {
            let Some(run) = self.execution.runs.get_mut((number.0 as usize).saturating_sub(1)) else { continue };
            run.gone = true;
            let inner = run.looping.as_ref().map(|looping| looping.first..=looping.iteration);
            let Some(planned) = plan.task(run.task) else { continue };
            if !planned.feeds_secret {
                run.input = Payload::empty();
                run.output = Payload::empty();
                run.response = None;
                run.pins = Vec::new();
            }
            for iteration in inner.into_iter().flatten() {
                self.let_go(number, iteration);
            }
        }
    }
}
