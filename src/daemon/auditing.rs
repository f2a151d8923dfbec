//! What the audit says of executions: which secrets their work is about to use, what came of it, who started them.
//!
//! What is asked is written in the commit that releases the work, so it costs no further one. Whether a run may use a secret
//! is decided in `executor`, at the moment of use; a refusal is written in the commit that takes its answer.

use serde_json::Value;

use crate::daemon::library::Asking;
use crate::engine::{Answer, Command, Execution, Outcome, Verdict as Evaluated};
use crate::executor::{NotAvailable, may_not_update};
use crate::journal::{Action, Actor, ActorKind, Entry, Object, ObjectKind, RunOf, Verdict};
use crate::words::{ExecutionId, Owner, RunNumber, Timestamp};
use crate::workflow::definition::TaskType;
use crate::workflow::expressions;

/// Tells the fingerprint of the version of a secret before another one.
pub(super) type Before<'a> = &'a dyn Fn(&str, u32) -> Option<String>;

/// Returns what a command is about to do with secrets.
pub(super) fn asked(command: &Command, now: Timestamp) -> Vec<Entry> {
    match command {
        Command::Perform(work) => {
            let run = RunOf {
                task: Some(work.reference.clone()),
                ..run_of(work.execution, work.workflow_name(), &work.owner)
            };
            let run = RunOf { version: Some(work.plan.pinned.workflow.version), ..run };
            let input = work.input.expose();
            let reads = read_by(input).into_iter().map(|name| (Action::Read, name));
            let writes = written_by(work.task_type(), input).into_iter().map(|name| (Action::Write, name));
            reads.chain(writes).map(|(action, name)| entry(now, action, &name, &run).with(Verdict::Asked)).collect()
        }
        Command::Evaluate(question) => {
            let run = run_of(question.execution, question.workflow_name(), &question.owner);
            let mut names = read_by(question.input.expose());
            names.extend(read_by(&Value::String(question.source.clone())));
            names.sort_unstable();
            names.dedup();
            names.iter().map(|name| entry(now, Action::Read, name, &run).with(Verdict::Asked)).collect()
        }
        // Nothing of a secret is in them: a worker gets it by its poll, a preflight looks at the disk.
        Command::Preflight(_) | Command::Offer(_) | Command::Abandon { .. } | Command::Withdraw { .. } => Vec::new(),
    }
}

/// Returns what an answer says of secrets: what was written, or what was refused.
pub(super) fn answered(execution: &Execution, outcome: &Outcome, before: Before<'_>, now: Timestamp) -> Vec<Entry> {
    let Some(run) = execution.run(outcome.run) else { return Vec::new() };
    let pinned = &execution.plan.pinned;
    let task_type = &execution.planned(run).task.task_type;
    let of = RunOf {
        version: Some(pinned.workflow.version),
        task: Some(execution.reference(run).into_owned()),
        ..run_of(execution.id, execution.name(), &pinned.owner)
    };
    let refused = |reason: &str| {
        let input = execution.input(run);
        let lent = execution.planned(run).lent.as_deref();
        let unread = |name: &String| {
            *reason == NotAvailable::missing(name, execution.name()).to_string()
                || lent.is_some_and(|lent| *reason == NotAvailable::lent(name, lent).to_string())
        };
        let unwritten = |name: &String| *reason == may_not_update(&pinned.owner, name);
        let reads = read_by(input.expose()).into_iter().filter(unread).map(|name| (Action::Read, name));
        let writes = written_by(task_type, input.expose()).into_iter().filter(unwritten);
        let all = reads.chain(writes.map(|name| (Action::Write, name)));
        all.map(|(action, name)| entry(now, action, &name, &of).with(Verdict::Denied)).collect()
    };
    match &outcome.answer {
        Answer::Done { output } if *task_type == TaskType::UpdateSecret => {
            let updated = output.expose()["updated"].as_array();
            updated.into_iter().flatten().filter_map(|secret| written(now, secret, &of, before)).collect()
        }
        Answer::Failed { reason, .. } | Answer::Evaluated { verdict: Evaluated::Failed(reason), .. } => refused(reason),
        Answer::Done { .. }
        | Answer::Ready
        | Answer::Response(_)
        | Answer::NotSent { .. }
        | Answer::Unknown { .. }
        | Answer::Evaluated { .. }
        | Answer::Trouble { .. } => Vec::new(),
    }
}

