//! `keytide secret`: the values that workflows use, and what is known of them.

mod resolve;
mod set;
mod there;
mod view;

use serde_json::{Value, json};

use super::args::{Format, Global, Secret};
use super::console::Console;
use super::error::{Error, Kind};
use super::project::Project;
use super::{audit, prompt};
use crate::journal::{Action, Entry};
use crate::secret::{Change, Store, Summary, Version, VersionInfo, Writer};
use crate::words::nearest;

/// How the history names whoever works at the command line.
const WRITER: &str = "owner";

/// Does what is asked of the store, which has its own lock: it works beside a daemon.
pub(super) fn run(command: Secret, project: &Project, global: &Global, console: &Console) -> Result<(), Error> {
    if project.server.is_some() {
        return there::run(command, project, global, console);
    }
    let store = project.store()?;
    for problem in store.problems() {
        console.note(&format!("warning: {problem}"));
    }
    match command {
        Secret::Set { name, from_file, force, plain, expires } => {
            let value = set::value(&name, from_file.as_deref(), project, global, console)?;
            set::run(&set::Setting { name, value, force, plain, expires }, project, &store, console)
        }
        Secret::Get { name, reveal } => get(&name, reveal, project, &store, console),
        Secret::List { .. } => {
            view::list(&secrets(&store), console);
            Ok(())
        }
        Secret::Rm { name, confirm } => remove(&name, confirm, project, &store, global, console),
        Secret::History { name } => {
            exists(&name, &store)?;
            view::history(&versions(&name, &store), console);
            Ok(())
        }
        Secret::Rollback { name, to } => roll_back(&name, to, project, &store, console),
        Secret::TagList { name } => tag(&name, &[], project, &store, console),
        Secret::Tag { name, tags } | Secret::TagAdd { name, tags } => tag(&name, &tags, project, &store, console),
        Secret::TagDelete { name, tags } => tag(&name, &removals(&tags), project, &store, console),
        Secret::Exists { name } if store.snapshot().contains(&name) => Ok(()),
        Secret::Exists { .. } => Err(Error::silent(Kind::Failed)),
        Secret::Resolve { settle } => resolve::run(settle, project, &store, console),
    }
}

fn get(reference: &str, reveal: bool, project: &Project, store: &Store, console: &Console) -> Result<(), Error> {
    let (name, version) = reference_of(reference)?;
    let snapshot = store.snapshot();
    exists(name, store)?;
    let value = snapshot.get(name, version).ok_or_else(|| {
        Error::new(Kind::NotFound, format!("there is no `{reference}`"))
            .hint(format!("see `keytide secret history {name}`"))
    })?;
    if reveal {
        let fingerprint = snapshot.fingerprint(&value);
        let entry = audit::of_secret(Action::Reveal, name).detailed(reference);
        audit::record(&[Entry { new: Some(fingerprint), ..entry }], project, store)?;
    }
    match (reveal, console.format) {
        (true, Format::Json) => console.json(&json!({"name": name, "value": value.expose()})),
        (true, Format::Table) => console.value(value.expose()),
        (false, Format::Json | Format::Table) => {
            let fingerprint = snapshot.fingerprint(&value);
            let secret = secrets(store).into_iter().find(|secret| secret["name"] == name).unwrap_or_default();
            let is_it = |version: &Value| version["fingerprint"] == fingerprint;
            view::one(&view::of_version(secret, &versions(name, store), is_it).unwrap_or_default(), console);
        }
    }
    Ok(())
}

fn remove(
    name: &str,
    confirm: Option<String>,
    project: &Project,
    store: &Store,
    global: &Global,
    console: &Console,
) -> Result<(), Error> {
    exists(name, store)?;
    confirmed(name, confirm, global, console)?;
    let old = audit::fingerprint(&store.snapshot(), name, Version::Current);
    let told = [Entry { old, ..audit::of_secret(Action::Remove, name) }];
    audit::change(&told, project, store, || store.update(vec![Change::Remove { name: name.to_owned() }]))?;
    console.note(&format!("removed {name}"));
    Ok(())
}

