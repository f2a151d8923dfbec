//! `keytide recipient`: who can read the secrets.

use serde_json::json;

use super::args::{Format, Recipient as Command};
use super::audit;
use super::console::Console;
use super::error::Error;
use super::project::Project;
use crate::journal::{Action, Object, ObjectKind};
use crate::secret::{Change, Recipient, Store};

/// Adds, removes or lists recipients.
pub(super) fn run(command: Command, project: &Project, console: &Console) -> Result<(), Error> {
    let store = project.store()?;
    match command {
        Command::List => list(&store, console),
        Command::Add { recipient, name } => {
            let said = format!("{name} can read the secrets from now on");
            let told = [audit::of(Action::Create, Object::new(ObjectKind::Recipient, &name)).detailed(&recipient)];
            let change = Change::AddRecipient(Recipient { recipient, name });
            audit::change(&told, project, &store, || store.update(vec![change]))?;
            console.note(&said);
        }
        Command::Rm { recipient } => {
            let said = format!("{recipient} cannot read what is written from now on");
            let told = [audit::of(Action::Remove, Object::new(ObjectKind::Recipient, &recipient))];
            let change = Change::RemoveRecipient { recipient };
            audit::change(&told, project, &store, || store.update(vec![change]))?;
            console.note(&said);
            console.note("what it could read until now it may still know: rotate those secrets");
        }
    }
    Ok(())
}

fn list(store: &Store, console: &Console) {
    let snapshot = store.snapshot();
    let recipients = snapshot.recipients();
    match console.format {
        Format::Json => {
            let one = |one: &Recipient| json!({"recipient": one.recipient, "name": one.name});
            console.json(&recipients.iter().map(one).collect());
        }
        Format::Table => {
            let rows: Vec<_> = recipients.iter().map(|one| vec![one.name.clone(), one.recipient.clone()]).collect();
            console.table(&["NAME", "RECIPIENT"], &rows);
        }
    }
}
