use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::anchor::ForkReason;
use super::guard::Refusal;

/// Why the store, an identity or a sealed record could not be used. No variant carries a value or a key.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused; what was there is still there.
    #[error("cannot {action} {}: {source}", path.display())]
    Disk {
        /// What was being done, as `read`.
        action: &'static str,
        /// To which path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// Another process holds the lock.
    #[error("the store is busy: another process holds {} for more than {waited_ms} ms", path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        waited_ms: u64,
    },
    /// The new file is in place, and whether it survives a power cut is unknown.
    #[error("the store was rewritten, but {} could not be synced: {source}; the update is repeated until it is", path.display())]
    StateUnknown {
        /// The store.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// There is no store.
    #[error("there is no store at {}; run `keytide init`", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is a store already.
    #[error("there is a store at {} already; it is left as it is", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// The file is damaged or not a store; it is not overwritten.
    #[error("{} cannot be read: {reason}; it is left as it is: restore it from a backup or run `keytide secret resolve`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong, without content.
        reason: String,
    },
    /// The file is whole, but for other recipients.
    #[error("{} is not encrypted to this identity; use another one with --identity, or let somebody who can read the store run `keytide recipient add`", path.display())]
    NotARecipient {
        /// The file.
        path: PathBuf,
    },
    /// The file does not descend from the one known here.
    #[error(
        "the store is forked: {reason}; reads go on from the last good copy, updates wait: run `keytide secret resolve`"
    )]
    Forked {
        /// How it differs.
        reason: ForkReason,
    },
    /// There is nothing to resolve.
    #[error("the store is not forked; there is nothing to resolve")]
    NotForked,
    /// Little room is left where the store is.
    #[error("only {room_bytes} bytes are free in {}, {needed_bytes} are needed; make room", path.display())]
    NoRoom {
        /// The folder.
        path: PathBuf,
        /// What is left.
        room_bytes: u64,
        /// What is needed.
        needed_bytes: u64,
    },
    /// The new store would be longer than what can be read back.
    #[error("the store would be {bytes} bytes long, the limit is {bytes_max}; remove what is not needed")]
    StoreTooLarge {
        /// How long.
        bytes: usize,
        /// How long it may be.
        bytes_max: u64,
    },
    /// Others may read or write what only its owner may.
    #[error("permissions {mode:04o} of {} are too open: others may {others}; run `chmod {wanted} {}`", path.display(), path.display())]
    Loose {
        /// The file or folder.
        path: PathBuf,
        /// Its bits.
        mode: u32,
        /// What others may do.
        others: &'static str,
        /// The argument for chmod.
        wanted: &'static str,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to another user; it is not used", path.display())]
    NotOurs {
        /// The file or folder.
        path: PathBuf,
    },
    /// A post-quantum key.
    #[error(
        "{origin} holds a post-quantum key (AGE-SECRET-KEY-PQ-1…, age1pq1…), which keytide cannot use yet; use an X25519 key as `keytide key new` makes"
    )]
    PostQuantum {
        /// Where it was.
        origin: String,
    },
    /// A key that needs a plugin.
    #[error(
        "{origin} holds a key for an age plugin (AGE-PLUGIN-…, age1name1…), which keytide does not run; use an X25519 key as `keytide key new` makes"
    )]
    Plugin {
        /// Where it was.
        origin: String,
    },
    /// No key.
    #[error("{origin} holds no age identity (line {line} is not AGE-SECRET-KEY-1…)")]
    NotAnIdentity {
        /// Where it was.
        origin: String,
        /// The line at fault, from 1.
        line: usize,
    },
    /// An empty identity.
    #[error("{origin} holds no age identity; make one with `keytide key new`")]
    NoIdentity {
        /// Where it was.
        origin: String,
    },
    /// Not a recipient.
    #[error("`{recipient}` is not an age recipient (age1…)")]
    BadRecipient {
        /// The text, which is public.
        recipient: String,
    },
    /// No such recipient.
    #[error("`{recipient}` is not a recipient of the store; see `keytide recipient list`")]
    UnknownRecipient {
        /// The text or name.
        recipient: String,
    },
    /// The one who removes would lock themselves out.
    #[error("`{recipient}` is the identity in use; add another one and use that to remove this")]
    OwnRecipient {
        /// The text or name.
        recipient: String,
    },
    /// A name that the store does not take.
    #[error("`{name}` is not a name of a secret: use letters, digits, `_` and `-`, at most {max} of them", max = super::contents::NAME_BYTES_MAX)]
    BadName {
        /// The name.
        name: String,
    },
    /// A value that is too long.
    #[error("the value for `{name}` is {bytes} bytes long, the limit is {max}", max = super::contents::VALUE_BYTES_MAX)]
    ValueTooLarge {
        /// The secret.
        name: String,
        /// How long.
        bytes: usize,
    },
    /// The same secret twice in one change.
    #[error("`{name}` is written twice in one update")]
    WrittenTwice {
        /// The secret.
        name: String,
    },
    /// No such secret.
    #[error("there is no secret `{name}`")]
    UnknownSecret {
        /// The name.
        name: String,
    },
    /// No such version.
    #[error("the secret `{name}` has no such version; see `keytide secret history {name}`")]
    UnknownVersion {
        /// The name.
        name: String,
    },
    /// A value that looks like garbage.
    #[error("the value for `{name}` is refused: {refusal}")]
    Guarded {
        /// The secret.
        name: String,
        /// Why.
        refusal: Refusal,
    },
    /// A sealed record that is not what was sealed.
    #[error("a sealed record is damaged or not in its place")]
    BadSeal,
    /// A sealed record of a key that is not here.
    #[error(
        "a sealed record names the data key {key}, which is not in the data-key file; restore it from the backup that the record came from"
    )]
    UnknownKey {
        /// Its number.
        key: u16,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {reason}")]
    NoRandomness {
        /// What it said.
        reason: String,
    },
    /// Encryption failed.
    #[error("the store could not be encrypted: {reason}")]
    Encryption {
        /// What the crate said.
        reason: String,
    },
    /// The one who wrote for the group stopped.
    #[error("the update was interrupted; whether it was made is unknown")]
    Interrupted,
}

