//! Slots that meet: a run that may last beyond the next one, two schedules that rotate one secret at one moment.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use crate::words::{Span, Timestamp};
use crate::workflow::cron::{Cron, parse_zone};
use crate::workflow::definition::{Overlap, WorkflowDef, WorkflowSchedule};
use crate::workflow::flow::secrets_written;
use crate::workflow::load::{Loaded, Located};
use crate::workflow::problem;
use crate::workflow::tree::Node;

use super::Findings;

/// How many slots are looked at: a day of quarter hours, and enough of anything rarer.
const SLOTS_MAX: usize = 96;
/// How many schedules of one secret are compared: more is no plan.
const SCHEDULES_MAX: usize = 50;
/// From where slots are looked at: the first of a year, so that the answer does not change with the day.
const FROM: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A schedule and its first slots.
struct Timed<'a> {
    file: &'a Loaded,
    schedule: &'a Located<WorkflowSchedule>,
    /// Counted only where somebody asks: most schedules are alone with their secret.
    slots: OnceCell<BTreeSet<Timestamp>>,
}

impl Timed<'_> {
    fn slots(&self) -> &BTreeSet<Timestamp> {
        self.slots.get_or_init(|| slots(&self.schedule.def))
    }
}

/// Reports slots that are in each other's way.
pub(super) fn check(files: &[&Loaded], found: &mut Findings) {
    let workflows: BTreeMap<&str, &WorkflowDef> =
        files.iter().flat_map(|file| &file.workflows).map(|workflow| (&*workflow.def.name, &workflow.def)).collect();
    let mut by_secret: BTreeMap<String, Vec<Rc<Timed<'_>>>> = BTreeMap::new();
    for file in files {
        for schedule in file.schedules.iter().filter(|schedule| !schedule.def.paused) {
            let name = schedule.def.start_workflow_request.as_ref().map(|request| request.name.as_str());
            let Some(workflow) = name.and_then(|name| workflows.get(name)) else { continue };
            let timed = Rc::new(Timed { file, schedule, slots: OnceCell::new() });
            too_long(&timed, workflow, found);
            for secret in secrets_written(&workflow.tasks) {
                by_secret.entry(secret).or_default().push(timed.clone());
            }
        }
    }
    let mut told = BTreeSet::new();
    for (secret, schedules) in by_secret.iter().filter(|(_, schedules)| schedules.len() > 1) {
        for (place, one) in schedules.iter().enumerate().take(SCHEDULES_MAX) {
            let mut before = schedules[..place].iter();
            let Some(other) = before.find(|other| !one.slots().is_disjoint(other.slots())) else { continue };
            if told.insert((&one.file.source.name, place_of(&one.schedule.node).start)) {
                together(secret, one, other, found);
            }
        }
    }
}

fn slots(schedule: &WorkflowSchedule) -> BTreeSet<Timestamp> {
    let single = schedule.cron_expression.iter().map(|cron| (cron.as_str(), schedule.zone_id.as_str()));
    let listed = schedule.cron_schedules.iter().map(|one| (one.cron_expression.as_str(), one.zone_id.as_str()));
    let crons: Vec<_> = if schedule.cron_schedules.is_empty() { single.collect() } else { listed.collect() };
    let mut slots = BTreeSet::new();
    for (cron, zone) in crons {
        let (Ok(cron), Ok(zone)) = (Cron::parse(cron), parse_zone(zone)) else { continue };
        let mut after = FROM;
        for _ in 0..SLOTS_MAX {
            let Some(next) = cron.next(after, &zone, schedule.dst.unwrap_or_default()).filter(|next| *next > after)
            else {
                break;
            };
            slots.insert(next);
            after = next;
        }
    }
    slots
}

fn place_of(schedule: &Node) -> Span {
    let named = schedule.get("cronExpression").or_else(|| schedule.get("cronSchedules"));
    named.map_or_else(|| schedule.head(), Node::head)
}

fn too_long(timed: &Timed<'_>, workflow: &WorkflowDef, found: &mut Findings) {
    let Some(limit) = u64::try_from(workflow.timeout_seconds).ok().filter(|seconds| *seconds > 0) else { return };
    if timed.schedule.def.overlap == Some(Overlap::Allow) {
        return;
    }
    let slots = timed.slots();
    let gaps = slots.iter().zip(slots.iter().skip(1)).map(|(one, next)| next.since(*one));
    let Some(gap) = gaps.min().filter(|gap| *gap < Duration::from_secs(limit)) else { return };
    let message =
        format!("a run of `{}` may take {limit} s, and the next slot can be {} s later", workflow.name, gap.as_secs());
    found.push(
        problem::note(&timed.file.source, Some(place_of(&timed.schedule.node)), "N0510", message)
            .label("a slot is skipped while the run before it goes")
            .help("lower the workflow's `timeoutSeconds`, or let the schedule fire less often"),
    );
}

fn together(secret: &str, one: &Timed<'_>, other: &Timed<'_>, found: &mut Findings) {
    let message = format!(
        "`{}` and `{}` rotate the secret `{secret}` at the same moment",
        one.schedule.def.name, other.schedule.def.name
    );
    found.push(
        problem::warning(&one.file.source, Some(place_of(&one.schedule.node)), "W0511", message)
            .label("one rotates right after the other")
            .help("keep one of the schedules, or move it to another time"),
    );
}
