use crate::workflow::definition::TaskType;

/// What an input holds. Each may be an expression instead, `null` is absent, and what stands in no table is allowed: scripts
/// and expressions use inputs of any name.
pub(in crate::workflow) enum Form {
    /// A text.
    Text,
    /// A text out of a few.
    OneOf(&'static [&'static str]),
    /// A text out of a few, in any case.
    Word(&'static [&'static str]),
    /// A number that is not negative, also as text.
    Number,
    /// A whole number that is not negative.
    Count,
    /// True or false, also as text.
    Flag,
    /// A map of anything.
    Map,
    /// A list of anything.
    List,
    /// A text or a list of texts.
    Texts,
    /// Anything.
    Any,
    /// A map with fields of its own.
    Of(&'static Inputs),
    /// A map with fields of its own, or a list of them.
    OneOrMore(&'static Inputs),
}

/// An input: its name, what it holds and what it means.
pub(in crate::workflow) type Input = (&'static str, Form, &'static str);

/// The inputs that tasks of a type read.
pub(in crate::workflow) struct Inputs {
    /// Those that `check` asks for.
    pub(in crate::workflow) required: &'static [&'static str],
    /// The input that stands for the required ones.
    pub(in crate::workflow) unless: Option<&'static str>,
    /// All of them.
    pub(in crate::workflow) fields: &'static [Input],
}

/// What a task of a type needs besides what every task needs.
pub(in crate::workflow) struct OfType {
    /// The type.
    pub(in crate::workflow) kind: TaskType,
    /// Other names of the type.
    pub(in crate::workflow) aliases: &'static [&'static str],
    /// The fields of the task itself that `check` asks for.
    pub(in crate::workflow) needs: &'static [&'static str],
    /// Its inputs.
    pub(in crate::workflow) inputs: &'static Inputs,
}

/// What an `expression` can be read as.
pub(in crate::workflow) const EVALUATORS: [&str; 3] = ["value-param", "javascript", "graaljs"];
/// The methods of a call.
pub(in crate::workflow) const HTTP_METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
/// How a workflow can be ended.
const ENDS: &[&str] = &["COMPLETED", "FAILED", "TERMINATED"];
/// What can be said of a task.
const REPORTS: &[&str] = &["IN_PROGRESS", "COMPLETED", "FAILED", "FAILED_WITH_TERMINAL_ERROR", "CANCELED"];

const ANY: Inputs = Inputs { required: &[], unless: None, fields: &[] };

/// Every type that is known here, with what it reads.
#[rustfmt::skip]
const OF_TYPES: &[OfType] = &[
    of(TaskType::Simple, &[], &ANY),
    of(TaskType::Http, &[], &HTTP),
    of(TaskType::HttpPoll, &[], &HTTP_POLL),
    of(TaskType::UpdateSecret, &[], &UPDATE_SECRET),
    of(TaskType::GetSignedJwt, &[], &GET_SIGNED_JWT),
    of(TaskType::Inline, &[], &INLINE),
    of(TaskType::Lambda, &[], &LAMBDA),
    of(TaskType::JsonJqTransform, &[], &JSON_JQ_TRANSFORM),
    OfType { kind: TaskType::ForkJoin, aliases: &["FORK"], needs: &["forkTasks"], inputs: &ANY },
    of(TaskType::ForkJoinDynamic, &[], &FORK_JOIN_DYNAMIC),
    of(TaskType::Join, &[], &ANY),
    of(TaskType::ExclusiveJoin, &[], &ANY),
    of(TaskType::DoWhile, &["loopCondition", "loopOver"], &DO_WHILE),
    of(TaskType::Dynamic, &["dynamicTaskNameParam"], &ANY),
    of(TaskType::Switch, &["evaluatorType", "expression"], &ANY),
    of(TaskType::Decision, &[], &ANY),
    of(TaskType::SetVariable, &[], &ANY),
    of(TaskType::Terminate, &[], &TERMINATE),
    of(TaskType::Wait, &[], &WAIT),
    of(TaskType::Human, &[], &ANY),
    of(TaskType::Noop, &[], &ANY),
    of(TaskType::SubWorkflow, &["subWorkflowParam"], &ANY),
    of(TaskType::StartWorkflow, &[], &START_WORKFLOW),
    of(TaskType::Event, &["sink"], &ANY),
    of(TaskType::GetWorkflow, &[], &GET_WORKFLOW),
    of(TaskType::UpdateTask, &[], &UPDATE_TASK),
];

