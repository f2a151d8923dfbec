use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::workflow::load::TEST_ENDINGS;

/// Returns whether a file of this name holds definitions: its ending says so, no editor or tool hides it, and it is no test.
pub(super) fn is_definition(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let ends_with = |ending: &str| name.ends_with(ending.as_bytes());
    let is_right = [".yaml", ".yml", ".json"].into_iter().any(ends_with);
    is_right && !is_hidden(OsStr::from_bytes(name)) && !TEST_ENDINGS.into_iter().any(ends_with)
}

/// Returns whether a file of this name holds tests of workflows.
pub(super) fn is_test(name: &OsStr) -> bool {
    !is_hidden(name) && TEST_ENDINGS.iter().any(|ending| name.as_bytes().ends_with(ending.as_bytes()))
}

/// Returns whether an entry is hidden: tools keep their own things there (`.git`, `..data`, `.file.swp`).
pub(super) fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".")
}

/// Returns a path as it is shown and granted by. Bytes that are no UTF-8 and control characters are escaped, and so is the
/// backslash, so that two files never have one name.
pub(super) fn shown(path: &Path) -> String {
    let mut out = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' || c.is_control() || is_invisible(c) {
                out.extend(c.escape_default());
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}").expect("a String takes everything");
        }
    }
    out
}

/// Characters that turn or hide the text around them.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
