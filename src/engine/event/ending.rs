use serde::{Deserialize, Serialize};

use crate::words::{Payload, RunNumber, TaskStatus};

/// How a run ended well.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Completion {
    /// The run.
    pub run: RunNumber,
    /// Whether something optional under it failed.
    #[serde(default)]
    pub errors: bool,
    /// What it gave; absent: its response, as Conductor shows it.
    #[serde(default, with = "optional_payload", skip_serializing_if = "Option::is_none")]
    pub output: Option<Payload>,
    /// What it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
}

/// How a run ended badly.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The run.
    pub run: RunNumber,
    /// FAILED, FAILED_WITH_TERMINAL_ERROR, TIMED_OUT or, from a worker, CANCELED.
    pub status: TaskStatus,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it gave; absent: what it had given before.
    #[serde(default, with = "optional_payload", skip_serializing_if = "Option::is_none")]
    pub output: Option<Payload>,
    /// Whether nobody knows what the work did.
    #[serde(default)]
    pub in_doubt: bool,
    /// Which worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
}

/// [`journaled`] for a payload that may be absent.
pub(in crate::engine) mod optional_payload {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::words::{Payload, journaled};

    #[expect(clippy::ref_option, reason = "serde's `with` gives a reference to the field")]
    pub(in crate::engine) fn serialize<S: Serializer>(
        payload: &Option<Payload>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match payload {
            Some(payload) => journaled::serialize(payload, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::engine) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Payload>, D::Error> {
        serde_json::Value::deserialize(deserializer).map(|value| Some(Payload::new(value)))
    }
}
