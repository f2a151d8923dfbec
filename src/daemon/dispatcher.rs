//! The state machine around the engine: which executions live, what they owe, who waits.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::daemon::auditing;
use crate::daemon::batch::{Answer, Batch};
use crate::daemon::calls::Calls;
use crate::daemon::concurrency::Concurrency;
use crate::daemon::conditions::Conditions;
use crate::daemon::counting::Onlookers;
use crate::daemon::library::{Asking, Empty, Library, visible};
use crate::daemon::loading::{Plans, load};
use crate::daemon::message::{Message, Poll, Refused};
use crate::daemon::offers::Offers;
use crate::daemon::quotas::Quotas;
use crate::daemon::reloading::Missing;
use crate::daemon::rules::Rules;
use crate::daemon::slots::Slots;
use crate::daemon::telling::Untold;
use crate::daemon::turns::Turns;
use crate::engine::{self, Command, Execution, Input, Need, Others, Outcome, PlannedTask};
use crate::journal::Log;
use crate::words::{ExecutionId, Timestamp, WorkflowStatus};

/// Every live execution, with its timers, its queues and whoever waits for it.
///
/// [`Dispatcher::turn`] changes memory only. The caller gives what it returns to [`Dispatcher::commit`], before the next
/// turn, and does what that returns.
pub struct Dispatcher {
    pub(super) rules: Rules,
    pub(super) live: HashMap<ExecutionId, Live>,
    timers: BTreeSet<(Timestamp, ExecutionId)>,
    pub(super) offers: Offers,
    pub(super) quotas: Quotas,
    pub(super) polls: Vec<Poll>,
    pub(super) kept: Vec<Outcome>,
    /// What must be loaded again, and could not be yet.
    pub(super) missing: BTreeMap<ExecutionId, Missing>,
    pub(super) plans: Plans,
    by_schedule: HashMap<String, BTreeSet<ExecutionId>>,
    pub(super) slots: Slots,
    pub(super) quarantined: Vec<(ExecutionId, String)>,
    pub(super) calls: Calls,
    pub(super) turns: Turns,
    pub(super) concurrency: Concurrency,
    pub(super) conditions: Conditions,
    draining: bool,
    /// Where the one asks from whose message is dealt with.
    pub(super) asked_from: Option<String>,
    pub(super) library: Box<dyn Library>,
    /// Who looks on at what it does, if anybody.
    pub(super) onlookers: Option<Onlookers>,
    /// What executions need of each other, in this turn.
    pub(super) needs: VecDeque<Need>,
    /// What they need and the journal could not serve.
    pub(super) unserved: Vec<Need>,
    /// Events that are still to be heard.
    pub(super) untold: Vec<Untold>,
    /// How many live executions are below each that is above all the others.
    pub(super) families: HashMap<ExecutionId, usize>,
    /// How many executions each chain of quick starts has, and when the last one started.
    pub(super) chains: HashMap<ExecutionId, (Timestamp, usize)>,
    /// The live executions that were started under an idempotency key of a workflow.
    pub(super) by_key: HashMap<(String, String), BTreeSet<ExecutionId>>,
}

/// Those who want to hear of an execution's changes.
pub(super) type Watchers = Vec<mpsc::UnboundedSender<WorkflowStatus>>;

/// A live execution, with its timer and whoever wants to hear of it.
pub(super) struct Live {
    pub(super) execution: Arc<Execution>,
    deadline: Option<Timestamp>,
    pub(super) watchers: Watchers,
}

impl Dispatcher {
    /// Returns a dispatcher without executions.
    pub fn new(rules: Rules, slots: Slots) -> Self {
        let mut plans = Plans::default();
        slots.plans().for_each(|plan| plans.add(plan));
        Self {
            rules,
            live: HashMap::new(),
            timers: BTreeSet::new(),
            offers: Offers::default(),
            quotas: Quotas::default(),
            polls: Vec::new(),
            kept: Vec::new(),
            missing: BTreeMap::new(),
            plans,
            by_schedule: HashMap::new(),
            slots,
            quarantined: Vec::new(),
            calls: Calls::default(),
            turns: Turns::default(),
            concurrency: Concurrency::default(),
            conditions: Conditions::default(),
            draining: false,
            asked_from: None,
            library: Box::new(Empty),
            onlookers: None,
            needs: VecDeque::new(),
            unserved: Vec::new(),
            untold: Vec::new(),
            families: HashMap::new(),
            chains: HashMap::new(),
            by_key: HashMap::new(),
        }
    }

