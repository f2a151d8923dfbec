//! Runs whose work begins, and how long it may take.

use std::time::Duration;

use crate::engine::event::Fact;
use crate::engine::schedule::seconds;
use crate::engine::step::Step;
use crate::words::{RunNumber, Timestamp};
use crate::workflow::definition::{Nature, TaskDef};

impl Step<'_> {
    /// Begins the work of a run whose moment has come, or leaves it to the preflight.
    pub(super) fn release(&mut self, run: RunNumber) {
        let plan = self.plan();
        let planned = self.planned(&plan, run);
        // What another execution does begins there, once the event that says so is applied.
        if planned.task.task_type.nature() == Nature::Kin {
            return;
        }
        let is_call = planned.task.task_type.is_http();
        let held_back = is_call && (planned.feeds_secret || !self.turn.may_start);
        if self.at(run).wake.is_some() || held_back {
            return;
        }
        let waits = is_call && self.waits_its_turn(run);
        if !waits && !self.held_by_limit(run) {
            self.start_run(run, None);
        }
    }

    /// Begins the work of a run.
    pub(super) fn start_run(&mut self, run: RunNumber, worker_id: Option<String>) {
        let time_limit = self.time_limit(run);
        let silence_limit = self.silence_limit(run, Duration::ZERO);
        self.emit(Fact::RunStarted { run, worker_id, wake: None, time_limit, silence_limit });
    }

    pub(super) fn time_limit(&self, run: RunNumber) -> Option<Timestamp> {
        let plan = self.plan();
        let timeout = seconds(self.planned(&plan, run).def.as_ref()?.timeout_seconds)?;
        Some(self.now().plus(timeout))
    }

    /// Returns when a worker that took the run, and will have it again after `pause`, has been silent for too long.
    pub(super) fn silence_limit(&self, run: RunNumber, pause: Duration) -> Option<Timestamp> {
        let plan = self.plan();
        let planned = self.planned(&plan, run);
        let def: &TaskDef = planned.def.as_ref().filter(|_| planned.task.task_type.is_worker())?;
        Some(self.now().plus(seconds(def.response_timeout_seconds)?).plus(pause))
    }
}
