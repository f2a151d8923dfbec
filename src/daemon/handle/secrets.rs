use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::access::{Principal, TAGS_MAX, Target, TargetKind};
use crate::daemon::counting::Onlookers;
use crate::daemon::error::Error;
use crate::daemon::faces::aside;
use crate::daemon::handle::Handle;
use crate::daemon::handle::tags::too_many;
use crate::journal::{Action, Entry, Object, ObjectKind, Verdict};
use crate::secret::{
    self, Change, Recipient, Situation, Snapshot, Summary, Version, VersionInfo, Write, Writer, Written,
};
use crate::words::{Owner, Permission, Sensitive};

/// What the audit calls all secrets.
pub(super) const ALL: &str = "*";

impl Handle {
    /// Returns the secrets that `who` may reach with every one of the permissions.
    pub async fn secrets(&self, who: &Owner, permissions: &[Permission]) -> Result<Vec<Summary>, Error> {
        self.record_listing(who).await?;
        Ok(self.listed(who, permissions))
    }

    /// Returns the same, where the audit says so already.
    pub(super) fn listed(&self, who: &Owner, permissions: &[Permission]) -> Vec<Summary> {
        let mut list = self.fresh().list();
        let policy = self.0.authority.policy();
        list.retain(|summary| {
            let target = Target { kind: TargetKind::Secret, name: &summary.name, tags: &summary.tags };
            let principal = Principal { owner: who, workflow: None };
            permissions.iter().all(|permission| policy.allows(principal, *permission, &target))
        });
        list
    }

    /// Returns whether there is a secret that `who` may read.
    pub async fn secret_exists(&self, who: &Owner, name: &str) -> Result<bool, Error> {
        match self.looked_at(who, name).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns whether there is a secret of that name, to who may read it; who may not hears nothing.
    pub fn has_secret(&self, who: &Owner, name: &str) -> Option<bool> {
        self.may(who, Permission::Read, TargetKind::Secret, name).then(|| self.fresh().contains(name))
    }

    /// Returns the versions of a secret, the newest first.
    pub async fn secret_history(&self, who: &Owner, name: &str) -> Result<Vec<VersionInfo>, Error> {
        self.looked_at(who, name).await?.history(name).ok_or_else(|| unknown(name))
    }

    /// Returns the tags of a secret.
    pub async fn secret_tags(&self, who: &Owner, name: &str) -> Result<BTreeMap<String, String>, Error> {
        self.looked_at(who, name).await?.tags(name).cloned().ok_or_else(|| unknown(name))
    }

    /// Returns a value in clear, for whoever asked to see it, once the audit says so.
    pub async fn reveal(&self, who: &Owner, name: &str, version: Version) -> Result<Sensitive, Error> {
        let snapshot = self.readable(who, name)?;
        let value = snapshot.get(name, version).ok_or_else(|| unknown(name))?;
        let fingerprint = snapshot.fingerprint(&value);
        let shown = snapshot.history(name).into_iter().flatten().find(|one| one.fingerprint == fingerprint);
        let entry = self.entry(who, Action::Reveal, Object::secret(name));
        let entry = Entry { version: shown.map(|shown| shown.version), new: Some(fingerprint), ..entry };
        self.record(vec![entry]).await?;
        Ok(value)
    }

    /// Writes secrets, all or none. The guards are the caller's: a face knows what was forced.
    pub async fn put_secrets(&self, who: &Owner, writes: Vec<Write>) -> Result<Written, Error> {
        let snapshot = self.fresh();
        let mut entries = Vec::new();
        for write in &writes {
            let exists = snapshot.contains(&write.name);
            self.permit_write(who, TargetKind::Secret, &write.name, exists)?;
            let action = if exists { Action::Write } else { Action::Create };
            let new = Some(snapshot.fingerprint(&write.value));
            let old = fingerprint_of(&snapshot, &write.name, Version::Current);
            entries.push(Entry { old, new, ..self.entry(who, action, Object::secret(&write.name)) });
        }
        self.change(entries, Change::Put { writes, writer: Writer::person(&who.to_string()) }).await
    }

    /// Removes a secret and its versions.
    pub async fn remove_secret(&self, who: &Owner, name: &str) -> Result<(), Error> {
        let snapshot = self.permit_on_secret(who, Permission::Delete, name)?;
        let old = fingerprint_of(&snapshot, name, Version::Current);
        let entry = Entry { old, ..self.entry(who, Action::Remove, Object::secret(name)) };
        self.change(vec![entry], Change::Remove { name: name.to_owned() }).await.map(drop)
    }

    /// Makes an old value the current one again, as a new version.
    pub async fn roll_back_secret(&self, who: &Owner, name: &str, to: Version) -> Result<Written, Error> {
        let snapshot = self.permit_on_secret(who, Permission::Update, name)?;
        let old = fingerprint_of(&snapshot, name, Version::Current);
        let new = fingerprint_of(&snapshot, name, to);
        let entry = Entry { old, new, ..self.entry(who, Action::RollBack, Object::secret(name)) };
        let writer = Writer::person(&who.to_string());
        self.change(vec![entry], Change::Rollback { name: name.to_owned(), to, writer }).await
    }

    /// Sets tags, or removes those without a value: all or none.
    pub async fn tag_secret(&self, who: &Owner, name: &str, tags: Vec<(String, Option<String>)>) -> Result<(), Error> {
        let snapshot = self.permit_on_secret(who, Permission::Update, name)?;
        let mut after = snapshot.tags(name).cloned().unwrap_or_default();
        let (mut entries, mut changes) = (Vec::new(), Vec::new());
        for (key, value) in tags {
            let detail = if let Some(value) = &value {
                self.permit_tag(who, TargetKind::Secret, name, &key, value)?;
                after.insert(key.clone(), value.clone());
                format!("with {key}:{value}")
            } else {
                after.remove(&key);
                format!("without {key}")
            };
            entries.push(self.entry(who, Action::Tag, Object::secret(name)).detailed(&detail));
            changes.push(Change::Tag { name: name.to_owned(), key, value });
        }
        if after.len() > TAGS_MAX {
            return Err(too_many(name));
        }
        self.change_all(entries, changes).await.map(drop)
    }

    /// Takes tags off a secret: those that are as they are said, and one that is said without a value whatever its value.
    pub async fn untag_secret(&self, who: &Owner, name: &str, tags: &BTreeMap<String, String>) -> Result<(), Error> {
        let snapshot = self.permit_on_secret(who, Permission::Update, name)?;
        let has =
            |(key, value): &(&String, &String)| tags.get(*key).is_some_and(|said| said.is_empty() || said == *value);
        let gone = snapshot.tags(name).into_iter().flatten().filter(has);
        self.tag_secret(who, name, gone.map(|(key, _)| (key.clone(), None)).collect()).await
    }

    /// Returns who can read the store.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.fresh().recipients().to_vec()
    }