const fn of(kind: TaskType, needs: &'static [&'static str], inputs: &'static Inputs) -> OfType {
    OfType { kind, aliases: &[], needs, inputs }
}

/// Returns what each type reads.
pub(in crate::workflow) fn of_types() -> &'static [OfType] {
    OF_TYPES
}

/// Returns the names of the inputs that tasks of a type read.
pub(in crate::workflow) fn input_names(kind: &TaskType) -> impl Iterator<Item = &'static str> + Clone {
    let of = OF_TYPES.iter().find(|of| of.kind == *kind);
    of.into_iter().flat_map(|of| of.inputs.fields).map(|(name, ..)| *name)
}

macro_rules! http_fields {
    ($($more:tt)*) => {
        &[
            $($more)*
            ("uri", Form::Text, "Where to: an `http://` or `https://` URL."),
            ("method", Form::Word(&HTTP_METHODS), "How."),
            ("headers", Form::Map, "The headers: name to a text."),
            ("body", Form::Any, "The body: a text as it is, a map as JSON, or as a form where `contentType` says so."),
            ("accept", Form::Texts, "The `Accept` header. Default: `application/json`."),
            ("contentType", Form::Text, "The `Content-Type` header. Default: `application/json`."),
            ("auth", Form::Of(&BASIC), "Basic authentication: `{type: basic, username, password}`."),
            ("connectionTimeOut", Form::Number, "How long to wait for a connection, in milliseconds; 0: as long as `[http] timeout`. Default: 3000."),
            ("readTimeOut", Form::Number, "How long to wait for each piece of the answer, in milliseconds; 0: as long as `[http] timeout`. Default: 3000."),
            ("acceptedStatusCodes", Form::Any, "The status codes that are good: as `404`, `2xx` or `200-299`, one or a list. Default: every 2xx."),
            ("followRedirects", Form::Flag, "Whether a redirect of GET and HEAD is followed, at most 5, to the same origin. Default: false."),
            ("onUnknownOutcome", Form::OneOf(&["retry", "fail"]), "What happens where nobody knows whether the call arrived: it is repeated, or the task fails in doubt."),
            ("caFile", Form::Text, "A file with further certificate authorities."),
            ("clientCertificate", Form::Text, "A certificate to show, and those above it, as PEM; best as `${workflow.secrets.NAME}`."),
            ("clientKey", Form::Text, "The private key of `clientCertificate` as PEM, where it is not in there."),
            ("vipAddress", Form::Text, "Kept for Conductor; nothing here reads it."),
            ("appName", Form::Text, "Kept for Conductor; nothing here reads it."),
        ]
    };
}

const HTTP: Inputs = Inputs {
    required: &["uri", "method"],
    unless: Some("http_request"),
    fields: http_fields!(
        ("http_request", Form::Of(&HTTP_REQUEST), "The call; its fields may also stand here by themselves."),
        (
            "asyncComplete",
            Form::Flag,
            "Whether the task stays in progress after the call, until somebody completes it. Default: false."
        ),
        (
            "outputFilter",
            Form::Any,
            "What is kept of the answer: name to `$${REF.output.response.body.field}`. What stands under `_secrets` is hidden in every view."
        ),
        ("_outputFilters", Form::Any, "Another name of `outputFilter`."),
    ),
};

const HTTP_REQUEST: Inputs = Inputs {
    required: &["uri", "method"],
    unless: None,
    fields: http_fields!((
        "asyncComplete",
        Form::Flag,
        "Whether the task stays in progress after the call, until somebody completes it. Default: false."
    ),),
};

macro_rules! http_poll_fields {
    ($($more:tt)*) => {
        http_fields!(
            $($more)*
            ("terminationCondition", Form::Text, "JavaScript that says whether the answer is the last one; it sees it as `$.output.response`, and what other tasks gave as `$.REF.output`. Default: the first one is."),
            ("pollingInterval", Form::Count, "How long to wait before the next call, in seconds. Default: 60."),
            ("pollingStrategy", Form::OneOf(&["FIXED", "LINEAR_BACKOFF", "EXPONENTIAL_BACKOFF"]), "How the wait grows: not, by itself with each call, or twofold; up to a day. Default: FIXED."),
            ("maxPollCount", Form::Count, "After how many calls the task fails; 0: after 10000. Default: 0."),
        )
    };
}

