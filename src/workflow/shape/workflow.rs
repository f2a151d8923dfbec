use super::schedule::SCHEDULE_BESIDE;
use super::task::A_TASK;
use super::{
    CREATED, CREATED_BY, KEPT, Kind, ORIGIN, SCHEMA, Shape, TAGS, TAGS_TEXT, TEXTS, UPDATED, UPDATED_BY, absent,
};
use crate::workflow::definition::lenient::Words as _;
use crate::workflow::definition::{WorkflowDef, WorkflowTimeoutPolicy};

/// A workflow.
#[rustfmt::skip]
pub(in crate::workflow) static WORKFLOW: Shape = Shape {
    what: "a workflow",
    required: &["name", "tasks"],
    defaults: absent::<WorkflowDef>,
    fields: &[
        ("$schema", Kind::Any, SCHEMA),
        ("name", Kind::Text, "The name that people, schedules and other workflows use."),
        ("description", Kind::Text, "What it is for."),
        ("version", Kind::Integer, "The version, from 1. Whoever names none gets the highest."),
        ("tasks", Kind::List(&A_TASK), "The tasks, one after another."),
        ("inputParameters", TEXTS, "The names of the inputs; documentation, and the fields of forms."),
        ("outputParameters", Kind::Map, "What the execution gives, with expressions; the last task's output where empty."),
        ("failureWorkflow", Kind::Text, "The workflow that starts when this one fails."),
        ("failureWorkflowVersion", Kind::Integer, "The version of `failureWorkflow`; the highest where absent."),
        ("schemaVersion", Kind::Integer, "Always 2."),
        ("restartable", Kind::Flag, "Whether an ended execution may be restarted."),
        ("workflowStatusListenerEnabled", Kind::Flag, KEPT),
        ("workflowStatusListenerSink", Kind::Text, KEPT),
        ("ownerEmail", Kind::Text, "Whom to ask."),
        ("ownerApp", Kind::Text, KEPT),
        ("timeoutPolicy", Kind::OneOf(WorkflowTimeoutPolicy::WORDS),
            "What happens when `timeoutSeconds` have passed: the execution ends as TIMED_OUT, or it is only reported."),
        ("timeoutSeconds", Kind::Long, "How long an execution may take, in seconds; 0: as long as it likes."),
        ("variables", Kind::Map, "The variables that an execution starts with, verbatim: `${workflow.variables.NAME}`."),
        ("inputTemplate", Kind::Map, "Inputs for keys that a start request leaves out, verbatim."),
        ("rateLimitConfig", Kind::Of(&RATE_LIMIT), "How many executions of this workflow run at once."),
        ("inputSchema", Kind::Map, KEPT),
        ("outputSchema", Kind::Map, KEPT),
        ("enforceSchema", Kind::Flag, KEPT),
        ("metadata", Kind::Map, "Anything of yours; nothing here reads it."),
        ("cacheConfig", Kind::Of(&CACHE), KEPT),
        ("maskedFields", TEXTS, "Fields of inputs and outputs that every view shows as `***`."),
        ("schedules", Kind::List(&Kind::Of(&SCHEDULE_BESIDE)), "When this workflow starts by itself (keytide's own field)."),
        ("tags", TAGS, TAGS_TEXT),
        ("createTime", Kind::Long, CREATED),
        ("updateTime", Kind::Long, UPDATED),
        ("createdBy", Kind::Text, CREATED_BY),
        ("updatedBy", Kind::Text, UPDATED_BY),
        ("origin", Kind::Any, ORIGIN),
        ("accessPolicy", Kind::Any, KEPT),
        ("overwriteTags", Kind::Any, KEPT),
    ],
};

/// How many executions of a workflow run at once, by a key.
#[rustfmt::skip]
static RATE_LIMIT: Shape = Shape {
    what: "a rate limit",
    required: &[],
    defaults: serde_json::Map::new,
    fields: &[
        ("rateLimitKey", Kind::Text, "Executions with one value of it share the limit, as `${workflow.input.tenant}`."),
        ("concurrentExecLimit", Kind::Integer, "How many of them run at once."),
    ],
};

/// How long an output is remembered.
#[rustfmt::skip]
pub(super) static CACHE: Shape = Shape {
    what: "a cache",
    required: &[],
    defaults: serde_json::Map::new,
    fields: &[
        ("key", Kind::Text, "What the output is remembered by."),
        ("ttlInSecond", Kind::Integer, "How long it is remembered, in seconds."),
    ],
};
