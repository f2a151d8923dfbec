//! The thread that writes the store: what arrives while one rewrite is under way shares the next.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::engine::{Answer, Assignment};
use crate::executor::{Tools, secrets, update_secret};
use crate::secret::Change;
use crate::words::Sensitive;

/// How many tasks one rewrite serves at most, so that a refused rewrite does not hold up thousands.
const TASKS_PER_REWRITE_MAX: usize = 256;

enum Work {
    Preflight(Assignment),
    Store(Assignment),
}

/// The queue before the store.
pub(super) struct Storing {
    queue: Sender<Work>,
    in_flight: Arc<AtomicUsize>,
}

impl Storing {
    /// Starts the thread; it ends with this value.
    pub(super) fn start(tools: Arc<Tools>) -> std::io::Result<Self> {
        let (queue, work) = channel();
        let in_flight = Arc::new(AtomicUsize::new(0));
        let counter = in_flight.clone();
        thread::Builder::new().name("store".to_owned()).spawn(move || serve(&tools, &work, &counter))?;
        Ok(Self { queue, in_flight })
    }

    /// Sees whether a fetched value could be stored.
    pub(super) fn preflight(&self, assignment: Assignment) {
        self.send(Work::Preflight(assignment));
    }

    /// Stores what the task says.
    pub(super) fn store(&self, assignment: Assignment) {
        self.send(Work::Store(assignment));
    }

    /// Returns how many tasks are waiting or being stored.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    fn send(&self, work: Work) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        self.queue.send(work).expect("the thread lives as long as this sender");
    }
}

fn serve(tools: &Tools, work: &Receiver<Work>, in_flight: &AtomicUsize) {
    while let Ok(first) = work.recv() {
        let batch: Vec<Work> = std::iter::once(first).chain(work.try_iter().take(TASKS_PER_REWRITE_MAX - 1)).collect();
        let count = batch.len();
        let (preflights, stores): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|work| matches!(work, Work::Preflight(_)));
        survive(tools, preflights, |work| {
            for Work::Preflight(assignment) | Work::Store(assignment) in work {
                tools.answer((assignment.execution, assignment.run), preflight(tools), Vec::new());
            }
        });
        survive(tools, stores, |work| {
            store_all(tools, work);
            tools.store.catch_up();
        });
        in_flight.fetch_sub(count, Ordering::AcqRel);
    }
}

/// Does some work; a mistake of ours in it is trouble for those who wait, and the thread goes on: they are answered twice
/// at most, and a second answer changes nothing but to have the store asked again.
fn survive(tools: &Tools, work: Vec<Work>, does: impl FnOnce(Vec<Work>)) {
    if work.is_empty() {
        return;
    }
    let key = |(Work::Preflight(one) | Work::Store(one)): &Work| (one.execution, one.run);
    let keys: Vec<_> = work.iter().map(key).collect();
    if catch_unwind(AssertUnwindSafe(|| does(work))).is_err() {
        for key in keys {
            let reason = "keytide failed at the store; its log says where".to_owned();
            tools.answer(key, Answer::Trouble { reason }, Vec::new());
        }
    }
}

fn store_all(tools: &Tools, work: Vec<Work>) {
    let mut changes = Vec::new();
    for Work::Preflight(assignment) | Work::Store(assignment) in work {
        match prepare(tools, &assignment) {
            Ok((change, resolved)) => changes.push((assignment, change, resolved)),
            Err(answer) => tools.answer((assignment.execution, assignment.run), answer, Vec::new()),
        }
    }
    store(tools, changes);
}

fn preflight(tools: &Tools) -> Answer {
    match tools.store.preflight() {
        Ok(()) => Answer::Ready,
        Err(error) => Answer::Trouble { reason: error.to_string() },
    }
}

fn prepare(tools: &Tools, assignment: &Assignment) -> Result<(Change, Vec<Sensitive>), Answer> {
    let snapshot = tools.snapshot();
    let refused = |reason: String| Answer::Failed { reason, terminal: true };
    let handed = secrets::hand_off(
        assignment.input.expose(),
        &assignment.owner,
        assignment.workflow_name(),
        &snapshot,
        &tools.policy,
    )
    .map_err(|missing| Answer::Failed { reason: missing.to_string(), terminal: false })?;
    let change = update_secret::change(assignment, &handed.input, &snapshot, &tools.policy, tools.clock.now())
        .map_err(|update_secret::Refused(reason)| refused(reason))?;
    let mut resolved = handed.resolved;
    if let Change::Put { writes, .. } = &change {
        resolved.extend(writes.iter().map(|write| write.value.clone()));
    }
    Ok((change, resolved))
}

fn store(tools: &Tools, changes: Vec<(Assignment, Change, Vec<Sensitive>)>) {
    let (work, changes): (Vec<_>, Vec<_>) =
        changes.into_iter().map(|(assignment, change, resolved)| ((assignment, resolved), vec![change])).unzip();
    for ((assignment, resolved), result) in work.into_iter().zip(tools.store.update_together(changes)) {
        tools.answer((assignment.execution, assignment.run), update_secret::answer(result), resolved);
    }
}
