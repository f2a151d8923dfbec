use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::api::about::Content::List;
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::routes::{Need, Routes, each, on};
use crate::api::{Answer, Caller, Error, secret_body, text};
use crate::daemon::Handle;
use crate::words::Permission;

/// What `keytide.toml` sets is read here, and changed there.
pub(super) fn routes() -> Routes {
    let path = "/api/environment/{name}";
    Routes::default()
        .get(
            "/api/environment",
            each(Permission::Read, TargetKind::Environment),
            about("Gives the variables of the environment").gives(List("Variable")),
            all,
        )
        .get(
            path,
            on(Permission::Read, TargetKind::Environment),
            about("Gives the value of a variable").gives(Content::Text),
            one,
        )
        .put(
            path,
            Need::Write(TargetKind::Environment),
            about("Sets a variable: text, or a JSON string").takes(Content::Text),
            put,
        )
        .delete(
            path,
            on(Permission::Delete, TargetKind::Environment),
            about("Removes a variable that the API set, and gives its value").gives(Content::Text),
            remove,
        )
}

async fn all(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let list = handle.environment(&who).into_iter();
    let shown = list.map(|(name, value)| json!({"name": name, "value": written(&value)}));
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

async fn one(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    Ok(text(written(&handle.variable(&who, &name)?)))
}

async fn put(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let value = secret_body::value(&headers, body.text()?);
    let value = value.as_str().ok_or_else(|| Error::wrong("the body is null: a variable is text"))?;
    handle.put_variable(&who, name, value.to_owned()).await?;
    Ok(().into_response())
}

async fn remove(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    Ok(text(handle.remove_variable(&who, &name).await?))
}

/// Variables are text to clients; one that is not is written as JSON.
fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
