//! Who is served next: executions take turns, and none of them has all children.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::Question;
use crate::words::ExecutionId;

/// The questions that wait for a child.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// How many children one execution may keep busy.
    share: usize,
}

#[derive(Default)]
struct Waiting {
    questions: HashMap<ExecutionId, VecDeque<Box<Question>>>,
    /// Whose turn it is; each execution that waits is in it once.
    turns: VecDeque<ExecutionId>,
    busy: HashMap<ExecutionId, usize>,
    closed: bool,
}

/// What a worker is to do.
pub(super) enum Next {
    /// Evaluate this, and say when it is [`done`](Queue::done).
    Question(Box<Question>),
    /// There was nothing to do for as long as it waited.
    Nothing,
    /// There will be nothing any more.
    Closed,
}

impl Queue {
    pub(super) fn new(children: usize) -> Self {
        Self { waiting: Mutex::default(), changed: Condvar::new(), share: children.saturating_sub(1).max(1) }
    }

    pub(super) fn push(&self, question: Box<Question>) {
        let mut waiting = self.lock();
        let execution = question.execution;
        let questions = waiting.questions.entry(execution).or_default();
        questions.push_back(question);
        if questions.len() == 1 {
            waiting.turns.push_back(execution);
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Waits for something to do, for ever where no patience is given.
    pub(super) fn next(&self, patience: Option<Duration>) -> Next {
        let idle = |waiting: &mut Waiting| !waiting.closed && waiting.turn(self.share).is_none();
        let mut waiting = match patience {
            Some(patience) => {
                let waited = self.changed.wait_timeout_while(self.lock(), patience, idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner),
        };
        if waiting.closed {
            return Next::Closed;
        }
        let turn = waiting.turn(self.share);
        turn.and_then(|turn| waiting.take(turn)).map_or(Next::Nothing, Next::Question)
    }

    /// Says that a question of an execution is dealt with.
    pub(super) fn done(&self, execution: ExecutionId) {
        let mut waiting = self.lock();
        if let Some(busy) = waiting.busy.get_mut(&execution) {
            *busy -= 1;
            if *busy == 0 {
                waiting.busy.remove(&execution);
            }
        }
        drop(waiting);
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Returns the place of the first execution that has not its full share.
    fn turn(&self, share: usize) -> Option<usize> {
        self.turns.iter().position(|execution| self.busy.get(execution).is_none_or(|busy| *busy < share))
    }

    fn take(&mut self, turn: usize) -> Option<Box<Question>> {
        let execution = self.turns.remove(turn)?;
        let questions = self.questions.get_mut(&execution)?;
        let question = questions.pop_front();
        if questions.is_empty() {
            self.questions.remove(&execution);
        } else {
            self.turns.push_back(execution);
        }
        *self.busy.entry(execution).or_default() += 1;
        question
    }
}
