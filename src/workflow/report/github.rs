//! Problems as annotations of a pull request: GitHub's workflow commands, a line each.

use std::fmt::Write as _;

use crate::words::{Diagnostic, Severity};

/// Returns the workflow commands that annotate the files.
pub fn to_github(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().flat_map(|diagnostic| [command(diagnostic), "\n".to_owned()]).collect()
}

fn command(diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut command = format!("::{level} file={}", property(&diagnostic.source.name));
    if let Some(span) = diagnostic.span {
        let ((line, column), (end_line, end_column)) =
            (diagnostic.source.position(span.start), diagnostic.source.position(span.end));
        let _ = write!(command, ",line={line},endLine={end_line}");
        // GitHub takes columns within one line only.
        if line == end_line {
            let _ = write!(command, ",col={column},endColumn={end_column}");
        }
    }
    let help = diagnostic.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    format!("{command},title={}::{}", property(diagnostic.code), data(&format!("{}{help}", diagnostic.message)))
}

/// Escapes what would end the command: a text with a line break could begin a command of its own.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
