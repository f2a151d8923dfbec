//! `UPDATE_SECRET`: writes secrets, several in one atomic rewrite.
//!
//! Everything is decided before the store is touched: what is asked, whether the owner may, whether the value looks like
//! garbage. What is left to go wrong is trouble of ours, and that is tried again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::access::{Policy, Principal, Target, TargetKind};
use crate::engine::{Answer, Assignment};
use crate::secret::{
    self, Allow, Change, Evaluation, Refusal, Snapshot, Write, Writer, Written, check_name, text_to_store,
};
use crate::words::{Map, Payload, Permission, Timestamp};
use crate::workflow::duration::parse_duration_seconds;

/// How many secrets one task writes at once; a rotation writes one to three.
const WRITES_MAX: usize = 64;

/// Why the task is refused: its text starts with the status that Conductor gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

/// Returns the change that the task asks for, or why it must not be made.
pub(super) fn change(
    assignment: &Assignment,
    input: &Value,
    store: &Snapshot,
    policy: &Policy,
    now: Timestamp,
) -> Result<Change, Refused> {
    let pairs = pairs(input)?;
    let evaluation = if assignment.unresolved { Evaluation::Unresolved } else { Evaluation::Resolved };
    let writes = pairs.iter().map(|pair| write(pair, evaluation, now)).collect::<Result<Vec<_>, _>>()?;
    for write in &writes {
        permit(assignment, &write.name, store, policy)?;
    }
    let workflow = &assignment.plan.pinned.workflow.name;
    let writer = Writer {
        by: format!("workflow:{workflow}"),
        run: Some(assignment.execution.to_string()),
        reference: Some(assignment.reference.clone()),
        attempt: assignment.attempt,
    };
    Ok(Change::Put { writes, writer })
}

/// Returns what the store's answer means for the task.
pub(super) fn answer(result: Result<Written, secret::Error>) -> Answer {
    match result {
        Ok(written) => Answer::Done { output: output(&written) },
        Err(error) if error.is_transient() => Answer::Trouble { reason: error.to_string() },
        Err(error) => Answer::Failed { reason: format!("400: {error}"), terminal: true },
    }
}

fn output(written: &Written) -> Payload {
    let updated: Vec<Value> = written
        .secrets
        .iter()
        .map(|secret| json!({"secretKey": secret.name, "version": secret.version, "fingerprint": secret.fingerprint}))
        .collect();
    Payload::new(json!({ "updated": updated }))
}

fn pairs(input: &Value) -> Result<Vec<&Map>, Refused> {
    let missing = || Refused("400: `_secrets` with `secretKey` and `secretValue` is missing in the input".to_owned());
    let pairs: Vec<&Map> = match &input["_secrets"] {
        Value::Object(pair) => vec![pair],
        Value::Array(pairs) => {
            pairs.iter().map(|pair| pair.as_object().ok_or_else(missing)).collect::<Result<_, _>>()?
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(missing()),
    };
    match pairs.len() {
        0 => Err(missing()),
        1..=WRITES_MAX => Ok(pairs),
        count => Err(Refused(format!("400: {count} secrets in one task, the limit is {WRITES_MAX}"))),
    }
}

fn write(pair: &Map, evaluation: Evaluation, now: Timestamp) -> Result<Write, Refused> {
    let Some(Value::String(name)) = pair.get("secretKey").filter(|name| !name.as_str().unwrap_or_default().is_empty())
    else {
        return Err(Refused("400: `_secrets.secretKey` is missing or not a text".to_owned()));
    };
    check_name(name).map_err(|error| Refused(format!("400: {error}")))?;
    let Some(value) = pair.get("secretValue") else {
        return Err(Refused(format!("400: `_secrets.secretValue` for `{name}` is missing")));
    };
    let value = text_to_store(value, evaluation, allow(pair)).map_err(|refusal| refused_value(name, refusal))?;
    Ok(Write { name: name.clone(), value, expires: expires(pair, name, now)?, plain: false })
}

fn refused_value(name: &str, refusal: Refusal) -> Refused {
    Refused(format!("400: the value for `{name}` is refused: {refusal}"))
}

fn allow(pair: &Map) -> Allow {
    let allowed = |word: &str| {
        let words = pair.get("allow").and_then(Value::as_array).into_iter().flatten();
        words.filter_map(Value::as_str).any(|one| one == word)
    };
    Allow { empty: allowed("empty"), html: allowed("html"), placeholder: allowed("placeholder") }
}

/// Returns when the value stops working: `expiresAt` (a time, seconds or milliseconds since the epoch) or `expiresIn`
/// (seconds, or a duration as `1h`).
fn expires(pair: &Map, name: &str, now: Timestamp) -> Result<Option<Timestamp>, Refused> {
    let wrong = |field: &str, form: &str| Refused(format!("400: `_secrets.{field}` for `{name}` is not {form}"));
    if let Some(at) = pair.get("expiresAt").filter(|at| !at.is_null()) {
        let moment = at.as_i64().map(epoch).or_else(|| Timestamp::parse(at.as_str()?));
        return moment.map(Some).ok_or_else(|| wrong("expiresAt", "a time"));
    }
    let Some(after) = pair.get("expiresIn").filter(|after| !after.is_null()) else { return Ok(None) };
    let seconds = after.as_u64().or_else(|| seconds_of(after.as_f64()?)).or_else(|| after.as_str()?.parse().ok());
    let span =
        seconds.map(Duration::from_secs).or_else(|| parse_duration_seconds(after.as_str()?).map(Duration::from_secs));
    span.map(|span| Some(now.plus(span))).ok_or_else(|| wrong("expiresIn", "a number of seconds or a duration"))
}

/// Seconds since the epoch pass this only after the year 5138, milliseconds since 1973.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

fn epoch(number: i64) -> Timestamp {
    Timestamp::from_millis(if number.abs() < MILLISECONDS_FROM { number.saturating_mul(1_000) } else { number })
}

fn seconds_of(number: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked on this line")]
    (0.0..1e15).contains(&number).then_some(number as u64)
}

fn permit(assignment: &Assignment, name: &str, store: &Snapshot, policy: &Policy) -> Result<(), Refused> {
    let none = BTreeMap::new();
    let tags = store.tags(name).unwrap_or(&none);
    let workflow = &assignment.plan.pinned.workflow.name;
    let principal = Principal { owner: &assignment.owner, workflow: Some(workflow) };
    let target = Target { kind: TargetKind::Secret, name, tags };
    let permissions: &[Permission] =
        if store.contains(name) { &[Permission::Update] } else { &[Permission::Update, Permission::Create] };
    if permissions.iter().any(|permission| policy.allows(principal, *permission, &target)) {
        return Ok(());
    }
    Err(Refused(format!("403: {} may not update the secret `{name}`", assignment.owner)))
}
