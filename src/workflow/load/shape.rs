//! What each kind of definition may hold: one table, read by the walk that reports wrong types and unknown fields.

/// What a field holds. `null` is allowed everywhere: clients write it for absent.
pub(super) enum Kind {
    /// A text.
    Text,
    /// A text out of a few.
    OneOf(&'static [&'static str]),
    /// A whole number, also as text.
    Integer,
    /// True or false.
    Flag,
    /// A map of anything.
    Map,
    /// Anything.
    Any,
    /// A list.
    List(&'static Kind),
    /// A map whose values are alike.
    MapOf(&'static Kind),
    /// A map with fields of its own.
    Of(&'static Shape),
}

/// A map with fields of its own.
pub(super) struct Shape {
    /// What it is, as in "a workflow has no field …".
    pub(super) what: &'static str,
    /// Its fields.
    pub(super) fields: &'static [(&'static str, Kind)],
    /// The fields that must be there and not be empty.
    pub(super) required: &'static [&'static str],
}

const TEXTS: Kind = Kind::List(&Kind::Text);
// Statics, because a task holds tasks.
static A_TASK: Kind = Kind::Of(&TASK);
static TASKS: Kind = Kind::List(&A_TASK);
const CRONS: Kind = Kind::List(&Kind::Of(&CRON));

/// A workflow.
pub(super) static WORKFLOW: Shape = Shape {
    what: "a workflow",
    required: &["name", "tasks"],
    fields: &[
        ("$schema", Kind::Any),
        ("name", Kind::Text),
        ("description", Kind::Text),
        ("version", Kind::Integer),
        ("tasks", Kind::List(&A_TASK)),
        ("inputParameters", TEXTS),
        ("outputParameters", Kind::Map),
        ("failureWorkflow", Kind::Text),
        ("failureWorkflowVersion", Kind::Integer),
        ("schemaVersion", Kind::Integer),
        ("restartable", Kind::Flag),
        ("workflowStatusListenerEnabled", Kind::Flag),
        ("workflowStatusListenerSink", Kind::Text),
        ("ownerEmail", Kind::Text),
        ("ownerApp", Kind::Text),
        ("timeoutPolicy", Kind::OneOf(&["TIME_OUT_WF", "ALERT_ONLY"])),
        ("timeoutSeconds", Kind::Integer),
        ("variables", Kind::Map),
        ("inputTemplate", Kind::Map),
        ("rateLimitConfig", Kind::Of(&RATE_LIMIT)),
        ("inputSchema", Kind::Map),
        ("outputSchema", Kind::Map),
        ("enforceSchema", Kind::Flag),
        ("metadata", Kind::Map),
        ("cacheConfig", Kind::Of(&CACHE)),
        ("maskedFields", TEXTS),
        ("schedules", Kind::List(&Kind::Of(&SCHEDULE_BESIDE))),
        ("tags", Kind::Any),
        ("createTime", Kind::Integer),
        ("updateTime", Kind::Integer),
        ("createdBy", Kind::Text),
        ("updatedBy", Kind::Text),
        ("accessPolicy", Kind::Any),
        ("overwriteTags", Kind::Any),
    ],
};

