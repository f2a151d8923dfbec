//! P20 to P24: large shapes and many executions, over HTTP, at three sizes each, beside the real server where there is one.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};

use serde_json::{Value, json};

use super::commands::mebibytes;
use crate::Outcome;
use crate::report::Row;
use crate::sample::{milliseconds, ratio};
use crate::server::{PATIENCE, Server, THEIR_PATIENCE};
use crate::service::Service;
use crate::world::{World, disk_folder};

/// How many times as long the largest may take as the smallest, a quarter of it, and count as linear: some cost does not grow.
const LINEAR: f64 = 6.0;
/// How many clients start workflows at once.
const CLIENTS: usize = 64;
/// How many each side starts for its rate: the real one does about a hundred a second.
const OURS: usize = 20_000;
const THEIRS: usize = 500;
/// How many executions wait before their memory is measured.
const WARM: usize = 2_500;

/// Measures all of them.
pub(crate) fn rows() -> Outcome<Vec<Row>> {
    let world = World::new(disk_folder(), 1)?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = world.serve();
    command.args(["--open", "--listen", &format!("127.0.0.1:{port}")]);
    let mut service = Service::start(command)?;
    let ours = Server::at(&format!("http://127.0.0.1:{port}/api"))?;
    let real = Server::real()?;
    let mut rows = vec![
        shape(&ours, real.as_ref(), "P20", "FORK_JOIN, branches of one NOOP", [125, 250, 500, 1_000], &fork)?,
        shape(&ours, real.as_ref(), "P21", "DO_WHILE, iterations of one NOOP", [100, 2_500, 5_000, 10_000], &repeated)?,
        shape(&ours, real.as_ref(), "P22", "SUB_WORKFLOW, so many deep", [6, 12, 25, 50], &nested)?,
    ];
    rows.push(crowd(&ours, real.as_ref())?);
    rows.push(live(&ours, &mut service)?);
    Ok(rows)
}

fn definition(name: &str, tasks: &Value) -> Value {
    json!({"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "a@example.com", "timeoutSeconds": 0, "tasks": tasks})
}

fn task(reference: &str, kind: &str) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": kind})
}

fn fork(size: usize) -> Vec<Value> {
    let references: Vec<_> = (0..size).map(|number| format!("branch_{number}")).collect();
    let mut fork = task("fork", "FORK_JOIN");
    fork["forkTasks"] = references.iter().map(|reference| json!([task(reference, "NOOP")])).collect();
    let mut join = task("join", "JOIN");
    join["joinOn"] = json!(references);
    vec![definition(&format!("fork_{size}"), &json!([fork, join]))]
}

fn repeated(size: usize) -> Vec<Value> {
    let mut repeat = task("loop", "DO_WHILE");
    repeat["loopCondition"] = json!(format!("$.loop['iteration'] < {size}"));
    repeat["loopOver"] = json!([task("inner", "NOOP")]);
    vec![definition(&format!("loop_{size}"), &json!([repeat]))]
}

fn nested(size: usize) -> Vec<Value> {
    let name = |level: usize| if level == size { format!("nest_{size}") } else { format!("nest_{size}_{level}") };
    let lowest = definition(&name(0), &json!([task("inner", "NOOP")]));
    let above = (1..=size).map(|level| {
        let mut below = task("below", "SUB_WORKFLOW");
        below["subWorkflowParam"] = json!({"name": name(level - 1), "version": 1});
        definition(&name(level), &json!([below]))
    });
    std::iter::once(lowest).chain(above).collect()
}

/// Measures a shape at a size that the real server ends, and at three more, each twice as large as the one before.
fn shape(
    ours: &Server,
    real: Option<&Server>,
    number: &'static str,
    measure: &str,
    sizes: [usize; 4],
    definitions: &dyn Fn(usize) -> Vec<Value>,
) -> Outcome<Row> {
    let mut times = Vec::new();
    let (mut ours_text, mut real_text, mut times_faster) = (String::new(), String::new(), None);
    for size in sizes {
        let definitions = definitions(size);
        let name = definitions.last().and_then(|one| one["name"].as_str()).unwrap_or_default().to_owned();
        ours.register(&definitions)?;
        // The first run reads and compiles the definition.
        ours.run(&name, PATIENCE)?;
        let own = ours.run(&name, PATIENCE)?.ok_or_else(|| format!("{name} did not end within {PATIENCE:?}"))?;
        write!(ours_text, "{}{size}: {} ms", separator(&ours_text), milliseconds(own))?;
        times.push(own);
        let Some(real) = real else { continue };
        real.register(&definitions)?;
        // What it was given before may still keep it from answering.
        let theirs = real.run(&name, THEIR_PATIENCE).ok().flatten();
        let said = theirs
            .map_or_else(|| format!("not within {THEIR_PATIENCE:?}"), |time| format!("{} ms", milliseconds(time)));
        write!(real_text, "{}{size}: {said}", separator(&real_text))?;
        times_faster = theirs.map(|theirs| (size, ratio(theirs, own))).or(times_faster);
    }
    let [_, small, .., large] = times.as_slice() else { return Err("a shape has four sizes".into()) };
    let growth = ratio(*large, *small);
    let fast = match (real, times_faster) {
        (None, _) => String::new(),
        (Some(_), Some((size, times))) => format!("; {times:.0} × at {size}, the largest that it ends"),
        (Some(_), None) => "; it ends none of them".to_owned(),
    };
    Ok(Row {
        number,
        measure: format!("{measure}, start to end"),
        ours: ours_text,
        beside: real_text_or_none(&real_text),
        result: format!("{growth:.1} × for 4 × as many{fast}"),
        goal: "linear; ≥ 10 × the real server",
        met: Some(growth <= LINEAR && times_faster.is_none_or(|(_, times)| times >= 10.0)),
        note: String::new(),
    })
}

fn separator(text: &str) -> &'static str {
    if text.is_empty() { "" } else { ", " }
}

