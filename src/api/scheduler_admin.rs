//! All schedules held at once, and let go on.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::api::about::Content::One;
use crate::api::about::about;
use crate::api::routes::{Routes, each};
use crate::api::{Answer, Caller};
use crate::daemon::{self, Handle, Hold};
use crate::words::{Owner, Permission};

/// Why schedules are held that were held with all others: by it they are known when all go on, and others stay held.
const HELD: &str = "all schedules are paused";

pub(super) fn routes() -> Routes {
    let need = || each(Permission::Update, TargetKind::Schedule);
    Routes::default()
        .get("/api/scheduler/admin/pause", need(), about("Holds all schedules that go on").gives(One("Done")), pause)
        // Go's client sends this one so.
        .post("/api/scheduler/admin/pause", need(), about("Holds all schedules that go on").gives(One("Done")), pause)
        .get(
            "/api/scheduler/admin/resume",
            need(),
            about("Lets go on what was held with all").gives(One("Done")),
            resume,
        )
        .get(
            "/api/scheduler/admin/requeue",
            need(),
            about("Does nothing: what is due is in no queue").gives(One("Done")),
            requeue,
        )
}

async fn pause(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let goes_on = |schedule: &Value| schedule["paused"] != true;
    hold(&handle, &who, goes_on, &Hold::Pause(Some(HELD.to_owned()))).await
}

async fn resume(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let is_held = |schedule: &Value| schedule["paused"] == true && schedule["pausedReason"] == HELD;
    hold(&handle, &who, is_held, &Hold::Resume).await
}

/// What is due waits in no queue that could lose it.
async fn requeue() -> Answer {
    done()
}

async fn hold(handle: &Handle, who: &Owner, is_meant: impl Fn(&Value) -> bool, hold: &Hold) -> Answer {
    let schedules = handle.schedules(who).await?;
    for name in schedules.iter().filter(|one| is_meant(one)).filter_map(|one| one["name"].as_str()) {
        match handle.hold_schedule(who, name, hold.clone()).await {
            // Those that the caller may not hold, and those that went meanwhile, are none of all.
            Ok(()) | Err(daemon::Error::Denied(_) | daemon::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    done()
}

#[expect(clippy::unnecessary_wraps, reason = "it is what handlers answer")]
fn done() -> Answer {
    Ok(Json(json!({"status": "done"})).into_response())
}
