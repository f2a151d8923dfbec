//! What Conductor has no word for: our own command line asks it here.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;

use crate::access::TargetKind;
use crate::api::about::Content::{List, One};
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::executions::execution;
use crate::api::routes::{Need, Routes, each, on};
use crate::api::{Answer, Caller, Error, text};
use crate::daemon::{Handle, Rotation};
use crate::secret::{Allow, Summary, Version, VersionInfo};
use crate::words::Permission;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/keytide/problems", Need::Owner, about("Gives what is wrong now").gives(List("Problem")), problems)
        .post(
            "/api/keytide/sign-in-address",
            Need::Owner,
            about("Gives an address that signs the owner in to the pages, once").gives(Content::Text).fails(&[409]),
            sign_in_address,
        )
        .post(
            "/api/keytide/schedules/{name}/trigger",
            on(Permission::Execute, TargetKind::Schedule),
            about("Starts the workflow of a schedule now").gives(Content::Text),
            trigger,
        )
        .post(
            "/api/keytide/executions/{id}/rescue",
            on(Permission::Execute, TargetKind::Workflow),
            about("Stores a value that an execution fetched and could not store").takes(One("Rescue")),
            rescue,
        )
        .post(
            "/api/keytide/executions/{id}/dismiss",
            on(Permission::Execute, TargetKind::Workflow),
            about("Gives up what an execution fetched and could not store"),
            dismiss,
        )
        .get(
            "/api/keytide/rotations",
            each(Permission::Read, TargetKind::Secret),
            about("Says how fresh each secret is, and what rotates it; the worst first").gives(List("Rotation")),
            rotations,
        )
        .get(
            "/api/keytide/secrets",
            each(Permission::Read, TargetKind::Secret),
            about("Gives the secrets").gives(List("Secret")),
            secrets,
        )
        .get(
            "/api/keytide/secrets/{key}/history",
            on(Permission::Read, TargetKind::Secret),
            about("Gives the versions of a secret").gives(List("SecretVersion")),
            history,
        )
        .post(
            "/api/keytide/secrets/{key}/rollback",
            on(Permission::Update, TargetKind::Secret),
            about("Makes an older version of a secret the current one").takes(One("Rollback")),
            roll_back,
        )
        .get(
            "/api/keytide/definitions",
            each(Permission::Read, TargetKind::Workflow),
            about("Gives what the API made, as files would say it").gives(List("Made")),
            made,
        )
}

/// Where in a response a value is, and which secret it becomes.
#[derive(Deserialize)]
struct Rescue {
    path: String,
    secret: String,
    #[serde(default)]
    force: bool,
}

/// Which version becomes the current one again: `previous` or a number.
#[derive(Deserialize)]
struct Rollback {
    to: String,
}

async fn problems(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let problems = handle.problems(&who).await?;
    let shown = problems.iter().map(|problem| json!({"place": problem.place, "message": problem.message}));
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

/// The one time that the link is shown.
async fn sign_in_address(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    Ok(text(handle.sign_in_address(&who)?.expose()))
}

async fn made(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let shown = handle.made(&who).into_iter().map(|made| {
        let origin = made.owner.to_string();
        json!({"kind": made.kind, "origin": origin, "masked": made.is_masked, "definition": made.definition})
    });
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

async fn trigger(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    Ok(text(handle.trigger(&who, &name).await?.to_string()))
}

async fn rescue(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>, body: Body) -> Answer {
    let Rescue { path, secret, force } = body.json()?;
    let allow = if force { Allow::ALL } else { Allow::default() };
    handle.rescue(&who, execution(&id)?, &path, &secret, allow).await?;
    Ok(().into_response())
}

async fn dismiss(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    handle.dismiss(&who, execution(&id)?).await?;
    Ok(().into_response())
}

async fn rotations(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let all = handle.rotations(&who).await?;
    Ok(Json(all.iter().map(Rotation::to_json).collect::<Vec<_>>()).into_response())
}

async fn secrets(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let list = handle.secrets(&who, &[Permission::Read]).await?;
    Ok(Json(list.iter().map(Summary::to_json).collect::<Vec<_>>()).into_response())
}

async fn history(State(handle): State<Handle>, Caller(who): Caller, Path(key): Path<String>) -> Answer {
    let versions = handle.secret_history(&who, &key).await?;
    Ok(Json(versions.iter().map(VersionInfo::to_json).collect::<Vec<_>>()).into_response())
}

async fn roll_back(State(handle): State<Handle>, Caller(who): Caller, Path(key): Path<String>, body: Body) -> Answer {
    let Rollback { to } = body.json()?;
    let version = Version::parse(&to).ok_or_else(|| Error::wrong(format!("to: \"{to}\" is no version")))?;
    handle.roll_back_secret(&who, &key, version).await?;
    Ok(().into_response())
}
