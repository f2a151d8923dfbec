//! P25 to P27: how long the pages take and how much comes over the wire, with many secrets, workflows and executions.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::idle::rotation;
use crate::Outcome;
use crate::million::{fill, id, workflow};
use crate::report::Row;
use crate::sample::{Sample, milliseconds};
use crate::server::{PATIENCE, Server};
use crate::service::Service;
use crate::world::{World, disk_folder, secret};

/// What there is to show.
const SECRETS: usize = 1_000;
const WORKFLOWS: usize = 1_000;
const EXECUTIONS: u64 = 100_000;
/// How many tasks the diagram has, and in how many branches and a sequence.
const TASKS: usize = 200;
const BRANCHES: usize = 8;
/// How often each page is asked for.
const ROUNDS: usize = 100;
/// What is aimed at.
const GOAL: Duration = Duration::from_millis(100);
const BYTES_GOAL: usize = 60_000;

/// Measures all of them, of the released program at a loopback port.
pub(crate) fn rows() -> Outcome<Vec<Row>> {
    let world = World::new(disk_folder(), SECRETS)?;
    for number in 0..WORKFLOWS {
        let name = workflow(u64::try_from(number)?);
        world.add(&format!("workflows/{name}.json"), &rotation(&name, number))?;
    }
    world.add("workflows/wide.json", &wide())?;
    std::fs::create_dir_all(world.at(".keytide"))?;
    fill(&world.at(".keytide/journal.db"), world.store()?.sealer()?, EXECUTIONS)?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = world.serve();
    command.args(["--open", "--listen", &format!("127.0.0.1:{port}")]);
    let _service = Service::start(command)?;
    let server = Server::at(&format!("http://127.0.0.1:{port}/api"))?;
    let until = Instant::now() + PATIENCE;
    while server.get("/metadata/workflow/names")?.as_array().map_or(0, Vec::len) <= WORKFLOWS {
        if Instant::now() > until {
            return Err("the workflows are not loaded".into());
        }
    }
    let first = server.page("/")?;
    let (overview, load) = (measured(&server, "/")?, first_load(&server, "/", &first.1)?);
    Ok(vec![first_page(first.0, &overview), pages(&server)?, bytes(&load), diagram(&server)?])
}

/// A sequence of forks, as wide as people draw them and longer.
fn wide() -> Value {
    let step = |number: usize| json!({"name": "step", "taskReferenceName": format!("step_{number}"), "type": "NOOP"});
    let mut tasks = Vec::new();
    // A fork and its join count as well.
    for first in (0..TASKS).step_by(BRANCHES + 2) {
        let steps = first..first + BRANCHES;
        let branches: Vec<_> = steps.clone().map(|number| vec![step(number)]).collect();
        let ends: Vec<_> = steps.map(|number| format!("step_{number}")).collect();
        let (fork, join) = (format!("fork_{first}"), format!("join_{first}"));
        tasks.push(json!({"name": "fork", "taskReferenceName": fork, "type": "FORK_JOIN", "forkTasks": branches}));
        tasks.push(json!({"name": "join", "taskReferenceName": join, "type": "JOIN", "joinOn": ends}));
    }
    json!({"name": "wide", "tasks": tasks})
}

fn measured(server: &Server, path: &str) -> Outcome<Sample> {
    (0..ROUNDS).map(|_| Ok(server.page(path)?.0)).collect()
}

/// Returns what a browser gets that was never here: the page, and the files of ours that it names.
fn first_load(server: &Server, path: &str, page: &[u8]) -> Outcome<Vec<(String, usize)>> {
    let text = server.text(path)?;
    let named = text.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next());
    let mut all = vec![(path.to_owned(), page.len())];
    for file in named {
        all.push((file.to_owned(), server.page(&format!("/assets/{file}"))?.1.len()));
    }
    Ok(all)
}

fn scene() -> String {
    format!("{SECRETS} secrets, {WORKFLOWS} workflows with schedules, {EXECUTIONS} executions")
}

fn first_page(first: Duration, overview: &Sample) -> Row {
    Row {
        number: "P25",
        measure: format!("the first page (the overview), request to last byte; {}", scene()),
        ours: overview.text(),
        beside: "–".to_owned(),
        result: format!("p99 {} ms", milliseconds(overview.quantile(0.99))),
        goal: "≤ 100 ms",
        met: Some(first.max(overview.quantile(0.99)) <= GOAL),
        note: format!(
            "of the released program, over loopback; the very first after the start took {} ms.",
            milliseconds(first)
        ),
    }
}

fn pages(server: &Server) -> Outcome<Row> {
    let (execution, secret, workflow) = (id(EXECUTIONS / 2)?, secret(7), workflow(7));
    let all = [
        "/".to_owned(),
        "/secrets".to_owned(),
        format!("/secrets/{secret}"),
        "/add-secret".to_owned(),
        "/workflows".to_owned(),
        format!("/workflows/{workflow}"),
        "/edit-workflow".to_owned(),
        "/schedules".to_owned(),
        format!("/schedules/{workflow}"),
        "/executions".to_owned(),
        "/executions?status=FAILED".to_owned(),
        format!("/executions/{execution}"),
        format!("/executions/{execution}/json"),
        "/problems".to_owned(),
    ];
    let (mut worst, mut lines) = (Duration::ZERO, Vec::new());
    for path in &all {
        let bytes = server.page(path).map_err(|error| format!("{path}: {error}"))?.1.len();
        let sample = measured(server, path)?;
        worst = worst.max(sample.quantile(0.99));
        eprintln!("{path}: {} {bytes} bytes", sample.text());
        lines.push(format!("`{}` {}, {bytes} bytes", shown(path, &execution.to_string()), sample.text()));
    }
    Ok(Row {
        number: "P25",
        measure: format!("{} pages, the slowest", all.len()),
        ours: format!("p99 {} ms", milliseconds(worst)),
        beside: "–".to_owned(),
        result: format!("{} ms", milliseconds(worst)),
        goal: "≤ 100 ms each",
        met: Some(worst <= GOAL),
        note: format!("{}.", lines.join("; ")),
    })
}

fn shown(path: &str, execution: &str) -> String {
    path.replace(execution, "ID")
}

fn bytes(load: &[(String, usize)]) -> Row {
    let sum: usize = load.iter().map(|(_, bytes)| bytes).sum();
    let lines: Vec<_> = load.iter().map(|(name, bytes)| format!("`{name}` {bytes}")).collect();
    Row {
        number: "P26",
        measure: format!("bytes of the first load: page, script, style, icon; {}", scene()),
        ours: format!("{sum} bytes"),
        beside: "–".to_owned(),
        result: format!("{sum} bytes"),
        goal: "≤ 60 KB",
        met: Some(sum <= BYTES_GOAL),
        note: format!(
            "bodies as they are sent: {}. The files are at paths with their digest and asked for once.",
            lines.join(", ")
        ),
    }
}

fn diagram(server: &Server) -> Outcome<Row> {
    let bytes = server.page("/workflows/wide")?.1.len();
    let sample = measured(server, "/workflows/wide")?;
    Ok(Row {
        number: "P27",
        measure: format!("the page of a workflow with a diagram of {TASKS} tasks"),
        ours: format!("{}, {bytes} bytes", sample.text()),
        beside: "–".to_owned(),
        result: format!("p99 {} ms", milliseconds(sample.quantile(0.99))),
        goal: "≤ 100 ms",
        met: Some(sample.quantile(0.99) <= GOAL),
        note: "the picture is drawn on the server for each request; the browser lays nothing out.".to_owned(),
    })
}
