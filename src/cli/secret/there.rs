//! The secrets of a server, as the command line asks about them.

use serde_json::{Value, json};

use super::super::args::{Format, Global, Secret};
use super::super::connection::{Connection, list, text};
use super::super::console::Console;
use super::super::error::{Error, Kind};
use super::super::project::Project;
use super::{confirmed, reference_of, removals, set, tag_of, view};
use crate::client::Method;
use crate::secret::Version;

/// Does what is asked of the secrets of a server.
pub(super) fn run(command: Secret, project: &Project, global: &Global, console: &Console) -> Result<(), Error> {
    let connection = Connection::open(project, None, console)?;
    match command {
        Secret::Set { name, from_file, force, plain, expires } => {
            let value = set::value(&name, from_file.as_deref(), project, global, console)?;
            let expires = expires.as_deref().map(set::moment).transpose()?.map(|at| at.to_string());
            let mut query: Vec<_> = expires.iter().map(|at| ("expires", at.as_str())).collect();
            query.extend(force.then_some(("force", "true")));
            query.extend(plain.then_some(("plain", "true")));
            connection.ask(Method::PUT, &["api", "secrets", &name], &query, Some(&value.expose().into()))?;
            written(&name, "stored", &connection, console)
        }
        Secret::Get { name, reveal } => get(&name, reveal, &connection, console),
        Secret::List { .. } => {
            view::list(&secrets(&connection)?, console);
            Ok(())
        }
        Secret::Rm { name, confirm } => {
            confirmed(&name, confirm, global, console)?;
            connection.ask(Method::DELETE, &["api", "secrets", &name], &[], None)?;
            console.note(&format!("removed {name}"));
            Ok(())
        }
        Secret::History { name } => {
            view::history(&history(&name, &connection)?, console);
            Ok(())
        }
        Secret::Rollback { name, to } => {
            let to = to.map_or_else(|| "previous".to_owned(), |to| to.to_string());
            let path = ["api", "keytide", "secrets", &name, "rollback"];
            connection.ask(Method::POST, &path, &[], Some(&json!({"to": to})))?;
            written(&name, "rolled back", &connection, console)
        }
        Secret::TagList { name } => tag(&name, &[], &connection, console),
        Secret::Tag { name, tags } | Secret::TagAdd { name, tags } => tag(&name, &tags, &connection, console),
        Secret::TagDelete { name, tags } => tag(&name, &removals(&tags), &connection, console),
        Secret::Exists { name } => match connection.get(&["api", "secrets", &name, "exists"], &[])? {
            Value::Bool(true) => Ok(()),
            _ => Err(Error::silent(Kind::Failed)),
        },
        Secret::Resolve { .. } => Err(Error::new(Kind::Usage, "`secret resolve` works on this machine")),
    }
}

fn secrets(connection: &Connection) -> Result<Vec<Value>, Error> {
    connection.get(&["api", "keytide", "secrets"], &[]).map(list)
}

fn history(name: &str, connection: &Connection) -> Result<Vec<Value>, Error> {
    connection.get(&["api", "keytide", "secrets", name, "history"], &[]).map(list)
}

fn get(reference: &str, reveal: bool, connection: &Connection, console: &Console) -> Result<(), Error> {
    let (name, version) = reference_of(reference)?;
    if reveal {
        let word = reference.split_once('@').map(|(_, version)| version);
        let query: Vec<_> = word.iter().map(|word| ("version", *word)).collect();
        let value = connection.get(&["api", "secrets", name], &query).map(text)?;
        match console.format {
            Format::Json => console.json(&json!({"name": name, "value": value})),
            Format::Table => console.value(&value),
        }
        return Ok(());
    }
    let missing = || Error::new(Kind::NotFound, format!("there is no `{reference}`")).hint("see `keytide secret list`");
    let versions = history(name, connection)?;
    let secret = secrets(connection)?.into_iter().find(|secret| secret["name"] == name).ok_or_else(missing)?;
    let is_it = |one: &Value| match version {
        Version::Current => one["stage"] == "current",
        Version::Previous => one["stage"] == "previous",
        Version::Number(number) => one["version"] == number,
    };
    view::one(&view::of_version(secret, &versions, is_it).ok_or_else(missing)?, console);
    Ok(())
}

fn tag(name: &str, tags: &[String], connection: &Connection, console: &Console) -> Result<(), Error> {
    let path = ["api", "secrets", name, "tags"];
    let pairs = tags.iter().map(|tag| tag_of(tag)).collect::<Result<Vec<_>, _>>()?;
    let set: Vec<_> = pairs.iter().filter_map(|(key, value)| Some(json!({"key": key, "value": (*value)?}))).collect();
    let gone = pairs.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| json!({"key": key}));
    let gone: Vec<_> = gone.collect();
    for (method, tags) in [(Method::PUT, set), (Method::DELETE, gone)] {
        if !tags.is_empty() {
            connection.ask(method, &path, &[], Some(&tags.into()))?;
        }
    }
    let tags = list(connection.get(&path, &[])?);
    let map = tags.into_iter().map(|mut tag| (text(tag["key"].take()), tag["value"].take()));
    view::tags(&Value::Object(map.collect()), console);
    Ok(())
}

/// Says what a write did, as far as whoever wrote it may read it.
fn written(name: &str, did: &str, connection: &Connection, console: &Console) -> Result<(), Error> {
    match secrets(connection)?.into_iter().find(|secret| secret["name"] == name) {
        Some(secret) => {
            let fingerprint = secret["fingerprint"].as_str().unwrap_or_default();
            console.note(&format!("{did} {name} v{} ({fingerprint})", secret["version"]));
            if console.format == Format::Json {
                console.json(&secret);
            }
        }
        None => console.note(&format!("{did} {name}")),
    }
    Ok(())
}
