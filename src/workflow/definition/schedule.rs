use serde::{Deserialize, Serialize};

use super::{StartWorkflowRequest, lenient};

/// A schedule: when to start which workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowSchedule {
    /// The schedule's name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub description: Option<String>,
    /// Six fields, seconds first, or a macro.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub cron_expression: Option<String>,
    /// An IANA time zone.
    #[serde(default = "lenient::utc", deserialize_with = "lenient::zone")]
    pub zone_id: String,
    /// Several crons; where it is not empty it wins over [`WorkflowSchedule::cron_expression`].
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Vec::is_empty")]
    pub cron_schedules: Vec<CronSchedule>,
    /// Whether every missed slot is run, one after another.
    #[serde(deserialize_with = "lenient::flag")]
    pub run_catchup_schedule_instances: bool,
    /// Whether it is held.
    #[serde(deserialize_with = "lenient::flag")]
    pub paused: bool,
    /// Why it is held.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub paused_reason: Option<String>,
    /// What to start, and with what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_workflow_request: Option<StartWorkflowRequest>,
    /// No slot before it, ms.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_integer")]
    pub schedule_start_time: Option<i64>,
    /// No slot after it, ms.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_integer")]
    pub schedule_end_time: Option<i64>,
    /// What happens to a slot while the last run still goes (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// What happens where clocks change (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst: Option<Dst>,
    /// When it was made, ms.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_integer")]
    pub create_time: Option<i64>,
    /// When it was changed, ms.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_integer")]
    pub updated_time: Option<i64>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub created_by: Option<String>,
    /// Who changed it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_text")]
    pub updated_by: Option<String>,
}

/// One cron of several in a schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronSchedule {
    /// Six fields, seconds first, or a macro.
    #[serde(deserialize_with = "lenient::text")]
    pub cron_expression: String,
    /// An IANA time zone.
    #[serde(default = "lenient::utc", deserialize_with = "lenient::zone")]
    pub zone_id: String,
}

/// What happens to a slot while the schedule's last run still goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// The slot is skipped and recorded.
    #[default]
    Skip,
    /// It runs beside the other.
    Allow,
}

/// What a cron expression means where clocks change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dst {
    /// A local time fires once.
    #[default]
    Once,
    /// As Spring does it, to the bit.
    Spring,
}
