//! What holds at each step.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use aho_corasick::AhoCorasick;
use keytide::daemon::Queue;
use keytide::engine::{Command, Execution, Run, Standing, next_deadline, outstanding, owed_needs, replay, view};
use keytide::journal::{History, Log};
use keytide::secret::Version;
use keytide::words::{ExecutionId, RunNumber, WorkflowStatus};

use crate::issuer::CANARY;
use crate::plans::{FETCHES, QUEUE, SECRETS, SKIPPING, plan};
use crate::process::files;
use crate::world::{World, described, key};

impl World {
    /// What is released is owed by the state, which is compared with the disk in the same breath.
    pub(crate) fn check_released(&self, released: &[Command]) {
        let process = self.process.as_ref().unwrap();
        for command in released {
            let Some((id, _)) = key(command) else { continue };
            let execution = process.dispatcher.read(id);
            let owed = execution.is_some_and(|execution| owes(&execution).contains(&token(command)));
            self.law(owed, || format!("{} was released and is not owed", described(command)));
        }
    }

    pub(crate) fn check(&mut self) {
        self.check_states();
        self.check_limits();
        self.check_store();
        let dispatcher = &self.process().dispatcher;
        if !dispatcher.is_draining() && !dispatcher.awaits_journal() {
            self.check_nothing_is_forgotten();
        }
    }

    /// What is in memory is what a replay of the disk says.
    fn check_states(&mut self) {
        let process = self.process.as_ref().unwrap();
        let mut changed = Vec::new();
        let mut skipping = Vec::new();
        for execution in process.dispatcher.executions() {
            if self.committed.get(&execution.id) != Some(&execution.seq) {
                changed.push((execution.id, execution.seq));
                let again = self.on_disk(execution.id);
                let same = again.as_ref().is_some_and(|again| is_same(execution, again));
                self.law(same, || {
                    format!("memory differs from disk\n{}\n{:?}", dump(execution), again.as_ref().map(dump))
                });
            }
            let is_slot = execution.slot.as_ref().is_some_and(|(schedule, _)| schedule == SKIPPING);
            if is_slot && !self.asked.contains_key(&self.root_of(execution.id)) {
                skipping.push(execution.id);
            }
        }
        self.law(skipping.len() <= 1, || format!("runs of {SKIPPING} overlap: {skipping:?}"));
        let process = self.process.as_ref().unwrap();
        let places = process.dispatcher.executions().filter_map(|one| Some((one.id, one.parent.as_ref()?.root)));
        let places: Vec<_> = places.collect();
        self.roots.extend(places);
        self.seen.extend(changed.iter().map(|(id, _)| *id));
        self.committed.extend(changed);
    }

    /// No more fetches are under way than may be, and none waits while there is a place.
    fn check_limits(&mut self) {
        let process = self.process.as_ref().unwrap();
        let none = BTreeSet::new();
        let standings = process.dispatcher.executions().flat_map(|execution| {
            let limited = execution.open_runs().filter(|run| execution.quota(run).is_some_and(|it| it.name == "fetch"));
            limited.filter_map(|run| execution.standing_of(run, &none))
        });
        let standings: Vec<_> = standings.collect();
        let count = |wanted: Standing| standings.iter().filter(|standing| **standing == wanted).count();
        let (hold, wait, begin) = (count(Standing::Holds), count(Standing::Waits), count(Standing::Begins));
        self.law(hold <= FETCHES, || format!("{hold} fetches are under way"));
        let settled = !process.dispatcher.is_draining() && !process.dispatcher.awaits_journal();
        // A call that is on the wire has its place also where its run has ended.
        let left = self.queue.iter().filter_map(key).count() + self.mail.len() + self.unsettled.len();
        let is_full = hold + begin + left >= FETCHES;
        self.law(!settled || wait == 0 || is_full, || format!("{wait} fetches wait and {hold} are under way"));
    }

