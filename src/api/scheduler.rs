use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::api::about::Content::{List, One};
use crate::api::about::about;
use crate::api::body::{Body, Path};
use crate::api::bulk::NAMED_MAX;
use crate::api::parameters::{
    CRON, FREE_TEXT, FROM, LIMIT, NAME, PAUSED, REASON, SCHEDULE, SEARCH, SIZE, START, UNTIL, WORKFLOW,
};
use crate::api::params::Params;
use crate::api::routes::{Need, Routes, each, on};
use crate::api::search::query;
use crate::api::{Answer, Caller, Error};
use crate::catalog::Name;
use crate::daemon::{self, Handle, Hold};
use crate::journal::{Page, Slot, SlotField, SlotOutcome};
use crate::words::{Owner, Permission, Timestamp};
use crate::workflow::cron::Cron;
use crate::workflow::definition::Dst;

/// How many times `nextFewSchedules` gives where nobody says, and at most, as on Conductor.
const TIMES_USUAL: usize = 3;
const TIMES_MAX: usize = 5;
/// How many schedules a page holds where nobody says, as on Conductor.
const SCHEDULES_USUAL: usize = 100;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get(
            "/api/scheduler/schedules",
            each(Permission::Read, TargetKind::Schedule),
            about("Gives the schedules").asks([WORKFLOW]).gives(List("Schedule")),
            schedules,
        )
        .post(
            "/api/scheduler/schedules",
            Need::Write(TargetKind::Schedule),
            about("Makes or changes a schedule").takes(One("SaveScheduleRequest")).gives(One("Schedule")),
            save,
        )
        .get(
            "/api/scheduler/schedules/search",
            each(Permission::Read, TargetKind::Schedule),
            about("Finds schedules")
                .asks([START, SIZE, WORKFLOW, NAME, SCHEDULE, PAUSED, FREE_TEXT])
                .gives(One("SchedulePage")),
            search,
        )
        .get(
            "/api/scheduler/schedules/{name}",
            on(Permission::Read, TargetKind::Schedule),
            about("Gives a schedule").gives(One("Schedule")),
            schedule,
        )
        .delete(
            "/api/scheduler/schedules/{name}",
            on(Permission::Delete, TargetKind::Schedule),
            about("Removes a schedule that the API made"),
            remove,
        )
        .get(
            "/api/scheduler/schedules/{name}/pause",
            on(Permission::Update, TargetKind::Schedule),
            about("Holds a schedule").asks([REASON]),
            pause,
        )
        .put(
            "/api/scheduler/schedules/{name}/pause",
            on(Permission::Update, TargetKind::Schedule),
            about("Holds a schedule").asks([REASON]),
            pause,
        )
        .get(
            "/api/scheduler/schedules/{name}/resume",
            on(Permission::Update, TargetKind::Schedule),
            about("Lets a schedule go on"),
            resume,
        )
        .put(
            "/api/scheduler/schedules/{name}/resume",
            on(Permission::Update, TargetKind::Schedule),
            about("Lets a schedule go on"),
            resume,
        )
        .put(
            "/api/scheduler/bulk/pause",
            each(Permission::Update, TargetKind::Schedule),
            about("Holds schedules").takes(List("Name")).gives(One("BulkResponse")),
            pause_all,
        )
        .put(
            "/api/scheduler/bulk/resume",
            each(Permission::Update, TargetKind::Schedule),
            about("Lets schedules go on").takes(List("Name")).gives(One("BulkResponse")),
            resume_all,
        )
        .get(
            "/api/scheduler/nextFewSchedules",
            Need::SignIn,
            about("Gives the next times of a cron expression, in UTC")
                .asks([CRON, FROM, UNTIL, LIMIT])
                .gives(List("Milliseconds")),
            next_times,
        )
        .get(
            "/api/scheduler/search/executions",
            each(Permission::Read, TargetKind::Schedule),
            about("Finds what schedules did").asks(SEARCH).gives(One("SlotPage")),
            executions,
        )
}

async fn save(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    Ok(Json(handle.save_schedule(&who, body.json()?).await?).into_response())
}

async fn schedules(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let found = match params.text("workflowName") {
        Some(workflow) => handle.schedules_of(&who, &BTreeSet::from([workflow])).await?,
        None => handle.schedules(&who).await?,
    };
    Ok(Json(found).into_response())
}

async fn schedule(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    Ok(Json(handle.schedule(&who, &name).await?).into_response())
}

/// One that is not there is removed already.
async fn remove(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    match handle.unregister(&who, &Name::Schedule(name)).await {
        Ok(()) | Err(daemon::Error::NotFound(_)) => Ok(().into_response()),
        Err(error) => Err(error.into()),
    }
}

