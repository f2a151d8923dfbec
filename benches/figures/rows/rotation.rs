//! P1 and P2: how fast secrets are stored by the whole daemon, one after the other and many at once.

use std::time::Duration;

use keytide::daemon::Daemon;
use keytide::words::Map;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::Outcome;
use crate::client::{Client, crowd};
use crate::floor::Floor;
use crate::report::Row;
use crate::sample::{Sample, ratio};
use crate::world::{World, disk_folder, secret, value};

/// How many secrets the store holds.
const SECRETS: usize = 100;
/// How often both sides of P1 are done, in turns.
const ROUNDS: usize = 200;
/// How many clients store at once, and how often each of them.
const CLIENTS: usize = 64;
const ROUNDS_AT_ONCE: usize = 12;
/// Serial and parallel take turns this often.
const TURNS: usize = 4;
/// What one execution commits: that the task started, and that it is stored.
const COMMITS: usize = 2;

/// Measures P1, then P2 in turns with a serial client.
pub(crate) fn rows() -> Outcome<Vec<Row>> {
    let world = World::new(disk_folder(), SECRETS)?;
    let daemon = world.daemon()?;
    let client = Client::new(&daemon, definition())?;
    let mut serial = Serial { next: SECRETS, client };
    for _ in 0..10 {
        serial.store(&daemon)?;
    }
    let record = vec![7; record_bytes(&world)?];
    let mut floor = Floor::new(&world.at("floor"))?;
    let (mut ours, mut bare) = (Sample::default(), Sample::default());
    for _ in 0..ROUNDS {
        bare.add(bare_storing(&mut floor, &record, &world.store_bytes()?)?);
        ours.add(serial.store(&daemon)?);
    }
    let rows =
        vec![serial_row(&ours, &bare, world.store_bytes()?.len(), record.len()), together(&daemon, &mut serial)?];
    daemon.stop(|| true);
    Ok(rows)
}

struct Serial {
    next: usize,
    client: Client,
}

impl Serial {
    fn store(&mut self, daemon: &Daemon) -> Outcome<Duration> {
        self.next += 1;
        let input = input(self.next % SECRETS, self.next);
        Ok(daemon.runtime().block_on(self.client.run(input))?)
    }
}

fn bare_storing(floor: &mut Floor, record: &[u8], store: &[u8]) -> Outcome<Duration> {
    Ok(floor.commit(1, record)? + floor.rewrite(store)? + floor.commit(COMMITS - 1, record)?)
}

fn serial_row(ours: &Sample, bare: &Sample, store_bytes: usize, record_bytes: usize) -> Row {
    let result = ratio(bare.median(), ours.median());
    let mean = ratio(bare.total(), ours.total());
    Row {
        number: "P1",
        measure: format!("UPDATE_SECRET, serial, durable, {SECRETS} secrets"),
        ours: ours.text(),
        beside: format!(
            "bare atomic rewrite of {store_bytes} bytes + {COMMITS} bare SQLite commits of {record_bytes} bytes: {}",
            bare.text()
        ),
        result: format!("{result:.2} of the bare rate (mean {mean:.2}); {:.0}/s", ours.per_second()),
        goal: "≥ 0.9",
        met: Some(result >= 0.9),
        note: "a workflow of one UPDATE_SECRET, started and awaited through the daemon's handle. It owes two commits (the \
               task started; it is stored) and one rewrite of the whole age file."
            .to_owned(),
    }
}

fn together(daemon: &Daemon, serial: &mut Serial) -> Outcome<Row> {
    let (mut alone, mut crowded) = (Sample::default(), Vec::new());
    for _ in 0..TURNS {
        for _ in 0..ROUNDS_AT_ONCE * 4 {
            alone.add(serial.store(daemon)?);
        }
        let first = serial.next + 1;
        serial.next += CLIENTS * ROUNDS_AT_ONCE;
        crowded.push(crowd(daemon, &serial.client, CLIENTS, ROUNDS_AT_ONCE, |client, round| {
            input(client, first + client * ROUNDS_AT_ONCE + round)
        })?);
    }
    crowded.sort_by(f64::total_cmp);
    let rate = crowded.get(TURNS / 2).copied().unwrap_or_default();
    let times = rate / alone.per_second();
    Ok(Row {
        number: "P2",
        measure: format!("UPDATE_SECRET, {CLIENTS} at once, durable"),
        ours: format!("{rate:.0}/s (median of {TURNS} turns of {})", CLIENTS * ROUNDS_AT_ONCE),
        beside: format!("the same, one client: {:.0}/s, {}", alone.per_second(), alone.text()),
        result: format!("{times:.1} × serial"),
        goal: "≥ 20 ×",
        met: Some(times >= 20.0),
        note: "what waits while one rewrite is under way shares the next, and so do the journal's commits.".to_owned(),
    })
}

fn input(secret_number: usize, value_number: usize) -> Map {
    [("name".to_owned(), secret(secret_number).into()), ("value".to_owned(), value(value_number).into())]
        .into_iter()
        .collect()
}

fn definition() -> Value {
    json!({
        "name": "store_token",
        "tasks": [{
            "name": "store",
            "taskReferenceName": "store",
            "type": "UPDATE_SECRET",
            "inputParameters": {"_secrets": {
                "secretKey": "${workflow.input.name}",
                "secretValue": "${workflow.input.value}",
            }},
        }],
    })
}

/// Returns how long a sealed record is here.
fn record_bytes(world: &World) -> Outcome<usize> {
    let journal = Connection::open_with_flags(world.at(".keytide/journal.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let average: f64 = journal.query_row("SELECT avg(length(body)) FROM records", [], |row| row.get(0))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the length of a blob")]
    Ok(average as usize)
}
