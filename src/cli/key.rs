//! `keytide key`: age identities.

use std::path::{Path, PathBuf};

use serde_json::json;
use zeroize::Zeroizing;

use super::args::{Format, Key};
use super::console::Console;
use super::error::{Error, Kind};
use super::project::Project;
use crate::clock::{Clock, SystemClock};
use crate::disk::{Disk, folder_of};
use crate::secret::Identity;

/// Makes or shows keys.
pub(super) fn run(command: Key, project: &Project, console: &Console) -> Result<(), Error> {
    match command {
        Key::New { file } => new(file, project, console),
        Key::Show => {
            let recipients = project.identity()?.recipients();
            match console.format {
                Format::Json => console.json(&recipients.iter().map(|key| json!({"recipient": key})).collect()),
                Format::Table => recipients.iter().for_each(|recipient| console.data(recipient)),
            }
            Ok(())
        }
    }
}

fn new(file: Option<PathBuf>, project: &Project, console: &Console) -> Result<(), Error> {
    let environment = &project.environment;
    let file = file.map(|file| environment.current.join(file)).or_else(|| environment.default_identity());
    let file = file.ok_or_else(no_place)?;
    let identity = Identity::generate();
    write(&*project.disk, &file, &identity)?;
    let recipient = identity.recipients().join(" ");
    match console.format {
        Format::Json => console.json(&json!({"file": file.display().to_string(), "recipient": recipient})),
        Format::Table => console.data(&recipient),
    }
    console.note(&format!("the identity is in {}; whoever has it opens what is encrypted to it", file.display()));
    Ok(())
}

/// Returns what to say where no default place is known.
pub(super) fn no_place() -> Error {
    Error::new(Kind::Key, "neither HOME nor XDG_CONFIG_HOME is set, so there is no place for an identity")
        .hint("name a file: `keytide key new --file FILE`")
}

/// Writes a new identity file, 0600, in a folder that only its owner can use; one that exists is never touched.
pub(super) fn write(disk: &dyn Disk, file: &Path, identity: &Identity) -> Result<(), Error> {
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Error::new(Kind::Conflict, format!("there is a file {} already; it is left as it is", file.display()))
                .hint("name another one: `keytide key new --file FILE`")
        }
        _ => Error::new(Kind::Failed, format!("cannot write {}: {error}", file.display())),
    };
    let folder = folder_of(file);
    disk.create_folder(folder).map_err(cannot)?;
    let head = format!("# created: {}\n# public key: {}\n", SystemClock.now(), identity.recipients().join(" "));
    let text = Zeroizing::new(format!("{head}{}", identity.to_text().expose()));
    let mut writing = disk.create(file).map_err(cannot)?;
    writing.write(text.as_bytes()).and_then(|()| writing.sync()).map_err(cannot)?;
    disk.sync_folder(folder).map_err(cannot)
}
