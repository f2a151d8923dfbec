//! What the API grants, and to which groups; what the settings say stands beside it and is changed in their file.

use std::collections::BTreeMap;

use crate::access::{Current, Principal, Ruled, Target, TargetKind, name_problem};
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::applications::removed;
use crate::journal::{Action, Entry, Object, ObjectKind, OwnedChange, OwnedKind};
use crate::words::{Grant, GrantTarget, Grantee, Owner, Permission};

/// How many grants the API holds at most: each request may look through all of them.
const GRANTS_MAX: usize = 1_000;
/// How many groups the API holds at most.
const GROUPS_MAX: usize = 1_000;
/// How many members a group of the API has at most.
const MEMBERS_MAX: usize = 1_000;

/// What members of a group do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// They are in it from now on.
    Join,
    /// They are in it no more.
    Leave,
}

impl Handle {
    /// Returns every grant: those of the settings, then those that the API made.
    pub fn grants(&self, who: &Owner) -> Result<Vec<Grant>, Error> {
        self.administers(who, Action::Look)?;
        let current = self.0.authority.current();
        Ok(self.0.authority.settings().grants.iter().chain(&current.made.grants).cloned().collect())
    }

    /// Grants something, on top of what was granted before.
    pub async fn grant(&self, who: &Owner, grant: Grant) -> Result<(), Error> {
        self.administers(who, Action::Grant)?;
        let entry = self.entry(who, Action::Grant, Object::new(ObjectKind::Grant, &grant.to_string()));
        let entry = entry.detailed(&permissions(&grant));
        self.govern(entry, move |handle, _, made| {
            let known = handle.0.authority.current();
            if !handle.is_there(&known, &grant.to) {
                return Err(Error::NotFound(format!("there is nobody called `{}`", grant.to)));
            }
            let before = made.grants.iter().position(|one| one.to == grant.to && one.on == grant.on);
            if before.is_none() && made.grants.len() >= GRANTS_MAX {
                let advice = "grant by a pattern, by a tag, or to a group";
                return Err(Error::Conflict(format!("there are {GRANTS_MAX} grants, the limit: {advice}")));
            }
            let mut whole = grant;
            if let Some(before) = before {
                whole.access.extend(made.grants.swap_remove(before).access);
            }
            whole.access.sort_unstable();
            whole.access.dedup();
            let kept = handle.kept_grant(&whole);
            made.grants.push(whole);
            Ok(((), vec![kept]))
        })
        .await
    }

    /// Returns whether somebody may do that, for whoever manages it.
    pub fn is_granted(&self, who: &Owner, permission: Permission, on: &GrantTarget) -> bool {
        let named = |kind, name: &str| self.may(who, permission, kind, name);
        match on {
            GrantTarget::Secret(name) => named(TargetKind::Secret, name),
            GrantTarget::Workflow(name) => named(TargetKind::Workflow, name),
            GrantTarget::Schedule(name) => named(TargetKind::Schedule, name),
            GrantTarget::Environment(name) => named(TargetKind::Environment, name),
            GrantTarget::Tag(key, value) => {
                let tags = BTreeMap::from([(key.clone(), value.clone())]);
                let target = Target { kind: TargetKind::Secret, name: "", tags: &tags };
                self.0.authority.policy().allows(Principal { owner: who, workflow: None }, permission, &target)
            }
        }
    }

    /// Takes back what was granted over the API. What the settings grant stays granted, and is refused.
    pub async fn revoke(&self, who: &Owner, grant: Grant) -> Result<(), Error> {
        self.administers(who, Action::Revoke)?;
        let entry = self.entry(who, Action::Revoke, Object::new(ObjectKind::Grant, &grant.to_string()));
        let entry = entry.detailed(&permissions(&grant));
        self.govern(entry, move |handle, _, made| {
            let same = |one: &Grant| one.to == grant.to && one.on == grant.on;
            let takes = |one: &Grant| one.access.iter().any(|permission| grant.access.contains(permission));
            if handle.0.authority.settings().grants.iter().any(|one| same(one) && takes(one)) {
                return Err(Error::Conflict(format!("{grant}: it is granted by the settings, and taken back there")));
            }
            let Some(at) = made.grants.iter().position(same) else { return Ok(((), Vec::new())) };
            let left = &mut made.grants[at];
            left.access.retain(|permission| !grant.access.contains(permission));
            if !left.access.is_empty() {
                return Ok(((), vec![handle.kept_grant(left)]));
            }
            let gone = made.grants.remove(at);
            Ok(((), vec![removed(OwnedKind::Grant, gone.to_string())]))
        })
        .await
    }

    /// Takes back all that was granted to somebody over the API, on what is wanted, which the audit calls `what`. Where the
    /// settings grant some of it, nothing is taken back: whoever asks would believe that it is.
    pub async fn revoke_all(
        &self,
        who: &Owner,
        to: Grantee,
        what: &str,
        is_wanted: impl Fn(&GrantTarget) -> bool + Send + 'static,
    ) -> Result<(), Error> {
        self.administers(who, Action::Revoke)?;
        let entry = self.entry(who, Action::Revoke, Object::new(ObjectKind::Grant, &to.to_string()));
        let entry = entry.detailed(what);
        self.govern(entry, move |handle, _, made| {
            let is_meant = |grant: &Grant| grant.to == to && is_wanted(&grant.on);
            if let Some(grant) = handle.0.authority.settings().grants.iter().find(|grant| is_meant(grant)) {
                let why = "it is granted by the settings, and taken back there; nothing was changed";
                return Err(Error::Conflict(format!("{grant}: {why}")));
            }
            let gone = made.grants.extract_if(.., |grant| is_meant(grant));
            Ok(((), gone.map(|grant| removed(OwnedKind::Grant, grant.to_string())).collect()))
        })
        .await
    }

