//! What a command says when it fails, and the exit code that scripts read.

use std::fmt;

use crate::daemon;
use crate::secret::{self, Situation};

/// Why a command failed. The kind alone decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The run did not complete, or `check` found problems: 1.
    Failed,
    /// The command line is wrong: 2.
    Usage,
    /// There is no such workflow, schedule, secret or run: 3.
    NotFound,
    /// Somebody else holds the lock, or the version is stale: 4.
    Conflict,
    /// No identity opens the store, or its permissions are loose: 5.
    Key,
    /// The daemon cannot be reached or refused us: 6.
    Unreachable,
    /// `--timeout` passed: 124.
    TimedOut,
    /// Interrupted: 130.
    Interrupted,
}

impl Kind {
    /// Returns the exit code.
    pub(super) const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Conflict => 4,
            Self::Key => 5,
            Self::Unreachable => 6,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
        }
    }

    /// Returns the name that machines read.
    const fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Key => "key",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A command's failure: what is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    /// Which kind.
    pub(super) kind: Kind,
    /// What is wrong: empty where everything has been said already.
    pub(super) message: String,
    /// What to do.
    pub(super) hints: Vec<String>,
}

impl Error {
    /// Returns an error of a kind.
    pub(super) fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), hints: Vec::new() }
    }

    /// Returns the failure of a command that has said everything.
    pub(super) const fn silent(kind: Kind) -> Self {
        Self { kind, message: String::new(), hints: Vec::new() }
    }

    /// Adds what to do.
    pub(super) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// Returns the shape for machines: `{"error": {code, message, hints}}`.
    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"error": {"code": self.kind.code(), "message": self.message, "hints": self.hints}})
    }
}

impl From<secret::Error> for Error {
    fn from(error: secret::Error) -> Self {
        let kind = match error.situation() {
            Situation::NotFound => Kind::NotFound,
            Situation::Malformed => Kind::Usage,
            Situation::Conflict | Situation::Forked | Situation::Busy => Kind::Conflict,
            Situation::Missing | Situation::Unreadable | Situation::Key => Kind::Key,
            Situation::Garbage | Situation::Trouble => Kind::Failed,
        };
        Self::new(kind, error)
    }
}

impl From<daemon::Error> for Error {
    fn from(error: daemon::Error) -> Self {
        let (kind, problems) = match &error {
            daemon::Error::NotFound(_) => (Kind::NotFound, &[][..]),
            daemon::Error::Conflict(_) | daemon::Error::Forked(_) => (Kind::Conflict, &[][..]),
            daemon::Error::Invalid { problems, .. } => (Kind::Failed, problems.as_slice()),
            daemon::Error::Denied(_) | daemon::Error::SignedOut(_) | daemon::Error::Impatient(_) => {
                (Kind::Unreachable, &[][..])
            }
            daemon::Error::Key(_) => (Kind::Key, &[][..]),
            daemon::Error::Busy(_) | daemon::Error::Unavailable(_) => (Kind::Failed, &[][..]),
        };
        let said = Self::new(kind, &error);
        problems.iter().fold(said, |said, problem| said.hint(&problem.message))
    }
}
