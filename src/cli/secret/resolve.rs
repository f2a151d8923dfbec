use serde_json::{Value, json};

use super::super::args::Format;
use super::super::audit;
use super::super::console::Console;
use super::super::error::Error;
use super::super::project::Project;
use crate::journal::{Action, Object, ObjectKind};
use crate::secret::{Conflict, Difference, Recipient, Side, Store, VersionInfo};

/// Shows both sides of a forked store by name and fingerprint, and settles it where that is asked.
pub(super) fn run(settle: bool, project: &Project, store: &Store, console: &Console) -> Result<(), Error> {
    let Some(conflict) = store.conflict()? else {
        console.note("the store is not forked; there is nothing to resolve");
        if console.format == Format::Json {
            console.json(&Value::Null);
        }
        return Ok(());
    };
    let conflict = if settle {
        let told = [audit::of(Action::Write, Object::new(ObjectKind::Store, "store")).detailed("a fork was settled")];
        audit::change(&told, project, store, || store.resolve())?.0
    } else {
        conflict
    };
    match console.format {
        Format::Json => console.json(&conflict_json(&conflict)),
        Format::Table => show(&conflict, console),
    }
    console.note(if settle {
        "settled; the other side's values are the versions before"
    } else {
        "`keytide secret resolve --settle` keeps per secret the version written last"
    });
    Ok(())
}

fn show(conflict: &Conflict, console: &Console) {
    console.note(&format!("the store is forked: {}", conflict.reason));
    if !conflict.is_mergeable {
        console.note("the file cannot be merged: settling puts it aside and keeps what is known here");
        return;
    }
    let side = |version: &Option<VersionInfo>| match version {
        Some(version) => format!("v{} {} {}", version.version, version.fingerprint, version.created),
        None => "-".to_owned(),
    };
    let row = |one: &Difference| vec![one.name.clone(), side(&one.ours), side(&one.theirs), winner(one).to_owned()];
    let rows: Vec<_> = conflict.differences.iter().map(row).collect();
    console.table(&["SECRET", "HERE", "FILE", "STAYS"], &rows);
    for recipient in &conflict.foreign_recipients {
        console
            .note(&format!("only the file lists {} ({}); it is not taken over", recipient.name, recipient.recipient));
    }
}

const fn winner(difference: &Difference) -> &'static str {
    match difference.winner {
        Side::Ours => "here",
        Side::Theirs => "file",
    }
}

fn conflict_json(conflict: &Conflict) -> Value {
    let difference = |one: &Difference| {
        json!({
            "name": one.name,
            "ours": one.ours.as_ref().map(VersionInfo::to_json),
            "theirs": one.theirs.as_ref().map(VersionInfo::to_json),
            "winner": match one.winner { Side::Ours => "ours", Side::Theirs => "theirs" },
        })
    };
    let recipient = |one: &Recipient| json!({"recipient": one.recipient, "name": one.name});
    json!({
        "reason": conflict.reason.to_string(),
        "mergeable": conflict.is_mergeable,
        "differences": conflict.differences.iter().map(difference).collect::<Value>(),
        "foreignRecipients": conflict.foreign_recipients.iter().map(recipient).collect::<Value>(),
    })
}
