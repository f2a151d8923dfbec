//! Groups of those who are granted something, and the applications as Orkes's users.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::access::Application;
use crate::api::about::Content::{List, One};
use crate::api::about::{Content, about};
use crate::api::body::{Body, Path};
use crate::api::grants::{granted, member, target_of};
use crate::api::parameters::{APPLICATIONS, TARGET_ID, TARGET_TYPE};
use crate::api::params::Params;
use crate::api::routes::{Need, Routes};
use crate::api::{Answer, Caller, Error};
use crate::daemon::{Handle, Membership};
use crate::words::{Grantee, Owner, Permission};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/groups", Need::Owner, about("Gives the groups").gives(List("Group")), all)
        .get("/api/groups/{name}", Need::Owner, about("Gives a group").gives(One("Group")), one)
        .put("/api/groups/{name}", Need::Owner, about("Makes a group").may_take(One("Map")).gives(One("Group")), put)
        .delete("/api/groups/{name}", Need::Owner, about("Removes a group"), remove)
        .get(
            "/api/groups/{name}/permissions",
            Need::Owner,
            about("Says what is granted to a group").gives(One("GrantedAccess")),
            permissions,
        )
        .get(
            "/api/groups/{name}/users",
            Need::Owner,
            about("Gives the members of a group").gives(List("User")),
            members,
        )
        .post("/api/groups/{name}/users", Need::Owner, about("Adds members to a group").may_take(List("Name")), join)
        .delete(
            "/api/groups/{name}/users",
            Need::Owner,
            about("Takes members out of a group").may_take(List("Name")),
            leave,
        )
        .post("/api/groups/{name}/users/{key}", Need::Owner, about("Adds a member to a group"), join_one)
        .delete("/api/groups/{name}/users/{key}", Need::Owner, about("Takes a member out of a group"), leave_one)
        .get(
            "/api/users",
            Need::Owner,
            about("Gives the applications as users").asks([APPLICATIONS]).gives(List("User")),
            users,
        )
        .get("/api/users/{key}", Need::Owner, about("Gives an application as a user").gives(One("User")), user)
        .get(
            "/api/users/{key}/permissions",
            Need::Owner,
            about("Says what is granted to an application").gives(One("GrantedAccess")),
            user_permissions,
        )
        .put(
            "/api/users/{key}",
            Need::Owner,
            about("Gives an application as a user: nobody else is made one").may_take(One("Map")).gives(One("User")),
            put_user,
        )
        .delete("/api/users/{key}", Need::Owner, about("Refuses: an application is removed as such"), remove_user)
        .get(
            "/api/users/{key}/checkPermissions",
            Need::Owner,
            about("Says what an application may do to something")
                .asks([TARGET_TYPE, TARGET_ID])
                .gives(Content::Map("Flag")),
            check_permissions,
        )
}

async fn all(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    Ok(Json(handle.groups(&who)?.keys().map(|name| shown(name)).collect::<Vec<_>>()).into_response())
}

async fn one(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    known(&handle, &who, &name)?;
    Ok(Json(shown(&name)).into_response())
}

/// A group has no rights but what is granted to it: its roles and default access are not looked at.
async fn put(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    handle.put_group(&who, name.clone()).await?;
    Ok(Json(shown(&name)).into_response())
}

async fn remove(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    handle.remove_group(&who, name).await?;
    Ok(().into_response())
}

async fn permissions(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    known(&handle, &who, &name)?;
    Ok(Json(granted(&handle.grants(&who)?, &Grantee::Group(name))).into_response())
}

async fn members(State(handle): State<Handle>, Caller(who): Caller, Path(name): Path<String>) -> Answer {
    let members = known(&handle, &who, &name)?;
    Ok(Json(members.iter().map(shown_user).collect::<Vec<_>>()).into_response())
}

async fn join(state: State<Handle>, who: Caller, Path(name): Path<String>, body: Body) -> Answer {
    change(state, who, name, || body.json_or_default(), Membership::Join).await
}

