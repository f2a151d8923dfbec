//! Workers that look for tasks, and may wait for them.

use crate::daemon::batch::{Answer, Batch};
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::message::Poll;
use crate::daemon::offers::Queue;
use crate::engine::Input;
use crate::journal::Log;
use crate::words::Timestamp;

/// How many workers wait for work at once: each is looked at in every turn. It is more than all doors let in.
const POLLS_MAX: usize = 4_096;

impl Dispatcher {
    /// Takes in a worker that looks for work; where too many wait already, it goes away with nothing and comes again.
    pub(super) fn add_poll(&mut self, poll: Poll, batch: &mut Batch) {
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
        self.offers.sizes().get(queue).copied().unwrap_or(0)
    }

    /// Gives tasks to the workers that wait; whose time is up goes away with nothing.
    pub(super) fn serve_polls(&mut self, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        let polls = std::mem::take(&mut self.polls);
        for poll in polls.into_iter().filter(|poll| !poll.reply.is_closed()) {
            let taken = if self.is_draining() { Vec::new() } else { self.offers.take(&poll.queue, poll.count, now) };
            let mut runs = Vec::with_capacity(taken.len());
            for (execution, run) in taken {
                let input = Input::Polled { run, worker_id: poll.worker_id.clone() };
                // Where nothing happened the run was not there to be taken.
                if self.step(execution, input, now, log, batch).is_ok_and(|changed| changed) {
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
