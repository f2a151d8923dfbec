//! Scripts are evaluated in child processes of this program, which have nothing: no identity, no environment, no network,
//! no files, and hard limits.
//!
//! # Theory of operation
//!
//! A few threads hold a child each. A child is this program again, started with a private argument at the first question
//! and let go when nothing was asked for a while. It gets a script and its input over a pipe, evaluates the script in a fresh
//! interpreter and says what it came to. It stops a script that goes over a limit by itself where it can; where it cannot,
//! its parent kills it and starts another. What it may do is set before it reads the first byte (`evaluator`).
//!
//! **Architecture Invariant:** no script is evaluated in a process that knows a key. Secrets that a script's input names are
//! resolved just before it is sent, with the rights of the definition's owner, and they and what the script makes of them
//! are masked.

mod bench;
mod child;
mod evaluator;
mod frame;
mod javascript;
mod jq;
mod jq_error;
mod jq_updates;
mod limits;
mod numbers;
mod queue;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::engine::{Answer, Outcome, Question, Verdict};
use crate::executor::Tools;
use crate::executor::secrets::{self, Handed, NotAvailable};
use crate::words::{Payload, Sensitive};
use crate::workflow::expressions::{references, shown};
pub use bench::Bench;
use child::Child;
pub use evaluator::serve;
use frame::{Head, Said};
pub use limits::Limits;
use queue::{Next, Queue};

/// The argument that makes this program evaluate scripts and nothing else.
pub const ARGUMENT: &str = "--evaluate-scripts-for-the-parent-process";

/// How many children there are at least, so that one script that takes its time does not hold up the others.
const CHILDREN_MIN: usize = 2;
/// How many children there are at most: scripts are short, and each child is a process.
const CHILDREN_MAX: usize = 4;
/// How long a child stays that nobody asks.
const IDLE: Duration = Duration::from_secs(30);
/// How often a child is started that does not start, and how long the first pause between is; it doubles.
const STARTS_MAX: u32 = 5;
const START_PAUSE: Duration = Duration::from_millis(100);

/// How many values of a result are masked: views look for each of them in all that they show.
const LEAVES_MAX: usize = 1_000;
/// What is shorter is masked by structure only.
const MASKED_BYTES_MIN: usize = 4;

/// Where scripts are evaluated.
#[derive(Clone)]
pub struct Evaluator {
    /// This program.
    pub program: PathBuf,
    /// What each script may use.
    pub limits: Limits,
}

impl Evaluator {
    /// Returns the evaluator that is some program of ours.
    pub fn of(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), limits: Limits::default() }
    }

    /// Returns the evaluator that is this program: the very file that runs, also where another has taken its place since.
    pub fn this_program() -> Self {
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("keytide"));
        Self::of(if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { program })
    }
}

/// The threads that have scripts evaluated; they end, and their children with them, when this is dropped.
pub(super) struct Scripts {
    queue: Arc<Queue>,
}

impl Scripts {
    pub(super) fn start(tools: &Arc<Tools>) -> std::io::Result<Self> {
        let children = thread::available_parallelism().map_or(CHILDREN_MIN, usize::from);
        let children = children.clamp(CHILDREN_MIN, CHILDREN_MAX);
        let queue = Arc::new(Queue::new(children));
        let scripts = Self { queue };
        for _ in 0..children {
            let (tools, queue) = (tools.clone(), scripts.queue.clone());
            thread::Builder::new().name("scripts".to_owned()).spawn(move || work(&tools, &queue))?;
        }
        Ok(scripts)
    }

    /// Has a script evaluated; its answer comes as every other.
    pub(super) fn evaluate(&self, question: Box<Question>) {
        self.queue.push(question);
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        self.queue.close();
    }
}

fn work(tools: &Tools, queue: &Queue) {
    let mut child = None;
    loop {
        // Who has no child has nothing to let go of.
        match queue.next(child.as_ref().map(|_| IDLE)) {
            Next::Question(question) => {
                let outcome = answer(tools, &question, &mut child);
                queue.done(question.execution);
                (tools.deliver)(outcome);
            }
            Next::Nothing => child = None,
            Next::Closed => return,
        }
    }
}

/// Answers a question, whatever happens: its run must not wait for ever.
fn answer(tools: &Tools, question: &Question, child: &mut Option<Child>) -> Outcome {
    if let Some(reason) = tools.authority.policy().security_error(&question.owner) {
        return outcome(question, Verdict::Failed(reason), Vec::new());
    }
    let hand_off = |value: &Value| {
        secrets::hand_off(value, secrets::Acting::asking(question), &tools.snapshot(), &tools.authority.policy())
    };
    let answered = catch_unwind(AssertUnwindSafe(|| evaluated(&tools.evaluator, question, child, &hand_off)));
    answered.unwrap_or_else(|_| {
        *child = None;
        let reason = "keytide failed at the script; its log says where".to_owned();
        outcome(question, Verdict::Failed(reason), Vec::new())
    })
}

