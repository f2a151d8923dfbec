use std::time::Duration;

use jiff::tz::TimeZone;

use crate::settings;
use crate::words::Timestamp;
use crate::workflow::cron::{Cron, CronError, UnknownZone, parse_zone};
use crate::workflow::definition::{Dst, Overlap, WorkflowSchedule};

/// How many crons one schedule may have: each is asked for every slot.
const TIMINGS_MAX: usize = 100;

/// How much before its start time a schedule's first slot may lie. It is Conductor's number.
const START_TOLERANCE: Duration = Duration::from_millis(500);

/// A schedule that cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It has neither `cronExpression` nor `cronSchedules`.
    #[error("schedule `{schedule}` has no `cronExpression`")]
    NoCron {
        /// The schedule.
        schedule: String,
    },
    /// It has too many crons.
    #[error("schedule `{schedule}` has {count} crons; at most {TIMINGS_MAX} are taken")]
    TooManyCrons {
        /// The schedule.
        schedule: String,
        /// How many.
        count: usize,
    },
    /// A cron expression cannot be read.
    #[error("schedule `{schedule}`: cron expression `{cron}`: {source}")]
    Cron {
        /// The schedule.
        schedule: String,
        /// The expression.
        cron: String,
        /// What is wrong with it.
        source: Box<CronError>,
    },
    /// A time zone is not known.
    #[error("schedule `{schedule}`: {source}")]
    Zone {
        /// The schedule.
        schedule: String,
        /// What is wrong with it.
        source: UnknownZone,
    },
}

/// What a schedule does where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// What happens to a slot while the last run still goes.
    pub overlap: Overlap,
    /// What an expression means where clocks change.
    pub dst: Dst,
}

impl From<&settings::Schedules> for Defaults {
    fn from(settings: &settings::Schedules) -> Self {
        Self {
            overlap: if settings.overlap_allowed { Overlap::Allow } else { Overlap::Skip },
            dst: if settings.dst_spring { Dst::Spring } else { Dst::Once },
        }
    }
}

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub struct Timing {
    /// The expression.
    pub cron: Cron,
    /// The zone whose clocks it reads.
    pub zone: TimeZone,
    /// The zone's name as it was written.
    pub zone_id: String,
}

/// A moment at which a schedule is to fire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// When.
    pub due: Timestamp,
    /// Which of the schedule's timings says so; the first, where several do.
    pub timing: usize,
}

/// A schedule, ready to be asked for its slots. What it starts is the catalog's.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The name.
    pub name: String,
    /// Its crons; a moment that several name is one slot.
    pub timings: Vec<Timing>,
    /// What the crons mean where clocks change.
    pub dst: Dst,
    /// What happens to a slot while the last run still goes.
    pub overlap: Overlap,
    /// Whether every missed slot is run, and not only the first.
    pub catches_up: bool,
    /// No slot before it.
    pub start: Option<Timestamp>,
    /// No slot after it.
    pub end: Option<Timestamp>,
    /// Whether the definition holds it.
    pub paused: bool,
}

impl Schedule {
    /// Plans a definition: a list of crons wins over the single one, and an unset field takes its default.
    pub fn from_definition(definition: &WorkflowSchedule, defaults: Defaults) -> Result<Self, Error> {
        let schedule = &definition.name;
        let listed =
            definition.cron_schedules.iter().map(|cron| (cron.cron_expression.as_str(), cron.zone_id.as_str()));
        let single = definition.cron_expression.iter().map(|cron| (cron.as_str(), definition.zone_id.as_str()));
        let crons: Vec<_> = if definition.cron_schedules.is_empty() { single.collect() } else { listed.collect() };
        match crons.len() {
            0 => return Err(Error::NoCron { schedule: schedule.clone() }),
            1..=TIMINGS_MAX => {}
            count => return Err(Error::TooManyCrons { schedule: schedule.clone(), count }),
        }
        let timings = crons.into_iter().map(|(cron, zone)| Timing::parse(schedule, cron, zone));
        Ok(Self {
            name: schedule.clone(),
            timings: timings.collect::<Result<_, _>>()?,
            dst: definition.dst.unwrap_or(defaults.dst),
            overlap: definition.overlap.unwrap_or(defaults.overlap),
            catches_up: definition.run_catchup_schedule_instances,
            start: definition.schedule_start_time.map(Timestamp::from_millis),
            end: definition.schedule_end_time.map(Timestamp::from_millis),
            paused: definition.paused,
        })
    }

    /// Returns the first slot after `after`; none where the schedule has come to its end.
    ///
    /// The start and end times hold for missed slots too, unlike in Conductor.
    pub fn next(&self, after: Timestamp) -> Option<Slot> {
        let after = self.start.map_or(after, |start| after.max(start.minus(START_TOLERANCE)));
        let slots = self.timings.iter().enumerate().filter_map(|(timing, cron)| {
            let due = cron.next(after, self.dst)?;
            Some(Slot { due, timing })
        });
        slots.min_by_key(|slot| slot.due).filter(|slot| self.end.is_none_or(|end| slot.due <= end))
    }

    /// Returns the time between the next two slots after `after`.
    pub fn period(&self, after: Timestamp) -> Option<Duration> {
        let first = self.next(after)?;
        Some(self.next(first.due)?.due.since(first.due))
    }

    /// Returns what tells one timing from another, as text.
    pub(super) fn timing_text(&self) -> String {
        let mut text = match self.dst {
            Dst::Once => "once".to_owned(),
            Dst::Spring => "spring".to_owned(),
        };
        for timing in &self.timings {
            text.push_str("; ");
            text.push_str(&timing.text());
        }
        text
    }

    /// Returns the timing of a slot as Conductor tells it to the run: `<cron> <zone>`.
    pub fn cron_of(&self, slot: &Slot) -> String {
        self.timings.get(slot.timing).map(Timing::text).unwrap_or_default()
    }
}

impl Timing {
    fn parse(schedule: &str, cron: &str, zone: &str) -> Result<Self, Error> {
        let zone_error = |source| Error::Zone { schedule: schedule.to_owned(), source };
        let cron_error =
            |source| Error::Cron { schedule: schedule.to_owned(), cron: cron.to_owned(), source: Box::new(source) };
        Ok(Self {
            cron: Cron::parse(cron).map_err(cron_error)?,
            zone: parse_zone(zone).map_err(zone_error)?,
            zone_id: zone.to_owned(),
        })
    }

    /// Returns the first time after `after`. Where Spring's answer steps on the spot, it is the other mode's: a schedule
    /// always gets on.
    fn next(&self, after: Timestamp, dst: Dst) -> Option<Timestamp> {
        self.cron
            .next(after, &self.zone, dst)
            .filter(|next| *next > after)
            .or_else(|| self.cron.next(after, &self.zone, Dst::Once))
    }

    fn text(&self) -> String {
        format!("{} {}", self.cron, self.zone_id)
    }
}
