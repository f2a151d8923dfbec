//! How every secret stands: whether it is fresh, and what keeps it so.
//!
//! **Architecture Invariant:** pure. What is judged is in [`Known`], and `now` is an argument.

use std::time::Duration;

use serde_json::{Value, json};

use crate::scheduler::Schedule;
use crate::secret::VersionInfo;
use crate::words::{ExecutionId, Timestamp, WorkflowStatus};

/// How long after its slot a rotation is not late yet: it takes minutes, and an hour is when somebody wants to look. Where
/// slots come more often than twice as fast, it is half the time between them.
const GRACE_MAX: Duration = Duration::from_hours(1);
/// The shortest time after a slot in which a rotation is not late: one run, with a retry.
const GRACE_MIN: Duration = Duration::from_secs(30);
/// How long before its end a value that nothing renews is expiring: a week to find out who has to.
const EXPIRING_WITHIN: Duration = Duration::from_hours(7 * 24);

/// How fresh a secret is; what somebody must look at first comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Freshness {
    /// Nobody knows whether its issuer changed it.
    InDoubt,
    /// What should have rotated it failed.
    Failing,
    /// It should have been rotated, and was not.
    Late,
    /// It stops working before anything renews it, or has.
    Expiring,
    /// Its time has come, or it is being rotated.
    Due,
    /// It is as new as its schedule wants it.
    Fresh,
    /// No workflow rotates it.
    Unmanaged,
}

impl Freshness {
    /// Every one, the worst first.
    pub const ALL: [Self; 7] =
        [Self::InDoubt, Self::Failing, Self::Late, Self::Expiring, Self::Due, Self::Fresh, Self::Unmanaged];

    /// Returns whether somebody has to look at it.
    pub const fn is_bad(self) -> bool {
        match self {
            Self::InDoubt | Self::Failing | Self::Late | Self::Expiring => true,
            Self::Due | Self::Fresh | Self::Unmanaged => false,
        }
    }

    /// Returns the freshness of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InDoubt => "in doubt",
            Self::Failing => "failing",
            Self::Late => "late",
            Self::Expiring => "expiring",
            Self::Due => "due",
            Self::Fresh => "fresh",
            Self::Unmanaged => "unmanaged",
        }
    }
}

/// One secret, with what keeps it fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The secret.
    pub secret: String,
    /// How fresh it is.
    pub freshness: Freshness,
    /// Why, as a sentence that names nothing but times.
    pub reason: String,
    /// Its current version; none where it was never written.
    pub current: Option<VersionInfo>,
    /// When a schedule rotates it next.
    pub next: Option<Timestamp>,
    /// The last run that should have rotated it, of what `who` may read.
    pub last: Option<LastRun>,
    /// The workflows that write it.
    pub writers: Vec<String>,
    /// The workflows that read it.
    pub readers: Vec<String>,
}

impl Rotation {
    /// Returns how the secret stands as machines read it; nothing of its value is in it.
    pub fn to_json(&self) -> Value {
        let last = self.last.as_ref().map(|last| {
            json!({
                "executionId": last.execution.to_string(),
                "workflow": last.workflow,
                "status": last.status,
                "started": last.started.to_string(),
                "ended": last.ended.map(|at| at.to_string()),
            })
        });
        json!({
            "secret": self.secret,
            "freshness": self.freshness.as_str(),
            "reason": self.reason,
            "current": self.current.as_ref().map(VersionInfo::to_json),
            "next": self.next.map(|at| at.to_string()),
            "last": last,
            "writers": self.writers,
            "readers": self.readers,
        })
    }
}

/// The newest run of what rotates a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// Which.
    pub execution: ExecutionId,
    /// Of which workflow.
    pub workflow: String,
    /// Where it stands.
    pub status: WorkflowStatus,
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// A schedule that starts what rotates a secret.
pub(super) struct Starter<'a> {
    /// When its slots are.
    pub(super) schedule: &'a Schedule,
    /// When it fires next.
    pub(super) next: Option<Timestamp>,
    /// Whether somebody holds it.
    pub(super) is_paused: bool,
}

/// What is known of a secret and of what rotates it.
pub(super) struct Known<'a> {
    /// Its current version.
    pub(super) current: Option<&'a VersionInfo>,
    /// Whether a workflow writes it.
    pub(super) is_managed: bool,
    /// The schedules that start what rotates it.
    pub(super) starters: Vec<Starter<'a>>,
    /// The newest run of it.
    pub(super) last: Option<&'a LastRun>,
    /// Whether a run of it holds a value that it could not store.
    pub(super) is_unstored: bool,
    /// Whether a run of it left a call of which nobody knows what it did.
    pub(super) is_in_doubt: bool,
}

