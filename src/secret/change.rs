use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::contents::{Author, Contents, Edition, Recipient, Secret, VALUE_BYTES_MAX, check_name};
use super::fingerprint::Fingerprints;
use super::snapshot::Version;
use super::{Error, check_recipient};
use crate::words::{Sensitive, Timestamp};

/// How many attempts are remembered that brought a value again: a repeat comes right after a crash, and far fewer overlap.
const AGAIN_MAX: usize = 8;

/// A change of the store. No `Debug`: it carries values.
#[derive(Clone)]
pub enum Change {
    /// Writes secrets, creating those that are missing: all of them or none.
    Put {
        /// What is written.
        writes: Vec<Write>,
        /// Who writes.
        writer: Writer,
    },
    /// Forgets a secret with all its versions.
    Remove {
        /// The secret.
        name: String,
    },
    /// Writes an older value again, as a new version.
    Rollback {
        /// The secret.
        name: String,
        /// The version whose value returns.
        to: Version,
        /// Who writes.
        writer: Writer,
    },
    /// Sets a tag, or removes it.
    Tag {
        /// The secret.
        name: String,
        /// The tag.
        key: String,
        /// Its new value; none removes it.
        value: Option<String>,
    },
    /// Lets one more key read the store.
    AddRecipient(Recipient),
    /// Stops writing the store for a key, named by itself or by whose it is.
    RemoveRecipient {
        /// The public key or its name.
        recipient: String,
    },
}

/// One secret to write. No `Debug`.
#[derive(Clone)]
pub struct Write {
    /// The secret.
    pub name: String,
    /// Its new value.
    pub value: Sensitive,
    /// When the value stops working, where that is known.
    pub expires: Option<Timestamp>,
    /// Whether it is a configuration value that is not masked.
    pub plain: bool,
}

/// Who writes, so that history can tell and a repeated write is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// `workflow:NAME`, `owner`, `app:NAME`.
    pub by: String,
    /// The run, where one writes.
    pub run: Option<String>,
    /// The task's reference name.
    pub reference: Option<String>,
    /// The attempt: the same run, reference and attempt write once.
    pub attempt: u32,
}

impl Writer {
    /// Returns a writer that is not a run.
    pub fn person(by: &str) -> Self {
        Self { by: by.to_owned(), run: None, reference: None, attempt: 0 }
    }
}

/// What an acknowledged update did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The store's revision that holds it.
    pub revision: u64,
    /// The secrets that were written, in order.
    pub secrets: Vec<WrittenSecret>,
}

/// What became of one secret of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenSecret {
    /// The secret.
    pub name: String,
    /// The version that holds the value.
    pub version: u32,
    /// The value's fingerprint.
    pub fingerprint: String,
    /// What was done.
    pub outcome: Outcome,
}

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The secret is new.
    Created,
    /// It has a new version.
    Updated,
    /// The value was the current one already: no new version.
    Same,
    /// The same run, reference and attempt had written it already.
    Repeated,
}

/// What applying changes needs to know.
pub(super) struct Rules<'a> {
    pub(super) now: Timestamp,
    pub(super) versions_kept: usize,
    pub(super) fingerprints: &'a Fingerprints,
    /// The public keys of the identity in use.
    pub(super) own: &'a [String],
}

/// Makes all the changes, or none and says why.
pub(super) fn apply(
    contents: &mut Contents,
    changes: &[Change],
    rules: &Rules<'_>,
) -> Result<Vec<WrittenSecret>, Error> {
    let mut before = Before::default();
    let mut written = Vec::new();
    for change in changes {
        before.note(contents, change);
        match make(contents, change, rules) {
            Ok(more) => written.extend(more),
            Err(error) => {
                before.restore(contents);
                return Err(error);
            }
        }
    }
    Ok(written)
}

