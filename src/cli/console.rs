//! The two streams: data on stdout, everything else on stderr.
//!
//! **Architecture Invariant:** nothing else in the crate prints. A closed pipe ends the output quietly.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::args::Format;
use super::error::Error;
use crate::redact::Masker;
use crate::words::Diagnostic;
use crate::workflow::report;

/// Where a command prints.
pub(super) struct Console {
    /// How results are printed.
    pub(super) format: Format,
    /// Whether only results and errors are printed.
    pub(super) quiet: bool,
    /// How much more is said.
    pub(super) verbose: u8,
}

/// Returns the stream of the logs.
pub(super) fn stderr() -> std::io::Stderr {
    std::io::stderr()
}

#[expect(clippy::unused_self, reason = "who prints holds the console, so that a command cannot print by accident")]
impl Console {
    /// Prints a line of data.
    pub(super) fn data(&self, line: &str) {
        let mut stdout = AutoStream::auto(std::io::stdout().lock());
        let _ = writeln!(stdout, "{line}");
        let _ = stdout.flush();
    }

    /// Prints bytes as they are.
    pub(super) fn raw(&self, bytes: &[u8]) {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(bytes);
        let _ = stdout.flush();
    }

    /// Prints JSON.
    pub(super) fn json(&self, value: &Value) {
        let text = serde_json::to_string_pretty(value).expect("a value has only text keys");
        self.data(&text);
    }

    /// Tells people something.
    pub(super) fn note(&self, line: &str) {
        if !self.quiet {
            let mut stderr = AutoStream::auto(std::io::stderr().lock());
            let _ = writeln!(stderr, "{}", plain(line));
        }
    }

    /// Prints a value as it is; on a terminal the next prompt gets its own line.
    pub(super) fn value(&self, text: &str) {
        self.raw(text.as_bytes());
        if std::io::stdout().is_terminal() {
            self.raw(b"\n");
        }
    }

    /// Asks people something, on the same line.
    pub(super) fn ask(&self, question: &str) {
        let mut stderr = AutoStream::auto(std::io::stderr().lock());
        let _ = write!(stderr, "{question}");
        let _ = stderr.flush();
    }

    /// Shows people a problem of a file at its line, which may hold a secret in clear.
    pub(super) fn report(&self, diagnostic: &Diagnostic, masker: &Masker) {
        let mut stderr = AutoStream::auto(std::io::stderr().lock());
        let _ = writeln!(stderr, "{}\n", masker.mask_text(&report::render(diagnostic, true)));
    }

    /// Tells people what failed and what to do; machines get JSON.
    pub(super) fn error(&self, error: &Error) {
        if error.message.is_empty() {
            return;
        }
        let mut stderr = AutoStream::auto(std::io::stderr().lock());
        match self.format {
            Format::Json => {
                let _ = writeln!(stderr, "{}", error.to_json());
            }
            Format::Table => {
                let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
                let cyan = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
                let _ = writeln!(stderr, "{red}error{red:#}: {}", plain(&error.message));
                for hint in &error.hints {
                    let _ = writeln!(stderr, "{cyan}hint{cyan:#}: {}", plain(hint));
                }
            }
        }
    }

    /// Prints rows under their headings, aligned.
    pub(super) fn table(&self, headings: &[&str], rows: &[Vec<String>]) {
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain(headings.get(column).map(|heading| heading.chars().count())).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..headings.len()).map(width).collect();
        let line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let bold = Style::new().bold();
        let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
        self.data(&format!("{bold}{}{bold:#}", line(&headings)));
        for row in &rows {
            self.data(&line(row));
        }
    }

    /// Returns whether people watch stderr, so that lines may be drawn again.
    pub(super) fn is_watched(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// Returns whether people watch stdout, so that a scene may be played there.
    pub(super) fn is_a_screen(&self) -> bool {
        !self.quiet && std::io::stdout().is_terminal()
    }

    /// Returns how many columns and rows people see of stderr.
    pub(super) fn screen(&self) -> (usize, usize) {
        let size =
            rustix::termios::tcgetwinsize(std::io::stderr()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
        size.map_or(SCREEN_USUAL, |size| (size.ws_col.into(), size.ws_row.into()))
    }

    /// Draws lines on stderr in the place of the last ones; they hold no control characters.
    pub(super) fn draw(&self, lines: &[String], drawn: usize) {
        let mut stderr = std::io::stderr().lock();
        let mut frame = CLEAR_LINE_ABOVE.repeat(drawn);
        for line in lines {
            frame.extend([line, "\n"]);
        }
        let _ = stderr.write_all(frame.as_bytes());
        let _ = stderr.flush();
    }

    /// Draws lines on stdout in the place of the last ones.
    pub(super) fn redraw(&self, lines: &[String], drawn: usize) {
        let up = CLEAR_LINE_ABOVE.repeat(drawn);
        self.raw(format!("{up}{}\n", lines.join("\n")).as_bytes());
    }
}

/// Goes up a line and empties it.
const CLEAR_LINE_ABOVE: &str = "\x1b[1A\x1b[2K";
/// The columns and rows of a terminal that does not say.
const SCREEN_USUAL: (usize, usize) = (80, 24);

/// Returns text of somebody else without what a terminal would obey; lines stay lines.
fn plain(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(obeyed) { text.replace(obeyed, "\u{fffd}").into() } else { text.into() }
}

/// Returns text of somebody else as a part of one line.
pub(super) fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::{one_line, plain};

    #[test]
    fn a_terminal_obeys_nothing_that_somebody_else_wrote() {
        assert_eq!(plain("a\x1b]0;x\x07b\u{9b}2J\n\tc"), "a\u{fffd}]0;x\u{fffd}b\u{fffd}2J\n\tc");
        assert_eq!(plain("häß ✓"), "häß ✓");
        assert_eq!(one_line("a\r\nb\tc\x1b[2J"), "a  b c [2J");
    }
}
