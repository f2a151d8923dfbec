use std::fmt;

/// What happened to a file.
#[derive(Clone, PartialEq, Eq)]
pub enum News {
    /// It is new or has other bytes.
    Written(Vec<u8>),
    /// It is there and cannot be read, and why.
    Unreadable(String),
    /// It is gone.
    Removed,
}

/// Something is wrong with the folder itself, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The folder or file, as it is shown.
    pub place: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Debug for News {
    /// Tells no content: somebody may have written a secret into a file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(bytes) => write!(f, "Written({} bytes)", bytes.len()),
            Self::Unreadable(why) => write!(f, "Unreadable({why:?})"),
            Self::Removed => f.write_str("Removed"),
        }
    }
}
