//! `keytide explain`: what a code of `keytide check` means.

use std::ffi::OsString;

use serde_json::json;

use super::args::{Explain, Format};
use super::console::Console;
use super::error::{Error, Kind};
use crate::words::nearest;
use crate::workflow::codes::{codes, explain};

/// Prints the paragraph about a code.
pub(super) fn run(arguments: &Explain, console: &Console) -> Result<(), Error> {
    let code = arguments.code.as_str();
    if let Some(known) = explain(code) {
        match console.format {
            Format::Json => {
                console.json(&json!({"code": known.code, "text": known.text, "examples": known.examples}));
            }
            Format::Table => console.data(&format!("{}\n\n{}", known.text, known.examples.replace("```", "---"))),
        }
        return Ok(());
    }
    let error = Error::new(Kind::NotFound, format!("there is no code `{code}`"));
    Err(match nearest(code, codes().map(|code| code.code)) {
        Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
        None => error.hint("codes are shown by `keytide check`, as `E0104`"),
    })
}

/// Returns `explain CODE` for `help CODE`, and any other command line as it is.
pub(super) fn asked_as_help(mut given: Vec<OsString>) -> Vec<OsString> {
    let code = given.get(2).and_then(|code| code.to_str()).unwrap_or_default();
    let is_code =
        code.len() == 5 && code.starts_with(|c: char| c.is_ascii_alphabetic()) && code[1..].parse::<u16>().is_ok();
    if is_code && given.get(1).is_some_and(|command| command == "help") {
        given[1] = "explain".into();
    }
    given
}
