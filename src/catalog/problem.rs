use crate::words::Diagnostic;

use super::Trouble;

/// Something that somebody has to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file or folder.
    pub place: String,
    /// What is wrong, what goes on in spite of it, and what to do.
    pub message: String,
    /// What is wrong in the file, at its lines.
    pub diagnostics: Vec<Diagnostic>,
}

impl Problem {
    pub(super) fn of_trouble(trouble: &Trouble) -> Self {
        Self { place: trouble.place.clone(), message: trouble.message.clone(), diagnostics: Vec::new() }
    }
}
