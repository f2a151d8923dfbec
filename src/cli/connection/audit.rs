//! The audit, as the command line asks about it.

use serde_json::{Value, json};

use super::super::error::Error;
use super::Connection;
use crate::client::Method;
use crate::journal::AuditQuery;

impl Connection {
    /// Returns a page of the audit.
    pub(in crate::cli) fn audit(&self, query: AuditQuery) -> Result<Value, Error> {
        let AuditQuery { since, secret, actor, run, before, count, brief } = query;
        let given = [
            ("since", since.map(|since| since.as_millis().to_string())),
            ("secret", secret),
            ("actor", actor),
            ("run", run),
            ("before", before.map(|before| before.to_string())),
            ("brief", brief.then(|| "true".to_owned())),
            ("n", Some(count.to_string())),
        ];
        let query: Vec<_> = given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        self.get(&["api", "audit"], &query)
    }

    /// Says that what is broken is known, and returns whether the audit holds then.
    pub(in crate::cli) fn acknowledge_audit(&self, reason: &str) -> Result<Value, Error> {
        self.ask(Method::POST, &["api", "audit", "acknowledge"], &[], Some(&json!({"reason": reason})))
    }

    /// Returns whether the audit holds, and its end.
    pub(in crate::cli) fn verify_audit(&self) -> Result<Value, Error> {
        self.get(&["api", "audit", "verify"], &[])
    }
}