    /// Changes who can read the store; only its owner may.
    pub async fn change_recipients(&self, who: &Owner, change: Change) -> Result<(), Error> {
        self.administers(who, Action::Write)?;
        let entry = self.entry(who, Action::Write, Object::new(ObjectKind::Recipient, recipient_of(&change)));
        self.change(vec![entry], change).await.map(drop)
    }

    /// Returns the store as it is on disk now: another process may have written it.
    pub(in crate::daemon) fn fresh(&self) -> Arc<Snapshot> {
        if let Err(error) = self.0.store.refresh() {
            tracing::warn!(%error, "the store could not be read again; the last good copy serves");
        }
        let snapshot = self.0.store.snapshot();
        self.0.onlookers.feed.tell_store(&snapshot);
        snapshot
    }

    async fn change(&self, entries: Vec<Entry>, change: Change) -> Result<Written, Error> {
        self.change_all(entries, vec![change]).await
    }

    /// Changes the store once the audit says so; what comes of it does not depend on whoever asked staying.
    pub(super) async fn change_all(&self, entries: Vec<Entry>, changes: Vec<Change>) -> Result<Written, Error> {
        let handle = self.clone();
        self.to_the_end(async move {
            handle.record(entries.clone()).await?;
            let store = handle.0.store.clone();
            let began = Instant::now();
            let written = aside(move || store.update(changes)).await?;
            let Onlookers { feed, metrics, .. } = &handle.0.onlookers;
            if written.is_ok() {
                metrics.stored(began.elapsed());
            }
            feed.tell_store(&handle.0.store.snapshot());
            if written.is_err() {
                let failed = entries.into_iter().map(|entry| entry.with(Verdict::Failed)).collect();
                handle.record(failed).await?;
            }
            Ok(written?)
        })
        .await
    }

    /// Returns the store for a look at what it knows of a secret, once the audit says so.
    async fn looked_at(&self, who: &Owner, name: &str) -> Result<Arc<Snapshot>, Error> {
        let snapshot = self.readable(who, name)?;
        self.record(vec![self.entry(who, Action::Look, Object::secret(name))]).await?;
        Ok(snapshot)
    }

    /// What `who` may not read is answered like what is not there.
    fn readable(&self, who: &Owner, name: &str) -> Result<Arc<Snapshot>, Error> {
        let snapshot = self.fresh();
        self.permit_known(who, Permission::Read, TargetKind::Secret, name, || unknown(name))?;
        if snapshot.contains(name) { Ok(snapshot) } else { Err(unknown(name)) }
    }

    fn permit_on_secret(&self, who: &Owner, permission: Permission, name: &str) -> Result<Arc<Snapshot>, Error> {
        let snapshot = self.fresh();
        self.permit_known(who, permission, TargetKind::Secret, name, || unknown(name))?;
        if snapshot.contains(name) { Ok(snapshot) } else { Err(unknown(name)) }
    }
}

fn fingerprint_of(snapshot: &Snapshot, name: &str, version: Version) -> Option<String> {
    snapshot.get(name, version).map(|value| snapshot.fingerprint(&value))
}

fn recipient_of(change: &Change) -> &str {
    match change {
        Change::AddRecipient(recipient) => &recipient.name,
        Change::RemoveRecipient { recipient } => recipient,
        Change::Put { .. } | Change::Remove { .. } | Change::Rollback { .. } | Change::Tag { .. } => ALL,
    }
}

fn unknown(name: &str) -> Error {
    Error::NotFound(format!("there is no secret `{name}`"))
}

impl From<secret::Error> for Error {
    fn from(error: secret::Error) -> Self {
        let message = error.to_string();
        match error.situation() {
            Situation::NotFound => Self::NotFound(message),
            Situation::Malformed | Situation::Garbage => Self::invalid(message),
            Situation::Conflict => Self::Conflict(message),
            Situation::Forked | Situation::Unreadable => Self::Forked(message),
            Situation::Key => Self::Key(message),
            Situation::Missing | Situation::Busy | Situation::Trouble => Self::Unavailable(message),
        }
    }
}
