//! How Conductor's clients write fields: `null` for empty, numbers as text and texts as numbers, `""` for absent. A value
//! of another type is taken where the server's JSON reader takes it, and comes to the same.

use indexmap::IndexMap;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::TaskType;

/// A word out of a few, in the order of the server's own list: it takes a word's place in the list for the word.
pub(in crate::workflow) trait Words: DeserializeOwned + Default {
    /// The words.
    const WORDS: &'static [&'static str];
}

/// Returns the text that a value is read as; nothing for what no text can be made of.
pub(in crate::workflow) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns the truth value that a value is read as.
pub(in crate::workflow) fn as_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.as_i64() != Some(0)),
        Value::String(text) => match text.trim() {
            "true" | "True" | "TRUE" => Some(true),
            "" | "false" | "False" | "FALSE" => Some(false),
            _ => None,
        },
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns the word that a value is read as.
pub(in crate::workflow) fn as_word(value: &Value, words: &[&'static str]) -> Option<&'static str> {
    let place = match value {
        Value::Number(place) => usize::try_from(place.as_u64()?).ok()?,
        Value::String(text) => match words.iter().position(|word| word == text) {
            Some(at) => at,
            None => text.trim().parse().ok()?,
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    words.get(place).copied()
}

/// Reads a text; `null` is the empty one.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    optional_text(deserializer).map(Option::unwrap_or_default)
}

/// Reads a text, or nothing where it is `null`.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() { Ok(None) } else { as_text(&value).map(Some).ok_or_else(|| Error::custom("expected a text")) }
}

/// Reads a list of texts; what is `null` is left out.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let given = Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default();
    let given = given.iter().filter(|item| !item.is_null());
    given.map(|item| as_text(item).ok_or_else(|| Error::custom("expected a list of texts"))).collect()
}

/// Reads true or false; `null` and `""` are false, whatever holds where the field is absent.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    optional_flag(deserializer).map(Option::unwrap_or_default)
}

/// Reads true or false, or nothing where it is `null` or `""`.
pub(crate) fn optional_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    as_flag(&value).map(Some).ok_or_else(|| Error::custom("expected true or false"))
}

/// Reads a word; `null` means the default.
pub(super) fn word<'de, D: Deserializer<'de>, T: Words>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(T::default());
    }
    let words = T::WORDS;
    let word = as_word(&value, words).ok_or_else(|| Error::custom(format!("expected one of {}", words.join(", "))))?;
    serde_json::from_value(Value::from(word)).map_err(Error::custom)
}

/// Reads how a JOIN is looked at.
pub(super) fn join_mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(None);
    }
    let word = as_word(&value, JOIN_MODES).ok_or_else(|| Error::custom("expected SYNC or ASYNC"))?;
    Ok(Some(word.to_owned()))
}

/// Reads a kind of task; `null` is a worker's.
pub(super) fn task_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TaskType, D::Error> {
    let Some(name) = optional_text(deserializer)? else { return Ok(TaskType::default()) };
    serde_json::from_value(Value::String(name)).map_err(Error::custom)
}

/// Reads which workflow a task starts: what are texts there become some.
pub(super) fn sub_workflow<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    let mut given = Option::<Value>::deserialize(deserializer)?;
    for name in ["name", "idempotencyKey", "idempotencyStrategy"] {
        let field = given.as_mut().and_then(|given| given.get_mut(name));
        if let Some((field, text)) = field.and_then(|field| as_text(field).map(|text| (field, text))) {
            *field = Value::String(text);
        }
    }
    Ok(given)
}

/// How a JOIN is looked at, in the server's order.
pub(in crate::workflow) const JOIN_MODES: &[&str] = &["SYNC", "ASYNC"];

/// Reads a value where `null` means the default.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads a map, of which values that are `null` are left out.
pub(super) fn without_nulls<'de, D: Deserializer<'de>, T: Deserialize<'de>, M: FromIterator<(String, T)>>(
    deserializer: D,
) -> Result<M, D::Error> {
    let given = Option::<IndexMap<String, Option<T>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(given.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
}

/// Reads a whole number, also as text; `null` and `""` are absent, and of a fraction the whole part counts.
pub(super) fn optional_integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => text.trim().parse().map(Some).map_err(|_| Error::custom("expected a whole number")),
        Value::Number(number) => whole(&number).map(Some).ok_or_else(|| Error::custom("expected a whole number")),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Error::custom("expected a whole number")),
    }
}

/// Returns a number without its fraction, where it is exact.
pub(in crate::workflow) fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "below 2^53, checked on this line")]
        (float.abs() < 9_007_199_254_740_992.0).then_some(float as i64)
    })
}

pub(super) fn optional_i32<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    optional_integer(deserializer)?
        .map(|number| i32::try_from(number).map_err(|_| Error::custom("number is out of range")))
        .transpose()
}

pub(super) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    optional_integer(deserializer).map(Option::unwrap_or_default)
}

pub(super) fn integer_32<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    optional_i32(deserializer).map(Option::unwrap_or_default)
}

pub(super) fn integer_or_one_long<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    optional_integer(deserializer).map(|number| number.unwrap_or(1))
}

pub(super) fn integer_or_hour<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    optional_integer(deserializer).map(|number| number.unwrap_or(3600))
}

pub(super) fn integer_or_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    optional_i32(deserializer).map(|number| number.unwrap_or(1))
}

pub(super) fn integer_or_two<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    optional_i32(deserializer).map(|number| number.unwrap_or(2))
}

/// Reads a time zone; absent, `null` and `""` are UTC.
pub(super) fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let zone = text(deserializer)?;
    Ok(if zone.trim().is_empty() { "UTC".to_owned() } else { zone })
}

pub(super) const fn one() -> i32 {
    1
}

pub(super) const fn two() -> i32 {
    2
}

pub(super) const fn yes() -> bool {
    true
}

pub(super) fn utc() -> String {
    "UTC".to_owned()
}
