//! P29 and P30: what it takes that a thousand clients wait.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use serde_json::json;
use tokio::runtime::Runtime;

use super::commands::mebibytes;
use crate::Outcome;
use crate::report::Row;
use crate::server::Server;
use crate::service::{Service, Usage};
use crate::wire::{Wire, free_port, request};
use crate::world::{World, disk_folder};

/// How many clients wait.
const CLIENTS: usize = 1_000;
/// How many applications they are: one has 256 streams at most.
const APPLICATIONS: usize = 4;
/// After the start, and after the last of them has come, what was only needed for it is gone.
const SETTLING: Duration = Duration::from_secs(3);
/// What is aimed at.
const GOAL_MIB: f64 = 20.0;

/// Measures the long polls of workers, then streams of events, each of a daemon of its own.
pub(crate) fn rows() -> Outcome<Vec<Row>> {
    let world = World::new(disk_folder(), 100)?;
    let keys: Vec<_> = (0..APPLICATIONS).map(|number| key(&world, &format!("app_{number}"))).collect::<Outcome<_>>()?;
    let polls = measured(&world, &keys, |number| {
        format!("/api/tasks/poll/batch/nothing?workerid=worker_{number}&count=1&timeout=60000")
    })?;
    let streams = measured(&world, &keys, |_| "/api/events".to_owned())?;
    Ok(vec![
        row("P29", "long polls of workers (`GET /api/tasks/poll/batch/…`)", &polls),
        row("P30", "streams of events (`GET /api/events`)", &streams),
    ])
}

/// Makes an application, and returns what it signs in with.
fn key(world: &World, name: &str) -> Outcome<(String, String)> {
    let said = world.output(&["app", "create", name])?;
    let line = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let key = line("CONDUCTOR_AUTH_KEY=").zip(line("CONDUCTOR_AUTH_SECRET="));
    key.ok_or_else(|| format!("`app create` said no key:\n{said}").into())
}

struct Waiting {
    before: Usage,
    after: Usage,
}

fn measured(world: &World, keys: &[(String, String)], path: impl Fn(usize) -> String) -> Outcome<Waiting> {
    let address = free_port()?;
    let mut command = world.serve();
    command.args(["--listen", &address.to_string()]);
    let mut service = Service::start(command)?;
    let server = Server::at(&format!("http://{address}/api"))?;
    let sign_in = |(id, secret): &(String, String)| {
        let token = server.post("/token", &json!({"keyId": id, "keySecret": secret}))?["token"].clone();
        token.as_str().map(str::to_owned).ok_or_else(|| "an answer without a token".into())
    };
    let tokens: Vec<String> = keys.iter().map(sign_in).collect::<Outcome<_>>()?;
    thread::sleep(SETTLING);
    let before = service.usage()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let wires = connected(&runtime, address, &tokens, path)?;
    thread::sleep(SETTLING);
    let after = service.usage()?;
    if wires.iter().any(|wire| !wire.is_silent()) {
        return Err("somebody was answered".into());
    }
    Ok(Waiting { before, after })
}

/// Returns connections that all wait.
fn connected(
    runtime: &Runtime,
    address: SocketAddr,
    tokens: &[String],
    path: impl Fn(usize) -> String,
) -> Outcome<Vec<Wire>> {
    runtime.block_on(async {
        let mut wires = Vec::new();
        for number in 0..CLIENTS {
            let mut wire = Wire::to(address).await?;
            let path = path(number);
            wire.send(&request(address, &path, tokens.get(number % tokens.len()).map(String::as_str))).await?;
            if path.starts_with("/api/events") {
                // It is told where it is.
                wire.until(b"\n\n\r\n").await?;
            }
            wires.push(wire);
        }
        Ok(wires)
    })
}

fn row(number: &'static str, what: &str, Waiting { before, after }: &Waiting) -> Row {
    let grown = |after: u64, before: u64| mebibytes(after.saturating_sub(before) * 1_024);
    let (resident, own) = (grown(after.resident_kib, before.resident_kib), grown(after.own_kib, before.own_kib));
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let each = resident * 1_024.0 / CLIENTS as f64;
    Row {
        number,
        measure: format!("{CLIENTS} {what} that wait, memory beyond a daemon that nobody asks"),
        ours: format!("{resident:.1} MB resident, {own:.1} MB of it not of files"),
        beside: "–".to_owned(),
        result: format!("{resident:.1} MB; {each:.1} KB each"),
        goal: "≤ 20 MB",
        met: Some(resident <= GOAL_MIB),
        note: String::new(),
    }
}