    /// Returns an execution as the journal has it; none where it is archived or purged.
    pub(crate) fn on_disk(&self, id: ExecutionId) -> Option<Execution> {
        let stored = self.process.as_ref().unwrap().log.load(id).unwrap()?;
        let events = match stored.history {
            History::Events(events) => events,
            History::Archived(_) => return None,
            History::Unreadable(unreadable) => panic!("seed {}: {unreadable}", self.seed),
        };
        let replayed = replay(id, plan(&stored.head.definition), events);
        Some(replayed.unwrap_or_else(|illegal| panic!("seed {}: {illegal}", self.seed)))
    }

    /// A response that was delivered is evidence, however late it came: it may hold what nobody else has.
    pub(crate) fn check_answered(&mut self) {
        for (id, run) in std::mem::take(&mut self.answered) {
            let live = self.process().dispatcher.read(id);
            let Some(execution) = live.or_else(|| self.on_disk(id).map(Arc::new)) else { continue };
            let kept = execution.run(run).is_some_and(|run| run.response.is_some());
            self.law(kept, || format!("the answer to {run} of {id} was taken and is not kept"));
        }
    }

    /// Whatever is owed is under way, and whoever lives has something to wait for.
    fn check_nothing_is_forgotten(&mut self) {
        let under_way = self.queue.iter().filter_map(key);
        let under_way = under_way.chain(self.mail.iter().map(|outcome| (outcome.execution, outcome.run)));
        let under_way: BTreeSet<(ExecutionId, RunNumber)> = under_way.chain(self.unsettled.iter().copied()).collect();
        let process = self.process.as_ref().unwrap();
        let mut offers = 0;
        for execution in process.dispatcher.executions() {
            let owed = outstanding(execution);
            for command in &owed {
                match key(command) {
                    Some(key) => self.law(under_way.contains(&key), || format!("{} is forgotten", described(command))),
                    None => offers += 1,
                }
            }
            let held = execution.runs.iter().any(|run| self.given.contains(&(execution.id, run.number)));
            let below = execution.runs.iter().filter(|run| !run.status.is_terminal()).filter_map(|run| run.child);
            let below = below.into_iter().any(|child| process.dispatcher.read(child).is_some());
            self.law(self.is_waited_for(execution), || format!("nobody waits for {}", execution.id));
            let none = BTreeSet::new();
            let queues = execution.open_runs().any(|run| execution.standing_of(run, &none) == Some(Standing::Waits));
            let waits = !owed.is_empty() || next_deadline(execution).is_some() || held || below || queues;
            self.law(waits || execution.status == WorkflowStatus::Paused, || {
                format!("{} waits for nothing: {}", execution.id, view::workflow_json(execution, true))
            });
        }
        let queue = Queue { name: QUEUE.to_owned(), domain: None };
        let waiting = process.dispatcher.waiting(&queue);
        self.law(waiting == offers, || format!("{offers} runs are offered and {waiting} wait in the queue"));
    }

    /// A child that lives has a parent that waits for it, unless it goes its own way.
    fn is_waited_for(&self, execution: &Execution) -> bool {
        let Some(place) = execution.parent.as_ref().filter(|_| !execution.detached) else { return true };
        let parent = self.process.as_ref().unwrap().dispatcher.read(place.execution);
        parent.is_some_and(|parent| {
            parent.is_live()
                && parent.run(place.run).is_some_and(|run| !run.status.is_terminal() && run.child == Some(execution.id))
        })
    }

    /// The store holds tokens and nothing else, and all that it acknowledged.
    pub(crate) fn check_store(&mut self) {
        let snapshot = self.process().store.snapshot();
        if snapshot.revision() == self.revision {
            return;
        }
        self.revision = snapshot.revision();
        for secret in SECRETS {
            for version in snapshot.history(secret).unwrap_or_default() {
                let value = snapshot.get(secret, Version::Number(version.version)).unwrap();
                let known =
                    self.issuer.tokens.iter().any(|token| token.secret == secret && token.value == value.expose());
                self.law(known, || format!("{secret} holds what no issuer gave"));
            }
        }
        for written in &self.written {
            let history = snapshot.history(&written.secret).unwrap_or_default();
            let newest = history.iter().map(|version| version.version).max().unwrap_or(0);
            let value = snapshot.get(&written.secret, Version::Number(written.version));
            let kept = value.is_none_or(|value| value.expose() == written.value);
            self.law(newest >= written.version && kept, || {
                format!("version {} of {} was acknowledged and is lost", written.version, written.secret)
            });
        }
    }

