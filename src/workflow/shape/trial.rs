use super::{Kind, SCHEMA, Shape, WORKFLOW};

const TASK_STATUS: Kind = Kind::OneOf(&[
    "IN_PROGRESS",
    "CANCELED",
    "FAILED",
    "FAILED_WITH_TERMINAL_ERROR",
    "COMPLETED",
    "COMPLETED_WITH_ERRORS",
    "SCHEDULED",
    "TIMED_OUT",
    "SKIPPED",
]);
static TAGS: Kind = Kind::MapOf(&Kind::Text);
static A_TASK_STATUS: Kind = TASK_STATUS;
static A_TASK_END: Kind = Kind::MapOf(&A_TASK_STATUS);
static A_MOCK: Kind = Kind::Of(&MOCK);
static MOCKS: Kind = Kind::List(&A_MOCK);
static A_TEST: Kind = Kind::Of(&TEST);
static A_CALL: Kind = Kind::Of(&CALL);

/// A file of several tests.
pub(in crate::workflow) static TESTS: Shape = Shape {
    what: "a file of tests",
    required: &["tests"],
    defaults: serde_json::Map::new,
    fields: &[("$schema", Kind::Any, SCHEMA), ("tests", Kind::Each(&TEST), "The tests.")],
};

/// A test, and what a sub-workflow of one is given.
#[rustfmt::skip]
pub(in crate::workflow) static TEST: Shape = Shape {
    what: "a test",
    required: &[],
    defaults: serde_json::Map::new,
    fields: &[
        ("$schema", Kind::Any, SCHEMA),
        ("title", Kind::Text, "What people call it."),
        ("name", Kind::Text, "The workflow."),
        ("version", Kind::Integer, "Its version; the highest where absent."),
        ("workflowDef", Kind::Of(&WORKFLOW), "A definition of its own instead of one that is defined."),
        ("correlationId", Kind::Text, "A name for what belongs together."),
        ("input", Kind::Map, "What the workflow takes."),
        ("taskToDomain", Kind::MapOf(&Kind::Text), super::KEPT),
        ("priority", Kind::Integer, "From 0 to 99."),
        ("createdBy", Kind::Text, super::KEPT),
        ("externalInputPayloadStoragePath", Kind::Text, super::KEPT),
        ("idempotencyKey", Kind::Text, super::KEPT),
        ("idempotencyStrategy", Kind::Text, super::KEPT),
        ("taskRefToMockOutput", Kind::MapOf(&MOCKS), "What the world says to each task, by its `taskReferenceName`, attempt by attempt."),
        ("subWorkflowTestRequest", Kind::MapOf(&A_TEST), "The same for the workflows that tasks start."),
        ("secrets", Kind::MapOf(&Kind::Text), "The secrets that there are before."),
        ("secretTags", Kind::MapOf(&TAGS), "The tags of the secrets, by name: what a grant gives by a tag holds for them."),
        ("environment", Kind::Map, "What `${workflow.env.NAME}` gives, beside the settings."),
        ("now", Kind::Text, "What time it is at the start, as `2026-01-31T12:00:00Z`."),
        ("expect", Kind::Of(&EXPECT), "What is expected; what is absent may be anything."),
    ],
};

#[rustfmt::skip]
static MOCK: Shape = Shape {
    what: "a mock",
    required: &[],
    defaults: serde_json::Map::new,
    fields: &[
        ("status", TASK_STATUS, "How the task ends. Default: `COMPLETED`."),
        ("output", Kind::Map, "What it gives. Of an HTTP task it has the `response`: `statusCode`, `headers`, `body`."),
        ("executionTime", Kind::Integer, "How long the work takes, in milliseconds. Default: 0."),
        ("queueWaitTime", Kind::Integer, "How long the task waits before, in milliseconds. Default: 0."),
        ("reasonForIncompletion", Kind::Text, "Why it failed."),
        ("notSent", Kind::Text, "Why the request of an HTTP task is not sent."),
        ("unknown", Kind::Text, "Why nobody knows what the request of an HTTP task did."),
    ],
};

#[rustfmt::skip]
static EXPECT: Shape = Shape {
    what: "an expectation",
    required: &[],
    defaults: serde_json::Map::new,
    fields: &[
        ("status", Kind::OneOf(&["RUNNING", "COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED", "PAUSED"]), "How the execution ends."),
        ("reason", Kind::Text, "A part of why."),
        ("output", Kind::Map, "What its output has."),
        ("exactOutput", Kind::Map, "What its output is, and no more."),
        ("tasks", Kind::List(&A_TASK_END), "The tasks in the order in which they were scheduled, each `reference: STATUS`."),
        ("calls", Kind::List(&A_CALL), "The calls in order."),
        ("secretsWritten", Kind::Map, "The secrets that were written, all of them: each with its value, or `true` for any."),
        ("took", Kind::Text, "How much time passed, as `90s`, `5m` or `1h`."),
    ],
};

#[rustfmt::skip]
static CALL: Shape = Shape {
    what: "an expected call",
    required: &[],
    defaults: serde_json::Map::new,
    fields: &[
        ("task", Kind::Text, "The `taskReferenceName` of the task that makes it."),
        ("method", Kind::Text, "Its method."),
        ("uri", Kind::Text, "Where it goes."),
        ("headers", Kind::MapOf(&Kind::Text), "What its headers have."),
        ("body", Kind::Any, "What its body is."),
    ],
};
