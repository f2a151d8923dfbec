use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::encoding::{Key, clear_text, key, moment, moment_if_any, random_id, random_key};
use super::{Error, check_recipient};
use crate::words::{Sensitive, Timestamp};

/// The format that this program reads and writes.
const FORMAT: &str = "keytide-store/1";

/// How many revisions a file remembers: a machine that was away for fewer adopts it without a question.
const LINEAGE_MAX: usize = 100;

/// The longest value: keys, certificates and service accounts fit, files do not belong here.
pub const VALUE_BYTES_MAX: usize = 64 << 10;

/// The longest name: what fits into a file name and a header.
pub(super) const NAME_BYTES_MAX: usize = 255;

/// What is inside the age file. No `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contents {
    format: String,
    pub(super) store_id: String,
    #[serde(with = "key")]
    pub(super) store_key: Key,
    pub(super) revision: u64,
    pub(super) id: String,
    pub(super) lineage: Vec<String>,
    pub(super) recipients: Vec<Recipient>,
    pub(super) secrets: BTreeMap<String, Arc<Secret>>,
}

/// Who can read the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The public key.
    pub recipient: String,
    /// Whose it is.
    pub name: String,
}

/// One secret with its versions, the newest first.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) plain: bool,
    pub(super) versions: Vec<Edition>,
}

/// One version of a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edition {
    pub(super) version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stage: Option<Stage>,
    #[serde(with = "clear_text")]
    pub(super) value: Sensitive,
    #[serde(with = "moment")]
    pub(super) created: Timestamp,
    pub(super) by: String,
    #[serde(default)]
    pub(super) run: Option<String>,
    #[serde(default, rename = "ref")]
    pub(super) reference: Option<String>,
    #[serde(default)]
    pub(super) attempt: u32,
    #[serde(default, with = "moment_if_any")]
    pub(super) expires: Option<Timestamp>,
    /// The latest attempts that brought the same value again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) again: Vec<Author>,
}

/// The attempt of a run that wrote a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Author {
    pub(super) run: Option<String>,
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    pub(super) attempt: u32,
}

/// What a version is to those who ask for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The one that is used.
    Current,
    /// The last one with another value.
    Previous,
}

impl Stage {
    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Previous => "previous",
        }
    }
}

impl Contents {
    /// Returns a new store without secrets.
    pub(super) fn new(recipients: Vec<Recipient>) -> Result<Self, Error> {
        let id = random_id()?;
        Ok(Self {
            format: FORMAT.to_owned(),
            store_id: random_id()?,
            store_key: random_key()?,
            revision: 1,
            lineage: vec![id.clone()],
            id,
            recipients,
            secrets: BTreeMap::new(),
        })
    }

    /// Reads and checks the text of a store. The error says where, never what is there.
    pub(super) fn parse(plain: &[u8], path: &Path) -> Result<Self, Error> {
        let unreadable = |reason: String| Error::Unreadable { path: path.to_owned(), reason };
        let contents: Self = serde_json::from_slice(plain).map_err(|error| {
            // The text of the error may quote a value, so only its place is told.
            unreadable(format!("its payload is not {FORMAT} (line {}, column {})", error.line(), error.column()))
        })?;
        contents.check().map_err(unreadable)?;
        Ok(contents)
    }

    /// Returns the text of the store.
    pub(super) fn to_text(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let values = self.secrets.values().flat_map(|secret| &secret.versions);
        // A rough upper bound, so that growing leaves no copies of values behind.
        let room: usize = values.map(|edition| 2 * edition.value.expose().len() + 512).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(room + 16 * 1024));
        serde_json::to_writer(&mut *text, self).map_err(|error| Error::Encryption { reason: error.to_string() })?;
        Ok(text)
    }

    /// Makes this the revision after what it was.
    pub(super) fn advance(&mut self) -> Result<(), Error> {
        self.revision += 1;
        self.id = random_id()?;
        self.lineage.push(self.id.clone());
        let surplus = self.lineage.len().saturating_sub(LINEAGE_MAX);
        self.lineage.drain(..surplus);
        Ok(())
    }

    /// Returns a secret.
    pub(super) fn secret(&self, name: &str) -> Result<&Arc<Secret>, Error> {
        self.secrets.get(name).ok_or_else(|| Error::UnknownSecret { name: name.to_owned() })
    }

    fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("its format is not {FORMAT}; a newer keytide may read it"));
        }
        if !self.lineage.contains(&self.id) {
            return Err("its `id` is not in its `lineage`".to_owned());
        }
        if self.recipients.is_empty() || self.recipients.iter().any(|one| check_recipient(&one.recipient).is_err()) {
            return Err("its list of recipients is empty or holds what is no age1… key".to_owned());
        }
        self.secrets.iter().try_for_each(|(name, secret)| secret.check(name))
    }
}

impl Secret {
    /// Returns the version that is used.
    pub(super) fn current(&self) -> Option<&Edition> {
        self.versions.iter().find(|edition| edition.stage == Some(Stage::Current))
    }

    /// Returns the last version with another value.
    pub(super) fn previous(&self) -> Option<&Edition> {
        self.versions.iter().find(|edition| edition.stage == Some(Stage::Previous))
    }

    /// Returns the highest number of its versions.
    pub(super) fn newest_number(&self) -> u32 {
        self.versions.iter().map(|edition| edition.version).max().unwrap_or(0)
    }

    /// Puts a version on top: it becomes the current one, and the last one with another value the previous one.
    pub(super) fn push(&mut self, edition: Edition, versions_kept: usize) {
        self.versions.insert(0, edition);
        self.versions.truncate(versions_kept.max(1));
        let previous = self.versions.iter().position(|edition| edition.value != self.versions[0].value);
        for (at, edition) in self.versions.iter_mut().enumerate() {
            edition.stage = match at {
                0 => Some(Stage::Current),
                _ if Some(at) == previous => Some(Stage::Previous),
                _ => None,
            };
        }
    }

    fn check(&self, name: &str) -> Result<(), String> {
        check_name(name).map_err(|error| error.to_string())?;
        let staged = |stage| self.versions.iter().filter(|edition| edition.stage == Some(stage)).count();
        if staged(Stage::Current) != 1 || staged(Stage::Previous) > 1 {
            return Err(format!("the secret `{name}` has not one current version"));
        }
        let numbers: BTreeSet<u32> = self.versions.iter().map(|edition| edition.version).collect();
        if numbers.len() != self.versions.len() {
            return Err(format!("the secret `{name}` has a version number twice"));
        }
        if self.versions.iter().any(|edition| edition.value.expose().len() > VALUE_BYTES_MAX) {
            return Err(format!("a value of the secret `{name}` is longer than {VALUE_BYTES_MAX} bytes"));
        }
        Ok(())
    }
}

/// Checks that a text can name a secret.
pub fn check_name(name: &str) -> Result<(), Error> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(());
    }
    Err(Error::BadName { name: name.chars().take(NAME_BYTES_MAX).collect() })
}
