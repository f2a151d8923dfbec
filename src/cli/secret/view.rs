use serde_json::Value;

use super::super::args::Format;
use super::super::connection::text as owned_text;
use super::super::console::Console;
use crate::secret::{Outcome, Snapshot, Summary, Written};

/// Lists secrets: names, versions, fingerprints; no values.
pub(super) fn list(secrets: &[Value], console: &Console) {
    match console.format {
        Format::Json => console.json(&secrets.into()),
        Format::Table => {
            let rows: Vec<_> = secrets.iter().map(row).collect();
            console.table(&["NAME", "VERSION", "CREATED", "BY", "EXPIRES", "FINGERPRINT", "TAGS"], &rows);
        }
    }
}

/// Shows what is known of a version.
pub(super) fn one(secret: &Value, console: &Console) {
    match console.format {
        Format::Json => console.json(secret),
        Format::Table => {
            let names = ["name", "version", "created", "by", "expires", "fingerprint", "tags"];
            for (field, value) in names.into_iter().zip(row(secret)) {
                console.data(format!("{field:<12} {value}").trim_end());
            }
            let name = text(&secret["name"]);
            console.note(&format!("the value is printed by `keytide secret get {name} --reveal`"));
        }
    }
}

/// Returns what is known of a version of a secret, of which `versions` is the history.
pub(super) fn of_version(mut secret: Value, versions: &[Value], is_it: impl Fn(&Value) -> bool) -> Option<Value> {
    let version = versions.iter().find(|version| is_it(version))?;
    for field in ["version", "created", "by", "expires", "fingerprint"] {
        secret[field] = version[field].clone();
    }
    Some(secret)
}

/// Lists the versions of a secret.
pub(super) fn history(versions: &[Value], console: &Console) {
    match console.format {
        Format::Json => console.json(&versions.into()),
        Format::Table => {
            let fields = ["version", "stage", "created", "by", "run", "expires", "fingerprint"];
            let row = |version: &Value| fields.map(|field| text(&version[field])).to_vec();
            let rows: Vec<_> = versions.iter().map(row).collect();
            console.table(&["VERSION", "STAGE", "CREATED", "BY", "RUN", "EXPIRES", "FINGERPRINT"], &rows);
        }
    }
}

/// Shows the tags of a secret: a map.
pub(super) fn tags(tags: &Value, console: &Console) {
    match console.format {
        Format::Json => console.json(tags),
        Format::Table => pairs(tags).iter().for_each(|pair| console.data(pair)),
    }
}

/// Says what a write did.
pub(super) fn written(written: &Written, snapshot: &Snapshot, console: &Console) {
    for secret in &written.secrets {
        let did = match secret.outcome {
            Outcome::Created => "created",
            Outcome::Updated => "updated",
            Outcome::Same | Outcome::Repeated => "unchanged:",
        };
        console.note(&format!("{did} {} v{} ({})", secret.name, secret.version, secret.fingerprint));
        if console.format == Format::Json {
            let summaries = snapshot.list();
            let summary = summaries.iter().find(|summary| summary.name == secret.name);
            console.json(&summary.map_or(Value::Null, Summary::to_json));
        }
    }
}

fn row(secret: &Value) -> Vec<String> {
    let fields = ["name", "version", "created", "by", "expires", "fingerprint"];
    let mut row = fields.map(|field| text(&secret[field])).to_vec();
    row.push(pairs(&secret["tags"]).join(" "));
    row
}

/// Returns a field as text; what is not there is empty.
fn text(value: &Value) -> String {
    owned_text(value.clone())
}

fn pairs(tags: &Value) -> Vec<String> {
    tags.as_object().into_iter().flatten().map(|(key, value)| format!("{key}:{}", text(value))).collect()
}
