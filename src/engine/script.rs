//! Scripts: the engine asks, the executor evaluates, and the answer is an event like any other.
//!
//! The engine never evaluates a script itself. An operator calls [`Step::ask`]; the question is journaled, owed until it is
//! answered, and its token is the sequence number of the event that asked. The answer comes back to the operator's
//! `answered`. Replay never asks what was answered: the events that followed from the answer are there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::event::{Fact, optional_payload};
use crate::engine::execution::{Execution, Run};
use crate::engine::input::Rejected;
use crate::engine::limits::{PAYLOAD_BYTES, is_too_deep, size_bytes};
use crate::engine::operators;
use crate::engine::plan::{Plan, PlannedTask};
use crate::engine::step::Step;
use crate::words::{ExecutionId, Map, Owner, Payload, RunNumber, WorkflowStatus, journaled};
use crate::workflow::definition::TaskType;
use crate::workflow::expressions::inert;
use crate::workflow::taken::Lent;

/// The language of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Language {
    /// A script whose last value counts; it sees its input as `$`.
    JavaScript,
    /// A jq filter; its input is `.`, and what it gives is the list of all its outputs.
    Jq,
}

/// What is to be evaluated. No `Debug`: it holds what the run took.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Script {
    /// How it is read.
    pub language: Language,
    /// Its text, in stored form: secrets are references.
    pub source: String,
    /// What it sees, in stored form; absent: the input of the run that asks.
    #[serde(default, with = "optional_payload", skip_serializing_if = "Option::is_none")]
    pub input: Option<Payload>,
}

impl Script {
    /// Returns a script over the input of the run that asks, from a text in stored form: what an input held.
    pub fn stored(language: Language, source: &str) -> Self {
        Self { language, source: source.to_owned(), input: None }
    }

    /// Returns a script over the input of the run that asks, from a text that is what it says: a field of the definition.
    pub fn literal(language: Language, source: &str) -> Self {
        let stored = inert(Value::String(source.to_owned()));
        Self::stored(language, stored.as_str().unwrap_or_default())
    }

    /// Returns the script over another input, in stored form.
    pub fn over(self, input: Payload) -> Self {
        Self { input: Some(input), ..self }
    }
}

/// A question that is open.
pub(super) struct Asked {
    /// The sequence number of the event that asked.
    pub(super) token: u64,
    pub(super) script: Script,
}

/// A script that somebody must evaluate.
#[derive(Clone)]
pub struct Question {
    /// The execution that asks.
    pub execution: ExecutionId,
    /// Its run.
    pub run: RunNumber,
    /// The token of the answer.
    pub token: u64,
    /// The definition it belongs to.
    pub plan: Arc<Plan>,
    /// Whose rights count for the secrets that the script names.
    pub owner: Owner,
    /// The definition of the task, where somebody else made it than the owner.
    pub lent: Option<Arc<Lent>>,
    /// How it is read.
    pub language: Language,
    /// Its text, in stored form.
    pub source: String,
    /// What it sees, in stored form.
    pub input: Payload,
}

impl Question {
    /// Returns the name of the workflow.
    pub fn workflow_name(&self) -> &str {
        &self.plan.pinned.workflow.name
    }
}

/// What a script came to.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It gave this.
    Gave(#[serde(with = "journaled")] Payload),
    /// It could not be read, threw, or went over a limit: why, as its language says it.
    Failed(String),
}

/// Returns the question that a run waits for.
pub(super) fn question(execution: &Execution, run: &Run) -> Option<Question> {
    let Asked { token, script } = run.asked.as_deref()?;
    Some(Question {
        execution: execution.id,
        run: run.number,
        token: *token,
        plan: Arc::clone(&execution.plan),
        owner: execution.plan.pinned.owner.clone(),
        lent: execution.planned(run).lent.clone(),
        language: script.language,
        source: script.source.clone(),
        input: input(execution, run, script),
    })
}

/// Returns what a script sees.
fn input(execution: &Execution, run: &Run, script: &Script) -> Payload {
    let input = script.input.clone().unwrap_or_else(|| execution.input(run).into_owned());
    let besides: Map = match execution.planned(run).task.task_type {
        TaskType::HttpPoll => operators::http_poll::seen(execution, run, &script.source),
        _ => operators::do_while::history(execution, run).into_iter().collect(),
    };
    if besides.is_empty() {
        return input;
    }
    let mut input = input.into_value();
    input.as_object_mut().into_iter().for_each(|fields| fields.extend(besides.clone()));
    Payload::new(input)
}

impl Execution {
    /// Returns whether it goes on by itself once a script is answered.
    pub fn awaits_script(&self) -> bool {
        self.index.asking > 0
    }
}

impl Step<'_> {
    /// Has a script evaluated for a run; its operator's `answered` goes on with what it gives.
    pub(super) fn ask(&mut self, run: RunNumber, script: Script) {
        self.emit(Fact::Asked { run, script: Box::new(script) });
    }

    /// Takes the answer to a question. One that is not open any more, and any answer during a pause, changes nothing: what
    /// is open when the pause ends is asked again.
    pub(super) fn evaluated(&mut self, run: RunNumber, token: u64, verdict: Verdict) -> Result<(), Rejected> {
        let found = self.execution.run(run).ok_or(Rejected::UnknownRun(self.id()))?;
        let is_open = found.asked.as_ref().is_some_and(|asked| asked.token == token);
        if !is_open || self.execution.status != WorkflowStatus::Running {
            return Ok(());
        }
        self.emit(Fact::Evaluated { run });
        self.answered(run, within_limits(verdict));
        Ok(())
    }

    /// Ends a run well with what was computed for it. What of it feeds a secret is hidden from every view.
    pub(super) fn complete_computed(&mut self, planned: &PlannedTask, run: RunNumber, output: Value) {
        let mut values = Vec::new();
        operators::update_secret::leaves(&planned.leaves, &output, &mut values);
        self.mask(values);
        self.complete_run(run, Some(Payload::new(output)));
        self.follow(run);
    }

    /// Goes on with the operator that asked.
    fn answered(&mut self, run: RunNumber, verdict: Verdict) {
        let plan = self.plan();
        let planned = self.planned(&plan, run);
        match &planned.task.task_type {
            TaskType::Switch => operators::switch::answered(self, planned, run, verdict),
            TaskType::DoWhile => operators::do_while::answered(self, planned, run, verdict),
            TaskType::Decision => operators::decision::answered(self, planned, run, verdict),
            TaskType::Inline => operators::inline::answered(self, planned, run, verdict),
            TaskType::Lambda => operators::lambda::answered(self, planned, run, verdict),
            TaskType::HttpPoll => operators::http_poll::answered(self, run, verdict),
            TaskType::JsonJqTransform => operators::json_jq_transform::answered(self, planned, run, verdict),
            _ => {}
        }
    }
}

/// Makes what a script gave inert, and refuses what would be too large or too deep to keep.
fn within_limits(verdict: Verdict) -> Verdict {
    let value = match verdict {
        Verdict::Gave(value) => value,
        Verdict::Failed(reason) => return Verdict::Failed(reason),
    };
    if size_bytes(value.expose()) > PAYLOAD_BYTES {
        return Verdict::Failed(format!("the result is over the limit of {PAYLOAD_BYTES} bytes"));
    }
    if is_too_deep(value.expose()) {
        return Verdict::Failed("the result nests too deep".to_owned());
    }
    Verdict::Gave(Payload::new(inert(value.into_value())))
}
