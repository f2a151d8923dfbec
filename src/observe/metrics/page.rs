//! The page that Prometheus reads, in its text format 0.0.4.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use crate::words::Timestamp;

const COUNTER: &str = "counter";
const GAUGE: &str = "gauge";
const HISTOGRAM: &str = "histogram";

/// Makes the enum and what is said of each family from one row a family.
macro_rules! families {
    ($($variant:ident, $name:literal, $kind:ident, $help:literal;)*) => {
        /// What is measured.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Family {
            $(#[doc = $help] $variant,)*
        }

        /// Every family, in the order of the page.
        pub const FAMILIES: &[Family] = &[$(Family::$variant,)*];

        impl Family {
            /// Returns its name, with its unit.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            const fn kind(self) -> &'static str {
                match self { $(Self::$variant => $kind,)* }
            }

            const fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

families! {
    BuildInfo, "keytide_build_info", GAUGE, "The version that runs, always 1.";
    Problems, "keytide_problems", GAUGE, "How many things somebody has to look at.";
    Live, "keytide_workflows_running", GAUGE, "How many executions have not ended.";
    Runs, "keytide_workflow_runs_total", COUNTER, "Executions that ended, since the process started.";
    RunSeconds, "keytide_workflow_run_duration_seconds", HISTOGRAM, "How long executions took that ended.";
    RotationFailures, "keytide_secret_rotation_failures_total", COUNTER, "Executions that were to store a secret and failed.";
    TaskSeconds, "keytide_task_duration_seconds", HISTOGRAM, "How long tasks took that ended, from when they were scheduled.";
    NextFire, "keytide_schedule_next_fire_timestamp_seconds", GAUGE, "When a schedule fires next; absent while it is paused.";
    LastSuccess, "keytide_schedule_last_success_timestamp_seconds", GAUGE, "When a run of a schedule last completed, since the process started.";
    Missed, "keytide_schedule_missed_total", COUNTER, "Slots that started nothing: skipped, or failed to start.";
    LastRotation, "keytide_secret_last_rotation_timestamp_seconds", GAUGE, "When a workflow last wrote a secret; without names, the earliest of all.";
    Expiry, "keytide_secret_expiry_timestamp_seconds", GAUGE, "When a secret stops working; without names, the earliest of all.";
    Writes, "keytide_store_writes_total", COUNTER, "Rewrites of the secret store, since the process started.";
    WriteSeconds, "keytide_store_write_duration_seconds", HISTOGRAM, "How long rewrites of the secret store took.";
    ReloadSuccess, "keytide_config_reload_success", GAUGE, "1 where keytide.toml is in force as it is, 0 where it is broken or wants a restart.";
    Files, "keytide_config_files", GAUGE, "Files of the folder that hold definitions, by whether something is wrong in them.";
}

/// A page of samples.
#[derive(Default)]
pub struct Page(BTreeMap<Family, String>);

impl Page {
    /// Puts a sample.
    pub fn sample(&mut self, family: Family, labels: &[(&str, &str)], value: impl Display) {
        self.line(family, "", labels, value);
    }

    /// Puts a moment, in seconds since 1970.
    pub fn moment(&mut self, family: Family, labels: &[(&str, &str)], at: Timestamp) {
        let millis = at.as_millis();
        self.sample(family, labels, format_args!("{}.{:03}", millis.div_euclid(1_000), millis.rem_euclid(1_000)));
    }

    /// Puts how many samples of a histogram are up to that.
    pub(super) fn bucket(&mut self, family: Family, labels: &[(&str, &str)], end: &str, count: u64) {
        let labels: Vec<_> = labels.iter().copied().chain([("le", end)]).collect();
        self.line(family, "_bucket", &labels, count);
    }

    /// Puts the sum and the count of a histogram.
    pub(super) fn total(&mut self, family: Family, labels: &[(&str, &str)], sum: f64, count: u64) {
        self.line(family, "_sum", labels, sum);
        self.line(family, "_count", labels, count);
    }

    /// Returns the page. Every family is said, also one without samples, so that what is there to ask for is known.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for family in FAMILIES {
            let (name, help, kind) = (family.name(), family.help(), family.kind());
            // Writing to text does not fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
            text.push_str(self.0.get(family).map_or("", String::as_str));
        }
        text
    }

    fn line(&mut self, family: Family, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let text = self.0.entry(family).or_default();
        text.push_str(family.name());
        text.push_str(suffix);
        for (at, (name, value)) in labels.iter().enumerate() {
            let _ = write!(text, "{}{name}=\"{}\"", if at == 0 { '{' } else { ',' }, escaped(value));
        }
        let _ = writeln!(text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

/// Returns a value of a label as the format has it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{Family, Page};

    #[test]
    fn no_name_ends_a_label_or_a_line() {
        let mut page = Page::default();
        page.sample(Family::Missed, &[("schedule", "a\"b\\c\nd} 1")], 2);
        let line = page.text().lines().find(|line| line.contains("a\\\"")).map(str::to_owned);
        assert_eq!(line.as_deref(), Some(r#"keytide_schedule_missed_total{schedule="a\"b\\c\nd} 1"} 2"#));
    }
}
