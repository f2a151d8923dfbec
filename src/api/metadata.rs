use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::access::{Tagged, TargetKind};
use crate::api::about::Content::{List, One};
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::parameters::{METADATA, OVERWRITE, VERSION};
use crate::api::params::Params;
use crate::api::routes::{Need, Routes, each, on};
use crate::api::tags::with_tags;
use crate::api::{Answer, Caller, Error};
use crate::catalog::{Definition, Name, Owned};
use crate::daemon::{Handle, shown_tags};
use crate::words::{Owner, Permission};
use crate::workflow::definition::{TaskDef, WorkflowDef};
use crate::workflow::registration::{ValidationError, registration_errors};
use crate::workflow::shown::shown_definition;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get(
            "/api/metadata/workflow",
            each(Permission::Read, TargetKind::Workflow),
            about("Gives every version of every workflow").asks([METADATA]).gives(List("WorkflowDef")),
            workflows,
        )
        .post(
            "/api/metadata/workflow",
            Need::Write(TargetKind::Workflow),
            about("Registers a workflow").asks([OVERWRITE]).takes(One("WorkflowDef")),
            create,
        )
        .put(
            "/api/metadata/workflow",
            Need::Write(TargetKind::Workflow),
            about("Registers workflows, in place of those with their names and versions")
                .asks([OVERWRITE])
                .takes(List("WorkflowDef"))
                .gives(One("BulkResponse")),
            replace,
        )
        .post(
            "/api/metadata/workflow/validate",
            Need::SignIn,
            about("Says whether a workflow could be registered").takes(One("WorkflowDef")),
            validate,
        )
        .get(
            "/api/metadata/workflow/names",
            each(Permission::Read, TargetKind::Workflow),
            about("Names the workflows").gives(List("Name")),
            names,
        )
        .get(
            "/api/metadata/workflow/latest-versions",
            each(Permission::Read, TargetKind::Workflow),
            about("Gives the highest version of every workflow").gives(List("WorkflowDef")),
            latest_versions,
        )
        .get(
            "/api/metadata/workflow/names-and-versions",
            each(Permission::Read, TargetKind::Workflow),
            about("Gives the versions of every workflow, by name").gives(Content::Lists("VersionSummary")),
            names_and_versions,
        )
        .get(
            "/api/metadata/workflow/{name}",
            on(Permission::Read, TargetKind::Workflow),
            about("Gives a workflow").asks([VERSION, METADATA]).gives(One("WorkflowDef")),
            workflow,
        )
        .get(
            "/api/metadata/workflow/{name}/versions",
            on(Permission::Read, TargetKind::Workflow),
            about("Gives the versions of a workflow").gives(List("VersionSummary")),
            versions,
        )
        .delete(
            "/api/metadata/workflow/{name}/{version}",
            on(Permission::Delete, TargetKind::Workflow),
            about("Removes a workflow that the API made"),
            remove,
        )
        .get(
            "/api/metadata/taskdefs",
            each(Permission::Read, TargetKind::Workflow),
            about("Gives every task definition").asks([METADATA]).gives(List("TaskDef")),
            task_defs,
        )
        .post(
            "/api/metadata/taskdefs",
            Need::Write(TargetKind::Workflow),
            about("Registers task definitions").takes(List("TaskDef")),
            put_task_defs,
        )
        .put(
            "/api/metadata/taskdefs",
            on(Permission::Update, TargetKind::Workflow),
            about("Replaces a task definition").takes(One("TaskDef")),
            put_task_def,
        )
        .get(
            "/api/metadata/taskdefs/{name}",
            on(Permission::Read, TargetKind::Workflow),
            about("Gives a task definition").asks([METADATA]).gives(One("TaskDef")),
            task_def,
        )
        .delete(
            "/api/metadata/taskdefs/{name}",
            on(Permission::Delete, TargetKind::Workflow),
            about("Removes a task definition that the API made"),
            remove_task_def,
        )
}

async fn create(State(handle): State<Handle>, Caller(who): Caller, params: Params, body: Body) -> Answer {
    let overwrite = params.flag("overwrite", false)?;
    let workflow: WorkflowDef = body.json()?;
    sound([("registerWorkflowDef.arg0".to_owned(), &workflow)])?;
    let registering = handle.register_workflows(&who, vec![workflow], overwrite);
    with_tags(&handle, &who, Tagged::Workflow, vec![body.json()?], registering).await?;
    Ok(().into_response())
}

async fn replace(State(handle): State<Handle>, Caller(who): Caller, params: Params, body: Body) -> Answer {
    let workflows: Vec<WorkflowDef> = body.json()?;
    sound(workflows.iter().enumerate().map(|(at, workflow)| (format!("updateWorkflowDef.arg0[{at}]"), workflow)))?;
    let names: Vec<_> = workflows.iter().map(|workflow| workflow.name.clone()).collect();
    let registering = handle.register_workflows(&who, workflows, params.flag("overwrite", true)?);
    with_tags(&handle, &who, Tagged::Workflow, body.json()?, registering).await?;
    Ok(Json(json!({"bulkErrorResults": {}, "bulkSuccessfulResults": names})).into_response())
}

async fn validate(body: Body) -> Answer {
    sound([("validateWorkflowDef.arg0".to_owned(), &body.json()?)])?;
    Ok(().into_response())
}

