//! How the audit hears of what is asked through the handle.
//!
//! What is allowed is told before it is done: by itself, or in the commit that does it. What is refused is told at once, and
//! whoever asked through a door hears of the refusal when it is on disk.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::access::TargetKind;
use crate::daemon::error::Error;
use crate::daemon::handle::{Handle, heard};
use crate::daemon::message::{Message, Refused, Reply};
use crate::journal::{Action, Actor, ActorKind, Entry, Object, ObjectKind, Verdict};
use crate::words::{Owner, Permission};

tokio::task_local! {
    static ASKING: Arc<Asking>;
}

/// A request at a door.
#[derive(Default)]
pub(super) struct Asking {
    /// Where it came from.
    from: Option<String>,
    /// What the audit was told and has not said to be on disk.
    owed: Mutex<Vec<oneshot::Receiver<Result<(), Refused>>>>,
}

/// Answers a request that came from somewhere. Where the audit cannot be written that somebody was refused something, it is not
/// answered.
pub async fn asking<T>(from: Option<String>, answer: impl Future<Output = T>) -> Result<T, Error> {
    let asking = Arc::new(Asking { from, ..Asking::default() });
    let answered = ASKING.scope(asking.clone(), answer).await;
    let owed = std::mem::take(&mut *asking.owed.lock().unwrap_or_else(PoisonError::into_inner));
    for told in owed {
        heard(told).await??;
    }
    Ok(answered)
}

/// Does something that belongs to the request of this moment, in whatever task it is done.
pub(super) fn in_same_request<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let asking = ASKING.try_with(Arc::clone).unwrap_or_default();
    ASKING.scope(asking, work)
}

/// Returns where the request of this moment came from.
fn from() -> Option<String> {
    ASKING.try_with(|asking| asking.from.clone()).ok().flatten()
}

impl Handle {
    /// Returns an entry in somebody's name.
    pub(super) fn entry(&self, who: &Owner, action: Action, object: Object) -> Entry {
        Entry::new(self.now(), Actor { address: from(), ..Actor::of(who) }, action, object)
    }

    /// Returns an entry of somebody who is not known.
    pub(super) fn entry_of_nobody(&self, action: Action, object: Object) -> Entry {
        Entry::new(self.now(), Actor { address: from(), ..Actor::new(ActorKind::Nobody, "") }, action, object)
    }

    /// Tells the audit, and returns once that is on disk: before what is told is done.
    pub(super) async fn record(&self, entries: Vec<Entry>) -> Result<(), Error> {
        Ok(self.ask(|reply| Message::Audit { entries, reply }).await??)
    }

    /// Asks the dispatcher for something that the audit tells of in the same commit.
    pub(super) async fn ask_told<T>(
        &self,
        entries: Vec<Entry>,
        message: impl FnOnce(Reply<T>) -> Message,
    ) -> Result<T, Error> {
        self.ask(|reply| Message::Audited { from: from(), entries, message: Box::new(message(reply)) }).await
    }

    /// The same for what follows from a request that was taken already.
    pub(super) async fn ask_on_told<T>(
        &self,
        entries: Vec<Entry>,
        message: impl FnOnce(Reply<T>) -> Message,
    ) -> Result<T, Error> {
        self.ask_on(|reply| Message::Audited { from: from(), entries, message: Box::new(message(reply)) }).await
    }

    /// Tells the audit that somebody was refused something.
    pub(super) fn denied(&self, who: &Owner, permission: Permission, kind: TargetKind, name: &str) {
        let action = match permission {
            Permission::Read => Action::Read,
            Permission::Create => Action::Create,
            Permission::Update => Action::Write,
            Permission::Delete => Action::Remove,
            Permission::Execute => Action::Execute,
        };
        let kind = match kind {
            TargetKind::Secret => ObjectKind::Secret,
            TargetKind::Workflow => ObjectKind::Workflow,
            TargetKind::Schedule => ObjectKind::Schedule,
            TargetKind::Environment => ObjectKind::Environment,
        };
        self.owe(self.entry(who, action, Object::new(kind, name)).with(Verdict::Denied));
    }

    /// Tells the audit something that the answer to the request of this moment waits for.
    pub(super) fn owe(&self, entry: Entry) {
        let (reply, told) = oneshot::channel();
        // It is never refused as busy: there are no more of them than the doors take requests.
        self.0.inbox.tell(Message::Audit { entries: vec![entry], reply });
        // Who asks through no door is this process.
        let _ = ASKING.try_with(|asking| asking.owed.lock().unwrap_or_else(PoisonError::into_inner).push(told));
    }

    /// Fails for everybody but the owner: who may do what, and what is wrong with this machine, is the owner's.
    pub(super) fn administers(&self, who: &Owner, action: Action) -> Result<(), Error> {
        match who {
            Owner::Local => Ok(()),
            Owner::App(_) | Owner::File(_) => {
                let object = Object::new(ObjectKind::Administration, "");
                self.owe(self.entry(who, action, object).with(Verdict::Denied));
                Err(Error::Denied(format!(
                    "{who} may not do what is the owner's: it is done on this machine, over the socket"
                )))
            }
        }
    }
}