/// Returns the entry of a start; `from` is where it was asked from.
pub(super) fn started(execution: &Execution, from: Option<&str>, now: Timestamp) -> Entry {
    let (kind, name) = match execution.started_by.split_once(':') {
        Some(("app", name)) => (ActorKind::App, name),
        Some(("file", name)) => (ActorKind::File, name),
        Some(("schedule", name)) => (ActorKind::Schedule, name),
        Some(("workflow", name)) => (ActorKind::Workflow, name),
        Some(("event", name)) => (ActorKind::Event, name),
        Some(_) | None => (ActorKind::Owner, execution.started_by.as_str()),
    };
    let asks = matches!(kind, ActorKind::App | ActorKind::Owner);
    let actor = Actor { address: from.filter(|_| asks).map(str::to_owned), ..Actor::new(kind, name) };
    let pinned = &execution.plan.pinned;
    let run =
        RunOf { version: Some(pinned.workflow.version), ..run_of(execution.id, &pinned.workflow.name, &pinned.owner) };
    Entry::new(now, actor, Action::Start, Object::new(ObjectKind::Workflow, &pinned.workflow.name)).about(run)
}

/// Returns the entry of a report that a task of an execution makes, or a handler of events.
pub(super) fn reported(asking: Asking<'_>, id: ExecutionId, action: Action, detail: &str, now: Timestamp) -> Entry {
    let actor = match asking.workflow {
        Some(workflow) => Actor::new(ActorKind::Workflow, workflow),
        None => Actor::new(ActorKind::Event, &asking.owner.to_string()),
    };
    Entry::new(now, actor, action, Object::new(ObjectKind::Workflow, "")).detailed(detail).about(RunOf::id(id))
}

/// Fills in what an entry about an execution does not know of it.
///
/// `reported` is the run that it is about, where somebody says what came of one.
pub(super) fn fill(entry: &mut Entry, execution: &Execution, reported: Option<RunNumber>) {
    let reported = reported.and_then(|number| execution.run(number));
    if let Some(run) = entry.run.as_mut().filter(|run| run.id == execution.id) {
        run.workflow.get_or_insert_with(|| execution.name().to_owned());
        run.version.get_or_insert(execution.plan.pinned.workflow.version);
        run.owner.get_or_insert_with(|| execution.plan.pinned.owner.to_string());
        if let Some(reported) = reported {
            run.task = Some(execution.reference(reported).into_owned());
        }
        if entry.object.kind == ObjectKind::Workflow && entry.object.name.is_empty() {
            entry.object = Object::new(ObjectKind::Workflow, execution.name());
        }
    }
}

fn written(now: Timestamp, secret: &Value, run: &RunOf, before: Before<'_>) -> Option<Entry> {
    let name = secret["secretKey"].as_str()?;
    let version = secret["version"].as_u64().and_then(|version| u32::try_from(version).ok());
    let new = secret["fingerprint"].as_str().map(str::to_owned);
    let old = version.and_then(|version| before(name, version));
    Some(Entry { version, old, new, ..entry(now, Action::Write, name, run) })
}

fn entry(now: Timestamp, action: Action, secret: &str, run: &RunOf) -> Entry {
    let workflow = run.workflow.as_deref().unwrap_or_default();
    Entry::new(now, Actor::new(ActorKind::Workflow, workflow), action, Object::secret(secret)).about(run.clone())
}

fn run_of(id: ExecutionId, workflow: &str, owner: &Owner) -> RunOf {
    RunOf { workflow: Some(workflow.to_owned()), owner: Some(owner.to_string()), ..RunOf::id(id) }
}

/// Returns the secrets that stored data names, each once.
fn read_by(input: &Value) -> Vec<String> {
    let mut names: Vec<_> = expressions::references(input).into_iter().map(|reference| reference.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the secrets that a task writes, as far as its input names them; one that is named by a secret is known with the
/// answer only.
fn written_by(task_type: &TaskType, input: &Value) -> Vec<String> {
    if *task_type != TaskType::UpdateSecret {
        return Vec::new();
    }
    let pairs = match &input["_secrets"] {
        Value::Array(pairs) => pairs.as_slice(),
        one => std::slice::from_ref(one),
    };
    pairs.iter().filter_map(|pair| pair["secretKey"].as_str()).map(str::to_owned).collect()
}
