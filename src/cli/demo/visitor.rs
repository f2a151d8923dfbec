use std::time::Duration;

use super::issuer::Issuer;
use super::scene::SECRET;
use crate::secret::{Store, Version};

/// How long a visit may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a visitor that was refused reads the store again: a new token may be on its way into it.
const ATTEMPTS_MAX: usize = 20;
/// How long it waits between two attempts.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(50);

/// Somebody who uses the protected resource with the token that is stored, as a deployed program would.
pub(super) struct Visitor {
    http: reqwest::Client,
    resource: String,
    /// Visits that the resource answered.
    pub(super) answered: u64,
    /// Visits that it did not answer.
    pub(super) refused: u64,
}

impl Visitor {
    pub(super) fn of(issuer: &Issuer) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap_or_default();
        Self { http, resource: issuer.resource_url(), answered: 0, refused: 0 }
    }

    /// Visits the resource with the stored token, and returns the status.
    pub(super) async fn visit(&mut self, store: &Store) -> Option<u16> {
        let mut status = None;
        for _ in 0..ATTEMPTS_MAX {
            let token = store.snapshot().get(SECRET, Version::Current)?;
            let request = self.http.get(&self.resource).bearer_auth(token.expose());
            status = request.send().await.ok().map(|response| response.status().as_u16());
            if status == Some(200) {
                self.answered += 1;
                return status;
            }
            tokio::time::sleep(ATTEMPT_PAUSE).await;
        }
        self.refused += 1;
        status
    }
}
