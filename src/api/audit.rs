//! The audit, for the owner of the machine: who did what, and whether all of it is still there.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::about::Content::One;
use crate::api::about::{Parameter, about, flag, number, text};
use crate::api::body::Body;
use crate::api::params::Params;
use crate::api::routes::{Need, Routes};
use crate::api::{Answer, Caller, Error};
use crate::daemon::Handle;
use crate::journal::{AuditQuery, Checked};
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
        .post(
            "/api/audit/acknowledge",
            Need::Owner,
            about("Says in the audit that what is broken in it is known, and why")
                .takes(One("Reason"))
                .gives(One("AuditCheck")),
            acknowledge,
        )
}

/// Why a damage is known.
#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
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
    Ok(Json(shown(&handle.verify_audit(&who).await?)).into_response())
}

async fn acknowledge(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    let Reason { reason } = body.json()?;
    handle.acknowledge_audit(&who, &reason).await?;
    Ok(Json(shown(&handle.verify_audit(&who).await?)).into_response())
}

fn shown(checked: &Checked) -> Value {
    let Checked { end, breaks, acknowledged } = checked;
    match breaks.first() {
        None => json!({"valid": true, "seq": end.seq, "hash": end.hash, "acknowledged": acknowledged}),
        Some(broken) => {
            let message = match breaks.len() - 1 {
                0 => broken.to_string(),
                more => format!("{broken}; and it is broken in {more} more places behind"),
            };
            json!({"valid": false, "message": message, "acknowledged": acknowledged})
        }
    }
}

/// Reads a time, or milliseconds since the epoch.
fn moment(text: &str) -> Result<Timestamp, Error> {
    let millis = text.parse().ok().map(Timestamp::from_millis);
    let moment = millis.or_else(|| Timestamp::parse(text));
    moment.ok_or_else(|| Error::wrong(format!("since: \"{text}\" is no time; write 2026-11-20T12:00:00Z")))
}
