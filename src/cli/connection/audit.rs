//! The audit, as the command line asks about it.

use serde_json::Value;

use super::super::error::Error;
use super::Connection;
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

    /// Returns whether the audit holds, and its end.
    pub(in crate::cli) fn verify_audit(&self) -> Result<Value, Error> {
        self.get(&["api", "audit", "verify"], &[])
    }
}