fn real_text_or_none(text: &str) -> String {
    if text.is_empty() {
        "no real server was named in `KEYTIDE_CONDUCTOR`".to_owned()
    } else {
        format!("Conductor: {text}")
    }
}

fn crowd(ours: &Server, real: Option<&Server>) -> Outcome<Row> {
    let one = definition("one_task", &json!([task("one", "NOOP")]));
    ours.register(std::slice::from_ref(&one))?;
    let rate = ours.crowd("one_task", CLIENTS, OURS)?;
    ours.until_done("one_task")?;
    let theirs = match real {
        None => None,
        Some(real) => {
            real.register(&[one])?;
            real.crowd("one_task", CLIENTS, THEIRS / 5)?;
            Some(real.crowd("one_task", CLIENTS, THEIRS)?)
        }
    };
    let times = theirs.map(|theirs| rate / theirs);
    Ok(Row {
        number: "P23",
        measure: format!("workflows of one task (NOOP) over HTTP, {CLIENTS} clients"),
        ours: format!("{rate:.0}/s (n {OURS})"),
        beside: real_text_or_none(&theirs.map_or_else(String::new, |theirs| format!("{theirs:.0} starts/s (n {THEIRS})"))),
        result: times.map_or_else(|| format!("{rate:.0}/s"), |times| format!("{times:.0} ×")),
        goal: "≥ 50 ×",
        met: times.map(|times| times >= 50.0),
        note: "client and server share the two cores here, on both sides. What of the real server is counted are answered starts; its \
               executions end later."
            .to_owned(),
    })
}

/// Measures what executions that wait take.
fn live(ours: &Server, service: &mut Service) -> Outcome<Row> {
    ours.register(&[definition("waits", &json!([task("wait", "WAIT")]))])?;
    // What the allocator holds after the rows before this one is filled first.
    ours.crowd("waits", CLIENTS, WARM)?;
    let before = service.usage()?.own_kib;
    let mut text = String::new();
    let mut grown = Vec::new();
    for (step, total) in [(2_500, 2_500), (2_500, 5_000), (5_000, 10_000)] {
        let rate = ours.crowd("waits", CLIENTS, step)?;
        let mib = mebibytes(service.usage()?.own_kib.saturating_sub(before) * 1_024);
        write!(text, "{}{total}: {mib:.1} MB ({rate:.0} starts/s)", separator(&text))?;
        grown.push(mib);
    }
    let [small, .., large] = grown.as_slice() else { return Err("there are three sizes".into()) };
    Ok(Row {
        number: "P24",
        measure: format!("executions that wait (WAIT), memory beyond what {WARM} of them took"),
        ours: text,
        beside: "–".to_owned(),
        result: format!("{:.1} KB each; {:.1} × for 4 × as many", large * 1_024.0 / 10_000.0, large / small.max(0.1)),
        goal: "linear",
        met: Some(large / small.max(0.1) <= LINEAR),
        note: String::new(),
    })
}
