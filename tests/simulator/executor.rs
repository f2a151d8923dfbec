//! The executor: the real parts of it around a wire that is made up.

use std::cell::RefCell;
use std::collections::BTreeMap;

use keytide::access::Policy;
use keytide::engine::{Answer, Assignment, Command, Outcome, Question, Response, Verdict};
use keytide::executor::{Acting, hand_off, preflight, store_together};
use keytide::words::Payload;
use keytide::workflow::definition::TaskType;
use serde_json::{Value, json};

use crate::issuer::Call;
use crate::world::{World, Written, name};

impl World {
    /// The executor does one thing that is released.
    pub(crate) fn work(&mut self) {
        if self.queue.is_empty() {
            return;
        }
        let at = self.dice.roll(self.queue.len());
        match self.queue.swap_remove(at) {
            Command::Preflight(assignment) => {
                let outcome = preflight(&self.process().store, &assignment);
                self.mail.push(outcome);
            }
            Command::Perform(assignment) if *assignment.task_type() == TaskType::UpdateSecret => self.store(assignment),
            Command::Perform(assignment) => {
                if let Some(outcome) = self.call(&assignment) {
                    self.mail.push(outcome);
                }
            }
            Command::Evaluate(question) => self.evaluate(&question),
            Command::Offer(_) | Command::Abandon { .. } | Command::Withdraw { .. } => {}
        }
    }

    /// Stores what one task says, or all that wait together.
    fn store(&mut self, first: Assignment) {
        let mut assignments = vec![first];
        if self.dice.once_in(2) {
            let is_store = |command: &mut Command| matches!(command, Command::Perform(work) if *work.task_type() == TaskType::UpdateSecret);
            assignments.extend(self.queue.extract_if(.., is_store).filter_map(assignment));
        }
        let values: BTreeMap<_, _> = assignments
            .iter()
            .map(|work| ((work.execution, work.run), work.input.expose()["_secrets"]["secretValue"].clone()))
            .collect();
        let outcomes = RefCell::new(Vec::new());
        let now = self.now;
        let process = self.process();
        let policy = Policy::new(false, BTreeMap::new(), Vec::new());
        let snapshot = process.store.snapshot();
        store_together(&process.store, &snapshot, &policy, now, assignments, &|outcome| {
            outcomes.borrow_mut().push(outcome);
        });
        if self.dice.once_in(2) {
            self.process().store.catch_up();
        }
        for outcome in outcomes.into_inner() {
            self.say(|| format!("stored {} {}: {}", outcome.execution, outcome.run, name(&outcome.answer)));
            self.acknowledge(&outcome, &values[&(outcome.execution, outcome.run)]);
            self.mail.push(outcome);
        }
        if self.disk.has_stopped() {
            self.say(|| "the machine stopped in a write of the store".to_owned());
            return self.crash_after_stop();
        }
        self.check_store();
    }

    /// A script is evaluated; now and then it fails, or is answered once more later.
    fn evaluate(&mut self, question: &Question) {
        let fails = !self.kind && self.dice.once_in(10);
        let verdict = if fails {
            Verdict::Failed("it took too long".to_owned())
        } else {
            Verdict::Gave(Payload::new(question.input.expose()["v"].clone()))
        };
        let answer = Answer::Evaluated { token: question.token, verdict };
        let outcome = Outcome { execution: question.execution, run: question.run, answer, resolved: Vec::new() };
        if self.dice.once_in(5) {
            self.mail.push(outcome.clone());
        }
        self.mail.push(outcome);
    }

    fn acknowledge(&mut self, outcome: &Outcome, value: &Value) {
        let Answer::Done { output } = &outcome.answer else { return };
        let updated = &output.expose()["updated"][0];
        self.written.push(Written {
            secret: updated["secretKey"].as_str().unwrap().to_owned(),
            version: u32::try_from(updated["version"].as_u64().unwrap()).unwrap(),
            value: value.as_str().unwrap_or_default().to_owned(),
        });
    }

    /// Makes a call to an issuer; no outcome where it was refused on this side of the wire.
    pub(crate) fn call(&mut self, assignment: &Assignment) -> Option<Outcome> {
        let policy = Policy::new(false, BTreeMap::new(), Vec::new());
        let snapshot = self.process().store.snapshot();
        let handed = hand_off(assignment.input.expose(), Acting::of(assignment), &snapshot, &policy).ok()?;
        let answer = self.answer_of(assignment, &handed.input);
        Some(Outcome { execution: assignment.execution, run: assignment.run, answer, resolved: handed.resolved })
    }

    fn answer_of(&mut self, assignment: &Assignment, input: &Value) -> Answer {
        self.law(!input.to_string().contains("${workflow.secrets"), || "a reference went out".to_owned());
        let lost = |reason: &str| Answer::Unknown { reason: reason.to_owned() };
        let roll = if self.kind { 19 } else { self.dice.roll(20) };
        if roll == 0 {
            return Answer::NotSent { reason: "connection refused".to_owned() };
        }
        self.reach(assignment);
        match roll {
            1 => response(500, json!({"error": "busy"})),
            2 => lost("read timed out"),
            3 => response(200, json!({"token": ([json!("***"), json!(""), Value::Null][self.dice.roll(3)])})),
            4 => {
                self.mint(assignment);
                lost("connection reset")
            }
            5 => response(200, json!({"other": self.mint(assignment)})),
            _ => response(200, json!({"token": self.mint(assignment)})),
        }
    }

    /// The call reaches its issuer: a call that may replace a token is never repeated by itself, and one that somebody asked
    /// for never overtakes one before it.
    fn reach(&mut self, assignment: &Assignment) {
        let (execution, run) = (assignment.execution, assignment.run);
        let asked = self.released[&(execution, run)];
        let key = (self.root_of(execution), assignment.reference.clone());
        self.say(|| format!("call {} of {execution} {run}", assignment.reference));
        let repeats = assignment.input.expose()["method"] == "GET";
        if let Some(last) = self.issuer.calls.get(&key).and_then(|calls| calls.last()).filter(|_| !repeats) {
            self.law((last.execution, last.run) != (execution, run), || {
                format!("{} of {execution} was called twice for {run}", assignment.reference)
            });
            let live = self.process.as_ref().unwrap().dispatcher.read(last.execution);
            let live = live.or_else(|| self.on_disk(last.execution).map(std::sync::Arc::new));
            let answered = live.is_some_and(|live| live.run(last.run).is_some_and(|run| run.response.is_some()));
            self.law(answered || asked > last.asked, || {
                format!("{} of {execution} was repeated by itself in {run}", assignment.reference)
            });
        }
        self.issuer.calls.entry(key).or_default().push(Call { execution, run, asked });
    }

    fn mint(&mut self, assignment: &Assignment) -> String {
        let secret = assignment.reference.strip_prefix("fetch_").unwrap();
        let token = self.issuer.mint(secret, assignment.execution, assignment.run);
        self.say(|| format!("minted {token}"));
        token
    }
}

fn response(status_code: u16, body: Value) -> Answer {
    Answer::Response(Response {
        status_code,
        reason_phrase: "Reason".to_owned(),
        headers: Payload::new(json!({"content-type": ["application/json"]})),
        body: Payload::new(body),
        raw: None,
        request: "POST http://issuer/token".to_owned(),
    })
}

fn assignment(command: Command) -> Option<Assignment> {
    match command {
        Command::Preflight(assignment) | Command::Perform(assignment) => Some(assignment),
        Command::Offer(_) | Command::Evaluate(_) | Command::Abandon { .. } | Command::Withdraw { .. } => None,
    }
}
