//! Tags, of whatever carries them: the shape in which clients write and read them.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::{Tagged, TargetKind};
use crate::api::body::{Body, Path};
use crate::api::params::Params;
use crate::api::routes::{Routes, each, on};
use crate::api::{Answer, Caller, Error};
use crate::daemon::{Handle, TagChange, TagMap};
use crate::words::Permission;

pub(super) fn routes() -> Routes {
    let routes =
        Routes::default().get("/api/scheduler/schedules/tags", each(Permission::Read, TargetKind::Schedule), having);
    let routes = of(routes, Tagged::Workflow, "/api/metadata/workflow/{name}/tags");
    let routes = of(routes, Tagged::TaskDef, "/api/metadata/task/{name}/tags");
    of(routes, Tagged::Schedule, "/api/scheduler/schedules/{name}/tags")
}

/// Adds the routes for the tags of one kind of thing: what is put to workflows is all that they carry from then on, what is
/// put to schedules is added, as on Orkes.
fn of(routes: Routes, tagged: Tagged, path: &'static str) -> Routes {
    let target = tagged.target();
    let (read, update) = (on(Permission::Read, target), on(Permission::Update, target));
    let put = if tagged == Tagged::Schedule { TagChange::Add } else { TagChange::Replace };
    let changing = move |change: fn(TagMap) -> TagChange| {
        async move |State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>, body: Body| {
            let change = change(tags(&body)?);
            handle.change_tags(&who, tagged, name, change).await?;
            Answer::Ok(().into_response())
        }
    };
    let all = async move |State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>| {
        Answer::Ok(Json(shown(&handle.tags(&who, tagged, &name)?)).into_response())
    };
    let routes = routes.get(path, read, all).put(path, update, changing(put));
    let routes = routes.post(path, update, changing(TagChange::Add));
    routes.delete(path, update, changing(TagChange::Remove))
}

/// Answers with the schedules that carry a tag.
async fn having(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let tag = params.text("tag").ok_or_else(|| Error::wrong("tag: it is missing; it is written `tag=key:value`"))?;
    let (key, value) = tag.split_once(':').unwrap_or((tag, ""));
    let mut found = handle.schedules(&who).await?;
    let has = |tag: &Value| tag["key"] == key && tag["value"] == value;
    found.retain(|schedule| schedule["tags"].as_array().is_some_and(|tags| tags.iter().any(has)));
    Ok(Json(found).into_response())
}

/// A tag as clients write it.
#[derive(Deserialize)]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

/// Reads one tag or several: clients send both, and which of them depends on the method.
pub(super) fn tags(body: &Body) -> Result<TagMap, Error> {
    let tags: Vec<Tag> = if body.text()?.trim_start().starts_with('{') { vec![body.json()?] } else { body.json()? };
    Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// Returns tags as clients read them.
pub(super) fn shown(tags: &TagMap) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}
