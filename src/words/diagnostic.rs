use std::sync::Arc;

/// A file's name and text, shared by everything that points into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path below the project folder, as people write it.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

impl Source {
    /// Returns line and column of a byte offset, both from 1; the column counts characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// A range of bytes in a [`Source`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// Returns the span from `start` to `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

/// How much a [`Diagnostic`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The definition is not taken.
    Error,
    /// It is taken, and probably does not do what is meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// Returns the word that people and machines read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One problem of one file: where, what, why and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file it is in.
    pub source: Source,
    /// Where; a problem of the whole file has none.
    pub span: Option<Span>,
    /// The stable code, as `E0104` or `W0201`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, one line, lower case, no period.
    pub message: String,
    /// What to say at the underline.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Other places that matter, as "first defined here".
    pub related: Vec<Related>,
    /// A change that mends it.
    pub fix: Option<Fix>,
}

/// Another place of the same file that matters to a [`Diagnostic`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub span: Span,
    /// What is there.
    pub label: String,
}

/// A change of the text that mends a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub replacement: String,
    /// Whether it may be done unasked.
    pub certainty: Certainty,
}

/// Whether a [`Fix`] is what is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Nothing else can be meant.
    Certain,
    /// It is the likely one: a person decides.
    Likely,
}
