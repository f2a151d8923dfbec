//! What the faces hold: every request goes through here, with its checks and its masks.
//!
//! **Architecture Invariant:** a value leaves in clear by two named doors only, [`Handle::reveal`] and
//! [`Handle::hand_off`]; everything else that is returned is masked.

mod applications;
mod audit;
mod auditing;
mod definitions;
mod environment;
mod executions;
mod exporting;
mod grants;
mod links;
mod listing;
mod metrics;
mod operating;
mod problems;
mod rescue;
mod rotations;
mod schedules;
mod searching;
mod secrets;
mod settings;
mod signing;
mod standstill;
mod tags;
mod tasks;
mod trying;
mod workers;

pub use applications::KeyChange;
pub use auditing::asking;
pub use executions::Known;
pub use exporting::Made;
pub use grants::Membership;
pub(super) use links::Pages;
pub use listing::{Listed, on_page};
pub(super) use searching::SEARCHES_AT_ONCE_MAX;
pub use searching::latest;
pub use settings::Ground;
pub use standstill::Standstill;
pub use tags::{TagChange, TagMap, shown_tags};

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::oneshot;

pub(super) use signing::WrongKeys;

use crate::access::{Authority, Links, Principal, Signer, TargetKind};
use crate::catalog::{Catalog, Problem};
use crate::clock::Clock;
use crate::daemon::assembly::Reread;
use crate::daemon::counting::Onlookers;
use crate::daemon::definitions::Definitions;
use crate::daemon::error::Error;
use crate::daemon::inbox::{Closed, Inbox, REQUESTS_MAX};
use crate::daemon::message::{Message, Reply};
use crate::daemon::rules::Rules;
use crate::daemon::views::Views;
use crate::journal::Reader;
use crate::secret::Store;
use crate::settings::Settings;
use crate::words::{Owner, Permission};

/// The daemon, as a face sees it. Cloning is cheap.
#[derive(Clone)]
pub struct Handle(pub(super) Arc<Shared>);

/// What every clone shares.
pub(super) struct Shared {
    pub(super) inbox: Inbox,
    pub(super) store: Arc<Store>,
    pub(super) authority: Authority,
    /// Held by who changes the authority: one after another.
    pub(super) governing: tokio::sync::Mutex<()>,
    /// Held by who changes what the API made.
    pub(super) registering: Arc<tokio::sync::Mutex<()>>,
    pub(super) signer: Signer,
    pub(super) wrong_keys: Mutex<WrongKeys>,
    pub(super) wrong_tokens: Mutex<WrongKeys>,
    /// The sign-in links that nobody has used yet.
    pub(super) links: Mutex<Links>,
    pub(super) pages: OnceLock<Pages>,
    pub(super) settings: Arc<Settings>,
    pub(super) ground: Ground,
    pub(super) definitions: Definitions,
    pub(super) reader: Reader,
    /// The turns of those who search.
    pub(super) searches: Arc<tokio::sync::Semaphore>,
    pub(super) views: Views,
    pub(super) clock: Arc<dyn Clock>,
    /// Where what goes on is told and counted.
    pub(super) onlookers: Onlookers,
    pub(super) reread: Reread,
    /// What the settings say now, of what may change while the process runs.
    pub(super) set: Mutex<Rules>,
    /// What keeps the settings file from being in force.
    pub(super) unsettled: Mutex<Option<Problem>>,
    /// What is wrong at places that only a face knows.
    pub(super) troubles: Mutex<BTreeMap<&'static str, String>>,
    /// What the API owns and could not be read at the start.
    pub(super) unreadable: Vec<Problem>,
}

impl Handle {
    /// Returns what is set.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Returns what time it is.
    pub fn now(&self) -> crate::words::Timestamp {
        self.0.clock.now()
    }

    pub(super) fn definitions(&self) -> &Definitions {
        &self.0.definitions
    }

    /// Puts the first catalog in force.
    pub(super) fn adopt(&self, catalog: Catalog) {
        let changing = self.0.definitions.begin();
        self.publish(&changing, catalog);
    }

    /// Asks the dispatcher and waits for what it says.
    async fn ask<T>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.request(message(reply))?;
        heard(answer).await
    }

    /// Asks what follows from a request that was taken already: it is not refused halfway.
    async fn ask_on<T>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        // Where nobody listens any more the answer says so.
        self.0.inbox.tell(message(reply));
        heard(answer).await
    }

    /// Does something as a task of its own: it does not end between the journal and what follows from it because whoever
    /// asked went away.
    async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        tokio::spawn(auditing::in_same_request(work))
            .await
            .map_err(|_| Error::Unavailable("keytide is stopping".to_owned()))?
    }

    /// Sends a request to the dispatcher, unless too many wait there already.
    fn request(&self, message: Message) -> Result<(), Error> {
        self.0.inbox.ask(message).map_err(|closed| match closed {
            Closed::Busy => {
                Error::Busy(format!("keytide is busy: {REQUESTS_MAX} requests wait; try again in a moment"))
            }
            Closed::Stopped => Error::Unavailable("keytide is stopping".to_owned()),
        })
    }

    /// Returns whether `who` may do that.
    pub(super) fn may(&self, who: &Owner, permission: Permission, kind: TargetKind, name: &str) -> bool {
        let snapshot = self.0.store.snapshot();
        let principal = Principal { owner: who, workflow: None };
        self.0.authority.allows(principal, permission, kind, name, snapshot.tags(name))
    }

    /// Returns what `who` may do to something of that name, whether or not it is there.
    pub fn rights(&self, who: &Owner, kind: TargetKind, name: &str) -> Vec<Permission> {
        Permission::ALL.into_iter().filter(|right| self.may(who, *right, kind, name)).collect()
    }

    /// Fails where `who` may not do that.
    fn permit(&self, who: &Owner, permission: Permission, kind: TargetKind, name: &str) -> Result<(), Error> {
        if self.may(who, permission, kind, name) {
            return Ok(());
        }
        self.denied(who, permission, kind, name);
        Err(Error::Denied(format!("{who} may not {permission} {name}")))
    }

    /// Fails where `who` may not do that to what may be there: who may not even read it hears what is said of what is
    /// missing.
    fn permit_known(
        &self,
        who: &Owner,
        permission: Permission,
        kind: TargetKind,
        name: &str,
        missing: impl FnOnce() -> Error,
    ) -> Result<(), Error> {
        let denied = self.permit(who, permission, kind, name);
        if denied.is_ok() || self.may(who, Permission::Read, kind, name) { denied } else { Err(missing()) }
    }

    /// Fails where `who` may neither make that nor, where it exists, change it: both read the same, for the difference would
    /// tell whether it exists.
    fn permit_write(&self, who: &Owner, kind: TargetKind, name: &str, exists: bool) -> Result<(), Error> {
        let permission = if exists { Permission::Update } else { Permission::Create };
        if self.may(who, permission, kind, name) {
            return Ok(());
        }
        self.denied(who, permission, kind, name);
        Err(Error::Denied(format!("{who} may not write {name}")))
    }
}

async fn heard<T>(answer: oneshot::Receiver<T>) -> Result<T, Error> {
    answer.await.map_err(|_| Error::Unavailable("the journal cannot be written; see the log".to_owned()))
}
