use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::access::{Principal, TAGS_MAX, Target, TargetKind};
use crate::daemon::counting::Onlookers;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::tags::too_many;
use crate::secret::{
    self, Change, Recipient, Situation, Snapshot, Summary, Version, VersionInfo, Write, Writer, Written,
};
use crate::words::{Owner, Permission, Sensitive};

impl Handle {
    /// Returns the secrets that `who` may reach with every one of the permissions.
    pub fn secrets(&self, who: &Owner, permissions: &[Permission]) -> Vec<Summary> {
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
    pub fn secret_exists(&self, who: &Owner, name: &str) -> bool {
        self.readable(who, name).is_ok()
    }

    /// Returns the versions of a secret, the newest first.
    pub fn secret_history(&self, who: &Owner, name: &str) -> Result<Vec<VersionInfo>, Error> {
        self.readable(who, name)?.history(name).ok_or_else(|| unknown(name))
    }

    /// Returns the tags of a secret.
    pub fn secret_tags(&self, who: &Owner, name: &str) -> Result<BTreeMap<String, String>, Error> {
        self.readable(who, name)?.tags(name).cloned().ok_or_else(|| unknown(name))
    }

    /// Returns a value in clear, for whoever asked to see it.
    pub fn reveal(&self, who: &Owner, name: &str, version: Version) -> Result<Sensitive, Error> {
        self.readable(who, name)?.get(name, version).ok_or_else(|| unknown(name))
    }

    /// Writes secrets, all or none. The guards are the caller's: a face knows what was forced.
    pub fn put_secrets(&self, who: &Owner, writes: Vec<Write>) -> Result<Written, Error> {
        let snapshot = self.fresh();
        for write in &writes {
            self.permit_write(who, TargetKind::Secret, &write.name, snapshot.contains(&write.name))?;
        }
        self.change(Change::Put { writes, writer: Writer::person(&who.to_string()) })
    }

    /// Removes a secret and its versions.
    pub fn remove_secret(&self, who: &Owner, name: &str) -> Result<(), Error> {
        self.permit_on_secret(who, Permission::Delete, name)?;
        self.change(Change::Remove { name: name.to_owned() }).map(drop)
    }

    /// Makes an old value the current one again, as a new version.
    pub fn roll_back_secret(&self, who: &Owner, name: &str, to: Version) -> Result<Written, Error> {
        self.permit_on_secret(who, Permission::Update, name)?;
        let writer = Writer::person(&who.to_string());
        self.change(Change::Rollback { name: name.to_owned(), to, writer })
    }

    /// Sets a tag, or removes it.
    pub fn tag_secret(&self, who: &Owner, name: &str, key: &str, value: Option<&str>) -> Result<(), Error> {
        self.permit_on_secret(who, Permission::Update, name)?;
        if let Some(value) = value {
            self.permit_tag(who, TargetKind::Secret, name, key, value)?;
            let tags = self.fresh();
            if tags.tags(name).is_some_and(|tags| tags.len() >= TAGS_MAX && !tags.contains_key(key)) {
                return Err(too_many(name));
            }
        }
        let change = Change::Tag { name: name.to_owned(), key: key.to_owned(), value: value.map(str::to_owned) };
        self.change(change).map(drop)
    }

    /// Returns who can read the store.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.fresh().recipients().to_vec()
    }

    /// Changes who can read the store; only its owner may.
    pub fn change_recipients(&self, who: &Owner, change: Change) -> Result<(), Error> {
        if *who != Owner::Local {
            return Err(Error::Denied(format!("{who} may not change who reads the store")));
        }
        self.change(change).map(drop)
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

    fn change(&self, change: Change) -> Result<Written, Error> {
        let began = Instant::now();
        let changed = self.0.store.update(vec![change]).map_err(Error::from);
        let Onlookers { feed, metrics } = &self.0.onlookers;
        if changed.is_ok() {
            metrics.stored(began.elapsed());
        }
        feed.tell_store(&self.0.store.snapshot());
        changed
    }

    /// What `who` may not read is answered like what is not there.
    fn readable(&self, who: &Owner, name: &str) -> Result<Arc<Snapshot>, Error> {
        let snapshot = self.fresh();
        let allowed = self.may(who, Permission::Read, TargetKind::Secret, name);
        if allowed && snapshot.contains(name) { Ok(snapshot) } else { Err(unknown(name)) }
    }

    fn permit_on_secret(&self, who: &Owner, permission: Permission, name: &str) -> Result<(), Error> {
        let snapshot = self.fresh();
        self.permit_known(who, permission, TargetKind::Secret, name, || unknown(name))?;
        if snapshot.contains(name) { Ok(()) } else { Err(unknown(name)) }
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