const HTTP_POLL: Inputs = Inputs {
    required: &["uri", "method"],
    unless: Some("http_request"),
    fields: http_poll_fields!(
        ("http_request", Form::Of(&HTTP_POLL_REQUEST), "The call; its fields may also stand here by themselves."),
        ("outputFilter", Form::Any, "What is kept of the last answer, as of HTTP."),
    ),
};

const HTTP_POLL_REQUEST: Inputs = Inputs { required: &["uri", "method"], unless: None, fields: http_poll_fields!() };

const BASIC: Inputs = Inputs {
    required: &["type", "username", "password"],
    unless: None,
    fields: &[
        ("type", Form::OneOf(&["basic"]), "How: `basic` is what there is."),
        ("username", Form::Text, "The name, without a colon."),
        ("password", Form::Text, "The password, as `${workflow.secrets.NAME}`."),
    ],
};

const UPDATE_SECRET: Inputs = Inputs {
    required: &["_secrets"],
    unless: None,
    fields: &[("_secrets", Form::OneOrMore(&SECRET), "The secret to write, or a list of them in one atomic write.")],
};

#[rustfmt::skip]
const SECRET: Inputs = Inputs {
    required: &["secretKey", "secretValue"],
    unless: None,
    fields: &[
        ("secretKey", Form::Text, "The secret's name: letters, digits, `_` and `-`."),
        ("secretValue", Form::Any, "The value, as `${REF.output._secrets.token}`; up to 64 KiB of text, a map as JSON."),
        ("expiresAt", Form::Any, "When the value stops working: a time, or seconds or milliseconds since 1970."),
        ("expiresIn", Form::Any, "After what the value stops working: seconds, or a duration as `1h`."),
        ("allow", Form::List, "What else may be stored: `empty`, `html`, `placeholder`. Such values are refused otherwise."),
    ],
};

#[rustfmt::skip]
const GET_SIGNED_JWT: Inputs = Inputs {
    required: &[],
    unless: None,
    fields: &[
        ("issuer", Form::Text, "Who signs: the claim `iss`."),
        ("subject", Form::Text, "About whom: the claim `sub`; not in the token where absent."),
        ("audience", Form::Any, "For whom: the claim `aud`, a text or a list; not in the token where absent."),
        ("privateKey", Form::Text, "The RSA key as PEM (PKCS#8 or PKCS#1), as `${workflow.secrets.NAME}`."),
        ("privateKeyId", Form::Text, "The key's id: the header `kid`; not in the token where absent."),
        ("ttlInSecond", Form::Number, "How long the token is good, in seconds, from 1 to 86400."),
        ("ttlInSeconds", Form::Number, "Another name of `ttlInSecond`."),
        ("clockSkewInSecond", Form::Number, "How far the claim `iat` is set back, in seconds, from 0 to 300. Default: 0."),
        ("scopes", Form::Any, "The claim `scope`: a text or a list of texts; not in the token where absent."),
        ("algorithm", Form::OneOf(&["RS256"]), "How it is signed. Default: `RS256`."),
    ],
};

const EXPRESSION: &str = "A script whose last value is the result; its inputs are `$.NAME`. With `value-param` the name of an \
    input, which is the result.";

const INLINE: Inputs = Inputs {
    required: &["expression"],
    unless: None,
    fields: &[
        ("evaluatorType", Form::OneOf(&EVALUATORS), "How `expression` is read. Default: `javascript`."),
        ("expression", Form::Text, EXPRESSION),
    ],
};

const LAMBDA: Inputs = Inputs {
    required: &["scriptExpression"],
    unless: None,
    fields: &[("scriptExpression", Form::Text, "The body of a function: `return $.NAME`.")],
};

const JSON_JQ_TRANSFORM: Inputs = Inputs {
    required: &["queryExpression"],
    unless: None,
    fields: &[("queryExpression", Form::Text, "A jq filter; the other inputs are `.`.")],
};

