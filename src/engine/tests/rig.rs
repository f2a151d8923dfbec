//! A small driver: starts a definition, plays the world and compares replay with the live state at each step.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::engine::{
    Answer, Command, Event, Execution, Input, Operation, Origin, Others, Outcome, Pinned, Plan, Rejected, Response,
    Run, Start, Turn, WorkerUpdate, commands, next_deadline, outstanding, replay, start, step, view,
};
use crate::words::{ExecutionId, Map, Owner, Payload, RunNumber, Sensitive, TaskStatus, Timestamp, WorkflowStatus};
use crate::workflow::definition::{TaskDef, WorkflowDef};

pub(super) const T0: Timestamp = Timestamp::from_millis(1_795_000_000_000);

pub(super) struct Rig {
    pub(super) execution: Execution,
    pub(super) events: Vec<Event>,
    pub(super) now: Timestamp,
    environment: Map,
    /// What the last step released.
    pub(super) released: Vec<Command>,
    /// The runs whose calls are under way and never cut.
    pub(super) under_way: BTreeSet<RunNumber>,
}

pub(super) fn plan(def: Value, task_defs: Value) -> Arc<Plan> {
    let workflow: WorkflowDef = serde_json::from_value(def).unwrap();
    let task_defs: Vec<TaskDef> = serde_json::from_value(task_defs).unwrap();
    let task_defs: BTreeMap<_, _> = task_defs.into_iter().map(|def| (def.name.clone(), def)).collect();
    Arc::new(Plan::compile(Pinned::new(workflow, task_defs, Owner::Local)).unwrap())
}

pub(super) fn start_of(input: Value) -> Start {
    Start {
        execution: ExecutionId::new(Uuid::from_u128(7)),
        input: input.as_object().unwrap().clone(),
        correlation_id: None,
        priority: 0,
        started_by: "owner".to_owned(),
        slot: None,
        task_to_domain: BTreeMap::new(),
        timeout: None,
        origin: Origin::default(),
    }
}

/// A turn for tests that look at nothing after each step.
pub(super) fn turn() -> Turn<'static> {
    static ENVIRONMENT: std::sync::LazyLock<Map> = std::sync::LazyLock::new(Map::new);
    static UNDER_WAY: std::sync::LazyLock<std::collections::BTreeSet<RunNumber>> =
        std::sync::LazyLock::new(std::collections::BTreeSet::new);
    let store_retry = Duration::from_hours(72);
    Turn {
        now: T0,
        environment: &ENVIRONMENT,
        store_retry,
        may_start: true,
        under_way: &UNDER_WAY,
        others: Others::NONE,
    }
}

impl Rig {
    pub(super) fn new(tasks: Value) -> Self {
        Self::of(json!({"name": "w", "tasks": tasks}), json!([]), json!({}))
    }

    pub(super) fn of(def: Value, task_defs: Value, input: Value) -> Self {
        Self::started(plan(def, task_defs), start_of(input))
    }

    pub(super) fn started(plan: Arc<Plan>, begin: Start) -> Self {
        let environment = Map::from_iter([("region".to_owned(), json!("eu-1"))]);
        let turn = Turn {
            now: T0,
            environment: &environment,
            store_retry: Duration::from_hours(72),
            may_start: true,
            under_way: &BTreeSet::new(),
            others: Others::NONE,
        };
        let (execution, events) = start(plan, begin, &turn);
        let released = commands(&execution, &events);
        let rig = Self { execution, events, now: T0, environment, released, under_way: BTreeSet::new() };
        rig.check();
        rig
    }

    pub(super) fn step(&mut self, input: Input) -> Result<usize, Rejected> {
        let turn = Turn {
            now: self.now,
            environment: &self.environment,
            store_retry: Duration::from_hours(72),
            may_start: true,
            under_way: &self.under_way,
            others: Others::NONE,
        };
        let events = step(&mut self.execution, input, &turn)?;
        self.released = commands(&self.execution, &events);
        let count = events.len();
        self.events.extend(events);
        self.check();
        Ok(count)
    }

    /// Everything that holds after every step.
    fn check(&self) {
        let json = serde_json::to_vec(&self.events).unwrap();
        let events: Vec<Event> = serde_json::from_slice(&json).unwrap();
        let again = replay(self.execution.id, Arc::clone(&self.execution.plan), events).ok().unwrap();
        assert_eq!(dump(&again), dump(&self.execution));
        let owed: Vec<_> = outstanding(&self.execution).iter().map(name).collect();
        for command in self.released.iter().filter(|command| !is_taking_back(command)) {
            assert!(owed.contains(&name(command)), "{} is not outstanding: {owed:?}", name(command));
        }
        if !self.execution.is_live() {
            assert!(owed.is_empty(), "an ended execution owes {owed:?}");
            assert_eq!(next_deadline(&self.execution), None);
        }
    }

    pub(super) fn answer(&mut self, run: u32, answer: Answer) -> usize {
        self.answer_with(run, answer, &[])
    }

    pub(super) fn answer_with(&mut self, run: u32, answer: Answer, resolved: &[&str]) -> usize {
        let resolved = resolved.iter().map(|value| Sensitive::new(*value)).collect();
        let outcome = Outcome { execution: self.execution.id, run: RunNumber(run), answer, resolved };
        self.step(Input::Outcome(outcome)).unwrap()
    }

    pub(super) fn poll(&mut self, run: u32) -> usize {
        self.step(Input::Polled { run: RunNumber(run), worker_id: Some("worker".to_owned()) }).unwrap()
    }

    pub(super) fn update(&mut self, run: u32, status: TaskStatus, output: Value) -> usize {
        self.update_with(run, status, output, None, 0)
    }

