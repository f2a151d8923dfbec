//! P18: how long the searches of people and clients take in a journal of a million executions.

use std::time::{Duration, Instant};

use keytide::daemon::{Daemon, SummaryField};
use keytide::journal::{Page, Query, conditions, sorting};
use keytide::words::Owner;
use serde_json::Value;

use crate::Outcome;
use crate::million::{WORKFLOWS, correlation, fill, id, mixed, started, workflow};
use crate::report::Row;
use crate::rows::retention;
use crate::sample::Sample;
use crate::world::{World, disk_folder};

/// How many executions the journal has.
const COUNT: u64 = 1_000_000;
/// How often each search is made, each time for something else.
const ROUNDS: u64 = 200;
/// The same for searches that take long.
const WIDE_ROUNDS: u64 = 20;
/// How many rows a page has.
const ROWS: u64 = 20;
/// What is aimed at.
const GOAL: Duration = Duration::from_millis(50);

/// A search by the number of its round.
type Search = fn(u64) -> Outcome<Query<SummaryField>>;

/// What is searched for.
const SEARCHES: &[(&str, Search)] = &[
    ("the latest 20", |_| query("", "")),
    ("by status", |round| query(&format!("status = {}", status(round)), "")),
    ("by type", |round| query(&format!("workflowType = {}", workflow(round % WORKFLOWS)), "")),
    ("by type and status", |round| {
        query(&format!("workflowType IN ({}) AND status IN ({})", workflow(round % WORKFLOWS), status(round)), "")
    }),
    ("within a day", |round| {
        let from = started(mixed(round) % COUNT)?.as_millis();
        query(&format!("startTime > {from} AND startTime < {}", from + 86_400_000), "")
    }),
    ("within a week, by status", |round| {
        let from = started(mixed(round) % COUNT)?.as_millis();
        query(&format!("startTime BETWEEN {from} AND {} AND status = FAILED", from + 7 * 86_400_000), "")
    }),
    ("by correlation id", |round| {
        let correlation = correlation((mixed(round) % COUNT) | 1).unwrap_or_default();
        query(&format!("correlationId = '{correlation}'"), "")
    }),
    ("by the beginning of an id", |round| {
        let id = id(mixed(round) % COUNT)?.to_string();
        query(&format!("workflowId STARTS_WITH '{}'", id.get(..13).unwrap_or_default()), "")
    }),
    ("free text: part of a name", |round| query("", &format!("tate_{:02}", round % WORKFLOWS))),
    ("free text: a correlation id", |round| query("", &correlation((mixed(round) % COUNT) | 1).unwrap_or_default())),
    ("free text: nothing like it", |round| query("", &format!("nobody {round}"))),
    ("a deep page", |round| Ok(Query { start: mixed(round) % (COUNT - ROWS), ..query("", "")? })),
    ("a deep page by status", |round| {
        Ok(Query { start: mixed(round) % (COUNT / 2), ..query("status = COMPLETED", "")? })
    }),
    ("either of two", |round| {
        let correlation = correlation((mixed(round) % COUNT) | 1).unwrap_or_default();
        query(&format!("correlationId = '{correlation}' OR workflowId = {}", id(round)?), "")
    }),
    ("by version, not by status", |_| query("version = 1 AND status != COMPLETED", "")),
];

/// What no index is made for: it looks at every row, or opens what is sealed.
const WIDE: &[(&str, Search)] = &[
    ("what nobody has, in a field without an index", |_| query("version = 2", "")),
    ("sorted by another time", |_| Ok(Query { sort: sorting("updateTime:DESC")?, ..query("", "")? })),
    ("a part of a sealed input", |round| {
        let text = format!("workflowType = {} AND input = 'end=F'", workflow(round % WORKFLOWS));
        query(&text, "")
    }),
];

fn query(text: &str, free_text: &str) -> Outcome<Query<SummaryField>> {
    Ok(Query { conditions: conditions(text, free_text)?, size: ROWS, ..Query::default() })
}

fn status(round: u64) -> &'static str {
    ["FAILED", "RUNNING", "COMPLETED"].into_iter().cycle().nth(usize::try_from(round).unwrap_or(0) % 3).unwrap_or("")
}

/// Measures each search.
pub(crate) fn rows() -> Outcome<Vec<Row>> {
    let world = World::new(disk_folder(), 2)?;
    let (journal, sealer) = (world.at(".keytide/journal.db"), world.store()?.sealer()?);
    let filling = Instant::now();
    fill(&journal, sealer.clone(), COUNT)?;
    eprintln!("filled in {:.0} s", filling.elapsed().as_secs_f64());
    let daemon = world.daemon()?;
    let mut worst: Option<(&str, Sample)> = None;
    let mut lines = Vec::new();
    for (name, search) in SEARCHES {
        let sample = measured(&daemon, *search, ROUNDS).map_err(|error| format!("{name}: {error}"))?;
        eprintln!("{name}: {}", sample.text());
        lines.push(format!("{name} {}", sample.text()));
        if worst.as_ref().is_none_or(|(_, worst)| worst.quantile(0.99) < sample.quantile(0.99)) {
            worst = Some((name, sample));
        }
    }
    let mut wide = Vec::new();
    for (name, search) in WIDE {
        let sample = measured(&daemon, *search, WIDE_ROUNDS).map_err(|error| format!("{name}: {error}"))?;
        eprintln!("{name}: {}", sample.text());
        wide.push(format!("{name} {}", sample.text()));
    }
    daemon.stop(|| true);
    let (name, sample) = worst.ok_or("there is no search")?;
    let searches = Row {
        number: "P18",
        measure: format!(
            "a page of 20 and the total, of {COUNT} executions; the slowest of {} searches",
            SEARCHES.len()
        ),
        ours: format!("{name}: {}", sample.text()),
        beside: "–".to_owned(),
        result: format!("p99 {:.1} ms", sample.quantile(0.99).as_secs_f64() * 1_000.0),
        goal: "p99 ≤ 50 ms",
        met: Some(sample.quantile(0.99) <= GOAL),
        note: format!(
            "through the daemon's handle, summaries masked, one search after the other. {}.",
            lines.join("; ")
        ),
    };
    Ok(vec![searches, retention::row(&journal, sealer, COUNT)?])
}

fn measured(daemon: &Daemon, search: Search, rounds: u64) -> Outcome<Sample> {
    let handle = daemon.handle();
    (0..rounds)
        .map(|round| {
            let query = search(round)?;
            let began = Instant::now();
            let Page { rows, total } = daemon.runtime().block_on(handle.search(&Owner::Local, query))?;
            let took = began.elapsed();
            check(&rows, total)?;
            Ok(took)
        })
        .collect()
}

/// A search that finds less than it says would be quick for a wrong reason.
fn check(rows: &[Value], total: u64) -> Outcome<()> {
    let shown = u64::try_from(rows.len())?;
    if shown == total.min(ROWS) { Ok(()) } else { Err(format!("{shown} rows of {total}").into()) }
}
