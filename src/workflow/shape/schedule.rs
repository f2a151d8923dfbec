use super::{
    CREATED, CREATED_BY, KEPT, Kind, ORIGIN, SCHEMA, Shape, TAGS, TAGS_TEXT, UPDATED, UPDATED_BY, WORKFLOW, absent,
};
use crate::workflow::definition::WorkflowSchedule;

const CRONS: Kind = Kind::List(&Kind::Of(&CRON));
const OVERLAP: Kind = Kind::OneOf(&["skip", "allow"]);
const DST: Kind = Kind::OneOf(&["once", "spring"]);
const DOMAINS: Kind = Kind::MapOf(&Kind::Text);

const CRON_TEXT: &str =
    "When: six fields, seconds first (`0 0/30 * * * *` is every half hour), or a macro as `@hourly`.";
const ZONE: &str = "The time zone, by its IANA name, as `Europe/Berlin`.";
const CRONS_TEXT: &str = "Several crons; where it is not empty it wins over `cronExpression`.";
const CATCH_UP: &str =
    "Whether every slot that was missed is run, one after another; else one late run stands for all.";
const PAUSED: &str = "Whether it is held.";
const NOT_BEFORE: &str = "No slot before this time, in milliseconds since 1970.";
const NOT_AFTER: &str = "No slot after this time, in milliseconds since 1970.";
const OVERLAP_TEXT: &str = "What happens to a slot while the last run still goes (keytide's own field): it is skipped, or it \
    runs beside it. `[schedules] overlap` where absent.";
const DST_TEXT: &str = "What happens where clocks change (keytide's own field): each local time fires once, or as Spring does \
    it. `[schedules] dst` where absent.";
const INPUT: &str = "What the workflow takes.";
const CORRELATION: &str = "A name for what belongs together.";
const VERSION: &str = "The workflow's version; the highest where absent.";
const PRIORITY: &str = "From 0 to 99; higher goes first.";
const DOMAINS_TEXT: &str = "Which workers get which task: task name (`*`: all) to domain.";
const KEY: &str = "One start for each value of it.";
const STRATEGY: &str = "What a second start with the key does: RETURN_EXISTING, FAIL or FAIL_ON_RUNNING.";

/// A schedule of its own.
#[rustfmt::skip]
pub(in crate::workflow) static SCHEDULE: Shape = Shape {
    what: "a schedule",
    required: &["name", "startWorkflowRequest"],
    defaults: absent::<WorkflowSchedule>,
    fields: &[
        ("$schema", Kind::Any, SCHEMA),
        ("name", Kind::Text, "The schedule's name."),
        ("description", Kind::Text, "What it is for."),
        ("cronExpression", Kind::Text, CRON_TEXT),
        ("zoneId", Kind::Text, ZONE),
        ("cronSchedules", CRONS, CRONS_TEXT),
        ("runCatchupScheduleInstances", Kind::Flag, CATCH_UP),
        ("paused", Kind::Flag, PAUSED),
        ("pausedReason", Kind::Text, "Why it is held."),
        ("startWorkflowRequest", Kind::Of(&START), "What to start, and with what."),
        ("scheduleStartTime", Kind::Long, NOT_BEFORE),
        ("scheduleEndTime", Kind::Long, NOT_AFTER),
        ("overlap", OVERLAP, OVERLAP_TEXT),
        ("dst", DST, DST_TEXT),
        ("nextRunTime", Kind::Long, "The next slot, in milliseconds since 1970; set by the server."),
        ("tags", TAGS, TAGS_TEXT),
        ("orgId", Kind::Any, KEPT),
        ("queueMsgId", Kind::Any, KEPT),
        ("createTime", Kind::Long, CREATED),
        ("updatedTime", Kind::Long, UPDATED),
        ("createdBy", Kind::Text, CREATED_BY),
        ("updatedBy", Kind::Text, UPDATED_BY),
        ("origin", Kind::Any, ORIGIN),
    ],
};

/// A schedule beside its workflow: it starts that workflow, so it has the request's fields itself.
#[rustfmt::skip]
pub(super) static SCHEDULE_BESIDE: Shape = Shape {
    what: "a schedule beside its workflow",
    required: &[],
    defaults: absent::<WorkflowSchedule>,
    fields: &[
        ("name", Kind::Text, "The schedule's name; the workflow's where absent, then with `_2` and so on."),
        ("description", Kind::Text, "What it is for."),
        ("cronExpression", Kind::Text, CRON_TEXT),
        ("zoneId", Kind::Text, ZONE),
        ("cronSchedules", CRONS, CRONS_TEXT),
        ("runCatchupScheduleInstances", Kind::Flag, CATCH_UP),
        ("paused", Kind::Flag, PAUSED),
        ("pausedReason", Kind::Text, "Why it is held."),
        ("scheduleStartTime", Kind::Long, NOT_BEFORE),
        ("scheduleEndTime", Kind::Long, NOT_AFTER),
        ("overlap", OVERLAP, OVERLAP_TEXT),
        ("dst", DST, DST_TEXT),
        ("input", Kind::Map, INPUT),
        ("correlationId", Kind::Text, CORRELATION),
        ("version", Kind::Integer, VERSION),
        ("priority", Kind::Integer, PRIORITY),
        ("taskToDomain", DOMAINS, DOMAINS_TEXT),
        ("idempotencyKey", Kind::Text, KEY),
        ("idempotencyStrategy", Kind::Text, STRATEGY),
        ("tags", TAGS, TAGS_TEXT),
    ],
};

/// One cron of several.
static CRON: Shape = Shape {
    what: "a cron schedule",
    required: &["cronExpression"],
    defaults: absent::<crate::workflow::definition::CronSchedule>,
    fields: &[("cronExpression", Kind::Text, CRON_TEXT), ("zoneId", Kind::Text, ZONE)],
};

/// A request to start a workflow.
#[rustfmt::skip]
static START: Shape = Shape {
    what: "a start request",
    required: &["name"],
    defaults: serde_json::Map::new,
    fields: &[
        ("name", Kind::Text, "The workflow to start."),
        ("version", Kind::Integer, VERSION),
        ("correlationId", Kind::Text, CORRELATION),
        ("input", Kind::Map, INPUT),
        ("taskToDomain", DOMAINS, DOMAINS_TEXT),
        ("workflowDef", Kind::Of(&WORKFLOW), "The whole workflow instead of one that is defined."),
        ("externalInputPayloadStoragePath", Kind::Text, KEPT),
        ("priority", Kind::Integer, PRIORITY),
        ("createdBy", Kind::Text, "Who starts it."),
        ("idempotencyKey", Kind::Text, KEY),
        ("idempotencyStrategy", Kind::Text, STRATEGY),
    ],
};