    pub(super) fn update_with(
        &mut self,
        run: u32,
        status: TaskStatus,
        output: Value,
        reason: Option<&str>,
        callback_after_seconds: i64,
    ) -> usize {
        let update = WorkerUpdate {
            status,
            output: Payload::new(output),
            reason: reason.map(ToOwned::to_owned),
            callback_after_seconds,
            worker_id: None,
        };
        self.step(Input::Updated { run: RunNumber(run), update }).unwrap()
    }

    /// Polls for a run and reports on it.
    pub(super) fn work(&mut self, run: u32, status: TaskStatus, output: Value) {
        assert!(self.poll(run) > 0, "run {run} is not offered");
        self.update(run, status, output);
    }

    pub(super) fn operate(&mut self, operation: Operation) -> Result<usize, Rejected> {
        self.step(Input::Operation(operation))
    }

    pub(super) fn advance(&mut self, seconds: u64) -> usize {
        self.now = self.now.plus(Duration::from_secs(seconds));
        self.step(Input::Tick).unwrap()
    }

    /// The process ends and another replays what is on disk.
    pub(super) fn crash(&mut self) {
        let events = self.events.clone();
        self.execution = replay(self.execution.id, Arc::clone(&self.execution.plan), events).ok().unwrap();
        self.step(Input::Recovered).unwrap();
    }

    pub(super) fn run(&self, run: u32) -> &Run {
        self.execution.run(RunNumber(run)).unwrap()
    }

    pub(super) fn status(&self) -> WorkflowStatus {
        self.execution.status
    }

    /// The tasks in the order of scheduling, as `reference status`.
    pub(super) fn tasks(&self) -> Vec<String> {
        let line = |run: &Run| format!("{} {}", self.execution.reference(run), run.status);
        self.execution.shown_runs().map(line).collect()
    }

    pub(super) fn owed(&self) -> Vec<String> {
        outstanding(&self.execution).iter().map(name).collect()
    }

    pub(super) fn released(&self) -> Vec<String> {
        self.released.iter().map(name).collect()
    }

    pub(super) fn output(&self) -> &Value {
        self.execution.output.expose()
    }

    pub(super) fn json(&self) -> Value {
        view::workflow_json(&self.execution, true)
    }

    pub(super) fn reason(&self) -> &str {
        self.execution.reason.as_deref().unwrap_or_default()
    }
}

pub(super) fn response(status_code: u16, body: Value) -> Answer {
    Answer::Response(Response {
        status_code,
        reason_phrase: if status_code == 200 { "OK" } else { "Unauthorized" }.to_owned(),
        headers: Payload::new(json!({"content-type": ["application/json"]})),
        body: Payload::new(body),
        raw: None,
        request: "POST http://issuer/api/token".to_owned(),
    })
}

pub(super) fn done() -> Answer {
    Answer::Done { output: Payload::empty() }
}

pub(super) fn failed(reason: &str, terminal: bool) -> Answer {
    Answer::Failed { reason: reason.to_owned(), terminal }
}

pub(super) fn trouble() -> Answer {
    Answer::Trouble { reason: "the store is busy".to_owned() }
}

pub(super) fn unknown() -> Answer {
    Answer::Unknown { reason: "read timed out".to_owned() }
}

fn is_taking_back(command: &Command) -> bool {
    matches!(command, Command::Abandon { .. } | Command::Withdraw { .. })
}

pub(super) fn name(command: &Command) -> String {
    match command {
        Command::Preflight(work) => format!("preflight {}", work.run),
        Command::Perform(work) => format!("perform {}", work.run),
        Command::Offer(offer) => format!("offer {} {}", offer.run, offer.queue),
        Command::Evaluate(question) => format!("evaluate {} {}", question.run, question.token),
        Command::Abandon { run, .. } => format!("abandon {run}"),
        Command::Withdraw { run, .. } => format!("withdraw {run}"),
    }
}

/// The whole state as text.
pub(super) fn dump(execution: &Execution) -> String {
    let index = &execution.index;
    let masks: Vec<_> = execution.masks.iter().map(Sensitive::expose).collect();
    let mut text = format!(
        "{} seq {} deadline {:?} overdue {} dismissed {} held {:?} masks {masks:?}\nopen {:?}\nlatest {:?}\ntimers {:?}\n\
         again {:?}\njoins {:?}\nscheduled {} permitted {} \
         forked {} bytes {} made {:?} tasks {}\nidle {:?} frames {:?}\n",
        view::workflow_json(execution, true),
        execution.seq,
        execution.deadline,
        execution.overdue,
        execution.dismissed,
        execution.held,
        index.open,
        index.latest,
        index.timers,
        index.again,
        index.joins,
        index.scheduled,
        index.permitted,
        index.forked,
        index.bytes,
        execution.made,
        execution.plan.len(),
        index.idle,
        index.frames,
    );
    for run in &execution.runs {
        let _ = writeln!(
            text,
            "{} wake {:?} limits {:?} {:?} {:?} offered {} gone {} response {} stored {} doubt {} late {} trouble {} {:?} \
             permitted {} overdue {} output {} input {} asked {:?} task {:?} scope {:?} frame {:?} {} first {:?} pins {:?}",
            run.number,
            run.wake,
            run.time_limit,
            run.silence_limit,
            run.total_limit,
            run.offered,
            run.gone,
            run.response.is_some(),
            run.stored,
            run.in_doubt,
            run.answered_late,
            run.troubles,
            run.trouble,
            run.permitted,
            run.overdue,
            run.output.expose(),
            run.input.expose(),
            run.asked.as_ref().map(|asked| asked.token),
            run.task,
            run.scope,
            run.frame,
            run.earlier,
            run.looping.as_ref().map(|looping| looping.first),
            run.pins,
        );
    }
    text
}