async fn pause(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>, params: Params) -> Answer {
    let reason = params.text("reason").map(str::to_owned);
    handle.hold_schedule(&who, &name, Hold::Pause(reason)).await?;
    Ok(().into_response())
}

async fn resume(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    handle.hold_schedule(&who, &name, Hold::Resume).await?;
    Ok(().into_response())
}

async fn pause_all(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    hold_all(&handle, &who, &body, &Hold::Pause(None)).await
}

async fn resume_all(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    hold_all(&handle, &who, &body, &Hold::Resume).await
}

async fn hold_all(handle: &Handle, who: &Owner, body: &Body, hold: &Hold) -> Answer {
    let mut failed = BTreeMap::new();
    let mut done = Vec::new();
    let names: Vec<String> = body.json()?;
    if names.len() > NAMED_MAX {
        return Err(Error::wrong(format!("the body must name {NAMED_MAX} schedules at most")));
    }
    for name in names {
        match handle.hold_schedule(who, &name, hold.clone()).await {
            Ok(()) => done.push(name),
            Err(error) => drop(failed.insert(name, error.to_string())),
        }
    }
    Ok(Json(json!({"bulkErrorResults": failed, "bulkSuccessfulResults": done})).into_response())
}

async fn search(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let mut found = handle.schedules(&who).await?;
    let name = params.text("scheduleName").or_else(|| params.text("name"));
    let paused = params.text("paused").map(|_| params.flag("paused", false)).transpose()?;
    let mentioned = params.text("freeText").filter(|text| *text != "*");
    found.retain(|schedule| {
        let workflow = &schedule["startWorkflowRequest"]["name"];
        let mentions = |text: &str| [&schedule["name"], workflow].iter().any(|field| contains(field, text));
        params.text("workflowName").is_none_or(|wanted| *workflow == wanted)
            && name.is_none_or(|wanted| contains(&schedule["name"], wanted))
            && paused.is_none_or(|wanted| schedule["paused"] == wanted)
            && mentioned.is_none_or(mentions)
    });
    let total = found.len();
    let (start, size) = (params.number("start")?.unwrap_or(0), params.number("size")?.unwrap_or(SCHEDULES_USUAL));
    let results: Vec<_> = found.into_iter().skip(start).take(size).collect();
    Ok(Json(json!({"totalHits": total, "results": results})).into_response())
}

fn contains(field: &Value, text: &str) -> bool {
    field.as_str().is_some_and(|field| field.contains(text))
}

/// The times are those of UTC: the request names no zone.
async fn next_times(State(handle): State<Handle>, params: Params) -> Answer {
    let text = params.text("cronExpression").ok_or_else(|| Error::wrong("cronExpression: it is missing"))?;
    let cron = Cron::parse(text).map_err(|error| Error::wrong(format!("cronExpression: {error}")))?;
    let start = params.number::<i64>("scheduleStartTime")?.map(|ms| Timestamp::from_millis(ms.saturating_sub(1)));
    let end = params.number::<i64>("scheduleEndTime")?.map(Timestamp::from_millis);
    let mut after = start.map_or(handle.now(), |start| start.max(handle.now()));
    let mut times = Vec::new();
    for _ in 0..params.number("limit")?.unwrap_or(TIMES_USUAL).min(TIMES_MAX) {
        let next = cron.next(after, &TimeZone::UTC, Dst::Once);
        let Some(next) = next.filter(|next| end.is_none_or(|end| *next <= end)) else { break };
        times.push(next.as_millis());
        after = next;
    }
    Ok(Json(times).into_response())
}

async fn executions(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let Page { total, rows } = handle.slots(&who, query::<SlotField>(&params)?).await?;
    Ok(Json(json!({"totalHits": total, "results": rows.iter().map(shown).collect::<Vec<_>>()})).into_response())
}

fn shown(slot: &Slot) -> Value {
    let mut shown = json!({
        "executionId": slot.execution.to_string(),
        "scheduleName": slot.schedule,
        "scheduledTime": slot.due.as_millis(),
        "executionTime": slot.at.as_millis(),
        "workflowName": slot.workflow,
        "state": slot.outcome.state(),
    });
    match &slot.outcome {
        SlotOutcome::Fired => shown["workflowId"] = slot.execution.to_string().into(),
        SlotOutcome::Skipped { blocked_by } => {
            shown["reason"] = format!("the run {blocked_by} was still going").into();
        }
        SlotOutcome::Failed { reason } => shown["reason"] = reason.as_str().into(),
    }
    shown
}
