//! Who may do what, in Orkes's words: subjects, targets and access.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::about::Content::One;
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::parameters::GRANT_TYPE;
use crate::api::params::Params;
use crate::api::routes::{Need, Routes};
use crate::api::{Answer, Caller, Error};
use crate::daemon::Handle;
use crate::words::{Grant, GrantTarget, Grantee, Owner, Permission};

pub(super) fn routes() -> Routes {
    Routes::default()
        .post(
            "/api/auth/authorization",
            Need::Owner,
            about("Grants rights").takes(One("Authorization")).gives(One("Message")).fails(&[404]),
            grant,
        )
        .delete(
            "/api/auth/authorization",
            Need::Owner,
            about("Takes rights back").takes(One("Authorization")).gives(One("Message")).fails(&[404]),
            revoke,
        )
        .get(
            "/api/auth/authorization/{type}/{id}",
            Need::Owner,
            about("Says who has which right on something").gives(Content::Lists("Subject")),
            of_target,
        )
        .get(
            "/api/auth/subjects/{type}/{id}/grants",
            Need::Owner,
            about("Says what is granted to somebody").asks([GRANT_TYPE]).gives(One("GrantedAccess")),
            of_subject,
        )
        .delete(
            "/api/auth/subjects/{type}/{id}/grants",
            Need::Owner,
            about("Takes back all that is granted to somebody").asks([GRANT_TYPE]).gives(One("Message")),
            revoke_all,
        )
}

/// Somebody, or something, as clients name it.
#[derive(Deserialize)]
struct Named {
    r#type: String,
    id: String,
}

/// What is granted, or taken back.
#[derive(Deserialize)]
struct Authorization {
    subject: Named,
    target: Named,
    access: Vec<Permission>,
}

