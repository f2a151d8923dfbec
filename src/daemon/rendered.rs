//! What ended executions read like, ready to be sent: people and scripts ask for the same ones again and again, and each
//! answer would be replayed from the journal, masked and written anew.
//!
//! **Architecture Invariant:** who may read is asked for every answer. What the journal changes, or the store hides from now
//! on, is forgotten before anybody hears that it has.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::daemon::dispatcher::Dispatcher;
use crate::redact::Masker;
use crate::words::ExecutionId;

/// How many bytes are kept: some thousand executions of a usual size.
const BYTES_MAX: usize = 8 << 20;
/// How large one may be: a large one takes its time on the wire anyway, and would push out hundreds.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// How many are kept, however small: what keeps account of them has a size too.
const ANSWERS_MAX: usize = 4_096;
/// How many parts the executions are counted in: a reader is in vain where one of the same part changes meanwhile.
const PARTS: usize = 256;

/// The answers.
pub(super) struct Rendered(Mutex<Answers>);

/// An answer, and the name by which somebody may read it.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) workflow: Arc<str>,
    pub(super) text: Arc<[u8]>,
}

/// Which answer: of an execution, with its tasks or without.
pub(super) type Question = (ExecutionId, bool);

/// What somebody who reads an execution noted before: the answer is kept where nothing has changed since.
pub(super) struct Reading {
    question: Question,
    changes: u64,
    masker: Arc<Masker>,
}

struct Answers {
    /// What all of them are masked with.
    masker: Option<Arc<Masker>>,
    all: HashMap<Question, Answer>,
    /// The oldest first; some are forgotten already.
    order: VecDeque<Question>,
    bytes: usize,
    /// How often something of each part has changed.
    changes: [u64; PARTS],
}

impl Default for Rendered {
    fn default() -> Self {
        let (all, order) = (HashMap::new(), VecDeque::new());
        Self(Mutex::new(Answers { masker: None, all, order, bytes: 0, changes: [0; PARTS] }))
    }
}

impl Rendered {
    /// Returns the answer, or what makes it possible to keep it once it is there.
    pub(super) fn get(&self, question: Question, masker: &Arc<Masker>) -> Result<Answer, Reading> {
        let mut answers = self.answers();
        if !answers.masker.as_ref().is_some_and(|known| Arc::ptr_eq(known, masker)) {
            // What is hidden now stands in none of them, and what was stored may.
            answers.clear();
            answers.masker = Some(masker.clone());
        }
        let reading = || Reading { question, changes: answers.changes[part(question.0)], masker: masker.clone() };
        answers.all.get(&question).cloned().ok_or_else(reading)
    }

    /// Keeps an answer for the next who asks.
    pub(super) fn keep(&self, reading: &Reading, answer: &Answer) {
        let size = answer.text.len();
        let mut answers = self.answers();
        let is_current = answers.changes[part(reading.question.0)] == reading.changes
            && answers.masker.as_ref().is_some_and(|known| Arc::ptr_eq(known, &reading.masker));
        if !is_current || size > ANSWER_BYTES_MAX || answers.all.contains_key(&reading.question) {
            return;
        }
        while answers.bytes + size > BYTES_MAX || answers.order.len() >= ANSWERS_MAX {
            let Some(oldest) = answers.order.pop_front() else { break };
            answers.remove(oldest);
        }
        answers.bytes += size;
        answers.order.push_back(reading.question);
        answers.all.insert(reading.question, answer.clone());
    }

    /// Forgets what executions read like, for they change.
    pub(super) fn forget(&self, executions: impl IntoIterator<Item = ExecutionId>) {
        let mut answers = self.answers();
        for execution in executions {
            answers.changes[part(execution)] += 1;
            for with_tasks in [false, true] {
                answers.remove((execution, with_tasks));
            }
        }
    }

