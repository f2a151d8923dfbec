//! Tags, of whatever carries them: the shape in which clients write and read them.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::Value;

use crate::access::{TAGS_MAX, Tagged, TargetKind};
use crate::api::about::Content::List;
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::parameters::TAG;
use crate::api::params::Params;
use crate::api::routes::{Routes, each, on};
use crate::api::{Answer, Caller, Error};
use crate::daemon::{self, Handle, TagChange, TagMap, shown_tags};
use crate::words::{Owner, Permission};
use crate::workflow::definition::{optional_flag, optional_text};

pub(super) fn routes() -> Routes {
    let routes = Routes::default().get(
        "/api/scheduler/schedules/tags",
        each(Permission::Read, TargetKind::Schedule),
        about("Gives the schedules that carry a tag").asks([TAG]).gives(List("Schedule")),
        having,
    );
    let routes = of(routes, Tagged::Workflow, "/api/metadata/workflow/{name}/tags");
    let routes = of(routes, Tagged::TaskDef, "/api/metadata/task/{name}/tags");
    let routes = of(routes, Tagged::Environment, "/api/environment/{name}/tags");
    of(routes, Tagged::Schedule, "/api/scheduler/schedules/{name}/tags")
}

/// Adds the routes for the tags of one kind of thing: what is put to workflows is all that they carry from then on, what is
/// put to schedules and variables is added, as on Orkes.
fn of(routes: Routes, tagged: Tagged, path: &'static str) -> Routes {
    let target = tagged.target();
    let (read, update) = (on(Permission::Read, target), on(Permission::Update, target));
    let adds = matches!(tagged, Tagged::Schedule | Tagged::Environment);
    let put = if adds { TagChange::Add } else { TagChange::Replace };
    let changing = move |change: fn(TagMap) -> TagChange| {
        async move |State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>, body: Body| {
            let change = change(tags(&body)?);
            handle.change_tags(&who, tagged, name, change).await?;
            Answer::Ok(().into_response())
        }
    };
    let all = async move |State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>| {
        Answer::Ok(Json(shown_tags(&handle.tags(&who, tagged, &name)?)).into_response())
    };
    let replaces = if adds { "Adds tags" } else { "Puts tags in place of all that are there" };
    let changes = |summary| about(summary).takes(Content::OneOrList("Tag"));
    let routes = routes.get(path, read, about("Gives the tags of something").gives(List("Tag")), all);
    let routes = routes.put(path, update, changes(replaces), changing(put));
    let routes = routes.post(path, update, changes("Adds tags"), changing(TagChange::Add));
    routes.delete(path, update, changes("Takes tags off"), changing(TagChange::Remove))
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
    value: Value,
    #[serde(default)]
    r#type: Option<String>,
}

/// The tags that the definition in a body brings along. Who leaves them out leaves them as they are.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Brought {
    #[serde(default, deserialize_with = "optional_text")]
    name: Option<String>,
    #[serde(default)]
    tags: Option<Vec<Tag>>,
    #[serde(default, deserialize_with = "optional_flag")]
    overwrite_tags: Option<bool>,
}

impl Brought {
    /// Returns what becomes of the tags of what is named; nothing where no tags were brought.
    fn change(self) -> Result<Option<(String, TagChange)>, Error> {
        let (Some(name), Some(tags)) = (self.name, self.tags) else { return Ok(None) };
        let replaces = self.overwrite_tags == Some(true);
        let change = if replaces { TagChange::Replace } else { TagChange::Add };
        Ok((replaces || !tags.is_empty()).then_some((name, change(map(tags)?))))
    }
}

/// Registers something with the tags that come with it, or none of it where these may not be set.
pub(super) async fn with_tags(
    handle: &Handle,
    who: &Owner,
    tagged: Tagged,
    brought: Vec<Brought>,
    registering: impl Future<Output = Result<(), daemon::Error>>,
) -> Result<(), Error> {
    let changes: Vec<_> = brought.into_iter().map(Brought::change).collect::<Result<_, _>>()?;
    let changes: Vec<_> = changes.into_iter().flatten().collect();
    for (name, change) in &changes {
        handle.permit_tags(who, tagged, name, change)?;
    }
    registering.await?;
    for (name, change) in changes {
        handle.change_tags(who, tagged, name, change).await?;
    }
    Ok(())
}

/// Reads one tag or several: clients send both, and which of them depends on the method.
pub(super) fn tags(body: &Body) -> Result<TagMap, Error> {
    map(if body.text()?.trim_start().starts_with('{') { vec![body.json()?] } else { body.json()? })
}

fn map(tags: Vec<Tag>) -> Result<TagMap, Error> {
    if tags.len() > TAGS_MAX {
        return Err(Error::wrong(format!("{} tags are more than {TAGS_MAX}, the limit", tags.len())));
    }
    let pair = |tag: Tag| {
        if tag.r#type.is_some_and(|kind| kind.eq_ignore_ascii_case("RATE_LIMIT")) {
            let advice = "say it in `rateLimitConfig` of the definition";
            return Err(Error::wrong(format!("{}: no tag limits executions here; {advice}", tag.key)));
        }
        match tag.value {
            Value::Null => Ok((tag.key, String::new())),
            Value::String(value) => Ok((tag.key, value)),
            Value::Bool(_) | Value::Number(_) => Ok((tag.key, tag.value.to_string())),
            Value::Array(_) | Value::Object(_) => Err(Error::wrong(format!("{}: the value is no text", tag.key))),
        }
    };
    tags.into_iter().map(pair).collect()
}
