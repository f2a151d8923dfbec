use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::contents::{Contents, Edition, Recipient, Secret, Stage};
use super::fingerprint::{Fingerprints, token_key};
use crate::words::{Sensitive, Timestamp};

/// Which version of a secret is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The one that is used.
    Current,
    /// The last one with another value: `NAME@previous`.
    Previous,
    /// The one with this number: `NAME@7`.
    Number(u32),
}

impl Version {
    /// Reads what stands after the `@` of a reference.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "current" => Some(Self::Current),
            "previous" => Some(Self::Previous),
            number => number.parse().ok().map(Self::Number),
        }
    }

    /// Returns that version of a secret.
    pub(super) fn of(self, secret: &Secret) -> Option<&Edition> {
        match self {
            Self::Current => secret.current(),
            Self::Previous => secret.previous(),
            Self::Number(number) => secret.versions.iter().find(|edition| edition.version == number),
        }
    }
}

/// The store at one revision: it never changes, and cloning its `Arc` is all that a reader pays.
pub struct Snapshot {
    contents: Arc<Contents>,
    fingerprints: Fingerprints,
}

/// What a list shows of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it is a configuration value that is not masked.
    pub plain: bool,
    /// The current version.
    pub current: VersionInfo,
}

/// What history shows of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionInfo {
    /// Its number.
    pub version: u32,
    /// What it is to those who ask for the secret.
    pub stage: Option<Stage>,
    /// When it was written.
    pub created: Timestamp,
    /// Who wrote it.
    pub by: String,
    /// The run that wrote it.
    pub run: Option<String>,
    /// When the value stops working.
    pub expires: Option<Timestamp>,
    /// What people see in the place of the value.
    pub fingerprint: String,
}

impl Summary {
    /// Returns the secret as machines read it in a list, at every face.
    pub fn to_json(&self) -> Value {
        let current = &self.current;
        json!({
            "name": self.name,
            "tags": self.tags,
            "version": current.version,
            "created": current.created.to_string(),
            "by": current.by,
            "expires": current.expires.map(|at| at.to_string()),
            "fingerprint": current.fingerprint,
        })
    }
}

impl VersionInfo {
    /// Returns the version as machines read it in a history, at every face.
    pub fn to_json(&self) -> Value {
        json!({
            "version": self.version,
            "stage": self.stage.map(Stage::as_str),
            "created": self.created.to_string(),
            "by": self.by,
            "run": self.run,
            "expires": self.expires.map(|at| at.to_string()),
            "fingerprint": self.fingerprint,
        })
    }
}

impl Snapshot {
    pub(super) fn new(contents: Arc<Contents>) -> Self {
        Self { fingerprints: Fingerprints::of(&contents.store_key), contents }
    }

    /// Returns the store's id, which it has for ever.
    pub fn store_id(&self) -> &str {
        &self.contents.store_id
    }

    /// Returns the key that signs the API's tokens.
    pub fn token_key(&self) -> zeroize::Zeroizing<[u8; 32]> {
        token_key(&self.contents.store_key)
    }

    /// Returns the number of this revision.
    pub fn revision(&self) -> u64 {
        self.contents.revision
    }

    /// Returns who can read the store.
    pub fn recipients(&self) -> &[Recipient] {
        &self.contents.recipients
    }

    /// Returns whether there is such a secret.
    pub fn contains(&self, name: &str) -> bool {
        self.contents.secrets.contains_key(name)
    }

    /// Returns all names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.contents.secrets.keys().map(String::as_str)
    }

    /// Returns a value.
    pub fn get(&self, name: &str, version: Version) -> Option<Sensitive> {
        self.contents.secrets.get(name).and_then(|secret| version.of(secret)).map(|edition| edition.value.clone())
    }

    /// Returns what a list shows, in the order of names.
    pub fn list(&self) -> Vec<Summary> {
        let summary = |(name, secret): (&String, &Arc<Secret>)| {
            let current = self.info(secret.current()?);
            Some(Summary { name: name.clone(), tags: secret.tags.clone(), plain: secret.plain, current })
        };
        self.contents.secrets.iter().filter_map(summary).collect()
    }

    /// Returns the versions of a secret, the newest first.
    pub fn history(&self, name: &str) -> Option<Vec<VersionInfo>> {
        let secret = self.contents.secrets.get(name)?;
        Some(secret.versions.iter().map(|edition| self.info(edition)).collect())
    }

    /// Returns the tags of a secret.
    pub fn tags(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.contents.secrets.get(name).map(|secret| &secret.tags)
    }

    /// Returns whether a secret is a configuration value that is not masked.
    pub fn is_plain(&self, name: &str) -> bool {
        self.contents.secrets.get(name).is_some_and(|secret| secret.plain)
    }

    /// Lends every value of every version that must be masked.
    pub fn masked_values(&self) -> impl Iterator<Item = &Sensitive> {
        let masked = self.contents.secrets.values().filter(|secret| !secret.plain);
        masked.flat_map(|secret| secret.versions.iter().map(|edition| &edition.value))
    }

    /// Lends the values to be masked that the store did not hold at an older moment.
    pub fn masked_values_since(&self, older: &Self) -> impl Iterator<Item = &Sensitive> {
        let masked = self.contents.secrets.iter().filter(|(_, secret)| !secret.plain);
        masked.flat_map(move |(name, secret)| {
            let before = older.contents.secrets.get(name).filter(|before| !before.plain);
            let is_new = move |edition: &&Edition| {
                before.is_none_or(|before| before.versions.iter().all(|old| old.value != edition.value))
            };
            // What was not written since is the same piece of memory.
            let changed = before.is_none_or(|before| !Arc::ptr_eq(before, secret));
            let versions = if changed { &secret.versions[..] } else { &[] };
            versions.iter().filter(is_new).map(|edition| &edition.value).collect::<Vec<_>>()
        })
    }

    /// Returns the secrets that were written since an older moment, each with its current version, and those that are gone.
    pub fn changed_since<'a>(&'a self, older: &'a Self) -> Vec<(&'a str, Option<u32>)> {
        let written = |secret: &Secret| secret.current().map(|edition| (edition.version, edition.created));
        let changed = self.contents.secrets.iter().filter_map(move |(name, secret)| {
            let now = written(secret)?;
            let before = older.contents.secrets.get(name).and_then(|before| written(before));
            (before != Some(now)).then_some((name.as_str(), Some(now.0)))
        });
        let gone = older.names().filter(|name| !self.contains(name)).map(|name| (name, None));
        changed.chain(gone).collect()
    }

    /// Returns what people see in the place of a value.
    pub fn fingerprint(&self, value: &Sensitive) -> String {
        self.fingerprints.fingerprint(value)
    }

    pub(super) fn contents(&self) -> &Arc<Contents> {
        &self.contents
    }

    pub(super) fn fingerprints(&self) -> &Fingerprints {
        &self.fingerprints
    }

    pub(super) fn info(&self, edition: &Edition) -> VersionInfo {
        VersionInfo {
            version: edition.version,
            stage: edition.stage,
            created: edition.created,
            by: edition.by.clone(),
            run: edition.run.clone(),
            expires: edition.expires,
            fingerprint: self.fingerprints.fingerprint(&edition.value),
        }
    }
}
