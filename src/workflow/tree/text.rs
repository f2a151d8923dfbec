use std::sync::Arc;

use super::FILE_BYTES_MAX;
use crate::words::{Diagnostic, Source, Span};
use crate::workflow::problem;

/// Reads a file's bytes as text, without its byte order mark.
///
/// Errors with a diagnostic when the file is too large, is not UTF-8 or holds a NUL.
pub fn decode(name: &str, bytes: &[u8]) -> Result<Source, Box<Diagnostic>> {
    let name: Arc<str> = name.into();
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes, at most {FILE_BYTES_MAX} are read", bytes.len());
        let source = Source { name, text: "".into() };
        return Err(Box::new(problem::error(&source, None, "E0102", message).help("split it into several files")));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => checked(name, text),
        Err(error) => Err(Box::new(not_utf8(name, bytes, error.valid_up_to()))),
    }
}

fn checked(name: Arc<str>, text: &str) -> Result<Source, Box<Diagnostic>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source { name, text: text.into() };
    let Some(at) = text.find('\0') else { return Ok(source) };
    let help = if at < 4 { "it looks like UTF-16 or UTF-32: save it as UTF-8" } else { "is it a text file?" };
    Err(Box::new(
        problem::error(&source, Some(Span::new(at, at + 1)), "E0101", "the file holds a NUL byte".to_owned())
            .help(help),
    ))
}

fn not_utf8(name: Arc<str>, bytes: &[u8], at: usize) -> Diagnostic {
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let source = Source { name, text: String::from_utf8_lossy(bytes).into() };
    if utf16 {
        return problem::error(&source, None, "E0101", "the file is UTF-16".to_owned()).help("save it as UTF-8");
    }
    // What stands before the first bad byte is the same in the repaired text, so the offset holds there.
    let span = Span::new(at, at + char::REPLACEMENT_CHARACTER.len_utf8());
    problem::error(&source, Some(span), "E0101", format!("the file is not UTF-8: byte {at} starts no character"))
        .help("save it as UTF-8")
}
