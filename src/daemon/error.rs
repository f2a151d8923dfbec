use crate::daemon::message::Refused;
use crate::engine::Rejected;
use crate::workflow::registration::ValidationError;

/// Why the daemon did not do what a face asked; the kind decides status codes and exit codes.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It does not fit what is there.
    #[error("{0}")]
    Conflict(String),
    /// The request is wrong.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// Each problem of a definition, as Conductor names them.
        problems: Vec<ValidationError>,
    },
    /// Nobody knows who asks.
    #[error(transparent)]
    SignedOut(#[from] SignedOut),
    /// Somebody tries too often.
    #[error("{0}")]
    Impatient(String),
    /// Whoever asks may not.
    #[error("{0}")]
    Denied(String),
    /// The key does not open the store, or may not be used.
    #[error("{0}")]
    Key(String),
    /// The store is forked or its file cannot be taken.
    #[error("{0}")]
    Forked(String),
    /// Too much is asked at once; the same request is taken a moment later.
    #[error("{0}")]
    Busy(String),
    /// Trouble of ours: the disk, the journal, a lock.
    #[error("{0}")]
    Unavailable(String),
}

/// Why nobody knows who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignedOut {
    /// The request has no token.
    #[error("sign in first: POST /api/token with keyId and keySecret gives a token for the header X-Authorization")]
    NoToken,
    /// The token's time is over.
    #[error("the token has expired: sign in again")]
    Expired,
    /// The token is none of ours, or its key is gone or disabled.
    #[error("the token is not valid: sign in again")]
    Invalid,
    /// The key is not known, or disabled, or its secret is another one: all read the same.
    #[error("the key is not known here, or its secret is another one")]
    WrongKey,
    /// The sign-in link was used, its time is over, or it is none of ours.
    #[error("the link was used already, or its time is over: `keytide ui` gives a new one")]
    DeadLink,
}

impl Error {
    /// Returns the error of a wrong request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), problems: Vec::new() }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::NoSuchExecution(_) | Refused::Rejected(Rejected::UnknownRun(_) | Rejected::UnknownTask { .. }) => {
                Self::NotFound(message)
            }
            Refused::Rejected(Rejected::TooLarge(_)) => Self::invalid(message),
            Refused::Rejected(_)
            | Refused::Unstored(_)
            | Refused::InDoubt(_)
            | Refused::AlreadyStarted(_)
            | Refused::KeyUsed(_)
            | Refused::Quarantined { .. } => Self::Conflict(message),
            Refused::Unavailable(_) | Refused::Stopping => Self::Unavailable(message),
        }
    }
}
