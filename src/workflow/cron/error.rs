//! What is wrong with an expression, and what to do about it.

use std::fmt;

use crate::words::{Severity, Span};

/// An expression that cannot be read: where, what is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronError {
    /// What is wrong, with the field's name.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Where, in bytes of the expression.
    pub span: Span,
    /// The whole expression as it was probably meant; it can be read.
    pub fix: Option<String>,
}

impl CronError {
    /// Returns whether the fix of the expression `text` only adds the seconds or takes a year away that says nothing.
    pub fn is_fix_certain(&self, text: &str) -> bool {
        let text = text.trim();
        self.fix.as_deref().is_some_and(|fix| fix.strip_prefix("0 ") == Some(text) || text.starts_with(fix))
    }
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CronError {}

/// Something about an expression that can be read but may not mean what its author thinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronAdvice {
    /// How much it matters: a warning or a note.
    pub severity: Severity,
    /// What is odd.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Where, in bytes of the expression.
    pub span: Span,
}
