//! `keytide explain`: what a code of `keytide check` means.

use serde_json::json;

use super::args::{Explain, Format};
use super::console::Console;
use super::error::{Error, Kind};
use crate::words::nearest;
use crate::workflow::codes::{CODES, explain};

/// Prints the paragraph about a code.
pub(super) fn run(arguments: &Explain, console: &Console) -> Result<(), Error> {
    let code = arguments.code.as_str();
    if let Some(text) = explain(code) {
        match console.format {
            Format::Json => console.json(&json!({"code": code.to_uppercase(), "text": text})),
            Format::Table => console.data(text),
        }
        return Ok(());
    }
    let error = Error::new(Kind::NotFound, format!("there is no code `{code}`"));
    Err(match nearest(code, CODES.iter().map(|(code, _)| *code)) {
        Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
        None => error.hint("codes are shown by `keytide check`, as `E0104`"),
    })
}
