use serde_json::Value;

use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::executions::unavailable;
use crate::daemon::message::Message;
use crate::journal::{Action, AuditPage, AuditQuery, Broken, Link};
use crate::redact::Masker;
use crate::words::Owner;

impl Handle {
    /// Returns entries of the audit, the newest first, with what commands noted until now; only the owner sees them.
    pub async fn audit(&self, who: &Owner, query: AuditQuery) -> Result<AuditPage, Error> {
        self.administers(who, Action::Look)?;
        self.ask(|reply| Message::Notes { reply }).await??;
        let masker = self.0.views.masker();
        self.looking(who, move |handle, _| {
            let mut page = handle.0.reader.audit(&query).map_err(unavailable)?;
            page.entries.iter_mut().for_each(|entry| mask(entry, &masker));
            Ok(page)
        })
        .await
    }

    /// Checks all of the audit, and returns its end, or the first entry that does not hold; only the owner may.
    pub async fn verify_audit(&self, who: &Owner) -> Result<Result<Link, Broken>, Error> {
        self.administers(who, Action::Look)?;
        self.looking(who, |handle, _| handle.0.reader.verify_audit().map_err(unavailable)).await
    }
}

/// Hides a value that somebody gave where a name belongs.
fn mask(entry: &mut Value, masker: &Masker) {
    for path in ["/object/name", "/actor/name", "/detail"] {
        if let Some(Value::String(text)) = entry.pointer_mut(path) {
            *text = masker.mask_text(text).into_owned();
        }
    }
}