    /// Deals with a batch of messages and with everything that is due.
    pub fn turn(&mut self, messages: Vec<Message>, now: Timestamp, log: &dyn Log) -> Batch {
        let mut batch = Batch::default();
        self.needs.extend(std::mem::take(&mut self.unserved));
        self.reload(now, log, &mut batch);
        self.serve_needs(now, log, &mut batch);
        for outcome in std::mem::take(&mut self.kept) {
            self.outcome(outcome, now, log, &mut batch);
            self.serve_needs(now, log, &mut batch);
        }
        for message in messages {
            self.message(message, now, log, &mut batch);
            self.serve_needs(now, log, &mut batch);
        }
        self.tick(now, log, &mut batch);
        self.serve_needs(now, log, &mut batch);
        self.fire_slots(now, log, &mut batch);
        self.serve_needs(now, log, &mut batch);
        self.serve_polls(now, log, &mut batch);
        self.serve_needs(now, log, &mut batch);
        self.serve_freed(now, log, &mut batch);
        self.serve_room(now, log, &mut batch);
        self.serve_places(now, log, &mut batch);
        self.hear_again(now, log, &mut batch);
        batch
    }

    /// Commits a batch and returns the commands that it releases; nothing where it could not be committed and was taken
    /// back.
    pub fn commit(&mut self, batch: Batch, now: Timestamp, log: &mut dyn Log) -> Option<Vec<Command>> {
        let commands = batch.commands(|id| self.read(id));
        let mut transaction = batch.transaction(|id| self.read(id));
        // What the work is about to do with secrets is told before it is released.
        transaction.audit.extend(commands.iter().flat_map(|command| auditing::asked(command, now)));
        let committed = if transaction.is_empty() { Ok(()) } else { log.commit(&transaction) };
        match committed {
            Ok(()) => Some(self.committed(batch, commands)),
            Err(error) => {
                tracing::error!(%error, "the journal could not be written: nothing of this batch was done");
                self.rolled_back(batch, &error.to_string(), now, log);
                None
            }
        }
    }

    /// Releases what a batch owes, now that it is on disk: answers callers and returns the commands for the executor.
    pub(super) fn committed(&mut self, batch: Batch, mut commands: Vec<Command>) -> Vec<Command> {
        for command in &commands {
            match command {
                Command::Offer(offer) => self.offers.offer(offer),
                Command::Withdraw { execution, run } => self.offers.withdraw(*execution, *run),
                Command::Perform(work) => {
                    let root = self.read(work.execution).and_then(|execution| execution.root());
                    self.calls.begin(command, root);
                }
                Command::Preflight(_) | Command::Evaluate(_) | Command::Abandon { .. } => {}
            }
        }
        commands.retain(|command| !matches!(command, Command::Offer(_) | Command::Withdraw { .. }));
        // Whoever hears of a change finds it.
        self.outdate(batch.touched.keys().copied());
        self.announce(&batch);
        self.spread(&batch);
        for answer in batch.answers {
            self.answer(answer);
        }
        for id in batch.touched.keys() {
            self.retire(*id);
        }
        commands
    }

