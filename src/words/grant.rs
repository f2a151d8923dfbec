use std::fmt;

use serde::{Deserialize, Serialize};

/// What somebody may do to a [`GrantTarget`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Permission {
    /// See it; for a secret: use its value.
    Read,
    /// Make it where it does not exist.
    Create,
    /// Change it.
    Update,
    /// Remove it.
    Delete,
    /// Start it.
    Execute,
}

impl Permission {
    /// Every permission, for tables.
    pub const ALL: [Self; 5] = [Self::Read, Self::Create, Self::Update, Self::Delete, Self::Execute];

    /// Returns the word of the settings file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Execute => "EXECUTE",
        }
    }

    /// Reads the word of the settings file.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == text)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// To whom a [`Grant`] gives something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Grantee {
    /// `file:GLOB`: the definitions of the files whose path matches.
    File(String),
    /// `workflow:PATTERN`: the definitions of the folder whose name matches.
    Workflow(String),
    /// `app:NAME`: an application of the API.
    App(String),
    /// `group:NAME`: everybody in the group.
    Group(String),
}

impl Grantee {
    /// Reads the text of the settings file.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':').filter(|(_, name)| !name.is_empty())?;
        match kind {
            "file" => Some(Self::File(name.to_owned())),
            "workflow" => Some(Self::Workflow(name.to_owned())),
            "app" => Some(Self::App(name.to_owned())),
            "group" => Some(Self::Group(name.to_owned())),
            _ => None,
        }
    }
}

impl TryFrom<String> for Grantee {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("\"{text}\" is not somebody who can be granted something"))
    }
}

impl From<Grantee> for String {
    fn from(it: Grantee) -> Self {
        it.to_string()
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(glob) => write!(f, "file:{glob}"),
            Self::Workflow(pattern) => write!(f, "workflow:{pattern}"),
            Self::App(name) => write!(f, "app:{name}"),
            Self::Group(name) => write!(f, "group:{name}"),
        }
    }
}

/// On what a [`Grant`] gives something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GrantTarget {
    /// `secret:PATTERN`.
    Secret(String),
    /// `tag:KEY:VALUE`: whatever carries the tag.
    Tag(String, String),
    /// `workflow:PATTERN`.
    Workflow(String),
    /// `schedule:PATTERN`.
    Schedule(String),
    /// `environment:PATTERN`.
    Environment(String),
}

impl GrantTarget {
    /// Reads the text of the settings file.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':').filter(|(_, name)| !name.is_empty())?;
        match kind {
            "secret" => Some(Self::Secret(name.to_owned())),
            "tag" => name.split_once(':').map(|(key, value)| Self::Tag(key.to_owned(), value.to_owned())),
            "workflow" => Some(Self::Workflow(name.to_owned())),
            "schedule" => Some(Self::Schedule(name.to_owned())),
            "environment" => Some(Self::Environment(name.to_owned())),
            _ => None,
        }
    }
}

impl TryFrom<String> for GrantTarget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("\"{text}\" is not something that can be granted"))
    }
}

impl From<GrantTarget> for String {
    fn from(it: GrantTarget) -> Self {
        it.to_string()
    }
}

impl fmt::Display for GrantTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(pattern) => write!(f, "secret:{pattern}"),
            Self::Tag(key, value) => write!(f, "tag:{key}:{value}"),
            Self::Workflow(pattern) => write!(f, "workflow:{pattern}"),
            Self::Schedule(pattern) => write!(f, "schedule:{pattern}"),
            Self::Environment(pattern) => write!(f, "environment:{pattern}"),
        }
    }
}

/// One line of the policy: somebody may do something to something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub to: Grantee,
    /// On what.
    pub on: GrantTarget,
    /// What.
    pub access: Vec<Permission>,
}

impl fmt::Display for Grant {
    /// Names it by whom and what it is about, which is what there is one of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.to, self.on)
    }
}