#[rustfmt::skip]
const FORK_JOIN_DYNAMIC: Inputs = Inputs {
    required: &[],
    unless: None,
    fields: &[
        ("forkTaskInputs", Form::Any, "A list: one branch for each of these, which is the input of its branch."),
        ("forkTaskName", Form::Text, "With `forkTaskInputs`: the name of the tasks."),
        ("forkTaskType", Form::Text, "With `forkTaskInputs`: the type of the tasks. Default: `SIMPLE`."),
        ("forkTaskWorkflow", Form::Text, "With `forkTaskInputs`: the workflow that each branch runs."),
        ("forkTaskWorkflowVersion", Form::Text, "The version of `forkTaskWorkflow`, in quotes; the highest where absent."),
    ],
};

#[rustfmt::skip]
const DO_WHILE: Inputs = Inputs {
    required: &[],
    unless: None,
    fields: &[
        ("keepLastN", Form::Count, "How many iterations are kept; all where absent."),
        ("_items", Form::Any, "The list to go through, where the task has no `items`."),
    ],
};

#[rustfmt::skip]
const TERMINATE: Inputs = Inputs {
    required: &["terminationStatus"],
    unless: None,
    fields: &[
        ("terminationStatus", Form::OneOf(ENDS), "How the workflow ends."),
        ("terminationReason", Form::Text, "Why."),
        ("workflowOutput", Form::Any, "What the workflow gives. Default: an empty map."),
    ],
};

#[rustfmt::skip]
const WAIT: Inputs = Inputs {
    required: &[],
    unless: None,
    fields: &[
        ("duration", Form::Text, "How long: `2 hours 30 minutes`, with days, hours, minutes, seconds in this order."),
        ("until", Form::Text, "Until when: `yyyy-MM-dd`, `yyyy-MM-dd HH:mm` or `yyyy-MM-dd HH:mm ZONE`; UTC without a zone."),
    ],
};

#[rustfmt::skip]
const START_WORKFLOW: Inputs = Inputs {
    required: &["startWorkflow"],
    unless: None,
    fields: &[("startWorkflow", Form::Of(&START), "What to start, and with what.")],
};

#[rustfmt::skip]
const START: Inputs = Inputs {
    required: &[],
    unless: None,
    fields: &[
        ("name", Form::Text, "The workflow's name."),
        ("version", Form::Any, "Its version; the highest where absent."),
        ("input", Form::Map, "What it takes."),
        ("correlationId", Form::Text, "A name for what belongs together."),
        ("priority", Form::Any, "From 0 to 99; higher goes first. Default: 0."),
        ("taskToDomain", Form::Map, "Which workers get which task: task name (`*`: all) to domain."),
        ("idempotencyKey", Form::Text, "One start for each value of it."),
        ("idempotencyStrategy", Form::Text, "What a second start with the key does: RETURN_EXISTING, FAIL or FAIL_ON_RUNNING."),
        ("workflowDef", Form::Any, "The whole workflow instead of a name."),
        ("workflowDefinition", Form::Any, "Another name of `workflowDef`."),
    ],
};

#[rustfmt::skip]
const GET_WORKFLOW: Inputs = Inputs {
    required: &["id"],
    unless: Some("workflowId"),
    fields: &[
        ("id", Form::Text, "The id of the execution to read."),
        ("workflowId", Form::Text, "Another name of `id`."),
        ("includeTasks", Form::Flag, "Whether its tasks come with it. Default: false."),
    ],
};

#[rustfmt::skip]
const UPDATE_TASK: Inputs = Inputs {
    required: &[],
    unless: None,
    fields: &[
        ("taskStatus", Form::OneOf(REPORTS), "What is said of it. Default: `COMPLETED`."),
        ("taskId", Form::Text, "The task, by its id; or name it by `workflowId` and `taskRefName`."),
        ("workflowId", Form::Text, "The execution; this one where absent."),
        ("taskRefName", Form::Text, "The task's `taskReferenceName`."),
        ("taskOutput", Form::Map, "What it gives."),
        ("mergeOutput", Form::Flag, "Whether that is laid over what it gave before, or replaces it. Default: false."),
        ("reasonForIncompletion", Form::Text, "Why it failed."),
    ],
};
