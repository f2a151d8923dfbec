//! What the audit hears of a page that lies open: it lists all secrets each time that it reads itself again, which is nobody's new
//! look. Whoever opens a page is told each time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::secrets::ALL;
use crate::journal::{Action, Entry, Object};
use crate::words::{Owner, Timestamp};

/// For how long an entry stands for the pages of its session: a page that is open all day makes a hundred and not thousands, and
/// the audit is never further from what was on a screen than a break for coffee.
const STANDS_FOR: Duration = Duration::from_mins(15);

/// What an entry says of a page that lies open.
const OPEN_PAGE: &str = "a page that lies open";

tokio::task_local! {
    static PAGE: Page;
}

/// What the audit was last told of the pages of a session.
#[derive(Default)]
pub struct Listed(Mutex<Option<Told>>);

/// An entry of the audit that says that a session listed all secrets.
struct Told {
    at: Timestamp,
    /// The host that asked; a port is another one for each connection.
    host: Option<String>,
}

/// A page that is being made.
#[derive(Clone)]
struct Page {
    session: Arc<Listed>,
    /// Whether it was there and reads itself again.
    is_again: bool,
}

/// Makes a page of a session: one that somebody opens, or one that reads itself again.
pub async fn on_page<T>(session: Arc<Listed>, is_again: bool, page: impl Future<Output = T>) -> T {
    PAGE.scope(Page { session, is_again }, page).await
}

impl Handle {
    /// Tells the audit that `who` lists all secrets, unless it knows that of the page that asks.
    pub(super) async fn record_listing(&self, who: &Owner) -> Result<(), Error> {
        let entry = self.entry(who, Action::List, Object::secret(ALL));
        let Ok(page) = PAGE.try_with(Page::clone) else { return self.record(vec![entry]).await };
        let told = Told { at: entry.at, host: host(&entry) };
        if !page.is_again {
            self.record(vec![entry]).await?;
        } else if page.session.knows(&told) {
            return Ok(());
        } else {
            self.record(vec![entry.detailed(OPEN_PAGE)]).await?;
        }
        page.session.keep(told);
        Ok(())
    }
}

impl Listed {
    /// Returns whether the audit was told lately. A clock that was set back makes nothing lately.
    fn knows(&self, now: &Told) -> bool {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.as_ref()
            .is_some_and(|told| told.host == now.host && told.at <= now.at && now.at.since(told.at) < STANDS_FOR)
    }

    fn keep(&self, told: Told) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
    }
}

fn host(entry: &Entry) -> Option<String> {
    let address = entry.actor.address.as_deref()?;
    Some(address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Listed, STANDS_FOR, Told};
    use crate::words::Timestamp;

    const THEN: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn told(at: Timestamp, host: &str) -> Told {
        Told { at, host: Some(host.to_owned()) }
    }

    #[test]
    fn an_entry_stands_for_its_session_a_while_and_for_one_host() {
        let listed = Listed::default();
        assert!(!listed.knows(&told(THEN, "10.0.0.1")), "nothing was told");
        listed.keep(told(THEN, "10.0.0.1"));
        let almost = Timestamp::from_millis(THEN.plus(STANDS_FOR).as_millis() - 1);
        assert!(listed.knows(&told(THEN, "10.0.0.1")) && listed.knows(&told(almost, "10.0.0.1")));
        assert!(!listed.knows(&told(almost, "10.0.0.2")), "a cookie that somebody else has");
        assert!(!listed.knows(&told(THEN.plus(STANDS_FOR), "10.0.0.1")));
        let before = Timestamp::from_millis(THEN.as_millis() - 1);
        assert!(!listed.knows(&told(before, "10.0.0.1")), "a clock that was set back");
    }
}