/// A task of a workflow.
pub(super) static TASK: Shape = Shape {
    what: "a task",
    required: &["name", "taskReferenceName"],
    fields: &[
        ("name", Kind::Text),
        ("taskReferenceName", Kind::Text),
        ("description", Kind::Text),
        ("inputParameters", Kind::Map),
        ("type", Kind::Text),
        ("workflowTaskType", Kind::Any),
        ("dynamicTaskNameParam", Kind::Text),
        ("caseValueParam", Kind::Text),
        ("caseExpression", Kind::Text),
        ("scriptExpression", Kind::Text),
        ("decisionCases", Kind::MapOf(&TASKS)),
        ("dynamicForkJoinTasksParam", Kind::Text),
        ("dynamicForkTasksParam", Kind::Text),
        ("dynamicForkTasksInputParamName", Kind::Text),
        ("defaultCase", Kind::List(&A_TASK)),
        ("forkTasks", Kind::List(&TASKS)),
        ("startDelay", Kind::Integer),
        ("subWorkflowParam", Kind::Of(&SUB_WORKFLOW)),
        ("joinOn", TEXTS),
        ("sink", Kind::Text),
        ("optional", Kind::Flag),
        ("taskDefinition", Kind::Of(&OWN_TASK_DEF)),
        ("rateLimited", Kind::Flag),
        ("defaultExclusiveJoinTask", TEXTS),
        ("asyncComplete", Kind::Flag),
        ("loopCondition", Kind::Text),
        ("loopOver", Kind::List(&A_TASK)),
        ("items", Kind::Any),
        ("retryCount", Kind::Integer),
        ("evaluatorType", Kind::Text),
        ("expression", Kind::Text),
        ("onStateChange", Kind::Map),
        ("joinStatus", Kind::Text),
        ("cacheConfig", Kind::Of(&CACHE)),
        ("permissive", Kind::Flag),
        ("joinMode", Kind::OneOf(&["SYNC", "ASYNC"])),
        ("metadata", Kind::Map),
    ],
};

/// How many executions of a workflow run at once, by a key.
static RATE_LIMIT: Shape = Shape {
    what: "a rate limit",
    required: &[],
    fields: &[("rateLimitKey", Kind::Text), ("concurrentExecLimit", Kind::Integer)],
};

/// How long an output is remembered.
static CACHE: Shape =
    Shape { what: "a cache", required: &[], fields: &[("key", Kind::Text), ("ttlInSecond", Kind::Integer)] };

/// Which workflow a task starts. The definition may stand in it, or be an expression; so may the priority.
static SUB_WORKFLOW: Shape = Shape {
    what: "a child workflow",
    required: &[],
    fields: &[
        ("name", Kind::Text),
        ("version", Kind::Integer),
        ("taskToDomain", Kind::MapOf(&Kind::Text)),
        ("workflowDefinition", Kind::Any),
        ("workflowDef", Kind::Any),
        ("idempotencyKey", Kind::Text),
        ("idempotencyStrategy", Kind::Text),
        ("priority", Kind::Any),
    ],
};

/// A task definition.
pub(super) static TASK_DEF: Shape = Shape { what: "a task definition", required: &["name"], fields: TASK_DEF_FIELDS };

/// A task definition inside its task, where the name is the task's.
static OWN_TASK_DEF: Shape = Shape { what: "a task definition", required: &[], fields: TASK_DEF_FIELDS };

const TASK_DEF_FIELDS: &[(&str, Kind)] = &[
    ("name", Kind::Text),
    ("description", Kind::Text),
    ("retryCount", Kind::Integer),
    ("timeoutSeconds", Kind::Integer),
    ("inputKeys", TEXTS),
    ("outputKeys", TEXTS),
    ("runtimeMetadata", TEXTS),
    ("timeoutPolicy", Kind::OneOf(&["RETRY", "TIME_OUT_WF", "ALERT_ONLY"])),
    ("retryLogic", Kind::OneOf(&["FIXED", "EXPONENTIAL_BACKOFF", "LINEAR_BACKOFF"])),
    ("retryDelaySeconds", Kind::Integer),
    ("responseTimeoutSeconds", Kind::Integer),
    ("concurrentExecLimit", Kind::Integer),
    ("inputTemplate", Kind::Map),
    ("rateLimitPerFrequency", Kind::Integer),
    ("rateLimitFrequencyInSeconds", Kind::Integer),
    ("isolationGroupId", Kind::Text),
    ("executionNameSpace", Kind::Text),
    ("ownerEmail", Kind::Text),
    ("ownerApp", Kind::Text),
    ("pollTimeoutSeconds", Kind::Integer),
    ("backoffScaleFactor", Kind::Integer),
    ("maxRetryDelaySeconds", Kind::Integer),
    ("backoffJitterMs", Kind::Integer),
    ("baseType", Kind::Text),
    ("totalTimeoutSeconds", Kind::Integer),
    ("taskStatusListenerEnabled", Kind::Flag),
    ("inputSchema", Kind::Map),
    ("outputSchema", Kind::Map),
    ("enforceSchema", Kind::Flag),
    ("tags", Kind::Any),
    ("createTime", Kind::Integer),
    ("updateTime", Kind::Integer),
    ("createdBy", Kind::Text),
    ("updatedBy", Kind::Text),
];

