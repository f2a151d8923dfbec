//! The audit, for the owner of the machine: who did what, and whether all of it is still there.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::json;

use crate::api::about::Content::One;
use crate::api::about::{Parameter, about, flag, number, text};
use crate::api::params::Params;
use crate::api::routes::{Need, Routes};
use crate::api::{Answer, Caller, Error};
use crate::daemon::Handle;
use crate::journal::AuditQuery;
use crate::words::Timestamp;

/// The largest number of an entry that every client can write: JSON of JavaScript has no more digits.
const SEQ_MAX: u64 = (1 << 53) - 1;
/// How many entries one answer holds where nobody says.
const ENTRIES_USUAL: usize = 100;
/// How many entries one answer holds at most: `next` leads to more.
const ENTRIES_MAX: usize = 1_000;

const SINCE: Parameter = text("since", "Not older: a moment as RFC 3339 writes it, or in milliseconds since 1970");
const SECRET: Parameter = text("secret", "Only about this secret");
const ACTOR: Parameter = text("actor", "Only by this one: `NAME`, or `KIND:NAME`");
const RUN: Parameter = text("run", "Only about this execution, or by it: its id, or how it begins");
const BEFORE: Parameter = number("before", SEQ_MAX, "Only entries with a smaller number");
const BRIEF: Parameter = flag("brief", "Without those who only listed or looked; who was refused it stays");
const ENTRIES: Parameter = number("n", ENTRIES_MAX as u64, "How many entries, from 1 on; 100 where absent");

pub(super) fn routes() -> Routes {
    let asks = [SINCE, SECRET, ACTOR, RUN, BRIEF, BEFORE, ENTRIES];
    Routes::default()
        .get(
            "/api/audit",
            Need::Owner,
            about("Gives entries of the audit, the newest first").asks(asks).gives(One("AuditPage")),
            entries,
        )
        .get(
            "/api/audit/verify",
            Need::Owner,
            about("Checks that nothing of the audit was changed or removed").gives(One("AuditCheck")),
            verify,
        )
}

async fn entries(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let count = params.number("n")?.unwrap_or(ENTRIES_USUAL);
    if !(1..=ENTRIES_MAX).contains(&count) {
        return Err(Error::wrong(format!("n: {count} is not between 1 and {ENTRIES_MAX}")));
    }
    let given = |name| params.text(name).map(str::to_owned);
    let query = AuditQuery {
        since: params.text("since").map(moment).transpose()?,
        secret: given("secret"),
        actor: given("actor"),
        run: given("run"),
        before: params.number("before")?,
        count,
        brief: params.flag("brief", false)?,
    };
    let page = handle.audit(&who, query).await?;
    Ok(Json(json!({"entries": page.entries, "next": page.next})).into_response())
}

async fn verify(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let shown = match handle.verify_audit(&who).await? {
        Ok(link) => json!({"valid": true, "seq": link.seq, "hash": link.hash}),
        Err(broken) => json!({"valid": false, "message": broken.to_string()}),
    };
    Ok(Json(shown).into_response())
}

/// Reads a time, or milliseconds since the epoch.
fn moment(text: &str) -> Result<Timestamp, Error> {
    let millis = text.parse().ok().map(Timestamp::from_millis);
    let moment = millis.or_else(|| Timestamp::parse(text));
    moment.ok_or_else(|| Error::wrong(format!("since: \"{text}\" is no time; write 2026-11-20T12:00:00Z")))
}
