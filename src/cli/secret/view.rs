use serde_json::{Value, json};

use super::super::args::Format;
use super::super::console::Console;
use super::super::error::{Error, Kind};
use crate::secret::{Outcome, Snapshot, Stage, Summary, VersionInfo, Written};

/// Lists secrets: names, versions, fingerprints; no values.
pub(super) fn list(snapshot: &Snapshot, console: &Console) {
    let summaries = snapshot.list();
    match console.format {
        Format::Json => console.json(&summaries.iter().map(Summary::to_json).collect()),
        Format::Table => {
            let rows: Vec<_> = summaries.iter().map(row).collect();
            console.table(&["NAME", "VERSION", "CREATED", "BY", "EXPIRES", "FINGERPRINT", "TAGS"], &rows);
        }
    }
}

/// Shows what is known of the version with a fingerprint.
pub(super) fn one(name: &str, fingerprint: &str, snapshot: &Snapshot, console: &Console) -> Result<(), Error> {
    let unknown = || Error::new(Kind::NotFound, format!("there is no secret `{name}`"));
    let summary = snapshot.list().into_iter().find(|summary| summary.name == name).ok_or_else(unknown)?;
    let mut versions = snapshot.history(name).unwrap_or_default().into_iter();
    let version =
        versions.find(|version| version.fingerprint == fingerprint).unwrap_or_else(|| summary.current.clone());
    let summary = Summary { current: version, ..summary };
    match console.format {
        Format::Json => console.json(&summary.to_json()),
        Format::Table => {
            let names = ["name", "version", "created", "by", "expires", "fingerprint", "tags"];
            for (field, value) in names.into_iter().zip(row(&summary)) {
                console.data(format!("{field:<12} {value}").trim_end());
            }
            console.note(&format!("the value is printed by `keytide secret get {name} --reveal`"));
        }
    }
    Ok(())
}

/// Lists the versions of a secret.
pub(super) fn history(name: &str, snapshot: &Snapshot, console: &Console) -> Result<(), Error> {
    let unknown = || Error::new(Kind::NotFound, format!("there is no secret `{name}`"));
    let versions = snapshot.history(name).ok_or_else(unknown)?;
    match console.format {
        Format::Json => console.json(&versions.iter().map(VersionInfo::to_json).collect()),
        Format::Table => {
            let row = |version: &VersionInfo| {
                vec![
                    version.version.to_string(),
                    version.stage.map_or("", Stage::as_str).to_owned(),
                    version.created.to_string(),
                    version.by.clone(),
                    version.run.clone().unwrap_or_default(),
                    version.expires.map(|at| at.to_string()).unwrap_or_default(),
                    version.fingerprint.clone(),
                ]
            };
            let rows: Vec<_> = versions.iter().map(row).collect();
            console.table(&["VERSION", "STAGE", "CREATED", "BY", "RUN", "EXPIRES", "FINGERPRINT"], &rows);
        }
    }
    Ok(())
}

/// Shows the tags of a secret.
pub(super) fn tags(name: &str, snapshot: &Snapshot, console: &Console) {
    let tags = snapshot.tags(name).cloned().unwrap_or_default();
    match console.format {
        Format::Json => console.json(&json!(tags)),
        Format::Table => tags.iter().for_each(|(key, value)| console.data(&format!("{key}:{value}"))),
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

fn row(summary: &Summary) -> Vec<String> {
    let current = &summary.current;
    let tags: Vec<String> = summary.tags.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    vec![
        summary.name.clone(),
        current.version.to_string(),
        current.created.to_string(),
        current.by.clone(),
        current.expires.map(|at| at.to_string()).unwrap_or_default(),
        current.fingerprint.clone(),
        tags.join(" "),
    ]
}
