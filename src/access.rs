//! Who may do what: principal × permission × target, from the grants of the settings.
//!
//! The applications are here too, their keys and the tokens that they sign in for.
//!
//! **Architecture Invariant:** pure, and what is not allowed is denied. A tag that a definition file says grants only what
//! the file itself may do: whoever edits a file must not widen its rights.

mod accounts;
mod authority;
mod links;
mod pattern;
mod tags;
#[cfg(test)]
mod tests;
mod token;

use std::collections::{BTreeMap, BTreeSet};

use crate::words::{App, Grant, GrantTarget, Grantee, Owner, Permission};

pub use accounts::{APPLICATIONS_MAX, AccessKey, Accounts, Application, KEYS_MAX, name_problem};
pub use authority::{Authority, Current, Ruled};
pub use links::{LINK_LIFE, Links};
pub use tags::{FiledTags, TAGS_MAX, Tagged, Tags, tag_problem};
pub use token::{Claims, Signer, Untrusted};

/// How the reason begins where the owner of something may not do what it is about to. Orkes says it in these words.
pub const SECURITY_ERROR: &str = "Security Error";

/// The rules.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    workflows_granted: bool,
    applications: BTreeSet<App>,
    groups: BTreeMap<String, Vec<Grantee>>,
    grants: Vec<Grant>,
}

/// Who wants something.
#[derive(Clone, Copy, Debug)]
pub struct Principal<'a> {
    /// The owner of the definition that runs, or whoever calls.
    pub owner: &'a Owner,
    /// The name of the definition that runs, where one does.
    pub workflow: Option<&'a str>,
}

/// What it is wanted of.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// What kind of thing.
    pub kind: TargetKind,
    /// Its name.
    pub name: &'a str,
    /// Its tags, as the store, the API or its file say them.
    pub tags: &'a BTreeMap<String, String>,
}

/// What kind of thing a [`Target`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// A secret of the store.
    Secret,
    /// A workflow definition.
    Workflow,
    /// A schedule.
    Schedule,
    /// A variable of the environment.
    Environment,
}

impl TargetKind {
    /// Returns the word of the settings file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Workflow => "workflow",
            Self::Schedule => "schedule",
            Self::Environment => "environment",
        }
    }
}

impl Policy {
    /// Returns the rules of the settings; where `workflows_granted` is false the folder's workflows may do everything.
    pub fn new(workflows_granted: bool, groups: BTreeMap<String, Vec<Grantee>>, grants: Vec<Grant>) -> Self {
        Self { workflows_granted, applications: BTreeSet::new(), groups, grants }
    }

    /// Returns them with the applications that there are: one that was removed may do nothing, whatever was granted to it.
    #[must_use]
    pub fn with_applications(self, applications: BTreeSet<App>) -> Self {
        Self { applications, ..self }
    }

    /// Returns whether the principal may do that to the target.
    pub fn allows(&self, who: Principal<'_>, permission: Permission, target: &Target<'_>) -> bool {
        match who.owner {
            Owner::Local => true,
            Owner::File(_) if !self.workflows_granted => true,
            Owner::App(app) if !self.applications.contains(app) => false,
            Owner::File(_) | Owner::App(_) => self.is_granted(who, permission, target),
        }
    }

    /// Returns why nothing may be done in the name of an application that is gone. One that has its name now is another one.
    pub fn security_error(&self, owner: &Owner) -> Option<String> {
        match owner {
            Owner::App(app) if !app.is_nobody() && !self.applications.contains(app) => {
                Some(format!("{SECURITY_ERROR}: {owner} was removed, so nothing is done in its name"))
            }
            Owner::App(_) | Owner::File(_) | Owner::Local => None,
        }
    }

    /// Returns what anybody is granted on whatever carries that tag.
    pub fn granted_by_tag(&self, key: &str, value: &str) -> impl Iterator<Item = Permission> {
        let by_it = move |grant: &&Grant| matches!(&grant.on, GrantTarget::Tag(k, v) if k == key && v == value);
        self.grants.iter().filter(by_it).flat_map(|grant| grant.access.iter().copied())
    }

    fn is_granted(&self, who: Principal<'_>, permission: Permission, target: &Target<'_>) -> bool {
        self.grants.iter().any(|grant| {
            grant.access.contains(&permission)
                && covers(&grant.on, target)
                && self.includes(&grant.to, who, &mut BTreeSet::new())
        })
    }

    /// Returns whether the principal is meant; groups may hold groups, and even themselves.
    fn includes<'s>(&'s self, grantee: &'s Grantee, who: Principal<'_>, seen: &mut BTreeSet<&'s str>) -> bool {
        match (grantee, who.owner) {
            (Grantee::File(glob), Owner::File(path)) => pattern::path_matches(glob, path),
            (Grantee::Workflow(name), Owner::File(_)) => {
                who.workflow.is_some_and(|workflow| pattern::name_matches(name, workflow))
            }
            (Grantee::App(name), Owner::App(app)) => *name == app.name,
            (Grantee::Group(name), _) => {
                let members = self.groups.get(name).filter(|_| seen.insert(name));
                members.is_some_and(|members| members.iter().any(|member| self.includes(member, who, seen)))
            }
            (Grantee::File(_) | Grantee::Workflow(_), Owner::App(_) | Owner::Local)
            | (Grantee::App(_), Owner::File(_) | Owner::Local) => false,
        }
    }
}

fn covers(on: &GrantTarget, target: &Target<'_>) -> bool {
    let named = |kind, pattern: &str| target.kind == kind && pattern::name_matches(pattern, target.name);
    match on {
        GrantTarget::Secret(pattern) => named(TargetKind::Secret, pattern),
        GrantTarget::Workflow(pattern) => named(TargetKind::Workflow, pattern),
        GrantTarget::Schedule(pattern) => named(TargetKind::Schedule, pattern),
        GrantTarget::Environment(pattern) => named(TargetKind::Environment, pattern),
        GrantTarget::Tag(key, value) => target.tags.get(key) == Some(value),
    }
}
