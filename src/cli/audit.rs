//! `keytide audit`: who did what; and what commands of this machine say of themselves.

use std::time::Duration;

use serde_json::Value;

use super::args::{Audit, Format};
use super::connection::Connection;
use super::console::Console;
use super::error::{Error, Kind};
use super::project::Project;
use super::runs;
use crate::clock::{Clock, SystemClock};
use crate::daemon;
use crate::journal::{Action, Actor, AuditQuery, Entry, Log as _, Notes, Object, SqliteLog, Verdict};
use crate::secret::{Snapshot, Store, Version};
use crate::words::{Owner, Timestamp};
use crate::workflow::duration::parse_duration_seconds;

/// How many entries one question brings.
const PAGE_MAX: usize = 1_000;
/// From which length of the notes on a command takes them into the journal, where nobody holds it: some thirty commands, so that
/// reading them costs the next one little.
const NOTES_BYTES_TAKEN: u64 = 16 << 10;

/// Shows the audit, or checks it.
pub(super) fn run(arguments: &Audit, project: &Project, console: &Console) -> Result<(), Error> {
    if arguments.verify {
        let found = runs::with(project, console, Connection::verify_audit)?;
        return verified(&found, console);
    }
    if let Some(reason) = &arguments.acknowledge {
        let found = runs::with(project, console, |connection| connection.acknowledge_audit(reason))?;
        return verified(&found, console);
    }
    let since = arguments.since.as_deref().map(moment).transpose()?;
    let mut entries = runs::with(project, console, |connection| gathered(arguments, since, connection))?;
    match (arguments.jsonl, console.format) {
        (true, _) => entries.iter().rev().for_each(|entry| console.data(&entry.to_string())),
        (false, Format::Json) => console.json(&Value::Array(entries)),
        (false, Format::Table) => {
            entries.reverse();
            let rows: Vec<_> = entries.iter().map(row).collect();
            console.table(&["ENTRY", "TIME", "WHO", "DID", "TO", "OUTCOME", "RUN", "MORE"], &rows);
        }
    }
    Ok(())
}

/// Asks until there are as many as were wanted, or no more.
fn gathered(arguments: &Audit, since: Option<Timestamp>, connection: &Connection) -> Result<Vec<Value>, Error> {
    let wanted = usize::try_from(arguments.count).unwrap_or(usize::MAX);
    let mut query = AuditQuery {
        since,
        secret: arguments.secret.clone(),
        actor: arguments.actor.clone(),
        run: arguments.run.clone(),
        before: None,
        count: 0,
        brief: arguments.brief,
    };
    let mut entries = Vec::new();
    while entries.len() < wanted {
        query.count = (wanted - entries.len()).min(PAGE_MAX);
        let mut page = connection.audit(query.clone())?;
        if let Value::Array(found) = page["entries"].take() {
            entries.extend(found);
        }
        query.before = page["next"].as_u64();
        if query.before.is_none() {
            break;
        }
    }
    Ok(entries)
}

fn verified(found: &Value, console: &Console) -> Result<(), Error> {
    if found["valid"] != true {
        return Err(Error::new(Kind::Failed, found["message"].as_str().unwrap_or("the audit does not hold"))
            .hint("keep the state folder as it is, and find out who can write there")
            .hint("once you know, say so: keytide audit --acknowledge REASON"));
    }
    match console.format {
        Format::Json => console.json(found),
        Format::Table => console.data(&format!(
            "the audit holds, up to entry {} with hash {}",
            found["seq"],
            found["hash"].as_str().unwrap_or_default()
        )),
    }
    for one in found["acknowledged"].as_array().into_iter().flatten() {
        let text = |name: &str| one[name].as_str().unwrap_or_default();
        let at = Timestamp::from_millis(one["at"].as_i64().unwrap_or_default());
        console.note(&format!("acknowledged in entry {} at {at}: {}: {}", one["seq"], text("broken"), text("reason")));
    }
    console.note("keep this line elsewhere: a later check that shows the same hash for that entry rests on it");
    Ok(())
}

