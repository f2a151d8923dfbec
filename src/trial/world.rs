//! The world around one process: it answers what the process asks, and passes the time until something is due.

mod work;
mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::call::Call;
use super::life::{Life, Machine};
use super::mocks::Mocks;
use super::unknown::Unknowns;
use super::{Deaths, Error, Ground, Manner, Played};
use crate::clock::{Clock, SystemClock};
use crate::daemon::{Dispatcher, Message, Polled, Queue};
use crate::engine::{Command, Execution, Input, Origin, Outcome, Plan, Start, WorkerUpdate, view};
use crate::executor::preflight;
use crate::executor::script::Bench;
use crate::redact::Masker;
use crate::words::{ExecutionId, RunNumber, Sensitive, Timestamp};
use crate::workflow::definition::{Mock, WorkflowTest};

/// What time it is where the test does not say: noon of the first of January 2026, in UTC.
const NOON: Timestamp = Timestamp::from_millis(1_767_268_800_000);
/// How many turns a workflow gets: Conductor gives a test as many.
const TURNS_MAX: usize = 20_000;

/// Something that is under way to the process.
struct Mail {
    at: Timestamp,
    what: What,
}

enum What {
    /// The answer to a call.
    Call(Outcome),
    /// What the executor says: it is asked again after a crash.
    Work(Outcome),
    /// What a worker reports: it comes also after a crash.
    Report(ExecutionId, RunNumber, Box<WorkerUpdate>),
}

pub(super) struct World<'t> {
    ground: &'t Ground,
    manner: Manner,
    plan: Arc<Plan>,
    machine: Machine,
    life: Option<Life>,
    bench: Bench,
    mocks: Mocks<'t>,
    unknowns: Unknowns,
    root: ExecutionId,
    begun: Timestamp,
    versions: BTreeMap<String, u32>,
    inbox: Vec<Message>,
    mail: Vec<Mail>,
    polls: Vec<(Queue, oneshot::Receiver<Vec<Polled>>)>,
    /// The executions that have ended.
    ended: BTreeMap<ExecutionId, Arc<Execution>>,
    /// The references of the tasks that started each execution, from the top.
    paths: BTreeMap<ExecutionId, Vec<String>>,
    reported: BTreeSet<(ExecutionId, RunNumber)>,
    /// The tasks after whose write of the store the process died.
    stored: BTreeSet<(ExecutionId, RunNumber)>,
    calls: Vec<Call>,
    /// The tasks whose outputs nobody said.
    guessed: BTreeSet<String>,
    /// At how many points the process might have died so far, or did.
    points: usize,
    /// What was open where it died last.
    died_at: Option<String>,
}

impl<'t> World<'t> {
    pub(super) fn new(
        test: &'t WorkflowTest,
        plan: Arc<Plan>,
        ground: &'t Ground,
        manner: Manner,
    ) -> Result<Self, Error> {
        let begun = test.now.as_deref().and_then(Timestamp::parse).unwrap_or(NOON);
        let machine = Machine::new(test, ground, begun)?;
        let life = machine.start()?;
        let versions = versions(&life);
        let root = ExecutionId::of_slot("trial", &plan.pinned.workflow.name, begun);
        let start = Start {
            execution: root,
            input: test.input.clone(),
            correlation_id: test.correlation_id.clone(),
            priority: test.priority.unwrap_or(0),
            started_by: "test".to_owned(),
            slot: None,
            task_to_domain: BTreeMap::new(),
            timeout: None,
            origin: Origin::default(),
        };
        let message = Message::Start { plan: plan.clone(), start: Box::new(start), reply: oneshot::channel().0 };
        Ok(Self {
            ground,
            manner,
            machine,
            life: Some(life),
            bench: Bench::new(ground.evaluator.clone()),
            mocks: Mocks::new(test),
            unknowns: Unknowns::default(),
            root,
            begun,
            versions,
            plan,
            inbox: vec![message],
            mail: Vec::new(),
            polls: Vec::new(),
            ended: BTreeMap::new(),
            paths: BTreeMap::new(),
            reported: BTreeSet::new(),
            stored: BTreeSet::new(),
            calls: Vec::new(),
            guessed: BTreeSet::new(),
            points: 0,
            died_at: None,
        })
    }