/// Fails where the name of what is to be removed is not given twice.
fn confirmed(name: &str, confirm: Option<String>, global: &Global, console: &Console) -> Result<(), Error> {
    let typed = match confirm {
        Some(confirm) => confirm,
        None if prompt::is_terminal() && !global.no_input => {
            prompt::line(console, &format!("Remove `{name}` with all its versions? Write its name: "))?
        }
        None => {
            return Err(Error::new(Kind::Usage, "removing a secret needs its name twice")
                .hint(format!("run `keytide secret rm {name} --confirm {name}`")));
        }
    };
    if typed == name {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, format!("`{typed}` is not `{name}`; nothing was removed")))
}

/// Splits `NAME@VERSION`.
fn reference_of(reference: &str) -> Result<(&str, Version), Error> {
    let (name, version) = match reference.split_once('@') {
        Some((name, version)) => (name, Version::parse(version)),
        None => (reference, Some(Version::Current)),
    };
    let version = version.ok_or_else(|| {
        Error::new(Kind::Usage, format!("`{reference}` names no version")).hint("write NAME@previous or NAME@7")
    })?;
    Ok((name, version))
}

fn roll_back(name: &str, to: Option<u32>, project: &Project, store: &Store, console: &Console) -> Result<(), Error> {
    exists(name, store)?;
    let to = to.map_or(Version::Previous, Version::Number);
    let snapshot = store.snapshot();
    let told = [Entry {
        old: audit::fingerprint(&snapshot, name, Version::Current),
        new: audit::fingerprint(&snapshot, name, to),
        ..audit::of_secret(Action::RollBack, name)
    }];
    let change = Change::Rollback { name: name.to_owned(), to, writer: Writer::person(WRITER) };
    let written = audit::change(&told, project, store, || store.update(vec![change]))?;
    view::written(&written, &store.snapshot(), console);
    Ok(())
}

fn tag(name: &str, tags: &[String], project: &Project, store: &Store, console: &Console) -> Result<(), Error> {
    exists(name, store)?;
    let change = |tag: &String| {
        let (key, value) = tag_of(tag)?;
        Ok(Change::Tag { name: name.to_owned(), key: key.to_owned(), value: value.map(str::to_owned) })
    };
    let changes = tags.iter().map(change).collect::<Result<Vec<_>, Error>>()?;
    if !changes.is_empty() {
        let told: Vec<_> = tags.iter().map(|tag| audit::of_secret(Action::Tag, name).detailed(tag)).collect();
        audit::change(&told, project, store, || store.update(changes))?;
    }
    view::tags(&json!(store.snapshot().tags(name).cloned().unwrap_or_default()), console);
    Ok(())
}

/// Reads `KEY:VALUE`, which sets a tag, or `KEY:`, which removes it.
fn tag_of(tag: &str) -> Result<(&str, Option<&str>), Error> {
    let (key, value) = tag.split_once(':').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
        Error::new(Kind::Usage, format!("`{tag}` is no tag")).hint("write KEY:VALUE to set it, KEY: to remove it")
    })?;
    Ok((key, Some(value).filter(|value| !value.is_empty())))
}

/// Returns what removes the tags of these keys, whatever their values.
fn removals(tags: &[String]) -> Vec<String> {
    tags.iter().map(|tag| format!("{}:", tag.split_once(':').map_or(tag.as_str(), |(key, _)| key))).collect()
}

fn secrets(store: &Store) -> Vec<Value> {
    store.snapshot().list().iter().map(Summary::to_json).collect()
}

fn versions(name: &str, store: &Store) -> Vec<Value> {
    store.snapshot().history(name).unwrap_or_default().iter().map(VersionInfo::to_json).collect()
}

/// Fails where there is no such secret, naming the one that was probably meant.
fn exists(name: &str, store: &Store) -> Result<(), Error> {
    let snapshot = store.snapshot();
    if snapshot.contains(name) {
        return Ok(());
    }
    let error = Error::new(Kind::NotFound, format!("there is no secret `{name}`"));
    Err(match nearest(name, snapshot.names()) {
        Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
        None => error.hint(format!("keep one with `keytide secret set {name}`")),
    })
}
