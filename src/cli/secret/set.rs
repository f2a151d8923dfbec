use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use zeroize::Zeroizing;

use super::super::args::Global;
use super::super::audit;
use super::super::console::Console;
use super::super::error::{Error, Kind};
use super::super::project::Project;
use super::super::{prompt, usage};
use super::{WRITER, view};
use crate::clock::{Clock, SystemClock};
use crate::journal::{Action, Entry};
use crate::secret::{
    Allow, Change, Evaluation, Store, VALUE_BYTES_MAX, Version, Write, Writer, check_name, text_to_store,
};
use crate::words::{Sensitive, Timestamp};
use crate::workflow::duration::parse_duration_seconds;

/// A secret that is set. No `Debug`.
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) value: Sensitive,
    pub(super) force: bool,
    pub(super) plain: bool,
    pub(super) expires: Option<String>,
}

/// Gets the value: from a file, a hidden prompt or standard input. Never from an argument, which every user of the machine
/// can read.
pub(super) fn value(
    name: &str,
    file: Option<&Path>,
    project: &Project,
    global: &Global,
    console: &Console,
) -> Result<Sensitive, Error> {
    if name.contains('=') {
        return Err(usage::argument_refused(None));
    }
    check_name(name)?;
    if let Some(file) = file {
        let path = project.environment.current.join(file);
        let read = project.disk.read(&path, VALUE_BYTES_MAX as u64 + 2).map(Zeroizing::new);
        let bytes =
            read.map_err(|error| Error::new(Kind::Failed, format!("cannot read {}: {error}", file.display())))?;
        return prompt::value_of_bytes(&bytes);
    }
    if !prompt::is_terminal() {
        return prompt::piped_value();
    }
    if global.no_input {
        return Err(Error::new(Kind::Usage, "there is nobody to ask for the value")
            .hint(format!("pipe it: `printf %s \"$VALUE\" | keytide secret set {name}`, or use --from-file FILE")));
    }
    prompt::hidden_value(console, name)
}

/// Keeps a value.
pub(super) fn run(setting: &Setting, project: &Project, store: &Store, console: &Console) -> Result<(), Error> {
    let name = &setting.name;
    let allow = if setting.force { Allow::ALL } else { Allow::default() };
    let value = text_to_store(&Value::from(setting.value.expose()), Evaluation::Literal, allow).map_err(|refusal| {
        let refusal = refusal.to_string();
        let reason = refusal.split_once(" (").map_or(refusal.as_str(), |(reason, _)| reason);
        Error::new(Kind::Failed, format!("the value for `{name}` is refused: {reason}"))
            .hint("if it is meant, add --force")
    })?;
    let expires = setting.expires.as_deref().map(moment).transpose()?;
    let write = Write { name: name.clone(), value, expires, plain: setting.plain };
    let snapshot = store.snapshot();
    let action = if snapshot.contains(name) { Action::Write } else { Action::Create };
    let told = [Entry {
        old: audit::fingerprint(&snapshot, name, Version::Current),
        new: Some(snapshot.fingerprint(&write.value)),
        ..audit::of_secret(action, name)
    }];
    let change = Change::Put { writes: vec![write], writer: Writer::person(WRITER) };
    let written = audit::change(&told, project, store, || store.update(vec![change]))?;
    view::written(&written, &store.snapshot(), console);
    Ok(())
}

/// Reads a time, or a duration from now.
pub(super) fn moment(text: &str) -> Result<Timestamp, Error> {
    let from_now = |seconds| SystemClock.now().plus(Duration::from_secs(seconds));
    Timestamp::parse(text).or_else(|| parse_duration_seconds(text).map(from_now)).ok_or_else(|| {
        Error::new(Kind::Usage, format!("`{text}` is neither a time nor a duration"))
            .hint("write 2027-01-31T00:00:00Z, or 90d, 12h")
    })
}
