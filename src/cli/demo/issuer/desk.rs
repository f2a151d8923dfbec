use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::clock::Clock;
use crate::words::{Sensitive, Timestamp};

use super::{Counts, Fault, Options};

/// How many issued tokens are remembered, the newest; a demo may run for a week.
pub(super) const ISSUED_KEPT: usize = 4_096;

/// The random bytes of a token.
const TOKEN_BYTES: usize = 24;

/// The issuer's books: who may ask, which token is current, what goes wrong next.
pub(super) struct Desk {
    options: Options,
    clock: Arc<dyn Clock>,
    issued: VecDeque<Sensitive>,
    expires: Timestamp,
    counts: Counts,
    faults: VecDeque<Fault>,
}

impl Desk {
    pub(super) fn new(options: Options, clock: Arc<dyn Clock>) -> Self {
        let (issued, faults) = (VecDeque::new(), VecDeque::new());
        Self { options, clock, issued, expires: Timestamp::EPOCH, counts: Counts::default(), faults }
    }

    pub(super) fn fail_next(&mut self, fault: Fault) {
        self.faults.push_back(fault);
    }

    /// Takes the fault that is meant for this call.
    pub(super) fn fault(&mut self) -> Option<Fault> {
        self.faults.pop_front()
    }

    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn issued(&self) -> Vec<Sensitive> {
        self.issued.iter().cloned().collect()
    }

    /// Issues a token to whoever has the key; it revokes the one before.
    pub(super) fn issue(&mut self, key_id: &str, key_secret: &Sensitive) -> Option<Sensitive> {
        let token =
            (key_id == self.options.key_id && *key_secret == self.options.key_secret).then(random_token).flatten();
        match &token {
            Some(token) => self.remember(token.clone()),
            None => self.counts.token_refused += 1,
        }
        token
    }

    /// Returns whether a token opens the resource now.
    pub(super) fn admits(&mut self, token: &Sensitive) -> bool {
        let admitted = self.issued.back() == Some(token) && self.clock.now() < self.expires;
        let count = if admitted { &mut self.counts.resource_ok } else { &mut self.counts.resource_refused };
        *count += 1;
        admitted
    }

    fn remember(&mut self, token: Sensitive) {
        if self.issued.len() == ISSUED_KEPT {
            self.issued.pop_front();
        }
        self.issued.push_back(token);
        self.expires = self.clock.now().plus(self.options.lifetime);
        self.counts.issued += 1;
    }
}

/// Returns a fresh token; nothing where the system has no randomness to give.
fn random_token() -> Option<Sensitive> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).ok()?;
    let mut text = String::from("tok_");
    bytes.iter().try_for_each(|byte| write!(text, "{byte:02x}")).ok()?;
    Some(Sensitive::new(text))
}
