//! A journal of many executions, made by the engine and kept by the journal as the daemon does it; the same each time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keytide::engine::{Event, Execution, Origin, Others, Pinned, Plan, Start, Turn, start};
use keytide::journal::{Log as _, Record, SqliteLog, Transaction};
use keytide::secret::Sealer;
use keytide::words::{ExecutionId, Map, Owner, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::Outcome;

/// How many executions a commit keeps: the log that is written ahead stays small.
const PER_COMMIT: u64 = 5_000;
/// How many workflows they run.
pub(crate) const WORKFLOWS: u64 = 20;
/// When the first started.
const FIRST_MS: i64 = 1_793_000_000_000;
/// How long after each other they start: a million in a month.
const EVERY_MS: i64 = 2_592;

/// Keeps so many executions in a new journal.
pub(crate) fn fill(path: &Path, sealer: Arc<Sealer>, count: u64) -> Outcome<()> {
    add(&mut SqliteLog::open(path, sealer)?, 0..count, count)
}

/// Keeps executions; some of those just below `count` go on.
pub(crate) fn add(log: &mut SqliteLog, numbers: Range<u64>, count: u64) -> Outcome<()> {
    let plans = (0..WORKFLOWS).map(plan).collect::<Outcome<Vec<_>>>()?;
    for first in numbers.clone().step_by(usize::try_from(PER_COMMIT)?) {
        let batch = first..numbers.end.min(first + PER_COMMIT);
        let records = batch.map(|number| record(&plans, number, count)).collect::<Outcome<_>>()?;
        log.commit(&Transaction { definitions: plans.clone(), records, ..Transaction::default() })?;
        log.catch_up();
    }
    Ok(())
}

/// Returns the name of a workflow.
pub(crate) fn workflow(number: u64) -> String {
    format!("rotate_{number:02}")
}

/// Returns when an execution started.
pub(crate) fn started(number: u64) -> Outcome<Timestamp> {
    Ok(Timestamp::from_millis(FIRST_MS + i64::try_from(number)? * EVERY_MS))
}

/// Returns the id of an execution: a UUID of version 7, as the daemon makes them.
pub(crate) fn id(number: u64) -> Outcome<ExecutionId> {
    let millis = u64::try_from(started(number)?.as_millis())?;
    let chance = u128::from(mixed(number)) << 64 | u128::from(mixed(!number));
    let bits = u128::from(millis) << 80 | chance & ((1 << 80) - 1);
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 7 << 76 | 2 << 62;
    Ok(ExecutionId::new(Uuid::from_u128(bits)))
}

/// Returns the correlation id of every second execution; four share one.
pub(crate) fn correlation(number: u64) -> Option<String> {
    (number % 2 == 1).then(|| format!("order-{}", number / 8))
}

/// Mixes a number, so that what follows from it follows no order.
pub(crate) const fn mixed(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn plan(number: u64) -> Outcome<Arc<Plan>> {
    let workflow = json!({
        "name": workflow(number),
        "version": 1,
        "tasks": [
            {"name": "set", "taskReferenceName": "set", "type": "SET_VARIABLE",
             "inputParameters": {"number": "${workflow.input.number}"}},
            {"name": "goes_on", "taskReferenceName": "goes_on", "type": "SWITCH", "evaluatorType": "value-param",
             "expression": "end", "inputParameters": {"end": "${workflow.input.end}"},
             "decisionCases": {"RUNNING": [{"name": "wait", "taskReferenceName": "wait", "type": "WAIT"}]}},
            {"name": "end", "taskReferenceName": "end", "type": "TERMINATE", "inputParameters": {
             "terminationStatus": "${workflow.input.end}", "terminationReason": "it was told to"}}],
    });
    let workflow = serde_json::from_value(workflow)?;
    Ok(Arc::new(Plan::compile(Pinned::new(workflow, BTreeMap::new(), Owner::Local))?))
}

/// Of a thousand, 920 end well, 60 fail and 20 are ended; some of the last go on.
fn end(number: u64, count: u64) -> &'static str {
    match mixed(number) % 1_000 {
        _ if (count.saturating_sub(3_000)..count).contains(&number) && number.is_multiple_of(6) => "RUNNING",
        0..920 => "COMPLETED",
        920..980 => "FAILED",
        _ => "TERMINATED",
    }
}

fn record(plans: &[Arc<Plan>], number: u64, count: u64) -> Outcome<Record> {
    let of = mixed(number ^ 0x5eed) % WORKFLOWS;
    let plan = plans.get(usize::try_from(of)?).ok_or("a workflow is missing")?.clone();
    let now = started(number)?;
    let given = Start {
        execution: id(number)?,
        input: Map::from_iter([("number".to_owned(), number.into()), ("end".to_owned(), end(number, count).into())]),
        correlation_id: correlation(number),
        priority: 0,
        started_by: "owner".to_owned(),
        slot: (of < WORKFLOWS / 3).then(|| (format!("nightly-{of}"), now)),
        task_to_domain: BTreeMap::new(),
        timeout: None,
        origin: Origin::default(),
    };
    let (execution, events) = begun(plan, given, now);
    Ok(Record::of(&execution, events))
}

fn begun(plan: Arc<Plan>, given: Start, now: Timestamp) -> (Execution, Vec<Event>) {
    let turn = Turn {
        now,
        environment: &Map::new(),
        store_retry: Duration::from_hours(1),
        may_start: true,
        under_way: &BTreeSet::new(),
        others: Others::NONE,
    };
    start(plan, given, &turn)
}