impl Authorization {
    fn read(body: &Body) -> Result<Grant, Error> {
        let Self { subject, target, access } = body.json()?;
        if access.is_empty() {
            let all = Permission::ALL.map(Permission::as_str).join(", ");
            return Err(Error::wrong(format!("access: it says nothing; there are {all}")));
        }
        let to = grantee(&subject.r#type, &subject.id)?;
        Ok(Grant { to, on: target_of(&target.r#type, &target.id)?, access })
    }
}

async fn grant(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    owner(&handle, &who)?;
    handle.grant(&who, Authorization::read(&body)?).await?;
    Ok(Json(json!({"message": "Granted permission"})).into_response())
}

async fn revoke(State(handle): State<Handle>, Caller(who): Caller, body: Body) -> Answer {
    owner(&handle, &who)?;
    handle.revoke(&who, Authorization::read(&body)?).await?;
    Ok(Json(json!({"message": "Removed permission"})).into_response())
}

/// Fails for everybody but the owner, before what was sent is looked at.
fn owner(handle: &Handle, who: &Owner) -> Result<(), Error> {
    Ok(handle.grants(who).map(drop)?)
}

/// Answers with who may do what to something, by what is granted on just that.
async fn of_target(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((kind, id)): Path<(String, String)>,
) -> Answer {
    let grants = handle.grants(&who)?;
    let on = target_of(&kind, &id)?;
    let mut by_access = BTreeMap::<_, Vec<Value>>::new();
    for grant in grants.iter().filter(|grant| grant.on == on) {
        for permission in &grant.access {
            let subjects = by_access.entry(permission.as_str()).or_default();
            let subject = subject(&grant.to);
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
    }
    Ok(Json(by_access).into_response())
}

async fn of_subject(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((kind, id)): Path<(String, String)>,
    params: Params,
) -> Answer {
    let mut grants = handle.grants(&who)?;
    let wanted = wanted_kind(&params)?;
    grants.retain(|grant| wanted.is_none_or(|wanted| kind_of(&grant.on) == wanted));
    Ok(Json(granted(&grants, &grantee(&kind, &id)?)).into_response())
}

async fn revoke_all(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path((kind, id)): Path<(String, String)>,
    params: Params,
) -> Answer {
    owner(&handle, &who)?;
    let wanted = wanted_kind(&params)?;
    let is_wanted = move |on: &GrantTarget| wanted.is_none_or(|wanted| kind_of(on) == wanted);
    handle.revoke_all(&who, grantee(&kind, &id)?, wanted.unwrap_or("everything"), is_wanted).await?;
    Ok(Json(json!({"message": "Removed permission"})).into_response())
}

/// Reads what kind of thing somebody asks about; a kind that is not there must not read as all of them.
fn wanted_kind(params: &Params) -> Result<Option<&'static str>, Error> {
    let Some(kind) = params.text("resourceType") else { return Ok(None) };
    // A tag is the one target whose name has a form.
    Ok(Some(kind_of(&target_of(kind, "key:value")?)))
}

/// Returns what is granted to somebody by name.
pub(super) fn granted(grants: &[Grant], to: &Grantee) -> Value {
    let of = grants.iter().filter(|grant| grant.to == *to);
    let shown = of.map(|grant| json!({"target": shown_target(&grant.on), "access": grant.access}));
    json!({"grantedAccess": shown.collect::<Vec<_>>()})
}

fn grantee(kind: &str, id: &str) -> Result<Grantee, Error> {
    match kind {
        "USER" => member(id),
        "GROUP" => Ok(Grantee::Group(id.to_owned())),
        _ => Err(Error::wrong(format!("subject: \"{kind}\" is neither USER nor GROUP"))),
    }
}

/// Reads who can be in a group: an application has the id that Orkes gives the user of one.
pub(super) fn member(id: &str) -> Result<Grantee, Error> {
    let known = Grantee::parse(id).filter(|who| !matches!(who, Grantee::Group(_)));
    known.ok_or_else(|| Error::wrong(format!("\"{id}\" is none of app:NAME, file:GLOB and workflow:PATTERN")))
}

pub(super) fn target_of(kind: &str, id: &str) -> Result<GrantTarget, Error> {
    let id = id.to_owned();
    match kind {
        "SECRET_NAME" | "SECRET" => Ok(GrantTarget::Secret(id)),
        "WORKFLOW_DEF" | "WORKFLOW" => Ok(GrantTarget::Workflow(id)),
        "WORKFLOW_SCHEDULE" => Ok(GrantTarget::Schedule(id)),
        "ENV_VARIABLE" => Ok(GrantTarget::Environment(id)),
        "TAG" => match id.split_once(':') {
            Some((key, value)) => Ok(GrantTarget::Tag(key.to_owned(), value.to_owned())),
            None => Err(Error::wrong(format!("target: the tag \"{id}\" is not written key:value"))),
        },
        // It would be granted on the workflow of that name too.
        "TASK_DEF" => Err(Error::wrong("target: a task definition is granted as the WORKFLOW_DEF of its name")),
        _ => {
            let known = "SECRET_NAME, WORKFLOW_DEF, WORKFLOW_SCHEDULE, ENV_VARIABLE and TAG";
            Err(Error::wrong(format!("target: \"{kind}\" is none of {known}")))
        }
    }
}

fn subject(to: &Grantee) -> Value {
    match to {
        Grantee::Group(name) => json!({"type": "GROUP", "id": name}),
        Grantee::App(_) | Grantee::File(_) | Grantee::Workflow(_) => json!({"type": "USER", "id": to.to_string()}),
    }
}

fn shown_target(on: &GrantTarget) -> Value {
    let id = match on {
        GrantTarget::Secret(id)
        | GrantTarget::Workflow(id)
        | GrantTarget::Schedule(id)
        | GrantTarget::Environment(id) => id.clone(),
        GrantTarget::Tag(key, value) => format!("{key}:{value}"),
    };
    json!({"type": kind_of(on), "id": id})
}

/// Returns Orkes's word for a kind of target.
const fn kind_of(on: &GrantTarget) -> &'static str {
    match on {
        GrantTarget::Secret(_) => "SECRET_NAME",
        GrantTarget::Workflow(_) => "WORKFLOW_DEF",
        GrantTarget::Schedule(_) => "WORKFLOW_SCHEDULE",
        GrantTarget::Environment(_) => "ENV_VARIABLE",
        GrantTarget::Tag(..) => "TAG",
    }
}
