use super::{
    CREATED, CREATED_BY, KEPT, Kind, ORIGIN, SCHEMA, Shape, TAGS, TAGS_TEXT, TEXTS, UPDATED, UPDATED_BY, absent,
};
use crate::workflow::definition::lenient::Words as _;
use crate::workflow::definition::{RetryLogic, TaskDef, TaskTimeoutPolicy};

/// A task definition.
pub(in crate::workflow) static TASK_DEF: Shape =
    Shape { what: "a task definition", required: &["name"], defaults: absent::<TaskDef>, fields: FIELDS };

/// A task definition inside its task, where the name is the task's.
pub(super) static OWN_TASK_DEF: Shape =
    Shape { what: "a task definition", required: &[], defaults: absent::<TaskDef>, fields: FIELDS };

#[rustfmt::skip]
const FIELDS: &[(&str, Kind, &str)] = &[
    ("name", Kind::Text, "The name of the tasks that it is about."),
    ("description", Kind::Text, "What they are for."),
    ("retryCount", Kind::Integer, "How often a failed attempt is followed by another."),
    ("timeoutSeconds", Kind::Long, "How long an attempt may take once started, in seconds; 0: as long as it likes."),
    ("inputKeys", TEXTS, "The names of the inputs; documentation."),
    ("outputKeys", TEXTS, "The names of the outputs; documentation."),
    ("runtimeMetadata", TEXTS, "Names of secrets that a worker gets with the task and that are never kept."),
    ("timeoutPolicy", Kind::OneOf(TaskTimeoutPolicy::WORDS),
        "What happens when `timeoutSeconds` have passed: another attempt, the workflow ends as TIMED_OUT, or it is only reported."),
    ("retryLogic", Kind::OneOf(RetryLogic::WORDS),
        "How the delay before a retry grows: always the same, doubled each time, or multiplied with the attempt's number."),
    ("retryDelaySeconds", Kind::Long, "The delay before a retry, in seconds."),
    ("responseTimeoutSeconds", Kind::Long, "How long a worker may be silent, in seconds; 0: as long as it likes."),
    ("concurrentExecLimit", Kind::Integer, "How many may run at once; absent or 0: any number."),
    ("inputTemplate", Kind::Map, "Inputs for keys that the task leaves out, with expressions."),
    ("rateLimitPerFrequency", Kind::Long, "How many may start in `rateLimitFrequencyInSeconds`; 0: any number."),
    ("rateLimitFrequencyInSeconds", Kind::Long, "The length of the rate limit's window, in seconds."),
    ("isolationGroupId", Kind::Text, KEPT),
    ("executionNameSpace", Kind::Text, KEPT),
    ("ownerEmail", Kind::Text, "Whom to ask."),
    ("ownerApp", Kind::Text, KEPT),
    ("pollTimeoutSeconds", Kind::Long, "How long it may wait for a worker, in seconds; absent or 0: as long as it takes."),
    ("backoffScaleFactor", Kind::Long, "What LINEAR_BACKOFF multiplies the delay with, besides the attempt's number."),
    ("maxRetryDelaySeconds", Kind::Long, "The longest delay before a retry, in seconds; 0: no cap."),
    ("backoffJitterMs", Kind::Long, "A random part that is added to the delay, up to this many milliseconds."),
    ("baseType", Kind::Text, KEPT),
    ("totalTimeoutSeconds", Kind::Long, "How long all attempts together may take, in seconds; 0: as long as they like."),
    ("taskStatusListenerEnabled", Kind::Flag, KEPT),
    ("inputSchema", Kind::Map, KEPT),
    ("outputSchema", Kind::Map, KEPT),
    ("enforceSchema", Kind::Flag, KEPT),
    ("tags", TAGS, TAGS_TEXT),
    ("createTime", Kind::Long, CREATED),
    ("updateTime", Kind::Long, UPDATED),
    ("createdBy", Kind::Text, CREATED_BY),
    ("updatedBy", Kind::Text, UPDATED_BY),
    ("origin", Kind::Any, ORIGIN),
];

/// A file's list of task definitions.
pub(in crate::workflow) static TASK_DEFS: Shape = Shape {
    what: "a list of task definitions",
    required: &[],
    defaults: serde_json::Map::new,
    fields: &[
        ("$schema", Kind::Any, SCHEMA),
        ("taskDefs", Kind::Each(&TASK_DEF), "The task definitions: how tasks of a name behave."),
    ],
};
