//! What is counted for Prometheus: what ran, how long it took, how the store was written.
//!
//! Counters begin with the process. Gauges, as when a schedule fires next, are nobody's to keep: they are put on the page
//! by whoever knows them when it is asked for.

mod page;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use page::{FAMILIES, Family, Page};

use crate::words::{Timestamp, WorkflowStatus};

/// How many workflows have series of their own. A definition may come with a start request, so their names are not ours to
/// bound; what is beyond is counted together.
const WORKFLOWS_MAX: usize = 500;
/// What is beyond is counted as this.
pub const OTHER: &str = "_other";

/// The ends of the buckets of runs, in seconds: from a lookup to a job of half a day.
const RUN_SECONDS: &[f64] = &[0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0];
/// The ends of the buckets of tasks, in seconds: from a script to a worker that takes an hour.
const TASK_SECONDS: &[f64] = &[0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3_600.0];
/// The ends of the buckets of rewrites of the store, in seconds: two syncs of a disk, and one that is in trouble.
const WRITE_SECONDS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Everything that is counted.
#[derive(Default)]
pub struct Metrics(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    workflows: BTreeMap<String, OfWorkflow>,
    tasks: BTreeMap<(String, &'static str), Histogram>,
    missed: BTreeMap<String, u64>,
    succeeded: BTreeMap<String, Timestamp>,
    write_seconds: Histogram,
}

#[derive(Default)]
struct OfWorkflow {
    runs: BTreeMap<(&'static str, &'static str), u64>,
    seconds: Histogram,
    rotation_failures: u64,
}

/// How an execution ended.
pub struct Ended<'a> {
    /// The workflow.
    pub workflow: &'a str,
    /// How.
    pub status: WorkflowStatus,
    /// What had started it.
    pub trigger: &'static str,
    /// How long it took.
    pub took: Duration,
    /// Whether it was to store a secret.
    pub rotates: bool,
    /// The schedule that had started it, and when it ended.
    pub schedule: Option<(&'a str, Timestamp)>,
}

impl Metrics {
    /// Counts an execution that ended.
    pub fn ended(&self, ended: &Ended<'_>) {
        let mut counted = self.counted();
        let of = counted.workflow(ended.workflow);
        *of.runs.entry((ended.status.as_str(), ended.trigger)).or_default() += 1;
        of.seconds.observe(RUN_SECONDS, ended.took);
        let failed = matches!(ended.status, WorkflowStatus::Failed | WorkflowStatus::TimedOut);
        of.rotation_failures += u64::from(ended.rotates && failed);
        if let (Some((schedule, at)), WorkflowStatus::Completed) = (ended.schedule, ended.status) {
            counted.succeeded.insert(schedule.to_owned(), at);
        }
    }

    /// Counts a task that ended; a kind of task that workers do is `SIMPLE`, whatever they call it.
    pub fn task(&self, kind: &str, status: &'static str, took: Duration) {
        self.counted().tasks.entry((kind.to_owned(), status)).or_default().observe(TASK_SECONDS, took);
    }

    /// Counts a slot that did not start anything.
    pub fn missed(&self, schedule: &str) {
        *self.counted().missed.entry(schedule.to_owned()).or_default() += 1;
    }

    /// Counts a rewrite of the store.
    pub fn stored(&self, took: Duration) {
        self.counted().write_seconds.observe(WRITE_SECONDS, took);
    }

    /// Forgets schedules that are not defined any more.
    pub fn keep_schedules(&self, is_defined: impl Fn(&str) -> bool) {
        let mut counted = self.counted();
        counted.missed.retain(|name, _| is_defined(name));
        counted.succeeded.retain(|name, _| is_defined(name));
    }

    /// Puts what was counted on a page: of the workflows and schedules that somebody may see.
    pub fn put(&self, page: &mut Page, sees_workflow: impl Fn(&str) -> bool, sees_schedule: impl Fn(&str) -> bool) {
        let counted = self.counted();
        for (workflow, of) in counted.workflows.iter().filter(|(name, _)| *name == OTHER || sees_workflow(name)) {
            for ((status, trigger), count) in &of.runs {
                let labels = [("workflow", workflow.as_str()), ("status", status), ("trigger", trigger)];
                page.sample(Family::Runs, &labels, *count);
            }
            let labels = [("workflow", workflow.as_str())];
            of.seconds.put(page, Family::RunSeconds, &labels, RUN_SECONDS);
            page.sample(Family::RotationFailures, &labels, of.rotation_failures);
        }
        for ((kind, status), seconds) in &counted.tasks {
            seconds.put(page, Family::TaskSeconds, &[("type", kind.as_str()), ("status", status)], TASK_SECONDS);
        }
        for (schedule, count) in counted.missed.iter().filter(|(name, _)| sees_schedule(name)) {
            page.sample(Family::Missed, &[("schedule", schedule)], *count);
        }
        for (schedule, at) in counted.succeeded.iter().filter(|(name, _)| sees_schedule(name)) {
            page.moment(Family::LastSuccess, &[("schedule", schedule)], *at);
        }
        page.sample(Family::Writes, &[], counted.write_seconds.count);
        counted.write_seconds.put(page, Family::WriteSeconds, &[], WRITE_SECONDS);
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn workflow(&mut self, name: &str) -> &mut OfWorkflow {
        let is_full = self.workflows.len() >= WORKFLOWS_MAX && !self.workflows.contains_key(name);
        self.workflows.entry(if is_full { OTHER } else { name }.to_owned()).or_default()
    }
}

/// How often something took how long.
#[derive(Default)]
struct Histogram {
    /// How many were within each bucket's end and not within the one before.
    buckets: Vec<u64>,
    count: u64,
    seconds: f64,
}

impl Histogram {
    fn observe(&mut self, ends: &[f64], took: Duration) {
        let seconds = took.as_secs_f64();
        self.buckets.resize(ends.len(), 0);
        if let Some(bucket) = ends.iter().zip(&mut self.buckets).find(|(end, _)| seconds <= **end) {
            *bucket.1 += 1;
        }
        self.count += 1;
        self.seconds += seconds;
    }

    fn put(&self, page: &mut Page, family: Family, labels: &[(&str, &str)], ends: &[f64]) {
        let mut within = 0;
        for (at, end) in ends.iter().enumerate() {
            within += self.buckets.get(at).copied().unwrap_or(0);
            page.bucket(family, labels, &end.to_string(), within);
        }
        page.bucket(family, labels, "+Inf", self.count);
        page.total(family, labels, self.seconds, self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Ended, Metrics, OTHER, Page, WORKFLOWS_MAX};
    use crate::words::WorkflowStatus;

    fn ended(metrics: &Metrics, workflow: &str) {
        let (status, took) = (WorkflowStatus::Completed, Duration::from_millis(600));
        metrics.ended(&Ended { workflow, status, trigger: "api", took, rotates: false, schedule: None });
    }

    #[test]
    fn names_of_workflows_are_bounded_and_none_is_lost() {
        let metrics = Metrics::default();
        for number in 0..WORKFLOWS_MAX + 7 {
            ended(&metrics, &format!("w{number}"));
        }
        ended(&metrics, "w0");
        let mut page = Page::default();
        metrics.put(&mut page, |_| true, |_| true);
        let text = page.text();
        let runs: Vec<_> = text.lines().filter(|line| line.starts_with("keytide_workflow_runs_total{")).collect();
        assert_eq!(runs.len(), WORKFLOWS_MAX + 1);
        let of =
            |name: &str| runs.iter().find(|line| line.contains(&format!("\"{name}\""))).unwrap().rsplit(' ').next();
        assert_eq!((of(OTHER), of("w0"), of("w1")), (Some("7"), Some("2"), Some("1")));
    }

    #[test]
    fn what_somebody_may_not_see_is_not_on_its_page() {
        let metrics = Metrics::default();
        for name in ["mine", "other"] {
            ended(&metrics, name);
        }
        metrics.missed("other");
        let mut page = Page::default();
        metrics.put(&mut page, |name| name == "mine", |name| name == "mine");
        let text = page.text();
        assert!(text.contains("workflow=\"mine\"") && !text.contains("\"other\""), "{text}");
    }
}
