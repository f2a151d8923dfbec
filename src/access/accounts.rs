use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::words::{App, Owner, Sensitive, Timestamp};

/// How many applications there are at most: a row of the journal each, and all of them are in memory.
pub const APPLICATIONS_MAX: usize = 1_000;
/// How many keys an application has at most: one in use, one that replaces it, and a few that wait to be removed.
pub const KEYS_MAX: usize = 10;
/// How long a name of an application or a group may be, as names of secrets are.
const NAME_BYTES_MAX: usize = 128;

/// The applications, by name.
#[derive(Clone, Debug, Default)]
pub struct Accounts(BTreeMap<String, Application>);

/// A client of the API, which signs in with one of its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its name, by which people and grants name it.
    pub name: String,
    /// What no other application ever has; empty where it was made before there were ids.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its keys, the oldest first.
    pub keys: Vec<AccessKey>,
}

/// What an application signs in with: an id that anybody may know, and the hash of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// Its id.
    pub id: String,
    hash: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it signs in nobody, and what it signed in is signed out.
    pub disabled: bool,
}

impl AccessKey {
    /// Returns the key of a secret that is shown to its owner and kept nowhere.
    ///
    /// The secret is 256 random bits, which nobody finds by trying: a slow hash, which is for words that people choose,
    /// would make signing in slow and nothing safer.
    pub fn new(id: String, secret: &Sensitive, now: Timestamp) -> Self {
        Self { hash: hash(&id, secret), id, created: now, disabled: false }
    }

    /// Returns whether that is the key's secret, in the same time for every secret.
    fn opens(&self, secret: &Sensitive) -> bool {
        hash(&self.id, secret).as_bytes().ct_eq(self.hash.as_bytes()).into()
    }
}

/// The id is part of it, so that no row's hash can be put into another.
fn hash(id: &str, secret: &Sensitive) -> String {
    let mut digest = Sha256::new();
    digest.update(b"keytide access key/1\0");
    digest.update(id.as_bytes());
    digest.update(b"\0");
    digest.update(secret.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

impl Application {
    /// Returns an application that has no key yet.
    pub const fn new(name: String, id: String, now: Timestamp) -> Self {
        Self { name, id, created: now, keys: Vec::new() }
    }

    /// Returns it as the owner of what it makes.
    pub fn as_owner(&self) -> Owner {
        Owner::App(self.app())
    }

    fn app(&self) -> App {
        App { name: self.name.clone(), id: self.id.clone() }
    }
}

impl Accounts {
    /// Returns these applications.
    pub fn new(applications: impl IntoIterator<Item = Application>) -> Self {
        Self(applications.into_iter().map(|application| (application.name.clone(), application)).collect())
    }

    /// Returns them all, by name.
    pub fn applications(&self) -> impl Iterator<Item = &Application> {
        self.0.values()
    }

    /// Returns them as owners.
    pub fn apps(&self) -> BTreeSet<App> {
        self.0.values().map(Application::app).collect()
    }

    /// Returns one.
    pub fn application(&self, name: &str) -> Option<&Application> {
        self.0.get(name)
    }

    /// Returns whose key that is.
    pub fn holder(&self, key_id: &str) -> Option<&Application> {
        self.0.values().find(|application| application.keys.iter().any(|key| key.id == key_id))
    }

    /// Returns whom a key signs in.
    pub fn open(&self, key_id: &str, secret: &Sensitive) -> Option<&Application> {
        let application = self.holder(key_id)?;
        let opened = application.keys.iter().any(|key| key.id == key_id && !key.disabled && key.opens(secret));
        opened.then_some(application)
    }

    /// Returns the application of that name, where it has this key and the key is not disabled.
    pub fn signed_in(&self, name: &str, key_id: &str) -> Option<&Application> {
        let is_good = |key: &AccessKey| key.id == key_id && !key.disabled;
        self.0.get(name).filter(|application| application.keys.iter().any(is_good))
    }

    /// Adds an application, or replaces the one of its name.
    pub fn put(&mut self, application: Application) {
        self.0.insert(application.name.clone(), application);
    }

    /// Removes an application.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}

/// Says what is wrong with the name of an application or a group.
pub fn name_problem(name: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Some(format!("a name has 1 to {NAME_BYTES_MAX} characters"));
    }
    let wrong = name.bytes().any(|byte| !fits(byte));
    wrong.then(|| format!("the name `{}` may hold letters, digits, `_`, `-` and `.` only", name.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::{AccessKey, Accounts, Application, name_problem};
    use crate::words::{Sensitive, Timestamp};

    fn accounts(keys: &[(&str, &str)]) -> Accounts {
        let mut application = Application::new("ci".to_owned(), "1".to_owned(), Timestamp::EPOCH);
        let key =
            |(id, secret): &(&str, &str)| AccessKey::new((*id).to_owned(), &Sensitive::new(*secret), Timestamp::EPOCH);
        application.keys = keys.iter().map(key).collect();
        Accounts::new([application])
    }

    #[test]
    fn a_key_opens_with_its_own_secret_only() {
        let accounts = accounts(&[("k1", "one"), ("k2", "two")]);
        let opens = |id: &str, secret: &str| accounts.open(id, &Sensitive::new(secret)).is_some();
        assert!(opens("k1", "one") && opens("k2", "two"));
        for (id, secret) in [("k1", "two"), ("k2", "one"), ("k3", "one"), ("", ""), ("k1", ""), ("k1", "one ")] {
            assert!(!opens(id, secret), "{id} {secret}");
        }
    }

    #[test]
    fn a_disabled_key_opens_nothing_and_is_not_valid() {
        let mut accounts = accounts(&[("k1", "one"), ("k2", "two")]);
        let mut application = accounts.application("ci").unwrap().clone();
        application.keys[0].disabled = true;
        accounts.put(application);
        assert!(accounts.open("k1", &Sensitive::new("one")).is_none());
        let is_valid = |accounts: &Accounts, key| accounts.signed_in("ci", key).is_some();
        assert_eq!((is_valid(&accounts, "k1"), is_valid(&accounts, "k2")), (false, true));
        accounts.remove("ci");
        assert!(accounts.open("k2", &Sensitive::new("two")).is_none());
        assert!(!is_valid(&accounts, "k2"));
    }

    #[test]
    fn what_is_kept_of_a_key_does_not_tell_its_secret() {
        let kept = serde_json::to_string(accounts(&[("k1", "canary-secret")]).application("ci").unwrap()).unwrap();
        assert!(!kept.contains("canary"), "{kept}");
    }

    #[test]
    fn names_are_plain() {
        for name in ["ci", "a.b-c_9"] {
            assert_eq!(name_problem(name), None);
        }
        for name in ["", "a b", "a:b", "a*", "ü", "a/b", &"x".repeat(129)] {
            assert!(name_problem(name).is_some(), "{name}");
        }
    }
}
