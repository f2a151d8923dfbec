//! Conditions of event handlers: which handlers act on an event that a task tells.
//!
//! A condition is a script, so it is asked for like any other and its answer comes later. The task that tells the event waits
//! for all of them, and then all handlers act in one transaction. Nothing of it is kept: after a crash the task still waits,
//! and its event is told from the beginning.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::catalog::Owned;
use crate::engine::{Execution, Language, Question, Script, Verdict, holds};
use crate::words::{ExecutionId, Map, Payload, RunNumber};
use crate::workflow::definition::{Condition, EventHandler};
use crate::workflow::expressions::{inert, shown};

/// The tokens of these questions are from here on; the engine's are sequence numbers of events.
const FIRST_TOKEN: u64 = 1 << 63;

/// The events that wait for conditions.
#[derive(Default)]
pub(super) struct Conditions {
    telling: HashMap<(ExecutionId, RunNumber), Telling>,
    asked: u64,
}

/// One event that waits, by the conditions of its handlers.
#[derive(Default)]
struct Telling {
    open: HashMap<u64, String>,
    known: HashMap<String, bool>,
}

/// What is known of the handlers of an event.
pub(super) enum Known {
    /// These act.
    All(Vec<Arc<Owned<EventHandler>>>),
    /// This must be answered first.
    Asked(Vec<Question>),
}

impl Conditions {
    /// Returns which of the handlers act on an event, or what must be evaluated before anybody knows.
    pub(super) fn acting(
        &mut self,
        execution: &Execution,
        run: RunNumber,
        handlers: Vec<Arc<Owned<EventHandler>>>,
        event: &Value,
    ) -> Known {
        let place = (execution.id, run);
        let telling = self.telling.entry(place).or_default();
        let (mut acting, mut asked) = (Vec::new(), Vec::new());
        for handler in handlers {
            let acts = match handler.def.condition() {
                Condition::Always => true,
                Condition::Never => false,
                Condition::Field(name) => event.get(name).is_some_and(|value| holds(&shown(value))),
                Condition::Script(script) => telling.known.get(script).copied().unwrap_or_else(|| {
                    if !telling.open.values().any(|open| open == script) {
                        let token = FIRST_TOKEN + self.asked;
                        self.asked += 1;
                        telling.open.insert(token, script.to_owned());
                        asked.push(question(execution, run, token, &handler, script, event));
                    }
                    false
                }),
            };
            if acts {
                acting.push(handler);
            }
        }
        if !telling.open.is_empty() {
            return Known::Asked(asked);
        }
        self.telling.remove(&place);
        Known::All(acting)
    }

    /// Takes the answer to a condition; returns whether the event waits for no other one. One that nobody waits for any more
    /// changes nothing.
    pub(super) fn answered(&mut self, execution: ExecutionId, run: RunNumber, token: u64, verdict: &Verdict) -> bool {
        let Some(telling) = self.telling.get_mut(&(execution, run)) else { return false };
        let Some(script) = telling.open.remove(&token) else { return false };
        let acts = match verdict {
            Verdict::Gave(value) => holds(value.expose()),
            Verdict::Failed(reason) => {
                tracing::error!(
                    condition = script,
                    reason,
                    "a condition of an event handler fails, so it does not act"
                );
                false
            }
        };
        telling.known.insert(script, acts);
        telling.open.is_empty()
    }

    /// Forgets what an execution waits for: it ended, or it is taken back and tells its events anew.
    pub(super) fn forget(&mut self, execution: ExecutionId) {
        if !self.telling.is_empty() {
            self.telling.retain(|(id, _), _| *id != execution);
        }
    }

    /// Forgets the event of a run that tells it no more.
    pub(super) fn forget_run(&mut self, execution: ExecutionId, run: RunNumber) {
        self.telling.remove(&(execution, run));
    }

    /// Returns whether an answer is one to a condition.
    pub(super) const fn is_meant(token: u64) -> bool {
        token >= FIRST_TOKEN
    }
}

fn question(
    execution: &Execution,
    run: RunNumber,
    token: u64,
    handler: &Owned<EventHandler>,
    script: &str,
    event: &Value,
) -> Question {
    let Script { language, source, .. } = Script::literal(Language::JavaScript, script);
    Question {
        execution: execution.id,
        run,
        token,
        plan: Arc::clone(&execution.plan),
        owner: handler.owner.clone(),
        lent: None,
        language,
        source,
        input: Payload::new(event.clone()),
    }
}

/// Returns an event as its handlers see it, which is data: texts that are JSON are read as such where they are to be.
pub(super) fn event_of(payload: &Map, reads_texts: bool) -> Value {
    let mut event = Value::Object(payload.clone());
    if reads_texts {
        expand(&mut event);
    }
    event
}

/// Reads texts that are JSON as such, at every depth.
fn expand(value: &mut Value) {
    match value {
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            if let Ok(read) = serde_json::from_str::<Value>(text) {
                *value = inert(read);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(expand),
        Value::Object(fields) => fields.values_mut().for_each(expand),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
