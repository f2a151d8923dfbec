//! Reads and shows single values.

use std::fmt::Display;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::Value;
use toml::de::{DeInteger, DeValue};

use super::{Allowed, Denied};

/// The units of time, largest first.
pub(super) const TIME_UNITS: [(&str, u64); 5] =
    [("d", 24 * 3_600_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// The units of size, largest first.
pub(super) const SIZE_UNITS: [(&str, usize); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

pub(super) fn text(value: &DeValue<'_>) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Reads a text that may be empty.
pub(super) fn any_text(value: &DeValue<'_>) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Takes an empty text for none.
pub(super) fn unless_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

pub(super) fn number(value: &DeValue<'_>, min: usize, max: usize) -> Option<usize> {
    let number = usize::try_from(integer(value.as_integer()?)?).ok()?;
    (min..=max).contains(&number).then_some(number)
}

/// Reads one of two words; true means the second.
pub(super) fn choice(value: &DeValue<'_>, [no, yes]: [&str; 2]) -> Option<bool> {
    let word = value.as_str()?;
    (word == no || word == yes).then_some(word == yes)
}

pub(super) fn duration(value: &DeValue<'_>, max: Duration) -> Option<Duration> {
    let (digits, unit) = split_unit(value.as_str()?)?;
    let (_, unit_ms) = TIME_UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let duration = Duration::from_millis(digits.parse::<u64>().ok()?.checked_mul(unit_ms)?);
    (!duration.is_zero() && duration <= max).then_some(duration)
}

/// Reads a duration, or nothing where it is without end.
#[expect(clippy::option_option, reason = "the outer one says whether it can be read, as everywhere here")]
pub(super) fn forever_or(value: &DeValue<'_>, max: Duration) -> Option<Option<Duration>> {
    if value.as_str() == Some("forever") { Some(None) } else { duration(value, max).map(Some) }
}

pub(super) fn size(value: &DeValue<'_>, max: usize) -> Option<usize> {
    let (digits, unit) = split_unit(value.as_str()?)?;
    let (_, unit_bytes) = SIZE_UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let bytes = digits.parse::<usize>().ok()?.checked_mul(unit_bytes)?;
    (1..=max).contains(&bytes).then_some(bytes)
}

fn split_unit(text: &str) -> Option<(&str, &str)> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    Some((&text[..at], text[at..].trim_start()))
}

/// Reads a list whose members are all of one kind.
pub(super) fn list<T>(value: &DeValue<'_>, member: fn(&str) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(|item| item.get_ref().as_str().and_then(member)).collect()
}

pub(super) fn denied(word: &str) -> Option<Denied> {
    Denied::ALL.into_iter().find(|kind| kind.as_str() == word)
}

pub(super) fn allowed(text: &str) -> Option<Allowed> {
    if let Ok(network) = text.parse::<IpNet>() {
        return Some(Allowed::Network(network));
    }
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        return Some(Allowed::Network(address.into()));
    }
    let is_host = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    is_host.then(|| Allowed::Host(text.trim_end_matches('.').to_ascii_lowercase()))
}

/// Reads the address of a proxy, which may be empty.
pub(super) fn proxy(value: &DeValue<'_>) -> Option<String> {
    any_text(value).filter(|url| url.is_empty() || url.starts_with("http://") || url.starts_with("https://"))
}

/// Turns a value of `[environment]` into what expressions see.
pub(super) fn json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => integer(number)?.into(),
        DeValue::Float(number) => serde_json::Number::from_f64(number.as_str().replace('_', "").parse().ok()?)?.into(),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Datetime(moment) => moment.to_string().into(),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect::<Option<Value>>()?,
        DeValue::Table(fields) => {
            let fields = fields.iter().map(|(key, field)| Some((key.get_ref().to_string(), json(field.get_ref())?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
    })
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
}

pub(super) fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    // A few days read better in hours, as people write them: 24h, 72h.
    let fits = |name: &str, unit: u64| {
        millis.is_multiple_of(u128::from(unit)) && (name != "d" || millis >= u128::from(7 * unit))
    };
    let (name, unit) = TIME_UNITS.into_iter().find(|(name, unit)| fits(name, *unit)).unwrap_or(("ms", 1));
    format!("\"{}{name}\"", millis / u128::from(unit))
}

pub(super) fn show_size(bytes: usize) -> String {
    let (name, unit) = SIZE_UNITS.into_iter().find(|(_, unit)| bytes.is_multiple_of(*unit)).unwrap_or(("B", 1));
    format!("\"{}{name}\"", bytes / unit)
}

pub(super) fn show_list<T: Display>(members: &[T]) -> String {
    let members: Vec<String> = members.iter().map(|member| show_text(&member.to_string())).collect();
    format!("[{}]", members.join(", "))
}

pub(super) fn show_words<T: Display>(members: &[T]) -> String {
    members.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn show_text(text: &str) -> String {
    Value::from(text).to_string()
}

/// Returns the known name that is written most like `name`, where one is like it at all.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let close = |other: &&str| distance(name, other) <= 1 + other.len() / 3;
    known.filter(close).min_by_key(|other| distance(name, other))
}

/// Counts the letters to change, add or remove.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.chars().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}
