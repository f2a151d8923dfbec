//! P17: what a daemon takes while there is nothing to do.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::commands::mebibytes;
use crate::report::Row;
use crate::service::{Service, Usage};
use crate::world::{World, disk_folder};
use crate::{Outcome, peers};

/// How many workflows, each with a schedule that is not due.
const WORKFLOWS: usize = 100;
/// After the start, what was only needed for it is gone.
const SETTLING: Duration = Duration::from_secs(15);
/// How long both are watched.
const WATCHED: Duration = Duration::from_mins(1);

/// Measures an idle `serve` beside an idle supercronic with as many entries.
pub(crate) fn rows() -> Outcome<Vec<Row>> {
    let world = World::new(disk_folder(), 100)?;
    for number in 0..WORKFLOWS {
        let name = format!("rotate_{number}");
        world.add(&format!("workflows/{name}.json"), &rotation(&name, number))?;
    }
    fs::write(world.at("crontab"), "0 3 1 1 * true\n".repeat(WORKFLOWS))?;
    let mut crond = Command::new(peers::SUPERCRONIC.program()?);
    crond.arg("-quiet").arg(world.at("crontab"));
    let (mut crond, mut keytide) = (Service::start(crond)?, Service::start(world.serve())?);
    thread::sleep(SETTLING);
    let before = (keytide.usage()?, crond.usage()?);
    thread::sleep(WATCHED);
    let after = (keytide.usage()?, crond.usage()?);
    let resident = mebibytes(after.0.resident_kib * 1_024);
    let share = cpu_percent(&before.0, &after.0);
    Ok(vec![Row {
        number: "P17",
        measure: format!("`serve`, idle, {WORKFLOWS} workflows, 100 secrets, for {} s", WATCHED.as_secs()),
        ours: text(&before.0, &after.0),
        beside: format!("supercronic, {WORKFLOWS} entries: {}", text(&before.1, &after.1)),
        result: format!("{resident:.1} MB, {share:.2} % CPU"),
        goal: "≤ 13 MB, 0.0 % CPU",
        met: Some(resident <= 13.0 && share < 0.05),
        note: "most of it are pages of the program's own file, which the kernel shares between processes and drops when memory \
               is short: a smaller program is what would make this smaller."
            .to_owned(),
    }])
}

fn text(before: &Usage, after: &Usage) -> String {
    let wakes = after.wakes.saturating_sub(before.wakes);
    format!(
        "{:.1} MB resident ({:.1} MB not of files), {:.3} % CPU, {wakes} wakes",
        mebibytes(after.resident_kib * 1_024),
        mebibytes(after.own_kib * 1_024),
        cpu_percent(before, after)
    )
}

fn cpu_percent(before: &Usage, after: &Usage) -> f64 {
    after.cpu.saturating_sub(before.cpu).as_secs_f64() / WATCHED.as_secs_f64() * 100.0
}

pub(super) fn rotation(name: &str, number: usize) -> serde_json::Value {
    json!({
        "name": name,
        "tasks": [
            {
                "name": "get_token",
                "taskReferenceName": "get_token",
                "type": "HTTP",
                "inputParameters": {
                    "uri": "https://issuer.example/api/token",
                    "method": "POST",
                    "body": {"key": format!("${{workflow.secrets.service_{number}_token}}")},
                    "outputFilter": {"_secrets": {"token": "$${get_token.output.response.body.token}"}},
                },
            },
            {
                "name": "store",
                "taskReferenceName": "store",
                "type": "UPDATE_SECRET",
                "inputParameters": {"_secrets": {
                    "secretKey": format!("service_{number}_token"),
                    "secretValue": "${get_token.output._secrets.token}",
                }},
            },
        ],
        "schedules": [{"cronExpression": "0 0 3 1 1 *", "zoneId": "UTC"}],
    })
}