fn row(entry: &Value) -> Vec<String> {
    let text = |path: &str| entry.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    if !text("/fault").is_empty() {
        let mut row = vec![entry["seq"].to_string(), String::new()];
        row.resize(7, "?".to_owned());
        row.push(text("/fault"));
        return row;
    }
    let address = match text("/actor/address").as_str() {
        "" => String::new(),
        address => format!(" ({address})"),
    };
    let change = [("old", "/old"), ("new", "/new")].map(|(name, path)| (name, text(path)));
    let change =
        change.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name} {value}"));
    let version = entry["version"].as_u64().map(|version| format!("v{version}"));
    let more: Vec<String> = version.into_iter().chain(change).chain([text("/detail"), text("/run/task")]).collect();
    vec![
        entry["seq"].to_string(),
        Timestamp::from_millis(entry["at"].as_i64().unwrap_or_default()).to_string(),
        format!("{}:{}{address}", text("/actor/kind"), text("/actor/name")),
        text("/action"),
        format!("{}:{}", text("/object/kind"), text("/object/name")),
        text("/outcome"),
        text("/run/id"),
        more.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "),
    ]
}

/// Reads a time, or a duration before now.
fn moment(text: &str) -> Result<Timestamp, Error> {
    let ago = |seconds| SystemClock.now().minus(Duration::from_secs(seconds));
    Timestamp::parse(text).or_else(|| parse_duration_seconds(text).map(ago)).ok_or_else(|| {
        Error::new(Kind::Usage, format!("`{text}` is neither a time nor a duration"))
            .hint("write 2027-01-31T00:00:00Z, or 24h")
    })
}

/// Tells the audit what this command is about to do to the store itself; what cannot be told is not done.
pub(super) fn record(entries: &[Entry], project: &Project, store: &Store) -> Result<(), Error> {
    let told = tell(entries, project, store);
    told.map_err(|error| {
        Error::new(Kind::Failed, format!("the audit cannot be written, so nothing was done: {error}"))
            .hint(format!("{} must be writable", project.shown(&project.state)))
    })
}

/// Changes the store, once the audit says so.
pub(super) fn change<T>(
    entries: &[Entry],
    project: &Project,
    store: &Store,
    change: impl FnOnce() -> Result<T, crate::secret::Error>,
) -> Result<T, Error> {
    // Most of what a rewrite computes is done while the disk syncs what is told.
    daemon::meanwhile(|| store.prepare(), || record(entries, project, store))?;
    let changed = change();
    if changed.is_err() {
        let failed: Vec<_> = entries.iter().cloned().map(|entry| entry.with(Verdict::Failed)).collect();
        record(&failed, project, store)?;
    }
    Ok(changed?)
}

/// Notes the entries beside the journal, for whoever holds it next. To open the journal takes five syncs and this takes one, so
/// only a command that finds many notes brings them there itself.
fn tell(entries: &[Entry], project: &Project, store: &Store) -> Result<(), Box<dyn std::error::Error>> {
    let sealer = store.sealer()?;
    let journal = project.state.join("journal.db");
    let bytes = Notes::beside(&journal, sealer.clone()).add(&*project.disk, &SystemClock, entries)?;
    if bytes < NOTES_BYTES_TAKEN {
        return Ok(());
    }
    let Some(_lock) = project.disk.try_lock(&project.state.join("daemon.lock"))? else { return Ok(()) };
    if let Err(error) = SqliteLog::open(&journal, sealer).and_then(|mut log| log.take_notes(SystemClock.now())) {
        // What this command does is told all the same; a daemon tries it again each minute.
        tracing::warn!(%error, "what commands noted could not be taken into the audit");
    }
    Ok(())
}

/// Returns an entry of this command about a secret.
pub(super) fn of_secret(action: Action, name: &str) -> Entry {
    of(action, Object::secret(name))
}

/// Returns an entry of this command: whoever can read the identity is the owner, as which user is told beside.
pub(super) fn of(action: Action, object: Object) -> Entry {
    let user = format!("uid {}", rustix::process::getuid().as_raw());
    Entry::new(SystemClock.now(), Actor { address: Some(user), ..Actor::of(&Owner::Local) }, action, object)
}

/// Returns the fingerprint of a version.
pub(super) fn fingerprint(snapshot: &Snapshot, name: &str, version: Version) -> Option<String> {
    snapshot.get(name, version).map(|value| snapshot.fingerprint(&value))
}
