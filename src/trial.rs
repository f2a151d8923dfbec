//! A workflow is played through without the world: tests of workflows, and runs that only show what would happen.
//!
//! The engine, the dispatcher, the journal and the store are the real ones, over a disk in memory and a clock that jumps to
//! whatever is due next. What the executor does without the network it does here too: secrets are handed off, scripts are
//! evaluated in the confined child, `UPDATE_SECRET` goes through its guards into a store that is forgotten afterwards. What
//! only the world can say, mocks say.
//!
//! **Architecture Invariant:** nothing here reaches a network, a real store or a real journal.

mod call;
mod judge;
mod life;
mod mocks;
mod shelf;
#[cfg(test)]
mod tests;
mod unknown;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::access::Authority;
use crate::catalog::Catalog;
use crate::engine::{Execution, Plan};
use crate::executor::script::Evaluator;
use crate::redact::Masker;
use crate::words::{Map, Owner, Sensitive, Timestamp};
use crate::workflow::definition::WorkflowTest;
use crate::workflow::pinned::Pinned;
use crate::workflow::registration::registration_errors;

pub use call::Call;
pub use judge::{Mismatch, judge};
use world::World;

/// What is there besides a test.
#[derive(Clone)]
pub struct Ground {
    /// The definitions.
    pub catalog: Arc<Catalog>,
    /// Who may do what.
    pub authority: Authority,
    /// Who is told what comes of it, also what has no mock: what this one may not READ is not there.
    pub reader: Owner,
    /// What `${workflow.env.NAME}` gives.
    pub environment: Map,
    /// How long an `UPDATE_SECRET` tries a store that is in trouble.
    pub store_retry: Duration,
    /// Where scripts are evaluated.
    pub evaluator: Evaluator,
    /// When whoever waits gives up, by the clock on the wall.
    pub until: Option<Timestamp>,
}

/// How a workflow is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// What has no mock is an error.
    Mocked,
    /// The same, and the process dies and goes on from its journal: after a step, or after a write of the store. It does not
    /// die while a call is on the wire: what such a call did nobody could say, and the run would rightly be in doubt.
    Crashing(Deaths),
    /// What has no mock gives something that is marked as unknown.
    Dry,
}

/// At which of the points the process dies where it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deaths {
    /// At every one.
    Everywhere,
    /// At one alone, counted from 1.
    At(usize),
}

/// At how many points a test dies alone, each in a run of its own. A workflow of ten tasks has some twenty; where a loop makes
/// there be thousands, as many are spread over all of them, so that a test takes seconds and not hours.
pub const CRASH_POINTS_MAX: usize = 200;

/// What came of the runs with crashes.
pub struct Crashes {
    /// At how many points the process may die.
    pub points: usize,
    /// At how many of them it died alone.
    pub tried: usize,
    /// The first run that ended otherwise: where it died, and what was otherwise.
    pub failure: Option<(String, Vec<Mismatch>)>,
}

/// What came of it. No `Debug`: it holds payloads.
pub struct Played {
    /// The execution at its end.
    pub execution: Arc<Execution>,
    /// The same as Conductor's Workflow, with everything in clear: to be compared, never to be shown.
    pub clear: Value,
    /// The same, masked.
    pub shown: Value,
    /// The calls that would have been made, in order.
    pub calls: Vec<Call>,
    /// The secrets that were written, with their last values.
    pub written: BTreeMap<String, Sensitive>,
    /// How much time passed.
    pub took: Duration,
    /// At how many points the process might have died, or did.
    pub points: usize,
    /// The tasks whose outputs nobody said: they are guesses, by the ids of the tasks.
    pub guessed: BTreeSet<String>,
    /// Hides every value of a secret.
    pub masker: Masker,
}

