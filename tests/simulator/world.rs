//! One world: a process on a faulty disk, issuers, workers, people and a clock, each of which may do anything at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use keytide::clock::ManualClock;
use keytide::daemon::{Message, Polled, Refused};
use keytide::disk::{Fault, FaultyDisk, Outage};
use keytide::engine::{Answer, Command, Input, Operation, Outcome};
use keytide::words::{ExecutionId, RunNumber, Timestamp};
use keytide::workflow::definition::TaskType;
use tokio::sync::oneshot;

use crate::dice::Dice;
use crate::issuer::Issuer;
use crate::plans::schedules;
use crate::process::{Process, settled_disk};

/// A Friday noon in UTC.
const NOON: Timestamp = Timestamp::from_millis(1_795_176_000_000);
/// How much happens in a world before it becomes kind: at least this, and up to so much more.
const EVENTS: (usize, usize) = (5, 12);

/// A write of the store that was acknowledged.
pub(crate) struct Written {
    pub(crate) secret: String,
    pub(crate) version: u32,
    pub(crate) value: String,
}

/// Somebody who waits for an answer.
pub(crate) enum Waiting {
    Start(oneshot::Receiver<Result<ExecutionId, Refused>>),
    Poll(oneshot::Receiver<Vec<Polled>>),
}

pub(crate) struct World {
    pub(crate) seed: u64,
    verbose: bool,
    pub(crate) dice: Dice,
    pub(crate) disk: FaultyDisk,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) now: Timestamp,
    pub(crate) process: Option<Process>,
    /// What was released and is not done yet.
    pub(crate) queue: Vec<Command>,
    /// Answers that are under way to the dispatcher.
    pub(crate) mail: Vec<Outcome>,
    /// Answers that were delivered: they may come again.
    old: Vec<Outcome>,
    pub(crate) inbox: Vec<Message>,
    /// Answers that the dispatcher has and may not have committed.
    pub(crate) unsettled: BTreeSet<(ExecutionId, RunNumber)>,
    /// The calls among them that were answered.
    pub(crate) answered: BTreeSet<(ExecutionId, RunNumber)>,
    pub(crate) waiting: Vec<Waiting>,
    /// What workers hold.
    pub(crate) taken: Vec<(ExecutionId, RunNumber)>,
    pub(crate) given: BTreeSet<(ExecutionId, RunNumber)>,
    pub(crate) issuer: Issuer,
    /// Every execution that was ever seen.
    pub(crate) seen: BTreeSet<ExecutionId>,
    /// The starts that were acknowledged.
    pub(crate) started: BTreeSet<ExecutionId>,
    /// How far each execution was known to be committed.
    pub(crate) committed: BTreeMap<ExecutionId, u64>,
    /// The execution at the top of each family.
    pub(crate) roots: BTreeMap<ExecutionId, ExecutionId>,
    /// How often people asked for a new attempt, in each family.
    pub(crate) asked: BTreeMap<ExecutionId, usize>,
    /// How often people had asked for a new attempt when the work of a run was first released.
    pub(crate) released: BTreeMap<(ExecutionId, RunNumber), usize>,
    pub(crate) dismissed: BTreeSet<ExecutionId>,
    /// The executions whose time is over: they may be purged.
    pub(crate) over: BTreeSet<ExecutionId>,
    pub(crate) written: Vec<Written>,
    pub(crate) revision: u64,
    /// From here on nothing goes wrong any more.
    pub(crate) kind: bool,
    pub(crate) starts: u64,
}

impl World {
    pub(crate) fn new(seed: u64, verbose: bool) -> Self {
        let mut world = Self {
            seed,
            verbose,
            dice: Dice::new(seed),
            disk: settled_disk(seed),
            clock: Arc::new(ManualClock::new(NOON)),
            now: NOON,
            process: None,
            queue: Vec::new(),
            mail: Vec::new(),
            old: Vec::new(),
            inbox: Vec::new(),
            unsettled: BTreeSet::new(),
            answered: BTreeSet::new(),
            waiting: Vec::new(),
            taken: Vec::new(),
            given: BTreeSet::new(),
            issuer: Issuer::default(),
            seen: BTreeSet::new(),
            started: BTreeSet::new(),
            committed: BTreeMap::new(),
            roots: BTreeMap::new(),
            asked: BTreeMap::new(),
            released: BTreeMap::new(),
            dismissed: BTreeSet::new(),
            over: BTreeSet::new(),
            written: Vec::new(),
            revision: 0,
            kind: false,
            starts: 0,
        };
        world.boot();
        world
    }

    /// Lives through a whole history.
    pub(crate) fn play(&mut self) {
        for _ in 0..EVENTS.0 + self.dice.roll(EVENTS.1) {
            self.event();
        }
        self.end();
    }

