//! The audit: who did what to which secret, workflow or right. Entries are chained by hash and never changed.
//!
//! `docs/AUDIT.md` says what an entry is, to the byte. An entry is kept in the transaction of the thing that it is about,
//! or in one of its own before the thing happens.
//!
//! **Architecture Invariant:** an entry holds names and fingerprints, never a value.

pub(super) mod anchor;
pub(super) mod chain;
mod notes;
pub(super) mod table;
#[cfg(test)]
mod tests;

pub use chain::{Acknowledged, Broken, Checked, Link};
pub use notes::Notes;
pub use table::{AuditPage, AuditQuery};

use serde::{Deserialize, Serialize};

use crate::words::{ExecutionId, Owner, Timestamp};

/// The longest name or detail that an entry keeps: clients choose names, and must not fill the disk with one.
const TEXT_BYTES_MAX: usize = 256;
/// The longest reason of an acknowledgement: it stands in the detail behind what it is about, which is never cut for it.
pub const REASON_BYTES_MAX: usize = 160;

/// What somebody did, or was not let do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// To what.
    pub object: Object,
    /// What became of it.
    pub outcome: Verdict,
    /// The version of a secret that it made or showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The fingerprint of the value before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// The fingerprint of the value that was read, or of the one that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// What else there is to say: a permission, a tag, which versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The execution that it is about, or that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunOf>,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// What kind of somebody.
    pub kind: ActorKind,
    /// Who of that kind.
    pub name: String,
    /// Where it came from: an address, or the user of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// The kinds of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ActorKind {
    /// Whoever can read the identity.
    Owner,
    /// An application.
    App,
    /// A definition of the folder.
    File,
    /// An execution of a workflow.
    Workflow,
    /// A schedule.
    Schedule,
    /// A handler of events.
    Event,
    /// The daemon by itself.
    Keytide,
    /// Somebody who did not sign in.
    Nobody,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// To list what there is.
    List,
    /// To look at what is known of a thing, without its value.
    Look,
    /// To see a value.
    Reveal,
    /// To use a value.
    Read,
    /// To make a thing.
    Create,
    /// To write a value, or to change a thing.
    Write,
    /// To remove a thing.
    Remove,
    /// To make an old value the current one again.
    RollBack,
    /// To set or remove a tag.
    Tag,
    /// To start a workflow.
    Start,
    /// To do something to an execution that has no word of its own here.
    Execute,
    /// To hold.
    Pause,
    /// To let go on.
    Resume,
    /// To end.
    Terminate,
    /// To try again.
    Retry,
    /// To start from the beginning.
    Restart,
    /// To make again from a task on.
    Rerun,
    /// To pass over a task.
    Skip,
    /// To stop naming as a problem.
    Dismiss,
    /// To store what a run fetched.
    Rescue,
    /// To grant a right.
    Grant,
    /// To take a right back.
    Revoke,
    /// To sign in.
    SignIn,
    /// To say what came of a task, as a worker or in its place.
    Report,
    /// To remove what is old: entries of the audit, executions.
    Purge,
    /// To find the audit damaged.
    Damage,
    /// To say that a damage of the audit is known, and why.
    Acknowledge,
}

/// What it is done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
}

/// What there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ObjectKind {
    /// A secret.
    Secret,
    /// Who can read the store.
    Recipient,
    /// The store's file.
    Store,
    /// A workflow or its execution.
    Workflow,
    /// A schedule.
    Schedule,
    /// A task definition.
    Task,
    /// A handler of events.
    EventHandler,
    /// A name of the environment.
    Environment,
    /// An application.
    Application,
    /// A key of an application.
    Key,
    /// A group.
    Group,
    /// A grant.
    Grant,
    /// The tags of a workflow, a schedule or a task definition.
    Tags,
    /// What is the owner's alone.
    Administration,
    /// The audit.
    Audit,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// A task is about to do it. Whether it may is decided at the last moment: a refusal follows as `denied`.
    Asked,
    /// It may be done, and was unless `failed` follows.
    Allowed,
    /// It may not be done.
    Denied,
    /// It may be done, and was not.
    Failed,
}

/// An execution, as an entry names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunOf {
    /// Its id.
    pub id: ExecutionId,
    /// Its workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The workflow's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// The reference of the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Whose rights count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

impl RunOf {
    /// Returns an execution of which nothing else is known.
    pub const fn id(id: ExecutionId) -> Self {
        Self { id, workflow: None, version: None, task: None, owner: None }
    }
}

impl Actor {
    /// Returns somebody of a kind.
    pub fn new(kind: ActorKind, name: &str) -> Self {
        Self { kind, name: cut(name), address: None }
    }

    /// Returns the owner of something as the one who acts.
    pub fn of(owner: &Owner) -> Self {
        match owner {
            Owner::Local => Self::new(ActorKind::Owner, "owner"),
            Owner::App(app) => Self::new(ActorKind::App, &app.name),
            Owner::File(path) => Self::new(ActorKind::File, path),
        }
    }

    /// Returns the daemon by itself.
    pub fn keytide() -> Self {
        Self::new(ActorKind::Keytide, "keytide")
    }
}

impl Object {
    /// Returns a thing.
    pub fn new(kind: ObjectKind, name: &str) -> Self {
        Self { kind, name: cut(name) }
    }

    /// Returns a secret.
    pub fn secret(name: &str) -> Self {
        Self::new(ObjectKind::Secret, name)
    }
}

impl Entry {
    /// Returns an entry with what every one has; it says that the thing is allowed.
    pub const fn new(at: Timestamp, actor: Actor, action: Action, object: Object) -> Self {
        let outcome = Verdict::Allowed;
        Self { at, actor, action, object, outcome, version: None, old: None, new: None, detail: None, run: None }
    }

    /// Returns it with another outcome.
    pub fn with(self, outcome: Verdict) -> Self {
        Self { outcome, ..self }
    }

    /// Returns it with what else there is to say.
    pub fn detailed(self, detail: &str) -> Self {
        Self { detail: Some(cut(detail)), ..self }
    }

    /// Returns whether it says that a damage of the audit is known.
    pub fn acknowledges(&self) -> bool {
        self.action == Action::Acknowledge && self.outcome == Verdict::Allowed
    }

    /// Returns it with the execution that it is about.
    pub fn about(self, run: RunOf) -> Self {
        Self { run: Some(run), ..self }
    }
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned()
}
