//! What a person should know about YAML that cannot be read, or reads otherwise than it looks.

use granit_parser::{ErrorKind, ScanError};

use super::super::json::too_deep;
use crate::words::{Diagnostic, Source, Span};
use crate::workflow::cron::Cron;
use crate::workflow::problem;

/// Explains why the parser stopped at a byte.
pub(super) fn scan_error(source: &Source, at: usize, error: &ScanError) -> Diagnostic {
    let span = visible(source, at);
    let line = Line::around(source, span.start);
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return too_deep(source, span);
    }
    if matches!(error.kind(), ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation) {
        let message = "a tab stands where YAML wants spaces".to_owned();
        return problem::error(source, Some(span), "E0103", message).help("indent with spaces");
    }
    if let Some(diagnostic) = unquoted(source, &line) {
        return diagnostic;
    }
    let message = error.kind().to_string().replace("EOF", "end of file");
    let diagnostic = problem::error(source, Some(span), "E0103", message);
    if line.text.trim_start().starts_with("//") {
        return diagnostic.help("YAML comments start with `#`; `//` is for JSON files");
    }
    if line.text.contains('{') && line.text.contains("${") {
        return diagnostic.help("quote the text: inside `{ }` YAML reads the braces of `${…}` as its own");
    }
    if line.text.matches(": ").count() > 1 {
        return diagnostic.help("quote a text that holds `: `");
    }
    let message = error.kind().to_string();
    let says = |words: &str| message.contains(words);
    if says("quoted scalar") {
        diagnostic.help("a quote is opened and not closed; inside of quotes every line is indented")
    } else if says("block collection") || says("block mapping") || says("indentation") {
        diagnostic.help("the fields of one map start in one column, and so do the items of one list")
    } else if says("directive") {
        diagnostic.help("remove the line: the file is read as YAML 1.2 in any case")
    } else {
        diagnostic
    }
}

/// Explains an alias that nothing stands behind: mostly a cron expression or a pattern without quotes.
pub(super) fn unknown_alias(source: &Source, name: &str, span: Span) -> Diagnostic {
    let line = Line::around(source, span.start);
    unquoted(source, &line).unwrap_or_else(|| {
        problem::error(source, Some(span), "E0108", format!("`*{name}` refers to an anchor that is not defined"))
            .label("no `&` of this name stands before it")
            .help("define the anchor first, or quote the text if no alias is meant")
    })
}

/// Explains an alias within what it stands for.
pub(super) fn alias_of_itself(source: &Source, span: Span) -> Diagnostic {
    problem::error(source, Some(span), "E0108", "the alias stands inside what it refers to".to_owned())
        .help("write the value out")
}

/// Explains a tag.
pub(super) fn tag(source: &Source, span: Span) -> Diagnostic {
    problem::error(source, Some(span), "E0106", "YAML tags are not read".to_owned())
        .help("remove the `!…` before the value")
}

/// Explains a key that is a list or a map.
pub(super) fn key_is_no_text(source: &Source, span: Span) -> Diagnostic {
    problem::error(source, Some(span), "E0107", "the name of a field is a text, not a list or a map".to_owned())
        .help("quote it if it is a text that starts with `{` or `[`")
}

/// Explains a merge key that merges no map.
pub(super) fn merge_of_no_map(source: &Source, span: Span) -> Diagnostic {
    problem::error(source, Some(span), "E0107", "`<<` merges a map, or a list of maps".to_owned())
        .help("write `<<: *anchor`, where the anchor is on a map")
}

/// Explains a cap that is hit.
pub(super) fn too_much(source: &Source, span: Span, what: &str) -> Diagnostic {
    problem::error(source, Some(span), "E0102", format!("the file holds {what}")).help("split it into several files")
}

/// Explains an unquoted text that other readers take for something else.
pub(super) fn surprise(source: &Source, text: &str, surprise: &str, span: Span) -> Diagnostic {
    let quoted = format!("\"{text}\"");
    let help = if surprise.contains("not true or false") {
        let flag = ["yes", "on", "y"].iter().any(|word| text.eq_ignore_ascii_case(word));
        format!("quote it if text is meant, or write `{flag}`")
    } else {
        "quote it if text is meant".to_owned()
    };
    let diagnostic =
        problem::warning(source, Some(span), "W0101", format!("`{text}` is read as text")).label(surprise).help(&*help);
    // Who writes `no` may have meant false.
    if help.contains(" or ") { diagnostic.suggest(span, quoted) } else { diagnostic.fix(span, quoted) }
}

struct Line<'a> {
    start: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn around(source: &'a Source, at: usize) -> Self {
        let start = source.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let rest = source.text.get(start..).unwrap_or_default();
        Self { start, text: rest.split('\n').next().unwrap_or_default() }
    }

    /// Returns where the value of `key: value` or `- value` is.
    fn value(&self) -> Option<(usize, &'a str)> {
        let after = match self.text.find(": ") {
            Some(colon) => colon + 2,
            None => self.text.find("- ")? + 2,
        };
        let rest = self.text.get(after..)?;
        let value = rest.trim_start();
        // What follows ` #` is a comment and stays one.
        let written = value.split(" #").next().unwrap_or_default().trim_end();
        Some((self.start + after + rest.len() - value.len(), written))
    }
}

/// Explains a value that starts with a character that YAML keeps for itself, where quotes mend it.
fn unquoted(source: &Source, line: &Line<'_>) -> Option<Diagnostic> {
    let (at, value) = line.value()?;
    let first = value.chars().next()?;
    let reason = match first {
        '*' => "YAML reads `*` at the start of a value as an alias",
        '@' | '`' => "YAML keeps this character for itself at the start of a value",
        '%' => "YAML reads `%` at the start of a value as a directive",
        _ => return None,
    };
    let is_macro = first == '@' && Cron::parse(value).err().is_none_or(|error| error.fix.is_some());
    let is_cron = is_macro || value.split_whitespace().count() >= 5;
    if first == '*' && !is_cron && !value.starts_with("*/") && !value.starts_with("*.") {
        return None;
    }
    let span = Span::new(at, at + value.len());
    // Five fields are the other half of this mistake: both are mended at once.
    let wrong = if is_cron { Cron::parse(value).err() } else { None };
    let is_certain = wrong.as_ref().is_none_or(|error| error.fix.is_none() || error.is_fix_certain(value));
    let six_fields = wrong.and_then(|error| error.fix);
    let help = if six_fields.is_some() { "put it in quotes, with the seconds first" } else { "put it in quotes" };
    let meant = six_fields.as_deref().unwrap_or(value);
    let what = if is_cron { "a cron expression" } else { "a text" };
    let quoted = format!("\"{}\"", meant.replace('\\', "\\\\").replace('"', "\\\""));
    let diagnostic =
        problem::error(source, Some(span), "E0108", format!("{what} that starts with `{first}` needs quotes"))
            .label(reason)
            .help(help);
    Some(if is_certain { diagnostic.fix(span, quoted) } else { diagnostic.suggest(span, quoted) })
}

/// Returns a span of one character; at the end of the text, of the last character that can be seen.
fn visible(source: &Source, at: usize) -> Span {
    let text = &source.text;
    let end = text.trim_end().len();
    let mut start = if at >= end { text[..end].char_indices().next_back().map_or(0, |(start, _)| start) } else { at };
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let width = text[start..].chars().next().map_or(0, char::len_utf8);
    Span::new(start, start + width)
}