    /// Returns every group with its members; one of the settings hides one of the API.
    pub fn groups(&self, who: &Owner) -> Result<BTreeMap<String, Vec<Grantee>>, Error> {
        self.administers(who, Action::Look)?;
        let mut groups = self.0.authority.current().made.groups.clone();
        groups.extend(self.0.authority.settings().groups.clone());
        Ok(groups)
    }

    /// Makes a group where there is none of that name.
    pub async fn put_group(&self, who: &Owner, name: String) -> Result<(), Error> {
        self.administers(who, Action::Create)?;
        if let Some(problem) = name_problem(&name) {
            return Err(Error::invalid(problem));
        }
        let entry = self.entry(who, Action::Create, Object::new(ObjectKind::Group, &name));
        self.change_group(entry, name, |handle, name, made| {
            if made.groups.contains_key(name) {
                return Ok(Vec::new());
            }
            if made.groups.len() >= GROUPS_MAX {
                return Err(Error::Conflict(format!("there are {GROUPS_MAX} groups, the limit")));
            }
            made.groups.insert(name.to_owned(), Vec::new());
            Ok(vec![handle.kept_group(name, &[])])
        })
        .await
    }

    /// Removes a group with what was granted to it here.
    pub async fn remove_group(&self, who: &Owner, name: String) -> Result<(), Error> {
        self.administers(who, Action::Remove)?;
        let entry = self.entry(who, Action::Remove, Object::new(ObjectKind::Group, &name));
        self.change_group(entry, name, |handle, name, made| {
            made.groups.remove(name).ok_or_else(|| unknown(name))?;
            let mut changes = vec![removed(OwnedKind::Group, name.to_owned())];
            changes.extend(handle.forgotten(made, &Grantee::Group(name.to_owned())));
            Ok(changes)
        })
        .await
    }

    /// Lets some join a group of the API, or leave it.
    pub async fn change_members(
        &self,
        who: &Owner,
        name: String,
        members: Vec<Grantee>,
        membership: Membership,
    ) -> Result<(), Error> {
        self.administers(who, Action::Write)?;
        let entry = self.entry(who, Action::Write, Object::new(ObjectKind::Group, &name));
        let joined = members.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let entry = entry.detailed(&match membership {
            Membership::Join => format!("join: {joined}"),
            Membership::Leave => format!("leave: {joined}"),
        });
        self.change_group(entry, name, move |handle, name, made| {
            let known = handle.0.authority.current();
            let group = made.groups.get_mut(name).ok_or_else(|| unknown(name))?;
            match membership {
                Membership::Leave => group.retain(|member| !members.contains(member)),
                Membership::Join => {
                    if let Some(nobody) = members.iter().find(|member| !handle.is_there(&known, member)) {
                        return Err(Error::NotFound(format!("there is nobody called `{nobody}`")));
                    }
                    group.extend(members);
                    group.sort_unstable();
                    group.dedup();
                    if group.len() > MEMBERS_MAX {
                        return Err(Error::Conflict(format!("`{name}` would have more than {MEMBERS_MAX} members")));
                    }
                }
            }
            Ok(vec![handle.kept_group(name, group)])
        })
        .await
    }

    /// Forgets what was granted to somebody who is gone, and that it was in groups.
    pub(super) fn forgotten(&self, made: &mut Ruled, who: &Grantee) -> Vec<OwnedChange> {
        let (grants, groups) = made.forget(who);
        let grants = grants.iter().map(|grant| removed(OwnedKind::Grant, grant.to_string()));
        let groups = groups.iter().map(|group| self.kept_group(group, &made.groups[group]));
        grants.chain(groups).collect()
    }

    async fn change_group(
        &self,
        entry: Entry,
        name: String,
        change: impl FnOnce(&Self, &str, &mut Ruled) -> Result<Vec<OwnedChange>, Error> + Send + 'static,
    ) -> Result<(), Error> {
        self.govern(entry, move |handle, _, made| {
            if handle.0.authority.settings().groups.contains_key(&name) {
                return Err(Error::Conflict(format!("the group `{name}` is one of the settings, and changed there")));
            }
            Ok(((), change(handle, &name, made)?))
        })
        .await
    }

    /// Whether somebody is there to be granted something: a pattern always is.
    fn is_there(&self, current: &Current, who: &Grantee) -> bool {
        match who {
            Grantee::App(name) => current.application(name).is_some(),
            Grantee::Group(name) => {
                current.made.groups.contains_key(name) || self.0.authority.settings().groups.contains_key(name)
            }
            Grantee::File(_) | Grantee::Workflow(_) => true,
        }
    }

    fn kept_grant(&self, grant: &Grant) -> OwnedChange {
        let definition = serde_json::to_value(grant).expect("a grant has only text keys");
        self.kept_rule(OwnedKind::Grant, grant.to_string(), definition)
    }
}

fn permissions(grant: &Grant) -> String {
    grant.access.iter().map(|permission| permission.as_str()).collect::<Vec<_>>().join(", ")
}

fn unknown(name: &str) -> Error {
    Error::NotFound(format!("there is no group `{name}`"))
}
