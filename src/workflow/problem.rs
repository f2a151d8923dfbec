//! Short ways to say what is wrong with a definition.

use crate::words::{Certainty, Diagnostic, Fix, Related, Severity, Source, Span};

/// Returns an error: the definition is not taken.
pub(super) fn error(source: &Source, span: Option<Span>, code: &'static str, message: String) -> Diagnostic {
    diagnostic(source, span, code, Severity::Error, message)
}

/// Returns a warning: it is taken, and probably does not do what is meant.
pub(super) fn warning(source: &Source, span: Option<Span>, code: &'static str, message: String) -> Diagnostic {
    diagnostic(source, span, code, Severity::Warning, message)
}

/// Returns a note.
pub(super) fn note(source: &Source, span: Option<Span>, code: &'static str, message: String) -> Diagnostic {
    diagnostic(source, span, code, Severity::Note, message)
}

fn diagnostic(
    source: &Source,
    span: Option<Span>,
    code: &'static str,
    severity: Severity,
    message: String,
) -> Diagnostic {
    Diagnostic {
        source: source.clone(),
        span,
        code,
        severity,
        message,
        label: None,
        help: None,
        related: Vec::new(),
        fix: None,
    }
}

impl Diagnostic {
    /// Says something at the underline.
    #[must_use]
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Points at another place.
    #[must_use]
    pub(super) fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push(Related { span, label: label.into() });
        self
    }

    /// Offers a change that certainly mends it.
    #[must_use]
    pub(super) fn fix(self, span: Span, replacement: impl Into<String>) -> Self {
        self.change(span, replacement.into(), Certainty::Certain)
    }

    /// Offers a change that is probably meant.
    #[must_use]
    pub(super) fn suggest(self, span: Span, replacement: impl Into<String>) -> Self {
        self.change(span, replacement.into(), Certainty::Likely)
    }

    fn change(mut self, span: Span, replacement: String, certainty: Certainty) -> Self {
        self.fix = Some(Fix { span, replacement, certainty });
        self
    }
}