/// A file's list of task definitions.
pub(super) static TASK_DEFS: Shape = Shape {
    what: "a list of task definitions",
    required: &[],
    // The items are read one by one, each by its own shape.
    fields: &[("$schema", Kind::Any), ("taskDefs", Kind::List(&Kind::Any))],
};

/// A schedule of its own.
pub(super) static SCHEDULE: Shape = Shape {
    what: "a schedule",
    required: &["name", "startWorkflowRequest"],
    fields: &[
        ("$schema", Kind::Any),
        ("name", Kind::Text),
        ("description", Kind::Text),
        ("cronExpression", Kind::Text),
        ("zoneId", Kind::Text),
        ("cronSchedules", CRONS),
        ("runCatchupScheduleInstances", Kind::Flag),
        ("paused", Kind::Flag),
        ("pausedReason", Kind::Text),
        ("startWorkflowRequest", Kind::Of(&START)),
        ("scheduleStartTime", Kind::Integer),
        ("scheduleEndTime", Kind::Integer),
        ("overlap", Kind::OneOf(&["skip", "allow"])),
        ("dst", Kind::OneOf(&["once", "spring"])),
        ("nextRunTime", Kind::Integer),
        ("tags", Kind::Any),
        ("orgId", Kind::Any),
        ("queueMsgId", Kind::Any),
        ("createTime", Kind::Integer),
        ("updatedTime", Kind::Integer),
        ("createdBy", Kind::Text),
        ("updatedBy", Kind::Text),
    ],
};

/// A schedule beside its workflow: it starts that workflow, so it has the request's fields itself.
static SCHEDULE_BESIDE: Shape = Shape {
    what: "a schedule beside its workflow",
    required: &[],
    fields: &[
        ("name", Kind::Text),
        ("description", Kind::Text),
        ("cronExpression", Kind::Text),
        ("zoneId", Kind::Text),
        ("cronSchedules", CRONS),
        ("runCatchupScheduleInstances", Kind::Flag),
        ("paused", Kind::Flag),
        ("pausedReason", Kind::Text),
        ("scheduleStartTime", Kind::Integer),
        ("scheduleEndTime", Kind::Integer),
        ("overlap", Kind::OneOf(&["skip", "allow"])),
        ("dst", Kind::OneOf(&["once", "spring"])),
        ("input", Kind::Map),
        ("correlationId", Kind::Text),
        ("version", Kind::Integer),
        ("priority", Kind::Integer),
        ("taskToDomain", Kind::MapOf(&Kind::Text)),
        ("idempotencyKey", Kind::Text),
        ("idempotencyStrategy", Kind::Text),
        ("tags", Kind::Any),
    ],
};

/// One cron of several.
static CRON: Shape = Shape {
    what: "a cron schedule",
    required: &["cronExpression"],
    fields: &[("cronExpression", Kind::Text), ("zoneId", Kind::Text)],
};

/// A request to start a workflow.
static START: Shape = Shape {
    what: "a start request",
    required: &["name"],
    fields: &[
        ("name", Kind::Text),
        ("version", Kind::Integer),
        ("correlationId", Kind::Text),
        ("input", Kind::Map),
        ("taskToDomain", Kind::MapOf(&Kind::Text)),
        ("workflowDef", Kind::Of(&WORKFLOW)),
        ("externalInputPayloadStoragePath", Kind::Text),
        ("priority", Kind::Integer),
        ("createdBy", Kind::Text),
        ("idempotencyKey", Kind::Text),
        ("idempotencyStrategy", Kind::Text),
    ],
};
