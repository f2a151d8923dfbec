use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::tags::NONE;
use super::{Accounts, Application, FiledTags, Policy, Principal, Tagged, Tags, Target, TargetKind};
use crate::words::{Grant, Grantee, Owner, Permission};

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
    /// The tags that files say.
    filed: Arc<FiledTags>,
    /// Those of them by which something is granted.
    granting: FiledTags,
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
        let tags = tags.unwrap_or_else(|| current.tags(kind, name));
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
        self.change(|current| Current { accounts, made, policy: Arc::new(policy), ..current.clone() });
    }

    /// Puts the tags that files say in force.
    pub fn file(&self, filed: FiledTags) {
        if *self.current().filed != filed {
            self.change(|current| Current { filed: Arc::new(filed), ..current.clone() });
        }
    }

    fn change(&self, change: impl FnOnce(&Current) -> Current) {
        let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
        let next = change(&current);
        *current = Arc::new(Current { granting: granting(&next.policy, &next.filed), ..next });
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

    /// Returns the tags by which something is granted on a thing: those of its file, or else of the API.
    fn tags(&self, kind: TargetKind, name: &str) -> &BTreeMap<String, String> {
        let Some(tagged) = Tagged::granting(kind) else { return &NONE };
        self.granting.of(tagged, name).map_or_else(|| self.made.tags.of(tagged, name), |(_, tags)| tags)
    }

    /// Returns the tags that files say and that grant nothing, since a grant gives more by them than the file may do: the
    /// file, what carries it, its name, the key and the value.
    pub fn powerless(&self) -> impl Iterator<Item = (&str, Tagged, &str, &str, &str)> {
        self.filed.all().flat_map(|(tagged, name, file, tags)| {
            let grants = self.granting.of(tagged, name).map_or(&NONE, |(_, tags)| tags);
            let powerless = tags.iter().filter(|(key, _)| !grants.contains_key(*key));
            powerless.map(move |(key, value)| (file, tagged, name, key.as_str(), value.as_str()))
        })
    }
}

/// Returns the tags by which something is granted. A file sets a tag as an application does: where it has every right that
/// some grant gives by it. What it has by its own tags does not count.
fn granting(policy: &Policy, filed: &FiledTags) -> FiledTags {
    let mut granting = FiledTags::default();
    for (tagged, name, file, tags) in filed.all() {
        let owner = Owner::File(file.to_owned());
        let (who, target) =
            (Principal { owner: &owner, workflow: None }, Target { kind: tagged.target(), name, tags: &NONE });
        let may = |key: &str, value: &str| {
            policy.granted_by_tag(key, value).all(|permission| policy.allows(who, permission, &target))
        };
        let tags = tags.iter().filter(|(key, value)| may(key, value));
        let tags = tags.map(|(key, value)| (key.clone(), value.clone())).collect();
        granting.set(tagged, name.to_owned(), file.to_owned(), tags);
    }
    granting
}
