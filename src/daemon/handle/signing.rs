use std::sync::PoisonError;
use std::time::Duration;

use crate::access::{Application, Untrusted};
use crate::daemon::error::{Error, SignedOut};
use crate::daemon::handle::Handle;
use crate::journal::{Action, Object, ObjectKind, Verdict};
use crate::secret::random_id;
use crate::words::{Owner, Sensitive, Timestamp};

/// How many wrong keys are looked at in a minute; who tries more gets no answer about them. A right key is always let in, so
/// that nobody keeps others out, and to find one by trying is hopeless as it is: this keeps the log and the audit short.
const WRONG_KEYS_MAX: u32 = 30;
/// The minute.
const WRONG_KEYS_PERIOD: Duration = Duration::from_mins(1);

/// How many wrong keys came lately.
#[derive(Debug, Default)]
pub(in crate::daemon) struct WrongKeys {
    since: Timestamp,
    count: u32,
}

impl WrongKeys {
    /// Counts one more, and returns whether it is one too many.
    fn is_too_many(&mut self, now: Timestamp) -> bool {
        // A clock that was set back starts a new minute.
        if now < self.since || now.since(self.since) >= WRONG_KEYS_PERIOD {
            *self = Self { since: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count > WRONG_KEYS_MAX
    }
}

impl Handle {
    /// Signs an application in with one of its keys, and returns its token.
    pub async fn sign_in(&self, key_id: &str, secret: &Sensitive) -> Result<Sensitive, Error> {
        let application = self.opener(key_id, secret)?;
        let who = application.as_owner();
        self.record(vec![self.entry(&who, Action::SignIn, Object::new(ObjectKind::Key, key_id))]).await?;
        Ok(self.0.signer.sign(&application.name, key_id, random_id()?, self.now()))
    }

    /// Returns whose key that is, for who sends it with each request.
    pub fn opened_by(&self, key_id: &str, secret: &Sensitive) -> Result<Owner, Error> {
        Ok(self.opener(key_id, secret)?.as_owner())
    }

    fn opener(&self, key_id: &str, secret: &Sensitive) -> Result<Application, Error> {
        let current = self.0.authority.current();
        if let Some(application) = current.accounts.open(key_id, secret) {
            return Ok(application.clone());
        }
        self.count_wrong_key()?;
        // Who mixes up the two would have the secret written down.
        self.refused_sign_in(current.accounts.holder(key_id).map_or("unknown", |_| key_id), "a key");
        tracing::warn!("somebody tried to sign in with a key that is not known, or disabled, or with a wrong secret");
        Err(Error::SignedOut(SignedOut::WrongKey))
    }

    /// Tells the audit that somebody could not sign in.
    pub(super) fn refused_sign_in(&self, key: &str, with: &str) {
        let entry = self.entry_of_nobody(Action::SignIn, Object::new(ObjectKind::Key, key));
        self.owe(entry.with(Verdict::Denied).detailed(with));
    }

    /// Counts a wrong key, and fails where there were too many lately.
    pub(super) fn count_wrong_key(&self) -> Result<(), Error> {
        let mut wrong = self.0.wrong_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.is_too_many(self.now()) {
            return Err(Error::Impatient("too many wrong keys were tried: wait a minute".to_owned()));
        }
        Ok(())
    }

    /// Returns whose token that is. It is good for as long as its key is.
    pub fn authenticate(&self, token: Option<&str>) -> Result<Owner, Error> {
        let token = token.ok_or(Error::SignedOut(SignedOut::NoToken))?;
        let holder = self.holder(token).map_err(|untrusted| match untrusted {
            // Each client comes with one, once its time is over.
            Untrusted::Expired => Error::SignedOut(SignedOut::Expired),
            Untrusted::Invalid => self.refused_token(),
        })?;
        holder.ok_or_else(|| self.refused_token())
    }

    /// Returns whether a token is still that of somebody who was let in with it. Nobody is told: it is no attempt to come in.
    pub fn is_still_good(&self, token: &str, who: &Owner) -> bool {
        self.holder(token).is_ok_and(|holder| holder.as_ref() == Some(who))
    }

    /// Returns whose token that is; nobody's where its key is gone.
    fn holder(&self, token: &str) -> Result<Option<Owner>, Untrusted> {
        let claims = self.0.signer.read(token, self.now())?;
        let current = self.0.authority.current();
        Ok(current.accounts.signed_in(&claims.name, &claims.key).map(Application::as_owner))
    }

    /// Tells the audit of a token that is none of ours, or whose key is gone; not of each in a flood of them.
    pub fn refused_token(&self) -> Error {
        let mut wrong = self.0.wrong_tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if !wrong.is_too_many(self.now()) {
            self.refused_sign_in("unknown", "a token");
        }
        Error::SignedOut(SignedOut::Invalid)
    }

    /// Returns what is known of whoever asks, where it is an application.
    pub fn own_application(&self, who: &Owner) -> Option<Application> {
        match who {
            Owner::App(app) => self.0.authority.current().application(&app.name).cloned(),
            Owner::Local | Owner::File(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{WRONG_KEYS_MAX, WRONG_KEYS_PERIOD, WrongKeys};
    use crate::words::Timestamp;

    #[test]
    fn wrong_keys_are_counted_by_the_minute() {
        let mut wrong = WrongKeys::default();
        let start = Timestamp::from_millis(1_000_000);
        let many = |wrong: &mut WrongKeys, at| (0..WRONG_KEYS_MAX).any(|_| wrong.is_too_many(at));
        assert!(!many(&mut wrong, start));
        assert!(wrong.is_too_many(start));
        assert!(wrong.is_too_many(start.plus(WRONG_KEYS_PERIOD / 2)));
        assert!(!many(&mut wrong, start.plus(WRONG_KEYS_PERIOD)));
        assert!(wrong.is_too_many(start.plus(WRONG_KEYS_PERIOD)));
        assert!(!many(&mut wrong, start), "a clock that was set back");
    }
}
