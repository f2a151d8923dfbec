use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::access::{TAGS_MAX, Tagged, TargetKind, tag_problem};
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::applications::removed;
use crate::journal::{Action, Object, ObjectKind, OwnedKind};
use crate::words::{Owner, Permission};

/// Tags, as they are kept: one value a key.
pub type TagMap = BTreeMap<String, String>;

/// What is to become of the tags of a thing.
#[derive(Clone, Debug)]
pub enum TagChange {
    /// These are added, or take the place of those with their keys.
    Add(TagMap),
    /// These are the tags from now on.
    Replace(TagMap),
    /// These are gone; one without a value is gone whatever its value.
    Remove(TagMap),
}

impl Handle {
    /// Returns the tags of a workflow, a schedule or a task definition.
    pub fn tags(&self, who: &Owner, tagged: Tagged, name: &str) -> Result<TagMap, Error> {
        self.permit_tagged(who, Permission::Read, tagged, name)?;
        Ok(self.tags_of(tagged, name))
    }

    /// Fails where the tags of something, which need not be there yet, may not be changed so.
    pub fn permit_tags(&self, who: &Owner, tagged: Tagged, name: &str, change: &TagChange) -> Result<(), Error> {
        self.permit(who, Permission::Update, tagged.target(), name)?;
        self.changed(who, tagged, name, change).map(drop)
    }

    /// Changes the tags of a workflow, a schedule or a task definition, be it of a file or of the API, unless its file says
    /// them.
    pub async fn change_tags(&self, who: &Owner, tagged: Tagged, name: String, change: TagChange) -> Result<(), Error> {
        self.permit_tagged(who, Permission::Update, tagged, &name)?;
        let (entry, who) = (self.entry(who, Action::Tag, object(tagged, &name)).detailed(&told(&change)), who.clone());
        self.govern(entry, move |handle, _, made| {
            let after = handle.changed(&who, tagged, &name, &change)?;
            let row = tagged.row(&name);
            let kept = if after.is_empty() {
                removed(OwnedKind::Tags, row)
            } else {
                handle.kept_rule(OwnedKind::Tags, row, serde_json::json!(after))
            };
            made.tags.set(tagged, name, after);
            Ok(((), vec![kept]))
        })
        .await
    }

    /// Returns the tags that follow from a change, where each new one may be set and they are not too many.
    fn changed(&self, who: &Owner, tagged: Tagged, name: &str, change: &TagChange) -> Result<TagMap, Error> {
        if let Some((file, _)) = self.catalog().tags().of(tagged, name) {
            let thing = tagged.as_str();
            return Err(Error::Conflict(format!("the tags of {thing} `{name}` stand in {file}; change them there")));
        }
        let before = self.tags_of(tagged, name);
        let after = after(&before, change);
        for (key, value) in after.iter().filter(|(key, value)| before.get(*key) != Some(*value)) {
            self.permit_tag(who, tagged.target(), name, key, value)?;
        }
        if after.len() > TAGS_MAX { Err(too_many(name)) } else { Ok(after) }
    }

    /// Fails where a tag cannot be, or where it would grant what `who` does not have: nobody gives others, or itself, more
    /// than that by a tag.
    pub(super) fn permit_tag(
        &self,
        who: &Owner,
        kind: TargetKind,
        name: &str,
        key: &str,
        value: &str,
    ) -> Result<(), Error> {
        if let Some(problem) = tag_problem(key, value) {
            return Err(Error::invalid(problem));
        }
        let policy = self.0.authority.policy();
        if policy.granted_by_tag(key, value).all(|permission| self.may(who, permission, kind, name)) {
            return Ok(());
        }
        self.denied(who, Permission::Update, kind, name);
        Err(Error::Denied(format!("{who} may not tag {name} so: more is granted by that tag than {who} may do")))
    }

