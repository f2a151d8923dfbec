use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of an execution: what people see and what the journal keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExecutionId(Uuid);

impl ExecutionId {
    /// Returns the id with this UUID. New ids come from outside the core (v7), slot ids from [`ExecutionId::of_slot`].
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Returns the one id that a schedule's slot has for ever: v5 over store, schedule and due time.
    pub fn of_slot(store_id: &str, schedule: &str, due: super::Timestamp) -> Self {
        let name = format!("{store_id}\u{0}{schedule}\u{0}{}", due.as_millis());
        Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
    }

    /// Returns the one id of what a run of this execution starts: v5 over execution, run and what it is for, so that a
    /// crash never starts it twice.
    pub fn of_started(self, run: RunNumber, purpose: &str) -> Self {
        let name = format!("{self}\u{0}{run}\u{0}{purpose}");
        Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
    }

    /// Returns the UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ExecutionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The number of a run: one attempt of one task in one execution, counted from 1, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunNumber(pub u32);

impl fmt::Display for RunNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The task id that people and workers see: the execution's, with the run's number added to its last 32 bits.
///
/// So it needs no table: all but the last 32 bits find the execution, and the execution's own id the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(Uuid);

impl TaskId {
    /// Returns the id of a run of an execution.
    pub fn of(execution: ExecutionId, run: RunNumber) -> Self {
        let (shared, last) = halves(execution.0);
        Self(Uuid::from_u128(shared | u128::from(last.wrapping_add(run.0))))
    }

    /// Returns the run that it names, where it belongs to this execution.
    pub fn run_of(self, execution: ExecutionId) -> Option<RunNumber> {
        let ((shared, last), (other, first)) = (halves(self.0), halves(execution.0));
        (shared == other).then(|| RunNumber(last.wrapping_sub(first)))
    }

    /// Returns what the id of its execution begins with, as text.
    pub fn prefix(self) -> String {
        let mut text = self.to_string();
        text.truncate(text.len() - LAST_DIGITS);
        text
    }
}

/// How many hexadecimal digits the last 32 bits of an id are.
const LAST_DIGITS: usize = 8;

/// Returns all but the last 32 bits, and these.
fn halves(id: Uuid) -> (u128, u32) {
    let bits = id.as_u128();
    let last = u32::try_from(bits & u128::from(u32::MAX)).expect("32 bits fit");
    (bits ^ u128::from(last), last)
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TaskId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