    /// After a start: nothing that was acknowledged is lost, and no token is on the disk in clear.
    pub(crate) fn check_kept(&mut self) {
        let problems = self.process().store.problems();
        self.law(problems.is_empty(), || format!("the store has {problems:?}"));
        for id in self.started.difference(&self.over).copied().collect::<Vec<_>>() {
            let known = self.process().log.has_execution(id).unwrap();
            self.law(known, || format!("the start of {id} was acknowledged and is lost"));
        }
        for (id, seq) in std::mem::take(&mut self.committed) {
            let kept = self.process().log.load(id).unwrap().map_or(0, |stored| stored.seq);
            self.law(kept >= seq || self.over.contains(&id), || format!("{id} was at event {seq} and is at {kept}"));
        }
        self.check_secrecy();
    }

    pub(crate) fn check_secrecy(&self) {
        for (path, bytes) in files(&self.disk) {
            let found = canary().is_match(&bytes);
            self.law(!found, || format!("{} shows a token", path.display()));
        }
    }
}

/// What tells one piece of work from another.
fn token(command: &Command) -> (u8, ExecutionId, RunNumber, u64) {
    match command {
        Command::Preflight(work) => (0, work.execution, work.run, 0),
        Command::Perform(work) => (1, work.execution, work.run, 0),
        Command::Evaluate(asked) => (5, asked.execution, asked.run, asked.token),
        Command::Offer(offer) => (2, offer.execution, offer.run, 0),
        Command::Abandon { execution, run } => (3, *execution, *run, 0),
        Command::Withdraw { execution, run } => (4, *execution, *run, 0),
    }
}

fn owes(execution: &Execution) -> Vec<(u8, ExecutionId, RunNumber, u64)> {
    outstanding(execution).iter().map(token).collect()
}

fn is_same(one: &Execution, other: &Execution) -> bool {
    one.seq == other.seq
        && one.status == other.status
        && one.variables == other.variables
        && one.output == other.output
        && one.reason == other.reason
        && one.dismissed == other.dismissed
        && one.detached == other.detached
        && owed_needs(one) == owed_needs(other)
        && one.held == other.held
        && one.masks.len() == other.masks.len()
        && next_deadline(one) == next_deadline(other)
        && owes(one) == owes(other)
        && one.runs.len() == other.runs.len()
        && one.runs.iter().zip(&other.runs).all(|(one, other)| is_same_run(one, other))
}

fn is_same_run(one: &Run, other: &Run) -> bool {
    let flags = |run: &Run| {
        let answers = [run.response.is_some(), run.answered_late, run.stored, run.in_doubt];
        (answers, [run.retried, run.permitted, run.overdue, run.gone, run.unresolved])
    };
    let times = |run: &Run| [Some(run.scheduled), run.started, run.ended, Some(run.updated), Some(run.not_before)];
    one.status == other.status
        && one.task == other.task
        && one.child == other.child
        && one.scope == other.scope
        && (one.attempt, one.seq, one.troubles) == (other.attempt, other.seq, other.troubles)
        && times(one) == times(other)
        && flags(one) == flags(other)
        && one.input == other.input
        && one.output == other.output
        && one.reason == other.reason
}

fn canary() -> &'static AhoCorasick {
    static CANARIES: OnceLock<AhoCorasick> = OnceLock::new();
    CANARIES.get_or_init(|| AhoCorasick::new([CANARY]).unwrap())
}

/// The state as text.
fn dump(execution: &Execution) -> String {
    let owed: Vec<_> = outstanding(execution).iter().map(described).collect();
    format!(
        "{} seq {} deadline {:?} owed {owed:?} unstored {:?} in doubt {:?} masks {}",
        view::workflow_json(execution, true),
        execution.seq,
        next_deadline(execution),
        execution.unstored(),
        execution.in_doubt(),
        execution.masks.len(),
    )
}