    /// Returns the execution at the top of a family.
    pub(crate) fn root_of(&self, id: ExecutionId) -> ExecutionId {
        let live = self.process.as_ref().and_then(|process| process.dispatcher.read(id));
        let root = live.and_then(|live| live.parent.as_ref().map(|place| place.root));
        root.or_else(|| self.roots.get(&id).copied()).unwrap_or(id)
    }

    pub(crate) fn say(&self, text: impl FnOnce() -> String) {
        if self.verbose {
            eprintln!("{} {}", self.now, text());
        }
    }

    /// Holds the world to a law.
    pub(crate) fn law(&self, holds: bool, broken: impl FnOnce() -> String) {
        assert!(holds, "seed {}: {}", self.seed, broken());
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("it boots at once after each crash")
    }

    fn event(&mut self) {
        match self.dice.roll(42) {
            0..=3 => self.start(),
            4..=14 => self.work(),
            15..=22 => self.post(),
            23 => self.post_again(),
            24..=27 => self.sleep(),
            28 => self.jump(),
            29..=31 => self.operate(),
            32..=34 => self.visit(),
            35 | 36 => self.plan_fault(),
            37 => self.hold(),
            38 => self.stop(),
            39 => self.rescue(),
            40 => drop(self.tidy()),
            _ => {
                let outage = if self.dice.once_in(2) { Outage::Power } else { Outage::Process };
                self.crash(outage);
            }
        }
        if !self.inbox.is_empty() && !self.dice.once_in(4) {
            self.turn();
        }
    }

    fn plan_fault(&mut self) {
        let fault = match self.dice.roll(4) {
            0 => Fault::NoSpace,
            1 => Fault::Io,
            _ => Fault::Stop,
        };
        let step = self.disk.steps() + self.dice.roll(30) as u64;
        self.say(|| format!("{fault:?} at step {step}"));
        self.disk.fail_at(step, fault);
    }

    /// Passes the time until something is due.
    pub(crate) fn sleep(&mut self) {
        let longest = self.now.plus(Duration::from_secs(30));
        let wake = self.process().dispatcher.next_wake().unwrap_or(longest).min(longest);
        self.set_time(wake.max(self.now));
        self.turn();
    }

    fn jump(&mut self) {
        let seconds = Duration::from_secs(self.dice.roll(60) as u64);
        let moment = if self.dice.once_in(3) { self.now.minus(seconds) } else { self.now.plus(seconds) };
        self.set_time(moment);
        self.turn();
    }

    pub(crate) fn set_time(&mut self, now: Timestamp) {
        self.now = now;
        self.clock.set(now);
    }

    /// Hands one answer to the dispatcher.
    pub(crate) fn post(&mut self) {
        if self.mail.is_empty() {
            return;
        }
        let at = self.dice.roll(self.mail.len());
        let outcome = self.mail.swap_remove(at);
        self.deliver(outcome);
    }

    fn post_again(&mut self) {
        if !self.old.is_empty() {
            let at = self.dice.roll(self.old.len());
            let outcome = self.old[at].clone();
            self.deliver(outcome);
        }
    }

    fn deliver(&mut self, outcome: Outcome) {
        self.say(|| format!("answer {} to {} {}", name(&outcome.answer), outcome.execution, outcome.run));
        self.unsettled.insert((outcome.execution, outcome.run));
        if matches!(outcome.answer, Answer::Response(_)) {
            self.answered.insert((outcome.execution, outcome.run));
        }
        self.old.push(outcome.clone());
        self.inbox.push(Message::Outcome(outcome));
    }

    pub(crate) fn turn(&mut self) {
        let messages = std::mem::take(&mut self.inbox);
        let now = self.now;
        let released = self.process().turn(messages, now);
        if self.disk.has_stopped() {
            self.say(|| "the machine stopped in a commit".to_owned());
            return self.crash_after_stop();
        }
        self.take(released);
    }

    /// Takes what was released, and looks at everything.
    fn take(&mut self, released: Vec<Command>) {
        if !self.process().dispatcher.awaits_journal() {
            self.unsettled.clear();
            self.check_answered();
        }
        self.check_released(&released);
        for command in released {
            self.say(|| format!("released {}", described(&command)));
            match command {
                Command::Abandon { execution, run } => {
                    self.queue.retain(|command| key(command) != Some((execution, run)));
                    self.mail.retain(|outcome| (outcome.execution, outcome.run) != (execution, run));
                }
                Command::Preflight(_) | Command::Perform(_) => {
                    let work = key(&command).expect("it is work");
                    let asked = self.asked.get(&self.root_of(work.0)).copied().unwrap_or(0);
                    self.released.entry(work).or_insert(asked);
                    self.queue.push(command);
                }
                Command::Evaluate(_) => self.queue.push(command),
                Command::Offer(_) | Command::Withdraw { .. } => {}
            }
        }
        self.hear();
        self.check();
    }