    /// Forgets all of them.
    pub(super) fn forget_all(&self) {
        let mut answers = self.answers();
        answers.changes.iter_mut().for_each(|changes| *changes += 1);
        answers.clear();
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers {
    fn remove(&mut self, question: Question) {
        if let Some(answer) = self.all.remove(&question) {
            self.bytes -= answer.text.len();
        }
    }

    fn clear(&mut self) {
        self.all.clear();
        self.order.clear();
        self.bytes = 0;
    }
}

impl Dispatcher {
    /// Sees to it that executions are read anew.
    pub(super) fn outdate(&self, executions: impl IntoIterator<Item = ExecutionId>) {
        if let Some(onlookers) = &self.onlookers {
            onlookers.rendered.forget(executions);
        }
    }

    /// Sees to it that every execution is read anew.
    pub(super) fn outdate_all(&self) {
        if let Some(onlookers) = &self.onlookers {
            onlookers.rendered.forget_all();
        }
    }
}

fn part(execution: ExecutionId) -> usize {
    let mut hasher = DefaultHasher::new();
    execution.hash(&mut hasher);
    usize::from(hasher.finish().to_le_bytes()[0])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::{ANSWER_BYTES_MAX, ANSWERS_MAX, Answer, BYTES_MAX, Question, Rendered};
    use crate::redact::Masker;
    use crate::words::ExecutionId;

    fn question(number: usize) -> Question {
        (ExecutionId::new(Uuid::from_u128(number as u128)), true)
    }

    fn answer(size: usize) -> Answer {
        Answer { workflow: "w".into(), text: vec![b'x'; size].into() }
    }

    fn masker() -> Arc<Masker> {
        Arc::new(Masker::new([]))
    }

    /// Asks, and keeps an answer of this size where there is none.
    fn ask(rendered: &Rendered, number: usize, masker: &Arc<Masker>, size: usize) -> bool {
        match rendered.get(question(number), masker) {
            Ok(_) => true,
            Err(reading) => {
                rendered.keep(&reading, &answer(size));
                false
            }
        }
    }

    #[test]
    fn what_was_read_once_is_there_until_it_changes_or_the_store_does() {
        let (rendered, first) = (Rendered::default(), masker());
        assert!(!ask(&rendered, 1, &first, 10) && ask(&rendered, 1, &first, 10));
        assert!(rendered.get((question(1).0, false), &first).is_err(), "without its tasks it reads otherwise");
        rendered.forget([question(1).0]);
        assert!(!ask(&rendered, 1, &first, 10) && ask(&rendered, 1, &first, 10));
        let second = masker();
        assert!(!ask(&rendered, 1, &second, 10) && ask(&rendered, 1, &second, 10));
        rendered.forget_all();
        assert!(!ask(&rendered, 1, &second, 10));
    }

    #[test]
    fn what_changed_while_somebody_read_it_is_not_kept() {
        let (rendered, first, second) = (Rendered::default(), masker(), masker());
        let changes: [&dyn Fn(); 3] = [&|| rendered.forget([question(1).0]), &|| rendered.forget_all(), &|| {
            drop(rendered.get(question(2), &second));
        }];
        for change in changes {
            let Err(reading) = rendered.get(question(1), &first) else { panic!("it was kept") };
            change();
            rendered.keep(&reading, &answer(10));
        }
        assert!(rendered.get(question(1), &first).is_err());
    }

    #[test]
    fn no_more_is_kept_than_the_limits_allow() {
        let (rendered, masker) = (Rendered::default(), masker());
        for number in 0..2 * ANSWERS_MAX {
            ask(&rendered, number, &masker, 1);
            // What is forgotten and asked for again takes no place for ever.
            rendered.forget([question(number).0]);
            ask(&rendered, number, &masker, 1);
        }
        assert!(rendered.answers().all.len() <= ANSWERS_MAX && rendered.answers().order.len() <= ANSWERS_MAX);
        let last = 2 * ANSWERS_MAX - 1;
        assert!(ask(&rendered, last, &masker, 1), "the newest stay");
        assert!(!ask(&rendered, last + 1, &masker, ANSWER_BYTES_MAX + 1));
        assert!(!ask(&rendered, last + 1, &masker, ANSWER_BYTES_MAX + 1), "it is too large");
        for number in 0..100 {
            ask(&rendered, last + 2 + number, &masker, ANSWER_BYTES_MAX);
            let answers = rendered.answers();
            assert!(answers.bytes <= BYTES_MAX);
            assert_eq!(answers.bytes, answers.all.values().map(|answer| answer.text.len()).sum::<usize>());
        }
    }
}
