//! What may stand in the queries of routes.

use crate::api::about::{Parameter, flag, moment, number, text, texts, word};

/// The largest version, which has 32 bits.
const VERSION_MAX: u64 = 0x7fff_ffff;
/// The largest number that every client can write: JSON of JavaScript has no more digits.
const NUMBER_MAX: u64 = (1 << 53) - 1;

pub(super) const OVERWRITE: Parameter =
    flag("overwrite", "Whether it takes the place of one with its name and version");
pub(super) const VERSION: Parameter = number("version", VERSION_MAX, "Its version; the highest where absent");
pub(super) const OTHER_VERSION: Parameter = number("version", VERSION_MAX, "Left alone: the path says the version");
pub(super) const METADATA: Parameter = flag("metadata", "Whether tags are in the answer");
pub(super) const CLOSED: Parameter = flag("includeClosed", "Whether ended ones are in the answer");
pub(super) const TASKS: Parameter = flag("includeTasks", "Whether tasks are in the answer; no where absent");
pub(super) const WITH_TASKS: Parameter = flag("includeTasks", "Whether tasks are in the answer; yes where absent");
pub(super) const WITH_OUTPUT: Parameter = flag("includeOutput", "Whether the output is in the answer");
pub(super) const WITH_VARIABLES: Parameter = flag("includeVariables", "Whether the variables are in the answer");
pub(super) const CORRELATION: Parameter = text("correlationId", "A name of the caller's for what belongs together");
pub(super) const PRIORITY: Parameter = number("priority", 99, "0 to 99");
pub(super) const REASON: Parameter = text("reason", "Why, for people");
pub(super) const FAILURE: Parameter = flag("triggerFailureWorkflow", "Whether its failure workflow starts");
pub(super) const ARCHIVE: Parameter = flag("archiveWorkflow", "Left alone: what is removed is gone");
pub(super) const LATEST: Parameter = flag("useLatestDefinitions", "Whether the definition of now is taken");
pub(super) const LOWEST: Parameter =
    flag("resumeSubworkflowTasks", "Whether the task that failed below it is tried again, and not it");
pub(super) const COUNT: Parameter = number("count", NUMBER_MAX, "How many tasks the page has; 15 where absent");
pub(super) const STATUSES: Parameter =
    texts("status", "Only tasks with one of these statuses, which may be separated by commas");
pub(super) const ACTIVE_ONLY: Parameter =
    flag("activeOnly", "Whether those that are not active are left out; yes where absent");
pub(super) const STRATEGY: Parameter = word(
    "returnStrategy",
    &["TARGET_WORKFLOW", "BLOCKING_WORKFLOW", "BLOCKING_TASK", "BLOCKING_TASK_INPUT"],
    "What the answer is about",
);
pub(super) const REQUEST: Parameter = text("requestId", "Comes back in the answer");
pub(super) const SIGNAL_WAIT: Parameter =
    number("timeoutMillis", NUMBER_MAX, "How long to wait, in milliseconds; at most a minute");
pub(super) const WAIT_FOR: Parameter =
    texts("waitUntilTaskRef", "The tasks to wait for, which may be separated by commas");
pub(super) const WAIT: Parameter =
    number("waitForSeconds", NUMBER_MAX, "How long to wait, in seconds; at most a minute");
pub(super) const WORKER: Parameter = text("workerid", "Who asks");
pub(super) const DOMAIN: Parameter = text("domain", "The domain of the queue");
pub(super) const POLL_COUNT: Parameter = number("count", NUMBER_MAX, "How many tasks at most");
pub(super) const POLL_WAIT: Parameter =
    number("timeout", NUMBER_MAX, "How long to wait for one, in milliseconds; at most a minute");
pub(super) const TASK_TYPES: Parameter = texts("taskType", "The kinds of task");
pub(super) const TASK_TYPE: Parameter = text("taskType", "The kind of task").required();
pub(super) const ACCESS: Parameter =
    texts("access", "The rights, which may be separated by commas: READ, CREATE, UPDATE, DELETE, EXECUTE");
