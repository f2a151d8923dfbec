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
use crate::words::{Map, Owner, Payload, Permission, Timestamp};
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
/// (seconds, or a duration as `1h`). Services give numbers as numbers, with a fraction, and as text.
fn expires(pair: &Map, name: &str, now: Timestamp) -> Result<Option<Timestamp>, Refused> {
    let wrong = |field: &str, form: &str| Refused(format!("400: `_secrets.{field}` for `{name}` is not {form}"));
    if let Some(at) = given(pair, "expiresAt") {
        let number = at.as_f64().or_else(|| at.as_str()?.trim().parse().ok());
        let moment = number.and_then(epoch).or_else(|| Timestamp::parse(at.as_str()?));
        return moment.map(Some).ok_or_else(|| wrong("expiresAt", "a time"));
    }
    let Some(after) = given(pair, "expiresIn") else { return Ok(None) };
    let number = after.as_f64().or_else(|| after.as_str()?.trim().parse().ok());
    let seconds = number.and_then(seconds_of).or_else(|| parse_duration_seconds(after.as_str()?));
    let expires = seconds.map(|seconds| now.plus(Duration::from_secs(seconds)));
    expires.map(Some).ok_or_else(|| wrong("expiresIn", "a number of seconds or a duration"))
}

/// A field that is null or blank is not given.
fn given<'p>(pair: &'p Map, name: &str) -> Option<&'p Value> {
    let is_blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    pair.get(name).filter(|value| !value.is_null() && !is_blank(value))
}

/// Seconds since the epoch pass this only after the year 5138, milliseconds since 1973.
const MILLISECONDS_FROM: f64 = 100_000_000_000.0;

/// Whole milliseconds are exact in a double for 285,000 years; what is beyond every calendar is never.
fn epoch(number: f64) -> Option<Timestamp> {
    let millis = if number.abs() < MILLISECONDS_FROM { number * 1_000.0 } else { number };
    #[expect(clippy::cast_possible_truncation, reason = "a cast from a double stops at the largest number")]
    number.is_finite().then_some(Timestamp::from_millis(millis as i64))
}

fn seconds_of(number: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "negative is out, and a cast stops")]
    (number >= 0.0).then_some(number as u64)
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
    Err(Refused(may_not_update(&assignment.owner, name)))
}

/// Returns what is said to who may not write a secret.
pub fn may_not_update(owner: &Owner, name: &str) -> String {
    format!("403: {owner} may not update the secret `{name}`")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{expires, pairs};
    use crate::words::Timestamp;

    fn told(pair: &Value) -> String {
        let now = Timestamp::parse("2026-11-20T12:00:00Z").unwrap();
        match expires(pair.as_object().unwrap(), "token", now) {
            Ok(Some(moment)) => moment.to_string(),
            Ok(None) => "none".to_owned(),
            Err(refused) => refused.0,
        }
    }

    #[test]
    fn services_say_in_many_ways_when_a_token_expires() {
        for (pair, expected) in [
            (json!({}), "none"),
            (json!({"expiresAt": null, "expiresIn": " "}), "none"),
            (json!({"expiresAt": "2026-12-01T00:00:00+01:00"}), "2026-11-30T23:00:00Z"),
            (json!({"expiresAt": 1_795_180_000}), "2026-11-20T13:06:40Z"),
            (json!({"expiresAt": 1_795_180_000.5}), "2026-11-20T13:06:40.500Z"),
            (json!({"expiresAt": 1_795_180_000_000_u64}), "2026-11-20T13:06:40Z"),
            (json!({"expiresAt": "1795180000"}), "2026-11-20T13:06:40Z"),
            (json!({"expiresIn": 3600}), "2026-11-20T13:00:00Z"),
            (json!({"expiresIn": 3599.9}), "2026-11-20T12:59:59Z"),
            (json!({"expiresIn": "3600"}), "2026-11-20T13:00:00Z"),
            (json!({"expiresIn": " 1h "}), "2026-11-20T13:00:00Z"),
            (json!({"expiresIn": "1h"}), "2026-11-20T13:00:00Z"),
            (json!({"expiresIn": u64::MAX}), "never"),
            (
                json!({"expiresIn": -1}),
                "400: `_secrets.expiresIn` for `token` is not a number of seconds or a duration",
            ),
            (json!({"expiresAt": "soon"}), "400: `_secrets.expiresAt` for `token` is not a time"),
            (json!({"expiresAt": "NaN"}), "400: `_secrets.expiresAt` for `token` is not a time"),
            (json!({"expiresAt": [1]}), "400: `_secrets.expiresAt` for `token` is not a time"),
        ] {
            assert_eq!(told(&pair), expected, "{pair}");
        }
    }

    #[test]
    fn incomplete_input_is_refused_with_400() {
        for input in [json!({}), json!({"_secrets": null}), json!({"_secrets": []}), json!({"_secrets": ["x"]})] {
            assert!(pairs(&input).is_err_and(|refused| refused.0.starts_with("400: ")), "{input}");
        }
        let many: Vec<Value> = (0..65).map(|n| json!({"secretKey": format!("k{n}"), "secretValue": "v"})).collect();
        let refused = pairs(&json!({"_secrets": many})).err().map(|refused| refused.0);
        assert_eq!(refused.as_deref(), Some("400: 65 secrets in one task, the limit is 64"));
    }
}
