//! The tags of everything: what there are, how often, and on what.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::json;

use crate::access::{Tagged, TargetKind};
use crate::api::about::Content::List;
use crate::api::about::about;
use crate::api::parameters::{RESOURCE_TYPE, TAG_KEY, TAG_VALUE};
use crate::api::params::Params;
use crate::api::routes::{Routes, each};
use crate::api::{Answer, Caller, Error};
use crate::daemon::Handle;
use crate::words::{Owner, Permission};

/// What one may read is in the answers, be it a workflow, a secret or something else.
pub(super) fn routes() -> Routes {
    let need = each(Permission::Read, TargetKind::Workflow);
    Routes::default()
        .get("/api/metadata/tags", need, about("Gives the tags that something has").gives(List("Tag")), all)
        .get(
            "/api/metadata/tags/grouped",
            need,
            about("Says how many things of a kind have a tag").gives(List("TagCount")),
            grouped,
        )
        .get(
            "/api/metadata/tags/resources",
            need,
            about("Gives what has a tag").asks([TAG_KEY, TAG_VALUE, RESOURCE_TYPE]).gives(List("Resource")),
            resources,
        )
}

/// One tag of one thing.
struct Use {
    kind: &'static str,
    name: String,
    key: String,
    value: String,
}

async fn uses(handle: &Handle, who: &Owner) -> Result<Vec<Use>, Error> {
    let tagged = handle.tagged(who).into_iter().map(|(tagged, name, tags)| (resource_type(tagged), name, tags));
    let secrets = handle.secrets(who, &[Permission::Read]).await?.into_iter();
    let secrets = secrets.map(|summary| ("SECRET_NAME", summary.name, summary.tags));
    let each = |(kind, name, tags): (&'static str, String, BTreeMap<String, String>)| {
        tags.into_iter().map(move |(key, value)| Use { kind, name: name.clone(), key, value })
    };
    Ok(tagged.chain(secrets).flat_map(each).collect())
}

/// Returns Orkes's word.
const fn resource_type(tagged: Tagged) -> &'static str {
    match tagged {
        Tagged::Workflow => "WORKFLOW_DEF",
        Tagged::Schedule => "WORKFLOW_SCHEDULE",
        Tagged::TaskDef => "TASK_DEF",
        Tagged::Environment => "ENV_VARIABLE",
    }
}

async fn all(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let tags: BTreeSet<_> = uses(&handle, &who).await?.into_iter().map(|one| (one.key, one.value)).collect();
    let shown = tags.iter().map(|(key, value)| json!({"key": key, "value": value}));
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

async fn grouped(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let mut counts = BTreeMap::<_, usize>::new();
    for one in uses(&handle, &who).await? {
        *counts.entry((one.key, one.value, one.kind)).or_default() += 1;
    }
    let shown = counts.iter().map(|((key, value, kind), count)| {
        json!({"tagKey": key, "tagValue": value, "resourceType": kind, "countPerResourceType": count})
    });
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

async fn resources(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let is = |name: &str, value: &str| params.text(name).is_none_or(|wanted| wanted == value);
    let mut found = uses(&handle, &who).await?;
    found.retain(|one| is("tagKey", &one.key) && is("tagValue", &one.value) && is("resourceType", one.kind));
    let names: BTreeSet<_> = found.into_iter().map(|one| one.name).collect();
    Ok(Json(names.iter().map(|name| json!({"id": name, "displayName": name})).collect::<Vec<_>>()).into_response())
}
