//! P13: how late a schedule of every second fires, beside supercronic in the same minute.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::report::Row;
use crate::sample::Sample;
use crate::service::Service;
use crate::world::{World, disk_folder};
use crate::{Outcome, peers};

/// How long both run.
const MINUTE: Duration = Duration::from_secs(63);
/// The first seconds are those of the start.
const SECONDS_SKIPPED: usize = 3;

/// Measures both at once.
pub(crate) fn rows() -> Outcome<Vec<Row>> {
    let world = World::new(disk_folder(), 2)?;
    let (address, arrivals) = listen()?;
    let url = format!("http://{address}/tock");
    world.add("workflows/tick.json", &every_second("tick", "NOOP", &json!({})))?;
    world.add("workflows/tock.json", &every_second("tock", "HTTP", &json!({"uri": url, "method": "GET"})))?;
    let fired = world.at("fired");
    fs::write(world.at("crontab"), format!("* * * * * * * date +%s.%N >> {}\n", fired.display()))?;
    let mut crond = Command::new(peers::SUPERCRONIC.program()?);
    crond.arg("-quiet").arg(world.at("crontab"));
    let (mut crond, mut keytide) = (Service::start(crond)?, Service::start(world.serve())?);
    thread::sleep(MINUTE);
    crond.usage().map_err(|error| format!("supercronic: {error}"))?;
    keytide.usage().map_err(|error| format!("keytide serve: {error}"))?;
    drop((crond, keytide));
    let theirs = settled(fs::read_to_string(fired)?.lines().filter_map(lag_of).collect());
    let started = settled(journaled(&world)?);
    let called = settled(arrivals.try_iter().map(lag).collect());
    Ok(vec![
        row("a step inside (NOOP): when it started, in whole milliseconds", &started, &theirs, INSIDE),
        row("an HTTP call: when it arrived", &called, &theirs, OUTSIDE),
    ])
}

const INSIDE: &str = "both fired every second of the same minute. supercronic's time is when the `date` that it started looked \
                      at the clock, so it has a shell and a process in it.";
const OUTSIDE: &str = "the call leaves after the journal has synced that the slot fired and that the task started; supercronic \
                       keeps nothing.";

fn row(what: &str, ours: &Sample, theirs: &Sample, note: &str) -> Row {
    let p50 = [ours.median(), theirs.median()];
    let p99 = [ours.quantile(0.99), theirs.quantile(0.99)];
    let times = |[ours, theirs]: [Duration; 2]| ours.as_secs_f64() / theirs.as_secs_f64();
    Row {
        number: "P13",
        measure: format!("how late a slot fires, cron of every second; {what}"),
        ours: ours.text(),
        beside: format!("supercronic, `date` in a shell: {}", theirs.text()),
        result: format!("p50 {:.2} ×, p99 {:.2} ×", times(p50), times(p99)),
        goal: "≤ 1 × both",
        met: Some(times(p50) <= 1.0 && times(p99) <= 1.0),
        note: note.to_owned(),
    }
}

fn settled(lags: Vec<Duration>) -> Sample {
    lags.into_iter().skip(SECONDS_SKIPPED).collect()
}

fn every_second(name: &str, task_type: &str, input: &Value) -> Value {
    json!({
        "name": name,
        "tasks": [{"name": name, "taskReferenceName": name, "type": task_type, "inputParameters": input}],
        "schedules": [{"name": name, "cronExpression": "* * * * * *", "zoneId": "UTC"}],
    })
}

/// Returns how long after their due time the executions started.
fn journaled(world: &World) -> Outcome<Vec<Duration>> {
    let journal = Connection::open_with_flags(world.at(".keytide/journal.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut query =
        journal.prepare("SELECT started - due FROM executions WHERE name = 'tick' AND due IS NOT NULL ORDER BY due")?;
    let rows = query.query_map([], |row| row.get(0))?;
    Ok(rows
        .map(|lag| lag.map(|milliseconds: u32| Duration::from_millis(milliseconds.into())))
        .collect::<Result<_, _>>()?)
}

/// Reads what `date +%s.%N` printed.
fn lag_of(line: &str) -> Option<Duration> {
    let (_, nanoseconds) = line.split_once('.')?;
    Some(Duration::from_nanos(nanoseconds.parse().ok()?))
}

/// Returns how far the second has gone.
fn lag(moment: SystemTime) -> Duration {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_nanos(since.subsec_nanos().into())
}

/// Answers every request, and tells when it arrived.
fn listen() -> Outcome<(std::net::SocketAddr, Receiver<SystemTime>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let (told, arrivals) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let told = told.clone();
            thread::spawn(move || answer(stream, &told));
        }
    });
    Ok((address, arrivals))
}

fn answer(mut stream: TcpStream, told: &Sender<SystemTime>) {
    let mut request = [0; 4_096];
    // A request of this size comes in one piece on loopback.
    while stream.read(&mut request).is_ok_and(|bytes| bytes > 0) {
        let _ = told.send(SystemTime::now());
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }
}
