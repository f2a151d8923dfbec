//! Signing in and out: a link of the command line, or the key of an application, becomes a session.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::{ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use crate::daemon::{Error, SignedOut};
use crate::ui::form::{Fields, Form};
use crate::ui::parts::{layout, notice};
use crate::ui::routes::Routes;
use crate::ui::visitor::{MaybeVisitor, safe_path};
use crate::ui::{Answer, Failure, House};
use crate::words::Sensitive;

pub(super) fn routes() -> Routes {
    Routes::default().open_page("/sign-in", show).open_form("/sign-in", sign_in).form("/sign-out", sign_out)
}

/// Where somebody wanted to go.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    to: String,
}

async fn show(MaybeVisitor(visitor): MaybeVisitor, Query(Wanted { to }): Query<Wanted>) -> Response {
    match visitor {
        Some(_) => Redirect::to(safe_path(&to).unwrap_or("/")).into_response(),
        None => page(&to, None).into_response(),
    }
}

async fn sign_in(
    State(house): State<Arc<House>>,
    MaybeVisitor(before): MaybeVisitor,
    headers: HeaderMap,
    fields: Fields,
) -> Answer {
    let to = safe_path(fields.get("to")).unwrap_or("/");
    let session = match signed_in(&house, &fields).await {
        Ok(session) => session,
        Err(error) => {
            let failure = Failure::from(error);
            return Ok((failure.status(), page(to, Some(failure.message()))).into_response());
        }
    };
    // Who signs in anew leaves no session behind.
    if let Some(before) = before.and_then(|before| before.session) {
        house.sessions.close(&before);
    }
    // Whoever reached us over TLS, ours or that of something before us, says so: the cookie must then take no other way.
    let is_secure = headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Strict{secure}", house.cookie, session.expose());
    Ok(([(SET_COOKIE, cookie)], Redirect::to(to)).into_response())
}

async fn signed_in(house: &House, fields: &Fields) -> Result<Sensitive, Error> {
    let handle = &house.handle;
    let link = fields.trimmed("link");
    let token = if link.is_empty() {
        let (id, secret) = (fields.trimmed("key-id"), fields.trimmed("key-secret"));
        if id.is_empty() || secret.is_empty() {
            return Err(Error::invalid("enter a sign-in link, or the id and the secret of a key"));
        }
        Some(handle.sign_in(id, &Sensitive::new(secret)).await?)
    } else {
        // Whoever pastes it pastes all of it.
        let token = link.rsplit_once('#').map_or(link, |(_, token)| token);
        handle.redeem_sign_in_link(&Sensitive::new(token)).await?;
        None
    };
    Ok(house.sessions.open(token, handle.now())?)
}

async fn sign_out(State(house): State<Arc<House>>, form: Form) -> Answer {
    let Some(session) = form.visitor.session else {
        return Err(Failure::new(StatusCode::CONFLICT, "nobody signs in at this server, so nobody signs out"));
    };
    house.sessions.close(&session);
    let cookie = format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0", house.cookie);
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}

fn page(to: &str, problem: Option<&str>) -> Markup {
    let to = safe_path(to).unwrap_or("/");
    layout::bare(
        "Sign in",
        &html! {
            h1 { "Sign in" }
            @if let Some(text) = problem { (notice::problem(text)) }
            form method="post" action="/sign-in" data-sign-in {
                input type="hidden" name="to" value=(to);
                label for="link" { "Sign-in link" }
                input #link name="link" type="password" autocomplete="off" spellcheck="false" required;
                p.hint { "Run " code { "keytide ui" } " on the machine that serves; its link is good once." }
                button.primary { "Sign in" }
            }
            details open[problem.is_some_and(|problem| problem == SignedOut::WrongKey.to_string())] {
                summary { "Sign in with the key of an application" }
                form method="post" action="/sign-in" {
                    input type="hidden" name="to" value=(to);
                    label for="key-id" { "Key id" }
                    input #key-id name="key-id" autocomplete="username" spellcheck="false" required;
                    label for="key-secret" { "Key secret" }
                    input #key-secret name="key-secret" type="password" autocomplete="current-password" required;
                    button { "Sign in" }
                }
            }
        },
    )
}
