//! `keytide eval`: one expression against a JSON document.

use std::path::Path;

use serde_json::Value;

use super::args::{Eval, Format};
use super::console::Console;
use super::error::{Error, Kind};
use super::project::Project;
use super::prompt;
use crate::workflow::expressions::{DocumentLookup, inert, resolve_text, shown};

/// The longest document that is read.
const DOCUMENT_BYTES_MAX: usize = 16 << 20;

/// Prints what an expression gives: text as it is, anything else as JSON.
pub(super) fn run(arguments: &Eval, project: &Project, console: &Console) -> Result<(), Error> {
    let document = inert(document(&arguments.document, project)?);
    let value = resolve_text(&arguments.expression, &DocumentLookup(&document)).map_err(|hit| {
        Error::new(Kind::Failed, hit).hint("Conductor may evaluate it; here it has to be written more simply")
    })?;
    match (shown(&value).as_ref(), console.format) {
        (Value::String(text), Format::Table) => console.data(text),
        (value, Format::Table | Format::Json) => console.json(value),
    }
    Ok(())
}

fn document(path: &Path, project: &Project) -> Result<Value, Error> {
    let bytes = if path == Path::new("-") {
        prompt::piped_bytes(DOCUMENT_BYTES_MAX)?.to_vec()
    } else {
        let file = project.environment.current.join(path);
        let read = project.disk.read(&file, DOCUMENT_BYTES_MAX as u64);
        read.map_err(|error| Error::new(Kind::NotFound, format!("cannot read {}: {error}", path.display())))?
    };
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::new(Kind::Usage, format!("{} is not JSON: {error}", path.display())))
}