fn make(contents: &mut Contents, change: &Change, rules: &Rules<'_>) -> Result<Vec<WrittenSecret>, Error> {
    match change {
        Change::Put { writes, writer } => return put_all(contents, writes, writer, rules),
        Change::Remove { name } => remove(contents, name)?,
        Change::Rollback { name, to, writer } => return Ok(vec![roll_back(contents, name, *to, writer, rules)?]),
        Change::Tag { name, key, value } => tag(contents, name, key, value.as_deref())?,
        Change::AddRecipient(recipient) => add_recipient(contents, recipient)?,
        Change::RemoveRecipient { recipient } => remove_recipient(contents, recipient, rules)?,
    }
    Ok(Vec::new())
}

/// What changes touched, as it was: many updates share one rewrite, and a copy of the store for each would cost more than
/// the rewrite.
#[derive(Default)]
struct Before {
    secrets: Vec<(String, Option<Arc<Secret>>)>,
    recipients: Option<Vec<Recipient>>,
}

impl Before {
    fn note(&mut self, contents: &Contents, change: &Change) {
        let mut keep = |name: &String| self.secrets.push((name.clone(), contents.secrets.get(name).cloned()));
        match change {
            Change::Put { writes, .. } => writes.iter().for_each(|write| keep(&write.name)),
            Change::Remove { name } | Change::Rollback { name, .. } | Change::Tag { name, .. } => keep(name),
            Change::AddRecipient(_) | Change::RemoveRecipient { .. } => {
                self.recipients.get_or_insert_with(|| contents.recipients.clone());
            }
        }
    }

    fn restore(self, contents: &mut Contents) {
        // The oldest note of a name is what it was.
        for (name, secret) in self.secrets.into_iter().rev() {
            match secret {
                Some(secret) => drop(contents.secrets.insert(name, secret)),
                None => drop(contents.secrets.remove(&name)),
            }
        }
        if let Some(recipients) = self.recipients {
            contents.recipients = recipients;
        }
    }
}

fn put_all(
    contents: &mut Contents,
    all: &[Write],
    writer: &Writer,
    rules: &Rules<'_>,
) -> Result<Vec<WrittenSecret>, Error> {
    let mut names = BTreeSet::new();
    if let Some(twice) = all.iter().find(|write| !names.insert(&write.name)) {
        return Err(Error::WrittenTwice { name: twice.name.clone() });
    }
    all.iter().map(|write| put(contents, write, writer, rules)).collect()
}

fn put(contents: &mut Contents, write: &Write, writer: &Writer, rules: &Rules<'_>) -> Result<WrittenSecret, Error> {
    check_name(&write.name)?;
    // A moment that no calendar has is `never`, and a text for it would make a file that cannot be read back.
    let write = &Write { expires: write.expires.filter(|moment| moment.is_calendar()), ..write.clone() };
    let bytes = write.value.expose().len();
    if bytes > VALUE_BYTES_MAX {
        return Err(Error::ValueTooLarge { name: write.name.clone(), bytes });
    }
    let told = |version, value: &Sensitive, outcome| WrittenSecret {
        name: write.name.clone(),
        version,
        fingerprint: rules.fingerprints.fingerprint(value),
        outcome,
    };
    let Some(secret) = contents.secrets.get_mut(&write.name) else {
        let secret = Secret { tags: BTreeMap::new(), plain: write.plain, versions: vec![] };
        contents.secrets.insert(write.name.clone(), Arc::new(with_edition(secret, write, writer, rules)));
        return Ok(told(1, &write.value, Outcome::Created));
    };
    if let Some(edition) = secret.versions.iter().find(|edition| is_by(edition, writer)) {
        return Ok(told(edition.version, &edition.value, Outcome::Repeated));
    }
    match secret.current() {
        Some(current) if current.value == write.value => {
            let version = current.version;
            renew(secret, write, writer);
            Ok(told(version, &write.value, Outcome::Same))
        }
        Some(_) | None => {
            let mut changed = Secret::clone(secret);
            changed.plain = write.plain;
            *secret = Arc::new(with_edition(changed, write, writer, rules));
            Ok(told(secret.newest_number(), &write.value, Outcome::Updated))
        }
    }
}