impl Known<'_> {
    /// Returns how fresh the secret is, and why.
    pub(super) fn judge(&self, now: Timestamp) -> (Freshness, String) {
        self.trouble()
            .or_else(|| self.expired(now))
            .or_else(|| self.lateness(now))
            .or_else(|| self.expiry(now))
            .unwrap_or_else(|| self.calm())
    }

    /// Returns when a schedule rotates it next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.starters.iter().filter(|starter| !starter.is_paused).filter_map(|starter| starter.next).min()
    }

    fn created(&self) -> Option<Timestamp> {
        self.current.map(|current| current.created)
    }

    fn trouble(&self) -> Option<(Freshness, String)> {
        if self.is_in_doubt {
            let reason = "whether its issuer changed it is unknown: look there, then retry the run";
            return Some((Freshness::InDoubt, reason.to_owned()));
        }
        if self.is_unstored {
            let reason = "a new value was fetched and could not be stored: retry the run, or rescue it";
            return Some((Freshness::Failing, reason.to_owned()));
        }
        let last = self.last?;
        let is_bad = matches!(last.status, WorkflowStatus::Failed | WorkflowStatus::TimedOut);
        // A run that began before the current version was written is not the last word on it.
        let is_newer = self.created().is_none_or(|created| last.started > created);
        (is_bad && is_newer).then(|| (Freshness::Failing, "its last rotation failed".to_owned()))
    }

    fn expired(&self, now: Timestamp) -> Option<(Freshness, String)> {
        let expires = self.current?.expires.filter(|expires| *expires <= now)?;
        Some((Freshness::Expiring, format!("it expired at {expires}")))
    }

    /// Judges by the first slot after the current version was written.
    fn lateness(&self, now: Timestamp) -> Option<(Freshness, String)> {
        let is_running = self.last.is_some_and(|last| !last.status.is_terminal());
        let Some(created) = self.created() else {
            let reason = if is_running { "it is being rotated" } else { "it was never rotated" };
            return self.is_managed.then(|| (Freshness::Due, reason.to_owned()));
        };
        let slots = self.starters.iter().filter_map(|starter| Some((starter, starter.schedule.next(created)?.due)));
        let (starter, due) = slots.min_by_key(|(_, due)| *due)?;
        if now < due {
            return is_running.then(|| (Freshness::Due, "it is being rotated".to_owned()));
        }
        let period = starter.schedule.period(created).unwrap_or(GRACE_MAX * 2);
        if now.since(due) <= (period / 2).clamp(GRACE_MIN, GRACE_MAX) {
            let reason = if is_running { "it is being rotated" } else { "its time has come" };
            return Some((Freshness::Due, reason.to_owned()));
        }
        let why = if starter.is_paused {
            "its schedule is paused"
        } else if is_running {
            "the run that rotates it still goes"
        } else {
            "no run has rotated it since"
        };
        Some((Freshness::Late, format!("it was due at {due}: {why}")))
    }

    fn expiry(&self, now: Timestamp) -> Option<(Freshness, String)> {
        let expires = self.current?.expires?;
        match self.next() {
            Some(next) if next < expires => None,
            Some(_) => Some((Freshness::Expiring, "it expires before its next rotation".to_owned())),
            None if expires.since(now) <= EXPIRING_WITHIN => {
                Some((Freshness::Expiring, "it expires soon, and nothing will rotate it before".to_owned()))
            }
            None => None,
        }
    }

    fn calm(&self) -> (Freshness, String) {
        if !self.is_managed {
            return (Freshness::Unmanaged, "no workflow rotates it".to_owned());
        }
        let reason = if self.starters.is_empty() {
            "no schedule rotates it: it is done by hand"
        } else {
            "it is as new as its schedule wants it"
        };
        (Freshness::Fresh, reason.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Freshness, GRACE_MAX, Known, LastRun, Starter};
    use crate::scheduler::{Defaults, Schedule};
    use crate::secret::VersionInfo;
    use crate::words::{ExecutionId, Timestamp, WorkflowStatus};

    const MINUTE: Duration = Duration::from_mins(1);
    const HOUR: Duration = Duration::from_hours(1);

    /// Noon of a day; the daily slot is at midnight.
    fn noon() -> Timestamp {
        Timestamp::parse("2026-11-20T12:00:00Z").unwrap()
    }

    fn midnight() -> Timestamp {
        Timestamp::parse("2026-11-21T00:00:00Z").unwrap()
    }

    fn schedule(cron: &str) -> Schedule {
        let definition =
            serde_json::from_value(serde_json::json!({"name": "s", "cronExpression": cron, "zoneId": "UTC"}));
        Schedule::from_definition(&definition.unwrap(), Defaults::default()).unwrap()
    }

    fn daily() -> Schedule {
        schedule("0 0 0 * * *")
    }

    fn version(created: Timestamp, expires: Option<Timestamp>) -> VersionInfo {
        let (by, fingerprint) = ("owner".to_owned(), "000000000000".to_owned());
        VersionInfo { version: 1, stage: None, created, by, run: None, expires, fingerprint }
    }

    fn run(status: WorkflowStatus, started: Timestamp) -> LastRun {
        let execution = ExecutionId::of_slot("store", "s", started);
        LastRun { execution, workflow: "w".to_owned(), status, started, ended: None }
    }

    /// A secret that a daily schedule rotates, without a run.
    fn managed<'a>(current: Option<&'a VersionInfo>, schedule: &'a Schedule) -> Known<'a> {
        let starters = vec![Starter { schedule, next: Some(midnight()), is_paused: false }];
        Known { current, is_managed: true, starters, last: None, is_unstored: false, is_in_doubt: false }
    }

    fn judged(known: &Known<'_>, now: Timestamp) -> Freshness {
        known.judge(now).0
    }

    #[test]
    fn a_secret_is_fresh_until_its_slot_then_due_then_late() {
        let (version, daily) = (version(noon(), None), daily());
        let known = managed(Some(&version), &daily);
        assert_eq!(judged(&known, midnight().minus(MINUTE)), Freshness::Fresh);
        assert_eq!(judged(&known, midnight()), Freshness::Due);
        assert_eq!(judged(&known, midnight().plus(GRACE_MAX)), Freshness::Due);
        assert_eq!(judged(&known, midnight().plus(GRACE_MAX + MINUTE)), Freshness::Late);
    }

    #[test]
    fn what_rotates_often_is_late_soon() {
        let (version, often) = (version(noon(), None), schedule("0 0/4 * * * *"));
        let known = managed(Some(&version), &often);
        assert_eq!(judged(&known, noon().plus(6 * MINUTE)), Freshness::Due);
        assert_eq!(judged(&known, noon().plus(7 * MINUTE)), Freshness::Late);
    }

    #[test]
    fn a_paused_schedule_keeps_nothing_fresh_and_says_so() {
        let (version, daily) = (version(noon(), None), daily());
        let mut known = managed(Some(&version), &daily);
        known.starters[0].is_paused = true;
        assert_eq!(judged(&known, noon().plus(HOUR)), Freshness::Fresh);
        let (freshness, reason) = known.judge(midnight().plus(3 * HOUR));
        assert_eq!(freshness, Freshness::Late);
        assert!(reason.contains("paused"), "{reason}");
        assert_eq!(known.next(), None);
    }

    #[test]
    fn a_run_that_failed_after_the_version_was_written_makes_it_failing() {
        let (version, daily) = (version(noon(), None), daily());
        for (status, started, expected) in [
            (WorkflowStatus::Failed, noon().plus(HOUR), Freshness::Failing),
            (WorkflowStatus::TimedOut, noon().plus(HOUR), Freshness::Failing),
            (WorkflowStatus::Failed, noon().minus(HOUR), Freshness::Fresh),
            (WorkflowStatus::Terminated, noon().plus(HOUR), Freshness::Fresh),
            (WorkflowStatus::Completed, noon().plus(HOUR), Freshness::Fresh),
            (WorkflowStatus::Running, noon().plus(HOUR), Freshness::Due),
        ] {
            let last = run(status, started);
            let known = Known { last: Some(&last), ..managed(Some(&version), &daily) };
            assert_eq!(judged(&known, noon().plus(2 * HOUR)), expected, "{status:?}");
        }
    }

    #[test]
    fn what_was_never_written_is_due_and_after_a_failure_failing() {
        let daily = daily();
        assert_eq!(judged(&managed(None, &daily), noon()), Freshness::Due);
        let last = run(WorkflowStatus::Failed, noon());
        assert_eq!(judged(&Known { last: Some(&last), ..managed(None, &daily) }, noon()), Freshness::Failing);
    }

    #[test]
    fn doubt_is_worse_than_everything() {
        let (version, daily) = (version(noon(), Some(noon())), daily());
        let unstored = Known { is_unstored: true, ..managed(Some(&version), &daily) };
        assert_eq!(judged(&unstored, noon().plus(HOUR)), Freshness::Failing);
        let doubtful = Known { is_in_doubt: true, ..unstored };
        assert_eq!(judged(&doubtful, noon().plus(HOUR)), Freshness::InDoubt);
    }

    #[test]
    fn a_value_expires_where_nothing_renews_it_in_time() {
        let daily = daily();
        let ends = |expires: Timestamp| version(noon(), Some(expires));
        let (before, after, now) = (ends(midnight().minus(HOUR)), ends(midnight().plus(HOUR)), noon().plus(MINUTE));
        assert_eq!(judged(&managed(Some(&before), &daily), now), Freshness::Expiring);
        assert_eq!(judged(&managed(Some(&after), &daily), now), Freshness::Fresh);
        let over = ends(now);
        assert_eq!(judged(&managed(Some(&over), &daily), now), Freshness::Expiring);
        let by_hand = |version| Known { starters: Vec::new(), ..managed(Some(version), &daily) };
        let later = ends(noon().plus(30 * 24 * HOUR));
        assert_eq!(judged(&by_hand(&later), now), Freshness::Fresh);
        assert_eq!(judged(&by_hand(&after), now), Freshness::Expiring);
    }

    #[test]
    fn what_no_workflow_writes_is_unmanaged() {
        let (version, daily) = (version(noon(), None), daily());
        let known = Known { is_managed: false, starters: Vec::new(), ..managed(Some(&version), &daily) };
        assert_eq!(judged(&known, noon().plus(1_000 * HOUR)), Freshness::Unmanaged);
    }
}
