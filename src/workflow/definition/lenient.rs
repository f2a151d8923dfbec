//! How Conductor's clients write fields: `null` for empty, numbers as text, `""` for absent.

use indexmap::IndexMap;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

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

/// Reads a whole number, also as text; `null` and `""` are absent.
pub(super) fn optional_integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => text.trim().parse().map(Some).map_err(|_| Error::custom("expected a whole number")),
        Value::Number(number) => whole(&number).map(Some).ok_or_else(|| Error::custom("expected a whole number")),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Error::custom("expected a whole number")),
    }
}

/// Returns a whole number that is exact.
pub(in crate::workflow) fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53, checked on this line")]
        (float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0).then_some(float as i64)
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

pub(super) fn integer_or_one_long<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    optional_integer(deserializer).map(|number| number.unwrap_or(1))
}

pub(super) fn integer_or_sixty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    optional_integer(deserializer).map(|number| number.unwrap_or(60))
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

pub(super) fn integer_or_three<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    optional_i32(deserializer).map(|number| number.unwrap_or(3))
}

pub(super) fn boolean_or_true<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Option::<bool>::deserialize(deserializer).map(|flag| flag.unwrap_or(true))
}

/// Reads a time zone; absent, `null` and `""` are UTC.
pub(super) fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let zone = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
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
