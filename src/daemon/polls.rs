//! Workers that look for tasks, and may wait for them.

use crate::daemon::batch::{Answer, Batch};
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::message::{May, Poll};
use crate::daemon::offers::{Queue, Queues, Taken};
use crate::daemon::pollers::LastPoll;
use crate::engine::Input;
use crate::journal::Log;
use crate::words::{ExecutionId, Timestamp};

/// How many workers wait for work at once: each is looked at in every turn. It is more than all doors let in.
const POLLS_MAX: usize = 4_096;

impl Dispatcher {
    /// Takes in a worker that looks for work; where too many wait already, it goes away with nothing and comes again.
    pub(super) fn add_poll(&mut self, poll: Poll, now: Timestamp, batch: &mut Batch) {
        let Poll { ref queue, ref worker_id, until, .. } = poll;
        self.offers.polled(LastPoll { queue: queue.clone(), worker_id: worker_id.clone(), at: now, until });
        if self.polls.len() >= POLLS_MAX {
            self.polls.retain(|poll| !poll.reply.is_closed());
        }
        if self.polls.len() < POLLS_MAX {
            self.polls.push(poll);
        } else {
            batch.answers.push(Answer::Polled { runs: Vec::new(), reply: poll.reply });
        }
    }

    /// Returns the queue sizes of one queue, for tests and metrics.
    pub fn waiting(&self, queue: &Queue) -> usize {
        self.offers.sizes(&|_| true).get(queue).copied().unwrap_or(0)
    }

    /// Returns what the queues are like, of the workflows that whoever asks works for.
    pub(super) fn queues(&self, may: &May) -> Queues {
        self.offers.queues(&|id| self.live.get(&id).is_some_and(|live| may(live.execution.name())))
    }

    /// Takes the next run of a poll's queue that its limits let go.
    fn take(&mut self, poll: &Poll, now: Timestamp) -> Option<Taken> {
        let Self { offers, quotas, live, missing, .. } = self;
        let is_known = missing.is_empty();
        let may = |id: ExecutionId| live.get(&id).is_some_and(|live| (poll.may)(live.execution.name()));
        // While an execution could not be read nobody knows how much of a limit is used.
        offers.take(&poll.queue, now, &may, &mut |quota, rank| {
            if is_known { quotas.allows(quota, rank, now) } else { Err(None) }
        })
    }

    /// Gives tasks to the workers that wait; whose time is up goes away with nothing.
    pub(super) fn serve_polls(&mut self, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        let polls = std::mem::take(&mut self.polls);
        for poll in polls.into_iter().filter(|poll| !poll.reply.is_closed()) {
            let mut runs = Vec::new();
            while runs.len() < poll.count && !self.is_draining() {
                let Some(Taken { execution, run, quota }) = self.take(&poll, now) else { break };
                let input = Input::Polled { run, worker_id: poll.worker_id.clone() };
                // Where nothing happened the run was not there to be taken.
                if self.step(execution, input, now, log, batch).is_ok_and(|changed| changed) {
                    if let Some(quota) = quota {
                        self.quotas.begin(&quota, (execution, run), now);
                    }
                    runs.push((execution, run));
                }
            }
            if runs.is_empty() && poll.until > now && !self.is_draining() {
                self.polls.push(poll);
            } else {
                batch.answers.push(Answer::Polled { runs, reply: poll.reply });
            }
        }
    }
}
