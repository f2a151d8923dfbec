//! P19: how long the dispatcher is away while old executions go, in the same journal of a million.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keytide::journal::{Log as _, SqliteLog, Wiped};
use keytide::secret::Sealer;
use serde_json::json;

use crate::Outcome;
use crate::million::{add, started};
use crate::report::Row;
use crate::sample::Sample;

/// How many executions a look of the daemon's housekeeping archives and purges at most.
const PER_LOOK: usize = 25;
/// How many looks are measured.
const LOOKS: usize = 50;
/// What is aimed at: nobody who waits for an answer notices.
const GOAL: Duration = Duration::from_millis(100);

/// Archives and purges the oldest of `count` executions, and keeps as many new ones in their place.
pub(crate) fn row(path: &Path, sealer: Arc<Sealer>, count: u64) -> Outcome<Row> {
    let mut log = SqliteLog::open(path, sealer)?;
    let (now, before) = (started(count)?, fs::metadata(path)?.len());
    let (mut archived, mut purged) = (Sample::default(), Sample::default());
    for _ in 0..LOOKS {
        let began = Instant::now();
        let due = log.due_for_archive(now, PER_LOOK)?;
        let snapshot = json!({"workflowName": "w", "status": "COMPLETED", "input": {"a": "b".repeat(400)}});
        let snapshots: Vec<_> = due.into_iter().map(|id| (id, snapshot.clone())).collect();
        log.archive(&snapshots, now)?;
        wiped(log.wipe()?)?;
        archived.add(began.elapsed());
        let began = Instant::now();
        let due = log.due_for_purge(now, PER_LOOK)?;
        if due.len() < PER_LOOK {
            return Err("there was too little to purge".into());
        }
        log.remove(&due)?;
        wiped(log.wipe()?)?;
        purged.add(began.elapsed());
    }
    add(&mut log, count..count + u64::try_from(PER_LOOK * LOOKS)?, count)?;
    let grown = i128::from(fs::metadata(path)?.len()) - i128::from(before);
    let p99 = archived.quantile(0.99).max(purged.quantile(0.99));
    Ok(Row {
        number: "P19",
        measure: format!(
            "a look of the housekeeping: {PER_LOOK} executions of {count} archived, {PER_LOOK} purged, wiped"
        ),
        ours: format!("archived {}; purged {}", archived.text(), purged.text()),
        beside: "–".to_owned(),
        result: format!("p99 {:.1} ms", p99.as_secs_f64() * 1_000.0),
        goal: "p99 ≤ 100 ms each",
        met: Some(p99 <= GOAL),
        note: format!(
            "what a caller waits at most while old executions go. Replaying what is archived is not in it. As many new \
             executions were kept afterwards as had gone: the file grew by {} KiB, what went leaves its pages to what comes.",
            grown / 1_024
        ),
    })
}

fn wiped(wiped: Wiped) -> Outcome<()> {
    match wiped {
        Wiped::Now => Ok(()),
        Wiped::Later => Err("somebody reads beside the measurement".into()),
    }
}