    /// Hears what was answered.
    fn hear(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting {
                Waiting::Start(mut answer) => {
                    if let Ok(Ok(id)) = answer.try_recv() {
                        self.started.insert(id);
                    }
                }
                Waiting::Poll(mut answer) => {
                    for Polled { execution, run } in answer.try_recv().unwrap_or_default() {
                        self.say(|| format!("worker takes {} {run}", execution.id));
                        let fresh = self.given.insert((execution.id, run));
                        self.law(fresh, || format!("two workers got run {run} of {}", execution.id));
                        self.taken.push((execution.id, run));
                    }
                }
            }
        }
    }

    /// Somebody stops the process in good order: calls that are under way get some time.
    fn stop(&mut self) {
        self.say(|| "stop".to_owned());
        self.inbox.push(Message::Drain);
        self.turn();
        for _ in 0..self.dice.roll(4) {
            self.work();
            self.post();
        }
        self.inbox.push(Message::Stop);
        self.turn();
        self.crash(Outage::Process);
    }

    pub(crate) fn crash_after_stop(&mut self) {
        let outage = if self.dice.once_in(2) { Outage::Power } else { Outage::Process };
        self.crash(outage);
    }

    /// The process is gone, with everything that it had not written.
    pub(crate) fn crash(&mut self, outage: Outage) {
        self.say(|| format!("crash: {outage:?}"));
        for command in std::mem::take(&mut self.queue) {
            // A call that was under way may have reached its issuer.
            if let Command::Perform(work) = command
                && *work.task_type() == TaskType::Http
                && self.dice.once_in(2)
            {
                drop(self.call(&work));
            }
        }
        self.mail.clear();
        self.old.clear();
        self.inbox.clear();
        self.waiting.clear();
        self.unsettled.clear();
        self.answered.clear();
        self.process = None;
        self.disk.restart(outage);
        self.boot();
    }

    fn boot(&mut self) {
        let mut disturbed = false;
        loop {
            if !self.kind && self.dice.once_in(6) {
                self.plan_fault();
                disturbed = true;
            }
            let schedules = if self.kind { Vec::new() } else { schedules() };
            match Process::start(&self.disk, &self.clock, self.now, schedules) {
                Ok((process, released)) if !self.disk.has_stopped() => {
                    self.say(|| "started".to_owned());
                    self.process = Some(process);
                    self.revision = 0;
                    self.check_kept();
                    return self.take(released);
                }
                Ok(_) => {}
                Err(error) => self.law(disturbed, || format!("it does not start: {error}")),
            }
            self.say(|| "the start was disturbed".to_owned());
            let outage = if self.disk.has_stopped() && self.dice.once_in(2) { Outage::Power } else { Outage::Process };
            self.disk.restart(outage);
        }
    }

    /// Lets the schedules go, so that the world can come to an end.
    pub(crate) fn unschedule(&mut self) {
        self.inbox.push(Message::Schedules(Vec::new()));
        self.turn();
    }

    pub(crate) fn resume(&mut self, execution: ExecutionId) {
        self.step(execution, Input::Operation(Operation::Resume));
    }

    /// Asks what somebody has to look at.
    pub(crate) fn problems(&mut self) -> Vec<(String, String)> {
        let (reply, mut answer) = oneshot::channel();
        self.inbox.push(Message::Problems { reply });
        self.turn();
        answer.try_recv().expect("the last turn of a world is a kind one")
    }
}

/// Returns what work a command is about.
pub(crate) fn key(command: &Command) -> Option<(ExecutionId, RunNumber)> {
    match command {
        Command::Preflight(work) | Command::Perform(work) => Some((work.execution, work.run)),
        Command::Evaluate(asked) => Some((asked.execution, asked.run)),
        Command::Offer(_) | Command::Abandon { .. } | Command::Withdraw { .. } => None,
    }
}

pub(crate) fn described(command: &Command) -> String {
    match command {
        Command::Preflight(work) => format!("preflight {} {}", work.execution, work.run),
        Command::Perform(work) => format!("perform {} {}", work.execution, work.run),
        Command::Evaluate(asked) => format!("evaluate {} {} {}", asked.execution, asked.run, asked.token),
        Command::Offer(offer) => format!("offer {} {}", offer.execution, offer.run),
        Command::Abandon { execution, run } => format!("abandon {execution} {run}"),
        Command::Withdraw { execution, run } => format!("withdraw {execution} {run}"),
    }
}

pub(crate) const fn name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Ready => "ready",
        Answer::Response(_) => "response",
        Answer::Done { .. } => "done",
        Answer::Failed { .. } => "failed",
        Answer::NotSent { .. } => "not sent",
        Answer::Unknown { .. } => "unknown",
        Answer::Evaluated { .. } => "evaluated",
        Answer::Trouble { .. } => "trouble",
    }
}
