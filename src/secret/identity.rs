use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use age::x25519;
use zeroize::Zeroizing;

use super::Error;
use crate::disk::{Disk, Kind, folder_of};
use crate::words::Sensitive;

/// The longest identity file that is read: hundreds of keys with their comments.
const IDENTITY_BYTES_MAX: u64 = 64 << 10;

/// Where an identity came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// An environment variable, by its name.
    Variable(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// Which identity opens the store, and what said to take it: places and names, nothing of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Where the keys were read.
    pub origin: Origin,
    /// What named that place, as people know it.
    pub named_by: &'static str,
}

/// The private keys that open the store. No `Debug`.
#[derive(Clone)]
pub struct Identity {
    keys: Vec<x25519::Identity>,
}

impl Identity {
    /// Returns a new identity.
    pub fn generate() -> Self {
        Self { keys: vec![x25519::Identity::generate()] }
    }

    /// Reads an identity from text as `age-keygen` writes it: keys on lines, comments after `#`.
    pub fn parse(text: &str, origin: &Origin) -> Result<Self, Error> {
        let lines = text.lines().map(str::trim).enumerate();
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let keys = keys.map(|(at, line)| parse_key(line, at + 1, origin)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(Error::NoIdentity { origin: origin.to_string() }) } else { Ok(Self { keys }) }
    }

    /// Reads an identity file that only its owner can read, in a folder that only its owner can write.
    pub fn load(disk: &dyn Disk, path: &Path) -> Result<Self, Error> {
        check_private_file(disk, path)?;
        let bytes = disk.read(path, IDENTITY_BYTES_MAX).map(Zeroizing::new).map_err(Error::disk("read", path))?;
        let origin = Origin::File(path.to_owned());
        let text = std::str::from_utf8(&bytes);
        Self::parse(text.map_err(|_| Error::NoIdentity { origin: origin.to_string() })?, &origin)
    }

    /// Returns the private keys as lines of an identity file. Whoever calls this answers for where it goes.
    pub fn to_text(&self) -> Sensitive {
        let mut text = Zeroizing::new(String::new());
        for key in &self.keys {
            text.push_str(key.to_string().expose_secret());
            text.push('\n');
        }
        Sensitive::new(text.as_str())
    }

    /// Returns the public keys.
    pub fn recipients(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.to_public().to_string()).collect()
    }

    /// Lends the keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &x25519::Identity> {
        self.keys.iter()
    }
}

/// Checks that a text is a public key that can be encrypted to.
pub fn check_recipient(recipient: &str) -> Result<(), Error> {
    let origin = || format!("`{recipient}`");
    match x25519::Recipient::from_str(recipient) {
        Ok(_) => Ok(()),
        Err(_) if recipient.starts_with("age1pq1") => Err(Error::PostQuantum { origin: origin() }),
        Err(_) if is_plugin_recipient(recipient) => Err(Error::Plugin { origin: origin() }),
        Err(_) => Err(Error::BadRecipient { recipient: recipient.to_owned() }),
    }
}

/// Returns whether a text has the form `age1name1data`; bech32 data has no `1`.
fn is_plugin_recipient(recipient: &str) -> bool {
    recipient.strip_prefix("age1").is_some_and(|rest| rest.contains('1'))
}

fn parse_key(line: &str, number: usize, origin: &Origin) -> Result<x25519::Identity, Error> {
    let origin = || origin.to_string();
    if line.starts_with("AGE-SECRET-KEY-PQ-1") || line.starts_with("age1pq1") {
        return Err(Error::PostQuantum { origin: origin() });
    }
    if line.starts_with("AGE-PLUGIN-") {
        return Err(Error::Plugin { origin: origin() });
    }
    x25519::Identity::from_str(line).map_err(|_| Error::NotAnIdentity { origin: origin(), line: number })
}

fn check_private_file(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    let facts = disk.facts(path).map_err(Error::disk("read", path))?;
    if facts.kind == Kind::File && facts.ours && !facts.is_private() {
        let mode = facts.mode;
        return Err(Error::Loose { path: path.to_owned(), mode, others: "read or write it", wanted: "600" });
    }
    if !facts.ours {
        return Err(Error::NotOurs { path: path.to_owned() });
    }
    check_guarded(disk, folder_of(path), "go-w")
}

/// Checks that other users cannot change a file or folder.
pub(super) fn check_guarded(disk: &dyn Disk, path: &Path, wanted: &'static str) -> Result<(), Error> {
    let facts = disk.facts(path).map_err(Error::disk("read", path))?;
    if !facts.ours {
        return Err(Error::NotOurs { path: path.to_owned() });
    }
    if !facts.is_guarded() {
        return Err(Error::Loose { path: path.to_owned(), mode: facts.mode, others: "write to it", wanted });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