/// Puts the values of secrets into something.
type HandOff<'a> = &'a dyn Fn(&Value) -> Result<Handed, NotAvailable>;

fn evaluated(evaluator: &Evaluator, question: &Question, child: &mut Option<Child>, hand_off: HandOff<'_>) -> Outcome {
    let mut resolved = Vec::new();
    let verdict = match handed(question, hand_off, &mut resolved) {
        Ok((source, input)) => {
            let head = Head { language: question.language, source, limits: evaluator.limits };
            said(ask(evaluator, child, &head, &input))
        }
        Err(reason) => Verdict::Failed(reason),
    };
    let verdict = if resolved.is_empty() { verdict } else { masked(verdict, &mut resolved) };
    outcome(question, verdict, resolved)
}

fn outcome(question: &Question, verdict: Verdict, resolved: Vec<Sensitive>) -> Outcome {
    let Question { execution, run, token, .. } = *question;
    Outcome { execution, run, answer: Answer::Evaluated { token, verdict }, resolved }
}

/// Returns the script and its input as they are, with the values of the secrets that they name.
fn handed(
    question: &Question,
    hand_off: HandOff<'_>,
    resolved: &mut Vec<Sensitive>,
) -> Result<(String, String), String> {
    let source = Value::String(question.source.clone());
    let mut real = |value: &Value| {
        if references(value).is_empty() {
            return Ok(shown(value).into_owned());
        }
        let handed = hand_off(value).map_err(|missing| missing.to_string())?;
        resolved.extend(handed.resolved);
        Ok::<_, String>(handed.input)
    };
    let source = real(&source)?;
    let input = real(question.input.expose())?;
    Ok((source.as_str().unwrap_or_default().to_owned(), input.to_string()))
}

/// Asks a child, a new one where there is none.
fn ask(evaluator: &Evaluator, child: &mut Option<Child>, head: &Head, input: &str) -> Result<Said, String> {
    let mut asked = match child.take().filter(|child| !child.is_worn()) {
        Some(child) => child,
        None => start(evaluator)?,
    };
    let said = asked.ask(head, input)?;
    *child = Some(asked);
    Ok(said)
}

/// Starts a child. Where the machine is short of something, that may pass.
fn start(evaluator: &Evaluator) -> Result<Child, String> {
    let mut pause = START_PAUSE;
    let mut starts = 1;
    loop {
        match Child::start(&evaluator.program) {
            Ok(child) => return Ok(child),
            Err(error) if starts >= STARTS_MAX => {
                return Err(format!("the process that evaluates scripts does not start: {error}"));
            }
            Err(error) => tracing::warn!(%error, "the process that evaluates scripts does not start yet"),
        }
        thread::sleep(pause);
        pause *= 2;
        starts += 1;
    }
}

/// Evaluates a script where it is asked for: for tests of what scripts come to, with scripts that are known.
#[cfg(test)]
pub(crate) fn in_this_process(question: &Question) -> Verdict {
    let input = shown(question.input.expose()).to_string();
    let source = shown(&Value::String(question.source.clone())).as_str().unwrap_or_default().to_owned();
    let head = Head { language: question.language, source, limits: Limits::default() };
    said(Ok(evaluator::evaluate(&head, &input)))
}

fn said(said: Result<Said, String>) -> Verdict {
    match said {
        Ok(Said::Gave(text)) => match serde_json::from_str(&text) {
            Ok(value) => Verdict::Gave(Payload::new(value)),
            Err(_) => Verdict::Failed("the result of the script nests too deep".to_owned()),
        },
        Ok(Said::Failed(reason)) | Err(reason) => Verdict::Failed(reason),
    }
}

/// Has all that a script made of secrets masked: it may be one in another shape.
fn masked(verdict: Verdict, resolved: &mut Vec<Sensitive>) -> Verdict {
    let mut found = Vec::new();
    if let Verdict::Gave(value) = &verdict {
        leaves(value.expose(), &mut found);
    }
    if found.len() > LEAVES_MAX {
        return Verdict::Failed(format!(
            "a script that sees secrets may give at most {LEAVES_MAX} texts and numbers, so that each can be masked: it gave {}",
            found.len()
        ));
    }
    resolved.extend(found);
    verdict
}

/// Collects the texts and numbers of a result that are long enough to be masked by value.
fn leaves(value: &Value, found: &mut Vec<Sensitive>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => leaves(&Value::String(number.to_string()), found),
        Value::String(text) if text.len() < MASKED_BYTES_MIN => {}
        Value::String(text) => found.push(Sensitive::new(text)),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(fields) => fields.values().for_each(|value| leaves(value, found)),
    }
}
