//! P1 and P2: how fast secrets are stored by the whole daemon, one after the other and many at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keytide::daemon::Daemon;
use keytide::secret::Store;
use keytide::words::Map;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::Outcome;
use crate::client::{Client, crowd};
use crate::floor::Floor;
use crate::program::own_cpu;
use crate::report::Row;
use crate::sample::{Sample, milliseconds, per_second, ratio};
use crate::world::{World, disk_folder, put, secret, value};

/// How many secrets the store holds.
const SECRETS: usize = 100;
/// How often both sides of P1 are done, in turns.
const ROUNDS: usize = 200;
/// How many clients store at once, and how often each of them.
const CLIENTS: usize = 64;
const ROUNDS_AT_ONCE: usize = 12;
/// How many are stored in one turn.
#[expect(clippy::cast_possible_truncation, reason = "a few hundred")]
const STORED_A_TURN: u32 = (CLIENTS * ROUNDS_AT_ONCE) as u32;
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
    let mut parts = Parts::new(&world)?;
    for _ in 0..ROUNDS {
        parts.measure(&mut serial, &daemon, &world)?;
    }
    let rows = vec![parts.row(world.store_bytes()?.len()), together(&daemon, &mut serial)?];
    daemon.stop(|| true);
    Ok(rows)
}

/// Both sides of P1, and what ours is made of, all in turns.
struct Parts {
    floor: Floor,
    record: Vec<u8>,
    /// A store of the same secrets without a daemon, and where it is.
    alone: (Arc<Store>, World),
    ours: Sample,
    ours_cpu: Sample,
    bare: Sample,
    bare_cpu: Sample,
    rewrite: Sample,
    store: Sample,
}

impl Parts {
    fn new(world: &World) -> Outcome<Self> {
        let other = World::new(disk_folder(), SECRETS)?;
        let sample = Sample::default;
        Ok(Self {
            floor: Floor::new(&world.at("floor"))?,
            record: vec![7; record_bytes(world)?],
            alone: (other.store()?, other),
            ours: sample(),
            ours_cpu: sample(),
            bare: sample(),
            bare_cpu: sample(),
            rewrite: sample(),
            store: sample(),
        })
    }

    fn measure(&mut self, serial: &mut Serial, daemon: &Daemon, world: &World) -> Outcome<()> {
        let bytes = world.store_bytes()?;
        let started = own_cpu()?;
        let first = self.floor.commit(1, &self.record)?;
        let rewrite = self.floor.rewrite(&bytes)?;
        self.bare.add(first + rewrite + self.floor.commit(COMMITS - 1, &self.record)?);
        let bare = own_cpu()?;
        self.ours.add(serial.store(daemon)?);
        let ours = own_cpu()?;
        self.rewrite.add(rewrite);
        self.bare_cpu.add(bare.saturating_sub(started));
        self.ours_cpu.add(ours.saturating_sub(bare));
        let change = put(std::iter::once((secret(serial.next % SECRETS), value(serial.next))));
        let (store, _) = &self.alone;
        let started = Instant::now();
        store.update(vec![change])?;
        self.store.add(started.elapsed());
        store.catch_up();
        Ok(())
    }

    fn row(&self, store_bytes: usize) -> Row {
        let (ours, bare) = (&self.ours, &self.bare);
        let result = ratio(bare.median(), ours.median());
        let mean = ratio(bare.total(), ours.total());
        let [stored, rewritten, all, cpu, bare_cpu] =
            [&self.store, &self.rewrite, ours, &self.ours_cpu, &self.bare_cpu].map(Sample::median);
        let record_bytes = self.record.len();
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
            note: format!(
                "a workflow of one UPDATE_SECRET, started and awaited through the daemon's handle. It owes two commits (the \
                 task started; it is stored) and one rewrite of the whole age file. In the same loop, p50: the rewrite of a \
                 store of as many secrets without a daemon {} ms (it reads the file that is there, writes all as JSON and \
                 encrypts it), of which the bare rewrite {} ms; what is left for engine, journal and the way between four \
                 threads {} ms. CPU of all threads: {} ms, of the bare side {} ms. Where the disk is slow its syncs hide \
                 that.",
                milliseconds(stored),
                milliseconds(rewritten),
                milliseconds(all.saturating_sub(stored)),
                milliseconds(cpu),
                milliseconds(bare_cpu),
            ),
        }
    }
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

fn together(daemon: &Daemon, serial: &mut Serial) -> Outcome<Row> {
    let (mut alone, mut crowded, mut cpu) = (Sample::default(), Vec::new(), Sample::default());
    for _ in 0..TURNS {
        for _ in 0..ROUNDS_AT_ONCE * 4 {
            alone.add(serial.store(daemon)?);
        }
        let first = serial.next + 1;
        serial.next += CLIENTS * ROUNDS_AT_ONCE;
        let started = own_cpu()?;
        crowded.push(crowd(daemon, &serial.client, CLIENTS, ROUNDS_AT_ONCE, |client, round| {
            input(client, first + client * ROUNDS_AT_ONCE + round)
        })?);
        cpu.add(own_cpu()?.saturating_sub(started) / STORED_A_TURN);
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
        note: format!(
            "what waits while one rewrite is under way shares the next, and so do the journal's commits. CPU of all threads for \
             each that was stored: {} ms, so a core does no more than {:.0}/s, however fast the disk is.",
            milliseconds(cpu.median()),
            per_second(1, cpu.median())
        ),
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
