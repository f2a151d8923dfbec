//! Issuers that mint a new token at each call and revoke the old one at once.

use std::collections::BTreeMap;

use keytide::words::{ExecutionId, RunNumber};

/// Every token begins with it: what a scan of the disk looks for.
pub(crate) const CANARY: &str = "canary-token-";

/// A token that was given out.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) value: String,
    pub(crate) secret: String,
    pub(crate) execution: ExecutionId,
    pub(crate) run: RunNumber,
}

/// A call that reached an issuer.
pub(crate) struct Call {
    pub(crate) execution: ExecutionId,
    pub(crate) run: RunNumber,
    /// How often people had asked for a new attempt when the call was released.
    pub(crate) asked: usize,
}

#[derive(Default)]
pub(crate) struct Issuer {
    pub(crate) tokens: Vec<Token>,
    pub(crate) calls: BTreeMap<(ExecutionId, String), Vec<Call>>,
}

impl Issuer {
    pub(crate) fn mint(&mut self, secret: &str, execution: ExecutionId, run: RunNumber) -> String {
        let value = format!("{CANARY}{secret}-{:06}-{execution}", self.tokens.len());
        self.tokens.push(Token { value: value.clone(), secret: secret.to_owned(), execution, run });
        value
    }
}
