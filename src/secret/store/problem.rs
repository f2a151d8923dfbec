use std::fmt;
use std::path::PathBuf;

use crate::secret::ForkReason;

/// What is wrong with a store that still works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The file is not a descendant of the one known here.
    Forked(ForkReason),
    /// The list for people differs from the one inside.
    RecipientsDiffer(PathBuf),
    /// Something beside the store could not be written.
    NotKept(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forked(reason) => write!(f, "the store is forked: {reason}; run `keytide secret resolve`"),
            Self::RecipientsDiffer(path) => write!(
                f,
                "{} differs from the list inside the store, which is what counts; use `keytide recipient add` and `rm`",
                path.display()
            ),
            Self::NotKept(reason) => write!(f, "the store is written, but what belongs to it is not: {reason}"),
        }
    }
}
