use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::script::Verdict;
use crate::words::{ExecutionId, Payload, RunNumber, Sensitive, TaskStatus, journaled};

/// What came back for a run, raw: nothing has been made of it yet.
///
/// It names its execution and its run. The answer to a run that has ended changes no state and is kept as evidence.
#[derive(Clone)]
pub struct Outcome {
    /// The execution that asked.
    pub execution: ExecutionId,
    /// The run that asked.
    pub run: RunNumber,
    /// What came back.
    pub answer: Answer,
    /// The values of the stored secrets that went into the work, so that the execution's views can mask them.
    pub resolved: Vec<Sensitive>,
}

/// What the world said to a run.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The preflight passed: what the call fetches can be stored.
    Ready,
    /// An HTTP response arrived whole, whatever its status.
    Response(Response),
    /// The work is done.
    Done {
        /// What it gave.
        #[serde(with = "journaled")]
        output: Payload,
    },
    /// The work was refused or went wrong, and that is known.
    Failed {
        /// Why, in a sentence without secrets.
        reason: String,
        /// Whether another attempt is pointless.
        terminal: bool,
    },
    /// The request was not sent (DNS, refused, connect timeout, egress rule): an ordinary failure.
    NotSent {
        /// Why, in a sentence without secrets.
        reason: String,
    },
    /// Bytes went out and no whole answer came back: nobody knows what happened.
    Unknown {
        /// Why, in a sentence without secrets.
        reason: String,
    },
    /// A script was evaluated.
    Evaluated {
        /// The token of the question.
        token: u64,
        /// What it came to.
        verdict: Verdict,
    },
    /// Trouble of our own (store busy, disk full): the run stays in progress and the work is tried again.
    Trouble {
        /// Why, in a sentence without secrets.
        reason: String,
    },
}

/// An HTTP response as Conductor shows it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The status code.
    pub status_code: u16,
    /// The reason phrase.
    pub reason_phrase: String,
    /// The headers, each with the list of its values.
    #[serde(with = "journaled")]
    pub headers: Payload,
    /// The body: JSON where it is an object or a list, a number as a double, else text; `null` where empty.
    #[serde(with = "journaled")]
    pub body: Payload,
    /// The body as it was received, after its content coding; absent where [`Raw::bytes_of`] the body gives it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Raw>,
    /// What was asked, for a failure's text: `POST https://host/path`, without query and credentials.
    pub request: String,
}

/// The bytes of a body, in a form that a row of the journal can hold. No `Debug`: a secret may be among them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Raw {
    /// Bytes that are UTF-8.
    Text(String),
    /// Any others, as base64.
    Base64(String),
}

impl Raw {
    /// Keeps bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Base64(STANDARD.encode(error.as_bytes())),
        }
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Base64(text) => STANDARD.decode(text).unwrap_or_default(),
        }
    }

    /// Returns the bytes that a body is made of if nothing was lost in it.
    pub fn bytes_of(body: &Value) -> Vec<u8> {
        match body {
            Value::Null => Vec::new(),
            Value::String(text) => text.clone().into_bytes(),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => body.to_string().into_bytes(),
        }
    }
}

impl Response {
    /// Returns the body as it was received, where it is text.
    pub fn text(&self) -> Option<String> {
        let bytes = self.raw.as_ref().map_or_else(|| Raw::bytes_of(self.body.expose()), Raw::bytes);
        String::from_utf8(bytes).ok()
    }
}

/// What a worker, or somebody in its place, says of a run.
#[derive(Clone)]
pub struct WorkerUpdate {
    /// The status it reports; `InProgress` keeps the task.
    pub status: TaskStatus,
    /// What it gave; it replaces what it gave before.
    pub output: Payload,
    /// Why it failed.
    pub reason: Option<String>,
    /// When to offer the task again, for `InProgress`.
    pub callback_after_seconds: i64,
    /// Which worker.
    pub worker_id: Option<String>,
}