pub(super) const FORCE: Parameter = flag("force", "Whether a value is stored that looks like none");
pub(super) const WORKFLOW: Parameter = text("workflowName", "Only those of this workflow");
pub(super) const SIZE: Parameter = number("size", 5_000, "How many rows the page has");
pub(super) const NAME: Parameter = text("name", "What is in the name");
pub(super) const SCHEDULE: Parameter = text("scheduleName", "What is in the name");
pub(super) const PAUSED: Parameter = flag("paused", "Only those that are held, or only those that are not");
pub(super) const FREE_TEXT: Parameter = text("freeText", "What is in it; `*` for all");
pub(super) const QUERY: Parameter =
    text("query", "`field = value`, `field IN (a,b)`, `<` and `>`, with AND between them");
pub(super) const SORT: Parameter = text("sort", "`field:ASC` or `field:DESC`");
pub(super) const CRON: Parameter = text("cronExpression", "Six fields, seconds first, or a macro").required();
pub(super) const FROM: Parameter = moment("scheduleStartTime", "No time before it, in milliseconds since 1970");
pub(super) const UNTIL: Parameter = moment("scheduleEndTime", "No time after it, in milliseconds since 1970");
pub(super) const LIMIT: Parameter = number("limit", NUMBER_MAX, "How many times; 5 at most");
pub(super) const APPLICATIONS: Parameter = flag("apps", "Whether applications are in the answer; nobody else is there");
pub(super) const TAG: Parameter = text("tag", "The tag, as `key:value`").required();
pub(super) const SECRET_VERSION: Parameter =
    text("version", "`previous`, or the number of a version; the current one where absent");
pub(super) const PLAIN: Parameter = flag("plain", "Whether it is configuration, and not masked");
pub(super) const EXPIRES: Parameter = text("expires", "When it stops working, as RFC 3339");
pub(super) const TAG_KEY: Parameter = text("tagKey", "Only with a tag of this key");
pub(super) const TAG_VALUE: Parameter = text("tagValue", "Only with a tag of this value");
pub(super) const RESOURCE_TYPE: Parameter = word(
    "resourceType",
    &["WORKFLOW_DEF", "WORKFLOW_SCHEDULE", "TASK_DEF", "ENV_VARIABLE", "SECRET_NAME"],
    "Only things of this kind",
);
pub(super) const GRANT_TYPE: Parameter = word(
    "resourceType",
    &["SECRET_NAME", "WORKFLOW_DEF", "WORKFLOW_SCHEDULE", "ENV_VARIABLE", "TAG"],
    "Only what is granted on things of this kind",
);
pub(super) const STARTED_AFTER: Parameter = moment("startTime", "Not started before it, in milliseconds since 1970");
pub(super) const STARTED_BEFORE: Parameter = moment("endTime", "Started before it, in milliseconds since 1970");
pub(super) const TARGET_TYPE: Parameter = text("type", "What kind of thing, as SECRET_NAME").required();
pub(super) const TARGET_ID: Parameter = text("id", "Its name").required();
pub(super) const START: Parameter = number("start", NUMBER_MAX, "How many rows come before the page");

/// What searches take.
pub(super) const SEARCH: [Parameter; 5] = [START, SIZE, SORT, FREE_TEXT, QUERY];
/// What calls take that wait.
pub(super) const WAITING: [Parameter; 4] = [WAIT_FOR, WAIT, STRATEGY, REQUEST];
/// What a stream of events takes.
pub(super) const LISTENING: [Parameter; 5] = [
    texts("kinds", "execution, secret, schedule, problem, definition; all where absent"),
    text("workflow", "Only what is about this workflow"),
    text("execution", "Only what is about this execution"),
    text("lastEventId", "Where to go on, as `Last-Event-ID` says it"),
    number("timeout", NUMBER_MAX, "When the stream ends, in milliseconds; never where absent"),
];
