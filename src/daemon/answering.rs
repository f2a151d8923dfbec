//! Who hears of what is on disk: callers, and those who watch an execution.

use std::sync::Arc;

use crate::daemon::batch::{Answer, Batch};
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::message::Polled;
use crate::daemon::problems::log_end;

impl Dispatcher {
    pub(super) fn answer(&self, answer: Answer) {
        match answer {
            Answer::Started { result, reply } => drop(reply.send(result)),
            Answer::Stepped { result, reply } => drop(reply.send(result)),
            Answer::Read { execution, whole: true, reply } => drop(reply.send(self.read(execution))),
            Answer::Read { execution, whole: false, reply } => {
                let found = self.live.get(&execution).map(|live| live.execution.without_runs());
                drop(reply.send(found.map(Arc::new)));
            }
            Answer::Live { ids, reply } => drop(reply.send(ids)),
            Answer::Queues { queues, reply } => drop(reply.send(queues)),
            Answer::Held { found, reply } => drop(reply.send(Ok(found))),
            Answer::Facts { facts, reply } => drop(reply.send(facts)),
            Answer::Problems { problems, reply } => drop(reply.send(problems)),
            Answer::Unwritten { reply } => drop(reply.send(self.unwritten())),
            Answer::Owned { reply } | Answer::Logged { reply } | Answer::Audited { reply } => {
                drop(reply.send(Ok(())));
            }
            Answer::Polled { runs, reply } => {
                let polled = |(id, run)| self.read(id).map(|execution| Polled { execution, run });
                drop(reply.send(runs.into_iter().filter_map(polled).collect()));
            }
        }
    }

    pub(super) fn announce(&mut self, batch: &Batch) {
        for (id, events) in &batch.touched {
            if let Some(live) = self.live.get_mut(id) {
                let status = live.execution.status;
                live.watchers.retain(|watcher| watcher.send(status).is_ok());
                if live.watchers.is_empty() {
                    log_end(&live.execution, events);
                }
            }
        }
    }
}
