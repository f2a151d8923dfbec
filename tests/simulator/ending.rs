//! The end of a world: nothing goes wrong any more, everything comes to an end, and every token is accounted for.

use std::collections::BTreeSet;

use keytide::disk::Outage;
use keytide::engine::Execution;
use keytide::journal::Log as _;
use keytide::secret::Version;
use keytide::words::{ExecutionId, WorkflowStatus};

use crate::issuer::Token;
use crate::plans::READ;
use crate::process::{KEEP, RETRY_WINDOW};
use crate::world::World;

/// How many rounds a kind world may take to come to its end.
const ROUNDS_MAX: usize = 60;

impl World {
    pub(crate) fn end(&mut self) {
        self.kind = true;
        if self.dice.once_in(4) {
            self.crash(Outage::Process);
        }
        self.unschedule();
        for _ in 0..ROUNDS_MAX {
            if self.process().dispatcher.live_count() == 0 && !self.process().dispatcher.awaits_journal() {
                self.account();
                self.check_audit();
                return self.outlive();
            }
            self.round();
        }
        let live: Vec<_> = self.process().dispatcher.executions().map(|execution| execution.id).collect();
        panic!("seed {}: {live:?} never end", self.seed);
    }

    fn round(&mut self) {
        let live = self.process().dispatcher.executions();
        let paused = live.filter(|execution| execution.status == WorkflowStatus::Paused);
        for id in paused.map(|execution| execution.id).collect::<BTreeSet<_>>() {
            self.resume(id);
        }
        while !self.queue.is_empty() {
            self.work();
        }
        while !self.mail.is_empty() {
            self.post();
        }
        self.visit();
        self.turn();
        if self.queue.is_empty() && self.taken.is_empty() {
            self.sleep();
        }
    }

    /// Whatever went wrong, the audit is whole, and tells each start and each write of a secret once it is done.
    fn check_audit(&mut self) {
        let log = &self.process().log;
        let audit = log.audit();
        self.law(audit.is_ok(), || format!("the audit does not hold: {:?}", audit.as_ref().err()));
        let rows = audit.unwrap_or_default();
        let asked: BTreeSet<_> = rows.iter().filter(|row| row["outcome"] == "asked").map(deed).collect();
        let done = rows.iter().filter(|row| row["action"] == "write" && row["outcome"] == "allowed");
        let untold: Vec<_> = done.map(deed).filter(|deed| !asked.contains(deed)).collect();
        self.law(untold.is_empty(), || format!("written and not told before: {untold:?}"));
    }

    /// Time passes: what is over goes, and what somebody must look at stays and is named.
    fn outlive(&mut self) {
        if self.dice.once_in(16) {
            for age in [RETRY_WINDOW, KEEP] {
                self.set_time(self.now.plus(age));
                // Faults that were planned may still come.
                let done = (0..ROUNDS_MAX).any(|_| self.tidy());
                self.law(done, || "what is over is not archived".to_owned());
            }
            self.account();
        }
    }

    /// Each token is stored, or somebody is told of it.
    fn account(&mut self) {
        self.check_secrecy();
        let problems = self.problems();
        let tokens = self.issuer.tokens.clone();
        for token in &tokens {
            let family = self.up_from(token.execution);
            let is_dismissed =
                self.dismissed.contains(&token.execution) || family.iter().any(|one| self.dismissed.contains(&one.id));
            if self.has_later(token) || self.is_stored(token) || is_dismissed {
                continue;
            }
            let whole = family.first().filter(|first| first.id == token.execution);
            if whole.is_none() && family.iter().all(|above| above.unstored().is_empty()) {
                // A call in doubt is purged when its time to be looked at is over; what a GET brought may be lost.
                let purged = !self.process().log.has_execution(token.execution).unwrap();
                let excused = token.secret == READ || (purged && self.over.contains(&token.execution));
                self.law(excused, || format!("{} is lost in the archive", token.value));
                continue;
            }
            if token.secret == READ && whole.is_some_and(|whole| !is_journaled(whole, token)) {
                // A GET changes nothing at its issuer: what it brought and nobody has may be lost.
                continue;
            }
            let own = |one: &Execution| one.unstored().contains(&token.run) || one.in_doubt().contains(&token.run);
            let tells =
                |one: &&Execution| if one.id == token.execution { own(one) } else { !one.unstored().is_empty() };
            let told: Vec<_> = family.iter().filter(tells).map(|one| format!("run {}", one.id)).collect();
            self.law(!told.is_empty(), || format!("{} is lost", token.value));
            let named = problems.iter().any(|(subject, text)| told.contains(subject) && text.contains(&token.secret));
            self.law(named, || format!("{} is named as no problem: {problems:?}", token.value));
        }
    }

    /// Returns an execution and those above it, as far as they are not archived.
    fn up_from(&self, id: ExecutionId) -> Vec<Execution> {
        let log = &self.process.as_ref().expect("it boots at once after each crash").log;
        let mut family = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            family.extend(self.on_disk(id));
            next = log.load(id).unwrap().and_then(|stored| stored.head.parent);
        }
        family
    }

    /// Returns whether a later call of the same task of the family brought another token.
    fn has_later(&self, token: &Token) -> bool {
        let root = self.root_of(token.execution);
        let later = self.issuer.tokens.iter().skip_while(|other| other.value != token.value).skip(1);
        later.into_iter().any(|other| self.root_of(other.execution) == root && other.secret == token.secret)
    }

    fn is_stored(&mut self, token: &Token) -> bool {
        let snapshot = self.process().store.snapshot();
        let mut versions = snapshot.history(&token.secret).unwrap_or_default().into_iter();
        let kept = versions.any(|version| {
            snapshot
                .get(&token.secret, Version::Number(version.version))
                .is_some_and(|value| value.expose() == token.value)
        });
        kept || self.written.iter().any(|written| written.value == token.value)
    }
}

fn is_journaled(execution: &Execution, token: &Token) -> bool {
    let response = execution.run(token.run).and_then(|run| run.response.as_ref());
    response.is_some_and(|response| response.body.expose().to_string().contains(&token.value))
}

/// Returns which run did what to which secret.
fn deed(row: &serde_json::Value) -> (String, String, String) {
    let text = |path: &str| row.pointer(path).map(ToString::to_string).unwrap_or_default();
    (text("/run/id"), text("/run/task"), text("/object/name"))
}
