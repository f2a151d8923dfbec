//! The thread that writes the store: what arrives while one rewrite is under way shares the next.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use crate::access::Policy;
use crate::engine::{Answer, Assignment, Outcome};
use crate::executor::{Tools, secrets, update_secret};
use crate::secret::{Change, Snapshot, Store};
use crate::words::{Sensitive, Timestamp};

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
                (tools.deliver)(preflight(&tools.store, &assignment));
            }
        });
        survive(tools, stores, |work| {
            let assignments = work.into_iter().map(|(Work::Preflight(one) | Work::Store(one))| one).collect();
            let (snapshot, now) = (tools.snapshot(), tools.clock.now());
            let began = Instant::now();
            store_together(&tools.store, &snapshot, &tools.authority.policy(), now, assignments, &*tools.deliver);
            if tools.store.snapshot().revision() != snapshot.revision() {
                (tools.stored)(began.elapsed());
            }
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

/// Sees whether what a task will fetch could be stored.
pub fn preflight(store: &Store, assignment: &Assignment) -> Outcome {
    let answer = match store.preflight() {
        Ok(()) => Answer::Ready,
        Err(error) => Answer::Trouble { reason: error.to_string() },
    };
    outcome(assignment, answer, Vec::new())
}

/// Stores what tasks say, as many as can be in one rewrite, and answers each of them once.
pub fn store_together(
    store: &Store,
    snapshot: &Snapshot,
    policy: &Policy,
    now: Timestamp,
    assignments: Vec<Assignment>,
    deliver: &dyn Fn(Outcome),
) {
    let mut work = Vec::new();
    let mut changes = Vec::new();
    for assignment in assignments {
        match prepare(snapshot, policy, now, &assignment) {
            Ok((change, resolved)) => {
                work.push((assignment, resolved));
                changes.push(vec![change]);
            }
            Err(answer) => deliver(outcome(&assignment, answer, Vec::new())),
        }
    }
    for ((assignment, resolved), result) in work.into_iter().zip(store.update_together(changes)) {
        deliver(outcome(&assignment, update_secret::answer(result), resolved));
    }
}

fn outcome(assignment: &Assignment, answer: Answer, resolved: Vec<Sensitive>) -> Outcome {
    Outcome { execution: assignment.execution, run: assignment.run, answer, resolved }
}

fn prepare(
    snapshot: &Snapshot,
    policy: &Policy,
    now: Timestamp,
    assignment: &Assignment,
) -> Result<(Change, Vec<Sensitive>), Answer> {
    let refused = |reason: String| Answer::Failed { reason, terminal: true };
    let handed = secrets::hand_off(assignment.input.expose(), secrets::Acting::of(assignment), snapshot, policy)
        .map_err(Answer::from)?;
    let change = update_secret::change(assignment, &handed.input, snapshot, policy, now)
        .map_err(|update_secret::Refused(reason)| refused(reason))?;
    let mut resolved = handed.resolved;
    if let Change::Put { writes, .. } = &change {
        resolved.extend(writes.iter().map(|write| write.value.clone()));
    }
    Ok((change, resolved))
}