    pub(super) fn play(&mut self) -> Result<Played, Error> {
        for _ in 0..TURNS_MAX {
            self.turn()?;
            if self.is_over() {
                return self.played();
            }
            self.pass_time()?;
            if self.ground.until.is_some_and(|until| SystemClock.now() > until) {
                return Err(Error::TooSlow);
            }
        }
        Err(Error::TooLong(TURNS_MAX))
    }

    fn life(&self) -> &Life {
        self.life.as_ref().expect("a process that dies is followed by another at once")
    }

    fn now(&self) -> Timestamp {
        self.machine.clock.now()
    }

    fn is_over(&self) -> bool {
        self.inbox.is_empty() && self.mail.is_empty() && self.life().dispatcher.live_count() == 0
    }

    fn turn(&mut self) -> Result<(), Error> {
        let (messages, now) = (std::mem::take(&mut self.inbox), self.now());
        let mut commands = self.with_life(|life, look| life.turn(messages, now, look))?;
        if self.may_die(&commands) && self.dies() {
            commands = self.crash()?;
        }
        while self.serve(commands)? {
            commands = self.crash()?;
        }
        self.hear_workers()?;
        self.report()
    }

    /// Has the process do something, and looks at what it has come to.
    fn with_life(
        &mut self,
        does: impl FnOnce(&mut Life, &mut dyn FnMut(&Dispatcher)) -> Result<Vec<Command>, Error>,
    ) -> Result<Vec<Command>, Error> {
        let (ended, paths) = (&mut self.ended, &mut self.paths);
        let mut look = |dispatcher: &Dispatcher| {
            for execution in dispatcher.executions() {
                if !paths.contains_key(&execution.id) {
                    let path = path_to(execution, paths, &|id| dispatcher.read(id));
                    paths.insert(execution.id, path);
                }
                if execution.status.is_terminal() {
                    ended.extend(dispatcher.read(execution.id).map(|execution| (execution.id, execution)));
                }
            }
        };
        does(self.life.as_mut().expect("a process that dies is followed by another at once"), &mut look)
    }

    /// A call that is on the wire when the process dies is in doubt ever after.
    fn may_die(&self, commands: &[Command]) -> bool {
        let calls = |command: &Command| matches!(command, Command::Perform(work) if work.task_type().is_http());
        let on_the_wire = self.mail.iter().any(|mail| matches!(mail.what, What::Call(_)));
        !on_the_wire && !commands.iter().any(calls)
    }

    /// Comes to a point where the process may die, and says whether it does.
    fn dies(&mut self) -> bool {
        self.points += 1;
        match self.manner {
            Manner::Crashing(Deaths::Everywhere) => true,
            Manner::Crashing(Deaths::At(point)) => point == self.points,
            Manner::Mocked | Manner::Dry => false,
        }
    }

    /// Returns what was open where the process died last.
    pub(super) fn died_at(&self) -> &str {
        self.died_at.as_deref().unwrap_or("it did not come to it")
    }

    fn crash(&mut self) -> Result<Vec<Command>, Error> {
        self.died_at = Some(self.what_is_open());
        self.mail.retain(|mail| matches!(mail.what, What::Report(..)));
        // What was handed out is in the journal: it is taken from there.
        self.hear_workers()?;
        self.polls.clear();
        if let Some(life) = self.life.take() {
            self.machine.kill(life);
        }
        self.life = Some(self.machine.start()?);
        let now = self.now();
        self.with_life(|life, look| life.recover(now, look))
    }

