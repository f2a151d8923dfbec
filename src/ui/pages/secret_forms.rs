//! What the forms of a secret's page do.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use serde_json::Value;

use crate::secret::{Allow, Evaluation, Version, Write, text_to_store};
use crate::ui::form::{Fields, Form, local_time};
use crate::ui::pages::secret;
use crate::ui::parts::layout;
use crate::ui::parts::link::secret_path;
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};
use crate::words::{Sensitive, Timestamp};

/// How long a revealed value stays in sight, in seconds: long enough to copy it. The script has the same number.
pub(super) const REVEALED_SECONDS: u64 = 30;

pub(super) fn routes() -> Routes {
    Routes::default()
        .form("/secrets/{name}", update)
        .form("/secrets/{name}/reveal", reveal)
        .form("/secrets/{name}/tag", tag)
        .form("/secrets/{name}/untag", untag)
        .form("/secrets/{name}/roll-back", roll_back)
        .form("/secrets/{name}/delete", delete)
}

/// What somebody wants to be stored.
pub(super) struct Written {
    pub(super) value: Sensitive,
    pub(super) expires: Option<Timestamp>,
}

/// Reads what is to be stored, and refuses what looks like no secret unless its box is ticked.
pub(super) fn written(fields: &Fields) -> Result<Written, Failure> {
    let allow = if fields.is_ticked("force") { Allow::ALL } else { Allow::default() };
    let value = Value::from(fields.lines("value").expose());
    let value = text_to_store(&value, Evaluation::Literal, allow).map_err(|refusal| {
        Failure::wrong(format!("the value is refused: {refusal}; to store it all the same, tick the box below it"))
    })?;
    Ok(Written { value, expires: local_time(fields.trimmed("expires"))? })
}

/// Returns the fields of a form that say until when a value is good, and that it is meant in spite of its looks.
pub(super) fn expiry_and_force() -> Markup {
    html! {
        label for="expires" { "Expires, in UTC (if you know it)" }
        input #expires name="expires" type="datetime-local" max="9999-12-31T23:59";
        label.box { input type="checkbox" name="force" value="yes"; "Store it even if it looks like no secret" }
        p.hint { "An empty text, a page of HTML, a mask or an expression is refused otherwise." }
    }
}

impl House {
    /// Stores a value for who sent it.
    pub(super) async fn put_secret(
        &self,
        visitor: &Visitor,
        name: &str,
        value: Sensitive,
        expires: Option<Timestamp>,
    ) -> Result<(), Failure> {
        let write = Write { name: name.to_owned(), value, expires, plain: false };
        self.handle.put_secrets(&visitor.who, vec![write]).await?;
        Ok(())
    }
}

fn back(name: &str, done: &str) -> Response {
    Redirect::to(&format!("{}?done={done}", secret_path(name))).into_response()
}

async fn update(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    // The page changes what is there, and makes nothing that somebody else has just removed.
    if !house.handle.secret_exists(&form.visitor.who, &name).await? {
        return Err(Failure::missing(format!("there is no secret `{name}`")));
    }
    let written = match written(&form.fields) {
        Ok(written) => written,
        Err(failure) => return secret::again(&house, &form.visitor, &name, &failure).await,
    };
    house.put_secret(&form.visitor, &name, written.value, written.expires).await?;
    Ok(back(&name, "stored"))
}

/// The one page with a value in it: it was asked for by a form, is kept nowhere, and leaves by itself.
async fn reveal(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    let version = match form.fields.trimmed("version") {
        "" => Version::Current,
        number => Version::parse(number).ok_or_else(|| Failure::wrong(format!("`{number}` is no version")))?,
    };
    let value = house.handle.reveal(&form.visitor.who, &name, version).await?;
    if form.fields.get("as") == "text" {
        return Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], value.expose().to_owned()).into_response());
    }
    let path = secret_path(&name);
    let content = html! {
        h1 { (name) }
        pre.value tabindex="0" { (value.expose()) }
        p { "It leaves this page after " (REVEALED_SECONDS) " seconds. " a.button href=(path) { "Hide it now" } }
    };
    let refresh = ("refresh", format!("{REVEALED_SECONDS}; url={path}"));
    Ok(([refresh], layout::bare(&name, &content)).into_response())
}

async fn tag(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    let tag = form.fields.trimmed("tag");
    let Some((key, value)) = tag.split_once(':').map(|(key, value)| (key.trim(), value.trim())) else {
        let failure = Failure::wrong(format!("`{tag}` is no tag: write it as key:value"));
        return secret::again(&house, &form.visitor, &name, &failure).await;
    };
    set_tag(&house, &form.visitor, &name, key.to_owned(), Some(value.to_owned())).await?;
    Ok(back(&name, "tagged"))
}

async fn untag(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    let key = form.fields.get("key").to_owned();
    set_tag(&house, &form.visitor, &name, key, None).await?;
    Ok(back(&name, "untagged"))
}

async fn set_tag(
    house: &House,
    visitor: &Visitor,
    name: &str,
    key: String,
    value: Option<String>,
) -> Result<(), Failure> {
    house.handle.tag_secret(&visitor.who, name, vec![(key, value)]).await?;
    Ok(())
}

async fn roll_back(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    let to = form.fields.trimmed("to");
    let to = Version::parse(to).ok_or_else(|| Failure::wrong(format!("`{to}` is no version")))?;
    house.handle.roll_back_secret(&form.visitor.who, &name, to).await?;
    Ok(back(&name, "rolled-back"))
}

async fn delete(State(house): State<Arc<House>>, Path(name): Path<String>, form: Form) -> Answer {
    if form.fields.trimmed("confirm") != name {
        let failure = Failure::wrong(format!("nothing was deleted: what you wrote is not the name `{name}`"));
        return secret::again(&house, &form.visitor, &name, &failure).await;
    }
    house.handle.remove_secret(&form.visitor.who, &name).await?;
    Ok(Redirect::to("/secrets?done=removed").into_response())
}
