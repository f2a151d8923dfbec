//! `keytide exec`: secrets as the environment of another command, which takes the place of this process.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::args::Exec;
use super::audit;
use super::environment::IDENTITY_VARIABLES;
use super::error::{Error, Kind};
use super::project::Project;
use crate::journal::{Action, Entry};
use crate::secret::{Snapshot, Version};
use crate::words::{Sensitive, nearest};

/// Becomes the command; its exit code is ours. What opens the store is not handed over.
pub(super) fn run(arguments: &Exec, project: &Project) -> Result<(), Error> {
    let store = project.store()?;
    let snapshot = store.snapshot();
    let names = chosen(&arguments.only, &snapshot)?;
    let (program, rest) = arguments.command.split_first().ok_or_else(|| Error::new(Kind::Usage, "no command"))?;
    let mut command = Command::new(program);
    command.args(rest);
    for variable in IDENTITY_VARIABLES {
        command.env_remove(variable);
    }
    let mut told = Vec::with_capacity(names.len());
    for name in names {
        if let Some(value) = snapshot.get(&name, Version::Current) {
            set(&mut command, &name, &value)?;
            // What the command is told may be anything; its name is enough.
            let entry = audit::of_secret(Action::Read, &name).detailed(&format!("exec {program}"));
            told.push(Entry { new: Some(snapshot.fingerprint(&value)), ..entry });
        }
    }
    audit::record(&told, project, &store)?;
    let error = command.exec();
    let kind = if error.kind() == ErrorKind::NotFound { Kind::NotFound } else { Kind::Failed };
    Err(Error::new(kind, format!("cannot run `{program}`: {error}")))
}

/// Returns the names that were asked for, or all.
fn chosen(only: &[String], snapshot: &Snapshot) -> Result<Vec<String>, Error> {
    if only.is_empty() {
        return Ok(snapshot.names().map(str::to_owned).collect());
    }
    for name in only {
        if !snapshot.contains(name) {
            let error = Error::new(Kind::NotFound, format!("there is no secret `{name}`"));
            return Err(match nearest(name, snapshot.names()) {
                Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
                None => error,
            });
        }
    }
    Ok(only.to_vec())
}

/// Sets a secret under its own name and, where that differs, as shells and programs want it: upper case, `_` for `-`.
fn set(command: &mut Command, name: &str, value: &Sensitive) -> Result<(), Error> {
    if value.expose().contains('\0') {
        return Err(Error::new(Kind::Failed, format!("the secret `{name}` holds a NUL, which no environment takes"))
            .hint("leave it out with --only"));
    }
    command.env(name, value.expose());
    command.env(variable(name), value.expose());
    Ok(())
}

fn variable(name: &str) -> String {
    name.replace('-', "_").to_ascii_uppercase()
}