/// Why a workflow could not be played to an end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such workflow.
    #[error("there is no workflow `{0}`")]
    NoWorkflow(String),
    /// The definition cannot run.
    #[error("the workflow `{name}` cannot run: {problem}")]
    Malformed {
        /// Which.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The world would have to say something, and the test does not.
    #[error("task `{task}` ({kind}) of `{workflow}` {what}: give it {advice} under `taskRefToMockOutput`")]
    NoMock {
        /// The workflow.
        workflow: String,
        /// The reference of the task.
        task: String,
        /// Its type.
        kind: String,
        /// What it would do.
        what: String,
        /// What is missing.
        advice: &'static str,
    },
    /// A mock says what cannot be said to its task.
    #[error("the mock of task `{task}` ({kind}) of `{workflow}` {problem}")]
    BadMock {
        /// The workflow.
        workflow: String,
        /// The reference of the task.
        task: String,
        /// Its type.
        kind: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Nothing is due and something is open.
    #[error("nothing happens any more, and {0}")]
    Stuck(String),
    /// It does not come to an end.
    #[error("it did not end within {0} steps: does a loop of it ever end?")]
    TooLong(usize),
    /// Whoever waits has waited too long.
    #[error("it takes too long; `keytide test` waits for as long as it takes")]
    TooSlow,
    /// The secrets of the test cannot be stored.
    #[error("the secrets of the test cannot be stored: {0}")]
    Secrets(String),
    /// It could not be played to an end with a crash.
    #[error("{place}: {error}")]
    Died {
        /// Where it died.
        place: String,
        /// Why.
        error: Box<Error>,
    },
    /// A mistake of ours.
    #[error("keytide failed at it: {0}")]
    Ours(String),
}

/// Plays a workflow to its end. `owner` is whose rights a definition has that the test itself brings.
pub fn play(test: &WorkflowTest, owner: &Owner, ground: &Ground, manner: Manner) -> Result<Played, Error> {
    play_pinned(test, pinned(test, owner, ground)?, ground, manner)
}

/// Plays a definition that is at hand.
pub fn play_pinned(test: &WorkflowTest, pinned: Pinned, ground: &Ground, manner: Manner) -> Result<Played, Error> {
    let name = pinned.workflow.name.clone();
    let plan = Plan::compile(pinned).map_err(|error| Error::Malformed { name, problem: error.to_string() })?;
    play_plan(test, Arc::new(plan), ground, manner)
}

/// Plays a definition that is ready to run.
pub fn play_plan(test: &WorkflowTest, plan: Arc<Plan>, ground: &Ground, manner: Manner) -> Result<Played, Error> {
    World::new(test, plan, ground, manner)?.play()
}

fn play_dying(
    test: &WorkflowTest,
    plan: Arc<Plan>,
    ground: &Ground,
    deaths: Deaths,
) -> Result<(String, Played), Error> {
    let mut world = World::new(test, plan, ground, Manner::Crashing(deaths))?;
    let played = world.play();
    let place = match deaths {
        Deaths::Everywhere => "dying at every point".to_owned(),
        Deaths::At(point) => format!("dying at point {point}, where {}", world.died_at()),
    };
    match played {
        Ok(played) => Ok((place, played)),
        Err(error) => Err(Error::Died { place, error: Box::new(error) }),
    }
}

/// Plays a workflow again and again, each time with a crash at another point, and then with one at every point, until the
/// end differs from that without.
pub fn play_crashing(test: &WorkflowTest, owner: &Owner, ground: &Ground, calm: &Played) -> Result<Crashes, Error> {
    let pinned = pinned(test, owner, ground)?;
    let name = pinned.workflow.name.clone();
    let plan = Plan::compile(pinned).map_err(|error| Error::Malformed { name, problem: error.to_string() })?;
    let (plan, points) = (Arc::new(plan), calm.points);
    let alone = spread(points).map(Deaths::At);
    let mut tried = 0;
    for deaths in alone.chain([Deaths::Everywhere]) {
        let (place, crashed) = play_dying(test, plan.clone(), ground, deaths)?;
        tried += usize::from(deaths != Deaths::Everywhere);
        let differences = judge::differences(calm, &crashed);
        if !differences.is_empty() {
            return Ok(Crashes { points, tried, failure: Some((place, differences)) });
        }
    }
    Ok(Crashes { points, tried, failure: None })
}

/// Returns the points at which a test dies alone.
fn spread(points: usize) -> impl Iterator<Item = usize> {
    (1..=points).step_by(points.div_ceil(CRASH_POINTS_MAX).max(1))
}

fn pinned(test: &WorkflowTest, owner: &Owner, ground: &Ground) -> Result<Pinned, Error> {
    if let Some(def) = &test.workflow_def {
        if let Some(error) = registration_errors(def).first() {
            return Err(Error::Malformed { name: def.name.clone(), problem: error.message.clone() });
        }
        return Ok(ground.catalog.pin((**def).clone(), owner.clone()));
    }
    let definition = ground.catalog.workflow(&test.name, test.version);
    Ok(definition.ok_or_else(|| Error::NoWorkflow(test.name.clone()))?.pinned.clone())
}
