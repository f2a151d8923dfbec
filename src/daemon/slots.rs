//! What schedules start: slots that are due become executions, in one commit with the watermarks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::access::SECURITY_ERROR;
use crate::daemon::batch::Batch;
use crate::daemon::dispatcher::Dispatcher;
use crate::daemon::message::Refused;
use crate::engine::{Origin, Plan, Start};
use crate::journal::{Action, Actor, Entry, Log, Object, ObjectKind, Slot, SlotOutcome};
use crate::scheduler::{self, Due, DueSlot, Schedule, SkippedSlot, Timetable, rotation_timeout, slot_input};
use crate::words::{ExecutionId, Timestamp};
use crate::workflow::definition::StartWorkflowRequest;
use crate::workflow::flow;

/// What a schedule starts.
#[derive(Clone)]
pub struct Scheduled {
    /// When.
    pub schedule: Arc<Schedule>,
    /// What, and with what.
    pub request: StartWorkflowRequest,
    /// The definition that it names, or why it starts none.
    pub plan: Result<Arc<Plan>, Barred>,
}

impl Scheduled {
    /// Returns the name of the workflow that it starts.
    fn workflow(&self) -> &str {
        self.request.workflow_def.as_ref().map_or(self.request.name.as_str(), |brought| brought.name.as_str())
    }
}

/// Why a schedule starts nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    /// What it names is not there, or cannot run.
    #[error("{0}")]
    Missing(String),
    /// Its owner may not start it, or is gone. As Orkes does, the schedule is paused when its next slot is due.
    #[error("{0}")]
    Denied(String),
}

/// The schedules, their timetable and what they start.
pub struct Slots {
    store_id: String,
    timetable: Timetable,
    scheduled: BTreeMap<String, Scheduled>,
    /// Whether anything fires by itself.
    fires: bool,
    problems: BTreeMap<String, scheduler::Problem>,
    /// The schedules whose last slot could not start, and why.
    failed: BTreeMap<String, String>,
    /// Whether the timetable has run ahead of the journal and could not be read again yet.
    stale: bool,
}

impl Slots {
    /// Returns what the schedules start.
    pub(super) fn plans(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.scheduled.values().filter_map(|scheduled| scheduled.plan.as_ref().ok())
    }

    /// Returns the slots of no schedules.
    pub fn new(store_id: String, fires: bool) -> Self {
        let timetable = Timetable::new([], Vec::new(), Timestamp::EPOCH);
        Self {
            store_id,
            timetable,
            scheduled: BTreeMap::new(),
            fires,
            problems: BTreeMap::new(),
            failed: BTreeMap::new(),
            stale: false,
        }
    }

    /// Takes what the journal knows of the schedules.
    pub fn recover(&mut self, log: &dyn Log, now: Timestamp) -> Result<(), crate::journal::Error> {
        let watermarks = log.watermarks()?;
        for unreadable in &watermarks.unreadable {
            tracing::error!(%unreadable, "a schedule's watermark cannot be read: it starts from now");
        }
        let schedules = self.scheduled.values().map(|scheduled| scheduled.schedule.clone());
        self.timetable = Timetable::new(schedules, watermarks.rows, now);
        Ok(())
    }

    /// Takes what the journal knows of the schedules again, now or as soon as it can be read: until then nothing fires.
    pub(super) fn recover_or_wait(&mut self, log: &dyn Log, now: Timestamp) {
        let recovered = self.recover(log, now);
        self.stale = recovered.is_err();
        if let Err(error) = recovered {
            tracing::error!(%error, "the schedules' watermarks cannot be read; nothing fires until they are");
        }
    }

    /// Returns whether the timetable waits for the journal.
    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Takes other schedules; those that stay keep their place in time. Returns those that are new, gone or defined
    /// otherwise.
    pub fn replace(&mut self, scheduled: Vec<Scheduled>, now: Timestamp) -> Vec<String> {
        let before = self.standings();
        self.scheduled = scheduled.into_iter().map(|one| (one.schedule.name.clone(), one)).collect();
        let schedules: Vec<_> = self.scheduled.values().map(|scheduled| scheduled.schedule.clone()).collect();
        let timetable = std::mem::replace(&mut self.timetable, Timetable::new([], Vec::new(), now));
        self.timetable = timetable.replan(schedules, now);
        let now = self.standings();
        let names = before.keys().chain(now.keys().filter(|name| !before.contains_key(*name)));
        names.filter(|name| before.get(*name) != now.get(*name)).cloned().collect()
    }

