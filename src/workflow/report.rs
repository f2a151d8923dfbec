//! Diagnostics for people and for machines.
//!
//! **Architecture Invariant:** what a file says never moves the cursor of the terminal that shows it: control characters
//! are escaped.

mod github;
mod sarif;

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use serde_json::{Value, json};

use crate::words::{Certainty, Diagnostic, Severity, Source, Span};

pub use github::to_github;
pub use sarif::to_sarif;

/// How long a line may be for the report to show it: longer ones were not written by people.
const LINE_BYTES_MAX: usize = 2_000;

/// The problem whose line must not be shown.
pub const SECRET_IN_CLEAR: &str = "W0414";

/// Renders a problem as a compiler does: code, place, the line with an underline, what to do. The last line ends without a
/// newline.
pub fn render(diagnostic: &Diagnostic, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let path = visible(&diagnostic.source.name);
    let window = Window::over(diagnostic);
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(visible(&diagnostic.message)).id(diagnostic.code);
    let mut group = match (&window, diagnostic.span) {
        (Some(window), Some(span)) => Group::with_title(title).element(window.snippet(diagnostic, span, &path)),
        (None, Some(span)) => {
            let (line, column) = diagnostic.source.position(span.start);
            Group::with_title(title).element(Origin::path(path.clone()).line(line).char_column(column))
        }
        (_, None) => Group::with_title(title).element(Origin::path(path.clone())),
    };
    let Some(help) = &diagnostic.help else { return renderer.render(&[group]) };
    if let (Some(window), Some(fix)) = (&window, &diagnostic.fix) {
        let change = Patch::new(window.local(fix.span), visible(&fix.replacement));
        let snippet = Snippet::source(window.text.clone()).line_start(window.line).path(path).patch(change);
        return renderer.render(&[group, Level::HELP.secondary_title(visible(help)).element(snippet)]);
    }
    group = group.element(Level::HELP.message(visible(help)));
    renderer.render(&[group])
}

/// Returns problems in the form of `check -o json`.
pub fn to_json(diagnostics: &[Diagnostic]) -> Value {
    diagnostics.iter().map(one_to_json).collect()
}

fn one_to_json(diagnostic: &Diagnostic) -> Value {
    let mut object = json!({ "file": &*diagnostic.source.name });
    place(&mut object, &diagnostic.source, diagnostic.span);
    object["code"] = diagnostic.code.into();
    object["severity"] = diagnostic.severity.as_str().into();
    object["message"] = diagnostic.message.clone().into();
    object["help"] = diagnostic.help.clone().into();
    object["fix"] = diagnostic.fix.as_ref().map_or(Value::Null, |fix| {
        let mut value = json!({});
        place(&mut value, &diagnostic.source, Some(fix.span));
        value["replacement"] = fix.replacement.clone().into();
        value["certain"] = (fix.certainty == Certainty::Certain).into();
        value
    });
    object
}

fn place(object: &mut Value, source: &Source, span: Option<Span>) {
    let start = span.map(|span| source.position(span.start));
    let end = span.map(|span| source.position(span.end));
    object["line"] = start.map(|(line, _)| line).into();
    object["column"] = start.map(|(_, column)| column).into();
    object["endLine"] = end.map(|(line, _)| line).into();
    object["endColumn"] = end.map(|(_, column)| column).into();
}

/// The lines of a file that a report shows.
struct Window {
    start: usize,
    line: usize,
    text: String,
}

impl Window {
    /// Cuts the lines out that the spans touch; none where a line is too long to be shown, or must not be.
    fn over(diagnostic: &Diagnostic) -> Option<Self> {
        // This one is about a secret in clear: the report is not to spread it.
        if diagnostic.code == SECRET_IN_CLEAR {
            return None;
        }
        let text = &*diagnostic.source.text;
        let spans = diagnostic.span.into_iter().chain(diagnostic.related.iter().map(|related| related.span));
        let spans = spans.chain(diagnostic.fix.iter().map(|fix| fix.span));
        let (from, to) = spans.fold((usize::MAX, 0), |(from, to), span| (from.min(span.start), to.max(span.end)));
        let start = text.get(..from)?.rfind('\n').map_or(0, |newline| newline + 1);
        let end = text.get(to..)?.find('\n').map_or(text.len(), |newline| to + newline);
        let lines = text.get(start..end)?;
        if lines.split('\n').any(|line| line.len() > LINE_BYTES_MAX) {
            return None;
        }
        Some(Self { start, line: diagnostic.source.position(start).0, text: lines.to_owned() })
    }

    fn local(&self, span: Span) -> Range<usize> {
        let end = (span.end - self.start).min(self.text.len());
        (span.start - self.start).min(end)..end
    }

    fn snippet<'a>(
        &self,
        diagnostic: &Diagnostic,
        span: Span,
        path: &str,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let label = diagnostic.label.as_deref().map(visible);
        let primary = AnnotationKind::Primary.span(self.local(span)).label(label);
        let others = diagnostic
            .related
            .iter()
            .map(|related| AnnotationKind::Context.span(self.local(related.span)).label(visible(&related.label)));
        Snippet::source(self.text.clone())
            .line_start(self.line)
            .path(path.to_owned())
            .annotation(primary)
            .annotations(others)
    }
}

/// Escapes what a terminal would act upon or hide.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        // Directional marks reorder what a person reads.
        if letter.is_control()
            || matches!(letter, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests;
