use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::{AccessKey, Application};
use crate::api::about::Content::{List, One};
use crate::api::about::about;
use crate::api::body::{Body, Path};
use crate::api::routes::{Need, Routes};
use crate::api::{Answer, Caller, Error};
use crate::daemon::{Handle, KeyChange};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/applications", Need::Owner, about("Gives the applications").gives(List("Application")), all)
        .post(
            "/api/applications",
            Need::Owner,
            about("Makes an application").takes(One("Named")).gives(One("Application")),
            create,
        )
        .get("/api/applications/{name}", Need::Owner, about("Gives an application").gives(One("Application")), one)
        .put(
            "/api/applications/{name}",
            Need::Owner,
            about("Refuses another name for an application").takes(One("Named")).gives(One("Application")),
            rename,
        )
        .delete("/api/applications/{name}", Need::Owner, about("Removes an application with its keys"), remove)
        .get(
            "/api/applications/key/{key}",
            Need::Owner,
            about("Gives the application that has a key").gives(One("Application")),
            of_key,
        )
        .get(
            "/api/applications/{name}/accessKeys",
            Need::Owner,
            about("Gives the keys of an application, without their secrets").gives(List("AccessKey")),
            keys,
        )
        .post(
            "/api/applications/{name}/accessKeys",
            Need::Owner,
            about("Makes a key; its secret is shown this once").gives(One("NewAccessKey")),
            add_key,
        )
        .delete(
            "/api/applications/{name}/accessKeys/{key}",
            Need::Owner,
            about("Removes a key, and signs out who signed in with it").gives(One("AccessKey")),
            remove_key,
        )
        .post(
            "/api/applications/{name}/accessKeys/{key}/status",
            Need::Owner,
            about("Disables a key, or enables it again").gives(One("AccessKey")),
            toggle_key,
        )
        .post(
            "/api/keytide/applications/{name}/keys/{key}/disable",
            Need::Owner,
            about("Disables a key").gives(One("AccessKey")),
            disable_key,
        )
        .get("/api/roles", Need::Owner, about("Gives no role: there are none here").gives(List("Map")), roles)
        .post(
            "/api/applications/{name}/roles/{key}",
            Need::Owner,
            about("Refuses: rights are granted, not roles given"),
            no_role,
        )
        .delete(
            "/api/applications/{name}/roles/{key}",
            Need::Owner,
            about("Refuses: rights are granted, not roles given"),
            no_role,
        )
}

/// How a client names an application.
#[derive(Deserialize)]
struct Named {
    name: String,
}

async fn all(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    Ok(Json(handle.applications(&who)?.iter().map(shown_application).collect::<Vec<_>>()).into_response())
}

async fn create(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    let Named { name } = body.json()?;
    Ok(Json(shown_application(&handle.create_application(&who, name).await?)).into_response())
}

async fn one(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    Ok(Json(shown_application(&handle.application(&who, &name)?)).into_response())
}

/// Grants and definitions name an application, so it keeps its name.
async fn rename(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>, body: Body) -> Answer {
    let application = handle.application(&who, &name)?;
    let Named { name: wanted } = body.json()?;
    if wanted != name {
        return Err(Error::wrong(format!("an application keeps its name: make `{wanted}` and remove `{name}`")));
    }
    Ok(Json(shown_application(&application)).into_response())
}

async fn remove(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    handle.remove_application(&who, name).await?;
    Ok(().into_response())
}

async fn roles(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    handle.applications(&who)?;
    Ok(Json(Vec::<Value>::new()).into_response())
}

/// A role would be a right to everything of a kind, which nobody here gives away in one word.
async fn no_role(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((name, role)): Path<(String, String)>,
) -> Answer {
    handle.application(&who, &name)?;
    let advice = "grant it what it may do: POST /api/auth/authorization, or a [[grant]] in keytide.toml";
    Err(Error::wrong(format!("there is no role {role} here; {advice}")))
}

async fn of_key(State(handle): State<Handle>, Caller(who): Caller, Path(key): Path<String>) -> Answer {
    Ok(Json(shown_application(&handle.application_of_key(&who, &key)?)).into_response())
}

async fn keys(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    let application = handle.application(&who, &name)?;
    Ok(Json(application.keys.iter().map(shown_key).collect::<Vec<_>>()).into_response())
}

/// The one time that the secret is shown.
async fn add_key(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    let (id, secret) = handle.add_key(&who, name).await?;
    Ok(Json(json!({"id": id, "secret": secret.expose()})).into_response())
}

async fn remove_key(state: State<Handle>, who: Caller, names: Path<(String, String)>) -> Answer {
    change(state, who, names, KeyChange::Remove).await
}

async fn toggle_key(state: State<Handle>, who: Caller, names: Path<(String, String)>) -> Answer {
    change(state, who, names, KeyChange::Toggle).await
}

async fn disable_key(state: State<Handle>, who: Caller, names: Path<(String, String)>) -> Answer {
    change(state, who, names, KeyChange::Disable).await
}

async fn change(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((name, key)): Path<(String, String)>,
    change: KeyChange,
) -> Answer {
    Ok(Json(shown_key(&handle.change_key(&who, name, key, change).await?)).into_response())
}

/// Returns an application as clients read it.
pub fn shown_application(application: &Application) -> Value {
    let created = application.created.as_millis();
    json!({
        "id": application.name,
        "name": application.name,
        "createdBy": "owner",
        "updatedBy": "owner",
        "createTime": created,
        "updateTime": created,
    })
}

/// Returns a key as clients read it, which is not what its secret is.
pub fn shown_key(key: &AccessKey) -> Value {
    let status = if key.disabled { "INACTIVE" } else { "ACTIVE" };
    json!({"id": key.id, "createdAt": key.created.as_millis(), "status": status})
}