    /// Does what was released; returns whether the process dies in the middle of it.
    fn serve(&mut self, commands: Vec<Command>) -> Result<bool, Error> {
        let may_die = self.may_die(&commands);
        for command in commands {
            match command {
                Command::Preflight(work) => {
                    let outcome = preflight(&self.life().store, &work);
                    self.work(outcome);
                }
                Command::Perform(work) => {
                    let stores = self.perform(&work)? && may_die;
                    if stores && self.stored.insert((work.execution, work.run)) && self.dies() {
                        return Ok(true);
                    }
                }
                Command::Evaluate(question) => self.evaluate(&question),
                Command::Abandon { execution, run } => {
                    let is_it = |outcome: &Outcome| (outcome.execution, outcome.run) == (execution, run);
                    self.mail.retain(|mail| !matches!(&mail.what, What::Call(it) | What::Work(it) if is_it(it)));
                }
                Command::Offer(_) | Command::Withdraw { .. } => {}
            }
        }
        Ok(false)
    }

    /// Passes the time until something is due, and hands over what has come by then.
    fn pass_time(&mut self) -> Result<(), Error> {
        if !self.inbox.is_empty() {
            return Ok(());
        }
        let mail = self.mail.iter().map(|mail| mail.at).min();
        let wake = self.life().dispatcher.next_wake().filter(|wake| *wake != Timestamp::MAX);
        let Some(next) = mail.into_iter().chain(wake).min() else { return Err(Error::Stuck(self.what_waits())) };
        if next > self.now() {
            self.machine.clock.set(next);
        }
        let now = self.now();
        let due = self.mail.extract_if(.., |mail| mail.at <= now);
        self.inbox.extend(due.map(|mail| match mail.what {
            What::Call(outcome) | What::Work(outcome) => Message::Outcome(outcome),
            What::Report(execution, run, update) => {
                let input = Box::new(Input::Updated { run, update: *update });
                Message::Step { execution, input, reply: oneshot::channel().0 }
            }
        }));
        Ok(())
    }

    fn played(&mut self) -> Result<Played, Error> {
        let lost = || Error::Ours("the execution is not there at its end".to_owned());
        let execution = self.ended.remove(&self.root).ok_or_else(lost)?;
        let life = self.life.take().ok_or_else(lost)?;
        let snapshot = life.store.snapshot();
        let masks = self.ended.values().chain([&execution]).flat_map(|execution| execution.masks.iter());
        let masker = Masker::new(snapshot.masked_values()).with(masks);
        let before = std::mem::take(&mut self.versions);
        let written = versions(&life).into_iter().filter(|(name, version)| before.get(name) != Some(version));
        let value = |name: &str| snapshot.get(name, crate::secret::Version::Current);
        let written: BTreeMap<String, Sensitive> =
            written.filter_map(|(name, _)| Some((name.clone(), value(&name)?))).collect();
        let clear = view::workflow_json(&execution, true);
        let shown = super::judge::masked_view(&clear, &masker, &self.plan.pinned.workflow.masked_fields);
        let took = execution.ended.unwrap_or(self.begun).since(self.begun);
        Ok(Played {
            execution,
            clear,
            shown,
            calls: std::mem::take(&mut self.calls),
            written,
            took,
            points: self.points,
            masker,
            guessed: std::mem::take(&mut self.guessed),
        })
    }
}

fn time_of(mock: &Mock) -> Vec<Duration> {
    let times = [mock.queue_wait_time, mock.execution_time];
    times.into_iter().filter_map(|millis| u64::try_from(millis).ok()).map(Duration::from_millis).collect()
}

fn versions(life: &Life) -> BTreeMap<String, u32> {
    let secrets = life.store.snapshot().list();
    secrets.into_iter().map(|secret| (secret.name, secret.current.version)).collect()
}

/// Returns the references of the tasks that started an execution, from the top.
fn path_to(
    execution: &Execution,
    known: &BTreeMap<ExecutionId, Vec<String>>,
    read: &dyn Fn(ExecutionId) -> Option<Arc<Execution>>,
) -> Vec<String> {
    let Some(place) = &execution.parent else { return Vec::new() };
    let Some(parent) = read(place.execution) else { return Vec::new() };
    let mut path = known.get(&parent.id).cloned().unwrap_or_else(|| path_to(&parent, known, read));
    path.extend(parent.run(place.run).map(|run| parent.reference(run).into_owned()));
    path
}
