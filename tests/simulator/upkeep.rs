//! Archiving, purging and rescuing, in the middle of everything.

use keytide::engine::{Execution, Input, Operation};
use keytide::journal::{History, Log as _};
use keytide::secret::{Change, Write, Writer};
use keytide::words::{ExecutionId, RunNumber, Sensitive};

use crate::issuer::CANARY;
use crate::process::{KEEP, RETRY_WINDOW};
use crate::world::{World, Written};

impl World {
    /// Archives and purges what is due; what had to stay has stayed. Returns whether all of it was done.
    pub(crate) fn tidy(&mut self) -> bool {
        let before: Vec<Execution> = self.seen.iter().filter_map(|id| self.on_disk(*id)).collect();
        let ended_by = |execution: &Execution, age| execution.ended.is_some_and(|ended| ended <= self.now.minus(age));
        let settled = |execution: &&Execution| execution.unstored().is_empty() && !execution.is_live();
        let over = before.iter().filter(settled).filter(|execution| ended_by(execution, KEEP));
        let over: Vec<_> = over.map(|execution| execution.id).collect();
        let archivable = before.iter().filter(settled).filter(|execution| execution.in_doubt().is_empty());
        let archivable = archivable.filter(|execution| ended_by(execution, RETRY_WINDOW));
        let archivable: Vec<_> = archivable.map(|execution| execution.id).collect();
        self.over.extend(over);
        let archived: Vec<_> = self.seen.iter().copied().filter(|id| self.snapshot(*id).is_some()).collect();
        // An archived one ended before: it goes when its own time is over, which the journal alone knows.
        self.over.extend(archived);
        let now = self.now;
        self.say(|| format!("tidy: {archivable:?} may be archived"));
        self.process().tidy(now);
        if self.disk.has_stopped() {
            self.say(|| "the machine stopped in the archive".to_owned());
            self.crash_after_stop();
            return false;
        }
        before.iter().all(|execution| self.is_tidied(execution, archivable.contains(&execution.id)))
    }

    /// Holds what became of an execution to the laws, and returns whether it is where it should be.
    fn is_tidied(&self, before: &Execution, archivable: bool) -> bool {
        let id = before.id;
        if let Some(snapshot) = self.snapshot(id) {
            self.law(archivable, || format!("{id} was archived and somebody may need it"));
            self.law(!snapshot.contains(CANARY), || format!("the snapshot of {id} shows a token"));
        } else if let Some(after) = self.on_disk(id) {
            self.law(after.seq == before.seq, || format!("{id} was tidied in part"));
            return !archivable;
        } else {
            self.law(self.over.contains(&id), || format!("{id} was purged before its time"));
        }
        true
    }

    /// Returns the snapshot of an archived execution.
    fn snapshot(&self, id: ExecutionId) -> Option<String> {
        match self.process.as_ref().unwrap().log.load(id).unwrap()?.history {
            History::Archived(snapshot) => Some(snapshot.to_string()),
            History::Events(_) | History::Unreadable(_) => None,
        }
    }

    /// Somebody stores by hand what a run fetched and could not store.
    pub(crate) fn rescue(&mut self) {
        let mut ended = self.seen.iter().filter_map(|id| self.on_disk(*id));
        let found = ended.find_map(|execution| rescuable(&execution));
        let Some((execution, secret, value)) = found else { return };
        self.say(|| format!("rescue {secret} of {execution}"));
        let write = Write { name: secret.clone(), value: Sensitive::new(&value), expires: None, plain: false };
        let reference = Some("rescue token".to_owned());
        let writer = Writer { run: Some(execution.to_string()), reference, ..Writer::person("owner") };
        let written = self.process().store.update(vec![Change::Put { writes: vec![write], writer }]);
        if self.disk.has_stopped() {
            return self.crash_after_stop();
        }
        let Ok(written) = written else { return };
        let version = written.secrets[0].version;
        self.written.push(Written { secret, version, value });
        self.check_store();
        self.step(execution, Input::Operation(Operation::Dismiss));
    }
}

/// Returns what a run brought and nobody stored: the execution, the secret, the token.
fn rescuable(execution: &Execution) -> Option<(ExecutionId, String, String)> {
    let number: RunNumber = *execution.unstored().first()?;
    let run = execution.run(number)?;
    let token = run.response.as_ref()?.body.expose()["token"].as_str().filter(|token| token.starts_with(CANARY))?;
    let reference = &execution.planned(run).task.task_reference_name;
    Some((execution.id, reference.strip_prefix("fetch_")?.to_owned(), token.to_owned()))
}
