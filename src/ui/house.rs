use std::sync::Arc;

use crate::daemon::{Error, Handle, Listed};
use crate::door::Door;
use crate::secret::random_token;
use crate::ui::sessions::Sessions;
use crate::words::Sensitive;

/// What every page shares.
pub struct House {
    pub(super) handle: Handle,
    pub(super) door: Door,
    pub(super) sessions: Sessions,
    /// The name of the cookie that says which session somebody has: browsers send one server's cookies to all ports.
    pub(super) cookie: String,
    /// What forms carry where nobody signs in.
    pub(super) form_token: Sensitive,
    /// What the audit was last told of the pages, where nobody signs in.
    pub(super) listed: Arc<Listed>,
}

impl House {
    /// Opens the house behind a door; `port` is where it listens.
    pub fn new(handle: Handle, door: Door, port: u16) -> Result<Self, Error> {
        let (form_token, listed) = (random_token()?, Arc::default());
        let cookie = format!("keytide-{port}");
        Ok(Self { handle, door, sessions: Sessions::default(), cookie, form_token, listed })
    }

    /// Returns whether nobody signs in here.
    pub(super) fn is_open(&self) -> bool {
        match self.door {
            Door::Socket | Door::Loopback(_) => true,
            Door::Clients => false,
        }
    }
}
