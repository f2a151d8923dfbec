use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::api::about::Content::List;
use crate::api::about::{Content, about};
use crate::api::body::Path;
use crate::api::routes::{Routes, each, on};
use crate::api::{Answer, Caller, Error, text};
use crate::daemon::Handle;
use crate::words::Permission;

/// The environment is set in `keytide.toml`, so nothing here changes it.
pub(super) fn routes() -> Routes {
    Routes::default()
        .get(
            "/api/environment",
            each(Permission::Read, TargetKind::Environment),
            about("Gives the variables of the environment").gives(List("Variable")),
            all,
        )
        .get(
            "/api/environment/{name}",
            on(Permission::Read, TargetKind::Environment),
            about("Gives the value of a variable").gives(Content::Text),
            one,
        )
}

async fn all(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let list: Vec<_> =
        handle.environment(&who).map(|(name, value)| json!({"name": name, "value": written(value)})).collect();
    Ok(Json(list).into_response())
}

async fn one(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    let value = handle.environment(&who).find(|(known, _)| **known == name).map(|(_, value)| value);
    let value = value.ok_or_else(|| Error::missing(format!("there is no environment variable `{name}`")))?;
    Ok(text(written(value)))
}

/// Variables are text to clients; one that is not is written as JSON.
fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