/// Refuses definitions that are not to be registered; problems are named below the place of the definition, which has
/// the name of Conductor's method in it.
fn sound<'a>(definitions: impl IntoIterator<Item = (String, &'a WorkflowDef)>) -> Result<(), Error> {
    let placed = |(place, definition): (String, &'a WorkflowDef)| {
        let problems = registration_errors(definition).into_iter();
        problems.map(move |problem| ValidationError { path: format!("{place}{}", problem.path), ..problem })
    };
    let problems: Vec<_> = definitions.into_iter().flat_map(placed).collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::invalid(problems)) }
}

async fn workflow(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(name): Path<String>,
    params: Params,
) -> Answer {
    let definition = handle.definition(&who, &name, params.number("version")?)?;
    let mut shown = shown_workflow(&definition);
    if params.flag("metadata", false)? {
        shown["tags"] = shown_tags(&handle.tags(&who, Tagged::Workflow, &name)?);
    }
    Ok(Json(shown).into_response())
}

async fn workflows(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let all = readable(&handle, &who);
    let mut shown: Vec<_> = all.iter().map(|definition| shown_workflow(definition)).collect();
    if params.flag("metadata", false)? {
        tag_each(&handle, &who, Tagged::Workflow, &mut shown);
    }
    Ok(Json(shown).into_response())
}

/// Says of each of several definitions which tags it has.
fn tag_each(handle: &Handle, who: &Owner, tagged: Tagged, shown: &mut [Value]) {
    for one in shown {
        let name = one["name"].as_str().unwrap_or_default().to_owned();
        // One that was removed a moment ago has none.
        one["tags"] = shown_tags(&handle.tags(who, tagged, &name).unwrap_or_default());
    }
}

async fn latest_versions(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let all = readable(&handle, &who);
    let latest: BTreeMap<_, _> = all.iter().map(|one| (&one.pinned.workflow.name, shown_workflow(one))).collect();
    Ok(Json(latest.into_values().collect::<Vec<_>>()).into_response())
}

async fn names(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let names: BTreeSet<_> = readable(&handle, &who).iter().map(|one| one.pinned.workflow.name.clone()).collect();
    Ok(Json(names).into_response())
}

async fn names_and_versions(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let mut by_name = BTreeMap::<String, Vec<Value>>::new();
    for one in readable(&handle, &who) {
        by_name.entry(one.pinned.workflow.name.clone()).or_default().push(summary(&one));
    }
    Ok(Json(by_name).into_response())
}

async fn versions(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    let mut versions = readable(&handle, &who);
    versions.retain(|one| one.pinned.workflow.name == name);
    if versions.is_empty() {
        return Err(Error::missing(format!("No such workflow found by name: {name}, version: null")));
    }
    Ok(Json(versions.iter().map(summary).collect::<Vec<_>>()).into_response())
}

async fn remove(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((name, version)): Path<(String, i32)>,
) -> Answer {
    handle.unregister(&who, &Name::Workflow { name, version }).await?;
    Ok(().into_response())
}

async fn put_task_defs(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    let registering = handle.register_task_defs(&who, body.json()?);
    with_tags(&handle, &who, Tagged::TaskDef, body.json()?, registering).await?;
    Ok(().into_response())
}

async fn put_task_def(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    let task_def: TaskDef = body.json()?;
    let registering = handle.replace_task_def(&who, task_def);
    with_tags(&handle, &who, Tagged::TaskDef, vec![body.json()?], registering).await?;
    Ok(().into_response())
}

async fn task_defs(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let mut shown: Vec<_> = handle.task_defs(&who).iter().map(|owned| shown_task_def(owned)).collect();
    if params.flag("metadata", false)? {
        tag_each(&handle, &who, Tagged::TaskDef, &mut shown);
    }
    Ok(Json(shown).into_response())
}

async fn task_def(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(name): Path<String>,
    params: Params,
) -> Answer {
    let owned = handle.task_def(&who, &name)?;
    let mut shown = shown_task_def(&owned);
    if params.flag("metadata", false)? {
        shown["tags"] = shown_tags(&handle.tags(&who, Tagged::TaskDef, &name)?);
    }
    Ok(Json(shown).into_response())
}

async fn remove_task_def(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    handle.unregister(&who, &Name::TaskDef(name)).await?;
    Ok(().into_response())
}

/// Returns every workflow that the caller may read, by name and version.
fn readable(handle: &Handle, who: &Owner) -> Vec<Arc<Definition>> {
    let may_read = |definition: &&Arc<Definition>| {
        let workflow = &definition.pinned.workflow;
        handle.definition(who, &workflow.name, Some(workflow.version)).is_ok()
    };
    handle.catalog().workflows().filter(may_read).cloned().collect()
}

/// Returns a definition as people may see it: its literals under `_secrets` and `_masked` are nobody's to read here. Whose it
/// is stands beside what Conductor says, in a field that its clients leave alone.
pub(super) fn shown(definition: &impl serde::Serialize, owner: &Owner) -> Value {
    let mut shown = shown_definition(&json!(definition));
    shown["origin"] = owner.to_string().into();
    shown
}

fn shown_workflow(definition: &Definition) -> Value {
    shown(&definition.pinned.workflow, &definition.pinned.owner)
}

fn shown_task_def(owned: &Owned<TaskDef>) -> Value {
    shown(&owned.def, &owned.owner)
}

fn summary(definition: &Arc<Definition>) -> Value {
    let workflow = &definition.pinned.workflow;
    json!({"name": workflow.name, "version": workflow.version, "createTime": workflow.create_time})
}
