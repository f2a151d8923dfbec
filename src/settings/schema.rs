//! The JSON Schema of `keytide.toml`, for editors: made of the table that reads the file.

use serde_json::{Map, Value, json};

use super::Settings;
use super::keys::{Form, KEYS, Key};
use super::read::{GRANT_FIELDS, OTHER_TABLES};
use super::value::{SIZE_UNITS, TIME_UNITS};
use crate::words::Permission;

/// The tables that are made of plain settings, and what they are for.
const TABLES: [(&str, &str); 8] = [
    ("folders", "Where things are."),
    ("secrets", "The secret store."),
    ("history", "How long executions are kept."),
    ("audit", "How long the audit is kept."),
    ("schedules", "What schedules do where they do not say."),
    ("http", "What HTTP tasks may do."),
    ("server", "Where the API listens."),
    ("access", "Who may use which secret."),
];

/// Who may be named in a grant or a group.
const GRANTEE: &str = "^(file|workflow|app|group):.";
/// What a grant may be about.
const TARGET: &str = "^(secret|tag|workflow|schedule|environment):.";

/// Returns the schema of the settings file, and of a policy file, which has some of its tables.
pub fn config() -> Map<String, Value> {
    let mut tables = Map::new();
    for (name, about) in TABLES {
        let keys = KEYS.iter().filter_map(|key| Some((key.path.strip_prefix(name)?.strip_prefix('.')?, key)));
        let fields: Map<String, Value> = keys.map(|(name, key)| (name.to_owned(), plain(key))).collect();
        let table =
            json!({"description": about, "type": "object", "properties": fields, "additionalProperties": false});
        tables.insert(name.to_owned(), table);
    }
    tables.extend(OTHER_TABLES.map(|name| (name.to_owned(), other(name))));
    let root =
        [("type", json!("object")), ("properties", Value::Object(tables)), ("additionalProperties", json!(false))];
    root.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn plain(key: &Key) -> Value {
    let shown = (key.show)(&Settings::default());
    let mut field = form(&key.form);
    field["description"] = json!(format!("{} Takes {}. Default: `{shown}`.", key.about, key.expected));
    // What is shown is what the file would say, and for these values TOML and JSON say the same.
    if let Ok(default) = serde_json::from_str::<Value>(&shown) {
        field["default"] = default;
    }
    field
}

fn form(form: &Form) -> Value {
    match form {
        Form::Text => json!({"type": "string", "minLength": 1}),
        Form::AnyText => json!({"type": "string"}),
        Form::Number(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Form::Duration => with_unit(&TIME_UNITS.map(|(unit, _)| unit)),
        Form::WordOrDuration(word) => {
            json!({"anyOf": [{"const": word}, with_unit(&TIME_UNITS.map(|(unit, _)| unit))]})
        }
        Form::Size => with_unit(&SIZE_UNITS.map(|(unit, _)| unit)),
        Form::OneOf(words) => json!({"enum": words}),
        Form::Flag => json!({"type": "boolean"}),
        Form::Words(words) => json!({"type": "array", "items": {"enum": words()}}),
        Form::Texts => json!({"type": "array", "items": {"type": "string", "minLength": 1}}),
    }
}

fn with_unit(units: &[&str]) -> Value {
    json!({"type": "string", "pattern": format!(r"^[0-9]+\s*({})$", units.join("|"))})
}

fn other(table: &str) -> Value {
    let grantee = json!({"type": "string", "pattern": GRANTEE});
    match table {
        "environment" => json!({"type": "object", "description": "What `${workflow.env.NAME}` gives."}),
        "environments" => json!({
            "type": "object",
            "description": "Values that are laid over `[environment]` with `--environment NAME`.",
            "additionalProperties": {"type": "object"},
        }),
        "groups" => json!({
            "type": "object",
            "description": "Groups and who is in them, for grants to `group:NAME`.",
            "additionalProperties": {"type": "array", "items": grantee},
        }),
        "grant" => {
            let permissions: Vec<&str> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
            let [to, on, access] = GRANT_FIELDS;
            let fields = json!({
                to: {"description": "To whom: file:GLOB, workflow:PATTERN, app:NAME or group:NAME.", "type": "string", "pattern": GRANTEE},
                on: {
                    "description": "On what: secret:PATTERN, tag:KEY:VALUE, workflow:PATTERN, schedule:PATTERN or environment:PATTERN.",
                    "type": "string", "pattern": TARGET,
                },
                access: {"description": "Which rights.", "type": "array", "items": {"enum": permissions}},
            });
            json!({
                "type": "array",
                "description": "What somebody may do, each under a heading `[[grant]]`.",
                "items": {"type": "object", "required": GRANT_FIELDS, "properties": fields, "additionalProperties": false},
            })
        }
        _ => json!({}),
    }
}
