//! `keytide schedule`: what fires when, held or fired by hand.

use std::sync::Arc;

use serde_json::{Value, json};

use super::args::{Format, Next, Schedule as Command};
use super::connection::Connection;
use super::console::Console;
use super::error::{Error, Kind};
use super::next;
use super::project::Project;
use super::{run as runner, runs};
use crate::clock::{Clock, SystemClock};
use crate::daemon::Hold;
use crate::scheduler::{Defaults, Schedule};
use crate::words::{Timestamp, nearest};
use crate::workflow::definition::WorkflowSchedule;

/// How many times are listed at most.
const TIMES_MAX: usize = 10_000;

/// Does what is asked of schedules.
pub(super) fn run(command: Command, project: &Project, console: &Console) -> Result<(), Error> {
    match command {
        Command::List => list(project, console),
        Command::Next(next) => upcoming(&next, project, console),
        Command::Pause { name, reason } => {
            hold(&name, Hold::Pause(reason), project, console)?;
            console.note(&format!("{name} is paused; `keytide schedule resume {name}` lets it go on"));
            Ok(())
        }
        Command::Resume { name } => {
            hold(&name, Hold::Resume, project, console)?;
            console.note(&format!("{name} goes on"));
            Ok(())
        }
        Command::Trigger { name } => {
            let store = Arc::new(project.store()?);
            let connection = Connection::open(project, &store, console)?;
            let started = known(&connection, &name).and_then(|()| connection.trigger(&name));
            runner::finish(connection, started, None, console)
        }
    }
}

fn hold(name: &str, hold: Hold, project: &Project, console: &Console) -> Result<(), Error> {
    runs::with(project, console, |connection| {
        known(connection, name)?;
        connection.hold(name, hold)
    })
}

fn list(project: &Project, console: &Console) -> Result<(), Error> {
    let schedules = runs::with(project, console, Connection::schedules)?;
    match console.format {
        Format::Json => console.json(&Value::Array(schedules)),
        Format::Table => {
            let now = SystemClock.now();
            let rows: Vec<_> = schedules.iter().map(|schedule| row(schedule, now)).collect();
            console.table(&["SCHEDULE", "WORKFLOW", "CRON", "ZONE", "NEXT", "LEFT", "FROM"], &rows);
        }
    }
    Ok(())
}

/// Returns a schedule as a line of a table.
pub(super) fn row(schedule: &Value, now: Timestamp) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let crons = schedule["cronSchedules"].as_array().filter(|crons| !crons.is_empty());
    let first = crons.map_or(schedule, |crons| &crons[0]);
    let next = schedule["nextRunTime"].as_i64().map(Timestamp::from_millis);
    let is_paused = schedule["paused"].as_bool().unwrap_or(false);
    vec![
        text(&schedule["name"]),
        text(&schedule["startWorkflowRequest"]["name"]),
        text(&first["cronExpression"]),
        text(&first["zoneId"]),
        if is_paused { "paused".to_owned() } else { next.map_or_else(|| "never".to_owned(), |next| next.to_string()) },
        next.filter(|_| !is_paused).map(|next| left(next, now)).unwrap_or_default(),
        text(&schedule["origin"]),
    ]
}

fn left(next: Timestamp, now: Timestamp) -> String {
    let seconds = next.since(now).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

fn upcoming(arguments: &Next, project: &Project, console: &Console) -> Result<(), Error> {
    let schedules = runs::with(project, console, |connection| {
        if let Some(name) = &arguments.name {
            known(connection, name)?;
        }
        connection.schedules()
    })?;
    let after = next::after(arguments)?;
    let wanted = |schedule: &&Value| arguments.name.as_deref().is_none_or(|name| schedule["name"] == name);
    let defaults = Defaults::from(&project.settings.schedules);
    let mut times: Vec<(Timestamp, &Value)> = Vec::new();
    for schedule in schedules.iter().filter(wanted).filter(|schedule| schedule["paused"] != true) {
        times.extend(next_times(schedule, defaults, after, arguments.count).into_iter().map(|time| (time, schedule)));
    }
    times.sort_by_key(|(time, _)| *time);
    times.truncate(arguments.count);
    match console.format {
        Format::Json => {
            let entry = |(time, schedule): &(Timestamp, &Value)| {
                json!({
                    "schedule": schedule["name"],
                    "workflow": schedule["startWorkflowRequest"]["name"],
                    "next": time.to_string(),
                })
            };
            console.json(&times.iter().map(entry).collect());
        }
        Format::Table => {
            let now = SystemClock.now();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let row = |(time, schedule): &(Timestamp, &Value)| {
                let workflow = text(&schedule["startWorkflowRequest"]["name"]);
                vec![time.to_string(), left(*time, now), text(&schedule["name"]), workflow]
            };
            console.table(&["NEXT", "LEFT", "SCHEDULE", "WORKFLOW"], &times.iter().map(row).collect::<Vec<_>>());
        }
    }
    Ok(())
}

fn next_times(schedule: &Value, defaults: Defaults, after: Timestamp, count: usize) -> Vec<Timestamp> {
    let definition = serde_json::from_value::<WorkflowSchedule>(schedule.clone()).ok();
    let schedule = definition.and_then(|definition| Schedule::from_definition(&definition, defaults).ok());
    let Some(schedule) = schedule else { return Vec::new() };
    let step = |from: &Timestamp| schedule.next(*from).map(|slot| slot.due).filter(|due| due > from);
    std::iter::successors(step(&after), step).take(count.min(TIMES_MAX)).collect()
}

/// Fails where there is no such schedule, naming the one that was probably meant.
fn known(connection: &Connection, name: &str) -> Result<(), Error> {
    let schedules = connection.schedules()?;
    let names: Vec<&str> = schedules.iter().filter_map(|schedule| schedule["name"].as_str()).collect();
    if names.contains(&name) {
        return Ok(());
    }
    let error = Error::new(Kind::NotFound, format!("there is no schedule `{name}`"));
    Err(match nearest(name, names) {
        Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
        None => error.hint("see `keytide schedule list`"),
    })
}
