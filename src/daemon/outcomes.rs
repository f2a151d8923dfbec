//! What becomes of the executor's answers.

use crate::daemon::auditing;
use crate::daemon::batch::Batch;
use crate::daemon::conditions::Conditions;
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::message::Refused;
use crate::engine::{self, Input, Need, Outcome};
use crate::journal::Log;
use crate::words::Timestamp;

impl Dispatcher {
    /// An answer of the executor is never dropped: it is kept until it is on disk.
    pub(super) fn outcome(&mut self, outcome: Outcome, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        let (execution, run) = (outcome.execution, outcome.run);
        if let engine::Answer::Evaluated { token, verdict } = &outcome.answer
            && Conditions::is_meant(*token)
        {
            if self.conditions.answered(execution, run, *token, verdict) {
                self.needs.push_back(Need::Serve { execution, run });
            }
            return;
        }
        self.calls.end(&outcome);
        match self.step(execution, Input::Outcome(outcome.clone()), now, log, batch) {
            Ok(_) => {
                let before = |secret: &str, version| self.library.fingerprint_before(secret, version);
                let execution = self.live.get(&execution).map(|live| &live.execution);
                batch
                    .audit
                    .extend(execution.map(|it| auditing::answered(it, &outcome, &before, now)).unwrap_or_default());
                batch.outcomes.push(outcome);
            }
            Err(Refused::Unavailable(reason)) => {
                tracing::warn!(%execution, reason, "an answer waits for the journal");
                self.kept.push(outcome);
            }
            Err(refused) => {
                tracing::warn!(%execution, %refused, "an answer could not be taken");
                // Nothing says any more what it has of a limit.
                if !self.live.contains_key(&execution) {
                    self.quotas.forget(execution);
                }
            }
        }
    }
}
