use std::sync::PoisonError;

use crate::daemon::error::{Error, SignedOut};
use crate::daemon::handle::Handle;
use crate::journal::{Action, Object, ObjectKind};
use crate::secret::random_token;
use crate::words::{Owner, Sensitive};

/// Where the pages are.
pub(in crate::daemon) struct Pages {
    origin: String,
    is_open: bool,
}

impl Handle {
    /// Says where the pages are, once it is known.
    pub fn open_pages_at(&self, origin: String, is_open: bool) {
        // A process opens one port, once.
        drop(self.0.pages.set(Pages { origin, is_open }));
    }

    /// Returns an address that leads to the pages and signs the owner in, once; where nobody signs in it only leads there.
    pub fn sign_in_address(&self, who: &Owner) -> Result<Sensitive, Error> {
        self.administers(who, Action::SignIn)?;
        let pages = self.0.pages.get().ok_or_else(|| {
            Error::Conflict("keytide serves no pages: start it with --listen 127.0.0.1:8321, or with --open".to_owned())
        })?;
        let origin = &pages.origin;
        if pages.is_open {
            return Ok(Sensitive::new(format!("{origin}/")));
        }
        let token = self.make_sign_in_link(who)?;
        // What is after the `#` no browser sends to a server, so no log of one on the way has it.
        Ok(Sensitive::new(format!("{origin}/sign-in#{}", token.expose())))
    }

    /// Makes a link that signs the owner in, once: who can ask for it here is the owner already.
    pub fn make_sign_in_link(&self, who: &Owner) -> Result<Sensitive, Error> {
        self.administers(who, Action::SignIn)?;
        let token = random_token()?;
        self.0.links.lock().unwrap_or_else(PoisonError::into_inner).add(&token, self.now());
        Ok(token)
    }

    /// Uses a sign-in link up, and returns who it signs in.
    pub async fn redeem_sign_in_link(&self, token: &Sensitive) -> Result<Owner, Error> {
        let is_good = self.0.links.lock().unwrap_or_else(PoisonError::into_inner).redeem(token, self.now());
        if is_good {
            let entry = self.entry(&Owner::Local, Action::SignIn, Object::new(ObjectKind::Administration, ""));
            self.record(vec![entry.detailed("a link")]).await?;
            return Ok(Owner::Local);
        }
        self.count_wrong_key()?;
        self.refused_sign_in("unknown", "a link");
        tracing::warn!("somebody tried to sign in with a link that is not good");
        Err(Error::SignedOut(SignedOut::DeadLink))
    }
}