impl Error {
    /// Returns whether the trouble is ours and may pass, so that the same update is worth repeating. What is not
    /// transient was refused, and the same update will be refused again.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Disk { .. }
            | Self::Busy { .. }
            | Self::StateUnknown { .. }
            | Self::Missing { .. }
            | Self::Unreadable { .. }
            | Self::NotARecipient { .. }
            | Self::Forked { .. }
            | Self::NoRoom { .. }
            | Self::StoreTooLarge { .. }
            | Self::Loose { .. }
            | Self::NotOurs { .. }
            | Self::NoRandomness { .. }
            | Self::Encryption { .. }
            | Self::Interrupted => true,
            Self::Exists { .. }
            | Self::NotForked
            | Self::PostQuantum { .. }
            | Self::Plugin { .. }
            | Self::NotAnIdentity { .. }
            | Self::NoIdentity { .. }
            | Self::BadRecipient { .. }
            | Self::UnknownRecipient { .. }
            | Self::OwnRecipient { .. }
            | Self::BadName { .. }
            | Self::ValueTooLarge { .. }
            | Self::WrittenTwice { .. }
            | Self::UnknownSecret { .. }
            | Self::UnknownVersion { .. }
            | Self::Guarded { .. }
            | Self::BadSeal
            | Self::UnknownKey { .. } => false,
        }
    }

    /// Returns what it means for who asked: the faces make their codes of it.
    pub const fn situation(&self) -> Situation {
        match self {
            Self::UnknownSecret { .. } | Self::UnknownVersion { .. } | Self::UnknownRecipient { .. } => {
                Situation::NotFound
            }
            Self::BadName { .. }
            | Self::ValueTooLarge { .. }
            | Self::WrittenTwice { .. }
            | Self::BadRecipient { .. } => Situation::Malformed,
            Self::Guarded { .. } => Situation::Garbage,
            Self::Exists { .. } | Self::NotForked | Self::OwnRecipient { .. } => Situation::Conflict,
            Self::Forked { .. } => Situation::Forked,
            Self::Busy { .. } => Situation::Busy,
            Self::Missing { .. } => Situation::Missing,
            Self::Unreadable { .. } => Situation::Unreadable,
            Self::NotARecipient { .. }
            | Self::Loose { .. }
            | Self::NotOurs { .. }
            | Self::PostQuantum { .. }
            | Self::Plugin { .. }
            | Self::NotAnIdentity { .. }
            | Self::NoIdentity { .. }
            | Self::BadSeal
            | Self::UnknownKey { .. } => Situation::Key,
            Self::Disk { .. }
            | Self::StateUnknown { .. }
            | Self::NoRoom { .. }
            | Self::StoreTooLarge { .. }
            | Self::NoRandomness { .. }
            | Self::Encryption { .. }
            | Self::Interrupted => Situation::Trouble,
        }
    }

    /// Returns what turns an I/O error into an error of this room.
    pub(super) fn disk(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { action, path, source: Arc::new(source) }
    }
}

/// What an [`Error`] means for who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// There is no such thing.
    NotFound,
    /// What was asked cannot be asked.
    Malformed,
    /// The value looks like garbage.
    Garbage,
    /// It does not fit what is there.
    Conflict,
    /// The file is not the one known here.
    Forked,
    /// Another process is at work.
    Busy,
    /// There is no store.
    Missing,
    /// The file is no store, or damaged.
    Unreadable,
    /// The key does not fit, or may not be used.
    Key,
    /// Trouble of ours, which may pass.
    Trouble,
}
