//! The thread around the dispatcher: gathers messages, commits, releases.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use crate::clock::Clock;
use crate::daemon::batch::Batch;
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::inbox::Letters;
use crate::daemon::message::{Message, Refused, Removal};
use crate::daemon::unwritten::Unwritten;
use crate::engine::{Command, Rejected};
use crate::journal::Log;
use crate::scheduler::SLEEP_MAX;
use crate::words::{ExecutionId, Timestamp};

/// How many messages one commit holds, so that the first of them does not wait for the thousandth.
const MESSAGES_PER_COMMIT_MAX: usize = 1_024;
/// After which time without a message the journal does what it has put off, if as much time is left before something is due.
const QUIET: Duration = Duration::from_millis(50);
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
    pub(super) inbox: Letters,
    pub(super) executor: Box<dyn Release>,
    pub(super) housekeeping: super::housekeeping::Housekeeping,
    /// Whether the journal could not be written at the last turn.
    pub(super) failing: bool,
}

impl<L: Log> Shell<L> {
    /// Takes in these executions of before, then runs until every sender of messages is gone or somebody says stop. Returns
    /// what is lost with it.
    pub(super) fn run(mut self, recovered: &[ExecutionId]) -> Vec<Unwritten> {
        let now = self.clock.now();
        let batch = self.dispatcher.recover(recovered, &self.log, now);
        self.settle(batch, now);
        loop {
            let Some(messages) = self.gather() else { return self.dispatcher.unwritten() };
            let stop = messages.iter().any(|message| matches!(message, Message::Stop));
            self.turn(messages);
            if stop {
                return self.dispatcher.unwritten();
            }
            // After each turn, and not only when it is quiet: a daemon that is always busy must not keep everything for ever.
            if self.housekeeping.tick(&mut self.log, self.clock.now()) {
                // An archived execution reads otherwise, and a purged one is not there.
                self.dispatcher.outdate_all();
            }
        }
    }

    fn turn(&mut self, messages: Vec<Message>) {
        let now = self.clock.now();
        let batch = self.dispatcher.turn(messages, now, &self.log);
        self.settle(batch, now);
    }

    /// Commits a batch, then releases it; or takes it back.
    pub(super) fn settle(&mut self, mut batch: Batch, now: Timestamp) {
        let removals = std::mem::take(&mut batch.removals);
        let noted = std::mem::take(&mut batch.noted);
        let commands = self.dispatcher.commit(batch, now, &mut self.log);
        self.failing = commands.is_none();
        let Some(commands) = commands else { return };
        for command in commands {
            self.executor.release(command);
        }
        for reply in noted {
            let taken = self.log.take_notes(now).map(drop);
            drop(reply.send(taken.map_err(|error| Refused::Unavailable(error.to_string()))));
        }
        for Removal { execution, reply } in removals {
            // Nobody waiting for it any more is no error.
            drop(reply.send(self.remove(execution)));
        }
    }

    /// Removes an execution that has ended and that nobody needs any more.
    fn remove(&mut self, execution: ExecutionId) -> Result<(), Refused> {
        let unavailable = |error: crate::journal::Error| Refused::Unavailable(error.to_string());
        let stored = self.log.load(execution).map_err(unavailable)?.ok_or(Refused::NoSuchExecution(execution))?;
        if stored.head.ended.is_none() {
            return Err(Rejected::StillRunning(execution).into());
        }
        if stored.head.unstored {
            return Err(Refused::Unstored(execution));
        }
        if stored.head.in_doubt {
            return Err(Refused::InDoubt(execution));
        }
        let removed = self.log.remove(&[execution]).map_err(unavailable);
        self.dispatcher.outdate([execution]);
        removed?;
        // Whoever had it removed hears so when it is gone from the disk, unless a reader holds it there.
        self.housekeeping.wipe(&mut self.log, self.clock.now());
        Ok(())
    }

    /// Waits for the first message or the next deadline, then takes what else has arrived.
    fn gather(&mut self) -> Option<Vec<Message>> {
        let mut messages = Vec::new();
        let patience = self.patience();
        let mut first = self.inbox.wait(if self.log.is_behind() { patience.min(QUIET) } else { patience });
        if matches!(first, Err(RecvTimeoutError::Timeout)) && patience > 2 * QUIET && self.log.is_behind() {
            self.log.catch_up();
            first = self.inbox.wait(self.patience());
        }
        match first {
            Ok(message) => messages.push(message),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
        messages.extend(self.inbox.rest(MESSAGES_PER_COMMIT_MAX - 1));
        Some(messages)
    }

    fn patience(&self) -> Duration {
        if self.failing {
            // What is due stays due: it must not be tried without a pause.
            return JOURNAL_RETRY;
        }
        let wake = self.dispatcher.next_wake().map_or(SLEEP_MAX, |at| self.clock.until(at));
        let retry = if self.dispatcher.awaits_journal() { JOURNAL_RETRY } else { SLEEP_MAX };
        let upkeep = self.clock.until(self.housekeeping.next());
        wake.min(retry).min(upkeep).min(SLEEP_MAX)
    }
}
