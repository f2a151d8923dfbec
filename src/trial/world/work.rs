//! The executor, around a wire that is made up.

use super::super::call::Call;
use super::super::mocks::{self, Given};
use super::super::{Error, Manner};
use super::{Mail, What, World, time_of};
use crate::clock::Clock;
use crate::engine::{Answer, Assignment, Outcome, Question};
use crate::executor::http::Sketch;
use crate::executor::{Acting, hand_off, sign, store_together};
use crate::words::{Sensitive, TaskId, Timestamp};
use crate::workflow::definition::TaskType;

impl World<'_> {
    /// Does the work of a task; returns whether the store was written.
    pub(super) fn perform(&mut self, work: &Assignment) -> Result<bool, Error> {
        match work.task_type() {
            TaskType::Http | TaskType::HttpPoll => self.call(work).map(|()| false),
            TaskType::UpdateSecret => {
                self.store(work);
                Ok(true)
            }
            TaskType::GetSignedJwt => {
                let outcome = sign(work, &self.life().store.snapshot(), &self.ground.authority.policy(), self.now());
                self.work(outcome);
                Ok(false)
            }
            other => {
                let reason = format!("this keytide does not do tasks of type {}", other.as_str());
                self.work(outcome(work, Answer::Failed { reason, terminal: true }, Vec::new()));
                Ok(false)
            }
        }
    }

    fn call(&mut self, work: &Assignment) -> Result<(), Error> {
        let failed = |reason: String| Answer::Failed { reason, terminal: false };
        let snapshot = self.life().store.snapshot();
        let (input, name) = (work.input.expose(), work.workflow_name());
        let handed = match hand_off(input, Acting::of(work), &snapshot, &self.ground.authority.policy()) {
            Ok(handed) => handed,
            Err(missing) => {
                self.work(outcome(work, failed(missing.to_string()), Vec::new()));
                return Ok(());
            }
        };
        let real = match Sketch::of(&handed.input) {
            Ok(real) => real,
            Err(error) => {
                self.work(outcome(work, failed(error.to_string()), handed.resolved));
                return Ok(());
            }
        };
        let described = real.described.clone();
        // What is told of it names secrets as the definition does.
        let call = Call::of(work, real);
        let path = self.paths.get(&work.execution).cloned().unwrap_or_default();
        let (answer, after) = match self.mocks.take(work.execution, &path, name, &work.reference) {
            Given::Mock(mock) => (mocks::http_answer(mock, work, &described)?, time_of(mock)),
            Given::Nothing | Given::UsedUp(_) if self.manner == Manner::Dry => {
                self.guessed.insert(TaskId::of(work.execution, work.run).to_string());
                (self.unknowns.response(work, described), Vec::new())
            }
            given => {
                let used = if let Given::UsedUp(count) = given { Some(count) } else { None };
                return Err(mocks::missing(
                    name,
                    &work.reference,
                    "HTTP",
                    used,
                    &format!("calls {}", call.sketch.described),
                ));
            }
        };
        self.calls.push(call);
        let at = after.into_iter().fold(self.now(), Timestamp::plus);
        self.mail.push(Mail { at, what: What::Call(outcome(work, answer, handed.resolved)) });
        Ok(())
    }

    fn store(&mut self, work: &Assignment) {
        let path = self.paths.get(&work.execution).cloned().unwrap_or_default();
        if let Given::Mock(mock) = self.mocks.take(work.execution, &path, work.workflow_name(), &work.reference)
            && let Some(answer) = mocks::failure(mock)
        {
            self.work(outcome(work, answer, Vec::new()));
            return;
        }
        let outcomes = std::cell::RefCell::new(Vec::new());
        let (store, now) = (&self.life().store, self.now());
        store_together(
            store,
            &store.snapshot(),
            &self.ground.authority.policy(),
            now,
            vec![work.clone()],
            &|outcome| {
                outcomes.borrow_mut().push(outcome);
            },
        );
        store.catch_up();
        outcomes.into_inner().into_iter().for_each(|outcome| self.work(outcome));
    }

    pub(super) fn evaluate(&mut self, question: &Question) {
        let snapshot = self.life().store.snapshot();
        let policy = self.ground.authority.policy();
        let outcome =
            self.bench.answer(question, &|value| hand_off(value, Acting::asking(question), &snapshot, &policy));
        self.work(outcome);
    }

    pub(super) fn work(&mut self, outcome: Outcome) {
        self.mail.push(Mail { at: self.machine.clock.now(), what: What::Work(outcome) });
    }
}

fn outcome(work: &Assignment, answer: Answer, resolved: Vec<Sensitive>) -> Outcome {
    Outcome { execution: work.execution, run: work.run, answer, resolved }
}