    /// Returns how each schedule stands, and what it starts.
    fn standings(&self) -> BTreeMap<String, (Option<Facts>, StartWorkflowRequest)> {
        let standing = |(name, one): (&String, &Scheduled)| (name.clone(), (self.facts(name), one.request.clone()));
        self.scheduled.iter().map(standing).collect()
    }

    /// Returns when the next slot is due, or a missed one whose turn it is: a run that has ended makes way for the next.
    /// Not to be asked while the process stops: no slot is served then, and one that is due would wake it again and again.
    pub fn next_wake(&self, running: &dyn Fn(&str) -> Option<ExecutionId>) -> Option<Timestamp> {
        let wake = self.timetable.next_wake().into_iter().chain(self.timetable.next_missed(running)).min();
        wake.filter(|_| self.fires)
    }

    /// Returns what is wrong with schedules: which, and a sentence.
    pub fn problems(&self) -> impl Iterator<Item = (&str, String)> {
        let is_defined = |name: &str| self.scheduled.contains_key(name);
        let barred = self.scheduled.iter().filter_map(|(name, scheduled)| match (self.denied(name), &scheduled.plan) {
            // Also once the right is back: only a person lets it go on.
            (Some(reason), _) => {
                let advice = format!("grant it, then `keytide schedule resume {name}`");
                Some((name.as_str(), format!("it is paused: {reason}; {advice}")))
            }
            (None, Err(barred)) => Some((name.as_str(), format!("it cannot start: {barred}"))),
            (None, Ok(_)) => None,
        });
        let failed =
            self.failed.iter().filter(|(name, _)| self.scheduled.get(*name).is_some_and(|one| one.plan.is_ok()));
        let failed = failed.map(|(name, reason)| (name.as_str(), format!("its last slot could not start: {reason}")));
        let problems = self.problems.values().filter(move |problem| is_defined(problem.schedule()));
        problems.map(|problem| (problem.schedule(), problem.to_string())).chain(barred).chain(failed)
    }

    /// Returns why a schedule is paused whose owner lost the right to what it starts.
    fn denied(&self, name: &str) -> Option<&str> {
        let mark = self.timetable.watermark(name).filter(|mark| mark.paused)?;
        let reason = mark.hold.as_ref()?.reason.as_deref()?;
        reason.starts_with(SECURITY_ERROR).then_some(reason)
    }

    /// Returns when a schedule fires next and whether somebody holds it.
    pub fn facts(&self, name: &str) -> Option<Facts> {
        let mark = self.timetable.watermark(name)?;
        Some(Facts {
            next: self.timetable.next_of(name).map(|slot| slot.due),
            last: mark.fired,
            paused: mark.paused,
            paused_reason: mark.hold.as_ref().and_then(|hold| hold.reason.clone()),
        })
    }

    /// Returns the workflow that a schedule starts.
    pub(super) fn workflow_of(&self, name: &str) -> Option<&str> {
        self.scheduled.get(name).map(Scheduled::workflow)
    }

    /// Holds a schedule, or lets it go on; returns whether there is such a schedule.
    pub fn hold(&mut self, name: &str, hold: Hold, now: Timestamp, batch: &mut Batch) -> bool {
        let mark = match hold {
            Hold::Pause(reason) => self.timetable.pause(name, reason, now),
            Hold::Resume => self.timetable.resume(name, now),
        };
        batch.watermarks.extend(mark);
        self.scheduled.contains_key(name)
    }
}

/// What is known of a schedule besides its definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// When it fires next.
    pub next: Option<Timestamp>,
    /// When the last slot that fired was due.
    pub last: Option<Timestamp>,
    /// Whether it is held.
    pub paused: bool,
    /// Why.
    pub paused_reason: Option<String>,
}

/// What somebody wants of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// No slots, until somebody resumes it.
    Pause(Option<String>),
    /// Slots again, from now on.
    Resume,
}

impl Dispatcher {
    /// Starts what is due.
    pub(super) fn fire_slots(&mut self, now: Timestamp, log: &dyn Log, batch: &mut Batch) {
        if self.slots.stale {
            self.slots.recover_or_wait(log, now);
        }
        if !self.slots.fires || self.slots.stale || self.is_draining() {
            return;
        }
        let mut timetable = std::mem::replace(&mut self.slots.timetable, Timetable::new([], Vec::new(), now));
        let Due { slots, skipped, watermarks, gone, problems } = timetable.due(now, &|name| self.running(name));
        self.slots.timetable = timetable;
        let postponed: BTreeSet<&str> =
            slots.iter().filter(|slot| !self.fire(slot, now, log, batch)).map(|slot| slot.schedule.as_str()).collect();
        // The timetable has passed them and the journal has not: it is read again, and they are due again.
        self.slots.stale = !postponed.is_empty();
        batch.slots.extend(skipped.iter().filter_map(|slot| self.skip(slot, now)));
        batch.watermarks.extend(watermarks.into_iter().filter(|mark| !postponed.contains(mark.schedule.as_str())));
        batch.schedules_gone.extend(gone);
        for schedule in slots.iter().map(|slot| slot.schedule.as_str()).collect::<BTreeSet<_>>() {
            self.hold_denied(schedule, now, batch);
        }
        for problem in problems {
            tracing::warn!(%problem, "a schedule is in trouble");
            self.slots.problems.insert(problem.schedule().to_owned(), problem);
        }
    }

