use serde_json::Value;

use super::MASK;
use crate::words::Map;

/// The fields whose whole content is masked, at any depth.
const MASKED_KEYS: [&str; 2] = ["_secrets", "_masked"];

/// Returns whether everything below a field of this name is masked.
pub fn is_masked_key(key: &str) -> bool {
    MASKED_KEYS.contains(&key)
}

/// Returns the value with `_secrets` and `_masked` at any depth, and `masked_fields` at the top, shown as `***`.
pub fn mask_structure(value: &Value, masked_fields: &[String]) -> Value {
    match value {
        Value::Object(fields) => Value::Object(mask_fields(fields, masked_fields)),
        Value::Array(items) => items.iter().map(|item| mask_structure(item, &[])).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn mask_fields(fields: &Map, masked_fields: &[String]) -> Map {
    let masked = |key: &String| is_masked_key(key) || masked_fields.contains(key);
    fields
        .iter()
        .map(|(key, field)| (key.clone(), if masked(key) { MASK.into() } else { mask_structure(field, &[]) }))
        .collect()
}
