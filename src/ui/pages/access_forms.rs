//! What the forms of the page of rights do.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};

use crate::daemon::{Error, KeyChange, Membership};
use crate::ui::form::{Fields, Form};
use crate::ui::pages::access;
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House};
use crate::words::{Grant, GrantTarget, Grantee, Permission};

pub(super) fn routes() -> Routes {
    Routes::default()
        .form("/access/applications", make)
        .form("/access/applications/{name}/keys", add_key)
        .form("/access/applications/{name}/key", change_key)
        .form("/access/applications/{name}/remove", remove)
        .form("/access/grants", grant)
        .form("/access/grants/revoke", revoke)
        .form("/access/groups", make_group)
        .form("/access/groups/{name}/join", join)
        .form("/access/groups/{name}/leave", leave)
        .form("/access/groups/{name}/remove", remove_group)
}

/// Leads back to the page, or shows it again with what is wrong; who may not see it hears that instead.
fn done(house: &House, form: &Form, result: Result<(), Failure>, word: &str) -> Answer {
    match result {
        Ok(()) => Ok(Redirect::to(&format!("/access?done={word}")).into_response()),
        Err(failure) => access::again(house, &form.visitor, &failure),
    }
}

fn failed(result: Result<(), Error>) -> Result<(), Failure> {
    Ok(result?)
}

async fn make(State(house): State<Arc<House>>, form: Form) -> Answer {
    let made = house.handle.create_application(&form.visitor.who, form.fields.trimmed("name").to_owned()).await;
    done(&house, &form, failed(made.map(drop)), "app-made")
}

async fn add_key(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    let (id, secret) = match house.handle.add_key(&form.visitor.who, name.clone()).await {
        Ok(key) => key,
        Err(error) => return access::again(&house, &form.visitor, &error.into()),
    };
    Ok(access::new_key(&form.visitor, &name, &id, &secret).into_response())
}

async fn change_key(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    let (change, word) = match form.fields.get("change") {
        "toggle" => (KeyChange::Toggle, "key-changed"),
        "remove" => (KeyChange::Remove, "key-removed"),
        other => return Err(Failure::wrong(format!("`{other}` is nothing that is done to a key"))),
    };
    let key = form.fields.get("key").to_owned();
    let changed = house.handle.change_key(&form.visitor.who, name, key, change).await;
    done(&house, &form, failed(changed.map(drop)), word)
}

async fn remove(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    let removed = house.handle.remove_application(&form.visitor.who, name).await;
    done(&house, &form, failed(removed), "app-removed")
}

async fn grant(State(house): State<Arc<House>>, form: Form) -> Answer {
    let granted = match wanted(&form.fields) {
        Ok(grant) => failed(house.handle.grant(&form.visitor.who, grant).await),
        Err(failure) => Err(failure),
    };
    done(&house, &form, granted, "granted")
}

async fn revoke(State(house): State<Arc<House>>, form: Form) -> Answer {
    let revoked = match wanted(&form.fields) {
        Ok(grant) => failed(house.handle.revoke(&form.visitor.who, grant).await),
        Err(failure) => Err(failure),
    };
    done(&house, &form, revoked, "revoked")
}

fn wanted(fields: &Fields) -> Result<Grant, Failure> {
    let (to, on) = (fields.trimmed("to"), fields.trimmed("on"));
    let wrong = |text: &str, advice: &str| Failure::wrong(format!("`{text}` is not understood: write {advice}"));
    let to = Grantee::parse(to).ok_or_else(|| wrong(to, "app:NAME, group:NAME, file:GLOB or workflow:PATTERN"))?;
    let on = GrantTarget::parse(on).ok_or_else(|| wrong(on, "secret:PATTERN, or another kind, or tag:KEY:VALUE"))?;
    let ticked = |permission: &Permission| fields.is_ticked(&format!("may-{permission}"));
    let access: Vec<_> = Permission::ALL.into_iter().filter(ticked).collect();
    if access.is_empty() {
        return Err(Failure::wrong("tick what may be done"));
    }
    Ok(Grant { to, on, access })
}

async fn make_group(State(house): State<Arc<House>>, form: Form) -> Answer {
    let made = house.handle.put_group(&form.visitor.who, form.fields.trimmed("name").to_owned()).await;
    done(&house, &form, failed(made), "group-made")
}

async fn join(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    change_members(&house, name, form, Membership::Join).await
}

async fn leave(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    change_members(&house, name, form, Membership::Leave).await
}

async fn change_members(house: &House, name: String, form: Form, membership: Membership) -> Answer {
    let member = form.fields.trimmed("member");
    let changed = match Grantee::parse(member) {
        Some(member) => failed(house.handle.change_members(&form.visitor.who, name, vec![member], membership).await),
        None => Err(Failure::wrong(format!("`{member}` is nobody: write app:NAME, file:GLOB or workflow:PATTERN"))),
    };
    done(house, &form, changed, "group-changed")
}

async fn remove_group(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    let removed = house.handle.remove_group(&form.visitor.who, name).await;
    done(&house, &form, failed(removed), "group-removed")
}
