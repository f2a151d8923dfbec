//! `keytide schedule`: what fires when, held or fired by hand.

use serde_json::{Value, json};

use super::args::{Format, Next, Plan, Schedule as Command};
use super::connection::Connection;
use super::console::Console;
use super::error::{Error, Kind};
use super::next;
use super::project::Project;
use super::{run as runner, runs};
use crate::client::Method;
use crate::clock::{Clock, SystemClock};
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
            let reason: Vec<_> = reason.iter().map(|reason| ("reason", reason.as_str())).collect();
            hold(&name, "pause", &reason, project, console)?;
            console.note(&format!("{name} is paused; `keytide schedule resume {name}` lets it go on"));
            Ok(())
        }
        Command::Resume { name } => {
            hold(&name, "resume", &[], project, console)?;
            console.note(&format!("{name} goes on"));
            Ok(())
        }
        Command::Get { name } => {
            let schedule = runs::with(project, console, |connection| connection.get(&one(&name), &[]))?;
            console.json(&schedule);
            Ok(())
        }
        Command::Create(plan) => save(&plan, Save::New, project, console),
        Command::Update(plan) => save(&plan, Save::Known, project, console),
        Command::Delete { name } => {
            runs::with(project, console, |connection| {
                known(connection, &name)?;
                connection.ask(Method::DELETE, &one(&name), &[], None)
            })?;
            console.note(&format!("{name} is gone"));
            Ok(())
        }
        Command::Search { name, workflow } => {
            let mut found = runs::with(project, console, Connection::schedules)?;
            let has = |field: &Value, wanted: &str| field.as_str().is_some_and(|field| field.contains(wanted));
            found.retain(|one| {
                name.as_deref().is_none_or(|name| has(&one["name"], name))
                    && workflow.as_deref().is_none_or(|name| one["startWorkflowRequest"]["name"] == name)
            });
            show_list(found, console);
            Ok(())
        }
        Command::Trigger { name } => {
            let store = project.store_here()?;
            let connection = Connection::open(project, store.as_ref(), console)?;
            let started = known(&connection, &name).and_then(|()| connection.trigger(&name));
            runner::finish(connection, started, None, console)
        }
    }
}

fn hold(name: &str, word: &str, query: &[(&str, &str)], project: &Project, console: &Console) -> Result<(), Error> {
    runs::with(project, console, |connection| {
        known(connection, name)?;
        connection.ask(Method::PUT, &["api", "scheduler", "schedules", name, word], query, None).map(drop)
    })
}

fn list(project: &Project, console: &Console) -> Result<(), Error> {
    show_list(runs::with(project, console, Connection::schedules)?, console);
    Ok(())
}

fn one(name: &str) -> [&str; 4] {
    ["api", "scheduler", "schedules", name]
}

/// Whether a schedule must be there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Save {
    New,
    Known,
}

fn save(plan: &Plan, save: Save, project: &Project, console: &Console) -> Result<(), Error> {
    let input = runner::input(plan.input.as_deref(), &plan.parameter, project)?;
    let body = json!({
        "name": plan.name, "cronExpression": plan.cron, "zoneId": plan.zone, "paused": plan.paused,
        "startWorkflowRequest": {"name": plan.workflow, "version": plan.version, "input": input},
    });
    let saved = runs::with(project, console, |connection| {
        let is_there = connection.schedules()?.iter().any(|schedule| schedule["name"] == plan.name.as_str());
        match (save, is_there) {
            (Save::New, true) => {
                let error = Error::new(Kind::Conflict, format!("there is a schedule `{}` already", plan.name));
                return Err(error.hint("change it with `keytide schedule update`"));
            }
            (Save::Known, false) => known(connection, &plan.name)?,
            (Save::New, false) | (Save::Known, true) => {}
        }
        connection.ask(Method::POST, &["api", "scheduler", "schedules"], &[], Some(&body))
    })?;
    match console.format {
        Format::Json => console.json(&saved),
        Format::Table => console.note(&format!("saved {}", plan.name)),
    }
    Ok(())
}

fn show_list(schedules: Vec<Value>, console: &Console) {
    match console.format {
        Format::Json => console.json(&Value::Array(schedules)),
        Format::Table => {
            let now = SystemClock.now();
            let rows: Vec<_> = schedules.iter().map(|schedule| row(schedule, now)).collect();
            console.table(&["SCHEDULE", "WORKFLOW", "CRON", "ZONE", "NEXT", "LEFT", "FROM"], &rows);
            for schedule in schedules.iter().filter(|schedule| schedule["paused"] == true) {
                if let (Some(name), Some(reason)) = (schedule["name"].as_str(), schedule["pausedReason"].as_str()) {
                    console.note(&format!("{name} is paused: {reason}"));
                }
            }
        }
    }
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
