use serde_json::Value;

use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::executions::unavailable;
use crate::daemon::message::Message;
use crate::journal::{Action, AuditPage, AuditQuery, Broken, Checked, Object, ObjectKind, REASON_BYTES_MAX};
use crate::redact::Masker;
use crate::words::Owner;

/// How many breaks are acknowledged at once: an entry each.
const ACKNOWLEDGED_MAX: usize = 1_000;

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

    /// Checks all of the audit; only the owner may.
    pub async fn verify_audit(&self, who: &Owner) -> Result<Checked, Error> {
        self.administers(who, Action::Look)?;
        let masker = self.0.views.masker();
        self.looking(who, move |handle, _| {
            let mut checked = handle.0.reader.verify_audit().map_err(unavailable)?;
            for one in &mut checked.acknowledged {
                one.reason = masker.mask_text(&one.reason).into_owned();
            }
            Ok(checked)
        })
        .await
    }

    /// Says in the audit that what is broken in it is known, and why; only the owner may. What is broken stays so, and each
    /// check shows it with the reason. Returns what was acknowledged.
    pub async fn acknowledge_audit(&self, who: &Owner, reason: &str) -> Result<Vec<Broken>, Error> {
        self.administers(who, Action::Acknowledge)?;
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > REASON_BYTES_MAX || reason.chars().any(char::is_control) {
            let form = format!("one line of 1 to {REASON_BYTES_MAX} bytes that says what is known of the damage");
            return Err(Error::invalid(format!("reason: it must be {form}")));
        }
        let mut breaks = self.verify_audit(who).await?.breaks;
        if breaks.is_empty() {
            return Err(Error::Conflict("the audit holds: there is nothing to acknowledge".to_owned()));
        }
        // One commit takes no more; whoever checks sees what is left.
        breaks.retain(|broken| *broken != Broken::TooMany);
        breaks.truncate(ACKNOWLEDGED_MAX);
        let acknowledging = |broken: &Broken| {
            let entry = self.entry(who, Action::Acknowledge, Object::new(ObjectKind::Audit, "audit"));
            entry.detailed(&broken.acknowledgement(reason))
        };
        self.record(breaks.iter().map(acknowledging).collect()).await?;
        Ok(breaks)
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