/// Returns whether this very attempt of a run wrote a version, or brought its value again: what came after it stays.
fn is_by(edition: &Edition, writer: &Writer) -> bool {
    let Some(author) = author_of(writer) else { return false };
    let wrote = Author { run: edition.run.clone(), reference: edition.reference.clone(), attempt: edition.attempt };
    wrote == author || edition.again.contains(&author)
}

/// Returns the attempt that writes; who is no run writes as often as they say.
fn author_of(writer: &Writer) -> Option<Author> {
    let run = writer.run.clone()?;
    Some(Author { run: Some(run), reference: writer.reference.clone(), attempt: writer.attempt })
}

/// Keeps the version, notes who brought it again, and takes over what else is new: a token may come again with a longer life.
fn renew(secret: &mut Arc<Secret>, write: &Write, writer: &Writer) {
    let author = author_of(writer);
    let expires = secret.current().and_then(|edition| edition.expires);
    let lives_on = write.expires.is_none() || write.expires == expires;
    if author.is_none() && secret.plain == write.plain && lives_on {
        return;
    }
    let secret = Arc::make_mut(secret);
    secret.plain = write.plain;
    for edition in &mut secret.versions {
        if edition.stage == Some(super::Stage::Current) {
            edition.expires = write.expires.or(edition.expires);
            edition.again.extend(author.clone());
            let surplus = edition.again.len().saturating_sub(AGAIN_MAX);
            edition.again.drain(..surplus);
        }
    }
}

fn with_edition(mut secret: Secret, write: &Write, writer: &Writer, rules: &Rules<'_>) -> Secret {
    let edition = Edition {
        version: secret.newest_number() + 1,
        stage: None,
        value: write.value.clone(),
        created: rules.now,
        by: writer.by.clone(),
        run: writer.run.clone(),
        reference: writer.reference.clone(),
        attempt: writer.attempt,
        expires: write.expires,
        again: Vec::new(),
    };
    secret.push(edition, rules.versions_kept);
    secret
}

fn remove(contents: &mut Contents, name: &str) -> Result<(), Error> {
    contents.secret(name)?;
    contents.secrets.remove(name);
    Ok(())
}

fn roll_back(
    contents: &mut Contents,
    name: &str,
    to: Version,
    writer: &Writer,
    rules: &Rules<'_>,
) -> Result<WrittenSecret, Error> {
    let secret = contents.secret(name)?;
    let edition = to.of(secret).ok_or_else(|| Error::UnknownVersion { name: name.to_owned() })?;
    let write =
        Write { name: name.to_owned(), value: edition.value.clone(), expires: edition.expires, plain: secret.plain };
    put(contents, &write, writer, rules)
}

fn tag(contents: &mut Contents, name: &str, key: &str, value: Option<&str>) -> Result<(), Error> {
    contents.secret(name)?;
    let secret = contents.secrets.get_mut(name).map(Arc::make_mut);
    let tags = secret.map(|secret| &mut secret.tags);
    match (tags, value) {
        (Some(tags), Some(value)) => drop(tags.insert(key.to_owned(), value.to_owned())),
        (Some(tags), None) => drop(tags.remove(key)),
        (None, _) => {}
    }
    Ok(())
}

fn add_recipient(contents: &mut Contents, recipient: &Recipient) -> Result<(), Error> {
    check_recipient(&recipient.recipient)?;
    match contents.recipients.iter_mut().find(|one| one.recipient == recipient.recipient) {
        Some(known) => known.name.clone_from(&recipient.name),
        None => contents.recipients.push(recipient.clone()),
    }
    Ok(())
}

fn remove_recipient(contents: &mut Contents, named: &str, rules: &Rules<'_>) -> Result<(), Error> {
    let is_named = |one: &Recipient| one.recipient == named || one.name == named;
    if !contents.recipients.iter().any(is_named) {
        return Err(Error::UnknownRecipient { recipient: named.to_owned() });
    }
    contents.recipients.retain(|one| !is_named(one));
    // The file must stay readable for who writes it.
    if contents.recipients.iter().any(|one| rules.own.contains(&one.recipient)) {
        return Ok(());
    }
    Err(Error::OwnRecipient { recipient: named.to_owned() })
}