    /// Returns everything tagged that `who` may read, but secrets: what it is, its name and its tags.
    pub fn tagged(&self, who: &Owner) -> Vec<(Tagged, String, TagMap)> {
        let (current, catalog) = (self.0.authority.current(), self.catalog());
        let made = current.made.tags.all().filter(|(tagged, name, _)| catalog.tags().of(*tagged, name).is_none());
        let filed = catalog.tags().all().map(|(tagged, name, _, tags)| (tagged, name, tags));
        let all = made.chain(filed.filter(|(.., tags)| !tags.is_empty()));
        let readable = all.filter(|(tagged, name, _)| self.has_tagged(who, *tagged, name));
        readable.map(|(tagged, name, tags)| (tagged, name.to_owned(), tags.clone())).collect()
    }

    /// Forgets the tags of what is removed: the next one of its name must not inherit what they grant.
    pub(super) async fn forget_tags(&self, who: &Owner, tagged: Tagged, name: &str) -> Result<(), Error> {
        let entry = self.entry(who, Action::Tag, object(tagged, name)).detailed("without any");
        let name = name.to_owned();
        self.govern(entry, move |_, _, made| {
            let is_tagged = !made.tags.of(tagged, &name).is_empty();
            let row = tagged.row(&name);
            made.tags.set(tagged, name, TagMap::new());
            Ok(((), is_tagged.then(|| removed(OwnedKind::Tags, row)).into_iter().collect()))
        })
        .await
    }

    /// Returns tags for whoever may see what they belong to.
    pub(super) fn tags_of(&self, tagged: Tagged, name: &str) -> TagMap {
        match self.catalog().tags().of(tagged, name) {
            Some((_, tags)) => tags.clone(),
            None => self.0.authority.current().made.tags.of(tagged, name).clone(),
        }
    }

    /// Fails where `who` may not do that to something whose tags are asked for, or where it is not there.
    fn permit_tagged(&self, who: &Owner, permission: Permission, tagged: Tagged, name: &str) -> Result<(), Error> {
        let missing = || Error::NotFound(format!("there is no {} `{name}`", tagged.as_str()));
        self.permit_known(who, permission, tagged.target(), name, missing)?;
        if self.is_known(tagged, name) { Ok(()) } else { Err(missing()) }
    }

    /// Returns whether something is there that `who` may read, where nobody asked for it by its name.
    fn has_tagged(&self, who: &Owner, tagged: Tagged, name: &str) -> bool {
        self.may(who, Permission::Read, tagged.target(), name) && self.is_known(tagged, name)
    }

    fn is_known(&self, tagged: Tagged, name: &str) -> bool {
        let catalog = self.catalog();
        match tagged {
            Tagged::Workflow => catalog.workflow(name, None).is_some(),
            Tagged::Schedule => catalog.schedule(name).is_some(),
            Tagged::TaskDef => catalog.task_def(name).is_some(),
            Tagged::Environment => self.variables().contains_key(name),
        }
    }
}

fn object(tagged: Tagged, name: &str) -> Object {
    let kind = match tagged {
        Tagged::Workflow => ObjectKind::Workflow,
        Tagged::Schedule => ObjectKind::Schedule,
        Tagged::TaskDef => ObjectKind::Task,
        Tagged::Environment => ObjectKind::Environment,
    };
    Object::new(kind, name)
}

/// Returns a change as the audit tells it.
fn told(change: &TagChange) -> String {
    let (word, tags) = match change {
        TagChange::Add(tags) => ("with", tags),
        TagChange::Replace(tags) => ("only", tags),
        TagChange::Remove(tags) => ("without", tags),
    };
    let tags = tags.iter().map(|(key, value)| format!(" {key}:{value}"));
    format!("{word}{}", tags.collect::<String>())
}

/// Returns tags as clients read them.
pub fn shown_tags(tags: &TagMap) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

fn after(before: &TagMap, change: &TagChange) -> TagMap {
    let mut after = before.clone();
    match change {
        TagChange::Add(tags) => after.extend(tags.clone()),
        TagChange::Replace(tags) => after.clone_from(tags),
        TagChange::Remove(tags) => {
            after.retain(|key, value| tags.get(key).is_none_or(|removed| !removed.is_empty() && removed != value));
        }
    }
    after
}

pub(super) fn too_many(name: &str) -> Error {
    Error::invalid(format!("`{name}` has more than {TAGS_MAX} tags so"))
}