    /// Returns when the next turn is due even if nothing arrives.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|(at, _)| *at);
        let polls = self.polls.iter().map(|poll| {
            let offered = self.offers.next(&poll.queue).unwrap_or(Timestamp::MAX);
            offered.min(poll.until)
        });
        let slots = (!self.draining).then(|| self.slots.next_wake(&|name| self.running(name))).flatten();
        polls.chain(timer).chain(slots).chain(self.quotas.opening()).min()
    }

    /// Returns whether the process is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// Returns the run of a schedule that goes on; the latest where there are several.
    pub fn running(&self, schedule: &str) -> Option<ExecutionId> {
        let runs = self.by_schedule.get(schedule)?.iter().rev();
        runs.copied().find(|id| self.live.get(id).is_some_and(|live| live.execution.is_live()))
    }

    /// Returns whether answers of the executor or executions wait for a journal that works.
    pub fn awaits_journal(&self) -> bool {
        let waits = !self.needs.is_empty() || !self.unserved.is_empty() || self.has_untold();
        waits || !self.kept.is_empty() || !self.missing.is_empty() || self.slots.is_stale()
    }

    /// Returns a live execution.
    pub fn read(&self, id: ExecutionId) -> Option<Arc<Execution>> {
        self.live.get(&id).map(|live| live.execution.clone())
    }

    /// Returns how many executions are live.
    pub fn live_count(&self) -> usize {
        self.live.len()
    }

    /// Returns the live executions.
    pub fn executions(&self) -> impl Iterator<Item = &Execution> {
        self.live.values().map(|live| &*live.execution)
    }

    pub(super) fn message(&mut self, message: Message, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        match message {
            Message::Start { plan, start, reply } => {
                let result = self.start(&plan, *start, now, log, batch);
                batch.answers.push(Answer::Started { result, reply });
            }
            Message::Step { execution, input, reply } => {
                let result = self.asked(execution, *input, now, log, batch);
                batch.answers.push(Answer::Stepped { result, reply });
            }
            Message::Outcome(outcome) => self.outcome(outcome, now, log, batch),
            Message::Poll(poll) => self.add_poll(poll, now, batch),
            Message::Read { execution, whole, reply } => batch.answers.push(Answer::Read { execution, whole, reply }),
            Message::Watch { execution, notices } => {
                if let Some(live) = self.live.get_mut(&execution) {
                    live.watchers.retain(|watcher| !watcher.is_closed());
                    live.watchers.push(notices);
                }
            }
            Message::Live { reply } => {
                batch.answers.push(Answer::Live { ids: self.live.keys().copied().collect(), reply });
            }
            Message::Queues { may, reply } => batch.answers.push(Answer::Queues { queues: self.queues(&may), reply }),
            Message::Hold { schedule, hold, reply } => {
                let found = self.slots.hold(&schedule, hold, now, batch);
                batch.answers.push(Answer::Held { found, reply });
            }
            Message::Facts { schedules, reply } => {
                let facts = schedules.iter().map(|name| self.slots.facts(name)).collect();
                batch.answers.push(Answer::Facts { facts, reply });
            }
            Message::Unwritten { reply } => batch.answers.push(Answer::Unwritten { reply }),
            Message::Problems { reply } => {
                let problems = self.problems(log);
                batch.answers.push(Answer::Problems { problems, reply });
            }
            Message::Schedules(scheduled) => {
                batch.redefined.extend(self.slots.replace(scheduled, now));
                self.slots.plans().for_each(|plan| self.plans.add(plan));
            }
            Message::Own { changes, reply } => {
                batch.owned.extend(changes);
                batch.answers.push(Answer::Owned { reply });
            }
            Message::Rules { environment, store_retry } => self.rules = Rules { environment, store_retry },
            Message::Log { log, reply } => {
                batch.task_logs.push(log);
                batch.answers.push(Answer::Logged { reply });
            }
            Message::Audited { from, entries, message } => self.audited(from, entries, *message, now, log, batch),
            Message::Audit { entries, reply } => {
                batch.audit.extend(entries);
                batch.answers.push(Answer::Audited { reply });
            }
            Message::Notes { reply } => batch.noted.push(reply),
            Message::Remove(removal) => batch.removals.push(removal),
            Message::Drain | Message::Stop => self.draining = true,
        }
    }

    pub(super) fn step(
        &mut self,
        id: ExecutionId,
        input: Input,
        now: Timestamp,
        log: &dyn Log,
        batch: &mut Batch,
    ) -> Result<bool, Refused> {
        if self.missing.contains_key(&id) {
            return Err(Refused::Unavailable("it could not be read".to_owned()));
        }
        if !self.live.contains_key(&id) {
            let execution = load(id, log, &self.plans)?.ok_or(Refused::NoSuchExecution(id))?;
            self.admit(execution);
            batch.touch(id);
        }
        let root = self.read(id).and_then(|execution| execution.root());
        let place = self.place(id, root);
        let live = self.live.get_mut(&id).expect("it was admitted above");
        let execution = Arc::make_mut(&mut live.execution);
        let taken = |planned: &PlannedTask| self.turns.taken(planned, &place, now);
        let has_room = |name: &str, key: &str, limit: usize| self.concurrency.has_room(name, key, limit);
        let admits = self.quotas.gate(self.calls.of(id), self.missing.is_empty(), now);
        let others = Others { taken: &taken, has_room: &has_room, admits: &admits };
        let environment = visible(&self.rules.environment, &*self.library, Asking::of(execution));
        let turn = self.rules.at(now, &environment, self.draining, self.calls.of(id), others);
        let answered = if let Input::Outcome(outcome) = &input { Some(outcome.run) } else { None };
        let events = engine::step(execution, input, &turn)?;
        drop(admits);
        let moved = engine::moved(&events).map(|moved| moved.into_iter().chain(answered).collect());
        self.turns.note(execution, self.calls.of(id), &*self.library);
        self.concurrency.note(execution);
        self.quotas.note(execution, self.calls.of(id), moved.as_ref());
        let changed = !events.is_empty();
        self.needs.extend(engine::needs(execution, &events));
        batch.record(id, events);
        self.settle(id);
        Ok(changed)
    }

    /// Steps every execution whose deadline has come, once; what is due again at once comes with the next turn.
    pub(super) fn tick(&mut self, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        let due: Vec<_> =
            self.timers.iter().take_while(|(at, _)| *at <= now).take(TICKS_PER_TURN_MAX).map(|(_, id)| *id).collect();
        for id in due {
            if let Err(refused) = self.step(id, Input::Tick, now, log, batch) {
                tracing::warn!(execution = %id, %refused, "a deadline could not be served");
            }
        }
    }

    pub(super) fn admit(&mut self, execution: Execution) {
        let id = execution.id;
        if let Some((schedule, _)) = execution.slot.as_ref().filter(|_| !execution.status.is_terminal()) {
            self.by_schedule.entry(schedule.clone()).or_default().insert(id);
        }
        self.enter(&execution);
        self.plans.add(&execution.plan);
        self.turns.note(&execution, self.calls.of(id), &*self.library);
        self.concurrency.note(&execution);
        self.quotas.restore(&execution);
        self.quotas.note(&execution, self.calls.of(id), None);
        self.live.insert(id, Live { execution: Arc::new(execution), deadline: None, watchers: Vec::new() });
        self.settle(id);
    }

    /// Brings the timer of an execution up to date.
    fn settle(&mut self, id: ExecutionId) {
        let Some(live) = self.live.get_mut(&id) else { return };
        let deadline = engine::next_deadline(&live.execution);
        if deadline != live.deadline {
            self.timers.extend(deadline.map(|at| (at, id)));
            if let Some(at) = std::mem::replace(&mut live.deadline, deadline) {
                self.timers.remove(&(at, id));
            }
        }
    }

    /// Lets go of an execution that has nothing more to do.
    fn retire(&mut self, id: ExecutionId) {
        if self.live.get(&id).is_some_and(|live| !live.execution.is_live()) {
            self.forget(id);
        }
    }

    /// Lets go of an execution and returns who wants to hear of it.
    pub(super) fn forget(&mut self, id: ExecutionId) -> Watchers {
        self.offers.withdraw_all(id);
        let Some(live) = self.live.remove(&id) else { return Vec::new() };
        if let Some(at) = live.deadline {
            self.timers.remove(&(at, id));
        }
        if let Some((schedule, _)) = &live.execution.slot
            && let Some(runs) = self.by_schedule.get_mut(schedule)
        {
            runs.remove(&id);
            if runs.is_empty() {
                self.by_schedule.remove(schedule);
            }
        }
        self.leave_memory(&live.execution);
        let hash = live.execution.plan.hash;
        drop(live.execution);
        self.plans.release(&hash);
        live.watchers
    }
}

/// How many timers one turn serves, so that a storm of timers does not keep callers from their answers.
const TICKS_PER_TURN_MAX: usize = 1_000;
