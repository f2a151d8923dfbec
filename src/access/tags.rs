use std::collections::BTreeMap;

use super::TargetKind;

/// How many tags a thing has at most: more than anybody sorts by, and few enough to be looked through at each request.
pub const TAGS_MAX: usize = 50;
/// How long the key or the value of a tag may be, as names of secrets are.
const TAG_BYTES_MAX: usize = 128;

/// No tags.
pub(super) static NONE: BTreeMap<String, String> = BTreeMap::new();

/// What is tagged over the API; the tags of secrets are in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tagged {
    /// A workflow, in all of its versions.
    Workflow,
    /// A schedule.
    Schedule,
    /// A task definition, of which nobody is granted anything by a tag.
    TaskDef,
    /// A variable of the environment.
    Environment,
}

/// The tags of workflows, schedules, task definitions and variables.
#[derive(Clone, Debug, Default)]
pub struct Tags(BTreeMap<(Tagged, String), BTreeMap<String, String>>);

/// The tags that files say of what they define, each with its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FiledTags(BTreeMap<(Tagged, String), (String, BTreeMap<String, String>)>);

impl FiledTags {
    /// Returns the tags that a file says of a thing, with the file; nothing where none says any, be it that it has none.
    pub fn of(&self, tagged: Tagged, name: &str) -> Option<(&str, &BTreeMap<String, String>)> {
        // Asked for every right of everybody, and most folders say no tags.
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(tagged, name.to_owned())).map(|(file, tags)| (file.as_str(), tags))
    }

    /// Sets the tags that a file says of a thing.
    pub fn set(&mut self, tagged: Tagged, name: String, file: String, tags: BTreeMap<String, String>) {
        self.0.insert((tagged, name), (file, tags));
    }

    /// Returns all that files say the tags of: what it is, its name, the file and the tags.
    pub fn all(&self) -> impl Iterator<Item = (Tagged, &str, &str, &BTreeMap<String, String>)> {
        self.0.iter().map(|((tagged, name), (file, tags))| (*tagged, name.as_str(), file.as_str(), tags))
    }

    /// Returns what both say in the same way; of the rest no tag at all.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Self {
        let mut shared = self.clone();
        for (thing, said) in &mut shared.0 {
            said.1.retain(|key, value| other.0.get(thing).is_some_and(|other| other.1.get(key) == Some(value)));
        }
        let missing = other.0.iter().filter(|(thing, _)| !self.0.contains_key(*thing));
        shared.0.extend(missing.map(|(thing, (file, _))| (thing.clone(), (file.clone(), BTreeMap::new()))));
        shared
    }
}

impl Tagged {
    /// Everything that is tagged over the API, for tables.
    pub const ALL: [Self; 4] = [Self::Workflow, Self::Schedule, Self::TaskDef, Self::Environment];

    /// Returns the word for it, which rows of the journal carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Schedule => "schedule",
            Self::TaskDef => "task",
            Self::Environment => "environment",
        }
    }

    /// Returns the name of the row that keeps the tags of a thing.
    pub fn row(self, name: &str) -> String {
        format!("{}:{name}", self.as_str())
    }

    /// Returns what a row is about.
    pub fn of_row(row: &str) -> Option<(Self, &str)> {
        let (kind, name) = row.split_once(':')?;
        Some((Self::ALL.into_iter().find(|known| known.as_str() == kind)?, name))
    }

    /// Returns what is granted on by the tags of this; nobody is granted anything on a task definition by a tag.
    pub(super) const fn granting(kind: TargetKind) -> Option<Self> {
        match kind {
            TargetKind::Workflow => Some(Self::Workflow),
            TargetKind::Schedule => Some(Self::Schedule),
            TargetKind::Environment => Some(Self::Environment),
            TargetKind::Secret => None,
        }
    }

    /// Returns whose rights it takes to see or change the tags: a task definition counts as the workflow of its name.
    pub const fn target(self) -> TargetKind {
        match self {
            Self::Workflow | Self::TaskDef => TargetKind::Workflow,
            Self::Schedule => TargetKind::Schedule,
            Self::Environment => TargetKind::Environment,
        }
    }
}

impl Tags {
    /// Returns the tags of a thing.
    pub fn of(&self, tagged: Tagged, name: &str) -> &BTreeMap<String, String> {
        self.0.get(&(tagged, name.to_owned())).unwrap_or(&NONE)
    }

    /// Sets the tags of a thing, or forgets it where there are none.
    pub fn set(&mut self, tagged: Tagged, name: String, tags: BTreeMap<String, String>) {
        if tags.is_empty() {
            self.0.remove(&(tagged, name));
        } else {
            self.0.insert((tagged, name), tags);
        }
    }

    /// Returns everything that has tags.
    pub fn all(&self) -> impl Iterator<Item = (Tagged, &str, &BTreeMap<String, String>)> {
        self.0.iter().map(|((tagged, name), tags)| (*tagged, name.as_str(), tags))
    }
}

/// Returns why something cannot be tagged so.
pub fn tag_problem(key: &str, value: &str) -> Option<String> {
    if key.is_empty() {
        return Some("key: a tag needs one".to_owned());
    }
    // A grant names a tag as `tag:KEY:VALUE`.
    if key.contains(':') {
        return Some(format!("key: \"{}\" has a `:` in it", key.escape_debug()));
    }
    let is_long = key.len() > TAG_BYTES_MAX || value.len() > TAG_BYTES_MAX;
    let is_plain = !key.chars().chain(value.chars()).any(char::is_control);
    let problem = format!("a tag is text of at most {TAG_BYTES_MAX} bytes on each side, without control characters");
    (is_long || !is_plain).then_some(problem)
}
