use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::api::about::Content::{List, One};
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::parameters::{ACCESS, EXPIRES, FORCE, PLAIN, SECRET_VERSION};
use crate::api::params::Params;
use crate::api::routes::{Need, Routes, each, on};
use crate::api::{Answer, Caller, Error, secret_body, tags, text};
use crate::daemon::{Handle, shown_tags};
use crate::secret::{Allow, Evaluation, Version, Write, text_to_store};
use crate::words::{Owner, Permission, Timestamp};

/// Says that a value is meant in spite of its looks, as `?force=true` does.
const FORCE_HEADER: &str = "x-keytide-force";

pub(super) fn routes() -> Routes {
    Routes::default()
        .get(
            "/api/secrets",
            each(Permission::Read, TargetKind::Secret),
            about("Names the secrets to which the caller has all of the rights").asks([ACCESS]).gives(List("Name")),
            reachable,
        )
        .post(
            "/api/secrets",
            each(Permission::Read, TargetKind::Secret),
            about("Names the secrets").gives(List("Name")),
            names,
        )
        .get(
            "/api/secrets-v2",
            each(Permission::Read, TargetKind::Secret),
            about("Gives the secrets with their tags").gives(List("SecretWithTags")),
            with_tags,
        )
        .get(
            "/api/secrets/v2",
            each(Permission::Read, TargetKind::Secret),
            about("Gives the secrets with the times of their values").gives(List("SecretWithTimes")),
            with_times,
        )
        .get(
            "/api/secrets/clearLocalCache",
            Need::SignIn,
            about("Does nothing: nothing is cached").gives(One("Message")),
            nothing_to_clear,
        )
        .get(
            "/api/secrets/clearRedisCache",
            Need::SignIn,
            about("Does nothing: nothing is cached").gives(One("Message")),
            nothing_to_clear,
        )
        .get(
            "/api/secrets/{key}",
            on(Permission::Read, TargetKind::Secret),
            about("Reveals the value of a secret").asks([SECRET_VERSION]).gives(Content::Text),
            reveal,
        )
        .put(
            "/api/secrets/{key}",
            Need::Write(TargetKind::Secret),
            about("Stores a value: text, or a JSON string").asks([FORCE, PLAIN, EXPIRES]).takes(Content::Text),
            put,
        )
        .delete("/api/secrets/{key}", on(Permission::Delete, TargetKind::Secret), about("Removes a secret"), remove)
        .get(
            "/api/secrets/{key}/exists",
            each(Permission::Read, TargetKind::Secret),
            about("Says whether there is a secret").gives(One("Flag")),
            exists,
        )
        .get(
            "/api/secrets/{key}/tags",
            on(Permission::Read, TargetKind::Secret),
            about("Gives the tags of a secret").gives(List("Tag")),
            all_tags,
        )
        .put(
            "/api/secrets/{key}/tags",
            on(Permission::Update, TargetKind::Secret),
            about("Adds tags to a secret").takes(Content::OneOrList("Tag")),
            put_tags,
        )
        .delete(
            "/api/secrets/{key}/tags",
            on(Permission::Update, TargetKind::Secret),
            about("Takes tags off a secret").takes(Content::OneOrList("Tag")),
            remove_tags,
        )
}

async fn names(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    listed(&handle, &who, &[Permission::Read]).await
}

async fn reachable(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let mut permissions = Vec::new();
    for word in params.all("access").flat_map(|list| list.split(',')) {
        let unknown = || {
            Error::wrong(format!(
                "access: \"{word}\" is none of {}",
                Permission::ALL.map(Permission::as_str).join(", ")
            ))
        };
        permissions.push(Permission::parse(word).ok_or_else(unknown)?);
    }
    if permissions.is_empty() {
        permissions.push(Permission::Read);
    }
    listed(&handle, &who, &permissions).await
}

async fn listed(handle: &Handle, who: &Owner, permissions: &[Permission]) -> Answer {
    let list = handle.secrets(who, permissions).await?;
    Ok(Json(list.into_iter().map(|summary| summary.name).collect::<Vec<_>>()).into_response())
}

async fn with_tags(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let list = handle.secrets(&who, &[Permission::Read]).await?;
    let shown = list.iter().map(|summary| json!({"name": summary.name, "tags": shown_tags(&summary.tags)}));
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

/// Conductor shows a part of each value here; we show none.
async fn with_times(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let list = handle.secrets(&who, &[Permission::Read]).await?;
    let shown = list.iter().map(|summary| {
        let written = summary.current.created.to_string();
        json!({"name": summary.name, "partial": "...", "created_at": written, "updated_at": written})
    });
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

/// Clients of Orkes ask for this after they wrote; what is read here is always what was written last.
async fn nothing_to_clear() -> Json<Value> {
    Json(json!({"message": "nothing is cached"}))
}

async fn reveal(State(handle): State<Handle>, Caller(who): Caller, Path(key): Path<String>, params: Params) -> Answer {
    let version = params.text("version").unwrap_or("current");
    let version = if version == "current" { Some(Version::Current) } else { Version::parse(version) };
    let version =
        version.ok_or_else(|| Error::wrong("version: it is neither `previous` nor the number of a version"))?;
    let value = handle.reveal(&who, &key, version).await?;
    Ok(text(value.expose()))
}

async fn put(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(key): Path<String>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let is_forced = params.flag("force", false)? || headers.get(FORCE_HEADER).is_some_and(|value| value == "true");
    let allow = if is_forced { Allow::ALL } else { Allow::default() };
    let value = secret_body::value(&headers, body.text()?);
    let value = text_to_store(&value, Evaluation::Literal, allow).map_err(|refusal| {
        Error::wrong(format!("the value for `{key}` is refused: {refusal}; to store it all the same, add ?force=true"))
    })?;
    let moment =
        |text: &str| Timestamp::parse(text).ok_or_else(|| Error::wrong(format!("expires: \"{text}\" is no time")));
    let expires = params.text("expires").map(moment).transpose()?;
    let write = Write { name: key, value, expires, plain: params.flag("plain", false)? };
    handle.put_secrets(&who, vec![write]).await?;
    Ok(().into_response())
}

async fn remove(State(handle): State<Handle>, Caller(who): Caller, Path(key): Path<String>) -> Answer {
    handle.remove_secret(&who, &key).await?;
    Ok(().into_response())
}

async fn exists(State(handle): State<Handle>, Caller(who): Caller, Path(key): Path<String>) -> Answer {
    Ok(Json(handle.secret_exists(&who, &key).await?).into_response())
}

async fn all_tags(State(handle): State<Handle>, Caller(who): Caller, Path(key): Path<String>) -> Answer {
    Ok(Json(shown_tags(&handle.secret_tags(&who, &key).await?)).into_response())
}

async fn put_tags(State(handle): State<Handle>, Caller(who): Caller, Path(key): Path<String>, body: Body) -> Answer {
    let tags = tags::tags(&body)?;
    handle.tag_secret(&who, &key, tags.into_iter().map(|(tag, value)| (tag, Some(value))).collect()).await?;
    Ok(().into_response())
}

async fn remove_tags(State(handle): State<Handle>, Caller(who): Caller, Path(key): Path<String>, body: Body) -> Answer {
    handle.untag_secret(&who, &key, &tags::tags(&body)?).await?;
    Ok(().into_response())
}
