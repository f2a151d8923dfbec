//! P8 and P9: how fast a durable workflow of one task ends, one after the other and many at once.

use keytide::daemon::Daemon;
use keytide::words::Map;
use serde_json::{Value, json};

use crate::Outcome;
use crate::client::{Client, crowd};
use crate::floor::Floor;
use crate::report::Row;
use crate::sample::{Sample, per_second, ratio};
use crate::world::{World, disk_folder};

/// How often both sides of P8 are done, in turns.
const ROUNDS: usize = 300;
/// How many clients start workflows at once, and how often each of them.
const CLIENTS: usize = 64;
const ROUNDS_AT_ONCE: usize = 80;
/// Workflows and bare commits take turns this often.
const TURNS: usize = 5;
/// About what one execution keeps.
const RECORD_BYTES: usize = 1_024;

/// Measures P8, then P9.
pub(crate) fn rows() -> Outcome<Vec<Row>> {
    let world = World::new(disk_folder(), 2)?;
    let daemon = world.daemon()?;
    let client = Client::new(&daemon, definition())?;
    let mut floor = Floor::new(&world.at("floor"))?;
    let rows = vec![serial(&daemon, &client, &mut floor)?, together(&daemon, &client, &mut floor)?];
    daemon.stop(|| true);
    Ok(rows)
}

fn serial(daemon: &Daemon, client: &Client, floor: &mut Floor) -> Outcome<Row> {
    let (mut ours, mut two, mut one) = (Sample::default(), Sample::default(), Sample::default());
    for round in 0..ROUNDS {
        let (first, second) = (commit(floor)?, commit(floor)?);
        one.add(first);
        two.add(first + second);
        ours.add(daemon.runtime().block_on(client.run(input(round)))?);
    }
    let result = ratio(two.median(), ours.median());
    let of_one = ratio(one.median(), ours.median());
    Ok(Row {
        number: "P8",
        measure: "workflow of one task (SET_VARIABLE), start to end, serial, durable".to_owned(),
        ours: ours.text(),
        beside: format!("two bare SQLite commits: {}", two.text()),
        result: format!("{result:.2} of the bare rate; {:.0}/s", ours.per_second()),
        goal: "≥ 0.8",
        met: Some(result >= 0.8),
        note: format!(
            "the goal allowed for two commits. Start, task and end are one batch here and share one commit: against that \
             one, {of_one:.2}."
        ),
    })
}

fn commit(floor: &mut Floor) -> Outcome<std::time::Duration> {
    floor.commit(1, &[7; RECORD_BYTES])
}

fn together(daemon: &Daemon, client: &Client, floor: &mut Floor) -> Outcome<Row> {
    let (mut ours, mut bare) = (Vec::new(), Sample::default());
    for _ in 0..TURNS {
        for _ in 0..ROUNDS_AT_ONCE {
            bare.add(floor.commit(CLIENTS, &[7; RECORD_BYTES])?);
        }
        ours.push(crowd(daemon, client, CLIENTS, ROUNDS_AT_ONCE, |_, round| input(round))?);
    }
    ours.sort_by(f64::total_cmp);
    let rate = ours.get(TURNS / 2).copied().unwrap_or_default();
    let bare_rate = per_second(bare.count() * CLIENTS, bare.total());
    Ok(Row {
        number: "P9",
        measure: format!("the same, {CLIENTS} clients"),
        ours: format!("{rate:.0}/s (median of {TURNS} turns of {})", CLIENTS * ROUNDS_AT_ONCE),
        beside: format!("bare SQLite commits of {CLIENTS} rows: {bare_rate:.0} rows/s, {}", bare.text()),
        result: format!("{rate:.0}/s, {:.2} of the bare rows", rate / bare_rate),
        goal: "≥ 5,000/s",
        met: Some(rate >= 5_000.0),
        note: "clients are tasks of the same process: what is measured is engine, dispatcher and journal. Conductor OSS on a \
               machine like this one ended 32 of them per second on SQLite and 131 on Postgres."
            .to_owned(),
    })
}

fn input(round: usize) -> Map {
    Map::from_iter([("round".to_owned(), round.into())])
}

/// Returns a workflow of one task that does its work inside.
pub(crate) fn definition() -> Value {
    json!({
        "name": "one_step",
        "tasks": [{
            "name": "set",
            "taskReferenceName": "set",
            "type": "SET_VARIABLE",
            "inputParameters": {"round": "${workflow.input.round}"},
        }],
    })
}
