use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Accounts, Application, Policy, Principal, Tags, Target, TargetKind};
use crate::words::{Grant, Grantee, Permission};

/// The rules in force, shared by everybody who asks: those of the settings, and those that the API made. Cloning is cheap.
#[derive(Clone)]
pub struct Authority(Arc<Shared>);

struct Shared {
    settings: Ruled,
    workflows_granted: bool,
    current: RwLock<Arc<Current>>,
}

/// Groups and grants from one place.
#[derive(Clone, Debug, Default)]
pub struct Ruled {
    /// Who is in which group.
    pub groups: BTreeMap<String, Vec<Grantee>>,
    /// Who may do what.
    pub grants: Vec<Grant>,
    /// What carries which tags; the settings have none.
    pub tags: Tags,
    /// Variables of the environment; those of the settings stand beside them, and win.
    pub variables: BTreeMap<String, String>,
}

/// What holds at one moment.
#[derive(Clone, Debug, Default)]
pub struct Current {
    /// The applications.
    pub accounts: Accounts,
    /// What the API made.
    pub made: Ruled,
    policy: Arc<Policy>,
}

impl Authority {
    /// Returns the rules of the settings; where `workflows_granted` is false the folder's workflows may do everything.
    pub fn new(workflows_granted: bool, settings: Ruled) -> Self {
        let current = RwLock::default();
        let authority = Self(Arc::new(Shared { settings, workflows_granted, current }));
        authority.replace(Accounts::default(), Ruled::default());
        authority
    }

    /// Returns the groups and grants of the settings.
    pub fn settings(&self) -> &Ruled {
        &self.0.settings
    }

    /// Returns what holds now.
    pub fn current(&self) -> Arc<Current> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the rules that hold now.
    pub fn policy(&self) -> Arc<Policy> {
        self.current().policy.clone()
    }

    /// Returns whether the principal may do that to a thing, with the tags that it has; those of a secret are the store's.
    pub fn allows(
        &self,
        who: Principal<'_>,
        permission: Permission,
        kind: TargetKind,
        name: &str,
        of_secret: Option<&BTreeMap<String, String>>,
    ) -> bool {
        let current = self.current();
        let tags = of_secret.filter(|_| kind == TargetKind::Secret);
        let tags = tags.unwrap_or_else(|| current.made.tags.granting(kind, name));
        current.policy.allows(who, permission, &Target { kind, name, tags })
    }

    /// Puts applications and what the API made in force.
    pub fn replace(&self, accounts: Accounts, made: Ruled) {
        let settings = &self.0.settings;
        let mut groups = made.groups.clone();
        // The settings win: nobody joins a group of theirs over the API.
        groups.extend(settings.groups.clone());
        let grants = settings.grants.iter().chain(&made.grants).cloned().collect();
        let policy = Policy::new(self.0.workflows_granted, groups, grants).with_applications(accounts.apps());
        let current = Current { accounts, made, policy: Arc::new(policy) };
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(current);
    }
}

impl Ruled {
    /// Forgets somebody, who is granted nothing more and is in no group. Returns the grants that are gone, and the names of
    /// the groups that are not what they were.
    pub fn forget(&mut self, who: &Grantee) -> (Vec<Grant>, Vec<String>) {
        let gone = self.grants.extract_if(.., |grant| grant.to == *who).collect();
        let mut left = Vec::new();
        for (name, members) in &mut self.groups {
            let before = members.len();
            members.retain(|member| member != who);
            left.extend((members.len() < before).then(|| name.clone()));
        }
        (gone, left)
    }
}

impl Current {
    /// Returns an application.
    pub fn application(&self, name: &str) -> Option<&Application> {
        self.accounts.application(name)
    }
}