    /// Holds a schedule whose owner may not start what it names any more, in the commit of the slot that did not start.
    fn hold_denied(&mut self, schedule: &str, now: Timestamp, batch: &mut Batch) {
        let plan = self.slots.scheduled.get(schedule).map(|scheduled| &scheduled.plan);
        let Some(Err(barred @ Barred::Denied(_))) = plan else { return };
        let reason = barred.to_string();
        tracing::error!(schedule, reason, "a schedule is paused");
        let object = Object::new(ObjectKind::Schedule, schedule);
        batch.audit.push(Entry::new(now, Actor::keytide(), Action::Pause, object).detailed(&reason));
        self.slots.hold(schedule, Hold::Pause(Some(reason)), now, batch);
    }

    /// Starts a slot, and returns whether it is dealt with: one of which nobody can tell whether it has fired waits.
    fn fire(&mut self, slot: &DueSlot, now: Timestamp, log: &dyn Log, batch: &mut Batch) -> bool {
        let id = ExecutionId::of_slot(&self.slots.store_id, &slot.schedule, slot.due);
        let Some(scheduled) = self.slots.scheduled.get(&slot.schedule).cloned() else { return true };
        let started = scheduled.plan.clone().map(|plan| {
            let start = start_of(&scheduled, &plan, slot, id, now);
            self.start(&plan, start, now, log, batch)
        });
        let outcome = match started {
            Ok(Ok(_)) => SlotOutcome::Fired,
            // A slot fires once: its id is in the journal.
            Ok(Err(Refused::AlreadyStarted(_))) => return true,
            Ok(Err(Refused::Unavailable(reason))) => {
                tracing::error!(schedule = slot.schedule, reason, "a slot waits for the journal");
                return false;
            }
            Ok(Err(refused)) => SlotOutcome::Failed { reason: refused.to_string() },
            Err(barred) => SlotOutcome::Failed { reason: barred.to_string() },
        };
        if let SlotOutcome::Failed { reason } = &outcome {
            tracing::error!(schedule = slot.schedule, reason, "a slot could not start");
            self.slots.failed.insert(slot.schedule.clone(), reason.clone());
        }
        if outcome == SlotOutcome::Fired {
            self.slots.failed.remove(&slot.schedule);
            self.slots.problems.remove(&slot.schedule);
        }
        batch.slots.push(Slot {
            execution: id,
            schedule: slot.schedule.clone(),
            workflow: scheduled.workflow().to_owned(),
            due: slot.due,
            at: now,
            outcome,
        });
        true
    }

    fn skip(&self, slot: &SkippedSlot, now: Timestamp) -> Option<Slot> {
        let scheduled = self.slots.scheduled.get(&slot.schedule)?;
        Some(Slot {
            execution: ExecutionId::of_slot(&self.slots.store_id, &slot.schedule, slot.due),
            schedule: slot.schedule.clone(),
            workflow: scheduled.workflow().to_owned(),
            due: slot.due,
            at: now,
            outcome: SlotOutcome::Skipped { blocked_by: slot.blocked_by? },
        })
    }
}

fn start_of(scheduled: &Scheduled, plan: &Plan, slot: &DueSlot, id: ExecutionId, now: Timestamp) -> Start {
    let request = &scheduled.request;
    let workflow = &plan.pinned.workflow;
    let is_rotation = !flow::secrets_written(&workflow.tasks).is_empty();
    let needs_timeout = is_rotation && workflow.timeout_seconds == 0;
    Start {
        execution: id,
        input: slot_input(&request.input, slot, now, id),
        correlation_id: request.correlation_id.clone(),
        priority: request.priority.unwrap_or(0),
        started_by: format!("schedule:{}", slot.schedule),
        slot: Some((slot.schedule.clone(), slot.due)),
        task_to_domain: request.task_to_domain.clone(),
        timeout: needs_timeout.then(|| rotation_timeout(scheduled.schedule.period(slot.due))),
        origin: Origin::default(),
    }
}
