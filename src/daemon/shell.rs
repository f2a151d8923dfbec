//! The thread around the dispatcher: gathers messages, commits, releases.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::clock::Clock;
use crate::daemon::batch::Batch;
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::message::Message;
use crate::engine::Command;
use crate::journal::Log;
use crate::scheduler::SLEEP_MAX;
use crate::words::{ExecutionId, Timestamp};

/// How many messages one commit holds, so that the first of them does not wait for the thousandth.
const MESSAGES_PER_COMMIT_MAX: usize = 1_024;
/// How long to wait before a journal that could not be written is tried again.
const JOURNAL_RETRY: Duration = Duration::from_secs(1);

/// Does the work that executions ask for; its answers come back as messages.
pub(super) trait Release: Send {
    /// Takes a command whose reason is on disk.
    fn release(&self, command: Command);
}

/// The only loop of the process: one thread that owns every live execution and the journal's writing side.
pub(super) struct Shell<L> {
    pub(super) dispatcher: Dispatcher,
    pub(super) log: L,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) inbox: Receiver<Message>,
    pub(super) executor: Box<dyn Release>,
    pub(super) housekeeping: super::housekeeping::Housekeeping,
}

impl<L: Log> Shell<L> {
    /// Takes in these executions of before, then runs until every sender of messages is gone or somebody says stop.
    pub(super) fn run(mut self, recovered: &[ExecutionId]) {
        let now = self.clock.now();
        let batch = self.dispatcher.recover(recovered, &self.log, now);
        self.settle(batch, now);
        loop {
            let Some(messages) = self.gather() else { return };
            let stop = messages.iter().any(|message| matches!(message, Message::Stop));
            self.turn(messages);
            if stop {
                return;
            }
        }
    }

    fn turn(&mut self, messages: Vec<Message>) {
        let now = self.clock.now();
        let batch = self.dispatcher.turn(messages, now, &self.log);
        self.settle(batch, now);
    }

    /// Commits a batch, then releases it; or takes it back.
    pub(super) fn settle(&mut self, batch: Batch, now: Timestamp) {
        let transaction = batch.transaction(|id| self.dispatcher.read(id));
        let committed = if transaction.is_empty() { Ok(()) } else { self.log.commit(&transaction) };
        match committed {
            Ok(()) => {
                for command in self.dispatcher.committed(batch) {
                    self.executor.release(command);
                }
            }
            Err(error) => {
                tracing::error!(%error, "the journal could not be written: nothing of this batch was done");
                self.dispatcher.rolled_back(batch, &error.to_string(), now, &self.log);
            }
        }
    }

    /// Waits for the first message or the next deadline, then takes what else has arrived.
    fn gather(&mut self) -> Option<Vec<Message>> {
        let mut messages = Vec::new();
        match self.inbox.recv_timeout(self.patience()) {
            Ok(message) => messages.push(message),
            Err(RecvTimeoutError::Timeout) => self.housekeeping.tick(&mut self.log, self.clock.now()),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
        messages.extend(self.inbox.try_iter().take(MESSAGES_PER_COMMIT_MAX - 1));
        Some(messages)
    }

    fn patience(&self) -> Duration {
        let wake = self.dispatcher.next_wake().map_or(SLEEP_MAX, |at| self.clock.until(at));
        let retry = if self.dispatcher.keeps_outcomes() { JOURNAL_RETRY } else { SLEEP_MAX };
        let upkeep = self.clock.until(self.housekeeping.next());
        wake.min(retry).min(upkeep).min(SLEEP_MAX)
    }
}