async fn leave(state: State<Handle>, who: Caller, Path(name): Path<String>, body: Body) -> Answer {
    change(state, who, name, || body.json_or_default(), Membership::Leave).await
}

async fn join_one(state: State<Handle>, who: Caller, Path((name, user)): Path<(String, String)>) -> Answer {
    change(state, who, name, || Ok(vec![user]), Membership::Join).await
}

async fn leave_one(state: State<Handle>, who: Caller, Path((name, user)): Path<(String, String)>) -> Answer {
    change(state, who, name, || Ok(vec![user]), Membership::Leave).await
}

/// Changes who is in a group; what was sent is looked at for nobody but those who may.
async fn change(
    State(handle): State<Handle>,
    Caller(who): Caller,
    name: String,
    users: impl FnOnce() -> Result<Vec<String>, Error>,
    membership: Membership,
) -> Answer {
    known(&handle, &who, &name)?;
    let members = users()?.iter().map(|user| member(user)).collect::<Result<_, _>>()?;
    handle.change_members(&who, name, members, membership).await?;
    Ok(().into_response())
}

/// Nobody but applications signs in here, and clients ask for those apart.
async fn users(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let mut applications = handle.applications(&who)?;
    if !params.flag("apps", false)? {
        applications.clear();
    }
    let users = applications.into_iter().map(|application| shown_user(&Grantee::App(application.name)));
    Ok(Json(users.collect::<Vec<_>>()).into_response())
}

async fn user(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    Ok(Json(shown_user(&known_user(&handle, &who, &id)?)).into_response())
}

async fn put_user(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    match known_user(&handle, &who, &id) {
        Ok(user) => Ok(Json(shown_user(&user)).into_response()),
        Err(error) if error.is_missing() => {
            Err(Error::wrong("people do not sign in here: make an application (`keytide app create`)"))
        }
        Err(error) => Err(error),
    }
}

async fn remove_user(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    known_user(&handle, &who, &id)?;
    Err(Error::wrong("people do not sign in here: remove the application (`keytide app rm`)"))
}

async fn check_permissions(
    State(handle): State<Handle>,
    Caller(who): Caller,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    let user = application(&handle, &who, &id)?.as_owner();
    let wanted = |name: &str| params.text(name).ok_or_else(|| Error::wrong(format!("{name}: it is missing")));
    let target = target_of(wanted("type")?, wanted("id")?)?;
    let may = Permission::ALL.map(|permission| (permission.as_str(), handle.is_granted(&user, permission, &target)));
    Ok(Json(BTreeMap::from(may)).into_response())
}

async fn user_permissions(State(handle): State<Handle>, Caller(who): Caller, Path(id): Path<String>) -> Answer {
    let user = known_user(&handle, &who, &id)?;
    Ok(Json(granted(&handle.grants(&who)?, &user)).into_response())
}

fn known_user(handle: &Handle, who: &Owner, id: &str) -> Result<Grantee, Error> {
    Ok(Grantee::App(application(handle, who, id)?.name))
}

fn application(handle: &Handle, who: &Owner, id: &str) -> Result<Application, Error> {
    Ok(handle.application(who, id.strip_prefix("app:").unwrap_or(id))?)
}

/// Returns the members of a group that is there.
fn known(handle: &Handle, who: &Owner, name: &str) -> Result<Vec<Grantee>, Error> {
    let missing = || Error::missing(format!("there is no group `{name}`"));
    handle.groups(who)?.remove(name).ok_or_else(missing)
}

fn shown(name: &str) -> Value {
    json!({"id": name, "description": name, "roles": [], "defaultAccess": {}})
}

fn shown_user(who: &Grantee) -> Value {
    let name = match who {
        Grantee::App(name) | Grantee::File(name) | Grantee::Workflow(name) | Grantee::Group(name) => name,
    };
    let is_application = matches!(who, Grantee::App(_));
    json!({"id": who.to_string(), "name": name, "roles": [], "groups": [], "applicationUser": is_application})
}
