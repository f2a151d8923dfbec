use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::daemon::Listed;
use crate::secret::{Error, random_token};
use crate::words::{Sensitive, Timestamp};

/// How many sessions there are: some browsers for each of the few people who look after one daemon. A new one takes the
/// place of the one that was idle longest.
const SESSIONS_MAX: usize = 100;
/// How long a session lasts that nobody uses: a long meeting, and no night.
const IDLE_MAX: Duration = Duration::from_hours(2);
/// How long a session lasts in any case: a working day.
const LIFE_MAX: Duration = Duration::from_hours(12);

/// The sessions, by the digests of their cookies: what is kept here lets nobody in.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

struct Session {
    /// The token of the application that signed in; none: it is the owner.
    token: Option<Sensitive>,
    form_token: Sensitive,
    listed: Arc<Listed>,
    made: Timestamp,
    used: Timestamp,
}

/// What a request is to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Somebody does something: the session goes on.
    Using,
    /// A page that is open looks for news: that keeps no session from its end.
    Looking,
}

/// What a session says of who has it.
pub(super) struct Found {
    /// The token of the application that signed in; none: it is the owner.
    pub(super) token: Option<Sensitive>,
    /// What the session's forms carry.
    pub(super) form_token: Sensitive,
    /// What the audit was last told of its pages.
    pub(super) listed: Arc<Listed>,
}

impl Session {
    /// A clock that was set back by hours ends no session early and keeps none longer than its life.
    fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.used) >= IDLE_MAX || now.since(self.made) >= LIFE_MAX
    }
}

impl Sessions {
    /// Opens a session and returns its cookie.
    pub(super) fn open(&self, token: Option<Sensitive>, now: Timestamp) -> Result<Sensitive, Error> {
        let (cookie, form_token) = (random_token()?, random_token()?);
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| !session.is_over(now));
        if sessions.len() >= SESSIONS_MAX {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key);
            oldest.and_then(|key| sessions.remove(&key));
        }
        sessions.insert(digest(&cookie), Session { token, form_token, listed: Arc::default(), made: now, used: now });
        Ok(cookie)
    }

    /// Returns the session of a cookie.
    pub(super) fn find(&self, cookie: &Sensitive, used: Use, now: Timestamp) -> Option<Found> {
        let key = digest(cookie);
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.get(&key)?.is_over(now) {
            sessions.remove(&key);
            return None;
        }
        let session = sessions.get_mut(&key)?;
        if used == Use::Using {
            session.used = session.used.max(now);
        }
        let Session { token, form_token, listed, .. } = session;
        Some(Found { token: token.clone(), form_token: form_token.clone(), listed: listed.clone() })
    }

    /// Ends a session.
    pub(super) fn close(&self, cookie: &Sensitive) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(cookie));
    }
}

fn digest(cookie: &Sensitive) -> [u8; 32] {
    Sha256::digest(cookie.expose().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::{IDLE_MAX, LIFE_MAX, SESSIONS_MAX, Sessions, Use};
    use crate::words::{Sensitive, Timestamp};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn a_session_ends_when_it_is_idle_and_when_its_life_is_over() {
        let sessions = Sessions::default();
        let idle = sessions.open(None, NOW).unwrap();
        let used = sessions.open(None, NOW).unwrap();
        let mut now = NOW;
        while now.since(NOW) < LIFE_MAX {
            assert!(sessions.find(&used, Use::Using, now).is_some());
            now = now.plus(IDLE_MAX / 2);
        }
        assert!(sessions.find(&used, Use::Using, NOW.plus(LIFE_MAX)).is_none(), "its life is over");
        let open = sessions.open(None, NOW).unwrap();
        assert!(sessions.find(&open, Use::Looking, NOW.plus(IDLE_MAX / 2)).is_some());
        assert!(sessions.find(&open, Use::Looking, NOW.plus(IDLE_MAX)).is_none(), "a page that only lies open");
        assert!(sessions.find(&idle, Use::Using, NOW.plus(IDLE_MAX)).is_none(), "it was idle");
        assert!(sessions.find(&idle, Use::Using, NOW).is_none(), "a clock that was set back");
    }

    #[test]
    fn a_session_is_over_once_it_is_closed() {
        let sessions = Sessions::default();
        let (one, other) = (sessions.open(None, NOW).unwrap(), sessions.open(None, NOW).unwrap());
        sessions.close(&one);
        assert!(sessions.find(&one, Use::Using, NOW).is_none());
        assert!(sessions.find(&other, Use::Using, NOW).is_some());
        assert!(sessions.find(&Sensitive::new(""), Use::Using, NOW).is_none());
    }

    #[test]
    fn a_new_session_takes_the_place_of_the_one_that_is_idle_longest() {
        let sessions = Sessions::default();
        let later = |number: usize| NOW.plus(std::time::Duration::from_millis(number as u64));
        let cookies: Vec<_> = (0..SESSIONS_MAX).map(|number| sessions.open(None, later(number)).unwrap()).collect();
        assert!(sessions.find(&cookies[0], Use::Using, later(SESSIONS_MAX)).is_some());
        let newest = sessions.open(None, later(SESSIONS_MAX)).unwrap();
        assert!(sessions.find(&cookies[1], Use::Using, later(SESSIONS_MAX)).is_none());
        assert!(sessions.find(&cookies[0], Use::Using, later(SESSIONS_MAX)).is_some());
        assert!(sessions.find(&newest, Use::Using, later(SESSIONS_MAX)).is_some());
    }
}
